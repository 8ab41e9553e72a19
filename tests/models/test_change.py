"""The network that compares two pictures of a roof: how it is measured, and that what is released is what was recorded."""

import json

import cv2
import numpy as np
import pytest
import yaml

from models.recipes.change import compare, measure, release
from models.recipes.change.measure import Counted
from models.recipes.change.runtime import ChangeModel, PlainDifference
from models.recipes.recipe import MODELS
from models.recipes.release import sha256
from models.recipes.roofs.pairs import Pair, Placed, corners
from models.recipes.roofs.tiles import METRES_PER_PX

REGISTRY = yaml.safe_load((MODELS / "registry.yaml").read_text(encoding="utf-8"))["models"]
NAMES = sorted(name for name, entry in REGISTRY.items() if entry["task"] == "change")
GREY = np.full((128, 128, 3), 120, np.uint8)


def built_pair() -> Pair:
    """A shed of 5 by 4 metres, built between two otherwise equal pictures."""
    outline = corners(np.array([64.0, 60.0]), np.array([5.0, 4.0]) / METRES_PER_PX, 0.0)
    mask = np.zeros((128, 128), np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255)
    after = GREY.copy()
    after[mask > 0] = (190, 110, 40)
    return Pair(GREY, after, mask, np.zeros_like(mask), [Placed("flat_shed", outline, True)])


def test_what_is_marked_rightly_wrongly_and_not_at_all_is_counted() -> None:
    """The truth itself scores one; nothing marked finds nothing; a mark elsewhere is a false region and finds nothing."""
    pair = built_pair()
    truth = pair.built > 0
    elsewhere = np.roll(truth, 60, axis=1)
    perfect, nothing, wrong = (
        measure.scores([measure.counted(pair, mask, "t")]) for mask in (truth, np.zeros_like(truth), elsewhere)
    )
    assert (perfect.pixel_f1, perfect.recall, perfect.precision, perfect.f1) == (1, 1, 1, 1)
    assert (nothing.pixel_f1, nothing.recall, nothing.precision) == (0, 0, 1)
    assert (wrong.recall, wrong.precision) == (0, 0)


def test_a_structure_is_found_when_half_of_it_is_marked() -> None:
    """Six tenths of its pixels find it, four tenths do not; specks of less than four square metres are no region."""
    pair = built_pair()
    truth = pair.built > 0
    left = np.nonzero(truth.any(axis=0))[0]

    def part(share: float) -> Counted:
        mask = truth.copy()
        mask[:, left[round(len(left) * share)] :] = False
        return measure.counted(pair, mask, "t")

    assert part(0.6).structures == (1, 1)
    assert part(0.4).structures == (0, 1)
    speck = np.zeros_like(truth)
    speck[5:10, 5:10] = True
    assert measure.counted(pair, speck, "t").regions == (0, 0)


def test_the_threshold_is_where_most_pixels_are_right() -> None:
    """Shares of 0.6 on the structure and 0.3 beside it: the best threshold lies between."""
    pair = built_pair()
    share = np.where(pair.built > 0, 153, 0).astype(np.uint8)
    share[:20] = 76  # 0.3
    assert 0.295 < measure.best_threshold([share], measure.Set([pair], ["t"])) <= 0.6


def test_plain_difference_sees_a_shed_and_not_the_exposure() -> None:
    """The baseline marks the shed; a picture that is only lighter and flatter it calls the same."""
    pair = built_pair()
    noisy = np.random.default_rng(0).integers(60, 180, GREY.shape).astype(np.uint8)
    lighter = (noisy.astype(float) * 0.8 + 40).astype(np.uint8)
    assert PlainDifference().compare(pair.before, pair.after)[0][pair.built > 0].mean() > 100
    assert PlainDifference().compare(noisy, lighter)[0].max() < 10


def test_a_worse_network_may_not_replace() -> None:
    """A network that finds half of what the other found is refused; one that finds the same may replace it."""
    good = [Counted(f"t{number % 6}", (90, 100, 100), (4, 4), (0, 4), {}) for number in range(24)]
    bad = [Counted(f"t{number % 6}", (40, 100, 100), (2, 4), (2, 4), {}) for number in range(24)]
    assert not compare.judge(good, bad, 1).may_replace
    verdict = compare.judge(good, good, 1)
    assert verdict.may_replace
    assert "may replace" in verdict.text()


def test_another_map_is_told_from_the_golden_one() -> None:
    """A cell that differs by ten of 255 is another network; one that differs by two is rounding."""
    want = {"change": [[10.0, 200.0]], "built": [[0.0, 200.0]]}
    assert release.differences(want, {"change": [[12.0, 199.0]], "built": [[0.0, 200.0]]}) == []
    assert len(release.differences(want, {"change": [[20.0, 200.0]], "built": [[0.0, 190.0]]})) == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_release_is_small_says_what_it_is_and_repeats_its_golden_outputs(name: str) -> None:
    """Hash, size, metadata, and the maps recorded when it was released."""
    entry = REGISTRY[name]
    file = MODELS / entry["file"]
    assert sha256(file) == entry["sha256"]
    assert file.stat().st_size <= 12_000_000
    model = ChangeModel(file)
    assert model.metadata["name"] == name
    assert model.metadata["license"] == "AGPL-3.0-or-later"
    assert len(model.metadata["data_sha256"]) == 64
    assert all(0 < value < 1 for value in model.thresholds.values())
    golden = json.loads((MODELS / entry["golden"]).read_text(encoding="utf-8"))
    assert max(value for row in golden["images"][0]["built"] for value in row) > 128
    assert release.verify(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_size_and_any_batch_give_the_same(name: str) -> None:
    """Batch, height and width are free; a pair alone gives what it gives in a batch; equal pictures hold no change."""
    model = ChangeModel(MODELS / REGISTRY[name]["file"])
    first, second = np.random.default_rng(0).integers(0, 255, (2, 2, 96, 160, 3)).astype(np.uint8)
    change, built = model.predict(first, second)
    assert change.shape == built.shape == (2, 96, 160)
    assert (change >= built).all()
    np.testing.assert_allclose(change[1].astype(int), model.predict(first[1:], second[1:])[0][0], atol=3)
    same, _ = model.compare(first[0][:90, :150], first[0][:90, :150])
    assert same.shape == (90, 150)
