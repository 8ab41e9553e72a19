"""Letterbox, box decoding and suppression agree with slow, obvious versions of themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patrol_edge.decode import Letterbox, boxes_from, fit, suppress
from patrol_edge.rules.sighting import overlap_share

CLASSES = ("person", "car")


@given(st.integers(1, 900), st.integers(1, 900))
@settings(max_examples=60)
def test_letterbox_maps_pixels_back(width: int, height: int) -> None:
    """Any picture fits, keeps its aspect to a pixel, and its corners map back to themselves."""
    fitted, box = fit(np.zeros((height, width, 3), np.uint8), 384, 640)
    assert fitted.shape == (384, 640, 3)
    x, y = width * box.scale + box.left_px, height * box.scale + box.top_px
    assert x <= 640 + 1
    assert y <= 384 + 1
    assert (x - box.left_px) / box.scale == pytest.approx(width)


def test_letterbox_pads_with_grey_and_swaps_to_rgb() -> None:
    """What the picture does not cover is grey 114; blue comes out last."""
    blue = np.zeros((100, 200, 3), np.uint8)
    blue[:, :, 0] = 255
    fitted, box = fit(blue, 320, 320)
    assert (fitted[0, 0] == 114).all()
    assert tuple(fitted[box.top_px + 10, 160]) == (0, 0, 255)


def slow_suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou: float) -> list[int]:
    """The definition, one pair at a time."""
    kept: list[int] = []
    for row in sorted(range(len(scores)), key=lambda r: (-scores[r], r)):
        if all(overlap_share(tuple(boxes[row]), tuple(boxes[k])) <= iou for k in kept):
            kept.append(row)
    return kept


@given(st.integers(0, 40), st.integers(0, 2**31), st.floats(0.1, 0.9))
def test_suppression_is_its_definition(count: int, seed: int, iou: float) -> None:
    """The fast suppression keeps exactly what the pairwise definition keeps."""
    dice = np.random.default_rng(seed)
    corner = dice.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + dice.uniform(5, 60, (count, 2))], axis=1).astype(np.float32)
    scores = (dice.permutation(count) / max(count, 1)).astype(np.float32)
    assert list(suppress(boxes, scores, iou)) == slow_suppress(boxes, scores, iou)


def test_boxes_come_back_in_the_pictures_own_pixels() -> None:
    """A box in the network's input is scaled, moved, clipped and labelled; below the threshold nothing comes."""
    output = np.zeros((6, 3), np.float32)
    output[:, 0] = (320, 320, 100, 50, 0.1, 0.9)
    output[:, 1] = (321, 320, 100, 50, 0.1, 0.7)  # the same car again
    output[:, 2] = (10, 100, 60, 80, 0.2, 0.05)
    found = boxes_from(output, Letterbox(0.5, 0, 140), (1280, 720), CLASSES, 0.25)
    assert len(found) == 1
    assert found.label(0) == "car"
    np.testing.assert_allclose(found.boxes_px[0], (540, 310, 740, 410))


def test_boxes_of_different_classes_do_not_suppress_each_other() -> None:
    """A person in front of a car keeps a box of their own."""
    output = np.zeros((6, 2), np.float32)
    output[:, 0] = (320, 320, 100, 100, 0.0, 0.9)
    output[:, 1] = (320, 320, 100, 100, 0.8, 0.0)
    assert len(boxes_from(output, Letterbox(1, 0, 0), (640, 640), CLASSES, 0.25)) == 2
