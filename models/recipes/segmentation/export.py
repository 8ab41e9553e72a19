"""Write a trained segmentation network as the ONNX file that a box runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from models.recipes.dataset import read
from models.recipes.export import write_module
from models.recipes.recipe import shared_data
from models.recipes.runtime import letterbox
from models.recipes.segmentation.network import Shares
from models.recipes.segmentation.recipe import SegmentRecipe
from models.recipes.segmentation.runtime import SegmentModel

MOST_GAP, MOST_GAP_HALVED = 2, 8  # of 255: how far ONNX may be from torch anywhere, as it is and with float16 weights


def write_onnx(
    shares: Shares,
    input_size: tuple[int, int],
    name: str,
    metadata: Mapping[str, str],
    file: Path,
    *,
    half: bool = False,
) -> None:
    """Export a network, whose output carries ``name``, with a dynamic batch, a fixed ``input_size`` (height, width in pixels), ``metadata``.

    half: store the large weights as float16 (they are computed with in float32 all the same).
    """
    write_module(shares.eval(), input_size, name, metadata, file, half=half)


def check_against_torch(shares: Shares, recipe: SegmentRecipe, file: Path, most: int) -> None:
    """Compare the ONNX file with the network on the golden pictures. Raises ValueError if a share differs by more than ``most``."""
    model = SegmentModel(file)
    for name in recipe.golden:
        placed, _ = letterbox(read(shared_data() / name), *recipe.input_size)
        batch = np.ascontiguousarray(placed[None, :, :, ::-1])
        with torch.inference_mode():
            gap = np.abs(shares(torch.from_numpy(batch)).numpy().astype(int) - model.predict(batch).astype(int)).max()
        if gap > most:
            raise ValueError(f"{name}: ONNX and torch differ by {gap} of 255")
