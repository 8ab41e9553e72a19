"""Rooftop violation (楼顶违建取证): something is built on a roof that was not there. One roof is one place, for years.

The rule asks the shelf for the roof's baseline and tells it what became of the roof; everything it decides is decided in
`rooftop_judgement`. A picture that cannot be judged is no look: it neither finds a structure nor counts as its absence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import hypot

import cv2
import numpy as np
import shapely

from patrol.config.zones import RoofZone
from patrol.events import Hazard, ModelRef
from patrol.geo import Camera
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.rules.rooftop_baseline import NO_SHELF, Baseline, Shelf, due
from patrol_edge.rules.rooftop_first import Found, SingleNetwork, first_found
from patrol_edge.rules.rooftop_height import Look, height_of
from patrol_edge.rules.rooftop_judgement import ChangeNetwork, Judgement, judged
from patrol_edge.rules.rooftop_plane import GSD_M, Raster, Refusal, Roof
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View

LAST_LOOK = "last look"  # key in the live memory
SAID = "not judged"  # key in the kept memory: why the last picture said nothing, in English
INSET_SHARE = 0.36  # of the picture's width that the before and after pair takes
RED, WHITE = (40, 40, 230), (255, 255, 255)


@dataclass(frozen=True)
class Roofs:
    """What the rule needs beside its frame: where baselines lie; the networks for two pictures and for one, if there are any."""

    shelf: Shelf = NO_SHELF
    network: ChangeNetwork | None = None
    ref: ModelRef | None = None
    single: SingleNetwork | None = None


NO_ROOFS = Roofs()


def rooftop_rule(view: View, zone: RoofZone, roof: Roof | None, roofs: Roofs = NO_ROOFS) -> Rule:
    """The rule for one roof; without a roof (a camera without a pose) no picture is judged.

    Without a shelf every picture is the first, and only the network for single pictures finds anything.
    """

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del detections  # its networks look at the roof's map, not at the frame
        if roof is None:
            memory.kept[SAID], memory.unjudged = Refusal.NO_POSE.value.en, True
            return []
        baseline = roofs.shelf.baseline(roof.building)
        single = _single(frame, view, zone, roof, roofs)
        judgement = judged(frame.image, view.camera, roof, baseline, single, zone.least_area_m2, roofs.network)
        said = None if judgement.refusal is None else judgement.refusal.value.en
        memory.kept[SAID] = said
        camera, picture = view.camera, judgement.picture
        if camera is not None and picture is not None and judgement.refusal is not Refusal.MISFIT:
            today = Baseline(roof.building, picture, now, camera, judgement.known)
            _keep(roofs.shelf, judgement, today, baseline, zone.confidence)
        memory.unjudged = judgement.refusal is not None
        found = [f for f in judgement.found if f.confidence >= _limit(zone, f) and f.area_m2 >= zone.least_area_m2]
        if camera is None or picture is None or not found:
            return []
        last = memory.live.get(LAST_LOOK)
        seen = Look(camera, judgement.registration)
        height_m = height_of(last, seen, found[0].ring, roof) if isinstance(last, Look) else None
        if height_m is not None or not isinstance(last, Look) or last.far_from(seen):
            memory.live[LAST_LOOK] = seen
        ref = roofs.ref if found[0].new else None if roofs.single is None else roofs.single.ref
        sighting = _sighting(frame, view, roof, found, judgement, baseline, now, height_m)
        return [replace(sighting, model=ref, threshold=_limit(zone, found[0]))]

    return look


def _single(
    frame: Frame, view: View, zone: RoofZone, roof: Roof, roofs: Roofs
) -> Callable[[], Sequence[Found]] | None:  # fmt: skip
    """Asks the network for single pictures; None where the zone does not want it, or there is none."""
    network, camera = roofs.single, view.camera
    if network is None or camera is None or not zone.first_visit:
        return None
    return lambda: first_found(frame.image, camera, roof, network, zone.first_confidence, zone.least_area_m2)


def _limit(zone: RoofZone, found: Found) -> float:
    """How sure a find must be: what two pictures say and what one says are different scales."""
    return zone.confidence if found.new else zone.first_confidence


def roof_of(view: View, zone: RoofZone, permitted: Sequence[shapely.Polygon] = ()) -> Roof | None:
    """The roof that a zone's polygon outlines in a picture, through the view's camera; None without a pose."""
    camera = view.camera
    if camera is None:
        return None

    def ground(polygon: shapely.Polygon) -> shapely.Polygon:
        return shapely.Polygon(camera.to_plane(np.array(polygon.exterior.coords)[:-1], zone.height_m))

    footprint = ground(view.polygon)
    if not footprint.is_valid or not np.isfinite(footprint.area):
        return None
    return Roof(zone.building or zone.id, footprint, zone.height_m, tuple(ground(p) for p in permitted))


def _keep(shelf: Shelf, judgement: Judgement, today: Baseline, baseline: Baseline | None, confidence: float) -> None:
    """First pictures and those of unchanged roofs become baselines; those of changed roofs wait for a person."""
    if baseline is None or (judgement.in_order and due(baseline, today.taken_at)):
        shelf.settle(today)
        return
    if judgement.known != baseline.known:
        shelf.settle(replace(baseline, known=judgement.known))
    if any(f.new and f.confidence >= confidence for f in judgement.found):
        shelf.propose(today)


def _sighting(
    frame: Frame, view: View, roof: Roof, found: Sequence[Found], judgement: Judgement, baseline: Baseline | None,
    now: datetime, height_m: float | None,
) -> Sighting:  # fmt: skip
    """All that was built on one roof as one sighting: the surest one's box and place, the area of all together."""
    boxes = [box_in_picture(f, judgement, roof, view.camera) for f in found if view.camera is not None]
    box = boxes[0]
    measured = {"area_m2": round(sum(f.area_m2 for f in found), 1), "structures": float(len(found))}
    if height_m is not None:
        measured["height_m"] = round(height_m, 1)
    if judgement.registration is not None and baseline is not None:
        measured["misfit_m"] = round(judgement.registration.residual_px * GSD_M, 2)
        measured["baseline_age_days"] = round((now - baseline.taken_at).total_seconds() / 86_400, 1)
    picture = None
    if baseline is not None and judgement.registration is not None and found[0].new:
        picture = paired(frame, box, baseline, judgement.registration.picture.image, found, now)
    label = "built since the baseline" if found[0].new else "structure on a roof without a baseline"
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return Sighting(
        Hazard.ROOFTOP_VIOLATION, view.zone, label, box, found[0].confidence, view.place(*middle), place=roof.building,
        measurement=measured, picture=picture,
    )  # fmt: skip


def box_in_picture(found: Found, judgement: Judgement, roof: Roof, camera: Camera) -> Box:
    """Where a structure lies in the frame: its outline back through the registration and the pose, within the picture."""
    ring = shapely.get_coordinates(found.ring.exterior)
    if judgement.registration is not None:
        matrix = judgement.registration.matrix
        ring = ring @ matrix[:, :2].T + matrix[:, 2]
    local = Raster.of(roof).to_local(ring)
    pixels = camera.project(np.column_stack([local, np.full(len(local), roof.height_m)]))
    x, y = np.clip(pixels[:, 0], 0, camera.lens.width_px - 1), np.clip(pixels[:, 1], 0, camera.lens.height_px - 1)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def paired(
    frame: Frame, box: Box, baseline: Baseline, after: Image, found: Sequence[Found], now: datetime
) -> Image:  # fmt: skip
    """The frame with the roof's map before and after, dated, in the corner that is farthest from the box."""
    image = frame.image.copy()
    high, wide = image.shape[:2]
    part = _cut(found, after.shape)
    halves = []
    for map_, taken_at in ((baseline.picture.image, baseline.taken_at), (after, now)):
        shown = map_.copy()
        for f in found:
            ring = np.round(shapely.get_coordinates(f.ring.exterior)).astype(np.int32)
            cv2.polylines(shown, [ring], isClosed=True, color=RED, thickness=1)
        cut = shown[part]
        scale = min(INSET_SHARE * wide / 2 / cut.shape[1], 0.45 * high / cut.shape[0])
        size = max(1, int(cut.shape[1] * scale)), max(1, int(cut.shape[0] * scale))
        half = cv2.resize(cut, size, interpolation=cv2.INTER_LINEAR)
        half = cv2.copyMakeBorder(half, 22, 3, 3, 3, cv2.BORDER_CONSTANT, value=WHITE)
        cv2.putText(
            half, taken_at.date().isoformat(), (5, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA
        )
        halves.append(half)
    inset = np.hstack(halves)[:high, :wide]
    tall, broad = inset.shape[:2]
    corners = [(y, x) for y in (0, high - tall) for x in (0, wide - broad)]
    middle = (box[1] + box[3]) / 2, (box[0] + box[2]) / 2
    y, x = max(corners, key=lambda c: hypot(c[0] + tall / 2 - middle[0], c[1] + broad / 2 - middle[1]))
    image[y : y + tall, x : x + broad] = inset
    return image


def _cut(found: Sequence[Found], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of a roof's map that shows what was found, with as much around it."""
    rings = np.concatenate([shapely.get_coordinates(f.ring.exterior) for f in found])
    (x0, y0), (x1, y1) = rings.min(axis=0), rings.max(axis=0)
    reach = max(x1 - x0, y1 - y0, 40.0) * 0.7
    return (
        slice(int(max(0, y0 - reach)), int(min(shape[0], y1 + reach)) + 1),
        slice(int(max(0, x0 - reach)), int(min(shape[1], x1 + reach)) + 1),
    )
