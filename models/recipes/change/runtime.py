"""Run the released network that compares two pictures of a roof, with onnxruntime. No torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.recipes.augment import Image

STEP_PX = 16  # height and width are multiples of this


class Comparer(Protocol):
    """Whatever says of two pictures BGR ``[h, w, 3]`` what changed and what of it was built: shares 0..255 ``[h, w]`` each."""

    def compare(self, before: Image, after: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Changed, built."""
        ...


class ChangeModel:
    """The exported network. threads: CPU threads for one pair. Raises onnxruntime's error if the file is no model."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.classes: list[str] = json.loads(self.metadata.get("classes", "[]"))
        self.thresholds: dict[str, float] = json.loads(self.metadata.get("thresholds", "{}"))

    def predict(
        self, before: NDArray[np.uint8], after: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """``change`` and ``built`` ``[N, h, w]`` of RGB pictures ``[N, h, w, 3]``, h and w multiples of 16."""
        change, built = self._session.run(["change", "built"], {"before": before, "after": after})
        return np.asarray(change, dtype=np.uint8), np.asarray(built, dtype=np.uint8)

    def compare(self, before: Image, after: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Shares of one pair of BGR pictures of any size (the edges are mirrored to the next multiple of 16)."""
        h, w = before.shape[:2]
        more = [-side % STEP_PX for side in (h, w)]
        padded = [
            cv2.copyMakeBorder(image, 0, more[0], 0, more[1], cv2.BORDER_REFLECT_101)[None, :, :, ::-1]
            for image in (before, after)
        ]
        change, built = self.predict(*(np.ascontiguousarray(item, dtype=np.uint8) for item in padded))
        return change[0, :h, :w], built[0, :h, :w]


class PlainDifference:
    """The baseline: brightness and colour differences after both pictures are brought to the same mean and spread, smoothed."""

    def compare(self, before: Image, after: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Shares by size of the difference; it cannot tell built from removed."""
        even = []
        for image in (before, after):
            values = image.astype(np.float32)
            even.append((values - values.mean(axis=(0, 1))) / (values.std(axis=(0, 1)) + 1))
        gap = cv2.GaussianBlur(np.abs(even[0] - even[1]).max(axis=2), (0, 0), 3)
        share = np.asarray(np.clip(gap * 85, 0, 255), dtype=np.uint8)
        return share, share
