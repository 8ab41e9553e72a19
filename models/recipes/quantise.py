"""INT8 by post-training quantisation: made, measured against the float model, kept only if it loses little and saves time."""

from __future__ import annotations

import importlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models.recipes import dataset, evaluate, openvino_runtime
from models.recipes.recipe import Recipe
from models.recipes.release import sha256
from models.recipes.runtime import Model, letterbox

log = logging.getLogger(__name__)
CALIBRATION_IMAGES = 64
OPENVINO_IMAGES = 12
MOST_LOSS = 0.01  # mAP50: one point
LEAST_GAIN = 0.05  # share of the float model's CPU time; below that a second file is not worth its care


class _Calibration:
    """Training pictures, letterboxed, one at a time, as onnxruntime's quantiser asks for them."""

    def __init__(self, recipe: Recipe) -> None:
        items = [item for source in recipe.train for item in dataset.examples(recipe, source) if not item.rehearse]
        labelled = [item for item in items if len(item.labels)]
        chosen = np.random.default_rng(recipe.seed).permutation(len(labelled))[:CALIBRATION_IMAGES]
        self._left = iter([labelled[int(index)].image for index in chosen])
        self._size = recipe.input_size

    def get_next(self) -> dict[str, Any] | None:
        """The next picture, None at the end."""
        file = next(self._left, None)
        if file is None:
            return None
        placed, _ = letterbox(dataset.read(file), *self._size)
        return {"image": np.ascontiguousarray(placed[None, :, :, ::-1])}


def _head_convolutions(file: Path) -> list[str]:
    """The last two convolutions of each branch of the head: their outputs are boxes and scores, which eight bits coarsen."""
    graph = onnx.load(str(file)).graph
    return [
        node.name
        for node in graph.node
        if (node.op_type == "Conv" and ("cv2" in node.name or "cv3" in node.name) and node.name.endswith(".2/Conv"))
        or "dfl" in node.name
    ]


def write(file: Path, recipe: Recipe, target: Path) -> None:
    """Quantise the convolutions of ``file``, per channel, into ``target``; its metadata go along."""
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    prepared = target.with_suffix(".prepared.onnx")
    quantization.shape_inference.quant_pre_process(str(file), str(prepared), skip_symbolic_shape=True)
    quantization.quantize_static(
        str(prepared),
        str(target),
        _Calibration(recipe),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        nodes_to_exclude=_head_convolutions(prepared),
    )
    prepared.unlink()
    model = onnx.load(str(target))
    if not model.metadata_props:
        for entry in onnx.load(str(file)).metadata_props:
            copy = model.metadata_props.add()
            copy.key, copy.value = entry.key, entry.value
        onnx.save(model, str(target))


def quantise(recipe: Recipe) -> dict[str, Any]:
    """Make, measure, decide; what was measured goes into ``int8.json``, and the file into the folder if it is worth it."""
    file, draft = recipe.folder / "model.onnx", recipe.runs / "int8.onnx"
    write(file, recipe, draft)
    whole = evaluate.measure(Model(file), recipe, recipe.val)
    small = evaluate.measure(Model(draft), recipe, recipe.val)
    loss = whole.score.map50 - small.score.map50
    shipped = loss <= MOST_LOSS and small.frame_ms <= (1 - LEAST_GAIN) * whole.frame_ms
    result: dict[str, Any] = {
        "model_sha256": sha256(file),
        "map50": round(small.score.map50, 4),
        "map50_float": round(whole.score.map50, 4),
        "cpu_ms": round(small.frame_ms, 1),
        "cpu_ms_float": round(whole.frame_ms, 1),
        "bytes": draft.stat().st_size,
        "shipped": shipped,
    }
    if openvino_runtime.installed():
        images = [dataset.read(item.image) for item in dataset.examples(recipe, recipe.val)[:OPENVINO_IMAGES]]
        for key, which in (("openvino_cpu_ms", draft), ("openvino_cpu_ms_float", file)):
            result[key] = round(openvino_runtime.cpu_ms(openvino_runtime.OpenvinoModel(which), images), 1)
    kept = recipe.folder / "model.int8.onnx"
    if shipped:
        shutil.copyfile(draft, kept)
        result["sha256"] = sha256(kept)
    else:
        kept.unlink(missing_ok=True)
    (recipe.folder / "int8.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    log.info("%s INT8: %s", recipe.name, result)
    return result
