"""Made-up streets with a fire lane or a forbidden yard, seen by a fixed camera, with what ought to be reported. Pure.

Everything depends on the seed: district, camera, weather and hour, a jump of light, who comes, parks, loads, passes or enters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan2, degrees, hypot
from typing import Any

import numpy as np
import shapely

from patrol.config.shape import CameraConfig
from patrol.geo import Camera, EastNorth, LatLon, Lens, LocalFrame, Pose
from patrol.scenes.actors import Actor, ActorKind, rounded, stand, travel
from patrol.scenes.district import Strip, strip_of, watches
from patrol.scenes.expected import ExpectedIncident, expected_incidents
from patrol.scenes.random_district import free, random_district
from patrol.scenes.scene import Change, Scene
from patrol.scenes.sensor import Sensor
from patrol.scenes.training_set import random_conditions, random_sensor
from patrol.scenes.world import World

ORIGIN = LatLon(22.5431, 114.0579)
WIDTH_PX, HEIGHT_PX = 960, 540
DWELL_S = 15.0
LANE_S, YARD_S = 55.0, 26.0
QUIET_S, QUIET_DWELL_S, QUIET_STEP_S = 600.0, 120.0, 5.0  # the service's own dwell
WATCHED_M = (3.0, 28.0)  # of the lane, from its mouth
TRIES = 80
CARS: tuple[ActorKind, ...] = ("sedan", "suv", "hatchback", "minivan", "taxi", "van")


@dataclass(frozen=True)
class StreetScene:
    """One scene: its camera as a district would configure it, how long it lasts, how often a look is taken."""

    name: str
    scene: Scene
    config: CameraConfig
    camera: Camera
    sensor: Sensor
    expected: tuple[ExpectedIncident, ...]
    duration_s: float
    step_s: float
    light: str


def lane_scene(seed: int) -> StreetScene | None:
    """A camera at the mouth of a fire lane; None where the seed's district has no lane that a camera can overlook."""
    rng = np.random.default_rng([seed, 811])
    place = _lane_place(seed, rng)
    if place is None:
        return None
    world, strip, camera, polygon = place
    zone = {"id": "lane", "hazard": "blocked-fire-lane", "dwell_s": DWELL_S, "clear_s": 10, "polygon_px": polygon}
    scene = Scene(world, tuple(_lane_actors(strip, rng)), *_weather(world, rng, LANE_S))
    return _scene(f"lane-{seed}", scene, camera, rng, zone, LANE_S, 1.0)


def quiet_scene(seed: int) -> StreetScene | None:
    """A lane in which nobody stays for the service's dwell: traffic, loading, walkers, changes of light. None as `lane_scene`."""
    rng = np.random.default_rng([seed, 839])
    place = _lane_place(seed, rng)
    if place is None:
        return None
    world, strip, camera, polygon = place
    zone = {"id": "lane", "hazard": "blocked-fire-lane", "dwell_s": QUIET_DWELL_S, "clear_s": 30, "look_every_s": QUIET_STEP_S, "polygon_px": polygon}  # fmt: skip
    scene = Scene(world, tuple(_quiet_actors(strip, rng)), *_weather(world, rng, QUIET_S))
    return _scene(f"quiet-{seed}", scene, camera, rng, zone, QUIET_S, QUIET_STEP_S)


def _lane_place(seed: int, rng: np.random.Generator) -> tuple[World, Strip, Camera, list[list[float]]] | None:
    """The seed's district, one of its fire lanes, a camera at its mouth, and the lane's outline in the picture."""
    world = random_district(seed)
    if not world.fire_lanes:
        return None
    lane = world.fire_lanes[int(rng.integers(len(world.fire_lanes)))]
    strip = strip_of(lane.polygon, lane.polygon[int(rng.integers(2)) * 2])
    for _ in range(TRIES):
        x, y = strip.at(-float(rng.uniform(3, 9)), float(rng.uniform(-4.5, 4.5)))
        if free(world, x, y, 1.0) and strip.length_m > WATCHED_M[1]:
            break
    else:
        return None
    aim = strip.at(float(rng.uniform(11, 16)))
    up = float(rng.uniform(3.8, 7.5))
    pose = _looking(x, y, up, aim, rng)
    camera = Camera(Lens.from_hfov(WIDTH_PX, HEIGHT_PX, float(rng.uniform(58, 82))), pose)
    side = strip.width_m / 2
    zone_m = [
        strip.at(a, r)
        for a, r in ((WATCHED_M[0], -side), (WATCHED_M[1], -side), (WATCHED_M[1], side), (WATCHED_M[0], side))
    ]
    polygon = _in_picture(camera, zone_m)
    if polygon is None:
        return None
    return world, strip, camera, polygon


def yard_scene(seed: int) -> StreetScene | None:
    """A camera that watches a piece of open ground which nobody may enter; None where the seed gives no open ground."""
    rng = np.random.default_rng([seed, 823])
    world = random_district(seed)
    for _ in range(TRIES):
        x, y, up = float(rng.uniform(-40, 40)), float(rng.uniform(-45, 45)), float(rng.uniform(3.2, 7.0))
        turn, away, half = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(11, 19)), float(rng.uniform(2.5, 4.0))
        middle = (x + away * np.sin(turn), y + away * np.cos(turn))
        way = [(x + k * (middle[0] - x), y + k * (middle[1] - y)) for k in (0.25, 0.5, 0.75)]
        open_ground = all(free(world, px, py, 1.2) for px, py in [(x, y), *way])
        if open_ground and free(world, middle[0], middle[1], half + 6.0) and not _on_road(world, middle, half + 1.0):
            break
    else:
        return None
    camera = Camera(Lens.from_hfov(WIDTH_PX, HEIGHT_PX, float(rng.uniform(50, 80))), _looking(x, y, up, middle, rng))
    corners = [(middle[0] + i * half, middle[1] + j * half) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    polygon = _in_picture(camera, corners)
    if polygon is None:
        return None
    zone = {"id": "yard", "hazard": "perimeter-intrusion", "hours": ["00:00-24:00"], "polygon_px": polygon}
    scene = Scene(world, tuple(_yard_actors(world, middle, half, rng)), *_weather(world, rng, YARD_S))
    return _scene(f"yard-{seed}", scene, camera, rng, zone, YARD_S, 0.4)


def _scene(
    name: str,
    scene: Scene,
    camera: Camera,
    rng: np.random.Generator,
    zone: dict[str, Any],
    duration_s: float,
    step_s: float,
) -> StreetScene:
    frame, pose = LocalFrame(ORIGIN), camera.pose
    at = frame.to_wgs84(EastNorth(pose.east_m, pose.north_m))
    config = CameraConfig.model_validate({
        "id": name, "name": {"zh": name, "en": name}, "box": "bench", "source": "rendered",
        "lens": {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "hfov_deg": degrees(2 * atan2(WIDTH_PX / 2, camera.lens.fx_px))},
        "pose": {"at": [at.lon_deg, at.lat_deg], "height_m": pose.up_m, "yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg, "roll_deg": pose.roll_deg},
        "zones": [zone],
    })  # fmt: skip
    expected = expected_incidents(scene, name, camera, watches(config), duration_s)
    now = scene.conditions
    light = (
        "infrared"
        if now.infrared
        else "dark"
        if now.dark
        else "rain"
        if now.rain > 0
        else "fog"
        if now.haze_per_m > 0.003
        else "day"
    )
    return StreetScene(name, scene, config, camera, random_sensor(rng), expected, duration_s, step_s, light)


def _looking(x: float, y: float, up_m: float, aim: tuple[float, float], rng: np.random.Generator) -> Pose:
    away = hypot(aim[0] - x, aim[1] - y)
    yaw = degrees(atan2(aim[0] - x, aim[1] - y)) + float(rng.normal(0, 4))
    return Pose(x, y, up_m, yaw, -degrees(atan2(up_m, away)) + float(rng.normal(0, 2)), float(rng.normal(0, 1)))


def _in_picture(camera: Camera, corners: list[tuple[float, float]]) -> list[list[float]] | None:
    """A piece of ground as a polygon of the picture; None when little of it is seen."""
    outline = np.array(shapely.Polygon(corners).segmentize(1.0).exterior.coords)
    pixels = camera.project(np.column_stack([outline, np.zeros(len(outline))]))
    if not np.isfinite(pixels).all():
        return None
    whole = shapely.Polygon(pixels)
    seen = whole.intersection(shapely.box(0, 0, WIDTH_PX - 1, HEIGHT_PX - 1)) if whole.is_valid else shapely.Polygon()
    if not isinstance(seen, shapely.Polygon) or seen.area < max(0.6 * whole.area, 4000.0):
        return None
    return [[round(float(a), 1), round(float(b), 1)] for a, b in seen.exterior.coords[:-1]]


def _weather(world: World, rng: np.random.Generator, duration_s: float) -> tuple[Any, int, tuple[Change, ...]]:
    """Conditions, the scene's seed, and in every third scene a cloud or a shower that changes the light in a second."""
    now = random_conditions(world, rng)
    changes: tuple[Change, ...] = ()
    if rng.random() < 0.33:
        cloud = 0.95 if now.cloud < 0.5 else 0.05
        changes = (
            Change(
                float(rng.uniform(5, duration_s - 5)), float(rng.choice([0.0, 1.0, 6.0])), replace(now, cloud=cloud)
            ),
        )
    return now, int(rng.integers(1 << 30)), changes


def _lane_actors(strip: Strip, rng: np.random.Generator) -> list[Actor]:
    """Some of: parked from before, comes and stays, loads and goes, passes, parked beside the lane, walkers."""
    edge = strip.width_m / 2
    parked_at, stays_at, loads_at = (float(v) for v in rng.permutation([8.0, 15.0, 22.0]) + rng.uniform(-1, 1, 3))
    far, out = strip.length_m, 30.0
    actors: list[Actor] = []

    def car() -> ActorKind:
        return CARS[int(rng.integers(len(CARS)))]

    def add(name: str, kind: ActorKind, *legs: Any) -> None:
        actors.append(Actor(name, kind, int(rng.integers(100_000)), legs))

    if rng.random() < 0.5:
        add(
            "parked",
            car(),
            stand(-3600, 1e6, strip.at(parked_at, -edge + 1.0), strip.bearing_deg + float(rng.normal(0, 3))),
        )
    if rng.random() < 0.5:
        way = rounded([strip.at(far + out, 0.8), strip.at(stays_at + 8, 0.7), strip.at(stays_at, edge - 1.0)])
        comes = travel(float(rng.uniform(-4, 8)), way, 7.0, stops=True)
        add("stays", car(), comes, stand(comes.end_s, 1e6, comes.line[-1], strip.bearing_deg + 180))
    if rng.random() < 0.5:
        way = rounded([strip.at(far + out, 0.4), strip.at(loads_at + 8, 0.4), strip.at(loads_at, 0.2)])
        comes = travel(float(rng.uniform(6, 14)), way, 7.0, stops=True)
        goes_s = comes.end_s + DWELL_S * float(rng.uniform(0.3, 0.5))  # rolling in and out takes some seconds more
        leaves = travel(
            goes_s, rounded([strip.at(loads_at, 0.2), strip.at(2, 0.6), strip.at(-25, 6)]), 6.0, starts=True
        )
        add("loads", "van", comes, stand(comes.end_s, goes_s, comes.line[-1], strip.bearing_deg + 180), leaves)
    for k in range(int(rng.integers(0, 3))):
        kind: ActorKind = car() if rng.random() < 0.6 else "ebike"
        start = float(rng.uniform(-2, 45))
        add(
            f"passes-{k}", kind, travel(start, (strip.at(far + out, 0.6), strip.at(-20, 0.9)), float(rng.uniform(4, 8)))
        )
    for k in range(int(rng.integers(0, 3))):
        at = strip.at(float(rng.uniform(5, 30)), float(rng.choice([-1, 1])) * (edge + float(rng.uniform(1.5, 3.0))))
        add(f"beside-{k}", car(), stand(-3600, 1e6, at, strip.bearing_deg + float(rng.normal(0, 4))))
    for k in range(int(rng.integers(0, 6))):
        offset, start = float(rng.uniform(-edge - 2, edge + 2)), float(rng.uniform(-20, 45))
        ends = [strip.at(-8, offset), strip.at(40, offset)]
        if rng.random() < 0.5:
            ends.reverse()
        add(f"walks-{k}", "person", travel(start, tuple(ends), float(rng.uniform(0.9, 1.6))))
    return actors


def _quiet_actors(strip: Strip, rng: np.random.Generator) -> list[Actor]:
    """Ten minutes of a lane: vans that load and go, cars and e-bikes that pass, cars beside the lane, walkers."""
    edge, far = strip.width_m / 2, strip.length_m
    actors: list[Actor] = []

    def car() -> ActorKind:
        return CARS[int(rng.integers(len(CARS)))]

    def add(name: str, kind: ActorKind, *legs: Any) -> None:
        actors.append(Actor(name, kind, int(rng.integers(100_000)), legs))

    for k, start in enumerate((40.0, 240.0, 430.0)):  # far enough apart that no two vans meet
        if rng.random() < 0.4:
            continue
        at = float(rng.uniform(8, 22))
        comes = travel(
            start, rounded([strip.at(far + 30, 0.4), strip.at(at + 8, 0.4), strip.at(at, 0.2)]), 7.0, stops=True
        )
        goes_s = comes.end_s + QUIET_DWELL_S * float(rng.uniform(0.2, 0.6))
        leaves = travel(goes_s, rounded([strip.at(at, 0.2), strip.at(2, 0.6), strip.at(-25, 6)]), 6.0, starts=True)
        add(f"loads-{k}", "van", comes, stand(comes.end_s, goes_s, comes.line[-1], strip.bearing_deg + 180), leaves)
    for k in range(int(rng.integers(4, 16))):
        start, pace = float(rng.uniform(0, QUIET_S)), float(rng.uniform(4, 8))
        kind: ActorKind = car() if rng.random() < 0.6 else "ebike"
        add(f"passes-{k}", kind, travel(start, (strip.at(far + 30, 0.6), strip.at(-20, 0.9)), pace))
    for k in range(int(rng.integers(0, 3))):
        at_m = strip.at(float(rng.uniform(5, 30)), float(rng.choice([-1, 1])) * (edge + float(rng.uniform(1.5, 3.0))))
        add(f"beside-{k}", car(), stand(-3600, 1e6, at_m, strip.bearing_deg + float(rng.normal(0, 4))))
    for k in range(int(rng.integers(2, 20))):
        offset, start = float(rng.uniform(-edge - 2, edge + 2)), float(rng.uniform(-20, QUIET_S))
        ends = [strip.at(-8, offset), strip.at(40, offset)]
        if rng.random() < 0.5:
            ends.reverse()
        add(f"walks-{k}", "person", travel(start, tuple(ends), float(rng.uniform(0.9, 1.6))))
    return actors


def _yard_actors(world: World, middle: tuple[float, float], half: float, rng: np.random.Generator) -> list[Actor]:
    """In most scenes one who enters; others, cyclists and cars that stay outside."""
    actors: list[Actor] = []

    def at(east: float, north: float) -> tuple[float, float]:
        return middle[0] + east, middle[1] + north

    if rng.random() < 0.7:
        turn, off = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(-0.6, 0.6)) * half
        c, s = np.cos(turn), np.sin(turn)
        ends = [at(-c * 12 - s * off, -s * 12 + c * off), at(c * 12 - s * off, s * 12 + c * off)]
        pace = float(rng.uniform(0.9, 2.2))
        actors.append(
            Actor(
                "enters", "person", int(rng.integers(100_000)), (travel(float(rng.uniform(0, 5)), tuple(ends), pace),)
            )
        )
    for k in range(int(rng.integers(0, 5))):
        beside = float(rng.choice([-1, 1])) * (half + float(rng.uniform(1.5, 4.0)))
        ends = [at(-15, beside), at(15, beside)] if rng.random() < 0.5 else [at(beside, -15), at(beside, 15)]
        kind: ActorKind = "person" if rng.random() < 0.7 else "ebike"
        pace = float(rng.uniform(0.9, 1.6)) if kind == "person" else float(rng.uniform(3, 5))
        actors.append(
            Actor(
                f"outside-{k}",
                kind,
                int(rng.integers(100_000)),
                (travel(float(rng.uniform(-5, 18)), tuple(ends), pace),),
            )
        )
    for k, road in enumerate(world.roads):
        line = tuple((x + 1.8, y + 1.8) for x, y in road.centreline)
        actors.append(
            Actor(f"road-{k}", "sedan", int(rng.integers(100_000)), (travel(float(rng.uniform(-8, 2)), line, 9.0),))
        )
    return actors


def _on_road(world: World, middle: tuple[float, float], half: float) -> bool:
    return any(
        shapely.LineString(road.centreline).distance(shapely.Point(middle)) < road.width_m / 2 + half
        for road in world.roads
    )
