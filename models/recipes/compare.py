"""May model B replace model A? On the recipe's ``val``, the same groups drawn for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import yaml

from models.recipes import evaluate, metrics
from models.recipes.recipe import MODELS, Recipe
from models.recipes.runtime import Model


@dataclass(frozen=True)
class Verdict:
    """May B replace A, and per class (and last for the mean): AP50 of A, of B, and the interval of the difference."""

    may_replace: bool
    worse: list[str]
    rows: list[tuple[str, float, float, float, float]]

    def text(self) -> str:
        """A Markdown table and one sentence."""
        lines = ["| class | A | B | B − A, 95 % interval |", "|---|---|---|---|"]
        lines += [f"| {name} | {a:.3f} | {b:.3f} | {low:+.3f} … {high:+.3f} |" for name, a, b, low, high in self.rows]
        end = "B may replace A." if self.may_replace else f"B may not replace A: worse in {', '.join(self.worse)}."
        return "\n".join([*lines, "", end])


def judge(
    classes: Sequence[str],
    first: Sequence[Sequence[metrics.Match]],
    second: Sequence[Sequence[metrics.Match]],
    groups: Sequence[str],
    seed: int,
) -> Verdict:
    """B is worse in a class if the whole interval of its difference lies below zero. Classes without truth are left out."""
    bounds = metrics.differences(first, second, groups, seed)
    old, new = metrics.score(first), metrics.score(second)
    names = [*classes, "mean"]
    values = zip(
        names, [*old.ap50, old.map50], [*new.ap50, new.map50], bounds[:, 0], bounds[:, 1], [*old.truths, 1], strict=True
    )
    rows = [
        (name, float(a), float(b), float(low), float(high)) for name, a, b, low, high, truths in values if truths > 0
    ]
    worse = [name for name, _, _, _, high in rows if high < 0]
    return Verdict(not worse, worse, rows)


def file_of(model: str, models: Path = MODELS) -> Path:
    """The ONNX file of a registered model's name, or the path itself. Raises FileNotFoundError if it is neither."""
    entries = yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"]
    file = models / entries[model]["file"] if model in entries else Path(model)
    if not file.is_file():
        raise FileNotFoundError(f"{model}: neither a registered model ({', '.join(entries)}) nor a file")
    return file


def name_in(file: Path) -> str:
    """The name that an ONNX file says it has, whatever its task; empty if it says none.

    Raises FileNotFoundError, or onnxruntime's error if the file is no model.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file}: neither a registered model nor a file")
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return str(dict(session.get_modelmeta().custom_metadata_map).get("name", ""))


def compare(recipe: Recipe, first: str, second: str) -> Verdict:
    """Measure both on the recipe's ``val``. Raises ValueError if their classes are not the recipe's."""
    measured = []
    for name in (first, second):
        model = Model(file_of(name))
        if model.classes != recipe.classes:
            raise ValueError(f"{name}: its classes are {model.classes}, not {recipe.classes}")
        measured.append(evaluate.measure(model, recipe, recipe.val))
    if not np.array_equal(measured[0].score.truths, measured[1].score.truths):
        raise ValueError("the two were not measured on the same labels")
    return judge(recipe.classes, measured[0].matches, measured[1].matches, measured[0].groups, recipe.seed)
