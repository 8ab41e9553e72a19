"""The same exported segmentation network under OpenVINO, where it is installed: for its speed in the card."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipes.openvino_runtime import compiled
from models.recipes.segmentation.runtime import SegmentModel


class OpenvinoShares(SegmentModel):
    """An exported network run by OpenVINO."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        super().__init__(file, threads)
        self._compiled = compiled(file, (self.height_px, self.width_px), threads)

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As ``SegmentModel``, picture by picture."""
        return np.concatenate([np.asarray(self._compiled(image[None])[0], dtype=np.uint8) for image in batch])


def cpu_ms(model: SegmentModel, images: Sequence[NDArray[np.uint8]], rounds: int = 3) -> float:
    """Median CPU milliseconds of this process a picture, picture to shares of its pixels."""
    times = []
    for _ in range(rounds):
        for image in images:
            began = time.process_time()
            model.shares_of_pixels(image)
            times.append((time.process_time() - began) * 1000)
    return float(np.median(times))
