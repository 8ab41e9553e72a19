"""The steps that need the training environment: prepare, train, export."""

from __future__ import annotations

import json
import logging
import time

from models.recipes import offline
from models.recipes.segmentation import evaluate, pictures, release
from models.recipes.segmentation.recipe import SWAPPED, SegmentRecipe, swapped
from models.recipes.segmentation.runtime import SegmentModel

log = logging.getLogger(__name__)


def prepare(recipe: SegmentRecipe, run: str, threads: int) -> None:
    """Write the manifest of what is trained on and measured with. Raises ValueError if the two overlap."""
    del run, threads  # one signature for all steps
    chosen = pictures.split(recipe)
    (recipe.folder / "manifest.json").write_text(
        json.dumps(pictures.manifest(recipe), indent=1) + "\n", encoding="utf-8"
    )
    log.info("%d pictures to train on", len(chosen))


def train(recipe: SegmentRecipe, run: str, threads: int) -> None:
    """Train, continuing the run if it was stopped. The run ``swapped`` learns from what the others are measured on, and the reverse."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes.segmentation import train as training  # noqa: PLC0415  # imports torch, for which offline.prepare had to come first

    if not (recipe.folder / "manifest.json").is_file():
        prepare(recipe, run, threads)
    began = time.monotonic()
    recipe = swapped(recipe) if run == SWAPPED else recipe
    training.Run(recipe, pictures.split(recipe), recipe.runs / run).train()
    log.info("trained in %.0f min", (time.monotonic() - began) / 60)


def export(recipe: SegmentRecipe, run: str, threads: int) -> None:
    """Write the run's averaged network as ``model.onnx``, its golden outputs and its registry entry. Raises ValueError if it does not verify."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes.segmentation import export as exporting  # noqa: PLC0415  # imports torch, as above
    from models.recipes.segmentation import train as training  # noqa: PLC0415  # the same
    from models.recipes.segmentation.network import Shares  # noqa: PLC0415  # the same

    network = training.averaged(recipe, recipe.runs / run)
    draft, name = recipe.runs / run / "draft.onnx", recipe.classes[0]
    exporting.write_onnx(Shares(network), recipe.input_size, name, {}, draft)
    exporting.check_against_torch(Shares(network), recipe, draft, exporting.MOST_GAP)
    even = evaluate.best_even(evaluate.measure(SegmentModel(draft, threads), recipe, recipe.val).spread)
    shares = Shares(network, even)
    data = json.loads((recipe.folder / "manifest.json").read_text(encoding="utf-8"))["data_sha256"]
    file = recipe.folder / "model.onnx"
    said = release.metadata(recipe, data, even)
    exporting.write_onnx(shares, recipe.input_size, name, said, file, half=recipe.store_half)
    most = exporting.MOST_GAP_HALVED if recipe.store_half else exporting.MOST_GAP
    exporting.check_against_torch(shares, recipe, file, most)
    release.write_registry(recipe, file, release.write_golden(recipe, file))
    problems = release.verify(recipe.name)
    if problems:
        raise ValueError("; ".join(problems))
    log.info("%s: %.1f MB, half is the network's own %.2f", file.name, file.stat().st_size / 1e6, even)
