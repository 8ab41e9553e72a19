"""Images from the field: labels checked, look-alikes of measured images refused, groups never split."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipes import field, recipe
from models.recipes.augment import Image
from models.recipes.field import Item


def scene(seed: int) -> Image:
    """A picture with a pattern of its own."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def a_moment_later(image: Image) -> Image:
    """The same scene, a little brighter and noisier."""
    noise = np.random.default_rng(1).normal(6, 3, image.shape)
    return np.asarray(np.clip(image + noise, 0, 255), dtype=np.uint8)


GOOD = "0 0.5 0.5 0.2 0.2\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD, None),
        ("", None),
        ("2 0.5 0.5 0.1 0.1", "class 2 of 2"),
        ("0 0.95 0.5 0.2 0.1", "outside"),
        ("0 0.5 0.02 0.1 0.2", "outside"),
        ("0 0.5 0.5 0 0.1", "outside"),
        ("0 nan 0.5 0.1 0.1", "outside"),
        ("car 0.5 0.5 0.1 0.1", "not `class"),
        ("0 0.5 0.5 0.1", "not `class"),
    ],
)
def test_wrong_labels_are_told(text: str, problem: str | None) -> None:
    """Good and bad lines together: unknown class, box outside, words, a missing number."""
    found = field.label_problems(text, classes=2)
    assert (problem is None) == (found == [])
    assert problem is None or problem in found[0]


@given(st.text(max_size=80))
def test_no_label_text_breaks_the_check(text: str) -> None:
    """Whatever stands in a label file, the check answers in words."""
    assert all(isinstance(item, str) for item in field.label_problems(text, classes=3))


def test_a_look_alike_of_a_measured_image_is_refused() -> None:
    """What resembles val is neither trained on nor measured twice; another scene is taken."""
    val = scene(1)
    items = [
        (Item("a.jpg", "false", "cam-1", ""), a_moment_later(val)),
        (Item("b.jpg", "missed", "cam-1", GOOD), scene(2)),
    ]
    first, second = field.place(items, 2, [field.fingerprint(val)], {})
    assert "measured on" in first.refused
    assert second.split == field.split_of("cam-1")


def test_look_alikes_of_two_groups_do_not_land_in_two_splits() -> None:
    """The second of two look-alikes is refused, whichever split its own group would go to."""
    train = next(name for name in map(str, range(99)) if field.split_of(name) == "train")
    val = next(name for name in map(str, range(99)) if field.split_of(name) == "val")
    image = scene(3)
    items = [(Item("a.jpg", "missed", train, GOOD), image), (Item("b.jpg", "missed", val, GOOD), a_moment_later(image))]
    first, second = field.place(items, 2, [], {})
    assert (first.split, second.split) == ("train", "")
    assert "already in train" in second.refused


def test_what_says_nothing_is_refused() -> None:
    """A missed alert without a label, an unknown reason, no group, a picture without a pattern, no picture."""
    flat = np.full((240, 320, 3), 90, dtype=np.uint8)
    items = [
        (Item("a.jpg", "missed", "g", ""), scene(4)),
        (Item("b.jpg", "boredom", "g", ""), scene(5)),
        (Item("c.jpg", "false", " ", ""), scene(6)),
        (Item("d.jpg", "false", "g", ""), flat),
        (Item("e.jpg", "false", "g", ""), None),
    ]
    placed = field.place(items, 2, [], {})
    assert [item.split for item in placed] == [""] * 5
    assert all(item.refused for item in placed)


def test_an_export_is_taken_whole_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Added images lie in field/, the recipe then trains on them, and the same export again is refused image by image."""
    monkeypatch.setattr(recipe, "MODELS", tmp_path / "models")
    shared = tmp_path / "shared"
    monkeypatch.setenv("PATROL_SHARED_DATA", str(shared))
    (shared / "val").mkdir(parents=True)
    cv2.imwrite(str(shared / "val/v.png"), scene(9))
    (tmp_path / "models/toy").mkdir(parents=True)
    (tmp_path / "models/toy/recipe.yaml").write_text(
        "{name: toy, version: '1', license: x, seed: 1, classes: [fire], input_size: [64, 64], "
        "start: {weights: w, rows: [0]}, train: [], val: {name: v, images: val, licence: x}, "
        "cleaning: {believe: [1.0]}, training: {size_px: [64, 64], epochs: 1, samples_per_epoch: 1}}",
        encoding="utf-8",
    )
    export = tmp_path / "export"
    (export / "images").mkdir(parents=True)
    (export / "labels").mkdir()
    group = next(name for name in map(str, range(99)) if field.split_of(name) == "train")
    with (export / "reasons.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["file", "reason", "group"])
        for number in (11, 12):
            cv2.imwrite(str(export / f"images/{number}.jpg"), scene(number))
            (export / f"labels/{number}.txt").write_text(GOOD, encoding="utf-8")
            writer.writerow([f"../images/{number}.jpg", "missed", group])
    assert [item.split for item in field.add(recipe.load("toy"), export)] == ["train", "train"]
    sources = recipe.load("toy").train
    assert [item.name for item in sources] == ["field-train"]
    assert len(list((tmp_path / "models/toy/field/train/images").glob("*.jpg"))) == 2
    again = field.add(recipe.load("toy"), export)
    assert all("already in train" in item.refused for item in again)
