"""Random areas, skies, winds and drones for property tests and the benchmark; and a brute-force judge by samples.

The sampler shares nothing with planner or judge but `patrol.geo`: it steps along a mission every few decimetres and
asks Shapely for distances. It sees only what our own missions hold (take-off, waypoints, landing).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
import shapely

from patrol.geo import EastNorth, Floats, LatLon, Lens, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Obstacle, Zone
from patrol.planning.drone import Drone, SurveyCamera, Wind
from patrol.planning.mission import NAV_LAND, NAV_TAKEOFF, NAV_WAYPOINT, Mission
from patrol.planning.plan import FlightPlan
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey

CAMERAS = (
    SurveyCamera(Lens.from_hfov(4000, 3000, 73.0), 0.7, 1 / 1000, "wide"),
    SurveyCamera(Lens.from_hfov(5472, 3648, 65.0), 1.0, 1 / 1000, "one inch"),
    SurveyCamera(Lens.from_hfov(640, 512, 42.0), 0.3, 1 / 250, "thermal"),
)
DRONES = (
    Drone("small", CAMERAS[0], "ardupilot", 9.0, 15.0, 9.0, mass_kg=1.4, disk_area_m2=0.2, battery_wh=80.0),
    Drone("large", CAMERAS[1], "px4", 12.0, 20.0, 12.0, mass_kg=6.0, disk_area_m2=0.9, battery_wh=500.0, drag_area_m2=0.08),
    Drone("hot", CAMERAS[2], "ardupilot", 7.0, 14.0, 10.0, mass_kg=2.2, disk_area_m2=0.35, battery_wh=150.0),
)  # fmt: skip
HOMES = (
    LatLon(22.5431, 114.0579),
    LatLon(-33.9, 18.4),
    LatLon(60.17, 24.94),
    LatLon(0.01, 179.9999),
    LatLon(35.7, 139.7),
)


@dataclass(frozen=True)
class World:
    """One random task."""

    intent: AreaSurvey
    setting: Setting


def world(seed: int) -> World:
    """The task with number `seed`; always the same."""
    rng = np.random.default_rng(seed)
    home = HOMES[seed % len(HOMES)]
    frame = LocalFrame(home)
    size = float(rng.uniform(80, 700))
    centre = rng.uniform(-400, 400, 2)
    areas = [_rings(_shape(rng, centre, size), frame)]
    if rng.random() < 0.2:
        areas.append(_rings(_shape(rng, centre + rng.uniform(-1, 1, 2) * 1.5 * size, size / 2), frame))
    drone = DRONES[int(rng.integers(len(DRONES)))]
    height = float(rng.uniform(35, 115))
    airspace = Airspace(
        boundary=_boundary(rng, frame) if rng.random() < 0.3 else (),
        zones=tuple(_zone(rng, frame, n, centre, size) for n in range(int(rng.integers(0, 5)))),
        buildings=tuple(_building(rng, frame, n, centre, size) for n in range(int(rng.integers(0, 4)))),
        standoff_m=float(rng.uniform(2, 15)),
    )
    landings = tuple(
        frame.to_wgs84(EastNorth(*(centre + rng.uniform(-1, 1, 2) * size))) for _ in range(int(rng.integers(0, 4)))
    )
    wind = Wind(float(rng.uniform(0, 8)), float(rng.uniform(0, 360))) if rng.random() < 0.7 else Wind()
    intent = AreaSurvey(
        tuple(areas),
        height_m=height,
        front_overlap=float(rng.uniform(0.0, 0.8)),
        side_overlap=float(rng.uniform(0.0, 0.8)),
        bearing_deg=float(rng.uniform(0, 180)) if rng.random() < 0.3 else None,
        cross=bool(rng.random() < 0.1),
        name=f"world {seed}",
    )
    return World(intent, Setting(drone, home, airspace, landings, wind))


def _shape(rng: np.random.Generator, centre: Floats, size: float) -> shapely.Polygon:
    kind = rng.integers(4)
    count = int(rng.integers(3, 14))
    angles = np.sort(rng.uniform(0, 2 * pi, count)) + np.linspace(0, 0.01, count)
    if kind == 0:  # star-shaped, often concave
        radii = rng.uniform(0.25, 1.0, count) * size / 2
        shape = shapely.Polygon(centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None])
    elif kind == 1:  # convex
        shape = shapely.MultiPoint(centre + rng.uniform(-0.5, 0.5, (count, 2)) * size).convex_hull
    else:  # rectangles together: L, T, U, plus
        parts = [
            shapely.box(x, y, x + w, y + h)
            for x, y, w, h in zip(*(rng.uniform(a, b, 4) for a, b in ((0, 0.4), (0, 0.4), (0.2, 0.6), (0.2, 0.6))), strict=True)
        ]  # fmt: skip
        union = shapely.union_all(parts)
        largest = max(shapely.get_parts(union), key=lambda p: p.area)
        turned = shapely.transform(largest, lambda xy: _turn((xy - 0.5) * size, float(rng.uniform(0, pi))) + centre)
        shape = shapely.Polygon(turned.exterior)
    shape = max(shapely.get_parts(shapely.make_valid(shape)), key=lambda p: p.area)
    if shape.geom_type != "Polygon" or shape.area < 400.0:
        shape = shapely.Point(*centre).buffer(size / 3, quad_segs=2)
    if rng.random() < 0.35:
        inner = shape.buffer(-size / 12)
        hole = shapely.Point(*shape.representative_point().coords[0]).buffer(size / 10, quad_segs=2)
        if inner.covers(hole):
            shape = shape.difference(hole)
    return shape


def _turn(xy: Floats, angle: float) -> Floats:
    c, s = cos(angle), sin(angle)
    return np.stack([c * xy[:, 0] - s * xy[:, 1], s * xy[:, 0] + c * xy[:, 1]], axis=1)


def _rings(shape: shapely.Polygon, frame: LocalFrame) -> tuple[tuple[LatLon, ...], ...]:
    return tuple(_ring(shapely.get_coordinates(ring)[:-1], frame) for ring in (shape.exterior, *shape.interiors))


def _ring(corners: Floats, frame: LocalFrame) -> tuple[LatLon, ...]:
    return tuple(LatLon(float(a), float(b)) for a, b in frame.many_to_wgs84(corners))


def _boundary(rng: np.random.Generator, frame: LocalFrame) -> tuple[LatLon, ...]:
    corners = np.array([[-1, -1], [0, -1.2], [1, -1], [1, 1], [0.2, rng.uniform(0.4, 1.2)], [-1, 1]]) * 900.0
    return _ring(corners, frame)


def _zone(rng: np.random.Generator, frame: LocalFrame, n: int, centre: Floats, size: float) -> Zone:
    at = centre + rng.uniform(-1, 1, 2) * size
    radius = float(rng.uniform(0.03, 0.25)) * size
    if np.hypot(*at) < radius + 40:
        at = at + np.array([radius + 80, 0])
    floor = float(rng.choice([0.0, 0.0, 0.0, 60.0, 150.0]))
    ceiling = float(rng.choice([np.inf, np.inf, 30.0, 400.0])) + floor
    if rng.random() < 0.5:
        return Zone(f"zone-{n}", Circle(frame.to_wgs84(EastNorth(*at)), radius), floor, ceiling)
    angles = np.sort(rng.uniform(0, 2 * pi, int(rng.integers(3, 8))))
    radii = rng.uniform(0.4, 1.0, len(angles)) * radius
    corners = at + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
    if np.ptp(angles) < 1.0 or shapely.Polygon(corners).area < 20.0:
        corners = at + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * radius / 2
    return Zone(f"zone-{n}", (_ring(corners, frame),), floor, ceiling)


def _building(rng: np.random.Generator, frame: LocalFrame, n: int, centre: Floats, size: float) -> Obstacle:
    at = centre + rng.uniform(-0.6, 0.6, 2) * size
    if np.hypot(*at) < 60:
        at = at + 90
    w, h = rng.uniform(8, 40, 2)
    corners = at + _turn(np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2, float(rng.uniform(0, pi)))
    return Obstacle(f"building-{n}", _ring(corners, frame), float(rng.uniform(5, 130)))


def area_of(intent: AreaSurvey, frame: LocalFrame) -> shapely.Geometry:
    """The intent's area in the local frame."""
    shapes = []
    for rings in intent.areas:
        local = [frame.many_to_local([p.lat_deg for p in r], [p.lon_deg for p in r]) for r in rings]
        shapes.append(shapely.Polygon(local[0], local[1:]))
    return shapely.union_all(shapes)


def track(mission: Mission, step_m: float = 0.5) -> tuple[Floats, Floats]:
    """(n, 3) places every `step_m` along a mission of our own, and (n,) the item each lies on."""
    frame = LocalFrame(mission.home)
    at = np.zeros(3)
    pieces, owners = [at[None]], [np.array([0])]
    for n, item in enumerate(mission.items):
        if item.command not in (NAV_TAKEOFF, NAV_WAYPOINT, NAV_LAND):
            continue
        here = frame.to_local(LatLon(item.lat_deg, item.lon_deg))
        goals = [np.array([*here, item.alt_m])]
        if item.command == NAV_TAKEOFF:
            goals = [np.array([at[0], at[1], item.alt_m])]
        if item.command == NAV_LAND:
            goals = [np.array([*here, at[2]]), np.array([*here, 0.0])]
        for goal in goals:
            count = max(int(np.ceil(np.linalg.norm(goal - at) / step_m)), 1)
            pieces.append(at + (goal - at) * (np.arange(1, count + 1) / count)[:, None])
            owners.append(np.full(count, n))
            at = goal
    return np.concatenate(pieces), np.concatenate(owners)


def brute_kinds(
    mission: Mission, drone: Drone, airspace: Airspace, margin_m: float = 0.05
) -> set[tuple[str, int, str]]:
    """(kind, item, subject) of every violation that samples show by more than `margin_m`. Flat ground, no times."""
    frame = LocalFrame(mission.home)
    places, owner = track(mission)
    found: set[tuple[str, int, str]] = set()
    for kind, name, shape, keep_m, low, high in _bans(airspace, frame):
        apart = shapely.distance(shape, shapely.points(places[:, :2]))
        bad = (apart < keep_m - margin_m) & (places[:, 2] > low + margin_m) & (places[:, 2] < high - margin_m)
        found |= {(kind, int(n), name) for n in np.unique(owner[bad])}
        found |= {
            (f"return-{kind}", int(n), name)
            for n in _bad_returns(mission, drone, frame, places, owner, shape, keep_m - margin_m, low, high)
        }
    if airspace.boundary:
        corners = frame.many_to_local([p.lat_deg for p in airspace.boundary], [p.lon_deg for p in airspace.boundary])
        fence = shapely.Polygon(corners)
        points = shapely.points(places[:, :2])
        bad = ~shapely.covers(fence, points) | (
            shapely.distance(fence.exterior, points) < airspace.standoff_m - margin_m
        )
        found |= {("fence", int(n), "boundary") for n in np.unique(owner[bad])}
    bad = places[:, 2] > airspace.ceiling_m + margin_m
    found |= {("height", int(n), "") for n in np.unique(owner[bad])}
    return found  # fmt: skip


def _bans(airspace: Airspace, frame: LocalFrame) -> list[tuple[str, str, shapely.Geometry, float, float, float]]:
    bans = []
    gap = airspace.clearance_m
    for zone in airspace.zones:
        if isinstance(zone.shape, Circle):
            shape = shapely.Point(*frame.to_local(zone.shape.centre)).buffer(zone.shape.radius_m, quad_segs=64)
        else:
            rings = [frame.many_to_local([p.lat_deg for p in r], [p.lon_deg for p in r]) for r in zone.shape]
            shape = shapely.Polygon(rings[0], rings[1:])
        low = -np.inf if zone.floor_m <= 0 else zone.floor_m - gap
        bans.append(("zone", zone.id, shape, airspace.standoff_m, low, zone.ceiling_m + gap))
    for b in airspace.buildings:
        shape = shapely.Polygon(frame.many_to_local([p.lat_deg for p in b.ring], [p.lon_deg for p in b.ring]))
        bans.append(("building", b.id, shape, airspace.standoff_m, -np.inf, b.height_m + gap))
    return bans


def _bad_returns(
    mission: Mission,
    drone: Drone,
    frame: LocalFrame,
    places: Floats,
    owner: Floats,
    shape: shapely.Geometry,
    keep_m: float,
    low: float,
    high: float,
) -> set[int]:
    landings = np.array([[0.0, 0.0]] + [list(frame.to_local(r.at)) for r in mission.rally])
    chosen = np.arange(0, len(places), 8)
    start = places[chosen]
    near = landings[((start[:, None, :2] - landings[None]) ** 2).sum(axis=2).argmin(axis=1)]
    height = np.maximum(start[:, 2], drone.rtl_altitude_m)
    within = (height > low + 0.05) & (height < high - 0.05)
    lines = shapely.linestrings(np.stack([start[:, :2], near], axis=1))
    bad = within & (shapely.distance(shape, lines) < keep_m)
    return {int(n) for n in np.unique(owner[chosen][bad])}


def brute_seen(plan: FlightPlan, points: Floats) -> Floats:
    """(n,) whether some photograph shows each ground point, by projecting the point into every photograph."""
    lens = plan.drone.camera.lens
    seen = np.zeros(len(points), bool)
    half_x, half_y = lens.width_px / 2 / lens.fx_px, lens.height_px / 2 / lens.fy_px
    for shot in plan.shots:
        left = np.flatnonzero(~seen)
        east, north = points[left, 0] - shot.east_m, points[left, 1] - shot.north_m
        yaw = np.radians(shot.yaw_deg)
        ahead, right = east * np.sin(yaw) + north * np.cos(yaw), east * np.cos(yaw) - north * np.sin(yaw)
        hit = (np.abs(right) <= half_x * shot.up_m + 1e-3) & (np.abs(ahead) <= half_y * shot.up_m + 1e-3)
        seen[left[hit]] = True
    return seen
