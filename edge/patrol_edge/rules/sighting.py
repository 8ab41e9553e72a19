"""A rule's verdict on one frame, and the signature that all rules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import JsonValue

from patrol.events import Hazard, ModelRef
from patrol.geo import Camera, GroundPoint, PoseSigma
from patrol_edge.frame import Detections, Frame, Image

Box = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max in pixels of the frame


@dataclass(frozen=True)
class Sighting:
    """One hazard seen on one frame.

    `place` is set when the rule itself knows the place (a zone is one place for everybody in it);
    otherwise things are the same when they stand in the same spot of the picture.
    """

    hazard: Hazard
    zone: str
    label: str
    box_px: Box
    confidence: float
    ground: GroundPoint | None
    place: str | None = None
    measurement: Mapping[str, float] = field(default_factory=dict)  # units in the names
    picture: Image | None = None  # what shows it, where the frame alone does not (a thing that has already fallen)
    model: ModelRef | None = None  # the network that saw it, where the zone's rule asks several
    threshold: float | None = None  # of its confidence, where that is not the zone's
    own_votes: int | None = None  # how many looks have seen this very thing, where its place is wider than one thing
    least_votes: int = 1  # how many looks must have seen it: what one look is worth is the rule's to know


@dataclass
class Memory:
    """What a zone's rule may keep between frames.

    `kept` goes to the disk with the zone's spots and survives a restart: plain values only, bounded, no moments (the
    clock may be set). `live` is lost at a restart: pictures of the background, which are soon learnt again.
    """

    kept: dict[str, JsonValue] = field(default_factory=dict)
    live: dict[str, object] = field(default_factory=dict)
    unjudged: bool = (
        False  # set by a rule that could not use the frame: such a look proves neither presence nor absence
    )


Rule = Callable[[Frame, Detections, Memory, datetime], list[Sighting]]


@dataclass(frozen=True)
class View:
    """A zone of one camera's picture, scaled to the frames that come, and what is needed to place things."""

    zone: str
    polygon: shapely.Polygon
    camera: Camera | None
    sigma: PoseSigma | None
    height_m: float = 0.0  # of the plane on which things lie: the ground, or a roof

    def place(self, x_px: float, y_px: float) -> GroundPoint | None:
        """Where a pixel lies on the view's plane; None without a pose or above the horizon."""
        if self.camera is None or self.sigma is None:
            return None
        return self.camera.locate((x_px, y_px), self.sigma, self.height_m)

    def mask(self, size_px: tuple[int, int]) -> NDArray[np.bool_]:
        """(height, width) of the pixels inside the zone, for pictures of this width and height."""
        inside = np.zeros((size_px[1], size_px[0]), np.uint8)
        cv2.fillPoly(inside, [np.round(np.array(self.polygon.exterior.coords)).astype(np.int32)], 1)
        return inside.astype(bool)


def overlap_share(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
