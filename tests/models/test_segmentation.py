"""Segmentation networks' recipes: what is known of pictures, drawn water, samples, figures, and what a release says of itself."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recipes.recipe import MODELS, shared_data
from models.recipes.segmentation import compare, evaluate, flooding, pictures, release, sampling
from models.recipes.segmentation import recipe as recipes
from models.recipes.segmentation.evaluate import Measured
from models.recipes.segmentation.pictures import ABSENT, THERE, UNKNOWN, Picture
from models.recipes.segmentation.recipe import Pictures, SegmentRecipe, Training
from models.recipes.segmentation.runtime import SegmentModel

REGISTRY = yaml.safe_load((MODELS / "registry.yaml").read_text(encoding="utf-8"))["models"]
NAMES = sorted(name for name, entry in REGISTRY.items() if entry["task"] == "segment")
RULES = Training(epochs=1, samples_per_epoch=8, learning_rate=1e-3)
NOTHING = np.zeros((0, 4))


def recipe_in(folder: Path, **more: object) -> SegmentRecipe:
    """The water recipe with sources of one's own in ``folder``."""
    own = {"name": "own", "images": str(folder / "images"), "masks": str(folder / "masks"), "licence": "ours"}
    body = recipes.load("water").model_dump() | {"train": [own], "val": own, "others": []} | more
    return SegmentRecipe.model_validate(body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures whose bright half is what is looked for, with masks."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for number in range(3):
        image, mask = np.full((60, 80, 3), 30 + number, np.uint8), np.zeros((60, 80), np.uint8)
        image[:, 40:], mask[:, 40:] = 250, 255
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), image)
        cv2.imwrite(str(tmp_path / "masks" / f"{number}.png"), mask)
    return tmp_path


def test_the_two_sides_are_different_cameras_and_together_all_pictures() -> None:
    """Every group of the street pictures lies on exactly one side; the swapped recipe learns from the other one."""
    sides = yaml.safe_load((MODELS / "water" / "street.yaml").read_text(encoding="utf-8"))
    assert not set(sides["first"]) & set(sides["second"])
    assert set(sides["unsure"]) <= set(sides["first"]) | set(sides["second"])
    straight = recipes.load("water")
    crossed = recipes.swapped(straight)
    turned = {item.groups_in for item in crossed.train if item.groups_in}
    assert turned == {"street.yaml:second"}
    assert {item.groups_in for item in crossed.others if item.groups_in} == {"street.yaml:first"}
    assert recipes.swapped(crossed) == straight
    table = shared_data() / "flood_street" / "labels.csv"
    if not table.is_file():
        pytest.skip(f"shared data missing: {table} (set PATROL_SHARED_DATA)")
    with table.open(encoding="utf-8", newline="") as text:
        groups = {int(row["near_duplicate_group"]) for row in csv.DictReader(text)}
    assert groups == set(sides["first"]) | set(sides["second"])


def test_a_measured_picture_is_not_trained_on(folder: Path) -> None:
    """The same bytes under another name are found, too."""
    with pytest.raises(ValueError, match=r"0\.png: measured and trained on"):
        pictures.split(recipe_in(folder))


def test_what_is_known_of_a_picture(folder: Path) -> None:
    """Masks are read as there, unknown and not; polygons by hand become masks; an absent source has none anywhere."""
    recipe = recipe_in(folder)
    (first, *_) = pictures.pictures(recipe, recipe.val)
    assert set(np.unique(pictures.open_mask(first, (80, 60)))) == {ABSENT, THERE}
    drawn = Picture(
        first.image,
        "own",
        "g",
        1.0,
        drawn=((UNKNOWN, ((0, 0), (1, 0), (1, 1), (0, 1))), (THERE, ((0, 0.5), (1, 0.5), (1, 1), (0, 1)))),
    )
    made = pictures.open_mask(drawn, (80, 60))
    assert (made[:28] == UNKNOWN).all()
    assert (made[32:] == THERE).all()
    dry = Pictures(name="dry", images=str(folder / "images"), absent=True, licence="ours")
    assert all((pictures.open_mask(item, (80, 60)) == ABSENT).all() for item in pictures.pictures(recipe, dry))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), width=st.integers(96, 200), height=st.integers(96, 200))
def test_a_mask_moves_with_its_picture(seed: int, width: int, height: int) -> None:
    """Wherever a sample lies, what its mask calls there is bright, what it calls not is dark, and its border is unknown."""
    image, mask = np.full((60, 80, 3), 30, np.uint8), np.full((60, 80), ABSENT, np.uint8)
    image[:, 40:], mask[:, 40:] = 250, THERE
    random = np.random.default_rng(seed)
    matrix = sampling.placement((80, 60), (width, height), RULES, random)
    placed, known = sampling.moved(image, mask, matrix, (width, height))
    framed = cv2.copyMakeBorder(
        known, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=(99,)
    )  # a picture fades at its own border
    changes = cv2.dilate((cv2.Laplacian(framed, cv2.CV_16S) != 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    edges = changes[8:-8, 8:-8] > 0
    grey = placed[:, :, 0]
    assert (grey[(known == THERE) & ~edges] > 240).all()
    assert (grey[(known == ABSENT) & ~edges] < 40).all()
    assert (grey[(known == UNKNOWN) & ~edges] == 114).all()


def test_samples_are_the_same_for_the_same_seed(folder: Path) -> None:
    """Resumed or not, number n of an epoch is the same picture with the same weather."""
    recipe = recipe_in(folder)
    chosen = pictures.pictures(recipe, recipe.val)
    chances = sampling.chances(chosen)
    assert chances.sum() == pytest.approx(1.0)
    effects = {"own": {"rain": 1.0, "noise": 0.5}}
    one, two = (
        sampling.sample(chosen, chances, (96, 64), RULES, effects, np.random.default_rng([3, 1])) for _ in range(2)
    )
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.mask, two.mask)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_drawn_water_hides_the_ground_and_nothing_else(seed: int) -> None:
    """What the mask calls dry is as it was; what it calls water has changed; a vehicle stands out of it; the same seed draws the same."""
    ground = np.random.default_rng(7).integers(60, 190, (120, 160, 3)).astype(np.uint8)
    vehicles = np.array([[40.0, 50.0, 90.0, 110.0]])
    drawn, mask = flooding.flooded(ground, vehicles, np.random.default_rng(seed))
    assert np.abs(drawn.astype(int) - ground)[mask == ABSENT].max() <= 0.05 * 255 + 1  # the water's edge is soft
    assert (mask[55:75, 45:85] == ABSENT).all()
    if (mask == THERE).sum() > 400:
        assert np.abs(drawn.astype(int) - ground)[mask == THERE].mean() > 8
    again, same = flooding.flooded(ground, vehicles, np.random.default_rng(seed))
    np.testing.assert_array_equal(drawn, again)
    np.testing.assert_array_equal(mask, same)


def test_a_wet_ground_keeps_its_grain() -> None:
    """Fine structure is still there under a wet shine: that is what tells wet from flooded."""
    ground = np.random.default_rng(7).integers(60, 190, (120, 160, 3)).astype(np.uint8)
    shown = flooding.wet(ground, np.random.default_rng(4))
    grain, left = (cv2.Laplacian(picture[80:, :, 1], cv2.CV_32F).std() for picture in (ground, shown))
    assert 0.5 * grain < left < 1.05 * grain


def measured(inner: list[float], joined: list[float], watched: list[float], present: list[bool | None]) -> Measured:
    """A measured set with these figures, each picture its own group."""
    names = [f"{number}.png" for number in range(len(watched))]
    return Measured(
        names, names, np.array(inner), np.array(joined), np.array(watched), np.zeros((256, 2)), present, 1.0
    )


def test_figures_by_hand() -> None:
    """Overlap over all pixels, over pictures, and the area under the curve, against values worked out by hand."""
    some = measured([8, 0, 6], [10, 0, 12], [0.9, 0.2, 0.2], [True, False, True])
    assert evaluate.pooled(some.inner, some.joined) == pytest.approx(14 / 22)
    assert evaluate.per_picture(some).tolist() == pytest.approx([0.8, 1.0, 0.5])
    assert evaluate.auc(some.watched, some.present) == pytest.approx(0.75)
    assert some.headline()["auc"] == pytest.approx(0.75)
    low, high = evaluate.iou_interval(some, 3)
    assert low <= 14 / 22 <= high <= 0.8
    assert evaluate.share_of(np.array([[0, 255], [255, 255]], np.uint8), (0.0, 0.5, 1.0, 1.0)) == 1.0


def test_a_worse_network_may_not_replace_a_better_one() -> None:
    """Worse on every picture: no. As good: yes."""
    good = measured([9.0] * 12, [10.0] * 12, [0.9, 0.1] * 6, [True, False] * 6)
    bad = measured([5.0] * 12, [10.0] * 12, [0.1, 0.9] * 6, [True, False] * 6)
    assert not compare.Verdict(compare.judge("val", good, bad, 1)).may_replace
    assert compare.Verdict(compare.judge("val", good, bad, 1)).worse == ["val IoU", "val AUC"]
    assert compare.Verdict(compare.judge("val", good, good, 1)).may_replace
    assert "may not replace" in compare.Verdict(compare.judge("val", good, bad, 1)).text()


@pytest.mark.parametrize("name", NAMES)
def test_a_released_network_is_what_it_says(name: str) -> None:
    """Hash, size limit, metadata, input; a batch gives what its pictures give alone; golden outputs are reproduced."""
    entry = REGISTRY[name]
    file = MODELS / entry["file"]
    assert file.stat().st_size <= 12_000_000
    model = SegmentModel(file)
    assert model.metadata["name"] == name
    assert model.metadata["license"] == "AGPL-3.0-or-later"
    assert len(model.metadata["data_sha256"]) == 64
    assert model.thresholds == dict.fromkeys(entry["classes"], 0.5)
    two = np.random.default_rng(0).integers(0, 255, (2, model.height_px, model.width_px, 3), dtype=np.uint8)
    both = model.predict(two)
    assert both.shape == (2, model.height_px // 2, model.width_px // 2)
    assert np.abs(both[1].astype(int) - model.predict(two[1:])[0]).max() <= 2
    assert release.verify(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_its_figures_say(name: str) -> None:
    """Card and figures.json were written by one run, of the released file: overlap, its interval and each target's verdict."""
    card = (MODELS / name / "card.md").read_text(encoding="utf-8")
    figures = json.loads((MODELS / name / "figures.json").read_text(encoding="utf-8"))
    assert figures["model_sha256"] == REGISTRY[name]["sha256"]
    ours = figures["sets"][recipes.load(name).val.name]
    low, high = ours["iou_interval"]
    assert f"| {ours['iou']:.3f} ({ours['mean_iou']:.3f}) | {low:.3f} – {high:.3f} |" in card
    for item in figures["targets"]:
        verdict = "met" if item["met"] else "**not met**"
        assert f"| {item['figure']} | {item['of']} | {item['wanted']:.2f} | {item['reached']:.3f} | {verdict} |" in card


@pytest.mark.parametrize("name", NAMES)
def test_another_network_is_told_from_the_released_one(name: str, tmp_path: Path) -> None:
    """Golden outputs that differ, another version and a changed byte are each named."""
    shutil.copy(MODELS / "registry.yaml", tmp_path)
    for folder in (MODELS / name, MODELS / name / "golden"):
        (tmp_path / folder.relative_to(MODELS)).mkdir()
        for file in folder.iterdir():
            if file.suffix in (".onnx", ".json"):
                shutil.copy(file, tmp_path / file.relative_to(MODELS))
    golden = tmp_path / name / "golden" / "golden.json"
    said = json.loads(golden.read_text(encoding="utf-8"))
    said["made"]["squares"] = (255 - np.array(said["made"]["squares"])).tolist()
    golden.write_text(json.dumps(said), encoding="utf-8")
    assert any("made picture" in problem for problem in release.verify(name, tmp_path))
    registry = tmp_path / "registry.yaml"
    registry.write_text(registry.read_text(encoding="utf-8").replace(REGISTRY[name]["version"], "1"), encoding="utf-8")
    assert any("version" in problem for problem in release.verify(name, tmp_path))
    content = bytearray((tmp_path / REGISTRY[name]["file"]).read_bytes())
    content[5000] ^= 1
    (tmp_path / REGISTRY[name]["file"]).write_bytes(bytes(content))
    assert release.verify(name, tmp_path) == [f"{name}: the file's SHA-256 is not the registry's"]


def test_the_learning_rate_rises_once_falls_and_with_both_sides_falls_again() -> None:
    """A short rise, a fall to the end or to where both sides are learnt from, there a second fall; never negative."""
    one = RULES.model_copy(update={"epochs": 10})
    two = one.model_copy(update={"together_from": 6, "together_rate": 5e-4})
    steps = np.linspace(0, 9.99, 400)
    rates = np.array([one.rate(float(step)) for step in steps])
    assert (np.diff(rates[steps > 0.2]) <= 0).all()
    assert rates.max() == pytest.approx(1e-3, rel=0.01)
    again = np.array([two.rate(float(step)) for step in steps])
    assert (np.diff(again[(steps > 0.2) & (steps < 6)]) <= 0).all()
    assert again[steps < 6][-1] < 5e-5
    assert again[steps >= 6].max() == pytest.approx(5e-4, rel=0.01)
    assert (np.diff(again[steps > 6.2]) <= 0).all()
    assert again.min() >= 0


def test_half_is_put_where_the_overlap_is_best() -> None:
    """Water at shares from 90 on and land below: the best limit lies there; with nothing known it stays in its range."""
    spread = np.zeros((256, 2))
    spread[90:200, 0], spread[:90, 1] = 5, 5
    assert evaluate.best_even(spread) * 256 == pytest.approx(90)
    assert 0.19 <= evaluate.best_even(np.zeros((256, 2))) <= 0.81
