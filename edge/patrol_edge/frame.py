"""What a camera yields and what a model makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from patrol.geo import Pose

Image = NDArray[np.uint8]  # (height, width, 3), blue green red, as OpenCV keeps pictures
Shares = NDArray[np.uint8]  # (height, width), 255 times how much of something there is


@dataclass(frozen=True)
class Frame:
    """One picture of one camera. `taken_at` is aware and in UTC: the frame's own time, not the time of judging.

    `celsius`: (height, width) temperatures of a thermal camera's picture, NaN where there is no reading; None where a
    picture holds colours only. `pose`: of a moving camera at that moment, in the district's local frame; None for a fixed
    camera, whose pose stands in the configuration.
    """

    camera: str
    taken_at: datetime
    image: Image
    celsius: NDArray[np.float32] | None = None
    pose: Pose | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class Detections:
    """A model's output on one frame, one row an object, best first.

    boxes_px: (n, 4) x_min, y_min, x_max, y_max in pixels of the frame; scores: (n,) 0 to 1;
    class_ids: (n,) indices into `classes`. maps: what a segmentation network says of the whole picture, name to (h, w)
    shares from 0 to 255, at the network's own resolution.
    """

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    classes: tuple[str, ...]
    maps: Mapping[str, Shares] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.scores)

    def label(self, row: int) -> str:
        """Class name of one row."""
        return self.classes[int(self.class_ids[row])]

    def of_classes(self, wanted: frozenset[str], min_score: float) -> list[int]:
        """Rows of the wanted classes with at least `min_score`."""
        return [r for r in range(len(self)) if self.scores[r] >= min_score and self.label(r) in wanted]

    @classmethod
    def none(cls, classes: tuple[str, ...] = ()) -> Detections:
        """No object at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), classes)
