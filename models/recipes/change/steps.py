"""The steps that need the training environment: prepare, train, export."""

from __future__ import annotations

import json
import logging
import time

from models.recipes import offline
from models.recipes.change import measure, release
from models.recipes.change import recipe as recipes
from models.recipes.change.recipe import ChangeRecipe
from models.recipes.change.runtime import ChangeModel
from models.recipes.release import write_registry

log = logging.getLogger(__name__)


def prepare(recipe: ChangeRecipe, run: str, threads: int) -> None:
    """Write the manifest of the tiles."""
    del run, threads  # one signature for all steps
    manifest = json.dumps(recipes.manifest(recipe), indent=1)
    (recipe.folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def train(recipe: ChangeRecipe, run: str, threads: int) -> None:
    """Train, continuing the run if it was stopped."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes.change import train as training  # noqa: PLC0415  # imports torch, for which offline.prepare had to come first

    if not (recipe.folder / "manifest.json").is_file():
        prepare(recipe, run, threads)
    began = time.monotonic()
    training.Run(recipe, recipe.runs / run).train()
    log.info("trained in %.0f min", (time.monotonic() - began) / 60)


def export(recipe: ChangeRecipe, run: str, threads: int) -> None:
    """Write the run's network as ``model.onnx``: its threshold is chosen on roofs of train, in pairs that training never drew."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes.change import export as exporting  # noqa: PLC0415  # imports torch, as above
    from models.recipes.change import train as training  # noqa: PLC0415  # the same

    network = training.averaged(recipe, recipe.runs / run)
    size, draft = recipe.pairs.size_px, recipe.runs / run / "draft.onnx"
    exporting.write_onnx(network, size, {}, draft)
    exporting.check_against_torch(network, recipe, draft, exporting.MOST_GAP)
    train_roofs, rules, model = recipes.material(recipe.name, "train"), recipe.measuring, ChangeModel(draft, threads)
    careful = measure.careful_threshold(
        model, train_roofs, recipe.pairs, recipe.seed + 1, rules.least_roof_m2, rules.most_false_per_ten
    )
    tuning = measure.made(train_roofs, recipe.pairs, rules.tuning_pairs, recipe.seed + 1)
    sharp = measure.best_threshold(measure.shares(model, tuning)[0], tuning)
    threshold = round((careful + sharp) / 2, 2)  # below: more is found; above: what is found has truer edges
    log.info("threshold %.2f: between %.2f (few false finds) and %.2f (best pixels)", threshold, careful, sharp)
    data = json.loads((recipe.folder / "manifest.json").read_text(encoding="utf-8"))["data_sha256"]
    file = recipe.folder / "model.onnx"
    exporting.write_onnx(network, size, release.metadata(recipe, threshold, data), file, half=True)
    exporting.check_against_torch(network, recipe, file, exporting.MOST_GAP_HALVED)
    write_registry(recipe, file, release.write_golden(recipe, file))
    problems = release.verify(recipe.name)
    if problems:
        raise ValueError("; ".join(problems))
    log.info("%s: %.1f MB, threshold %.2f", file.name, file.stat().st_size / 1e6, threshold)
