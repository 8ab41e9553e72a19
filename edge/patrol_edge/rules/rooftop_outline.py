"""Where a roof really lies in its baseline's picture: the pose of that picture was off too, by metres. Pure.

Two pictures that lie over one another on the roof's plane agree on the roof, pixel by pixel, and disagree beside it where the drone
flew elsewhere (the ground moves against the roof); and a roof ends at edges that run along its outline. The shift of the footprint that
suits both best, less what a pose is unlikely to be off by, is the roof's place. Three correlations of whole maps, no search.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_plane import GSD_M, Mask

REACH_M = 3.9  # of the shift: as far as the raster's margin reaches
POSE_PX = 14.0  # standard deviation of a shift in each axis: 1.5 m of position and one degree of tilt at 60 m
PRIOR = 0.3  # weight of that. It and the two below: of the sets tried on tiles for tuning the one with the fewest outlines beyond 1.5 m
AGREEMENT = 10.0  # weight of agreement on the roof less that beside it, where the ground moves by CLEAR_PX or more
EDGE = 30.0  # weight of edges along the outline, log units per pixel
CLEAR_PX = 20.0  # a smaller parallax leaves ground and roof in agreement and says less
WINDOW_PX = 3.0  # sigma of the local correlation
NOISE = 0.0008  # variance of the log of brightness that sensor and JPEG leave
RING_PX = 25  # width of the brush that draws what lies beside the roof
STRONGEST = 0.25  # edges beyond are no more an edge

Singles = NDArray[np.float32]


def outlined_px(
    before: Image, after: Image, valid: Mask, inside: Mask, parallax_px: tuple[float, float]
) -> tuple[int, int]:  # fmt: skip
    """By how many raster pixels (x, y) the roof lies beside its footprint `inside` (h, w) in both pictures.

    before, after (h, w, 3) lie over one another on the roof's plane where both are `valid` (h, w); parallax_px: by how much the
    ground moves between them.
    """
    reach = int(REACH_M / GSD_M)
    steps = np.arange(-reach, reach + 1)
    likely = -(steps[None, :] ** 2 + steps[:, None] ** 2) / (2 * POSE_PX**2)
    clear = min(float(np.hypot(*parallax_px)) / CLEAR_PX, 1.0)
    old, new = _logs(before), _logs(after)
    score = PRIOR * likely + EDGE * _along_edges(old, inside, reach)
    score += clear * AGREEMENT * _agreeing(np.where(valid, _likeness(old, new), 0), valid, inside, reach)
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    return int(steps[column]), int(steps[row])


def _agreeing(likeness: NDArray[np.generic], valid: Mask, inside: Mask, reach: int) -> Singles:
    """(2 reach + 1) squared: mean likeness inside the shifted footprint less that of the ring around it."""
    own = inside.astype(np.uint8)
    ring = cv2.dilate(own, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (RING_PX, RING_PX))) - own
    known = valid.astype(np.float32)
    within, beside = (
        _shifted_sums(likeness, part, reach) / np.maximum(_shifted_sums(known, part, reach), 1) for part in (own, ring)
    )
    return np.asarray(within - beside, np.float32)


def _along_edges(logs: Singles, inside: Mask, reach: int) -> Singles:
    """(2 reach + 1) squared: mean strength of edges along the shifted outline, those across it not counted."""
    gx, gy = _gradient(logs, 1.0)
    strength = np.hypot(gx, gy) + 1e-6
    share = np.minimum(strength, STRONGEST) / strength**2
    nx, ny = _gradient(inside.astype(np.float32), 1.2)
    rim = np.hypot(nx, ny) + 1e-9
    along = _shifted_sums(share * gx * gx, nx * nx / rim, reach)
    along = along + 2 * _shifted_sums(share * gx * gy, nx * ny / rim, reach)
    along = along + _shifted_sums(share * gy * gy, ny * ny / rim, reach)
    return np.asarray(along / float(rim.sum()), np.float32)


def _shifted_sums(values: NDArray[np.generic], weights: NDArray[np.generic], reach: int) -> Singles:
    """(2 reach + 1) squared: sum of values times the weights moved by each shift, first row the farthest up."""
    padded = cv2.copyMakeBorder(
        np.asarray(values, np.float32), reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0
    )
    return np.asarray(cv2.matchTemplate(padded, np.asarray(weights, np.float32), cv2.TM_CCORR), np.float32)


def _likeness(old: Singles, new: Singles) -> Singles:
    """(h, w) correlation of both around each pixel, near 0 where there is nothing to correlate."""

    def mean(x: Singles) -> Singles:
        return np.asarray(cv2.GaussianBlur(x, (0, 0), WINDOW_PX), np.float32)

    ma, mb = mean(old), mean(new)
    va, vb, both = mean(old * old) - ma * ma, mean(new * new) - mb * mb, mean(old * new) - ma * mb
    return np.asarray(both / np.sqrt((np.maximum(va, 0) + NOISE) * (np.maximum(vb, 0) + NOISE)), np.float32)


def _gradient(values: Singles, sigma_px: float) -> tuple[Singles, Singles]:
    smooth = cv2.GaussianBlur(values, (0, 0), sigma_px)
    return (
        np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 1, 0) / 32, np.float32),
        np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 0, 1) / 32, np.float32),
    )


def _logs(image: Image) -> Singles:
    return np.asarray(np.log(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) + 12.0), np.float32)
