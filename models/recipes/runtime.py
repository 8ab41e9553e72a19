"""Run an exported model with onnxruntime: letterbox, predict, threshold, suppress. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.recipes.labels import Floats, Found, Ints, nms

GREY = 114  # the letterbox's border, as in the training of the pretrained weights
NMS_IOU = 0.5
MOST_CANDIDATES = 3000  # before suppression, best first: bounds the time of a frame full of noise


@dataclass(frozen=True)
class Letterbox:
    """How an image was placed in the network's input: ``input = image * scale + (left, top)`` in pixels."""

    scale: float
    left_px: int
    top_px: int


def letterbox(image: NDArray[np.uint8], height_px: int, width_px: int) -> tuple[NDArray[np.uint8], Letterbox]:
    """``image [h, w, 3]`` scaled to fit ``[height_px, width_px, 3]``, centred on grey, and how it was placed."""
    h, w = image.shape[:2]
    scale = min(height_px / h, width_px / w)
    new_w, new_h = max(1, round(w * scale)), max(1, round(h * scale))
    if (new_w, new_h) != (w, h):
        image = np.asarray(cv2.resize(image, (new_w, new_h), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    left, top = (width_px - new_w) // 2, (height_px - new_h) // 2
    result = np.full((height_px, width_px, 3), GREY, dtype=np.uint8)
    result[top : top + new_h, left : left + new_w] = image
    return result, Letterbox(scale, left, top)


class Exported:
    """An exported network with one input ``image``, and what its file says of itself.

    file: the ONNX file. threads: CPU threads for one frame. Raises onnxruntime's error if the file is no model.
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


class Model(Exported):
    """An exported detector."""

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw predictions ``[N, 4 + C, A]`` for letterboxed RGB images ``[N, H, W, 3]``."""
        return np.asarray(self._session.run(None, {"image": batch})[0], dtype=np.float32)

    def find(self, image_bgr: NDArray[np.uint8], least_score: float = 0.001, most: int = 300) -> Found:
        """Objects in one BGR image ``[h, w, 3]``: boxes in its pixels, best score first, at most ``most``."""
        placed, how = letterbox(image_bgr, self.height_px, self.width_px)
        raw = self.predict(np.ascontiguousarray(placed[None, :, :, ::-1]))[0].astype(np.float64)
        return decode(raw, how, image_bgr.shape[1], image_bgr.shape[0], least_score, most)

    def find_above_thresholds(self, image_bgr: NDArray[np.uint8]) -> Found:
        """Objects whose score reaches their class's operating threshold in the model's metadata."""
        least = np.array([self.thresholds[name] for name in self.classes])
        found = self.find(image_bgr, float(least.min()))
        return found.keep(found.scores >= least[found.classes])


def decode(raw: Floats, how: Letterbox, width_px: int, height_px: int, least_score: float, most: int = 300) -> Found:
    """Objects from raw predictions ``[4 + C, A]`` of one image ``width_px`` by ``height_px``; every class of an anchor counts."""
    anchors, classes = np.nonzero(least_score <= raw[4:].T)
    scores = raw[4 + classes, anchors]
    if len(scores) > MOST_CANDIDATES:
        best = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
        anchors, classes, scores = anchors[best], classes[best], scores[best]
    cx, cy, w, h = raw[:4, anchors]
    boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)
    boxes = (boxes - np.array([how.left_px, how.top_px] * 2)) / how.scale
    boxes = np.clip(boxes, 0, np.array([width_px, height_px] * 2))
    labels: Ints = classes.astype(np.int64)
    kept = nms(boxes, scores, labels, NMS_IOU)[:most]
    return Found(boxes[kept], labels[kept], scores[kept])
