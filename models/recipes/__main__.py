"""``python -m models.recipes COMMAND``: make, measure, compare and prove models. ``patrol model`` calls it.

``prepare``, ``train``, ``export`` and ``quantise`` need the training environment; the others do not.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from models.recipes import compare, field, release, summary, tasks
from models.recipes import recipe as recipes

log = logging.getLogger("models.recipes")
STEPS = ("prepare", "train", "export")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.recipes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, said: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, help=said)
        return made

    for name in STEPS:
        step = command(name, f"{name} a model by its recipe")
        step.add_argument("name", help="a folder of models/ with a recipe.yaml")
        step.add_argument("--run", default="main", help="which run of this recipe (a folder in runs/)")
        step.add_argument("--threads", type=int, default=2, help="CPU threads for torch")
    command("quantise", "make an INT8 file, measure it, keep it if it is worth it").add_argument("name")
    judged = command("evaluate", "measure beside the baselines; writes card.md and figures.json")
    judged.add_argument("name")
    judged.add_argument("--run", default="main", help="the run whose curve the card shows")
    judged.add_argument(
        "--pictures", type=Path, default=None, help="draw the worst mistakes on val into this folder, and nothing else"
    )
    command("verify", "hashes and golden outputs").add_argument("name", nargs="*", help="all where none is named")
    both = command("compare", "may B replace A? names in the registry, or ONNX files")
    both.add_argument("first")
    both.add_argument("second")
    both.add_argument("--recipe", default=None, help="whose val to measure on, by default the one that B says it is")
    taken = command("add", "take false and missed alerts from an export into a model's own data")
    taken.add_argument("name")
    taken.add_argument("folder", type=Path)
    command("table", "write the table in models/README.md")
    return parser


def _verify(names: list[str]) -> int:
    problems = 0
    for name in names or release.registered():
        found = release.verify(name)
        problems += len(found)
        print("\n".join(found) or f"{name}: verified")
    return 1 if problems else 0


def _said(model: str) -> str:
    """The name that a registered model or an ONNX file says it has."""
    return model if model in release.registered() else compare.name_in(Path(model))


def _compare(first: str, second: str, name: str | None) -> int:
    said = name or _said(second)
    task = tasks.task_of(said)
    verdict = tasks.module(task, "compare").compare(tasks.module(task, "recipe").load(said), first, second)
    print(verdict.text())
    return 0 if verdict.may_replace else 1


def _add(name: str, folder: Path) -> int:
    placed = field.add(recipes.load(name), folder)
    for done in placed:
        print(f"{done.item.file}: {done.split or f'refused: {done.refused}'}")
    taken = sum(bool(done.split) for done in placed)
    print(f"{taken} of {len(placed)} taken; `prepare {name}` makes them part of the training")
    return 0 if taken == len(placed) else 1


def main() -> int:
    """Run one command; 0 if all is well, 1 if it found a problem or says no."""
    chosen = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if chosen.command == "verify":
        return _verify(chosen.name)
    if chosen.command == "compare":
        return _compare(chosen.first, chosen.second, chosen.recipe)
    if chosen.command == "add":
        return _add(chosen.name, chosen.folder)
    if chosen.command == "table":
        print(summary.write())
        return 0
    task = tasks.task_of(chosen.name)
    recipe = tasks.module(task, "recipe").load(chosen.name)
    if chosen.command == "evaluate":
        report = tasks.module(task, "report")
        print(report.write(recipe, chosen.run) if chosen.pictures is None else report.pictures(recipe, chosen.pictures))
    elif chosen.command == "quantise":
        if task != tasks.DETECT:
            print(f"{chosen.name}: only detectors are quantised")
            return 0
        print(tasks.module(task, "quantise").quantise(recipe))
    else:
        getattr(tasks.module(task, "steps"), chosen.command)(recipe, chosen.run, chosen.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
