"""Weather, night and cheap cameras: every effect keeps the frame's shape, changes it, and repeats for a seed."""

import numpy as np
import pytest

from models.recipes import augment


def street(seed: int = 0) -> augment.Image:
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 215, (12, 16, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((10, 10, 1), dtype=np.uint8))


@pytest.mark.parametrize("name", sorted(augment.EFFECTS))
def test_an_effect_changes_the_picture_not_its_form_and_repeats(name: str) -> None:
    """Training is reproducible, labels stay valid, and the input is not written to."""
    image = street()
    before = image.copy()
    first = augment.EFFECTS[name](image, np.random.default_rng(4))
    again = augment.EFFECTS[name](image, np.random.default_rng(4))
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert (first != image).any()


def test_night_is_darker_and_infrared_is_grey() -> None:
    """Each effect does what its name says."""
    image = street()
    assert augment.night(image, np.random.default_rng(1)).mean() < 0.75 * image.mean()
    grey = augment.infrared(image, np.random.default_rng(1))
    assert (grey[..., 0] == grey[..., 2]).all()


def test_headlights_shine_at_the_foot_of_a_vehicle() -> None:
    """The glare is in the lower half of the vehicle's box and hardly anywhere far from it."""
    image = np.full((120, 160, 3), 30, dtype=np.uint8)
    for seed in range(20):
        lit = augment.headlights(image, np.random.default_rng(seed), np.array([[20.0, 20.0, 60.0, 60.0]]))
        if lit[40:60, 20:60].max() > 200:
            assert lit[:, 130:].max() < 60
            return
    pytest.fail("no seed lit the vehicle")


def test_an_unknown_effect_is_refused() -> None:
    """A typing error in a recipe does not silently train without the effect."""
    with pytest.raises(KeyError, match="snow"):
        augment.apply(street(), np.random.default_rng(0), {"snow": 1.0}, np.zeros((0, 4)))


def test_chance_zero_leaves_the_picture_alone() -> None:
    """No effect is applied that the recipe does not name."""
    np.testing.assert_array_equal(augment.apply(street(), np.random.default_rng(0), {}, np.zeros((0, 4))), street())
