"""COCO-style average precision, its bootstrap interval, and the choice of operating thresholds. Pure numpy.

One image's result against its truth is boiled down once (``match``); every figure, and every bootstrap sample, is then
computed from those matches. On the same boxes the figures equal pycocotools' (a test compares them where it is installed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.recipes.labels import Floats, Found, Labels, areas, iou

IOUS: Floats = np.linspace(0.5, 0.95, 10)
RECALLS: Floats = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Match:
    """One image, one class: scores ``[n]``, best first; hits ``[10, n]`` (true where a detection is right at that IoU); truths."""

    scores: Floats
    hits: NDArray[np.bool_]
    truths: int


def match(found: Found, truth: Labels, label: int) -> Match:
    """Greedy matching, best score first, each truth used once per IoU level. Boxes of both in the same unit."""
    mine = found.keep(found.classes == label)
    order = np.argsort(-mine.scores, kind="stable")
    boxes, scores = mine.boxes[order], mine.scores[order]
    goal = truth.boxes[truth.classes == label]
    hits = np.zeros((len(IOUS), len(scores)), dtype=bool)
    if len(scores) and len(goal):
        table = iou(boxes, goal)
        for level, least in enumerate(IOUS):
            free = np.ones(len(goal), dtype=bool)
            for row in range(len(scores)):
                candidates = np.where(free, table[row], -1.0)
                best = int(candidates.argmax())
                if candidates[best] >= least:
                    free[best] = False
                    hits[level, row] = True
    return Match(scores, hits, len(goal))


def match_within(found: Found, truth: Labels, label: int, low_px2: float, high_px2: float) -> Match:
    """As ``match`` at IoU 0.5 (the same in every row of ``hits``), for objects of an area in [low, high) alone, as COCO counts.

    True objects outside the range can be found, but neither they nor what found them count; a detection that finds nothing
    counts as wrong only if its own area is in the range. A detection prefers an object that counts.
    """
    mine = found.keep(found.classes == label)
    order = np.argsort(-mine.scores, kind="stable")
    boxes, scores = mine.boxes[order], mine.scores[order]
    goal = truth.boxes[truth.classes == label]
    counts = (areas(goal) >= low_px2) & (areas(goal) < high_px2)
    free = np.ones(len(goal), dtype=bool)
    kept, hits = [], []
    table = iou(boxes, goal) if len(boxes) and len(goal) else np.zeros((len(boxes), len(goal)))
    for row, area in enumerate(areas(boxes)):
        fits = free & (table[row] >= IOUS[0])
        candidates = fits & counts if (fits & counts).any() else fits
        if candidates.any():
            best = int(np.where(candidates, table[row], -1.0).argmax())
            free[best] = False
            if counts[best]:
                kept.append(row)
                hits.append(True)
        elif low_px2 <= area < high_px2:
            kept.append(row)
            hits.append(False)
    shown = np.repeat(np.array(hits, dtype=bool)[None], len(IOUS), axis=0)
    return Match(scores[np.array(kept, dtype=np.int64)], shown, int(counts.sum()))


def differences(
    first: Sequence[Sequence[Match]],
    second: Sequence[Sequence[Match]],
    groups: Sequence[str],
    seed: int,
    rounds: int = 400,
) -> Floats:
    """95 % bootstrap intervals ``[C + 1, 2]`` of AP50 of the second less that of the first, on the same groups drawn; last, mAP50's."""
    names = sorted(set(groups))
    members = [[index for index, group in enumerate(groups) if group == name] for name in names]
    random = np.random.default_rng(seed)
    samples = []
    for _ in range(rounds):
        chosen = [index for pick in random.integers(0, len(members), len(members)) for index in members[pick]]
        old, new = score([first[index] for index in chosen]), score([second[index] for index in chosen])
        samples.append([*(new.ap50 - old.ap50), new.map50 - old.map50])
    return _bounds(np.array(samples))


def average_precision(matches: Sequence[Match]) -> Floats:
    """Average precision ``[10]``, one for each IoU level, by COCO's 101 recall points; NaN where no truth exists."""
    truths = sum(item.truths for item in matches)
    if not truths:
        return np.full(len(IOUS), np.nan)
    scores = np.concatenate([item.scores for item in matches])
    order = np.argsort(-scores, kind="mergesort")
    hits = np.concatenate([item.hits for item in matches], axis=1)[:, order]
    right = np.cumsum(hits, axis=1)
    recall = right / truths
    precision = right / np.arange(1, len(scores) + 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    result = np.zeros(len(IOUS))
    for level in range(len(IOUS)):
        at = np.searchsorted(recall[level], RECALLS, side="left")
        valid = at < len(scores)
        result[level] = (
            np.where(valid, precision[level][np.minimum(at, max(len(scores) - 1, 0))], 0.0).mean()
            if len(scores)
            else 0.0
        )
    return result


@dataclass(frozen=True)
class Score:
    """A model on a set: per class AP at IoU 0.5 ``[C]`` and mean AP over 0.5..0.95 ``[C]``; truths per class ``[C]``."""

    ap50: Floats
    ap: Floats
    truths: NDArray[np.int64]

    @property
    def map50(self) -> float:
        """Mean over the classes that occur in the truth; NaN if none does."""
        return float(np.nanmean(self.ap50)) if self.truths.any() else float("nan")

    @property
    def map50_95(self) -> float:
        """Mean over the classes that occur in the truth; NaN if none does."""
        return float(np.nanmean(self.ap)) if self.truths.any() else float("nan")


def score(matches: Sequence[Sequence[Match]]) -> Score:
    """The score of ``matches[image][class]``."""
    per_class = list(zip(*matches, strict=True))
    table = np.array([average_precision(column) for column in per_class])
    truths = np.array([sum(item.truths for item in column) for column in per_class], dtype=np.int64)
    return Score(table[:, 0], table.mean(axis=1), truths)


def _bounds(samples: Floats) -> Floats:
    """The middle 95 % ``[n, 2]`` of each column of ``samples [rounds, n]``, NaN left out; NaN where there is nothing else."""
    result = np.full((samples.shape[1], 2), np.nan)
    some = ~np.isnan(samples).all(axis=0)
    result[some] = np.nanpercentile(samples[:, some], [2.5, 97.5], axis=0).T
    return result


def intervals(matches: Sequence[Sequence[Match]], groups: Sequence[str], seed: int, rounds: int = 200) -> Floats:
    """95 % bootstrap intervals ``[C + 1, 2]`` of AP50 per class and, last, of mAP50; whole groups are drawn together."""
    names = sorted(set(groups))
    members = [[index for index, group in enumerate(groups) if group == name] for name in names]
    random = np.random.default_rng(seed)
    samples = []
    for _ in range(rounds):
        chosen = random.integers(0, len(members), len(members))
        drawn = score([matches[index] for pick in chosen for index in members[pick]])
        samples.append([*drawn.ap50, drawn.map50])
    return _bounds(np.array(samples))


def precision_recall(matches: Sequence[Match], least_score: float) -> tuple[float, float]:
    """Precision and recall at IoU 0.5 of the detections with at least this score; precision is 1 if there are none."""
    truths = sum(item.truths for item in matches)
    hits = np.concatenate([item.hits[0][item.scores >= least_score] for item in matches])
    return float(hits.mean()) if len(hits) else 1.0, float(hits.sum() / truths) if truths else 0.0


def threshold(matches: Sequence[Match], beta: float = 1.0, low: float = 0.2, high: float = 0.8) -> float:
    """The score, in steps of 0.01 from ``low`` to ``high``, with the best F-beta at IoU 0.5; the lowest of equals."""
    best, best_value = low, -1.0
    for hundredth in range(round(low * 100), round(high * 100) + 1):
        least = hundredth / 100
        precision, recall = precision_recall(matches, least)
        value = (1 + beta**2) * precision * recall / max(beta**2 * precision + recall, 1e-12)
        if value > best_value + 1e-9:
            best, best_value = least, value
    return best
