"""The cleaning of training labels: what is read, what is thrown out, what is added."""

import numpy as np
import pytest

from models.recipes import labels
from models.recipes.labels import Found, Labels

PERSON, BICYCLE, CAR, MOTORCYCLE = 0, 1, 2, 3


def some(*rows: tuple[int, float, float, float, float]) -> Labels:
    return Labels(np.array([row[1:] for row in rows], dtype=float).reshape(-1, 4), np.array([row[0] for row in rows]))


def seen(*rows: tuple[int, float, float, float, float, float]) -> Found:
    return Found(
        np.array([row[1:5] for row in rows], dtype=float).reshape(-1, 4),
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[5] for row in rows]),
    )


def test_yolo_text_becomes_clipped_corner_boxes_of_mapped_classes() -> None:
    """A box over the edge is cut, a dropped class is gone, a polygon becomes its box, an empty line is nothing."""
    read = labels.parse_yolo("0 0.5 0.5 0.2 0.4\n\n1 0.0 0.5 0.2 0.2\n2 0.1 0.1 0.3 0.1 0.3 0.4\n", mapping=[5, -1, 0])
    assert read.classes.tolist() == [5, 0]
    np.testing.assert_allclose(read.boxes, [[0.4, 0.3, 0.6, 0.7], [0.1, 0.1, 0.3, 0.4]])
    assert labels.parse_yolo("1 0.0 0.5 0.2 0.2").boxes[0, 0] == 0.0


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.2", "0 0.1 0.1 0.3 0.1 0.3", "x 0.5 0.5 0.2 0.4"])
def test_a_line_that_is_no_label_is_refused(text: str) -> None:
    """Broken labels stop the preparation instead of training on nonsense."""
    with pytest.raises(ValueError, match=r"line 1|invalid literal"):
        labels.parse_yolo(text)


def test_a_twin_goes_a_neighbour_and_another_class_stay() -> None:
    """The same object labelled twice is kept once; overlapping different ones are not touched."""
    kept = labels.without_twins(
        some(
            (CAR, 0.1, 0.1, 0.3, 0.3),
            (CAR, 0.101, 0.1, 0.3, 0.3),
            (MOTORCYCLE, 0.1, 0.1, 0.3, 0.3),
            (CAR, 0.2, 0.1, 0.4, 0.3),
        )
    )
    assert sorted(kept.classes.tolist()) == [CAR, CAR, MOTORCYCLE]


def test_specks_are_measured_in_pixels_of_the_image() -> None:
    """The same fraction is a speck in a small picture and an object in a large one."""
    label = some((PERSON, 0.5, 0.5, 0.51, 0.6))
    assert len(labels.without_specks(label, 300, 300, 4)) == 0
    assert len(labels.without_specks(label, 900, 900, 4)) == 1
    assert len(labels.without_specks(labels.empty(), 900, 900, 4)) == 0


def test_rider_and_motorcycle_become_one_motorcycle() -> None:
    """The street labels' convention; a pedestrian beside the motorcycle stays a person."""
    joined = labels.join_riders(
        seen(
            (PERSON, 0.40, 0.30, 0.50, 0.60, 0.9),
            (MOTORCYCLE, 0.38, 0.45, 0.52, 0.70, 0.8),
            (PERSON, 0.55, 0.30, 0.60, 0.60, 0.7),
        ),
        PERSON,
        [BICYCLE, MOTORCYCLE],
    )
    assert joined.classes.tolist() == [MOTORCYCLE, PERSON]
    np.testing.assert_allclose(joined.boxes[0], [0.38, 0.30, 0.52, 0.70])


def test_only_what_was_missed_is_added() -> None:
    """Sure and free: added. Unsure, or on a labelled object whatever the class: not."""
    given = some((CAR, 0.1, 0.1, 0.3, 0.3))
    result = labels.add_missed(
        given,
        seen(
            (CAR, 0.11, 0.1, 0.3, 0.3, 0.9),  # the labelled one
            (PERSON, 0.15, 0.15, 0.2, 0.25, 0.9),  # inside it: the driver
            (CAR, 0.6, 0.6, 0.8, 0.8, 0.9),  # missed
            (PERSON, 0.6, 0.1, 0.7, 0.3, 0.3),  # unsure
        ),
        [0.5, 0.5, 0.5, 0.5],
    )
    assert result.classes.tolist() == [CAR, CAR]
    np.testing.assert_allclose(result.boxes[1], [0.6, 0.6, 0.8, 0.8])


def test_what_is_half_seen_and_not_labelled_is_doubtful() -> None:
    """Neither trained as object nor as background."""
    given = some((CAR, 0.1, 0.1, 0.3, 0.3))
    found = seen((CAR, 0.1, 0.1, 0.3, 0.3, 0.9), (PERSON, 0.6, 0.1, 0.7, 0.3, 0.3), (PERSON, 0.8, 0.1, 0.9, 0.3, 0.1))
    np.testing.assert_allclose(labels.doubtful(given, found, 0.2), [[0.6, 0.1, 0.7, 0.3]])


def test_suppression_is_class_wise_and_keeps_the_best() -> None:
    """Two boxes on one object: the better stays; another class on the same place stays too."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [20, 20, 30, 30]], dtype=float)
    kept = labels.nms(boxes, np.array([0.5, 0.9, 0.4, 0.3]), np.array([CAR, CAR, PERSON, CAR]), 0.5)
    assert kept.tolist() == [1, 2, 3]
