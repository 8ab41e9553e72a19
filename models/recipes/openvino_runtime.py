"""The same exported file under OpenVINO, where it is installed: for ``verify`` and for the speed in the cards."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.recipes.augment import Image
from models.recipes.runtime import Model


def installed() -> bool:
    """Whether OpenVINO can be imported here."""
    return importlib.util.find_spec("openvino") is not None


def compiled(file: Path, size_px: tuple[int, int], threads: int) -> Any:
    """The network for one picture of (height, width), in float32 on every processor (its default is bfloat16 where there is AMX)."""
    core: Any = importlib.import_module("openvino").Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    network = core.read_model(str(file))
    network.reshape([1, *size_px, 3])
    return core.compile_model(network, "CPU", settings)


class OpenvinoModel(Model):
    """An exported detector run by OpenVINO."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        super().__init__(file, threads)
        self._compiled = compiled(file, (self.height_px, self.width_px), threads)

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As ``Model``, image by image."""
        return np.concatenate([np.asarray(self._compiled(image[None])[0], dtype=np.float32) for image in batch])


def cpu_ms(model: Model, images: Sequence[Image], rounds: int = 3) -> float:
    """Median CPU milliseconds of this process a frame, letterbox to boxes."""
    times = []
    for _ in range(rounds):
        for image in images:
            began = time.process_time()
            model.find(image)
            times.append((time.process_time() - began) * 1000)
    return float(np.median(times))
