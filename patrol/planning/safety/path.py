"""A mission as the way it will be flown: straight legs in the local frame around home. The judge's own reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, isfinite, pi, sin
from typing import NamedTuple

import numpy as np

from patrol.geo import EastNorth, Floats, LatLon, LocalFrame, distance_m
from patrol.planning import mission as m
from patrol.planning.airspace import Terrain
from patrol.planning.mission import Item, Mission, has_place
from patrol.planning.safety.words import Violation

FAR_KM = 50.0
ENDLESS_ITEMS = 20_000
CIRCLE_PARTS = 48
# commands that move nothing
STILL = frozenset({
    m.CONDITION_YAW, m.DO_SET_ROI_LOCATION, m.DO_SET_ROI_NONE, m.DO_DIGICAM_CONTROL,
    m.DO_MOUNT_CONTROL, m.DO_SET_CAM_TRIGG_DIST, m.SET_CAMERA_MODE, m.IMAGE_START_CAPTURE, m.IMAGE_STOP_CAPTURE,
    181, 183, 184, 189, 201, 202, 204, 211, 214, 222, 1000, 2500, 2501, 530, 531, 532, 2003, 2004,
})  # fmt: skip


class Point(NamedTuple):
    """East, north, up from home, metres."""

    east_m: float
    north_m: float
    up_m: float


class Leg(NamedTuple):
    """One straight piece of the way. `hold_s` is waited at its end."""

    a: Point
    b: Point
    item: int
    speed_ms: float
    hold_s: float = 0.0
    vertical: bool = False


@dataclass
class Way:
    """All legs and what was wrong in reading them."""

    legs: list[Leg] = field(default_factory=list)
    faults: list[Violation] = field(default_factory=list)
    takes_off: bool = False
    lands: bool = False
    returns: bool = False


def read_way(mission: Mission, terrain: Terrain | None, cruise_ms: float, rtl_m: float) -> Way:
    """Follow the items as the autopilot would."""
    reader = _Reader(mission, terrain, cruise_ms, rtl_m)
    reader.run()
    return reader.way


class _Reader:
    def __init__(self, mission: Mission, terrain: Terrain | None, cruise_ms: float, rtl_m: float) -> None:
        self.mission, self.terrain, self.rtl_m = mission, terrain, rtl_m
        self.frame = LocalFrame(mission.home)
        self.at = Point(0.0, 0.0, 0.0)
        self.speed_ms = cruise_ms
        self.way = Way()
        self._jumps: dict[int, int] = {}

    def fault(self, kind: str, item: int, subject: str = "", amount: float = 0.0, unit: str = "") -> None:
        self.way.faults.append(Violation(kind, item, subject, amount, unit))

    def run(self) -> None:
        n, steps = 0, 0
        items = self.mission.items
        if not any(item.command < 95 for item in items):
            self.fault("empty", -1)
        while n < len(items) and not self.way.lands:
            steps += 1
            if steps > ENDLESS_ITEMS:
                self.fault("endless", n, "DO_JUMP")
                return
            item = items[n]
            if item.command == m.DO_JUMP:
                n = self._jump(n, item)
                continue
            self._do(n, item)
            n += 1

    def _jump(self, n: int, item: Item) -> int:
        target = int(item.p1) - 1 if isfinite(item.p1) else -1
        if not 0 <= target < len(self.mission.items):
            self.fault("jump", n, f"{item.p1:g}")
            return n + 1
        count = item.p2 if isfinite(item.p2) else 0.0
        if count < 0:
            self.fault("endless", n, "DO_JUMP -1")
            return n + 1
        used = self._jumps.get(n, 0)
        if used >= count:
            self._jumps[n] = 0
            return n + 1
        self._jumps[n] = used + 1
        return target

    def _do(self, n: int, item: Item) -> None:
        command = item.command
        if command in STILL:
            return
        if command == m.DO_CHANGE_SPEED:
            if isfinite(item.p2) and item.p2 > 0:
                self.speed_ms = item.p2
        elif command in (m.NAV_DELAY, m.CONDITION_DELAY):
            self._wait(n, item.p1)
        elif command == m.NAV_TAKEOFF:
            self._take_off(n, item)
        elif command in (m.NAV_WAYPOINT, m.NAV_LOITER_TIME, m.NAV_LOITER_UNLIM, m.NAV_LOITER_TURNS):
            self._fly_and_stay(n, item)
        elif command == m.NAV_LAND:
            self._land(n, item)
        elif command == m.NAV_RETURN_TO_LAUNCH:
            self.way.returns = self.way.lands = True
        else:
            self.fault("command", n, str(command))

    def _fly_and_stay(self, n: int, item: Item) -> None:
        target = self._target(n, item)
        if target is None:
            return
        hold_s = item.p1 if item.command in (m.NAV_WAYPOINT, m.NAV_LOITER_TIME) and isfinite(item.p1) else 0.0
        self._fly(n, target, max(hold_s, 0.0))
        if item.command == m.NAV_LOITER_UNLIM:
            self.fault("endless", n, "NAV_LOITER_UNLIM")
        if item.command == m.NAV_LOITER_TURNS:
            self._circle(n, item, target)

    def _circle(self, n: int, item: Item, centre: Point) -> None:
        radius, turns = abs(item.p3), item.p1
        if not (isfinite(radius) and isfinite(turns) and radius > 0.0 and 0.0 < turns <= 100.0):
            self.fault("command", n, "NAV_LOITER_TURNS without radius or turns")
            return
        outer = radius / cos(pi / CIRCLE_PARTS)  # chords of the larger circle hold the true one
        for k in range(int(np.ceil(turns * CIRCLE_PARTS)) + 1):
            angle = 2 * pi * k / CIRCLE_PARTS
            self._fly(n, Point(centre[0] + outer * sin(angle), centre[1] + outer * cos(angle), centre[2]))

    def _take_off(self, n: int, item: Item) -> None:
        self.way.takes_off = True
        target = self._target(n, item)
        if target is None:
            return
        self._rise(n, target.up_m)
        if np.hypot(target.east_m - self.at.east_m, target.north_m - self.at.north_m) > 0.5:
            self._fly(n, target)

    def _land(self, n: int, item: Item) -> None:
        target = self._target(n, item._replace(frame=m.FRAME_RELATIVE, alt_m=self.at.up_m))
        if target is None:
            return
        self._fly(n, target)
        down = self._ground_m(self.at) if self.terrain is not None else 0.0
        self._rise(n, down)
        self.way.lands = True

    def _rise(self, n: int, up_m: float) -> None:
        if abs(up_m - self.at.up_m) > 1e-9:
            end = self.at._replace(up_m=up_m)
            self.way.legs.append(Leg(self.at, end, n, self.speed_ms, 0.0, vertical=True))
            self.at = end

    def _fly(self, n: int, target: Point, hold_s: float = 0.0) -> None:
        if np.hypot(target.east_m - self.at.east_m, target.north_m - self.at.north_m) < 1e-3:
            self._rise(n, target.up_m)
            if hold_s:
                self._wait(n, hold_s)
            return
        self.way.legs.append(Leg(self.at, target, n, self.speed_ms, hold_s))
        self.at = target

    def _wait(self, n: int, hold_s: float) -> None:
        if isfinite(hold_s) and hold_s > 0.0:
            self.way.legs.append(Leg(self.at, self.at, n, self.speed_ms, hold_s, vertical=True))

    def _target(self, n: int, item: Item) -> Point | None:
        if not has_place(item):
            where: EastNorth | None = EastNorth(self.at.east_m, self.at.north_m)
        else:
            where = self._where(n, item)
        if where is None:
            return None
        up_m = self._up(n, item, where)
        return None if up_m is None else Point(where.east_m, where.north_m, up_m)

    def _where(self, n: int, item: Item) -> EastNorth | None:
        if abs(item.lat_deg) > 90.0 or abs(item.lon_deg) > 180.0:
            self.fault("place", n, f"{item.lat_deg:g}, {item.lon_deg:g}")
            return None
        place, home = LatLon(item.lat_deg, item.lon_deg), self.mission.home
        away_km = distance_m(place, home) / 1000.0
        if away_km > FAR_KM:
            exchanged = LatLon(item.lon_deg, item.lat_deg)
            near = abs(item.lon_deg) <= 90.0 and distance_m(exchanged, home) / 1000.0 <= FAR_KM
            self.fault("swapped" if near else "far", n, "", away_km, "km")
            return None
        return self.frame.to_local(place)

    def _up(self, n: int, item: Item, where: EastNorth) -> float | None:
        if not isfinite(item.alt_m):
            self.fault("parameter", n, "altitude")
            return None
        if item.frame in (m.FRAME_RELATIVE, m.FRAME_RELATIVE_INT):
            return item.alt_m
        if item.frame in (m.FRAME_AMSL, m.FRAME_AMSL_INT):
            return item.alt_m - self.mission.home_amsl_m
        if item.frame in (m.FRAME_TERRAIN, m.FRAME_TERRAIN_INT) and self.mission.autopilot != "px4":
            return item.alt_m + self._ground_m(Point(where.east_m, where.north_m, 0.0))
        self.fault("frame", n, str(item.frame))
        return None

    def _ground_m(self, point: Point) -> float:
        return float(ground_m(self.terrain, self.frame, np.array([[point.east_m, point.north_m]]))[0])


def ground_m(terrain: Terrain | None, frame: LocalFrame, places: Floats) -> Floats:
    """(n, 2) places to (n,) heights of the ground above home's: the terrain's own grid, mixed by areas. NaN unknown."""
    if terrain is None:
        return np.zeros(len(places))
    points = np.concatenate([[[0.0, 0.0]], places])
    wgs84 = frame.many_to_wgs84(points)
    row = (terrain.north_deg - wgs84[:, 0]) / terrain.step_lat_deg
    column = (wgs84[:, 1] - terrain.west_deg) / terrain.step_lon_deg
    rows, columns = terrain.heights_m.shape
    outside = (row < 0) | (column < 0) | (row > rows - 1) | (column > columns - 1)
    total = np.zeros(len(points))
    for dr in (0, 1):
        for dc in (0, 1):
            r = np.clip(np.floor(row) + dr, 0, rows - 1).astype(int)
            c = np.clip(np.floor(column) + dc, 0, columns - 1).astype(int)
            weight = (1 - np.abs(row - np.floor(row) - dr)) * (1 - np.abs(column - np.floor(column) - dc))
            total += np.where(weight > 0, weight * terrain.heights_m[r, c], 0.0)
    total[outside] = np.nan
    return np.asarray(total[1:] - total[0])
