"""Turn the trained network into a released model, and check a release with onnxruntime (and OpenVINO where it is) alone."""

from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from models.recipes import openvino_runtime
from models.recipes.augment import Image
from models.recipes.change.recipe import ChangeRecipe
from models.recipes.change.runtime import ChangeModel
from models.recipes.dataset import read
from models.recipes.golden import SEED, picture
from models.recipes.recipe import MODELS, shared_data
from models.recipes.release import against_registry, sha256

log = logging.getLogger(__name__)
CELLS = 8  # rows and columns of mean shares that stand for a map
CELL_TOLERANCE = 5.0  # of 255: processors round differently; another network differs by more
SHED_PX = (90, 70, 64, 44)  # left, top, width, height of what is painted onto the golden photographs
SHED_BGR = (190, 110, 40)


class OpenvinoChange(ChangeModel):
    """The same file run by OpenVINO in float32."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        super().__init__(file, threads)
        core: Any = importlib.import_module("openvino").Core()
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = core.compile_model(core.read_model(str(file)), "CPU", settings)

    def predict(
        self, before: NDArray[np.uint8], after: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """As ``ChangeModel``."""
        found = self._compiled({"before": before, "after": after})
        return np.asarray(found["change"], dtype=np.uint8), np.asarray(found["built"], dtype=np.uint8)


def metadata(recipe: ChangeRecipe, threshold: float, data_sha256: str) -> dict[str, str]:
    """What the ONNX file says of itself."""
    return {
        "name": recipe.name,
        "version": recipe.version,
        "classes": json.dumps(recipe.classes),
        "thresholds": json.dumps(dict.fromkeys(recipe.classes, threshold)),
        "license": recipe.license,
        "data_sha256": data_sha256,
        "metres_per_px": "0.13",
    }


def shed_on(image: Image) -> Image:
    """The picture, darker, with a blue rectangle and its shadow painted on it: nothing random, the same everywhere."""
    left, top, width, height = SHED_PX
    result = (image.astype(np.uint16) * 4 // 5).astype(np.uint8)
    shade = result[top - 8 : top + height - 8, left + 12 : left + width + 12]
    shade[:] = shade // 2
    result[top : top + height, left : left + width] = SHED_BGR
    result[top : top + height, left : left + width : 3] = [value * 4 // 5 for value in SHED_BGR]
    return result


def cells(share: NDArray[np.uint8]) -> list[list[float]]:
    """Mean share of each cell of a map ``[h, w]``, by rows."""
    small = cv2.resize(share.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return [[round(float(value), 1) for value in row] for row in small]


def _said(model: ChangeModel, image: Image) -> dict[str, list[list[float]]]:
    change, built = model.compare(image, shed_on(image))
    return {"change": cells(change), "built": cells(built)}


def _made(size_px: int) -> Image:
    return np.ascontiguousarray(picture(size_px, size_px)[:, :, ::-1])


def _photograph(name: str, size_px: int) -> Image:
    return np.ascontiguousarray(read(shared_data() / name)[:size_px, :size_px])


def write_golden(recipe: ChangeRecipe, file: Path) -> Path:
    """Write what the model says of a made picture and of the golden photographs, each with a shed painted on it.

    Raises ValueError if it sees the shed on no photograph.
    """
    model, size = ChangeModel(file), recipe.pairs.size_px
    images: list[dict[str, Any]] = [{"image": name, **_said(model, _photograph(name, size))} for name in recipe.golden]
    if max((value for item in images for row in item["built"] for value in row), default=0.0) < 128:
        raise ValueError(f"{recipe.name}: the painted shed is seen on no golden photograph")
    target = recipe.folder / "golden" / "golden.json"
    target.parent.mkdir(exist_ok=True)
    content = {
        "model_sha256": sha256(file),
        "size_px": size,
        "made": {"seed": SEED, **_said(model, _made(size))},
        "images": images,
    }
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


def differences(want: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """In words, which map is another than was recorded."""
    problems = []
    for name in ("change", "built"):
        gap = float(np.abs(np.array(want[name]) - np.array(got[name])).max())
        if gap > CELL_TOLERANCE:
            problems.append(f"{name}: a cell differs by {gap:.1f} of 255")
    return problems


def verify(name: str, models: Path = MODELS) -> list[str]:
    """What is wrong with a released model, in words; photographs that are not on this machine are logged as skipped.

    Raises KeyError if the registry has no such model.
    """
    entry = yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"][name]
    file = models / entry["file"]
    if sha256(file) != entry["sha256"]:
        return [f"{name}: the file's SHA-256 is not the registry's"]
    model = ChangeModel(file)
    outputs = json.loads((models / entry["golden"]).read_text(encoding="utf-8"))
    problems = against_registry(name, entry, model, outputs)
    runtimes: dict[str, ChangeModel] = {"onnxruntime": model}
    if openvino_runtime.installed():
        runtimes["OpenVINO"] = OpenvinoChange(file)
    for runtime, runs in runtimes.items():
        problems += [f"{name} on {runtime}: {problem}" for problem in _golden_problems(outputs, runs)]
    return problems


def _golden_problems(outputs: dict[str, Any], model: ChangeModel) -> list[str]:
    size = outputs["size_px"]
    problems = [f"made picture, {said}" for said in differences(outputs["made"], _said(model, _made(size)))]
    for item in outputs["images"]:
        if not (shared_data() / item["image"]).is_file():
            log.warning("skipped: %s is not on this machine", item["image"])
            continue
        found = _said(model, _photograph(item["image"], size))
        problems += [f"{item['image']}, {said}" for said in differences(item, found)]
    return problems
