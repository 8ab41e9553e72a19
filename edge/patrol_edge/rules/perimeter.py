"""Perimeter (周界防范): a person stands in the zone during its hours, or has crossed its line in the forbidden direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import hypot

import numpy as np
import shapely

from patrol.config.values import Hours
from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View

PEOPLE = frozenset({"person"})
WALKERS = "walkers"  # key in the rule's memory
STEP_OF_HEIGHT = 0.6  # of a person's height in the picture: how far feet move between two looks, at a run
MISSED_LOOKS = 4  # a walker hidden for longer begins anew, on the side where they are then
MAX_WALKERS = 50
PERSON_M = 1.7  # the yardstick that is projected to measure a box; heights are proportional near it

Point = tuple[float, float]


@dataclass(frozen=True)
class Walker:
    """Where somebody's feet were, whether they have crossed, and looks since they were seen."""

    x_px: float
    y_px: float
    crossed: bool
    missed: int


def perimeter_rule(
    view: View,
    confidence: float,
    hours: Sequence[Hours],
    local_time: Callable[[datetime], datetime],
    line: Sequence[Point] | None = None,
    heights_m: tuple[float, float] = (0.0, float("inf")),
) -> Rule:
    """The rule for one zone. The whole zone is one place: who walks about in it is one intrusion, not many.

    `local_time` turns a moment into the district's wall clock, in which `hours` are meant. With `line` (two points,
    pixels) only those count who were seen to cross it from its left to its right, for as long as they stay in the zone.
    """

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del frame  # one signature for all rules
        local = local_time(now).time()
        if not any(span.hold(local) for span in hours):
            memory.kept.pop(WALKERS, None)
            return []
        rows = [
            row
            for row in detections.of_classes(PEOPLE, confidence)
            if is_person_high(view, _box(detections, row), heights_m)
        ]
        if line is not None:
            walkers = followed(_read(memory.kept.get(WALKERS)), [_box(detections, row) for row in rows], line)
            memory.kept[WALKERS] = [[w.x_px, w.y_px, w.crossed, w.missed] for w in walkers]
            rows = [row for row, walker in zip(rows, walkers, strict=False) if walker.crossed]
        sightings = []
        for row in rows:
            box = _box(detections, row)
            feet = _feet(box)
            if view.polygon.intersects(shapely.Point(feet)):
                sightings.append(
                    Sighting(
                        Hazard.PERIMETER_INTRUSION, view.zone, "person", box, float(detections.scores[row]),
                        view.place(*feet), place=view.zone,
                    )
                )  # fmt: skip
        return sightings

    return look


def is_person_high(view: View, box: Box, heights_m: tuple[float, float]) -> bool:
    """Whether a box that stands on flat ground is within the heights; True where there is no pose to measure with."""
    height_m = standing_height_m(view, box)
    return height_m is None or heights_m[0] <= height_m <= heights_m[1]


def standing_height_m(view: View, box: Box) -> float | None:
    """How high a thing is whose box stands on flat ground; None without a pose or above the horizon."""
    feet = _feet(box)
    if view.camera is None:
        return None
    east_m, north_m = view.camera.to_plane([feet])[0]
    top = view.camera.project([(east_m, north_m, PERSON_M)])[0]
    yardstick_px = feet[1] - float(top[1])
    if not np.isfinite(yardstick_px) or yardstick_px <= 0:
        return None
    return PERSON_M * (box[3] - box[1]) / yardstick_px


def followed(before: Sequence[Walker], boxes: Sequence[Box], line: Sequence[Point]) -> list[Walker]:
    """One walker for each box, in the boxes' order, then those not seen now. Nearest pairs first, each used once. Pure."""
    pairs = sorted(
        (hypot(walker.x_px - feet[0], walker.y_px - feet[1]), n, k)
        for n, walker in enumerate(before)
        for k, (feet, box) in enumerate((_feet(box), box) for box in boxes)
        if hypot(walker.x_px - feet[0], walker.y_px - feet[1])
        <= STEP_OF_HEIGHT * (box[3] - box[1]) * (1 + walker.missed)
    )
    known: dict[int, Walker] = {}
    used: set[int] = set()
    for _, n, k in pairs:
        if k not in known and n not in used:
            known[k] = before[n]
            used.add(n)
    walkers = []
    for k, box in enumerate(boxes):
        x, y = _feet(box)
        old = known.get(k)
        walkers.append(Walker(x, y, old is not None and _after(old, (x, y), line), 0))
    hidden = [
        Walker(w.x_px, w.y_px, w.crossed, w.missed + 1)
        for n, w in enumerate(before)
        if n not in used and w.missed < MISSED_LOOKS
    ]
    return walkers + hidden[: max(0, MAX_WALKERS - len(walkers))]


def _after(old: Walker, now: Point, line: Sequence[Point]) -> bool:
    """Whether somebody counts as crossed after this step: a step over the line decides, any other changes nothing."""
    step = shapely.LineString([(old.x_px, old.y_px), now])
    if not step.intersects(shapely.LineString(line)):
        return old.crossed
    side = _right_of(now, line)
    return side > 0 if side != 0 else old.crossed


def _right_of(point: Point, line: Sequence[Point]) -> float:
    """Positive on the right of the line as seen from its first point, in a picture whose y runs down."""
    (ax, ay), (bx, by) = line
    return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


def _box(detections: Detections, row: int) -> Box:
    x0, y0, x1, y1 = (float(v) for v in detections.boxes_px[row])
    return x0, y0, x1, y1


def _feet(box: Box) -> Point:
    return (box[0] + box[2]) / 2, box[3]


def _read(kept: object) -> list[Walker]:
    """What was remembered; nothing where another program kept something else."""
    walkers = []
    for row in kept if isinstance(kept, list) else []:
        match row:
            case [float() | int() as x, float() | int() as y, bool() as crossed, int() as missed]:
                walkers.append(Walker(float(x), float(y), crossed, missed))
            case _:
                continue
    return walkers
