"""Missions made of a flown one: the rest after a battery swap, and the photographs that are missing. Pure.

What comes out is a mission like any other, and is judged like any other before it is flown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import hypot, nan
from typing import NamedTuple

from patrol.errors import MissionUncompilable
from patrol.flight.compare import Firmware
from patrol.flight.seen import Picture
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.mission import (
    DO_CHANGE_SPEED,
    DO_JUMP,
    DO_MOUNT_CONTROL,
    DO_SET_CAM_TRIGG_DIST,
    DO_SET_ROI_LOCATION,
    DO_SET_ROI_NONE,
    FRAME_MISSION,
    FRAME_RELATIVE,
    IMAGE_START_CAPTURE,
    NAV_LAND,
    NAV_RETURN_TO_LAUNCH,
    NAV_TAKEOFF,
    NAV_WAYPOINT,
    Item,
    Mission,
    has_place,
)

GIMBAL_PITCHYAW = 1000
FLOWN_TO = frozenset({NAV_WAYPOINT, 17, 18, 19, NAV_TAKEOFF, NAV_LAND, 82})
CAMERA = frozenset({DO_MOUNT_CONTROL, GIMBAL_PITCHYAW, DO_SET_ROI_LOCATION, DO_SET_ROI_NONE})
SHOTS_BACK = 3
DOWN = frozenset({NAV_LAND, NAV_RETURN_TO_LAUNCH})


class Place(NamedTuple):
    """Where a photograph belongs. Height above home."""

    at: LatLon
    up_m: float


def item_of(firmware: Firmware, item: int) -> int:
    """An item as the vehicle counts it, as it stands in `Mission.items`: ArduPilot counts home."""
    return max(item - 1, 0) if firmware == "ardupilot" else item


def rest_of(mission: Mission, item: int, broke_off: LatLon | None = None, back_m: float = 0.0) -> Mission:
    """The mission from `item` on (counted from 0 in `mission.items`), after a new take-off.

    It goes to where it broke off, less `back_m` along the leg (the whole leg again where that is not known), with speed, camera
    angle and trigger as they were, and continues. `back_m` 0: three distances between photographs where the camera was triggered by
    distance. Raises MissionUncompilable for a mission with jumps, whose state cannot be told, and for one without a rest.
    """
    _no_jumps(mission)
    if not 0 <= item < len(mission.items) or mission.items[item].command in {NAV_LAND, NAV_RETURN_TO_LAUNCH}:
        raise MissionUncompilable(item=item + 1, autopilot=mission.autopilot, cause="nothing is left to fly")
    takeoff = next((i for i in mission.items if i.command == NAV_TAKEOFF), None)
    if takeoff is None or item <= mission.items.index(takeoff):
        return mission
    done = mission.items[:item]
    trigger = _last(done, {DO_SET_CAM_TRIGG_DIST})
    spacing_m = max(trigger.p1, 0.0) if trigger is not None else 0.0
    start = _start(mission, item, broke_off, back_m or SHOTS_BACK * spacing_m)
    states = [_last(done, {DO_CHANGE_SPEED}), *(_last(done, {c}) for c in (DO_MOUNT_CONTROL, GIMBAL_PITCHYAW))]
    roi = _last(done, {DO_SET_ROI_LOCATION, DO_SET_ROI_NONE})
    states.append(roi if roi is not None and roi.command == DO_SET_ROI_LOCATION else None)
    if trigger is not None and spacing_m > 0:
        states.append(trigger._replace(p3=1.0))  # and one at once
    restored = [state for state in states if state is not None]
    speed = [i for i in restored if i.command == DO_CHANGE_SPEED]
    others = [i for i in restored if i.command != DO_CHANGE_SPEED]
    items = (takeoff, *speed, *([] if start is None else [start]), *others, *mission.items[item:])
    return replace(mission, items=items, name=f"{mission.name}-rest")


def _start(mission: Mission, item: int, broke_off: LatLon | None, back_m: float) -> Item | None:
    """The waypoint to begin at: on the leg in hand, or at its beginning."""
    before = [i for i in mission.items[:item] if i.command in FLOWN_TO and has_place(i)]
    ahead = next((i for i in mission.items[item:] if i.command in FLOWN_TO and has_place(i)), None)
    if not before:
        return None
    yaw = nan if mission.autopilot == "px4" else 0.0
    begin = Item(
        NAV_WAYPOINT, before[-1].frame, 0.0, 0.0, 0.0, yaw, before[-1].lat_deg, before[-1].lon_deg, before[-1].alt_m
    )
    if broke_off is None or ahead is None or ahead.command == NAV_LAND:
        return begin
    frame = LocalFrame(mission.home)
    a = frame.to_local(LatLon(begin.lat_deg, begin.lon_deg))
    b, p = frame.to_local(LatLon(ahead.lat_deg, ahead.lon_deg)), frame.to_local(broke_off)
    length_m = hypot(b[0] - a[0], b[1] - a[1])
    if length_m < 1.0:
        return begin
    along_m = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length_m
    share = max(0.0, min(1.0, (along_m - back_m) / length_m))
    place = frame.to_wgs84(EastNorth(a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
    return begin._replace(
        lat_deg=place.lat_deg, lon_deg=place.lon_deg, alt_m=begin.alt_m + share * (ahead.alt_m - begin.alt_m)
    )


def _last(items: Sequence[Item], commands: set[int]) -> Item | None:
    return next((item for item in reversed(items) if item.command in commands), None)


def _no_jumps(mission: Mission) -> None:
    for n, item in enumerate(mission.items, 1):
        if item.command == DO_JUMP:
            raise MissionUncompilable(item=n, autopilot=mission.autopilot, cause="a mission with jumps is not divided")


def missed_places(pictures: Iterable[Picture], home_amsl_m: float) -> tuple[Place, ...]:
    """Where the photographs with missing numbers belong: evenly between the ones before and after. Numbers only grow."""
    found = list[Place]()
    for a, b in pairwise(sorted(pictures, key=lambda p: p.number)):
        frame = LocalFrame(a.at)
        end = frame.to_local(b.at)
        for number in range(a.number + 1, b.number):
            share = (number - a.number) / (b.number - a.number)
            place = frame.to_wgs84(EastNorth(end[0] * share, end[1] * share))
            found.append(Place(place, a.amsl_m + share * (b.amsl_m - a.amsl_m) - home_amsl_m))
    return tuple(found)


def undone(mission: Mission, item: int | None, broke_off: LatLon | None, places: Sequence[Place]) -> Mission:
    """Everything that a flight left undone as one mission: the rest from `item` on (None: it was flown to its end), and
    one photograph at each of `places` before it comes down. Raises MissionUncompilable as `rest_of` and `refly` do.
    """
    if item is None:
        return refly(mission, places)
    rest = rest_of(mission, item, broke_off)
    down = next((n for n in reversed(range(len(rest.items))) if rest.items[n].command in DOWN), None)
    if not places or down is None:
        return rest
    return replace(rest, items=(*rest.items[:down], *_stops(mission, places), *rest.items[down:]))


def refly(mission: Mission, places: Sequence[Place]) -> Mission:
    """One photograph at each place, in the order given, with the mission's own camera angle; up and down as the mission does.

    Raises MissionUncompilable when there is nothing to fly, or the mission neither takes off nor comes down.
    """
    takeoff = next((i for i in mission.items if i.command == NAV_TAKEOFF), None)
    down = next((i for i in reversed(mission.items) if i.command in DOWN), None)
    if not places or takeoff is None or down is None:
        raise MissionUncompilable(item=1, autopilot=mission.autopilot, cause="there is nothing to fly again")
    camera = [i for i in mission.items if i.command in CAMERA][:1]
    speed = [i for i in mission.items if i.command == DO_CHANGE_SPEED][:1]
    items = (takeoff, *speed, *camera, *_stops(mission, places), down)
    return replace(mission, items=items, name=f"{mission.name}-again")


def _stops(mission: Mission, places: Sequence[Place]) -> list[Item]:
    photo = Item(IMAGE_START_CAPTURE, FRAME_MISSION, 0.0, 0.0, 1.0)
    yaw = nan if mission.autopilot == "px4" else 0.0
    stops = list[Item]()
    for place in places:
        stops += [Item(NAV_WAYPOINT, FRAME_RELATIVE, 1.0, 0.0, 0.0, yaw, *place.at, place.up_m), photo]
    return stops
