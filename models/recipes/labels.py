"""Boxes of one image as arrays, and the pure steps that read, compare and clean them.

``boxes`` are float arrays ``[n, 4]`` of x1, y1, x2, y2. Labels use fractions of the image's width and height (0..1);
detections use pixels. ``classes`` are int arrays ``[n]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """The objects of one image: boxes ``[n, 4]`` in fractions of its size, and their classes ``[n]``."""

    boxes: Floats
    classes: Ints

    def __len__(self) -> int:
        return len(self.classes)

    def keep(self, chosen: NDArray[np.bool_]) -> Labels:
        """The labels for which ``chosen`` is true."""
        return Labels(self.boxes[chosen], self.classes[chosen])

    def plus(self, other: Labels) -> Labels:
        """These labels followed by the other's."""
        return Labels(np.concatenate([self.boxes, other.boxes]), np.concatenate([self.classes, other.classes]))


def empty() -> Labels:
    """No object."""
    return Labels(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))


def parse_yolo(text: str, mapping: Sequence[int] | None = None) -> Labels:
    """Labels from YOLO text: a line an object, ``class cx cy w h`` as fractions, or a polygon ``class x1 y1 x2 y2 ...``.

    mapping[i] is the class that file class i becomes, -1 to drop it; None keeps the classes. Boxes are clipped to the image
    and those without area dropped. Raises ValueError on a line that is neither.
    """
    boxes: list[list[float]] = []
    classes: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) < 5 or (len(parts) > 5 and len(parts) % 2 == 0):
            raise ValueError(f"line {number}: not a YOLO box or polygon: {line!r}")
        label = int(parts[0])
        label = label if mapping is None else mapping[label]
        if label < 0:
            continue
        values = [float(part) for part in parts[1:]]
        if len(values) == 4:
            cx, cy, w, h = values
            box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
        else:
            box = [min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])]
        box = [min(max(value, 0.0), 1.0) for value in box]
        if box[2] > box[0] and box[3] > box[1]:
            boxes.append(box)
            classes.append(label)
    return Labels(np.array(boxes, dtype=float).reshape(-1, 4), np.array(classes, dtype=np.int64))


def areas(boxes: Floats) -> Floats:
    """Areas ``[n]``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection areas ``[n, m]``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    size = np.clip(high - low, 0, None)
    return np.asarray(size[..., 0] * size[..., 1])


def iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union ``[n, m]``."""
    inner = overlaps(first, second)
    return np.asarray(inner / np.maximum(areas(first)[:, None] + areas(second)[None, :] - inner, 1e-12))


def inside(first: Floats, second: Floats) -> Floats:
    """Share of each first box that lies in each second box, ``[n, m]``."""
    return np.asarray(overlaps(first, second) / np.maximum(areas(first)[:, None], 1e-12))


def nms(boxes: Floats, scores: Floats, classes: Ints, limit: float) -> Ints:
    """Indices that survive class-wise non-maximum suppression at IoU above ``limit``, best score first."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    shifted = boxes + classes[:, None] * (boxes.max(initial=0.0) + 1.0)  # another class never overlaps
    while len(order):
        best = int(order[0])
        kept.append(best)
        rest = order[1:]
        order = rest[iou(shifted[best : best + 1], shifted[rest])[0] <= limit]
    return np.array(kept, dtype=np.int64)


def without_twins(labels: Labels, limit: float = 0.85) -> Labels:
    """Labels without the second of two boxes of one class that cover the same object (IoU above ``limit``)."""
    return labels.keep(
        np.isin(np.arange(len(labels)), nms(labels.boxes, -np.arange(len(labels), dtype=float), labels.classes, limit))
    )


def without_specks(labels: Labels, width_px: int, height_px: int, least_px: float) -> Labels:
    """Labels whose shorter side measures at least ``least_px`` in an image of the given size."""
    size = (labels.boxes[:, 2:] - labels.boxes[:, :2]) * np.array([width_px, height_px])
    return labels.keep(size.min(axis=1, initial=np.inf) >= least_px if len(labels) else np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class Found:
    """What a teacher network saw in one image: boxes ``[n, 4]`` in fractions, classes ``[n]``, scores ``[n]`` in 0..1."""

    boxes: Floats
    classes: Ints
    scores: Floats

    def keep(self, chosen: NDArray[np.bool_]) -> Found:
        """The findings for which ``chosen`` is true."""
        return Found(self.boxes[chosen], self.classes[chosen], self.scores[chosen])


def join_riders(found: Found, person: int, vehicles: Sequence[int], rider_inside: float = 0.35) -> Found:
    """One box for rider and two-wheeler, of the vehicle's class: the convention of the street labels.

    A person joins the vehicle box that holds at least ``rider_inside`` of the person's box and whose own middle lies under
    the person's; the joined box spans both, the person goes.
    """
    boxes = found.boxes.copy()
    keep = np.ones(len(boxes), dtype=bool)
    vehicle_at = np.flatnonzero(np.isin(found.classes, vehicles))
    for index in np.flatnonzero(found.classes == person):
        if not len(vehicle_at):
            break
        share = inside(found.boxes[index : index + 1], found.boxes[vehicle_at])[0]
        lower = (found.boxes[vehicle_at, 1] + found.boxes[vehicle_at, 3]) > (
            found.boxes[index, 1] + found.boxes[index, 3]
        )
        share = np.where(lower, share, 0.0)
        best = int(share.argmax())
        if share[best] >= rider_inside:
            target = int(vehicle_at[best])
            boxes[target, :2] = np.minimum(boxes[target, :2], found.boxes[index, :2])
            boxes[target, 2:] = np.maximum(boxes[target, 2:], found.boxes[index, 2:])
            keep[index] = False
    return Found(boxes, found.classes, found.scores).keep(keep)


def one_each(found: Found, limit: float = 0.6) -> Found:
    """Findings without the lesser of two, of whatever classes, on one object (IoU above ``limit``)."""
    kept = nms(found.boxes, found.scores, np.zeros_like(found.classes), limit)
    return Found(found.boxes[kept], found.classes[kept], found.scores[kept])


def add_missed(
    labels: Labels, found: Found, least_scores: Sequence[float], free_iou: float = 0.4, free_inside: float = 0.6
) -> Labels:
    """Labels plus what the teacher saw and the annotator missed.

    least_scores[class] is the score from which a finding is believed. A finding that overlaps any label, of any class, by
    more than ``free_iou`` or lies in one by more than ``free_inside`` is the labelled object itself and is not added.
    """
    believed = found.keep(found.scores >= np.asarray(least_scores)[found.classes])
    if len(labels) and len(believed.classes):
        taken = (iou(believed.boxes, labels.boxes).max(axis=1) > free_iou) | (
            inside(believed.boxes, labels.boxes).max(axis=1) > free_inside
        )
        believed = believed.keep(~taken)
    return labels.plus(Labels(believed.boxes, believed.classes))


def doubtful(labels: Labels, found: Found, least_score: float, free_iou: float = 0.3) -> Floats:
    """Boxes ``[n, 4]`` where the teacher half-saw something that ``labels`` does not hold: neither object nor background."""
    half = found.keep(found.scores >= least_score)
    if len(labels) and len(half.classes):
        half = half.keep(iou(half.boxes, labels.boxes).max(axis=1) <= free_iou)
    return half.boxes
