"""``python -m models.recipes COMMAND NAME``: prepare, train, export, evaluate, verify.

``prepare``, ``train`` and ``export`` need the training environment; ``evaluate`` and ``verify`` do not.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from types import ModuleType

from models.recipes import recipe as recipes
from models.recipes import release, report

log = logging.getLogger("models.recipes")


def _training() -> ModuleType:
    """The module that needs torch, imported when a command needs it."""
    return importlib.import_module("models.recipes.steps")


def main() -> int:
    """Run one command; 0 if all is well, 1 if verification found a problem."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes", description=__doc__)
    parser.add_argument("command", choices=["prepare", "train", "export", "evaluate", "verify"])
    parser.add_argument("name", help="a folder of models/ with a recipe.yaml")
    parser.add_argument("--run", default="main", help="which run of this recipe (a folder in runs/)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads for torch")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if chosen.command == "verify":
        problems = release.verify(chosen.name)
        print("\n".join(problems) or f"{chosen.name}: verified")
        return 1 if problems else 0
    recipe = recipes.load(chosen.name)
    if chosen.command == "evaluate":
        print(report.write(recipe))
    else:
        getattr(_training(), chosen.command)(recipe, chosen.run, chosen.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
