"""Degrees as a picture for people: what evidence and thumbnails are made of."""

from __future__ import annotations

import cv2
import numpy as np

from patrol_edge.frame import Image
from patrol_edge.thermal.radiometry import Celsius

COLDEST_SHARE, HOTTEST_SHARE = (
    1,
    99.9,
)  # percentiles between which colours run; one glowing pixel must not blacken the rest
LEAST_SPAN_C = 5.0  # a uniform scene stays uniform instead of showing the sensor's noise


def painted(celsius: Celsius) -> Image:
    """(h, w) degrees to (h, w, 3) BGR, dark for cold and bright for hot; black where there is no reading."""
    known = np.isfinite(celsius)
    if not known.any():
        return np.zeros((*celsius.shape, 3), np.uint8)
    low, high = (float(v) for v in np.percentile(celsius[known], (COLDEST_SHARE, HOTTEST_SHARE)))
    span = max(high - low, LEAST_SPAN_C)
    grey = np.clip((np.where(known, celsius, low) - low) / span * 255, 0, 255).astype(np.uint8)
    picture = np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), np.uint8)
    picture[~known] = 0
    return picture
