"""Turn a trained segmentation network into a released model, and check a release with onnxruntime alone."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from models.recipes.dataset import read
from models.recipes.golden import SEED, picture
from models.recipes.recipe import MODELS, shared_data
from models.recipes.release import against_registry, sha256, write_registry
from models.recipes.segmentation.recipe import SegmentRecipe
from models.recipes.segmentation.runtime import SegmentModel

__all__ = ["fields", "metadata", "verify", "write_golden", "write_registry"]
log = logging.getLogger(__name__)
EVEN = 0.5  # operating threshold: the share from which a pixel counts
FIELDS = (6, 8)  # rows and columns of mean shares that stand for a photograph
STEP = 16  # every so many squares of the made picture's map are written down
FIELD_TOLERANCE = 4.0  # of 255, of a field's mean: processors round differently; another network differs by more
SQUARE_TOLERANCE = 12  # of 255, of a single square


def metadata(recipe: SegmentRecipe, data_sha256: str, even: float) -> dict[str, str]:
    """What the ONNX file says of itself; ``half_was``: the network's own share that is given out as one half."""
    return {
        "name": recipe.name,
        "version": recipe.version,
        "classes": json.dumps(recipe.classes),
        "thresholds": json.dumps(dict.fromkeys(recipe.classes, EVEN)),
        "license": recipe.license,
        "data_sha256": data_sha256,
        "half_was": f"{even:.3f}",
    }


def fields(shares: NDArray[np.uint8]) -> list[list[float]]:
    """Mean share of each field of a map, by rows."""
    small = cv2.resize(shares.astype(np.float32), FIELDS[::-1], interpolation=cv2.INTER_AREA)
    return [[round(float(value), 1) for value in row] for row in small]


def _made(model: SegmentModel) -> list[list[int]]:
    found = model.predict(picture(model.height_px, model.width_px)[None])[0][::STEP, ::STEP]
    return [[int(value) for value in row] for row in found]


def write_golden(recipe: SegmentRecipe, file: Path) -> Path:
    """Write what the model says of a picture made from a seed and of the golden photographs. Raises ValueError if of none anything."""
    model = SegmentModel(file)
    said = {name: fields(model.shares(read(shared_data() / name))) for name in recipe.golden}
    if max((value for rows in said.values() for row in rows for value in row), default=0.0) <= EVEN * 255:
        raise ValueError(f"{recipe.name}: nothing found on any golden picture")
    images = [{"image": name, "fields": rows} for name, rows in said.items()]
    target = recipe.folder / "golden" / "golden.json"
    target.parent.mkdir(exist_ok=True)
    content = {"model_sha256": sha256(file), "made": {"seed": SEED, "squares": _made(model)}, "images": images}
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


def verify(name: str, models: Path = MODELS) -> list[str]:
    """What is wrong with a released model, in words; empty if nothing is. Pictures that are not on this machine are logged as skipped.

    Raises KeyError if the registry has no such model.
    """
    entry = yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"][name]
    file = models / entry["file"]
    if sha256(file) != entry["sha256"]:
        return [f"{name}: the file's SHA-256 is not the registry's"]
    model = SegmentModel(file)
    outputs = json.loads((models / entry["golden"]).read_text(encoding="utf-8"))
    problems = against_registry(name, entry, model, outputs)
    if [model.height_px, model.width_px] != entry["input_size"]:
        problems.append(f"{name}: the input size differs from the registry")
    gap = np.abs(np.array(outputs["made"]["squares"]) - np.array(_made(model))).max()
    if gap > SQUARE_TOLERANCE:
        problems.append(f"{name}: made picture: a square differs by {gap} of 255")
    for item in outputs["images"]:
        image = shared_data() / item["image"]
        if not image.is_file():
            log.warning("skipped: %s is not on this machine", item["image"])
            continue
        apart = float(np.abs(np.array(item["fields"]) - np.array(fields(model.shares(read(image))))).max())
        if apart > FIELD_TOLERANCE:
            problems.append(f"{name}: {item['image']}: a field's mean share differs by {apart:.1f} of 255")
    return problems
