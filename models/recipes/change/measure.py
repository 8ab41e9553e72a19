"""How well structures are told from what else changes on a roof: pixels, structures, and whole roofs. onnxruntime only, no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.change.runtime import Comparer
from models.recipes.labels import Floats
from models.recipes.roofs import pairs
from models.recipes.roofs.pairs import Material, Pair, Rules
from models.recipes.roofs.seasons import filled
from models.recipes.roofs.tiles import METRES_PER_PX, Ground

FOUND_SHARE = 0.5  # of a structure's pixels that must be marked
TRUE_SHARE = 0.3  # of a marked region that must be changed
LEAST_REGION_M2 = 4.0  # smaller regions are no structure
LEAST_SEEN_M2 = 4.0  # structures of which the picture shows less are not asked for
ROUNDS = 1000
LIMITS = [round(0.05 * step, 2) for step in range(4, 19)]  # thresholds that are tried
Row = TypeVar("Row")


@dataclass(frozen=True)
class Counted:
    """One pair: pixels right, marked and true; structures found and asked for; regions false and all; by kind found and asked for."""

    group: str
    pixels: tuple[int, int, int]
    structures: tuple[int, int]
    regions: tuple[int, int]
    kinds: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Scores:
    """Pixel F1, precision, recall, IoU; recall and precision of structures and their F1; each 0..1."""

    pixel_f1: float
    pixel_precision: float
    pixel_recall: float
    pixel_iou: float
    recall: float
    precision: float
    f1: float


def regions(mask: NDArray[np.bool_], least_m2: float = LEAST_REGION_M2) -> list[NDArray[np.bool_]]:
    """Connected parts of at least that area, after gaps of a pixel or two are closed."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    least = least_m2 / METRES_PER_PX**2
    return [np.asarray(labels == index) for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= least]


def counted(pair: Pair, marked: NDArray[np.bool_], group: str) -> Counted:
    """Compare a mask of what changed with the truth of one pair."""
    truth = (pair.built > 0) | (pair.removed > 0)
    h, w = truth.shape
    kinds: dict[str, tuple[int, int]] = {}
    found = asked = 0
    for item in pair.changes:
        mine = (filled(item.outline, h, w) > 0.5) & truth
        if mine.sum() * METRES_PER_PX**2 < LEAST_SEEN_M2:
            continue
        hit = bool((mine & marked).sum() >= FOUND_SHARE * mine.sum())
        found, asked = found + hit, asked + 1
        old = kinds.get(item.kind, (0, 0))
        kinds[item.kind] = (old[0] + hit, old[1] + 1)
    parts = regions(marked)
    false = sum(bool((part & truth).sum() < TRUE_SHARE * part.sum()) for part in parts)
    pixels = (int((marked & truth).sum()), int(marked.sum()), int(truth.sum()))
    return Counted(group, pixels, (found, asked), (false, len(parts)), kinds)


def scores(rows: Sequence[Counted]) -> Scores:
    """Over all pairs together."""
    right, marked, true = (sum(row.pixels[index] for row in rows) for index in range(3))
    found, asked = (sum(row.structures[index] for row in rows) for index in range(2))
    false, every = (sum(row.regions[index] for row in rows) for index in range(2))
    recall, precision = found / max(1, asked), 1 - false / max(1, every)
    return Scores(
        2 * right / max(1, marked + true),
        right / max(1, marked),
        right / max(1, true),
        right / max(1, marked + true - right),
        recall,
        precision,
        2 * recall * precision / max(1e-9, recall + precision),
    )


def by_kind(rows: Sequence[Counted]) -> dict[str, tuple[int, int]]:
    """Structures found and asked for, per kind."""
    result: dict[str, tuple[int, int]] = {}
    for row in rows:
        for kind, (found, asked) in row.kinds.items():
            old = result.get(kind, (0, 0))
            result[kind] = (old[0] + found, old[1] + asked)
    return dict(sorted(result.items()))


def interval(
    rows: Sequence[Row], groups: Sequence[str], value: Callable[[Sequence[Row]], float], seed: int
) -> tuple[float, float]:
    """95 % bootstrap interval of ``value``, whole groups drawn with replacement."""
    random = np.random.default_rng(seed)
    held: dict[str, list[Row]] = {}
    for row, group in zip(rows, groups, strict=True):
        held.setdefault(group, []).append(row)
    names = list(held)
    drawn = [
        value([row for index in random.integers(0, len(names), len(names)) for row in held[names[int(index)]]])
        for _ in range(ROUNDS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class Set:
    """Pairs with the tile each is from."""

    pairs: list[Pair]
    groups: list[str]


def made(material: Material, rules: Rules, count: int, seed: int) -> Set:
    """``count`` pairs, each of a ground drawn by the seed."""
    result, groups = [], []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        place = material.ground(random)
        result.append(pairs.make(material, rules, random, place))
        groups.append(place.name)
    return Set(result, groups)


def shares(model: Comparer, given: Set) -> tuple[list[NDArray[np.uint8]], float]:
    """``change`` of each pair, and the median CPU milliseconds a pair."""
    found, times = [], []
    for pair in given.pairs:
        began = time.process_time()
        found.append(model.compare(pair.before, pair.after)[0])
        times.append((time.process_time() - began) * 1000)
    return found, float(np.median(times))


def best_threshold(found: Sequence[NDArray[np.uint8]], given: Set) -> float:
    """The share 0..1 from which a pixel counts as changed that gives the best pixel F1."""
    return max(LIMITS, key=lambda limit: scores(rows(found, given, limit)).pixel_f1)


def careful_threshold(
    model: Comparer, material: Material, rules: Rules, seed: int, least_m2: float, most_per_ten: float
) -> float:
    """The lowest share 0..1 at which at most ``most_per_ten`` of ten untouched roofs get a false find: more structures are found the lower it is.

    Every third roof of the mapped grounds is looked at once, as in ``roofs``.
    """
    idle = rules.model_copy(update={"built": (1.0,), "removed": (1.0,), "kept": (1.0,)})
    false, hosts = np.zeros(len(LIMITS)), _hosts(material)[::3]
    for number, (place, host) in enumerate(hosts):
        pair = pairs.make(material, idle, np.random.default_rng([seed, number]), place, host)
        built = model.compare(pair.before, pair.after)[1]
        false += [len(on_roof(built >= limit * 255, pair.host, least_m2)) for limit in LIMITS]
    allowed = [limit for limit, count in zip(LIMITS, false, strict=True) if 10 * count <= most_per_ten * len(hosts)]
    return min(allowed, default=LIMITS[-1])


def rows(found: Sequence[NDArray[np.uint8]], given: Set, limit: float) -> list[Counted]:
    """Every pair counted at one threshold."""
    return [
        counted(pair, share >= limit * 255, group)
        for pair, share, group in zip(given.pairs, found, given.groups, strict=True)
    ]


@dataclass(frozen=True)
class Roof:
    """One roof, looked at twice: how many regions were called built although nothing was; and was the structure found, if one fitted."""

    group: str
    false: int
    found: bool | None


def roofs(
    judges: Mapping[str, tuple[Comparer, float]], material: Material, rules: Rules, seed: int, least_m2: float
) -> dict[str, list[Roof]]:
    """Every roof of at least 20 m² that the ground shows whole, once untouched and once with one structure on it; for each judge
    (a comparer and its threshold 0..1).

    Both pairs have other light, shadow, season and a misfit. A region counts that lies mostly on this roof and measures ``least_m2``.
    """
    idle = rules.model_copy(update={"built": (1.0,), "removed": (1.0,), "kept": (1.0,)})
    busy = rules.model_copy(update={"built": (0.0, 1.0), "removed": (1.0,), "kept": (1.0,)})
    result: dict[str, list[Roof]] = {name: [] for name in judges}
    for number, (place, host) in enumerate(_hosts(material)):
        untouched, built_on = (
            pairs.make(material, drawn, np.random.default_rng([seed, number, kind]), place, host)
            for kind, drawn in enumerate((idle, busy))
        )
        for name, (model, limit) in judges.items():
            marked, found = (model.compare(pair.before, pair.after)[1] >= limit * 255 for pair in (untouched, built_on))
            row = counted(built_on, found, place.name)
            seen = row.structures[0] > 0 if row.structures[1] else None
            result[name].append(Roof(place.name, len(on_roof(marked, untouched.host, least_m2)), seen))
    return result


def on_roof(marked: NDArray[np.bool_], outline: Floats | None, least_m2: float) -> list[NDArray[np.bool_]]:
    """The regions that lie mostly inside the outline."""
    if outline is None:
        return []
    inside = filled(outline, *marked.shape) > 0.5
    return [part for part in regions(marked, least_m2) if (part & inside).sum() > 0.5 * part.sum()]


def _hosts(material: Material) -> list[tuple[Ground, int]]:
    result = []
    for place in material.grounds:
        h, w = place.image.shape[:2]
        for index, item in enumerate(place.buildings):
            area = cv2.contourArea(item.outline.astype(np.float32)) * METRES_PER_PX**2
            whole = item.outline.min() >= 0 and item.outline[:, 0].max() < w and item.outline[:, 1].max() < h
            if whole and area >= 20:
                result.append((place, index))
    return result
