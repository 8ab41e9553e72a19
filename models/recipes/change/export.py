"""Write the trained network as the ONNX file that a box runs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from models.recipes.change.network import ChangeNetwork, Released
from models.recipes.change.recipe import ChangeRecipe, material
from models.recipes.change.runtime import ChangeModel
from models.recipes.export import OPSET, seal
from models.recipes.roofs import pairs

MOST_GAP, MOST_GAP_HALVED = 2, 10  # of 255: how far ONNX may be from torch, as it is and with float16 weights
CHECKED = 4
CHECK_SEED = 3


def write_onnx(
    network: ChangeNetwork, size_px: int, metadata: Mapping[str, str], file: Path, *, half: bool = False
) -> None:
    """Export with dynamic batch, height and width (multiples of 16), with ``metadata`` inside.

    half: store the large weights as float16 (they are computed with in float32 all the same).
    """
    released = Released(network).eval()
    example = torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    free = {0: "N", 1: "h", 2: "w"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of constants it makes of Python numbers: they are constants
        torch.onnx.export(
            released,
            (example, example),
            str(file),
            input_names=["before", "after"],
            output_names=["change", "built"],
            dynamic_axes=dict.fromkeys(("before", "after", "change", "built"), free),
            opset_version=OPSET,
            dynamo=False,
        )
    seal(file, metadata, half=half)


def check_against_torch(network: ChangeNetwork, recipe: ChangeRecipe, file: Path, most: int) -> None:
    """Compare the ONNX file with the network on some pairs of ``val``. Raises ValueError if a share differs by more than ``most``."""
    model, released = ChangeModel(file), Released(network).eval()
    stock = material(recipe.name, "val")
    for number in range(CHECKED):
        pair = pairs.make(stock, recipe.pairs, np.random.default_rng([CHECK_SEED, number]))
        both = [np.ascontiguousarray(image[None, :, :, ::-1]) for image in (pair.before, pair.after)]
        with torch.inference_mode():
            wanted = released(*(torch.from_numpy(image) for image in both))
        for name, want, got in zip(("change", "built"), wanted, model.predict(both[0], both[1]), strict=True):
            gap = int(np.abs(want.numpy().astype(int) - got).max())
            if gap > most:
                raise ValueError(f"pair {number}: ONNX and torch differ by {gap} of 255 in {name}")
