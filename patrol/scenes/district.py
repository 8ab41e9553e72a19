"""The world of a configuration file: its buildings, roads and fire lanes, with what a city has between them. Pure.

The configuration says where things are; lawns, trees, lamps, driveways and the fences around watched perimeters are
made up from a seed, kept out of the carriageways and out of the sight of the cameras onto their zones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.config import Config
from patrol.config.shape import CameraConfig
from patrol.geo import Camera, LatLon, LocalFrame
from patrol.scenes.ground import beside, length_m, meeting, stretch
from patrol.scenes.world import Area, Building, BuildingStyle, Fence, FireLane, Point, Prop, Road, World

Floats = NDArray[np.float64]
DRIVEWAY_AT_MOST_M = 25.0  # a fire lane's end farther than this from a road is a dead end
FENCE_AWAY_M = 0.8  # the fence stands this far outside the watched perimeter
GATE_M = 3.2
APRON_M = 1.6  # paving around buildings
FOOTWAY_M = 1.7  # and beside fire lanes
PERIMETER_WALK_M = 6.0


@dataclass(frozen=True)
class Watch:
    """A zone of a camera in the picture, and what it stands for; as in the configuration."""

    zone_id: str
    hazard: str
    polygon_px: tuple[Point, ...]
    dwell_s: float
    fire_lane: str | None = None


@dataclass(frozen=True)
class Strip:
    """A long narrow polygon as a line with a width: `at(along, right)` gives points of it."""

    start: Point
    end: Point
    width_m: float

    @property
    def length_m(self) -> float:
        """From end to end."""
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    @property
    def bearing_deg(self) -> float:
        """Direction from start to end, clockwise from north."""
        return degrees(atan2(self.end[0] - self.start[0], self.end[1] - self.start[1]))

    def at(self, along_m: float, right_m: float = 0.0) -> Point:
        """The point so far from the start and so far right of the middle line."""
        ux, uy = (self.end[0] - self.start[0]) / self.length_m, (self.end[1] - self.start[1]) / self.length_m
        return self.start[0] + ux * along_m + uy * right_m, self.start[1] + uy * along_m - ux * right_m


def local_frame(config: Config) -> LocalFrame:
    """The metric frame of the district."""
    return LocalFrame(config.district.origin)


def local(frame: LocalFrame, points: Sequence[LatLon]) -> tuple[Point, ...]:
    """Points of the configuration in metres."""
    flat = frame.many_to_local([p.lat_deg for p in points], [p.lon_deg for p in points])
    return tuple((float(x), float(y)) for x, y in flat)


def watches(camera: CameraConfig) -> tuple[Watch, ...]:
    """A camera's zones."""
    return tuple(
        Watch(
            z.id,
            z.hazard,
            tuple((float(x), float(y)) for x, y in z.polygon_px),
            float(z.dwell_s),
            getattr(z, "fire_lane", None),
        )
        for z in camera.zones
    )


def strip_of(polygon: Sequence[Point], near: Point) -> Strip:
    """The middle line of a long polygon (its smallest surrounding rectangle), starting at the end nearer to `near`."""
    (cx, cy), (w, h), turn = cv2.minAreaRect(np.asarray(polygon, np.float32))
    angle = np.radians(turn if w >= h else turn + 90.0)
    half = max(w, h) / 2 * np.array([np.cos(angle), np.sin(angle)])
    ends = [(float(cx - half[0]), float(cy - half[1])), (float(cx + half[0]), float(cy + half[1]))]
    ends.sort(key=lambda p: hypot(p[0] - near[0], p[1] - near[1]))
    return Strip(ends[0], ends[1], float(min(w, h)))


def ground_polygon(camera: Camera, watch: Watch) -> tuple[Point, ...] | None:
    """The zone on the ground, or None when part of it is at or above the horizon."""
    points = camera.to_plane(watch.polygon_px)
    return tuple((float(x), float(y)) for x, y in points) if np.isfinite(points).all() else None


def nearest_on(line: Sequence[Point], point: Point) -> tuple[Point, float]:
    """The point of a polyline nearest to `point`, and how far it is."""
    best, least = line[0], float("inf")
    p = np.asarray(point, float)
    for a, b in zip(np.asarray(line[:-1], float), np.asarray(line[1:], float), strict=True):
        t = min(max(float(np.dot(p - a, b - a) / max(np.dot(b - a, b - a), 1e-9)), 0.0), 1.0)
        q = a + (b - a) * t
        away = float(np.hypot(*(p - q)))
        if away < least:
            best, least = (float(q[0]), float(q[1])), away
    return best, least


def world_from_config(config: Config, seed: int = 0, sheds: Mapping[str, int] | None = None) -> World:
    """The district. `sheds`: how many tin structures stand on which building's roof (none unless named)."""
    frame = local_frame(config)
    rng = np.random.default_rng([seed, 211])
    buildings = tuple(
        Building(
            b.id, local(frame, b.footprint), b.height_m, _style(b.height_m), seed * 7919 + k, (sheds or {}).get(b.id, 0)
        )
        for k, b in enumerate(config.buildings)
    )
    roads = _roads(config, frame)
    lanes = tuple(FireLane(x.id, local(frame, x.area)) for x in config.fire_lanes)
    areas = [Area("paving", _grown(b.footprint, APRON_M), k) for k, b in enumerate(buildings)]
    areas += [Area("paving", _grown(lane.polygon, FOOTWAY_M), 40 + k) for k, lane in enumerate(lanes)]
    driveways = [d for lane in lanes for d in _driveways(lane, roads)]
    areas += [Area("asphalt", lane.polygon, k) for k, lane in enumerate(lanes)]
    areas += [Area("asphalt", d, 50 + k) for k, d in enumerate(driveways)]
    fences: list[Fence] = []
    sights: list[Floats] = []
    for camera in config.cameras:
        seen = camera.geo(frame)
        for watch in watches(camera) if seen is not None else ():
            polygon = ground_polygon(seen, watch) if seen is not None else None
            if seen is None or polygon is None:
                continue
            here = (seen.pose.east_m, seen.pose.north_m)
            sights.append(cv2.convexHull(np.asarray([here, *polygon], np.float32))[:, 0].astype(float))
            if watch.hazard == "perimeter-intrusion":
                areas.append(Area("paving", _grown(polygon, PERIMETER_WALK_M), 89))
                areas.append(Area("concrete", _grown(polygon, FENCE_AWAY_M), 90))
                fences += perimeter_fence(polygon, here)
    clear = [np.asarray(p, float) for p in (*[b.footprint for b in buildings], *[x.polygon for x in lanes], *driveways)]
    clear += [np.asarray(_grown(f.line, 0.5)[: len(f.line)], float) for f in fences if len(f.line) > 2]
    props = _street_things(roads, clear, sights, rng)
    xs, ys = zip(*local(frame, config.district.boundary), strict=True)
    extent = (min(xs), min(ys), max(xs), max(ys))
    return World(
        extent,
        "grass",
        buildings,
        roads,
        tuple(areas),
        lanes,
        props,
        tuple(fences),
        config.district.origin.lat_deg,
        seed,
    )


def _style(height_m: float) -> BuildingStyle:
    return "office" if height_m >= 40 else "industrial" if height_m <= 9 else "residential"


def _roads(config: Config, frame: LocalFrame) -> tuple[Road, ...]:
    lines = [local(frame, r.line) for r in config.roads]
    roads = []
    for k, road in enumerate(config.roads):
        zebras: list[float] = []
        for j, other in enumerate(config.roads):
            for along, _ in crossings(lines[k], lines[j]) if j != k else ():
                zebras += [along - other.width_m / 2 - 6.5, along + other.width_m / 2 + 2.5]
        roads.append(
            Road(lines[k], road.width_m, 2 if road.width_m >= 6 else 1, 3.6, tuple(z for z in zebras if z > 1))
        )
    return tuple(roads)


def crossings(line: Sequence[Point], other: Sequence[Point]) -> list[tuple[float, Point]]:
    """Where two polylines cross: metres along the first, and the point."""
    return [(along, point) for point, _, _, along in meeting(line, other)]


def _grown(polygon: Sequence[Point], by_m: float) -> tuple[Point, ...]:
    """A convex polygon with its corners moved away from the middle along both axes."""
    p = np.asarray(polygon, float)
    middle = (p.min(axis=0) + p.max(axis=0)) / 2
    away = np.sign(p - middle) * by_m
    return tuple((float(x), float(y)) for x, y in p + away)


def _driveways(lane: FireLane, roads: Sequence[Road]) -> list[tuple[Point, ...]]:
    """Asphalt from the lane's ends to the roads they open on."""
    found = []
    strip = strip_of(lane.polygon, lane.polygon[0])
    for tip, inner in ((strip.start, strip.end), (strip.end, strip.start)):
        out = np.array([tip[0] - inner[0], tip[1] - inner[1]]) / strip.length_m
        for road in roads:
            hits = crossings(
                (tip, (tip[0] + out[0] * DRIVEWAY_AT_MOST_M, tip[1] + out[1] * DRIVEWAY_AT_MOST_M)), road.centreline
            )
            if hits:
                side = np.array([out[1], -out[0]]) * strip.width_m / 2
                a, b = np.asarray(tip) - out * 0.3, np.asarray(hits[0][1]) - out * (road.width_m / 2 - 0.6)
                corners = (a - side, a + side, b + side * 1.25, b - side * 1.25)
                found.append(tuple((float(x), float(y)) for x, y in corners))
                break
    return found


def perimeter_fence(polygon: Sequence[Point], camera_at: Point) -> list[Fence]:
    """Bars around a watched perimeter, with a gap in the middle of the side nearest to the camera."""
    outer = np.asarray(_grown(polygon, FENCE_AWAY_M), float)
    closed = np.vstack([outer, outer[:1]])
    a, b = closed[gate_side(polygon, camera_at)], closed[gate_side(polygon, camera_at) + 1]
    fences = []
    for k in range(len(outer)):
        p, q = closed[k], closed[k + 1]
        if k == gate_side(polygon, camera_at):
            way = (b - a) / np.hypot(*(b - a))
            middle = (a + b) / 2
            pieces = [(a, middle - way * GATE_M / 2), (middle + way * GATE_M / 2, b)]
        else:
            pieces = [(p, q)]
        fences += [Fence("bars", ((float(s[0]), float(s[1])), (float(e[0]), float(e[1]))), 1.7, k) for s, e in pieces]
    return fences


def gate_side(polygon: Sequence[Point], camera_at: Point) -> int:
    """Which side of the perimeter has the gate: the one whose middle is nearest to the camera."""
    p = np.asarray(polygon, float)
    middles = (p + np.roll(p, -1, axis=0)) / 2
    return int(np.argmin(np.hypot(*(middles - np.asarray(camera_at)).T)))


def _street_things(
    roads: Sequence[Road], clear: Sequence[Floats], sights: Sequence[Floats], rng: np.random.Generator
) -> tuple[Prop, ...]:
    """Trees, lamps and small things along both sides of the roads, where there is room and no camera's sight is blocked."""
    props: list[Prop] = []

    def room(x: float, y: float, free_m: float) -> bool:
        here = (float(x), float(y))
        if any(nearest_on(r.centreline, here)[1] < r.width_m / 2 + 0.7 for r in roads):
            return False
        if any(cv2.pointPolygonTest(c.astype(np.float32), here, True) > -free_m for c in clear):
            return False
        return not any(cv2.pointPolygonTest(s.astype(np.float32), here, True) > -3.0 for s in sights)

    for road in roads:
        length = length_m(road.centreline)
        for side in (-1.0, 1.0):
            rows = (
                ("tree", 11.0, 2.6, 2.2),
                ("lamp", 28.0, 1.1, 0.8),
                ("bush", 3.7, 4.4, 1.2),
                ("bin", 47.0, 1.8, 0.8),
                ("bench", 59.0, 3.2, 1.0),
                ("sign", 71.0, 1.2, 0.8),
            )
            for kind, step, away, free_m in rows:
                for along in np.arange(step / 2, length, step):
                    piece = stretch(road.centreline, float(along), float(along) + 0.5)
                    x, y = beside(piece, side * (road.width_m / 2 + away + float(rng.uniform(0, 0.4))))[0]
                    keep = rng.random() < (0.55 if kind == "bush" else 0.92)
                    if keep and room(x, y, free_m):
                        to_road = degrees(atan2(piece[0][0] - x, piece[0][1] - y))
                        props.append(Prop(kind, float(x), float(y), to_road, int(rng.integers(1 << 30))))  # type: ignore[arg-type]  # words of PropKind
    return tuple(props)
