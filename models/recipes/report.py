"""The figures of a model: ours against baselines in one run, on ``val`` and on the other measured sets; card and figures.json."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from models.recipes import dataset, evaluate, failures, metrics, openvino_runtime, release, tables
from models.recipes.baselines import Finder, Renamed, Yolox
from models.recipes.evaluate import Measured
from models.recipes.recipe import Recipe, shared_data
from models.recipes.roofs import detection_report
from models.recipes.runtime import Model

log = logging.getLogger(__name__)
SPEED_IMAGES = 20
LEGEND = (
    "AP by COCO's 101 recall points, boxes after class-wise suppression at IoU 0.5; (n) is the number of true objects; "
    "ms is the median CPU time a frame on one thread of onnxruntime, letterbox to boxes, on the machine that wrote this."
)


def finders(recipe: Recipe) -> dict[str, Finder]:
    """Our model first, then the baselines that are on this machine; each absent one is logged as skipped."""
    result: dict[str, Finder] = {f"**{recipe.name} {recipe.version}**": Model(recipe.folder / "model.onnx")}
    start = recipe.runs / "start.onnx"
    if recipe.compare_start and start.is_file():
        result[f"{recipe.start.weights.rsplit('/', maxsplit=1)[-1]} as it is"] = Model(start)
    elif recipe.compare_start:
        log.warning("skipped: the pretrained baseline (%s is written by export)", start.name)
    yolox = shared_data() / "weights/yolox_nano.onnx"
    rows = [row for row in recipe.start.rows if isinstance(row, int)]
    if recipe.compare_coco and yolox.is_file():
        result["yolox_nano.onnx as it is (416 px)"] = Yolox(yolox, rows)
    elif recipe.compare_coco:
        log.warning("skipped: the baseline %s is not on this machine", yolox.name)
    fires = recipe.runs / "fire_detector.onnx"
    if recipe.compare_fire_detector and fires.is_file():
        result["PyPI's fire-detector 1.0.3 (640 px)"] = Renamed(Model(fires), recipe.classes)
    elif recipe.compare_fire_detector:
        log.warning("skipped: PyPI's fire-detector (%s is written by export where it is installed)", fires.name)
    return result


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


def figures(recipe: Recipe, results: dict[str, Measured], limits: dict[str, float]) -> dict[str, Any]:
    """What was measured on one set, as plain values: ours in full, of the others the averages."""
    ours = next(iter(results.values()))
    bounds = metrics.intervals(ours.matches, ours.groups, recipe.seed)
    classes = {}
    for label, name in enumerate(recipe.classes):
        precision, recall = metrics.precision_recall([row[label] for row in ours.matches], limits[name])
        classes[name] = {
            "truths": int(ours.score.truths[label]),
            "ap50": _rounded(ours.score.ap50[label]),
            "interval": [_rounded(value) for value in bounds[label]],
            "threshold": limits[name],
            "precision": _rounded(precision),
            "recall": _rounded(recall),
        }
    return {
        "images": len(ours.names),
        "groups": len(set(ours.groups)),
        "map50": _rounded(ours.score.map50),
        "interval": [_rounded(value) for value in bounds[-1]],
        "map50_95": _rounded(ours.score.map50_95),
        "classes": classes,
        "ap50_by_size": {
            name: dict(zip(recipe.classes, map(_rounded, values), strict=True))
            for name, values in evaluate.ap_by_size(ours, recipe.classes).items()
        },
        "calibration_error": _rounded(evaluate.calibration_error(ours)),
        "cpu_ms": round(ours.frame_ms, 1),
        "baselines": {
            name: {
                "map50": _rounded(item.score.map50),
                "ap50": dict(zip(recipe.classes, map(_rounded, item.score.ap50), strict=True)),
                "cpu_ms": round(item.frame_ms, 1),
            }
            for name, item in list(results.items())[1:]
        },
    }


def targets(recipe: Recipe, sets: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the recipe is to reach, and what it reaches."""
    result = []
    for target in recipe.targets:
        measured = sets[target.on or recipe.val.name]["classes"]
        value = float(np.mean([measured[name]["ap50"] for name in target.classes]))
        result.append(
            {
                "classes": target.classes,
                "on": target.on or recipe.val.name,
                "wanted": target.ap50,
                "ap50": round(value, 6),
                "met": value >= target.ap50,
            }
        )
    return result


def _section(recipe: Recipe, title: str, results: dict[str, Measured], limits: dict[str, float]) -> str:
    ours = next(iter(results.values()))
    parts = [
        f"### {title}: {len(ours.groups)} images",
        tables.table(recipe, results),
        f"Ours, with bootstrap intervals over {len(set(ours.groups))} groups, at the operating thresholds:",
        tables.interval_table(recipe, ours, limits),
        "AP50 by COCO's object sizes (objects):",
        tables.size_table(recipe, ours),
        f"Calibration of scores from 0.1 (expected error {evaluate.calibration_error(ours):.3f}):",
        tables.reliability_table(ours),
    ]
    if recipe.slices and title == recipe.val.name:
        chosen = {name: evaluate.part(ours, pattern) for name, pattern in recipe.slices.items()}
        parts[2:2] = [
            f"{' and '.join(recipe.slices)} alone, ours:".capitalize(),
            tables.table(recipe, {f"{name}, {len(item.names)} images": item for name, item in chosen.items()}),
        ]
    return "\n\n".join(parts)


def _curve(recipe: Recipe, run: str) -> str:
    """The training's curve, from the run's history; empty if this machine has none."""
    file = recipe.runs / run / "history.json"
    if not file.is_file():
        return ""
    key = f"{recipe.val.name} mAP50"
    rows = [row for row in json.loads(file.read_text(encoding="utf-8")) if key in row]
    points = ", ".join(f"{row['epoch']}: {row[key]:.3f}" for row in rows)
    return f"Curve, mAP50 on {recipe.val.name} after each epoch measured (at the input size of then): {points}."


def write(recipe: Recipe, run: str = "main") -> str:
    """Measure everything, put the figures into ``card.md`` and ``figures.json``, return the card's.

    Raises FileNotFoundError if the data are missing.
    """
    models = finders(recipe)
    file = recipe.folder / "model.onnx"
    limits: dict[str, float] = Model(file).thresholds
    parts = [LEGEND]
    everything: list[Measured] = []
    sets: dict[str, dict[str, Any]] = {}
    for source in [recipe.val, *recipe.others]:
        log.info("measuring on %s", source.name)
        results = {name: evaluate.measure(model, recipe, source) for name, model in models.items()}
        ours = next(iter(results.values()))
        everything.append(ours)
        if ours.score.truths.any():
            sets[source.name] = figures(recipe, results, limits)
            parts.append(_section(recipe, source.name, results, limits))
        else:
            parts.append(f"### {source.name}: {len(ours.groups)} images without any of the classes")
    said: dict[str, Any] = {"version": recipe.version, "model_sha256": release.sha256(file), "sets": sets}
    if recipe.most_false_images is not None:
        share, count = release.false_images(everything, limits, recipe.classes)
        said["false_images"] = {"share": round(share, 4), "images": count, "most": recipe.most_false_images}
        seen, occupied = release.alerting(everything[:1], limits, recipe.classes, occupied=True)
        said["true_images"] = {"share": round(seen, 4), "images": occupied}
        parts.append(
            f"Images that alert at the operating thresholds: without any of the classes {share:.3f} of {count}, with any, on "
            f"{recipe.val.name}, {seen:.3f} of {occupied}."
        )
    said["targets"] = targets(recipe, sets)
    if recipe.roofs is not None:
        known = detection_report.truth(recipe.roofs, shared_data() / recipe.roofs.data, recipe.folder)
        said["roofs"] = detection_report.figures(everything[0], everything[1], known, limits, recipe.seed)
        said["targets"] += detection_report.targets(said["roofs"])
        parts.insert(1, detection_report.section(said["roofs"]))
    if recipe.targets:
        parts.insert(1, tables.target_table(targets(recipe, sets)))
    if openvino_runtime.installed():
        images = [dataset.read(item.image) for item in dataset.examples(recipe, recipe.val)[:SPEED_IMAGES]]
        said["openvino_cpu_ms"] = round(openvino_runtime.cpu_ms(openvino_runtime.OpenvinoModel(file), images), 1)
        parts.append(
            f"OpenVINO, float32, one thread: {said['openvino_cpu_ms']:.0f} ms CPU a frame on the same machine."
        )
    else:
        log.warning("skipped: OpenVINO is not installed here, so its speed is not measured")
    eight = recipe.folder / "int8.json"
    if eight.is_file():
        said["int8"] = json.loads(eight.read_text(encoding="utf-8"))
        parts.append(tables.int8_sentence(said["int8"]))
    parts += [
        "### Where it is wrong",
        "Drawn by `patrol model eval NAME --pictures FOLDER`; the pictures are not ours to give.",
    ]
    parts.append(failures.table(failures.worst(everything[0], limits, recipe.classes)))
    curve = _curve(recipe, run)
    if curve:
        parts.append(curve)
    text = "\n\n".join(parts)
    card = recipe.folder / "card.md"
    card.write_text(tables.put_between_marks(card.read_text(encoding="utf-8"), text, tables.MARKS), encoding="utf-8")
    (recipe.folder / "figures.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return text


def pictures(recipe: Recipe, folder: Path) -> str:
    """Draw the worst mistakes on ``val`` into the folder; the files, one a line."""
    model = Model(recipe.folder / "model.onnx")
    measured = evaluate.measure(model, recipe, recipe.val)
    worst = failures.worst(measured, model.thresholds, recipe.classes)
    drawn = failures.draw(worst, recipe.root(recipe.val) / recipe.val.images, folder)
    return "\n".join(str(file) for file in drawn)
