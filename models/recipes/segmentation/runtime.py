"""Run an exported segmentation network with onnxruntime: letterbox, predict, cut the borders off. No torch."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.runtime import Exported, letterbox


class SegmentModel(Exported):
    """An exported segmentation network."""

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shares ``[N, h, w]``, 0..255, for letterboxed RGB pictures ``[N, H, W, 3]``."""
        return np.asarray(self._session.run(None, {"image": batch})[0], dtype=np.uint8)

    def shares(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shares ``[h, w]``, 0..255, of one BGR picture: the whole picture and nothing else, at the network's resolution."""
        placed, how = letterbox(image_bgr, self.height_px, self.width_px)
        output = self.predict(np.ascontiguousarray(placed[None, :, :, ::-1]))[0]
        step_y, step_x = self.height_px / output.shape[0], self.width_px / output.shape[1]
        top, bottom = how.top_px / step_y, (how.top_px + image_bgr.shape[0] * how.scale) / step_y
        left, right = how.left_px / step_x, (how.left_px + image_bgr.shape[1] * how.scale) / step_x
        rows, columns = (
            slice(round(top), max(round(bottom), round(top) + 1)),
            slice(round(left), max(round(right), round(left) + 1)),
        )
        return np.asarray(output[rows, columns], dtype=np.uint8)

    def shares_of_pixels(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shares ``[height, width]`` of each of the picture's own pixels."""
        size = image_bgr.shape[1], image_bgr.shape[0]
        return np.asarray(cv2.resize(self.shares(image_bgr), size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
