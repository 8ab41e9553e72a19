"""Perimeter (周界防范): a person stands in the zone during its hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import shapely

from patrol.config.values import Hours
from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame
from patrol_edge.rules.sighting import Memory, Rule, Sighting, View

PEOPLE = frozenset({"person"})


def perimeter_rule(
    view: View, confidence: float, hours: Sequence[Hours], local_time: Callable[[datetime], datetime]
) -> Rule:
    """The rule for one zone. The whole zone is one place: who walks about in it is one intrusion, not many.

    `local_time` turns a moment into the district's wall clock, in which `hours` are meant.
    """

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del frame, memory  # one signature for all rules
        local = local_time(now).time()
        if not any(span.hold(local) for span in hours):
            return []
        sightings = []
        for row in detections.of_classes(PEOPLE, confidence):
            x0, y0, x1, y1 = (float(v) for v in detections.boxes_px[row])
            feet = (x0 + x1) / 2, y1
            if view.polygon.intersects(shapely.Point(feet)):
                sightings.append(
                    Sighting(
                        Hazard.PERIMETER_INTRUSION, view.zone, "person", (x0, y0, x1, y1),
                        float(detections.scores[row]), view.place(*feet), place=view.zone,
                    )
                )  # fmt: skip
        return sightings

    return look
