"""A network as annotator: what it sees in a picture at several sizes and mirrored, as one set of findings."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from models.recipes.augment import Image
from models.recipes.labels import Found, Ints, nms
from models.recipes.network import Detector
from models.recipes.runtime import decode, letterbox

LEAST_SCORE = 0.05
SAME_OBJECT_IOU = 0.6  # boxes of one class that overlap more are one object


class Teacher:
    """Callable: BGR image ``[h, w, 3]`` to findings in fractions of its size.

    networks: each with the square input sizes (pixels) at which it looks, at the first also mirrored.
    """

    def __init__(self, networks: Sequence[tuple[nn.Module, Sequence[int]]]) -> None:
        self._views = [
            (Detector(network).eval(), size, mirrored)
            for network, sizes in networks
            for number, size in enumerate(sizes)
            for mirrored in ((False, True) if number == 0 else (False,))
        ]

    def __call__(self, image: Image) -> Found:
        """Everything seen with a score of at least ``LEAST_SCORE``, one box an object and class."""
        h, w = image.shape[:2]
        parts = [self._look(image, detector, size, mirrored) for detector, size, mirrored in self._views]
        boxes = np.concatenate([part.boxes for part in parts])
        classes: Ints = np.concatenate([part.classes for part in parts])
        scores = np.concatenate([part.scores for part in parts])
        kept = nms(boxes, scores, classes, SAME_OBJECT_IOU)
        return Found(boxes[kept] / np.array([w, h, w, h]), classes[kept], scores[kept])

    @staticmethod
    def _look(image: Image, detector: nn.Module, size: int, mirrored: bool) -> Found:
        h, w = image.shape[:2]
        placed, how = letterbox(np.asarray(cv2.flip(image, 1), dtype=np.uint8) if mirrored else image, size, size)
        with torch.inference_mode():
            raw = detector(torch.from_numpy(np.ascontiguousarray(placed[None, :, :, ::-1])))[0].numpy()
        found = decode(raw.astype(np.float64), how, w, h, LEAST_SCORE)
        if not mirrored:
            return found
        boxes = found.boxes.copy()
        boxes[:, [0, 2]] = w - boxes[:, [2, 0]]
        return Found(boxes, found.classes, found.scores)
