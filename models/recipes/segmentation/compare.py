"""May segmentation network B replace A? On the recipe's ``val``, the same groups drawn for both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.recipes.compare import file_of
from models.recipes.segmentation import evaluate
from models.recipes.segmentation.evaluate import Measured
from models.recipes.segmentation.recipe import SegmentRecipe
from models.recipes.segmentation.runtime import SegmentModel


@dataclass(frozen=True)
class Verdict:
    """May B replace A: per measured figure its name, A's, B's, and the interval of the difference."""

    rows: list[tuple[str, float, float, float, float]]

    @property
    def worse(self) -> list[str]:
        """The figures in which B is worse by more than chance: the whole interval lies below zero."""
        return [name for name, _, _, _, high in self.rows if high < 0]

    @property
    def may_replace(self) -> bool:
        """Whether it is worse in none."""
        return not self.worse

    def text(self) -> str:
        """A Markdown table and one sentence."""
        lines = ["| figure | A | B | B − A, 95 % interval |", "|---|---|---|---|"]
        lines += [f"| {name} | {a:.3f} | {b:.3f} | {low:+.3f} … {high:+.3f} |" for name, a, b, low, high in self.rows]
        end = "B may replace A." if self.may_replace else f"B may not replace A: worse in {', '.join(self.worse)}."
        return "\n".join([*lines, "", end])


def judge(name: str, first: Measured, second: Measured, seed: int) -> list[tuple[str, float, float, float, float]]:
    """The figures of one set that both have, with the interval of their difference over the same groups drawn."""
    rows = []
    rounds = evaluate.drawn_again(first.groups, seed)
    if np.nansum(first.joined) > 0 and np.nansum(second.joined) > 0:
        gaps = [
            evaluate.pooled(second.inner[draw], second.joined[draw])
            - evaluate.pooled(first.inner[draw], first.joined[draw])
            for draw in rounds
        ]
        low, high = evaluate.interval(gaps)
        both = (evaluate.pooled(first.inner, first.joined), evaluate.pooled(second.inner, second.joined))
        rows.append((f"{name} IoU", *both, low, high))
    if not np.isnan(evaluate.auc(first.watched, first.present)):
        gaps = []
        for draw in rounds:
            said = [first.present[int(row)] for row in draw]
            gaps.append(evaluate.auc(second.watched[draw], said) - evaluate.auc(first.watched[draw], said))
        low, high = evaluate.interval(gaps)
        both = (evaluate.auc(first.watched, first.present), evaluate.auc(second.watched, second.present))
        rows.append((f"{name} AUC", *both, low, high))
    return rows


def compare(recipe: SegmentRecipe, first: str, second: str) -> Verdict:
    """Measure both on every measured set of the recipe. Raises ValueError if their classes are not the recipe's."""
    models = []
    for name in (first, second):
        model = SegmentModel(file_of(name))
        if model.classes != recipe.classes:
            raise ValueError(f"{name}: its classes are {model.classes}, not {recipe.classes}")
        models.append(model)
    rows = []
    for source in recipe.measured:
        a, b = (evaluate.measure(model, recipe, source) for model in models)
        rows += judge(source.name, a, b, recipe.seed)
    return Verdict(rows)
