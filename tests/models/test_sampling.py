"""Training samples: boxes go where the pixels go."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.recipes import sampling
from models.recipes.dataset import Example
from models.recipes.labels import Labels
from models.recipes.recipe import Training

RULES = Training(size_px=(128, 192), epochs=1, samples_per_epoch=1, mosaic=0.0)


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """A grey picture 160 by 120 with one white object, labelled; and one doubtful place, red."""
    image = np.full((120, 160, 3), 60, dtype=np.uint8)
    image[40:80, 60:100] = 255
    image[5:25, 5:25] = (0, 0, 255)
    file = tmp_path / "one.png"
    cv2.imwrite(str(file), image)
    labels = Labels(np.array([[60 / 160, 40 / 120, 100 / 160, 80 / 120]]), np.array([2]))
    return Example(file, labels, np.array([[5 / 160, 5 / 120, 25 / 160, 25 / 120]]), 1.0, "g")


@pytest.mark.parametrize("mosaic", [0.0, 1.0])
def test_the_box_follows_the_object(example: Example, mosaic: float) -> None:
    """Whatever the zoom, stretch, turn and mirror, every label lies on white pixels and covers them tightly."""
    rules = RULES.model_copy(update={"mosaic": mosaic})
    labelled = 0
    for seed in range(30):
        canvas = sampling.sample([example], np.array([1.0]), rules.size_px, rules, np.random.default_rng(seed))
        assert canvas.image.shape == (128, 192, 3)
        for x1, y1, x2, y2 in canvas.labels.boxes.round().astype(int):
            white = (canvas.image[y1:y2, x1:x2].min(axis=2) > 200).mean()
            assert white > 0.6
            labelled += 1
    assert labelled > 20


def test_a_doubtful_place_is_blurred_and_a_label_on_it_stays(example: Example) -> None:
    """What the annotator may have missed is taken out of sight, never what is labelled."""
    canvas = sampling.open_example(example)
    assert np.asarray(canvas.image[10, 10], dtype=int)[2] == 255  # all red inside: its blur is red
    assert (canvas.image[41:79, 61:99] == 255).all()


def test_an_object_nearly_outside_is_dropped() -> None:
    """A sliver at the edge no longer shows what it is."""
    canvas = sampling.Canvas(
        np.zeros((100, 100, 3), dtype=np.uint8), Labels(np.array([[0.0, 0, 50, 50]]), np.array([1]))
    )
    away = sampling.moved(canvas, np.array([[1.0, 0, -45], [0, 1, 0]]), 100, 100)
    assert len(away.labels) == 0
    near = sampling.moved(canvas, np.array([[1.0, 0, -20], [0, 1, 0]]), 100, 100)
    np.testing.assert_allclose(near.labels.boxes, [[0, 0, 30, 50]])
