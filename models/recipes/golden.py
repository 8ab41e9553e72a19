"""Golden outputs that need no photograph: a picture made from a seed, and what the network says of it, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.recipes.runtime import Model

SEED = 20261101
ANCHORS = 24
SCORE_TOLERANCE = 0.01  # processors round differently; another network differs by more
BOX_TOLERANCE_PX = 2.0


def picture(height_px: int, width_px: int, seed: int = SEED) -> NDArray[np.uint8]:
    """An RGB picture ``[height, width, 3]`` of ramps and blocks of several sizes; whole-number arithmetic, the same everywhere."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height_px, 0:width_px]
    image = np.stack(
        [(x * 150 // width_px) + 40, (y * 120 // height_px) + 60, ((x + y) * 90 // (width_px + height_px)) + 70]
    )
    result = np.ascontiguousarray(image.transpose(1, 2, 0)).astype(np.uint8)
    for _ in range(60):
        size = int(random.integers(6, height_px // 3))
        top, left = int(random.integers(0, height_px - size)), int(random.integers(0, width_px - size))
        block = result[top : top + size // 2 + 1, left : left + size]
        block[:] = random.integers(0, 256, 3, dtype=np.uint8)
        block[block.shape[0] // 2 :, :: max(2, size // 8)] //= 2
    return result


def record(model: Model) -> dict[str, Any]:
    """The raw predictions of the anchors that score best and of some spread over all, as plain values."""
    raw = model.predict(picture(model.height_px, model.width_px)[None])[0]
    best = np.argsort(-raw[4:].max(axis=0), kind="stable")[: ANCHORS // 2]
    spread = np.linspace(0, raw.shape[1] - 1, ANCHORS // 2).astype(np.int64)
    anchors = sorted({int(index) for index in [*best, *spread]})
    return {
        "seed": SEED,
        "anchors": [
            {"anchor": index, "values": [round(float(value), 4) for value in raw[:, index]]} for index in anchors
        ],
    }


def differences(made: dict[str, Any], model: Model) -> list[str]:
    """In words, where the network no longer says what was recorded. A box is compared only where something scores."""
    raw = model.predict(picture(model.height_px, model.width_px, made["seed"])[None])[0]
    problems = []
    for row in made["anchors"]:
        want, got = np.array(row["values"]), raw[:, row["anchor"]]
        gap = float(np.abs(want[4:] - got[4:]).max())
        if gap > SCORE_TOLERANCE:
            problems.append(f"made picture, anchor {row['anchor']}: a score differs by {gap:.3f}")
        elif want[4:].max() > 0.05 and float(np.abs(want[:4] - got[:4]).max()) > BOX_TOLERANCE_PX:
            problems.append(f"made picture, anchor {row['anchor']}: the box is another")
    return problems
