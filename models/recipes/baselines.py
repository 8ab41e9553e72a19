"""What a user could download instead, behind the same call as our own models."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.recipes.labels import Floats, Found
from models.recipes.runtime import GREY, Letterbox, Model, decode

STRIDES = (8, 16, 32)


class Finder(Protocol):
    """Anything that finds objects in an image."""

    def find(self, image_bgr: NDArray[np.uint8], least_score: float = 0.001, most: int = 300) -> Found:
        """Objects in one BGR image ``[h, w, 3]``: boxes in its pixels, best score first, at most ``most``."""


class Yolox:
    """YOLOX as its authors export it: BGR float 0..255, image at the top left, raw grid outputs.

    file: the ONNX file. rows: which of its classes are ours, in our order. threads: CPU threads.
    """

    def __init__(self, file: Path, rows: list[int], threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        entry = self._session.get_inputs()[0]
        self._name, (self._height_px, self._width_px), self._rows = entry.name, entry.shape[2:], rows
        grids, steps = [], []
        for stride in STRIDES:
            y, x = np.mgrid[0 : self._height_px // stride, 0 : self._width_px // stride]
            grids.append(np.stack([x.ravel(), y.ravel()], axis=1))
            steps.append(np.full((x.size, 1), stride))
        self._grid: Floats = np.concatenate(grids).astype(float)
        self._step: Floats = np.concatenate(steps).astype(float)

    def find(self, image_bgr: NDArray[np.uint8], least_score: float = 0.001, most: int = 300) -> Found:
        """As ``Finder``."""
        h, w = image_bgr.shape[:2]
        scale = min(self._height_px / h, self._width_px / w)
        placed = np.full((self._height_px, self._width_px, 3), GREY, dtype=np.float32)
        small = cv2.resize(image_bgr, (int(w * scale), int(h * scale)), interpolation=cv2.INTER_LINEAR)
        placed[: small.shape[0], : small.shape[1]] = small
        raw = self._session.run(None, {self._name: placed.transpose(2, 0, 1)[None]})[0][0].astype(float)
        boxes = np.concatenate([(raw[:, :2] + self._grid) * self._step, np.exp(raw[:, 2:4]) * self._step], axis=1)
        scores = raw[:, 4:5] * raw[:, 5:][:, self._rows]
        return decode(np.concatenate([boxes, scores], axis=1).T, Letterbox(scale, 0, 0), w, h, least_score, most)


class Renamed:
    """A detector exported like ours whose classes are ours in another order, or among others.

    model: it. classes: ours. Raises ValueError if it lacks one of them.
    """

    def __init__(self, model: Model, classes: list[str]) -> None:
        if missing := set(classes) - set(model.classes):
            raise ValueError(f"the baseline has no class {', '.join(sorted(missing))}")
        self._model = model
        self._ours = np.array([classes.index(name) if name in classes else -1 for name in model.classes])

    def find(self, image_bgr: NDArray[np.uint8], least_score: float = 0.001, most: int = 300) -> Found:
        """As ``Finder``."""
        found = self._model.find(image_bgr, least_score, most)
        return Found(found.boxes, self._ours[found.classes], found.scores).keep(self._ours[found.classes] >= 0)
