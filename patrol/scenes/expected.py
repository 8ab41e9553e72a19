"""Which incidents a camera ought to report: worked out from the scripts of the actors, not from pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patrol.geo import Camera
from patrol.scenes.actors import CLASS_OF, Actor, State, state_at
from patrol.scenes.district import Watch
from patrol.scenes.scene import Scene

VEHICLES = ("car", "truck", "bus", "motorcycle")
STILL_MPS = 0.3  # slower than this a vehicle stands
STEP_S = 0.1


@dataclass(frozen=True)
class ExpectedIncident:
    """Something a camera must report. Times are seconds of the film: when it began (negative: before the film), when
    its dwell is exceeded, when it is over (None: not before the film ends). The place is in the local frame."""

    camera_id: str
    zone_id: str
    hazard: str
    object_id: str
    object_class: str
    east_m: float
    north_m: float
    begins_s: float
    due_s: float
    ends_s: float | None


def expected_incidents(
    scene: Scene, camera_id: str, camera: Camera, zones: Sequence[Watch], duration_s: float
) -> tuple[ExpectedIncident, ...]:
    """For each zone and actor: the times it was in the zone (for vehicles: stood in it) for longer than the dwell.

    Film time 0 is when watching starts: what is there already has to stay for the whole dwell again.
    """
    found: list[ExpectedIncident] = []
    for zone in zones:
        for actor in scene.actors:
            if _concerns(zone, actor):
                found += _of_actor(actor, camera_id, camera, zone, duration_s)
    return tuple(sorted(found, key=lambda e: (e.due_s, e.object_id)))


def _concerns(zone: Watch, actor: Actor) -> bool:
    kind = CLASS_OF[actor.kind]
    return kind == "person" if zone.hazard == "perimeter-intrusion" else kind in VEHICLES


def _of_actor(actor: Actor, camera_id: str, camera: Camera, zone: Watch, duration_s: float) -> list[ExpectedIncident]:
    times = [k * STEP_S for k in range(int(duration_s / STEP_S) + 1)]
    states = [state_at(actor, t) for t in times]
    inside = [*_inside(states, camera, zone), False]
    found = []
    since: int | None = None
    for k, is_inside in enumerate(inside):
        if is_inside and since is None:
            since = k
        if is_inside or since is None:
            continue
        begins_s, first = times[since], states[since]
        if k * STEP_S - begins_s > zone.dwell_s and first is not None:
            over_s = None if k == len(times) else times[k]
            began_s = begins_s if since > 0 else min(actor.legs[0].start_s, 0.0)
            found.append(
                ExpectedIncident(
                    camera_id,
                    zone.zone_id,
                    zone.hazard,
                    actor.actor_id,
                    CLASS_OF[actor.kind],
                    first.east_m,
                    first.north_m,
                    began_s,
                    begins_s + zone.dwell_s,
                    over_s,
                )
            )
        since = None
    return found


def _inside(states: Sequence[State | None], camera: Camera, zone: Watch) -> list[bool]:
    """Whether the zone counts each state: its foot point in the polygon, and for vehicles standing."""
    moves = zone.hazard == "perimeter-intrusion"
    counted = [s if s is not None and (moves or s.speed_mps <= STILL_MPS) else None for s in states]
    points = [(s.east_m, s.north_m, 0.0) if s is not None else (np.nan, np.nan, np.nan) for s in counted]
    pixels = camera.project(points)
    polygon = np.asarray(zone.polygon_px, np.float32)
    with np.errstate(invalid="ignore"):
        near = ((pixels >= polygon.min(axis=0)) & (pixels <= polygon.max(axis=0))).all(axis=1)
    return [
        bool(close) and cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0
        for close, (x, y) in zip(near, pixels, strict=True)
    ]
