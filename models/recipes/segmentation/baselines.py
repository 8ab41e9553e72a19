"""What one would do without a network: water is smooth and not green."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTH = 9.0  # mean gradient, grey levels a pixel at LONGEST_PX: leaves, roofs and grain lie above
GREEN = 6  # green more than red and blue by this is a plant
LONGEST_PX = 512


class Smooth:
    """Pixels of little texture that are no plants. The limits were chosen by hand on pictures of ``train``."""

    def shares_of_pixels(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """0 or 255 of each pixel of a BGR picture ``[h, w, 3]``."""
        h, w = image_bgr.shape[:2]
        scale = min(1.0, LONGEST_PX / max(h, w))
        small = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
        across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25)
        rough = cv2.blur(np.hypot(across, down), (15, 15))
        blue, green, red = (small[..., channel].astype(np.int16) for channel in range(3))
        water = (rough < SMOOTH) & (green - np.maximum(blue, red) < GREEN)
        whole = cv2.resize(water.astype(np.uint8) * 255, (w, h), interpolation=cv2.INTER_NEAREST)
        return np.asarray(whole, dtype=np.uint8)
