"""Preparing data: hashes that notice a change, val that is never trained on, cleaning that only touches train."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.recipes import dataset, recipe, tasks
from models.recipes.augment import Image
from models.recipes.labels import Found

RECIPE = {
    "name": "tiny",
    "version": "1",
    "license": "AGPL-3.0-or-later",
    "seed": 1,
    "classes": ["person", "car"],
    "input_size": [64, 64],
    "start": {"weights": "w.pt", "rows": [0, 2]},
    "train": [{"name": "t", "images": "train", "labels": "train", "licence": "CC0"}],
    "val": {"name": "v", "images": "val", "labels": "val", "licence": "CC0"},
    "cleaning": {"believe": [0.5, 0.5]},
    "training": {"size_px": [64, 64], "epochs": 1, "samples_per_epoch": 1},
}


def picture(folder: Path, name: str, seed: int, label: str) -> None:
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / f"{name}.png"), pixels)
    (folder / f"{name}.txt").write_text(label, encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> recipe.Recipe:
    """A data folder of one image each."""
    picture(tmp_path / "train", "a", 1, "1 0.25 0.25 0.3 0.3\n1 0.25 0.25 0.3 0.3\n")
    picture(tmp_path / "val", "b", 2, "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n")
    monkeypatch.setenv("PATROL_SHARED_DATA", str(tmp_path))
    return recipe.Recipe.model_validate(RECIPE)


def teacher(_image: Image) -> Found:
    return Found(np.array([[0.6, 0.6, 0.9, 0.9], [0.6, 0.1, 0.7, 0.3]]), np.array([0, 0]), np.array([0.9, 0.3]))


def test_train_is_cleaned_and_val_is_not(tiny: recipe.Recipe) -> None:
    """The twin goes, what the teacher surely saw comes, the half-seen is marked; val keeps even its twin."""
    (done,) = dataset.prepare(tiny, teacher)
    assert done.labels.classes.tolist() == [1, 0]
    np.testing.assert_allclose(done.doubtful, [[0.6, 0.1, 0.7, 0.3]])
    assert len(dataset.examples(tiny, tiny.val)[0].labels) == 2


def test_an_image_of_val_under_another_name_stops_the_preparation(tiny: recipe.Recipe, tmp_path: Path) -> None:
    """Training on what is measured would make every figure a lie."""
    picture(tmp_path / "train", "renamed", 2, "")
    with pytest.raises(ValueError, match="renamed"):
        dataset.prepare(tiny, None)


def test_prepared_examples_survive_a_restart(tiny: recipe.Recipe, tmp_path: Path) -> None:
    """What was saved is what is read."""
    before = dataset.prepare(tiny, teacher)
    dataset.save(before, tmp_path / "runs" / "examples.json")
    (after,) = dataset.restore(tmp_path / "runs" / "examples.json")
    np.testing.assert_allclose(after.labels.boxes, before[0].labels.boxes, atol=1e-6)
    np.testing.assert_array_equal(after.labels.classes, before[0].labels.classes)
    assert (after.image, after.weight, after.group, after.rehearse) == (before[0].image, 1.0, "t/a", False)


def test_the_manifest_changes_with_a_pixel_and_with_a_label(tiny: recipe.Recipe, tmp_path: Path) -> None:
    """The hash in a model's metadata pins the data it was made from."""
    first = dataset.manifest(tiny)["data_sha256"]
    assert dataset.manifest(tiny)["data_sha256"] == first
    picture(tmp_path / "train", "a", 1, "0 0.25 0.25 0.3 0.3\n")
    second = dataset.manifest(tiny)["data_sha256"]
    picture(tmp_path / "train", "a", 9, "0 0.25 0.25 0.3 0.3\n")
    assert len({first, second, dataset.manifest(tiny)["data_sha256"]}) == 3


def test_missing_data_is_told_by_name(tiny: recipe.Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong folder is an error, not an empty training; an optional source may be absent."""
    monkeypatch.setenv("PATROL_SHARED_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="t: no image"):
        dataset.examples(tiny, tiny.train[0])
    assert dataset.examples(tiny, tiny.train[0].model_copy(update={"optional": True})) == []


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in recipe.MODELS.glob("*/recipe.yaml")))
def test_every_recipe_in_the_repository_is_valid(folder: str) -> None:
    """Names, classes and per-class lists agree."""
    task = tasks.task_of(folder)
    loaded = tasks.module(task, "recipe").load(folder)
    assert loaded.name == folder
    assert loaded.classes
    if task == tasks.DETECT:
        assert len(loaded.start.rows) == len(loaded.classes) == len(loaded.cleaning.believe)
