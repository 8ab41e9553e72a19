"""What two pictures of one flight both show: features that tie shots together, for `patrol.adjustment`. Pure.

The reported poses say which shots overlap and roughly where; features say exactly. A tie must be each picture's best match,
clearly better than the next, and agree with its neighbours: nearly flat ground seen twice moves by one homography, and what
stands out of it by a little more.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.adjustment import Shot, Ties
from patrol.geo import Camera
from patrol_edge.frame import Image

FEATURES = 1500
WORKING_PX = 1000  # pictures are searched no larger than this: a tie is good to a part of a pixel
RATIO = 0.75
RELIEF_PX = 6.0  # of the working picture: how far a tie may lie off the homography of the ground
LEAST_TIES = 15
LEAST_OVERLAP = 0.15  # share of the smaller footprint
MOST_TIES = 150  # of a pair of shots: more cost time and add little
NEIGHBOURS = 3  # each shot is tied to so many later ones at most

Floats = NDArray[np.float64]


def tied(images: Sequence[Image], shots: Sequence[Shot], ground_m: float) -> Ties:
    """The ties between all shots whose footprints overlap. images[n] (h, w, 3) belongs to shots[n]."""
    found = [_features(image) for image in images]
    footprints = [shapely.Polygon(Camera(s.lens, s.pose).footprint(ground_m)) for s in shots]
    group = _Groups()
    for a in range(len(shots)):
        tied_to = 0
        for b in range(a + 1, len(shots)):
            if tied_to == NEIGHBOURS:
                break
            if not _overlap(footprints[a], footprints[b]):
                continue
            pairs = _pairs(found[a], found[b])
            tied_to += bool(len(pairs))
            for one, other in pairs:
                group.join((a, int(one)), (b, int(other)))
    rows = [(shot, point, found[shot][0][feature]) for point, members in enumerate(group.unique()) for shot, feature in members]  # fmt: skip
    return Ties.of([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


class _Groups:
    """Features of several shots that are one point. A point is seen once in a shot, or it is no point."""

    def __init__(self) -> None:
        self._parent: dict[tuple[int, int], tuple[int, int]] = {}

    def _root(self, one: tuple[int, int]) -> tuple[int, int]:
        while self._parent.setdefault(one, one) != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, one: tuple[int, int], other: tuple[int, int]) -> None:
        """They are the same point."""
        self._parent[self._root(one)] = self._root(other)

    def unique(self) -> list[list[tuple[int, int]]]:
        """The points, each with its (shot, feature) in order; those seen twice in one shot are dropped."""
        members: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for one in self._parent:
            members.setdefault(self._root(one), []).append(one)
        return [sorted(m) for m in members.values() if len({shot for shot, _ in m}) == len(m) > 1]


def _overlap(a: shapely.Polygon, b: shapely.Polygon) -> bool:
    if not (a.is_valid and b.is_valid):
        return False
    return bool(a.intersection(b).area >= LEAST_OVERLAP * min(a.area, b.area) > 0)


def _features(image: Image) -> tuple[Floats, NDArray[np.float32]]:
    """(n, 2) pixels of the picture and (n, 128) descriptions."""
    scale = min(1.0, WORKING_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    grey = cv2.createCLAHE(3.0, (8, 8)).apply(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    points, words = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=0.02).detectAndCompute(grey, None)
    if len(points) == 0:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    words = np.sqrt(words / (words.sum(axis=1, keepdims=True) + 1e-6))
    # the middle of the first pixel is (0, 0) in both sizes, OpenCV's resize lays edges over one another
    return (np.array([p.pt for p in points], float) + 0.5) / scale - 0.5, np.asarray(words, np.float32)


def _pairs(
    one: tuple[Floats, NDArray[np.float32]], other: tuple[Floats, NDArray[np.float32]]
) -> NDArray[np.int64]:  # fmt: skip
    """(n, 2) features of one and the other that are the same."""
    none = np.zeros((0, 2), np.int64)
    if min(len(one[0]), len(other[0])) < LEAST_TIES:
        return none
    likeness = one[1] @ other[1].T
    rows = np.arange(len(likeness))
    best = likeness.argmax(axis=1)
    mutual = likeness.argmax(axis=0)[best] == rows
    first = likeness[rows, best]
    likeness[rows, best] = -1
    good = mutual & (2 - 2 * first <= RATIO**2 * (2 - 2 * likeness.max(axis=1)))
    a, b = rows[good], best[good]
    if len(a) < LEAST_TIES:
        return none
    from_px, to_px = one[0][a].astype(np.float32), other[0][b].astype(np.float32)
    _, kept = cv2.findHomography(from_px, to_px, cv2.RANSAC, RELIEF_PX, maxIters=2000, confidence=0.999)
    if kept is None or int(kept.sum()) < LEAST_TIES:
        return none
    inlier = np.nonzero(kept.ravel())[0]
    spread = inlier[np.linspace(0, len(inlier) - 1, min(MOST_TIES, len(inlier))).astype(int)]
    return np.column_stack([a[spread], b[spread]])


def same_points(first: Image, second: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 2) and (n, 2) pixels of two pictures that show the same; none where they do not overlap."""
    one, other = _features(first), _features(second)
    pairs = _pairs(one, other)
    return one[0][pairs[:, 0]].astype(np.float32), other[0][pairs[:, 1]].astype(np.float32)
