"""May network B replace network A? On the same pairs, the same tiles drawn for both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.recipes.change import measure
from models.recipes.change.measure import ROUNDS, Counted
from models.recipes.change.recipe import ChangeRecipe, material
from models.recipes.change.runtime import ChangeModel
from models.recipes.compare import file_of


@dataclass(frozen=True)
class Verdict:
    """May B replace A, and per figure: A's, B's, and the 95 % interval of the difference."""

    may_replace: bool
    rows: list[tuple[str, float, float, float, float]]

    def text(self) -> str:
        """A Markdown table and one sentence."""
        lines = ["| figure | A | B | B − A, 95 % interval |", "|---|---|---|---|"]
        lines += [f"| {name} | {a:.3f} | {b:.3f} | {low:+.3f} … {high:+.3f} |" for name, a, b, low, high in self.rows]
        end = "B may replace A." if self.may_replace else "B may not replace A."
        return "\n".join([*lines, "", end])


FIGURES = ("pixel_f1", "recall", "precision")


def judge(first: list[Counted], second: list[Counted], seed: int) -> Verdict:
    """B is worse in a figure if the whole interval of its difference lies below zero."""
    random = np.random.default_rng(seed)
    names = sorted({row.group for row in first})
    held = {name: [index for index, row in enumerate(first) if row.group == name] for name in names}
    gaps: dict[str, list[float]] = {figure: [] for figure in FIGURES}
    for _ in range(ROUNDS):
        drawn = [index for number in random.integers(0, len(names), len(names)) for index in held[names[int(number)]]]
        old, new = (measure.scores([rows[index] for index in drawn]) for rows in (first, second))
        for figure, values in gaps.items():
            values.append(getattr(new, figure) - getattr(old, figure))
    old, new = measure.scores(first), measure.scores(second)
    rows = []
    for figure, values in gaps.items():
        low, high = np.percentile(values, [2.5, 97.5])
        rows.append((figure, float(getattr(old, figure)), float(getattr(new, figure)), float(low), float(high)))
    return Verdict(all(row[4] >= 0 for row in rows), rows)


def compare(recipe: ChangeRecipe, first: str, second: str) -> Verdict:
    """Measure both on the recipe's pairs of ``val``. Raises ValueError if their classes are not the recipe's."""
    given = measure.made(material(recipe.name, "val"), recipe.pairs, recipe.measuring.pairs, recipe.seed)
    counted = []
    for name in (first, second):
        model = ChangeModel(file_of(name))
        if model.classes != recipe.classes:
            raise ValueError(f"{name}: its classes are {model.classes}, not {recipe.classes}")
        found, _ = measure.shares(model, given)
        counted.append(measure.rows(found, given, model.thresholds[recipe.classes[0]]))
    return judge(counted[0], counted[1], recipe.seed)
