"""The demonstration: what happens in the configured district while it is watched. Pure.

Each camera with a fire-lane zone gets a story in that lane (one vehicle is parked from the start, one drives in and
stays beyond the dwell, a van unloads for a moment, others pass); each camera with a perimeter zone gets people who
pass outside and one who goes in. On the roads there is traffic, on the pavements there are walkers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from patrol.config import Config
from patrol.geo import Camera, LocalFrame
from patrol.scenes.actors import Actor, ActorKind, Leg, rounded, stand, travel
from patrol.scenes.district import (
    Strip,
    Watch,
    crossings,
    gate_side,
    ground_polygon,
    local,
    local_frame,
    strip_of,
    watches,
    world_from_config,
)
from patrol.scenes.expected import ExpectedIncident, expected_incidents
from patrol.scenes.flood import Pond, demo_ponds, flooded
from patrol.scenes.ground import beside, length_m
from patrol.scenes.light import Conditions
from patrol.scenes.scene import Scene
from patrol.scenes.world import Point, World

DURATION_S = 120.0
DAY = Conditions(hour=9.6, day_of_year=110, cloud=0.25, haze_per_m=0.0005)
CARS: tuple[ActorKind, ...] = ("sedan", "suv", "hatchback", "sedan", "suv", "taxi", "minivan")


def demo_scene(
    config: Config,
    seed: int,
    conditions: Conditions = DAY,
    duration_s: float = DURATION_S,
    *,
    sheds: Mapping[str, int] | None = None,
    ponds: Sequence[Pond] = (),
) -> Scene:
    """The district and everyone in it for `duration_s` seconds; depends on configuration and seed alone.

    `sheds` as for `world_from_config`; `ponds`: water that stands in it.
    """
    frame = local_frame(config)
    world = flooded(world_from_config(config, seed, sheds), ponds)
    actors: list[Actor] = []
    for camera in config.cameras:
        view = camera.geo(frame)
        if view is None:
            continue
        for k, watch in enumerate(watches(camera)):
            name = f"{camera.id}-{watch.zone_id}"
            if watch.hazard == "blocked-fire-lane":
                lane = _lane(config, frame, watch, view)
                if lane is not None:
                    actors += lane_story(name, lane, watch.dwell_s, seed * 31 + k)
            elif watch.hazard == "perimeter-intrusion":
                polygon = ground_polygon(view, watch)
                if polygon is not None:
                    actors += perimeter_story(name, polygon, (view.pose.east_m, view.pose.north_m), seed * 37 + k)
    rng = np.random.default_rng([seed, 401])
    actors += road_traffic(world, rng, duration_s)
    actors += walkers(world, rng, duration_s)
    return Scene(world, tuple(actors), conditions, seed)


def demo_from_above(config: Config, seed: int, *, sheds: Mapping[str, int] | None = None) -> Scene:
    """The demonstration as drones see it: with `demo_ponds` standing in it, and a sun that stays."""
    ponds = demo_ponds(config, seed, world_from_config(config, seed))
    return replace(demo_scene(config, seed, sheds=sheds, ponds=ponds), sun_step_s=10 * DURATION_S)


def demo_expectations(
    config: Config, scene: Scene, camera_id: str, duration_s: float = DURATION_S
) -> tuple[ExpectedIncident, ...]:
    """What the camera must report within the film."""
    frame = local_frame(config)
    found: list[ExpectedIncident] = []
    for camera in config.cameras:
        view = camera.geo(frame)
        if camera.id == camera_id and view is not None:
            found += expected_incidents(scene, camera_id, view, watches(camera), duration_s)
    return tuple(found)


def _lane(config: Config, frame: LocalFrame, watch: Watch, camera: Camera) -> Strip | None:
    here = (camera.pose.east_m, camera.pose.north_m)
    for lane in config.fire_lanes:
        if lane.id == watch.fire_lane:
            return strip_of(local(frame, lane.area), here)
    polygon = ground_polygon(camera, watch)
    return None if polygon is None else strip_of(polygon, here)


def lane_story(name: str, lane: Strip, dwell_s: float, seed: int) -> list[Actor]:
    """Vehicles and people in a fire lane. Two of them overstay: `parked` from the start, `stays` after driving in."""
    side = lane.width_m / 2 - 1.35  # a vehicle's middle when it stands at the lane's edge
    out = 45.0  # actors come from and vanish to so far beyond the lane's ends

    def line(*places: tuple[float, float]) -> tuple[Point, ...]:
        return rounded([lane.at(*p) for p in places])

    long = lane.length_m
    stays = travel(
        14.0, line((-16, -30), (-9.5, -6), (-4, side * 0.4), (6, side * 0.5), (long * 0.36, side)), 5.0, stops=True
    )
    leaves_s = max(stays.end_s + dwell_s * 2.6, 92.0)
    van_in = travel(
        36.0,
        line((long + out, 4), (long + 6, 0), (long * 0.9, -side * 0.6), (long * 0.66, -side * 0.9)),
        5.0,
        stops=True,
    )
    van_on = travel(
        van_in.end_s + min(9.0, dwell_s * 0.45),
        line((long * 0.66, -side * 0.9), (long * 0.5, 0.2), (8, 0.0), (-6, 1.5), (-12, 30)),
        5.5,
        starts=True,
    )
    actors = [
        Actor(f"{name}-parked", "sedan", 4, (stand(-3600, 1e6, lane.at(long * 0.5, -side), lane.bearing_deg + 1.5),)),
        Actor(f"{name}-stays", "suv", 7, (stays, stand(stays.end_s, leaves_s, stays.line[-1], lane.bearing_deg),
              travel(leaves_s, line((long * 0.36, side), (long * 0.55, side * 0.3), (long + 4, 0), (long + out, 4)), 5.5, starts=True))),
        Actor(f"{name}-van", "van", 9, (van_in, stand(van_in.end_s, van_on.start_s, van_in.line[-1], lane.bearing_deg + 180), van_on)),
        Actor(f"{name}-passes-1", "hatchback", 31, (travel(4.0, line((-16, 30), (-9.5, 6), (-4, 1), (10, 0.6), (long, 0.5), (long + out, 4)), 6.5),)),
        Actor(f"{name}-passes-2", "ebike", 5, (travel(24.0, line((-14, -25), (-8, -3), (0, 0), (long + out, 2)), 5.5),)),
        Actor(f"{name}-passes-3", "taxi", 12, (travel(72.0, line((long + out, 2), (long, -0.4), (8, -0.2), (-6, -0.5), (-10, -5), (-13, -40)), 6.0),)),
        Actor(f"{name}-passes-4", "bicycle", 8, (travel(84.0, line((long + out, 1), (long, 0.5), (0, 1), (-8, 3), (-13, 30)), 4.0),)),
    ]  # fmt: skip
    rng = np.random.default_rng([seed, 5])
    for k in range(7):
        start, offset = (
            float(rng.uniform(-25, 100)),
            float(rng.choice([-1, 1])) * (lane.width_m / 2 + float(rng.uniform(0.5, 1.2))),
        )
        ways = [(-8.0, offset + float(rng.normal(0, 1))), (2.0, offset), (long, offset), (long + 14, offset)]
        if k % 2:
            ways.reverse()
        actors.append(
            Actor(
                f"{name}-walker-{k}",
                "person",
                int(rng.integers(1000)),
                (travel(start, line(*ways), float(rng.uniform(1.0, 1.5))),),
            )
        )
    return actors


def perimeter_story(name: str, polygon: Sequence[Point], camera_at: Point, seed: int) -> list[Actor]:
    """People along the outside of a fenced perimeter, and `enters`, who goes in through the gate and out again."""
    p = np.asarray(polygon, float)
    k = gate_side(polygon, camera_at)
    a, b = p[k], p[(k + 1) % len(p)]
    way = (b - a) / np.hypot(*(b - a))
    middle, centre = (a + b) / 2, p.mean(axis=0)
    inward = np.array([-way[1], way[0]])
    if np.dot(centre - middle, inward) < 0:
        inward = -inward

    def at(along: float, deep: float) -> Point:
        q = middle + way * along + inward * deep
        return float(q[0]), float(q[1])

    go_in = travel(34.0, rounded([at(-16, -3.5), at(-3, -3), at(0, -1), at(0.3, 3), at(2, 6)]), 1.3, stops=True)
    look = stand(go_in.end_s, go_in.end_s + 9.0, at(2, 6), float(np.degrees(np.arctan2(inward[0], inward[1]))))
    go_out = travel(look.end_s, rounded([at(2, 6), at(0, 3), at(0, -1), at(3, -3), at(18, -3.5)]), 1.4, starts=True)
    actors = [Actor(f"{name}-enters", "person", 42, (go_in, look, go_out))]
    rng = np.random.default_rng([seed, 6])
    for n in range(8):
        start, deep = float(rng.uniform(-12, 105)), -float(rng.uniform(2.2, 5.0))
        ends = [at(-24, deep), at(24, deep)]
        if n % 2:
            ends.reverse()
        actors.append(
            Actor(
                f"{name}-outside-{n}",
                "person",
                int(rng.integers(1000)),
                (travel(start, ends, float(rng.uniform(1.0, 1.6))),),
            )
        )
    bike = travel(62.0, (at(28, -4.5), at(-28, -5.0)), 4.5)
    actors.append(Actor(f"{name}-outside-bike", "ebike", 3, (bike,)))
    return actors


def road_traffic(world: World, rng: np.random.Generator, duration_s: float) -> list[Actor]:
    """Vehicles along all roads in both directions, spaced so that none meet where roads cross."""
    actors: list[Actor] = []
    meetings: list[tuple[Point, float]] = []
    for r, road in enumerate(world.roads):
        length = length_m(road.centreline)
        gap = 9.0 if road.width_m > 9 else 26.0
        for direction in (1, -1):
            line = road.centreline if direction == 1 else tuple(reversed(road.centreline))
            lane = tuple((float(x), float(y)) for x, y in beside(line, road.width_m / 4))
            pace = 9.0 if road.width_m > 9 else 5.0
            start = -length / pace
            while start < duration_s:
                start += gap * float(rng.uniform(0.6, 1.8))
                kind = _road_kind(rng, wide=road.width_m > 9)
                slot = [
                    (q, start + along / pace)
                    for other in world.roads
                    if other is not road
                    for along, q in crossings(lane, other.centreline)
                ]
                if any(
                    abs(t - u) < 3.5 and abs(q[0] - w[0]) + abs(q[1] - w[1]) < 20 for q, t in slot for w, u in meetings
                ):
                    continue
                meetings += slot
                name = f"road{r}-{'up' if direction == 1 else 'down'}-{ceil(start + 1000)}"
                actors.append(Actor(name, kind, int(rng.integers(10_000)), (travel(start, lane, pace),)))
    return actors


def _road_kind(rng: np.random.Generator, *, wide: bool) -> ActorKind:
    kinds: tuple[ActorKind, ...] = (
        (*CARS, *CARS, "ebike", "ebike", "van", "truck", "bus") if wide else (*CARS, "ebike", "ebike", "bicycle", "van")
    )
    return kinds[int(rng.integers(len(kinds)))]


def walkers(world: World, rng: np.random.Generator, duration_s: float) -> list[Actor]:
    """People along the pavements."""
    actors = []
    for r, road in enumerate(world.roads):
        length = length_m(road.centreline)
        for side in (-1.0, 1.0):
            line = tuple((float(x), float(y)) for x, y in beside(road.centreline, side * (road.width_m / 2 + 1.8)))
            count = int(length * duration_s / 12_000)
            for k in range(count):
                pace = float(rng.uniform(0.9, 1.6))
                start = float(rng.uniform(-length / pace, duration_s))
                way = line if rng.random() < 0.5 else tuple(reversed(line))
                legs: tuple[Leg, ...] = (travel(start, way, pace),)
                actors.append(
                    Actor(
                        f"pavement{r}-{'left' if side < 0 else 'right'}-{k}", "person", int(rng.integers(10_000)), legs
                    )
                )
    return actors
