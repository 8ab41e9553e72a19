"""The figures of a model's card: ours against baselines in one run, on ``val`` and on the other measured sets."""

from __future__ import annotations

import json
import logging

from models.recipes import evaluate, release
from models.recipes.baselines import Finder, Yolox
from models.recipes.evaluate import Measured
from models.recipes.recipe import Recipe, shared_data
from models.recipes.runtime import Model

log = logging.getLogger(__name__)
LEGEND = (
    "AP by COCO's 101 recall points, boxes after class-wise suppression at IoU 0.5; (n) is the number of true objects; "
    "ms is the median wall time a frame on one thread of onnxruntime, letterbox to boxes, on the machine that wrote this."
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
    return result


def _section(recipe: Recipe, title: str, results: dict[str, Measured], limits: dict[str, float]) -> str:
    ours = next(iter(results.values()))
    sizes = ", ".join(
        f"{name} {share:.2f} ({count})"
        for name, (share, count) in evaluate.recall_by_size(ours, limits, recipe.classes).items()
    )
    groups = len(set(ours.groups))
    return "\n\n".join(
        [
            f"### {title}: {len(ours.groups)} images",
            evaluate.table(recipe, results),
            f"Ours, with bootstrap intervals over {groups} groups, at the operating thresholds:",
            evaluate.interval_table(recipe, ours, limits),
            f"Recall at the thresholds by COCO's object sizes (objects): {sizes}.",
            f"Expected calibration error of scores from 0.1: {evaluate.calibration_error(ours):.3f}.",
        ]
    )


def write(recipe: Recipe) -> str:
    """Measure everything, put the figures into ``card.md``, return them. Raises FileNotFoundError if the data are missing."""
    models = finders(recipe)
    limits: dict[str, float] = json.loads(Model(recipe.folder / "model.onnx").metadata["thresholds"])
    parts = [LEGEND]
    everything: list[Measured] = []
    for source in [recipe.val, *recipe.others]:
        log.info("measuring on %s", source.name)
        results = {name: evaluate.measure(model, recipe, source) for name, model in models.items()}
        ours = next(iter(results.values()))
        everything.append(ours)
        has_truth = bool(ours.score.truths.sum())
        parts.append(
            _section(recipe, source.name, results, limits)
            if has_truth
            else f"### {source.name}: {len(ours.groups)} images without any of the classes"
        )
    if recipe.most_false_images is not None:
        share, count = release.false_images(everything, limits, recipe.classes)
        parts.append(
            f"Images without any of the classes that alert at the operating thresholds: {share:.3f} of {count}."
        )
    figures = "\n\n".join(parts)
    card = recipe.folder / "card.md"
    card.write_text(evaluate.put_between_marks(card.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return figures
