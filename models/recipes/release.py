"""Turn a trained network into a released model: ONNX with its thresholds, golden outputs, and the registry's entry.

``verify`` checks a release with onnxruntime alone; only the release itself needs torch.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

from models.recipes import dataset, golden, metrics, openvino_runtime, tasks
from models.recipes.evaluate import Measured
from models.recipes.labels import Found, iou
from models.recipes.recipe import MODELS, Recipe, shared_data
from models.recipes.runtime import NMS_IOU, Model

log = logging.getLogger(__name__)
SCORE_TOLERANCE = 0.03  # processors round differently; a changed model differs by more
IOU_TOLERANCE = 0.9
REGISTRY_HEAD = (
    "# Every released model. Written by `python -m models.recipes export NAME`; checked by `... verify NAME`.\n"
)


def sha256(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def thresholds(recipe: Recipe, measured: Measured, others: Sequence[Measured] = ()) -> dict[str, float]:
    """Operating threshold per class: best F-beta on ``val``; a class with fewer than ten truths takes the others' median.
    None lies below the recipe's ``least_thresholds``.

    Where the recipe bounds false alarms, thresholds are raised until at most that share of the images without any true object,
    of ``val`` and the other sets, holds a detection; of all ways to share what is allowed among the classes that one in which
    most images of ``val`` with an object alert.
    """
    enough = [label for label in range(len(recipe.classes)) if measured.score.truths[label] >= 10]
    chosen = {
        label: metrics.threshold([row[label] for row in measured.matches], recipe.threshold_beta) for label in enough
    }
    usual = round(float(np.median(list(chosen.values()))), 2)
    limits = {
        name: max(chosen.get(label, usual), recipe.least_thresholds.get(name, 0.0))
        for label, name in enumerate(recipe.classes)
    }
    if recipe.most_false_images is None:
        return limits
    sets = [measured, *others]
    ways = [
        dict(zip(limits, way, strict=True))
        for way in product(*(_raised(recipe, sets, limits, name) for name in limits))
    ]
    allowed = [way for way in ways if false_images(sets, way, recipe.classes)[0] <= recipe.most_false_images]
    return max(
        allowed,
        key=lambda way: (alerting([measured], way, recipe.classes, occupied=True)[0], -sum(way.values())),
    )


def _raised(recipe: Recipe, sets: Sequence[Measured], limits: Mapping[str, float], name: str) -> list[float]:
    """The class's thresholds from its own upward at which one more image without any object falls silent, if it alone could alert."""
    label = recipe.classes.index(name)
    highest = [
        float(found.scores[found.classes == label].max())
        for item in sets
        for found, truth in zip(item.found, item.truth, strict=True)
        if not len(truth) and (found.classes == label).any()
    ]
    above = {round((int(score * 100 + 1e-6) + 1) / 100, 2) for score in highest if score >= limits[name]}
    return sorted({limits[name], *above})


def alerting(
    measured: Sequence[Measured], limits: Mapping[str, float], classes: Sequence[str], *, occupied: bool
) -> tuple[float, int]:
    """Share of the images in which something reaches its threshold, of those with any true object or of those without, and their number."""
    least = np.array([limits[name] for name in classes])
    alert = [
        bool((found.scores >= least[found.classes]).any())
        for item in measured
        for found, truth in zip(item.found, item.truth, strict=True)
        if bool(len(truth)) == occupied
    ]
    return (sum(alert) / len(alert) if alert else 0.0), len(alert)


def false_images(
    measured: Sequence[Measured], limits: Mapping[str, float], classes: Sequence[str]
) -> tuple[float, int]:
    """Share of the images without any true object in which something reaches its threshold, and how many such images there are."""
    return alerting(measured, limits, classes, occupied=False)


def metadata(recipe: Recipe, limits: dict[str, float], data_sha256: str) -> dict[str, str]:
    """What the ONNX file says of itself."""
    return {
        "name": recipe.name,
        "version": recipe.version,
        "classes": json.dumps(recipe.classes),
        "thresholds": json.dumps(limits),
        "license": recipe.license,
        "data_sha256": data_sha256,
    }


def as_json(found: Found, classes: list[str]) -> list[dict[str, Any]]:
    """Detections as plain values: class, score, xyxy in image pixels; by score."""
    return [
        {
            "class": classes[int(label)],
            "score": round(float(score), 4),
            "xyxy": [round(float(value), 1) for value in box],
        }
        for box, label, score in zip(found.boxes, found.classes, found.scores, strict=True)
    ]


def write_golden(recipe: Recipe, file: Path) -> Path:
    """Run the model on the recipe's golden images and write what it finds. Raises ValueError if it finds nothing at all."""
    model = Model(file)
    images = [
        {
            "image": name,
            "detections": as_json(model.find_above_thresholds(dataset.read(shared_data() / name)), recipe.classes),
        }
        for name in recipe.golden
    ]
    if not any(item["detections"] for item in images):
        raise ValueError(f"{recipe.name}: no detection on any golden image")
    target = recipe.folder / "golden" / "golden.json"
    target.parent.mkdir(exist_ok=True)
    content = {"model_sha256": sha256(file), "nms_iou": NMS_IOU, "made": golden.record(model), "images": images}
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


class Registered(Protocol):
    """What the registry says of a model, as its recipe has it."""

    @property
    def name(self) -> str:
        """The model."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def task(self) -> str:
        """What it is made for."""

    @property
    def classes(self) -> list[str]:
        """What it finds."""

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of its input in pixels."""


def write_registry(recipe: Registered, file: Path, outputs: Path, registry: Path = MODELS / "registry.yaml") -> None:
    """Add or replace the model's entry."""
    content: dict[str, Any] = (
        yaml.safe_load(registry.read_text(encoding="utf-8")) if registry.is_file() else {"models": {}}
    )
    content["models"][recipe.name] = {
        "file": file.relative_to(MODELS).as_posix(),
        "sha256": sha256(file),
        "version": recipe.version,
        "task": recipe.task,
        "classes": recipe.classes,
        "input_size": list(recipe.input_size),
        "golden": outputs.relative_to(MODELS).as_posix(),
    }
    registry.write_text(
        REGISTRY_HEAD + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120), encoding="utf-8"
    )


def differences(expected: list[dict[str, Any]], got: list[dict[str, Any]], least: dict[str, float]) -> list[str]:
    """In words, how detections differ beyond rounding. A detection within the score tolerance of its threshold may be absent."""
    problems = []
    open_ones = list(got)
    for want in expected:
        partner = next(
            (
                item
                for item in open_ones
                if item["class"] == want["class"] and _iou(item["xyxy"], want["xyxy"]) >= IOU_TOLERANCE
            ),
            None,
        )
        if partner is None:
            if want["score"] >= least[want["class"]] + SCORE_TOLERANCE:
                problems.append(f"missing {want}")
            continue
        open_ones.remove(partner)
        if abs(partner["score"] - want["score"]) > SCORE_TOLERANCE:
            problems.append(f"score {partner['score']} for {want}")
    problems += [f"unexpected {item}" for item in open_ones if item["score"] >= least[item["class"]] + SCORE_TOLERANCE]
    return problems


def _iou(first: list[float], second: list[float]) -> float:
    return float(iou(np.array([first]), np.array([second]))[0, 0])


def registered(models: Path = MODELS) -> list[str]:
    """The names of all registered models."""
    return sorted(yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"])


class Opened(Protocol):
    """A released file of any task, opened."""

    classes: list[str]
    thresholds: dict[str, float]
    metadata: dict[str, str]


def against_registry(name: str, entry: Mapping[str, Any], model: Opened, outputs: Mapping[str, Any]) -> list[str]:
    """In words, where what a file says of itself, or whose golden outputs these are, differs from its registry entry."""
    problems = []
    if model.classes != entry["classes"] or set(model.thresholds) != set(entry["classes"]):
        problems.append(f"{name}: classes or thresholds differ from the registry")
    if model.metadata.get("version") != entry["version"]:
        problems.append(f"{name}: the version differs from the registry")
    if outputs["model_sha256"] != entry["sha256"]:
        problems.append(f"{name}: the golden outputs are another model's")
    return problems


def verify(name: str, models: Path = MODELS) -> list[str]:
    """What is wrong with a released model, in words; empty if nothing is. Images that are not on this machine are logged as skipped.

    Raises KeyError if the registry has no such model.
    """
    entry = yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"][name]
    file = models / entry["file"]
    if sha256(file) != entry["sha256"]:
        return [f"{name}: the file's SHA-256 is not the registry's"]
    task = str(entry.get("task", tasks.DETECT))
    if task != tasks.DETECT:
        others: list[str] = tasks.module(task, "release").verify(name, models)
        return others
    model = Model(file)
    outputs = json.loads((models / entry["golden"]).read_text(encoding="utf-8"))
    problems = against_registry(name, entry, model, outputs)
    if [model.height_px, model.width_px] != entry["input_size"]:
        problems.append(f"{name}: the input size differs from the registry")
    runtimes: dict[str, Model] = {"onnxruntime": model}
    if openvino_runtime.installed():
        runtimes["OpenVINO"] = openvino_runtime.OpenvinoModel(file)
    for runtime, runs in runtimes.items():
        problems += [f"{name} on {runtime}: {problem}" for problem in _golden_problems(outputs, runs)]
    return problems


def _golden_problems(outputs: dict[str, Any], model: Model) -> list[str]:
    problems = golden.differences(outputs["made"], model)
    for item in outputs["images"]:
        image = shared_data() / item["image"]
        if not image.is_file():
            log.warning("skipped: %s is not on this machine", item["image"])
            continue
        got = as_json(model.find_above_thresholds(dataset.read(image)), model.classes)
        problems += [
            f"{item['image']}: {problem}" for problem in differences(item["detections"], got, model.thresholds)
        ]
    return problems
