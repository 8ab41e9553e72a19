"""Measure exported models on labelled images, side by side with baselines. onnxruntime only, no torch."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.recipes import dataset, metrics
from models.recipes.baselines import Finder
from models.recipes.labels import Floats, Found, Labels, areas
from models.recipes.recipe import Recipe, Source

# COCO's limits between small, medium and large objects
SIZES_PX2 = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, float("inf"))}


@dataclass(frozen=True)
class Measured:
    """A model on a set, image by image: what it found, the truth (both in pixels), the matches ``[image][class]``, the groups.

    names: the files'. frame_ms: median CPU milliseconds from decoded image to boxes.
    """

    found: list[Found]
    truth: list[Labels]
    matches: list[list[metrics.Match]]
    groups: list[str]
    names: list[str]
    score: metrics.Score
    frame_ms: float


def measure(model: Finder, recipe: Recipe, source: Source) -> Measured:
    """Run the model on every image of the source; the labels are taken as they are."""
    founds: list[Found] = []
    truths: list[Labels] = []
    groups: list[str] = []
    names: list[str] = []
    times: list[float] = []
    for example in dataset.examples(recipe, source):
        image = dataset.read(example.image)
        began = time.process_time()
        founds.append(model.find(image))
        times.append((time.process_time() - began) * 1000)
        h, w = image.shape[:2]
        size: Floats = np.array([w, h, w, h], dtype=float)
        truths.append(Labels(example.labels.boxes * size, example.labels.classes))
        groups.append(example.group)
        names.append(example.image.name)
    classes = range(len(recipe.classes))
    matches = [
        [metrics.match(found, truth, label) for label in classes] for found, truth in zip(founds, truths, strict=True)
    ]
    return Measured(founds, truths, matches, groups, names, metrics.score(matches), float(np.median(times)))


def ap_by_size(measured: Measured, classes: Sequence[str]) -> dict[str, list[float]]:
    """AP50 per class for small, medium and large objects, by COCO's rule: what lies outside the range counts neither way."""
    return {
        name: [
            float(
                metrics.average_precision(
                    [
                        metrics.match_within(found, truth, label, *limits)
                        for found, truth in zip(measured.found, measured.truth, strict=True)
                    ]
                )[0]
            )
            for label in range(len(classes))
        ]
        for name, limits in SIZES_PX2.items()
    }


def truths_by_size(measured: Measured, classes: Sequence[str]) -> dict[str, list[int]]:
    """How many true objects of each class are small, medium and large."""
    area = np.concatenate([areas(truth.boxes) for truth in measured.truth])
    label_of = np.concatenate([truth.classes for truth in measured.truth])
    return {
        name: [int(((label_of == label) & (low <= area) & (area < high)).sum()) for label in range(len(classes))]
        for name, (low, high) in SIZES_PX2.items()
    }


def part(measured: Measured, pattern: str) -> Measured:
    """Only the images whose file name matches; the speed is the whole's."""
    chosen = [index for index, name in enumerate(measured.names) if re.match(pattern, name)]
    matches = [measured.matches[index] for index in chosen]
    return Measured(
        [measured.found[index] for index in chosen],
        [measured.truth[index] for index in chosen],
        matches,
        [measured.groups[index] for index in chosen],
        [measured.names[index] for index in chosen],
        metrics.score(matches),
        measured.frame_ms,
    )


def reliability(measured: Measured, least_score: float = 0.1, bins: int = 10) -> list[tuple[float, float, float, int]]:
    """Per occupied bin of scores: its lower end, mean score, share that is right (IoU 0.5), count."""
    rows = [item for row in measured.matches for item in row]
    scores = np.concatenate([item.scores for item in rows])
    hits = np.concatenate([item.hits[0] for item in rows])[scores >= least_score]
    scores = scores[scores >= least_score]
    which = np.minimum((scores * bins).astype(int), bins - 1)
    return [
        (
            float(number) / bins,
            float(scores[which == number].mean()),
            float(hits[which == number].mean()),
            int((which == number).sum()),
        )
        for number in np.unique(which)
    ]


def calibration_error(measured: Measured) -> float:
    """Expected calibration error: mean gap between score and the share that is right, weighted by count; NaN without any."""
    rows = reliability(measured)
    total = sum(count for *_, count in rows)
    return sum(abs(mean - right) * count for _, mean, right, count in rows) / total if total else float("nan")
