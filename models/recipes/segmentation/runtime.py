"""Run an exported segmentation network with onnxruntime: letterbox, predict, cut the borders off. No torch."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.recipes.runtime import letterbox


class SegmentModel:
    """An exported network.

    file: the ONNX file. threads: CPU threads for one picture. Raises onnxruntime's error if the file is no model.
    """

    def __init__(self, file: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        shape = self._session.get_inputs()[0].shape
        self.height_px, self.width_px = int(shape[1]), int(shape[2])
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.classes: list[str] = json.loads(self.metadata.get("classes", "[]"))
        self.thresholds: dict[str, float] = json.loads(self.metadata.get("thresholds", "{}"))

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
