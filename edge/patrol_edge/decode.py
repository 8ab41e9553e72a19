"""From a picture to a network's input, and from its output to boxes. Pure numpy and OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol_edge.frame import Detections, Image

PADDING = 114  # the grey with which the training recipe fills what a picture does not cover
MAX_CANDIDATES = 1000  # boxes that enter suppression; a street scene has a few dozen objects


@dataclass(frozen=True)
class Letterbox:
    """How a picture was fitted into the network's input: pixel_in = pixel * scale + offset."""

    scale: float
    left_px: int
    top_px: int


def fit(image: Image, height_px: int, width_px: int) -> tuple[Image, Letterbox]:
    """(h, w, 3) BGR to (height_px, width_px, 3) RGB, aspect kept, centred on grey."""
    h, w = image.shape[:2]
    scale = min(width_px / w, height_px / h)
    new_w, new_h = max(1, round(w * scale)), max(1, round(h * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = image if (new_w, new_h) == (w, h) else cv2.resize(image, (new_w, new_h), interpolation=interpolation)
    left, top = (width_px - new_w) // 2, (height_px - new_h) // 2
    canvas = np.full((height_px, width_px, 3), PADDING, np.uint8)
    canvas[top : top + new_h, left : left + new_w] = resized[:, :, ::-1]
    return canvas, Letterbox(scale, left, top)


def suppress(boxes_px: NDArray[np.float32], scores: NDArray[np.float32], iou: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression. (n, 4) boxes, (n,) scores; the kept rows, best first."""
    order = np.argsort(-scores, kind="stable")
    x0, y0, x1, y1 = boxes_px.T
    areas = np.maximum(x1 - x0, 0) * np.maximum(y1 - y0, 0)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.minimum(x1[best], x1[rest]) - np.maximum(x0[best], x0[rest])
        height = np.minimum(y1[best], y1[rest]) - np.maximum(y0[best], y0[rest])
        overlap = np.maximum(width, 0) * np.maximum(height, 0)
        union = areas[best] + areas[rest] - overlap
        order = rest[overlap <= iou * union]
    return np.array(kept, np.int64)


def boxes_from(
    output: NDArray[np.float32],
    letterbox: Letterbox,
    size_px: tuple[int, int],
    classes: tuple[str, ...],
    min_score: float,
    iou: float = 0.5,
) -> Detections:
    """One image's (4 + classes, anchors) output to detections in pixels of the picture.

    Rows 0 to 3 are centre x, centre y, width, height in pixels of the network's input. Suppression
    is per class; boxes are clipped to the picture of `size_px` (width, height).
    """
    scores_all = output[4:]
    class_ids = scores_all.argmax(axis=0)
    scores = scores_all[class_ids, np.arange(scores_all.shape[1])]
    candidates = np.flatnonzero(scores >= min_score)
    if len(candidates) > MAX_CANDIDATES:
        candidates = candidates[np.argsort(-scores[candidates])[:MAX_CANDIDATES]]
    if not len(candidates):
        return Detections.none(classes)
    cx, cy, w, h = output[:4, candidates]
    boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)
    boxes -= np.array([letterbox.left_px, letterbox.top_px] * 2, np.float32)
    boxes /= letterbox.scale
    width, height = size_px
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
    chosen_scores, chosen_ids = scores[candidates], class_ids[candidates]
    # boxes of different classes are moved apart, so that one pass suppresses within each class only
    shifted = boxes + (chosen_ids * (max(width, height) + 1.0))[:, None].astype(np.float32)
    kept = suppress(shifted, chosen_scores, iou)
    return Detections(boxes[kept], chosen_scores[kept], chosen_ids[kept].astype(np.int64), classes)
