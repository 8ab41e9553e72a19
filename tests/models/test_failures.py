"""Mistakes are named by file and box, worst first, and drawn where somebody asks."""

from pathlib import Path

import cv2
import numpy as np

from models.recipes import failures, metrics
from models.recipes.evaluate import Measured, ap_by_size, part, reliability
from models.recipes.labels import Found, Labels


def measured() -> Measured:
    """Two pictures: one right find, one sure false find, one weak false find, one large and one small miss."""
    truth = [
        Labels(np.array([[0.0, 0, 50, 50], [100, 100, 300, 300]]), np.array([0, 0])),
        Labels(np.array([[5.0, 5, 15, 15]]), np.array([0])),
    ]
    found = [
        Found(np.array([[0.0, 0, 50, 50], [400, 0, 440, 40]]), np.array([0, 0]), np.array([0.9, 0.8])),
        Found(np.array([[60.0, 60, 90, 90]]), np.array([0]), np.array([0.1])),
    ]
    matches = [[metrics.match(one, goal, 0)] for one, goal in zip(found, truth, strict=True)]
    names = ["0_day.jpg", "1_night.jpg"]
    return Measured(found, truth, matches, names, names, metrics.score(matches), 1.0)


def test_the_worst_come_first_and_what_is_below_the_threshold_is_not_one() -> None:
    """The sure false find, then the larger miss, then the smaller; the find of 0.1 stays unsaid."""
    worst = failures.worst(measured(), {"car": 0.5}, ["car"])
    assert [(item.kind, item.file) for item in worst] == [
        ("false", "0_day.jpg"),
        ("missed", "0_day.jpg"),
        ("missed", "1_night.jpg"),
    ]
    assert worst[1].box.tolist() == [100, 100, 300, 300]
    assert "| false | `0_day.jpg` | car | 0.80 | 400, 0, 440, 40 |" in failures.table(worst)


def test_mistakes_are_drawn_in_their_colours(tmp_path: Path) -> None:
    """A picture for each failing file, with the false find's frame in red and the miss's in yellow."""
    for name in ("0_day.jpg", "1_night.jpg"):
        cv2.imwrite(str(tmp_path / name), np.zeros((320, 480, 3), dtype=np.uint8))
    files = failures.draw(failures.worst(measured(), {"car": 0.5}, ["car"]), tmp_path, tmp_path / "drawn")
    assert [file.name for file in files] == ["0_day.png", "1_night.png"]
    image = cv2.imread(str(files[0]))
    assert image is not None
    assert tuple(image[40, 420]) == failures.RED
    assert tuple(image[300, 200]) == failures.YELLOW


def test_a_part_is_measured_on_its_own_images_alone() -> None:
    """By night nothing was found: AP 0 there, though by day it is not."""
    assert part(measured(), "1_").score.ap50.tolist() == [0.0]
    assert part(measured(), "0_").score.ap50[0] > 0.4


def test_sizes_and_calibration_count_what_they_say() -> None:
    """The medium object is found, the small and the large are not; of two finds around 0.85 one was right."""
    sizes = ap_by_size(measured(), ["car"])
    assert (sizes["small"], sizes["large"]) == ([0.0], [0.0])
    assert sizes["medium"][0] > 0.9
    table = reliability(measured(), least_score=0.3)
    assert [(low, right, count) for low, _, right, count in table] == [(0.8, 0.0, 1), (0.9, 1.0, 1)]
