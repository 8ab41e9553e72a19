"""A mission into the items of one autopilot. Pure; one model (`planning.mission.Mission`), two compilers.

What each takes was read off recorded refusals: ArduPilot wants home in slot 0, no NaN, and forgets the
second to fourth parameter of a waypoint; PX4 wants items without a place in frame 2, NaN for "no yaw", legs
under 900 m, no turns, and reads a rally point's height as above sea level. Compiled lists hold nothing that
the vehicle would change, so that reading back can compare exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, isnan, nan, pi, sin

from patrol.errors import MissionUncompilable
from patrol.flight.compare import PLACED, Firmware
from patrol.flight.install import digest_of
from patrol.flight.items import Params, WireItem
from patrol.flight.messages import MissionType
from patrol.geo import EastNorth, LatLon, LocalFrame, distance_m
from patrol.planning.mission import FencePolygon, Item, Mission, has_place

DO_JUMP, MOUNT_CONTROL, LOITER_TURNS, WAYPOINT, TAKEOFF, ROI, ROI_NONE = 177, 205, 18, 16, 22, 195, 197
RELATIVE_INT, AMSL_INT, TERRAIN_INT, PLACELESS = 6, 5, 11, 2
INT_FRAME: Mapping[int, int] = {0: AMSL_INT, 3: RELATIVE_INT, 10: TERRAIN_INT, 5: 5, 6: 6, 11: 11}
PX4_PLACED = frozenset({16, 17, 19, 21, 22, 31, 84, 85, 195, 201})
PX4_PLACELESS = frozenset({20, 93, 177, 178, 197, 203, 205, 206, 530, 1000, 2000, 2001})
ARDU_TAKEN = PLACED - {30, 31, 5000, 5001, 5002, 5003, 5004, 5100} | {
    20,
    93,
    112,
    115,
    177,
    178,
    197,
    203,
    205,
    206,
    1000,
    2000,
    2001,
}
PX4_LEG_M = 900.0  # MIS_DIST_WPS as shipped
INCLUSION, EXCLUSION, CIRCLE_IN, CIRCLE_OUT, RALLY_POINT = 5001, 5002, 5003, 5004, 5100
ORBIT_CORNERS = 12  # waypoints for one turn where the autopilot has none: within 4 % of the circle


@dataclass(frozen=True)
class Compiled:
    """The three lists for one vehicle. `digest` names them in the flight record."""

    firmware: Firmware
    lists: Mapping[MissionType, tuple[WireItem, ...]]

    @property
    def digest(self) -> str:
        """SHA-256 over the three."""
        return digest_of([item for kind in MissionType for item in self.lists[kind]], MissionType.MISSION)


def compile_mission(mission: Mission) -> Compiled:
    """The lists to upload. Raises MissionUncompilable, naming the item (counted from 1)."""
    firmware: Firmware = "px4" if mission.autopilot == "px4" else "ardupilot"
    make = _px4 if firmware == "px4" else _ardupilot
    items = tuple(make(item, n) for n, item in enumerate(mission.items, 1))
    if firmware == "ardupilot":
        home = WireItem(
            WAYPOINT, 0, Params(), _e7(mission.home.lat_deg), _e7(mission.home.lon_deg), mission.home_amsl_m
        )
        items = (home, *items)
    else:
        _check_legs(mission)
    lists = {
        MissionType.MISSION: items,
        MissionType.FENCE: _fence(mission),
        MissionType.RALLY: _rally(mission, firmware),
    }
    return Compiled(firmware, lists)


def orbit(centre: LatLon, radius_m: float, turns: int, height_m: float, firmware: Firmware) -> tuple[Item, ...]:
    """Around a place, camera on it: ArduPilot's loiter turns, or waypoints for PX4, between ROI and no ROI."""
    look = Item(ROI, 3, lat_deg=centre.lat_deg, lon_deg=centre.lon_deg, alt_m=0.0)
    away = Item(ROI_NONE, PLACELESS)
    if firmware == "ardupilot":
        return look, Item(LOITER_TURNS, 3, float(turns), 0.0, radius_m, 0.0, *centre, height_m), away
    frame = LocalFrame(centre)
    angles = [2 * pi * n / ORBIT_CORNERS for n in range(turns * ORBIT_CORNERS + 1)]
    places = [frame.to_wgs84(EastNorth(radius_m * sin(a), radius_m * cos(a))) for a in angles]
    return look, *(Item(WAYPOINT, 3, 0.0, 0.0, 0.0, nan, *place, height_m) for place in places), away


def _ardupilot(item: Item, number: int) -> WireItem:
    if item.command not in ARDU_TAKEN:
        raise MissionUncompilable(item=number, autopilot="ArduPilot", cause=f"command {item.command}")
    p = Params(*(0.0 if isnan(v) else v for v in (item.p1, item.p2, item.p3, item.p4)))
    if item.command not in PLACED:
        z = item.alt_m if item.command == MOUNT_CONTROL else 0.0
        return WireItem(item.command, PLACELESS, p, round(item.lat_deg), round(item.lon_deg), z)
    if item.command == WAYPOINT:
        if p.p1 != round(p.p1):
            raise MissionUncompilable(item=number, autopilot="ArduPilot", cause="it waits in whole seconds only")
        p = Params(p.p1)
    return _placed(item, p, number, "ArduPilot")


def _px4(item: Item, number: int) -> WireItem:
    p = Params(item.p1, item.p2, item.p3, item.p4)
    if item.command in PX4_PLACED:
        return _placed(item, p, number, "PX4")
    if item.command not in PX4_PLACELESS:
        raise MissionUncompilable(item=number, autopilot="PX4", cause=f"command {item.command}")
    if item.command == DO_JUMP:
        p = p._replace(p1=p.p1 - 1)  # PX4 counts from 0
    return WireItem(item.command, PLACELESS, p, round(item.lat_deg), round(item.lon_deg), item.alt_m)


def _placed(item: Item, p: Params, number: int, autopilot: str) -> WireItem:
    if isnan(item.alt_m) or abs(item.lat_deg) > 90 or abs(item.lon_deg) > 180:
        raise MissionUncompilable(item=number, autopilot=autopilot, cause="its place is none")
    if item.command in {WAYPOINT, LOITER_TURNS} and not has_place(item):
        raise MissionUncompilable(item=number, autopilot=autopilot, cause="a waypoint without a place")
    if item.frame not in INT_FRAME or (autopilot == "PX4" and INT_FRAME[item.frame] == TERRAIN_INT):
        raise MissionUncompilable(item=number, autopilot=autopilot, cause=f"frame {item.frame}")
    lat, lon = (0.0, 0.0) if isnan(item.lat_deg) or isnan(item.lon_deg) else (item.lat_deg, item.lon_deg)
    return WireItem(item.command, INT_FRAME[item.frame], p, _e7(lat), _e7(lon), item.alt_m)


def _check_legs(mission: Mission) -> None:
    before = mission.home
    for number, item in enumerate(mission.items, 1):
        if item.command not in PX4_PLACED - {ROI, 201} or not has_place(item):
            continue
        here = LatLon(item.lat_deg, item.lon_deg)
        if distance_m(before, here) > PX4_LEG_M:
            raise MissionUncompilable(item=number, autopilot="PX4", cause=f"a leg of more than {PX4_LEG_M:.0f} m")
        before = here


def _fence(mission: Mission) -> tuple[WireItem, ...]:
    items = list[WireItem]()
    for part in mission.fence:
        if isinstance(part, FencePolygon):
            command = INCLUSION if part.inclusion else EXCLUSION
            corners = float(len(part.ring))
            items += [WireItem(command, 0, Params(corners), _e7(p.lat_deg), _e7(p.lon_deg)) for p in part.ring]
        else:
            command = CIRCLE_IN if part.inclusion else CIRCLE_OUT
            place = part.centre
            items.append(WireItem(command, 0, Params(part.radius_m), _e7(place.lat_deg), _e7(place.lon_deg)))
    return tuple(items)


def _rally(mission: Mission, firmware: Firmware) -> tuple[WireItem, ...]:
    def one(place: LatLon, alt_m: float) -> WireItem:
        frame, z = (AMSL_INT, mission.home_amsl_m + alt_m) if firmware == "px4" else (3, alt_m)
        return WireItem(RALLY_POINT, frame, Params(), _e7(place.lat_deg), _e7(place.lon_deg), z)

    return tuple(one(rally.at, rally.alt_m) for rally in mission.rally)


def _e7(degrees: float) -> int:
    return round(degrees * 1e7)
