"""Measure a segmentation network: overlap with masks, and how well its share of the road tells labelled pictures apart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.recipes.labels import Floats, Ints
from models.recipes.segmentation.pictures import THERE, UNKNOWN, open_mask, pictures, read
from models.recipes.segmentation.recipe import Pictures, SegmentRecipe

EVEN = 128  # of 255: from here on a pixel counts as it
ROUNDS = 1000


class Shower(Protocol):
    """Anything that says of each pixel how much of it is there."""

    def shares_of_pixels(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shares ``[h, w]``, 0..255, of a BGR picture ``[h, w, 3]``."""


@dataclass(frozen=True)
class Measured:
    """A network on a set, picture by picture.

    inner, joined ``[n]``: pixels in both, pixels in either, of those known; NaN where nothing is known pixel by pixel.
    watched ``[n]``: share of the watched part that is it, 0..1; spread: of 256 shares, how many known pixels have them and are
    it, or are not (``[256, 2]``). present: what a person said of the whole. frame_ms: median CPU ms, picture to shares.
    """

    names: list[str]
    groups: list[str]
    inner: Floats
    joined: Floats
    watched: Floats
    spread: Floats
    present: list[bool | None]
    frame_ms: float

    def headline(self) -> dict[str, float]:
        """The figures that this set allows: ``iou`` (all pixels together), ``mean iou`` (of pictures), ``auc``."""
        result: dict[str, float] = {}
        if np.nansum(self.joined) > 0:
            result |= {"iou": pooled(self.inner, self.joined), "mean iou": float(np.nanmean(per_picture(self)))}
        said = [item for item in self.present if item is not None]
        if any(said) and not all(said):
            result["auc"] = auc(self.watched, self.present)
        return result


def measure(model: Shower, recipe: SegmentRecipe, source: Pictures) -> Measured:
    """Run the network on every picture of the source; masks and labels are taken as they are."""
    chosen = pictures(recipe, source)
    inner, joined, watched, times = [], [], [], []
    spread = np.zeros((256, 2))
    for item in chosen:
        image = read(item.image)
        began = time.process_time()
        shares = model.shares_of_pixels(image)
        times.append((time.process_time() - began) * 1000)
        watched.append(share_of(shares, recipe.watched))
        if item.mask is None:
            inner.append(np.nan)
            joined.append(np.nan)
            continue
        mask = open_mask(item, (image.shape[1], image.shape[0]))
        known, truth, said = mask != UNKNOWN, mask == THERE, shares >= EVEN
        inner.append(float((truth & said).sum()))
        joined.append(float(((truth | said) & known).sum()))
        for column, part in enumerate((truth, known & ~truth)):
            spread[:, column] += np.bincount(shares[part], minlength=256)
    return Measured(
        [item.image.name for item in chosen], [item.group for item in chosen], np.array(inner), np.array(joined),
        np.array(watched), spread, [item.present for item in chosen], float(np.median(times)) if times else 0.0,
    )  # fmt: skip


def share_of(shares: NDArray[np.uint8], part: tuple[float, float, float, float]) -> float:
    """Mean share 0..1 of a part of the picture: left, top, right, bottom as shares of its sides."""
    h, w = shares.shape
    left, top, right, bottom = part
    return float(shares[int(top * h) : round(bottom * h), int(left * w) : round(right * w)].mean()) / 255.0


def best_even(spread: Floats, least: float = 0.2, most: float = 0.8) -> float:
    """The share in ``least``..``most`` from which pixels are best called it: the highest IoU of all pixels of a ``spread [256, 2]``."""
    steps = np.arange(round(least * 256), round(most * 256) + 1)
    right, wrong = np.cumsum(spread[::-1], axis=0)[::-1][steps].T
    return float(steps[int(np.argmax(right / np.maximum(spread[:, 0].sum() + wrong, 1)))]) / 256


def pooled(inner: Floats, joined: Floats) -> float:
    """Intersection over union of all pixels together."""
    return float(np.nansum(inner) / max(float(np.nansum(joined)), 1.0))


def per_picture(measured: Measured) -> Floats:
    """Intersection over union of each picture ``[n]``; a picture without it in which nothing was said counts as 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(measured.joined == 0, 1.0, measured.inner / measured.joined))


def auc(scores: Floats, present: Sequence[bool | None]) -> float:
    """Area under the ROC curve: how often a picture in which it is scores higher than one in which it is not; ties count half."""
    yes = scores[[item is True for item in present]]
    no = scores[[item is False for item in present]]
    if not len(yes) or not len(no):
        return float("nan")
    above = (yes[:, None] > no[None, :]).mean() + 0.5 * (yes[:, None] == no[None, :]).mean()
    return float(above)


def drawn_again(groups: Sequence[str], seed: int, rounds: int = ROUNDS) -> list[Ints]:
    """For each bootstrap round the rows of as many groups as there are, drawn with replacement."""
    names = sorted(set(groups))
    members = [np.array([row for row, group in enumerate(groups) if group == name]) for name in names]
    random = np.random.default_rng(seed)
    return [
        np.concatenate([members[int(pick)] for pick in random.integers(0, len(names), len(names))])
        for _ in range(rounds)
    ]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 %; NaN where there is nothing."""
    kept = [value for value in values if not np.isnan(value)]
    if not kept:
        return float("nan"), float("nan")
    low, high = np.quantile(np.array(kept), [0.025, 0.975])
    return float(low), float(high)


def iou_interval(measured: Measured, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the pooled IoU over groups."""
    rounds = drawn_again(measured.groups, seed)
    return interval([pooled(measured.inner[rows], measured.joined[rows]) for rows in rounds])


def auc_interval(measured: Measured, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC over groups."""
    rounds = drawn_again(measured.groups, seed)
    return interval([auc(measured.watched[rows], [measured.present[int(row)] for row in rows]) for rows in rounds])
