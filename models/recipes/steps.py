"""The steps that need the training environment: prepare, train, export."""

from __future__ import annotations

import json
import logging
import time

from models.recipes import dataset, offline, release
from models.recipes.evaluate import measure
from models.recipes.recipe import Recipe, shared_data
from models.recipes.roofs import detection_report, detection_set
from models.recipes.runtime import Model

log = logging.getLogger(__name__)


def prepare(recipe: Recipe, run: str, threads: int) -> list[dataset.Example]:
    """Write the manifest, clean the training labels, and save both; the examples."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes import train  # noqa: PLC0415  # imports torch, for which offline.prepare had to come first
    from models.recipes.teacher import Teacher  # noqa: PLC0415  # the same

    if recipe.roofs is not None:
        made = detection_set.write(
            recipe.roofs, shared_data() / recipe.roofs.data, recipe.folder / "rendered", recipe.seed
        )
        log.info("roof tiles: %s", made)
    manifest = dataset.manifest(recipe)
    (recipe.folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    networks = [
        (train.start(recipe) if item.run == "start" else train.averaged(recipe, recipe.runs / item.run), item.sizes_px)
        for item in recipe.cleaning.teachers
        if item.run != run  # a run that is to teach later runs has the other teachers only
    ]
    teacher = Teacher(networks) if networks else None
    examples = dataset.prepare(recipe, teacher)
    dataset.save(examples, recipe.runs / run / "examples.json")
    return examples


def train(recipe: Recipe, run: str, threads: int) -> None:
    """Train, continuing the run if it was stopped; prepares the examples first if they are not there."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes import train as training  # noqa: PLC0415  # imports torch, as above

    prepared = recipe.runs / run / "examples.json"
    examples = dataset.restore(prepared) if prepared.is_file() else prepare(recipe, run, threads)
    began = time.monotonic()
    training.Run(recipe, examples, recipe.runs / run).train()
    log.info("trained in %.0f min", (time.monotonic() - began) / 60)


def export(recipe: Recipe, run: str, threads: int) -> None:
    """Write the run's network as ``model.onnx`` with thresholds chosen on ``val``, its golden outputs and registry entry."""
    offline.prepare(recipe.runs / "settings", threads)
    from models.recipes import export as exporting  # noqa: PLC0415  # imports torch, as above
    from models.recipes import train as training  # noqa: PLC0415  # the same

    pretrained = training.start(recipe)
    exporting.write_onnx(
        pretrained, recipe.input_size, {"classes": json.dumps(recipe.classes)}, recipe.runs / "start.onnx"
    )
    if recipe.compare_fire_detector:
        from models.recipes import foreign  # noqa: PLC0415  # imports torch, as above

        if not foreign.write_fire_detector(recipe.runs / "fire_detector.onnx"):
            log.warning(
                "PyPI's fire-detector is not installed here: it will not be measured (models/recipes/foreign.py)"
            )
    trained = training.mixed(recipe, recipe.runs / run)
    network = exporting.blend(trained, pretrained, recipe.blend, recipe.head_blend)
    draft = recipe.runs / run / "draft.onnx"
    exporting.write_onnx(network, recipe.input_size, {}, draft)
    exporting.check_against_torch(network, recipe, draft)
    exporting.write_onnx(network, recipe.input_size, {}, draft, half=recipe.store_half)
    model = Model(draft, threads)
    others = (
        [measure(model, recipe, source) for source in recipe.others] if recipe.most_false_images is not None else []
    )
    measured = measure(model, recipe, recipe.val)
    limits = release.thresholds(recipe, measured, others)
    if recipe.roofs is not None:
        known = detection_report.truth(recipe.roofs, shared_data() / recipe.roofs.data, recipe.folder)
        limits["structure"] = detection_report.structure_threshold(measured, known)
    data = json.loads((recipe.folder / "manifest.json").read_text(encoding="utf-8"))["data_sha256"]
    file = recipe.folder / "model.onnx"
    exporting.write_onnx(
        network, recipe.input_size, release.metadata(recipe, limits, data), file, half=recipe.store_half
    )
    exporting.check_against_torch(network, recipe, file, exporting.HALVED if recipe.store_half else exporting.EXACT)
    release.write_registry(recipe, file, release.write_golden(recipe, file))
    problems = release.verify(recipe.name)
    if problems:
        raise ValueError("; ".join(problems))
    log.info("%s: %.1f MB, thresholds %s", file.name, file.stat().st_size / 1e6, limits)
