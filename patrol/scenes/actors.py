"""Who moves, and when: scripts of legs along lines, and what a scripted vehicle or person looks like at a moment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import atan2, degrees, hypot, pi
from typing import Literal, cast

import numpy as np

from patrol.scenes.cycles import CycleStyle, cycle, rider
from patrol.scenes.materials import Material
from patrol.scenes.mesh import Mesh
from patrol.scenes.people import Stance, height_of, posed_person, walking
from patrol.scenes.vehicles import CarStyle, vehicle
from patrol.scenes.world import Point

ActorKind = Literal[
    "person", "bicycle", "ebike", "motorcycle", "sedan", "hatchback", "suv", "minivan", "van", "taxi", "bus", "truck", "fire_engine"
]  # fmt: skip
ObjectClass = Literal["person", "bicycle", "car", "motorcycle", "bus", "truck"]
CLASSES: tuple[ObjectClass, ...] = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
CLASS_OF: dict[ActorKind, ObjectClass] = {
    "person": "person", "bicycle": "bicycle", "ebike": "motorcycle", "motorcycle": "motorcycle", "sedan": "car", "hatchback": "car",
    "suv": "car", "minivan": "car", "taxi": "car", "van": "car", "bus": "bus", "truck": "truck", "fire_engine": "truck",
}  # fmt: skip
CYCLES = ("bicycle", "ebike", "motorcycle")
STEP_M = 0.72  # length of one walking step, about 0.43 of the body's height


@dataclass(frozen=True)
class Leg:
    """From the first to the last point of a line between two times; a single point means standing there.

    `starts` and `stops`: the leg begins or ends at rest. `yaw_deg` turns one who stands; None keeps the last heading.
    """

    start_s: float
    end_s: float
    line: tuple[Point, ...]
    starts: bool = False
    stops: bool = False
    yaw_deg: float | None = None
    backwards: bool = False


@dataclass(frozen=True)
class Actor:
    """A vehicle, cycle or person and its script. It exists from the first leg's start to the last leg's end."""

    actor_id: str
    kind: ActorKind
    seed: int
    legs: tuple[Leg, ...]
    ridden: bool = True
    umbrella: bool = False


@dataclass(frozen=True)
class State:
    """Where an actor is. `moved_m` since its script began (drives the walk); `at_rest`: its leg is one of standing."""

    east_m: float
    north_m: float
    yaw_deg: float
    speed_mps: float
    moved_m: float
    at_rest: bool
    braking: bool


@dataclass(frozen=True)
class Body:
    """One object of an actor: id, class, mesh in its own frame, and where it stands."""

    object_id: str
    object_class: ObjectClass
    mesh: Mesh
    state: State


def rounded(line: Sequence[Point], passes: int = 3) -> tuple[Point, ...]:
    """A polyline with its corners cut (Chaikin 1974), ends kept."""
    points = [tuple(p) for p in line]
    for _ in range(passes):
        cut = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            cut += [(0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1), (0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1)]
        points = [*cut, points[-1]]
    return tuple((float(x), float(y)) for x, y in points)


def stand(start_s: float, end_s: float, at: Point, yaw_deg: float) -> Leg:
    """A leg of standing."""
    return Leg(start_s, end_s, (at,), yaw_deg=yaw_deg)


def travel(
    start_s: float,
    line: Sequence[Point],
    speed_mps: float,
    *,
    starts: bool = False,
    stops: bool = False,
    backwards: bool = False,
) -> Leg:
    """A leg along a line whose cruising speed is `speed_mps`; starting and stopping take longer."""
    length = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(line))
    slower = {0: 1.0, 1: 1.25, 2: 1.5}[int(starts) + int(stops)]
    return Leg(start_s, start_s + length / speed_mps * slower, tuple(line), starts, stops, backwards=backwards)


def _share(leg: Leg, u: float) -> tuple[float, float]:
    """Share of the way, and its rate, at share u of the time."""
    if leg.starts and leg.stops:
        return u * u * (3 - 2 * u), 6 * u * (1 - u)
    if leg.starts:
        return 2 * u * u - u**3, 4 * u - 3 * u * u
    if leg.stops:
        return u + u * u - u**3, 1 + 2 * u - 3 * u * u
    return u, 1.0


@lru_cache(maxsize=512)
def _measured(
    line: tuple[Point, ...],
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    points = np.asarray(line, float)
    steps = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    return points, np.r_[0.0, np.cumsum(steps)]


def _point(line: tuple[Point, ...], along_m: float) -> Point:
    points, along = _measured(line)
    if along_m < 0 or along_m > along[-1]:  # past an end: straight on
        edge, before = (0, 1) if along_m < 0 else (-1, -2)
        way = points[edge] - points[before]
        way /= max(hypot(*way), 1e-9)
        over = -along_m if along_m < 0 else along_m - along[-1]
        return float(points[edge][0] + way[0] * over), float(points[edge][1] + way[1] * over)
    return float(np.interp(along_m, along, points[:, 0])), float(np.interp(along_m, along, points[:, 1]))


def _on_leg(leg: Leg, time_s: float, wheelbase_m: float) -> tuple[float, float, float | None, float, float, bool]:
    """East, north, yaw, speed, metres along the leg, and whether it slows down."""
    if len(leg.line) == 1:
        return leg.line[0][0], leg.line[0][1], leg.yaw_deg, 0.0, 0.0, False
    _, along = _measured(leg.line)
    length, span = float(along[-1]), max(leg.end_s - leg.start_s, 1e-6)
    u = min(max((time_s - leg.start_s) / span, 0.0), 1.0)
    share, rate = _share(leg, u)
    here = share * length
    back, ahead = _point(leg.line, here - wheelbase_m / 2), _point(leg.line, here + wheelbase_m / 2)
    yaw = degrees(atan2(ahead[0] - back[0], ahead[1] - back[1]))
    if leg.backwards:
        yaw += 180.0
    east, north = (back[0] + ahead[0]) / 2, (back[1] + ahead[1]) / 2
    return east, north, yaw, rate * length / span, here, leg.stops and u > 0.55


def wheelbase_of(kind: ActorKind) -> float:
    """Distance over which a heading is smoothed, metres."""
    if kind == "person":
        return 0.3
    if kind in CYCLES:
        return 1.1
    return 6.0 if kind in {"bus", "fire_engine"} else 3.6 if kind == "truck" else 2.7


def state_at(actor: Actor, time_s: float) -> State | None:
    """Where the actor is, or None before its first and after its last leg."""
    if not actor.legs or time_s < actor.legs[0].start_s or time_s > actor.legs[-1].end_s:
        return None
    moved, yaw, current = 0.0, 0.0, actor.legs[0]
    base = wheelbase_of(actor.kind)
    for leg in actor.legs:
        if leg.start_s > time_s:
            break
        current = leg
        _, _, end_yaw, _, along, _ = _on_leg(leg, time_s, base)
        moved += along
        yaw = yaw if end_yaw is None else end_yaw
    east, north, _, speed, _, braking = _on_leg(current, time_s, base)
    if time_s > current.end_s:
        speed, braking = 0.0, False
    still = len(current.line) == 1 or time_s > current.end_s
    return State(east, north, yaw, speed, moved, still, braking)


def resting_since(actor: Actor, time_s: float) -> float | None:
    """When the rest that lasts at `time_s` began (start of the script counts as minus infinity for nobody), or None."""
    now = state_at(actor, time_s)
    if now is None or not now.at_rest:
        return None
    since = actor.legs[0].start_s
    for leg in actor.legs:
        if leg.start_s <= time_s and len(leg.line) > 1:
            since = leg.end_s
    return since


@lru_cache(maxsize=512)
def _lamped(style: CarStyle, seed: int, lamps: str) -> Mesh:
    """A vehicle with its lamps off, on, or on and braking."""
    return with_lamps(vehicle(style, seed), lamps)


def with_lamps(mesh: Mesh, lamps: str) -> Mesh:
    """The mesh with lamps `off`, `on` or `brake`."""
    if lamps == "on":
        return mesh
    if lamps == "brake":
        param = mesh.param.copy()
        param[mesh.material == Material.TAIL_LAMP, 1] = 1.0
        return replace(mesh, param=param)
    material = mesh.material.copy()
    material[material == Material.HEAD_LAMP] = Material.GLASS
    material[material == Material.TAIL_LAMP] = Material.PLAIN
    return replace(mesh, material=material)


def stance_of(actor: Actor, state: State, time_s: float) -> Stance:
    """How a person on foot holds the body: walking by the metres gone, else standing with a slight sway."""
    if state.speed_mps > 0.15:
        step = STEP_M * height_of(actor.seed) / 1.7
        return walking(state.moved_m / step * pi + actor.seed, min(max(state.speed_mps / 1.3, 0.6), 1.5))
    sway = float(np.sin(time_s * 0.9 + actor.seed))
    return Stance(
        (2.0 + sway, -2.0 + sway),
        (4.0, 5.0),
        (4.0 + 3 * sway, 3.0 - sway),
        (14.0 + 25.0 * (actor.seed % 3), 14.0 + 30.0 * (actor.seed % 2)),
        1.0 + sway,
    )


def bodies_at(actor: Actor, time_s: float) -> list[Body]:
    """The objects an actor consists of at a moment: a two-wheeler and its rider are two."""
    state = state_at(actor, time_s)
    if state is None:
        return []
    object_class = CLASS_OF[actor.kind]
    if actor.kind == "person":
        mesh = posed_person(actor.seed, stance_of(actor, state, time_s), umbrella=actor.umbrella)
        return [Body(actor.actor_id, object_class, mesh, state)]
    if actor.kind in CYCLES:
        style = cast("CycleStyle", actor.kind)
        off = state.at_rest and not actor.ridden
        frame = with_lamps(cycle(style, actor.seed, not actor.ridden), "off" if off else "on")
        bodies = [Body(actor.actor_id, object_class, frame, state)]
        if actor.ridden:
            bodies.append(
                Body(f"{actor.actor_id}/rider", "person", rider(style, actor.seed, state.moved_m * 1.1), state)
            )
        return bodies
    lamps = "off" if state.at_rest else "brake" if state.braking else "on"
    return [Body(actor.actor_id, object_class, _lamped(cast("CarStyle", actor.kind), actor.seed, lamps), state)]
