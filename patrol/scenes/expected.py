"""Which incidents a camera ought to report: worked out from the scripts of the actors, not from pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patrol.geo import Camera
from patrol.scenes.actors import CLASS_OF, Actor, state_at
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
    found = []
    since: float | None = None
    place = (0.0, 0.0)
    steps = int(duration_s / STEP_S) + 1
    for k in range(steps + 1):
        time_s = k * STEP_S
        inside = k < steps and _inside(actor, camera, zone, time_s)
        if inside and since is None:
            since = time_s
            state = state_at(actor, time_s)
            place = (state.east_m, state.north_m) if state is not None else place
        if not inside and since is not None:
            if time_s - since > zone.dwell_s:
                over = None if k >= steps else time_s
                began = since if since > 0 else min(actor.legs[0].start_s, 0.0)
                found.append(
                    ExpectedIncident(
                        camera_id,
                        zone.zone_id,
                        zone.hazard,
                        actor.actor_id,
                        CLASS_OF[actor.kind],
                        *place,
                        began,
                        since + zone.dwell_s,
                        over,
                    )
                )
            since = None
    return found


def _inside(actor: Actor, camera: Camera, zone: Watch, time_s: float) -> bool:
    state = state_at(actor, time_s)
    if state is None or (zone.hazard != "perimeter-intrusion" and state.speed_mps > STILL_MPS):
        return False
    pixel = camera.project([(state.east_m, state.north_m, 0.0)])[0]
    if not np.isfinite(pixel).all():
        return False
    polygon = np.asarray(zone.polygon_px, np.float32)
    return float(cv2.pointPolygonTest(polygon, (float(pixel[0]), float(pixel[1])), False)) >= 0
