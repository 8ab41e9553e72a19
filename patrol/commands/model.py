"""`patrol model`: make, measure, compare and prove the networks, by the recipes in models/ (a process of their own)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from patrol.errors import ModelCheckFailed, RecipesMissing, TrainingEnvironmentMissing

ROOT = Path(__file__).resolve().parents[2]


def training_python(root: Path, named: str | None) -> Path:
    """The training environment's Python: the one named by PATROL_TRAIN_PYTHON, else the one that `make models` makes."""
    return Path(named) if named else root / ".venv-train" / "bin" / "python"


def run(arguments: list[str], root: Path, *, trains: bool, prefers: bool = False) -> None:
    """Run the recipes with `arguments` and wait for the end, however long a training takes.

    trains: only the training environment will do. prefers: it is taken where there is one (it has OpenVINO).
    Raises RecipesMissing, TrainingEnvironmentMissing; ModelCheckFailed if the recipes end with an error or say no.
    """
    if not (root / "models" / "recipes").is_dir():
        raise RecipesMissing(path=root / "models" / "recipes")
    python = training_python(root, os.environ.get("PATROL_TRAIN_PYTHON"))
    if trains and not python.is_file():
        raise TrainingEnvironmentMissing(command=arguments[0], python=python)
    chosen = str(python) if trains or (prefers and python.is_file()) else sys.executable
    done = subprocess.run([chosen, "-m", "models.recipes", *arguments], cwd=root, check=False)  # our own recipes
    if done.returncode:
        raise ModelCheckFailed(command=" ".join(["patrol model", *arguments]), status=done.returncode)


@click.group("model")
def command() -> None:
    """Make, measure, compare and prove the networks in models/."""


@command.command("train")
@click.argument("name")
@click.option("--threads", type=click.IntRange(1, 256), default=2, show_default=True, help="Processor cores for it.")
def train(name: str, threads: int) -> None:
    """Train a network by its recipe; a stopped training goes on where it stopped.

    \b
    patrol model train aerial_thermal
    """
    run(["train", name, "--threads", str(threads)], ROOT, trains=True)


@command.command("export")
@click.argument("name")
def export(name: str) -> None:
    """Write a trained network as ONNX with its thresholds, golden outputs and registry entry.

    \b
    patrol model export aerial_thermal
    """
    run(["export", name], ROOT, trains=True)


@command.command("quantise")
@click.argument("name")
def quantise(name: str) -> None:
    """Make an INT8 file, measure what it loses and saves, keep it if it is worth it.

    \b
    patrol model quantise aerial_thermal
    """
    run(["quantise", name], ROOT, trains=True)


@command.command("eval")
@click.argument("name")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Only draw the worst mistakes into this folder.",
)
def evaluate(name: str, pictures: Path | None) -> None:
    """Measure a network beside its baselines on images it never saw; writes its card and its figures.

    \b
    patrol model eval street
    """
    drawn = ["--pictures", str(pictures.resolve())] if pictures else []
    run(["evaluate", name, *drawn], ROOT, trains=False, prefers=True)


@command.command("verify")
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Prove that the released networks are the registered ones and still say what they said; all, or those named.

    \b
    patrol model verify
    """
    run(["verify", *names], ROOT, trains=False)


@command.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--recipe", default=None, help="Whose images to measure on. [default: what the second says it is]")
def compare(first: str, second: str, recipe: str | None) -> None:
    """Say whether the second network may replace the first: no class worse by more than chance.

    \b
    patrol model compare street candidate.onnx
    """
    files = [str(Path(item).resolve()) if item.endswith(".onnx") else item for item in (first, second)]
    run(["compare", *files, *(["--recipe", recipe] if recipe else [])], ROOT, trains=False)


@command.group("dataset")
def dataset() -> None:
    """A network's own images, from the field."""


@dataset.command("add")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def add(name: str, folder: Path) -> None:
    """Take false and missed alerts into a network's own images: labels checked, look-alikes kept out of the measuring.

    \b
    patrol model dataset add street export/
    """
    run(["add", name, str(folder.resolve())], ROOT, trains=False)


@dataset.command("collect")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--false", "numbers", multiple=True, required=True, metavar="CASE", help="A case that was a false alert.")
@click.option("--center", default="http://127.0.0.1:8080", show_default=True, help="Address of the centre.")
def collect(folder: Path, numbers: tuple[str, ...], center: str) -> None:
    """Fetch the pictures of false alerts from the centre, as a folder that `add` takes.

    Of each picture only the piece around the alert is taken. Look at them before you add them: what is left in them and
    should be found must be labelled.

    \b
    patrol model dataset collect export/ --false DEMO-20261124-0007 --false DEMO-20261124-0011
    """
    from patrol import field_pictures  # noqa: PLC0415 - needs OpenCV and httpx, which training alone does not

    count = field_pictures.collect(center, numbers, folder, lambda number, new: click.echo(f"{number}: {new}"))
    click.echo(f"{folder}: {count}")
