"""A scene: a world, its actors and its weather over time. What it shows at a moment is a function of that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin

import numpy as np

from patrol.geo import Camera
from patrol.scenes.actors import CYCLES, Actor, Body, bodies_at, state_at
from patrol.scenes.buildings import building_mesh, skyline_mesh
from patrol.scenes.furniture import fence_mesh, lamp_light, own_mesh, placed_prop
from patrol.scenes.ground import ground_mesh
from patrol.scenes.light import Conditions, Lighting, lighting
from patrol.scenes.materials import Material
from patrol.scenes.mesh import Mesh, Singles, box, merge
from patrol.scenes.stage import Placed, Stage
from patrol.scenes.world import World

Rect = tuple[float, float, float, float]  # west, south, east, north
FOCUS_M = 110.0
SIGHT_M = 260.0  # farther off a person is smaller than five pixels for a street camera
LAMP_COS = (0.45, 0.85)  # a street lamp's beam fades between 63 and 32 degrees off its axis
LAMP_POWER = (34.0, 28.0, 19.0)
LAMP_REACH_M = 26.0
HEAD_COS = (0.86, 0.985)
HEAD_POWER = (46.0, 46.0, 44.0)
HEAD_REACH_M = 30.0
GLOW_POWER = (16.0, 16.0, 16.0)  # the infrared ring around the lens, per unit
GLOW_REACH_M = 60.0


@dataclass(frozen=True)
class Change:
    """Weather that takes over between two moments: a cloud, a shower, a sudden jump of light."""

    at_s: float
    over_s: float
    conditions: Conditions


@dataclass(frozen=True)
class Scene:
    """`conditions` hold at time 0; the hour runs on with time, in steps of `sun_step_s` so that light can be reused."""

    world: World
    actors: tuple[Actor, ...]
    conditions: Conditions
    seed: int
    changes: tuple[Change, ...] = ()
    sun_step_s: float = 60.0

    def conditions_at(self, time_s: float) -> Conditions:
        """Time of day and weather at a moment."""
        now = self.conditions
        for change in self.changes:
            share = 1.0 if change.over_s <= 0 else min(max((time_s - change.at_s) / change.over_s, 0.0), 1.0)
            if time_s >= change.at_s:
                now = _blend(now, change.conditions, round(share * 20) / 20)
        steps = float(np.floor(time_s / self.sun_step_s))
        return replace(now, hour=self.conditions.hour + steps * self.sun_step_s / 3600.0)

    def lighting_at(self, time_s: float) -> Lighting:
        """The light at a moment."""
        return lighting(self.conditions_at(time_s))

    def bodies_at(self, time_s: float, around_m: tuple[float, float] | None = None) -> list[Body]:
        """All moving objects at a moment, in the order of the actors; with `around_m` those in sight of that point."""
        bodies: list[Body] = []
        for actor in self.actors:
            state = state_at(actor, time_s)
            if state is None:
                continue
            if around_m is None or hypot(state.east_m - around_m[0], state.north_m - around_m[1]) < SIGHT_M:
                bodies += bodies_at(actor, time_s)
        return bodies


def _blend(a: Conditions, b: Conditions, share: float) -> Conditions:
    if share >= 1.0:
        return b

    def mixed(x: float, y: float) -> float:
        return x + (y - x) * share

    return replace(
        a,
        cloud=mixed(a.cloud, b.cloud),
        haze_per_m=mixed(a.haze_per_m, b.haze_per_m),
        rain=mixed(a.rain, b.rain),
        wet=mixed(a.wet, b.wet),
    )


def world_mesh(world: World) -> Mesh:
    """Everything that does not move."""
    parts = [ground_mesh(world)]
    parts += [building_mesh(b) for b in world.buildings]
    parts += [placed_prop(p) for p in world.props]
    parts += [fence_mesh(f) for f in world.fences]
    if world.skyline:
        parts.append(skyline_mesh(world))
    return merge(parts)


def still_contacts(world: World) -> list[Placed]:
    """What darkens the ground around it: buildings (as boxes around their footprints) and things in the street."""
    placed = []
    for b in world.buildings:
        p = np.asarray(b.footprint, float)
        middle, size = (p.min(axis=0) + p.max(axis=0)) / 2, np.ptp(p, axis=0)
        block = box((float(size[0]), float(size[1]), min(b.height_m, 6.0)), (0, 0, 0), Material.PLAIN, (0, 0, 0))
        placed.append(Placed(0, block, float(middle[0]), float(middle[1])))
    standing = [p for p in world.props if p.kind not in {"lamp", "sign", "tree"}]
    placed += [Placed(0, own_mesh(p), p.east_m, p.north_m, 0.0, p.yaw_deg) for p in standing]
    return placed


def stage_of(scene: Scene, focus_m: Rect | None = None) -> Stage:
    """A stage with the scene's world built on it; set it to a moment with `set_stage`.

    Shadows fall only within `focus_m` (west, south, east, north; the world's extent unless given): the smaller, the finer.
    """
    return Stage(world_mesh(scene.world), still_contacts(scene.world), focus_m or scene.world.extent_m)


def focus_of(camera: Camera, extent_m: Rect) -> Rect:
    """The part of the extent that a camera sees well: 110 m around the middle of what lies before it."""
    pose = camera.pose
    forward = pose.world_from_camera()[:, 2]
    level = float(np.hypot(forward[0], forward[1])) + 1e-9
    ahead = min(max(pose.up_m / max(-float(forward[2]) / level, 0.05), 0.0), 70.0)
    x, y = pose.east_m + float(forward[0]) / level * ahead, pose.north_m + float(forward[1]) / level * ahead
    reach = FOCUS_M + pose.up_m * 0.5
    w, s, e, n = extent_m
    return (max(w, x - reach), max(s, y - reach), min(e, x + reach), min(n, y + reach))


def street_lights(world: World, level: float) -> Singles:
    """(n, 12) lamps of the world's lamp posts."""
    posts = [p for p in world.props if p.kind == "lamp"] if level > 0 else []
    power = [level * p for p in LAMP_POWER]
    rows = [[*lamp_light(p), 0, 0, -1, *power, *LAMP_COS, LAMP_REACH_M] for p in posts]
    return np.array(rows, np.float32).reshape(-1, 12)


def head_lights(bodies: Sequence[Body], level: float) -> Singles:
    """(n, 12) beams of the vehicles under way."""
    rows = []
    for body in bodies if level > 0 else ():
        lamps = body.mesh.material == Material.HEAD_LAMP
        if not lamps.any():
            continue
        s = body.state
        yaw = radians(s.yaw_deg)
        nose = float(body.mesh.corners[lamps][..., 1].max()) + 0.05
        up = float(body.mesh.corners[lamps][..., 2].mean())
        weaker = 0.4 if body.object_class in CYCLES else 1.0
        rows.append([s.east_m + sin(yaw) * nose, s.north_m + cos(yaw) * nose, up, sin(yaw) * 0.995, cos(yaw) * 0.995, -0.1,
                     *(level * weaker * p for p in HEAD_POWER), *HEAD_COS, HEAD_REACH_M])  # fmt: skip
    return np.array(rows, np.float32).reshape(-1, 12)


def infrared_light(east_m: float, north_m: float, up_m: float, towards: Sequence[float]) -> Singles:
    """(1, 12) the infrared ring of a camera."""
    return np.array(
        [[east_m, north_m, up_m, *towards, *(12.0 * p for p in GLOW_POWER), 0.5, 0.95, GLOW_REACH_M]], np.float32
    )


def set_stage(
    stage: Stage,
    scene: Scene,
    time_s: float,
    extra_lights: Singles | None = None,
    around_m: tuple[float, float] | None = None,
) -> list[Body]:
    """Puts light and moving objects of a moment on the stage. Object number n is the n-th body returned, from 1."""
    now = scene.lighting_at(time_s)
    bodies = scene.bodies_at(time_s, around_m)
    still = street_lights(scene.world, now.street_lamps)
    if extra_lights is not None and now.infrared:
        still = np.concatenate([still, extra_lights])
    stage.light(now, time_s, still, head_lights(bodies, now.head_lamps))
    stage.move(
        [
            Placed(
                k + 1, b.mesh, b.state.east_m, b.state.north_m, 0.0, b.state.yaw_deg, not b.object_id.endswith("/rider")
            )
            for k, b in enumerate(bodies)
        ]
    )
    return bodies
