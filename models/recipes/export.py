"""Write a trained network as the ONNX file that a box runs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from models.recipes import dataset
from models.recipes.network import Detector
from models.recipes.recipe import Recipe, shared_data
from models.recipes.runtime import Model, letterbox

EXACT, HALVED = (
    (0.5, 0.005),
    (2.0, 0.02),
)  # how far ONNX may be from torch, pixels and score: as it is, with float16 weights
LARGE_WEIGHT = 1024  # elements
OPSET = 17  # every onnxruntime since 1.13 runs it


def blend(trained: nn.Module, pretrained: nn.Module, share: float, head_share: float | None = None) -> nn.Module:
    """A network whose weights are ``share`` of the trained and the rest of the pretrained ones; its head ``head_share`` where given.

    Between the two lies a network that has nearly all of what was learnt and has forgotten little.
    """
    result = copy.deepcopy(trained)
    old = pretrained.state_dict()
    layers: Any = trained.model
    head = f"model.{len(layers) - 1}."

    def of(name: str) -> float:
        return head_share if head_share is not None and name.startswith(head) else share

    mixed = {
        name: old[name].lerp(value, of(name)) if value.is_floating_point() else value
        for name, value in trained.state_dict().items()
    }
    result.load_state_dict(mixed)
    return result


def halve(model: onnx.ModelProto) -> None:
    """Store the large weights as float16, each widened again by a Cast: half the file; runtimes fold the casts when they load."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and np.prod(weight.dims) >= LARGE_WEIGHT:
            name = weight.name
            half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}.half")
            weight.CopyFrom(half)
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.widen", to=1))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])


def seal(file: Path, metadata: Mapping[str, str], *, half: bool) -> None:
    """Finish an exported file: large weights as float16 where ``half``, the metadata inside; checked by ONNX itself."""
    model = onnx.load(str(file))
    if half:
        halve(model)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def write_onnx(
    network: nn.Module, input_size: tuple[int, int], metadata: Mapping[str, str], file: Path, *, half: bool = False
) -> None:
    """Export ``network`` with a dynamic batch and fixed ``input_size`` (height, width in pixels), with ``metadata`` inside.

    half: store the large weights as float16 (they are computed with in float32 all the same).
    """
    write_module(Detector(network).eval(), input_size, "predictions", metadata, file, half=half)


def write_module(
    module: nn.Module, input_size: tuple[int, int], output: str, metadata: Mapping[str, str], file: Path, *, half: bool
) -> None:
    """Export a module that takes uint8 ``[N, H, W, 3]`` and gives one output of that name; otherwise as ``write_onnx``."""
    example = torch.zeros((1, *input_size, 3), dtype=torch.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each shape it fixes: the input size is meant to be fixed
        torch.onnx.export(
            module,
            (example,),
            str(file),
            input_names=["image"],
            output_names=[output],
            dynamic_axes={"image": {0: "N"}, output: {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
    seal(file, metadata, half=half)


def check_against_torch(network: nn.Module, recipe: Recipe, file: Path, most: tuple[float, float] = EXACT) -> None:
    """Compare the ONNX file with the network on the golden images. Raises ValueError if they differ by more than ``most``."""
    model, detector = Model(file), Detector(network).eval()
    for name in recipe.golden:
        placed, _ = letterbox(dataset.read(shared_data() / name), *recipe.input_size)
        batch = np.ascontiguousarray(placed[None, :, :, ::-1])
        with torch.inference_mode():
            gap = np.abs(detector(torch.from_numpy(batch)).numpy() - model.predict(batch))[0]
        scored = model.predict(batch)[0, 4:].max(axis=0) > 0.05  # boxes that score nothing are never looked at
        if gap[4:].max() > most[1] or gap[:4, scored].max(initial=0.0) > most[0]:
            raise ValueError(
                f"{name}: ONNX and torch differ by {gap[:4, scored].max(initial=0.0):.3f} px, {gap[4:].max():.4f}"
            )
