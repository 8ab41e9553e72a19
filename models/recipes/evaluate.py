"""Measure exported models on labelled images, side by side with baselines. onnxruntime only, no torch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.recipes import dataset, metrics
from models.recipes.baselines import Finder
from models.recipes.labels import Floats, Found, Labels, areas
from models.recipes.recipe import Recipe, Source

SMALL_PX2, LARGE_PX2 = 32.0**2, 96.0**2  # COCO's limits between small, medium and large objects
MARKS = ("<!-- figures: start, written by `python -m models.recipes evaluate` -->", "<!-- figures: end -->")


@dataclass(frozen=True)
class Measured:
    """A model on a set, image by image: what it found, the truth (both in pixels), the matches ``[image][class]``, the groups.

    frame_ms: median wall milliseconds from decoded image to boxes.
    """

    found: list[Found]
    truth: list[Labels]
    matches: list[list[metrics.Match]]
    groups: list[str]
    score: metrics.Score
    frame_ms: float


def measure(model: Finder, recipe: Recipe, source: Source) -> Measured:
    """Run the model on every image of the source; the labels are taken as they are."""
    founds: list[Found] = []
    truths: list[Labels] = []
    groups: list[str] = []
    times: list[float] = []
    for example in dataset.examples(recipe, source):
        image = dataset.read(example.image)
        began = time.perf_counter()
        founds.append(model.find(image))
        times.append((time.perf_counter() - began) * 1000)
        h, w = image.shape[:2]
        size: Floats = np.array([w, h, w, h], dtype=float)
        truths.append(Labels(example.labels.boxes * size, example.labels.classes))
        groups.append(example.group)
    classes = range(len(recipe.classes))
    matches = [
        [metrics.match(found, truth, label) for label in classes] for found, truth in zip(founds, truths, strict=True)
    ]
    return Measured(founds, truths, matches, groups, metrics.score(matches), float(np.median(times)))


def recall_by_size(
    measured: Measured, limits: Mapping[str, float], classes: Sequence[str]
) -> dict[str, tuple[float, int]]:
    """Share of the true objects found at the operating thresholds, and their number: small, medium, large by COCO's areas."""
    least = np.array([limits[name] for name in classes])
    totals = {"small": [0, 0], "medium": [0, 0], "large": [0, 0]}
    for found, truth in zip(measured.found, measured.truth, strict=True):
        kept = found.keep(found.scores >= least[found.classes])
        for label in range(len(classes)):
            goal = truth.keep(truth.classes == label)
            for box, area in zip(goal.boxes, areas(goal.boxes), strict=True):
                name = "small" if area < SMALL_PX2 else "medium" if area < LARGE_PX2 else "large"
                alone = Labels(box[None], np.array([label]))
                totals[name][0] += bool(metrics.match(kept, alone, label).hits[0].any())
                totals[name][1] += 1
    return {name: (hit / count if count else float("nan"), count) for name, (hit, count) in totals.items()}


def calibration_error(measured: Measured, least_score: float = 0.1, bins: int = 10) -> float:
    """Expected calibration error: mean gap between score and the share that is right (IoU 0.5), weighted by count."""
    rows = [item for row in measured.matches for item in row]
    scores = np.concatenate([item.scores for item in rows])
    hits = np.concatenate([item.hits[0] for item in rows])[scores >= least_score]
    scores = scores[scores >= least_score]
    if not len(scores):
        return float("nan")
    which = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [
        abs(scores[which == number].mean() - hits[which == number].mean()) * (which == number).sum()
        for number in np.unique(which)
    ]
    return float(np.sum(gaps) / len(scores))


def table(recipe: Recipe, results: Mapping[str, Measured]) -> str:
    """A Markdown table: a row per model, mAP50, mAP50-95 and AP50 per class."""
    truths = next(iter(results.values())).score.truths
    head = [
        "model",
        "mAP50",
        "mAP50-95",
        *(f"{name} ({count})" for name, count in zip(recipe.classes, truths, strict=True)),
        "ms",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, item in results.items():
        values = [
            f"{item.score.map50:.3f}",
            f"{item.score.map50_95:.3f}",
            *(f"{value:.3f}" for value in item.score.ap50),
            f"{item.frame_ms:.0f}",
        ]
        lines.append("| " + " | ".join([name, *("–" if value == "nan" else value for value in values)]) + " |")
    return "\n".join(lines)


def interval_table(recipe: Recipe, measured: Measured, limits: Mapping[str, float]) -> str:
    """A Markdown table: per class AP50 with its interval, operating threshold, precision and recall there."""
    bounds = metrics.intervals(measured.matches, measured.groups, recipe.seed)
    lines = [
        "| class | truths | AP50 | 95 % interval | threshold | precision | recall |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, name in enumerate(recipe.classes):
        column = [row[label] for row in measured.matches]
        precision, recall = metrics.precision_recall(column, limits[name])
        low, high = bounds[label]
        lines.append(
            f"| {name} | {measured.score.truths[label]} | {measured.score.ap50[label]:.3f} | {low:.3f} – {high:.3f} "
            f"| {limits[name]:.2f} | {precision:.3f} | {recall:.3f} |"
        )
    low, high = bounds[-1]
    lines.append(f"| **mean** | | {measured.score.map50:.3f} | {low:.3f} – {high:.3f} | | | |")
    return "\n".join(lines)


def put_between_marks(card: str, figures: str) -> str:
    """The card's text with its generated part replaced. Raises ValueError if the card has no marks."""
    before, start, rest = card.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not start or not end:
        raise ValueError("the card has no marks for the figures")
    return f"{before}{start}\n\n{figures}\n\n{end}{after}"
