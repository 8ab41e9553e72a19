"""What a network is made for decides which package trains, measures and proves it.

Each package has the modules ``recipe`` (``load(name)``), ``steps`` (``prepare``, ``train`` and ``export`` with recipe, run,
threads), ``report`` (``write(recipe, run)`` and ``pictures(recipe, folder)``), ``release`` (``verify(name, models)``) and
``compare`` (``compare(recipe, first, second)``, whose answer has ``text()`` and ``may_replace``).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import yaml

from models.recipes.recipe import MODELS

DETECT = "detect"  # where a recipe or the registry says nothing
PACKAGES = {
    DETECT: "models.recipes",
    "segment": "models.recipes.segmentation",
    "change": "models.recipes.change",
}


def task_of(name: str, models: Path = MODELS) -> str:
    """The task that the model's recipe names. Raises FileNotFoundError without a recipe, KeyError on an unknown task."""
    said = yaml.safe_load((models / name / "recipe.yaml").read_text(encoding="utf-8"))
    task = str(said.get("task", DETECT))
    if task not in PACKAGES:
        raise KeyError(f"{name}: no package for the task {task}")
    return task


def module(task: str, part: str) -> ModuleType:
    """A module of the task's package, imported when it is needed: some bring torch with them."""
    return importlib.import_module(f"{PACKAGES[task]}.{part}")
