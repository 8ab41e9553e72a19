"""Blocked fire lane (消防通道占用): a vehicle or a thing stands in the zone. How long is persistence's business.

Vehicles and bicycles are what the network finds; things it does not know (bins, piles, boards) are found by comparing the
lane with itself when it was empty, see `lane_objects`.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import shapely

from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame
from patrol_edge.rules.lane_objects import EmptyLane, empty_lane, things_in
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View, overlap_share

VEHICLES = frozenset({"car", "bus", "truck", "motorcycle", "bicycle"})
THING = "object"  # the label of what only the comparison finds
THING_CONFIDENCE = 0.5  # the comparison says yes or no
SAME_THING = 0.7  # overlap (IoU) of boxes that two classes draw around one thing
COVERS = 0.15  # even a doubtful detection explains a change
# The lower part of a vehicle's box is where it stands; its roof covers what lies behind it.
STANDING_PART = 0.35
# Share of that part that must lie in the zone: a wheel on the edge does not block a lane, half a car does.
INSIDE_SHARE = 0.4


def aerial_fire_lane_rule(view: View, confidence: float) -> Rule:
    """The rule for a lane seen from a drone: there the whole box of a vehicle is where it stands."""
    return _rule(view, confidence, standing_part=1.0)


def fire_lane_rule(view: View, confidence: float, *, things: bool = False) -> Rule:
    """The rule for one zone of a fixed camera; `confidence` is the lowest score that counts. `things`: compare as well."""
    vehicles = _rule(view, confidence, STANDING_PART)

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        return [*vehicles(frame, detections, memory, now), *_things(view, frame, detections, memory, now)]

    return look if things else vehicles


def _things(view: View, frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
    lane = memory.live.get("empty lane")
    if not isinstance(lane, EmptyLane):
        lane = empty_lane(view.polygon, frame.size_px)
    memory.live["empty lane"] = lane
    rows = [row for row in range(len(detections)) if detections.scores[row] >= COVERS]
    covered = [(float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in detections.boxes_px[rows]]
    return [
        Sighting(
            Hazard.BLOCKED_FIRE_LANE, view.zone, THING, box, THING_CONFIDENCE, view.place((box[0] + box[2]) / 2, box[3])
        )
        for box in things_in(lane, frame.image, covered, now.timestamp())
    ]


def vehicles_in(detections: Detections, confidence: float) -> list[tuple[int, float]]:
    """Rows of vehicles, best first, with how sure it is that each is one of any kind.

    A van is half a car and half a truck to a network; what blocks a lane is neither's business. Boxes of several classes on
    one thing are one vehicle, missed by all of them only as often as each misses it: 1 - (1 - a)(1 - b).
    """
    rows = sorted(detections.of_classes(VEHICLES, 0.0), key=lambda row: -float(detections.scores[row]))
    boxes: list[Box] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in detections.boxes_px]
    found, taken = [], set[int]()
    for row in rows:
        if row in taken:
            continue
        same = [row]
        for other in rows:
            kinds = {detections.label(one) for one in same}
            if (
                other not in taken
                and detections.label(other) not in kinds
                and overlap_share(boxes[row], boxes[other]) >= SAME_THING
            ):
                same.append(other)
        taken.update(same)
        score = 1.0 - float(np.prod([1.0 - float(detections.scores[one]) for one in same]))
        if score >= confidence:
            found.append((row, score))
    return sorted(found, key=lambda pair: -pair[1])


def _rule(view: View, confidence: float, standing_part: float) -> Rule:
    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del frame, memory, now  # one signature for all rules; this one needs only where vehicles are
        sightings = []
        for row, score in vehicles_in(detections, confidence):
            x0, y0, x1, y1 = (float(v) for v in detections.boxes_px[row])
            standing = shapely.box(x0, y1 - standing_part * (y1 - y0), x1, y1)
            if standing.area == 0 or view.polygon.intersection(standing).area < INSIDE_SHARE * standing.area:
                continue
            middle = (x0 + x1) / 2, y1 - standing_part / 2 * (y1 - y0)
            sightings.append(
                Sighting(
                    Hazard.BLOCKED_FIRE_LANE, view.zone, detections.label(row), (x0, y0, x1, y1),
                    score, view.place(*middle),
                )
            )  # fmt: skip
        return sightings

    return look
