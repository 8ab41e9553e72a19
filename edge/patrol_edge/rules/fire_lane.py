"""Blocked fire lane (消防通道占用): a vehicle stands in the zone. How long is persistence's business."""

from __future__ import annotations

from datetime import datetime

import shapely

from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame
from patrol_edge.rules.sighting import Memory, Rule, Sighting, View

VEHICLES = frozenset({"car", "bus", "truck", "motorcycle"})
# The lower part of a vehicle's box is where it stands; its roof covers what lies behind it.
STANDING_PART = 0.35
# Share of that part that must lie in the zone: a wheel on the edge does not block a lane, half a car does.
INSIDE_SHARE = 0.4


def aerial_fire_lane_rule(view: View, confidence: float) -> Rule:
    """The rule for a lane seen from a drone: there the whole box of a vehicle is where it stands."""
    return _rule(view, confidence, standing_part=1.0)


def fire_lane_rule(view: View, confidence: float) -> Rule:
    """The rule for one zone of a fixed camera; `confidence` is the lowest score that counts."""
    return _rule(view, confidence, STANDING_PART)


def _rule(view: View, confidence: float, standing_part: float) -> Rule:
    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del frame, memory, now  # one signature for all rules; this one needs only where vehicles are
        sightings = []
        for row in detections.of_classes(VEHICLES, confidence):
            x0, y0, x1, y1 = (float(v) for v in detections.boxes_px[row])
            standing = shapely.box(x0, y1 - standing_part * (y1 - y0), x1, y1)
            if standing.area == 0 or view.polygon.intersection(standing).area < INSIDE_SHARE * standing.area:
                continue
            middle = (x0 + x1) / 2, y1 - standing_part / 2 * (y1 - y0)
            sightings.append(
                Sighting(
                    Hazard.BLOCKED_FIRE_LANE, view.zone, detections.label(row), (x0, y0, x1, y1),
                    float(detections.scores[row]), view.place(*middle),
                )
            )  # fmt: skip
        return sightings

    return look
