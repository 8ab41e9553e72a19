"""Write a trained segmentation network as the ONNX file that a box runs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from models.recipes.dataset import read
from models.recipes.export import OPSET, halve
from models.recipes.recipe import shared_data
from models.recipes.runtime import letterbox
from models.recipes.segmentation.network import Shares
from models.recipes.segmentation.recipe import SegmentRecipe
from models.recipes.segmentation.runtime import SegmentModel

MOST_GAP, MOST_GAP_HALVED = 2, 8  # of 255: how far ONNX may be from torch anywhere, as it is and with float16 weights


def write_onnx(
    network: nn.Module, input_size: tuple[int, int], metadata: Mapping[str, str], file: Path, *, half: bool = False
) -> None:
    """Export ``network`` with a dynamic batch and fixed ``input_size`` (height, width in pixels), with ``metadata`` inside.

    half: store the large weights as float16 (they are computed with in float32 all the same).
    """
    shares = Shares(network).eval()
    example = torch.zeros((1, *input_size, 3), dtype=torch.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each shape it fixes: the input size is meant to be fixed
        torch.onnx.export(
            shares,
            (example,),
            str(file),
            input_names=["image"],
            output_names=["water"],
            dynamic_axes={"image": {0: "N"}, "water": {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(file))
    if half:
        halve(model)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def check_against_torch(network: nn.Module, recipe: SegmentRecipe, file: Path, most: int) -> None:
    """Compare the ONNX file with the network on the golden pictures. Raises ValueError if a share differs by more than ``most``."""
    model, shares = SegmentModel(file), Shares(network).eval()
    for name in recipe.golden:
        placed, _ = letterbox(read(shared_data() / name), *recipe.input_size)
        batch = np.ascontiguousarray(placed[None, :, :, ::-1])
        with torch.inference_mode():
            gap = np.abs(shares(torch.from_numpy(batch)).numpy().astype(int) - model.predict(batch).astype(int)).max()
        if gap > most:
            raise ValueError(f"{name}: ONNX and torch differ by {gap} of 255")
