"""Perimeter with a line and size limits: who crossed, in which direction, and what is no person."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from patrol.config.values import Hours
from patrol.geo import Camera, Lens, Pose, PoseSigma
from patrol_edge.rules.perimeter import WALKERS, followed, perimeter_rule, standing_height_m
from patrol_edge.rules.sighting import Box, Memory, View
from tests.edge.conftest import START, detections, frame_at

WHOLE = shapely.box(0, 0, 1280, 720)
VIEW = View("yard", WHOLE, None, None)
ALWAYS = (Hours(begins_min=0, ends_min=24 * 60),)
LINE = ((640.0, 0.0), (640.0, 720.0))  # downwards: its right is the left half of the picture, as one walks along it


def person(x: float, y: float = 400, height: float = 100) -> Box:
    """A person with feet at (x, y)."""
    return x - 15, y - height, x + 15, y


def seen(path: Sequence[float | None], memory: Memory | None = None) -> list[bool]:
    """Whether each look of a walk along x sights somebody; None is a look in which they are hidden."""
    rule, memory = perimeter_rule(VIEW, 0.4, ALWAYS, lambda moment: moment, LINE), memory or Memory()
    answers = []
    for x in path:
        objects = [] if x is None else [("person", 0.8, person(x))]
        answers.append(bool(rule(frame_at(0), detections(objects), memory, START)))
    return answers


def test_only_the_forbidden_direction_counts() -> None:
    """From the line's left to its right counts from the step over it on; the other way, and walking beside it, never does."""
    leftwards = [800.0, 760, 720, 680, 630, 590, 550]
    assert seen(leftwards) == [False] * 4 + [True] * 3
    assert seen(leftwards[::-1]) == [False] * 7
    assert seen([800, 780, 760, 780, 800]) == [False] * 5
    assert seen([600, 580, 560]) == [False] * 3


def test_who_goes_back_is_out_again() -> None:
    """Turning round over the line ends the sighting."""
    assert seen([680, 630, 600, 630, 680, 720]) == [False, True, True, True, False, False]


def test_a_short_hiding_and_a_restart_keep_the_crossing() -> None:
    """Hidden for two looks, or with the memory written to disk and read again, somebody who crossed still counts."""
    assert seen([680, 630, None, None, 600]) == [False, True, False, False, True]
    memory = Memory()
    seen([680, 630], memory)
    again = Memory(json.loads(json.dumps(memory.kept)))
    assert seen([600, 570], again) == [True, True]
    assert seen([600, 570]) == [False, False]
    assert seen([600], Memory({WALKERS: ["x", [1], [1, 2, 3, 4]]})) == [False]


@given(
    st.lists(st.tuples(st.floats(0, 1280), st.floats(100, 700)), max_size=6),
    st.lists(st.floats(-40, 40), min_size=6, max_size=6),
)
def test_everybody_seen_is_followed_once(places: list[tuple[float, float]], steps: list[float]) -> None:
    """Whoever is in the picture has exactly one walker, in the order of the boxes, and nobody who was never on the left has crossed."""
    first = followed([], [person(x, y) for x, y in places], LINE)
    assert len(first) == len(places)
    moved = [person(x + d, y) for (x, y), d in zip(places, steps, strict=False)]
    second = followed(first, moved, LINE)
    assert [(w.x_px, w.y_px) for w in second[: len(moved)]] == [((b[0] + b[2]) / 2, b[3]) for b in moved]
    if all(x < 600 for x, _ in places):
        assert not any(w.crossed for w in second)


@pytest.mark.parametrize(("true_m", "counts"), [(0.5, False), (1.1, True), (1.75, True), (3.2, False)])
def test_an_animal_and_a_glare_are_no_person(true_m: float, counts: bool) -> None:
    """With a pose, what is lower or higher than a person is left out, however the detector calls it; the measured height is the true one."""
    camera = Camera(Lens.from_hfov(1280, 720, 60), Pose(0, 0, 5, 0, -20))
    view = View("yard", WHOLE, camera, PoseSigma(0.3, 0.1, 0.5, 0.3))
    (foot_x, foot_y), (_, top_y) = camera.project([(0.5, 14, 0), (0.5, 14, true_m)])
    box = person(float(foot_x), float(foot_y), float(foot_y - top_y))
    height_m = standing_height_m(view, box)
    assert height_m == pytest.approx(true_m, rel=0.06)
    rule = perimeter_rule(view, 0.4, ALWAYS, lambda moment: moment, None, (0.9, 2.4))
    assert bool(rule(frame_at(0), detections([("person", 0.8, box)]), Memory(), START)) is counts


def test_without_a_pose_size_limits_let_everything_through() -> None:
    """Limits in metres need a pose: without one a person of any size in pixels still counts, rather than being missed."""
    rule = perimeter_rule(VIEW, 0.4, ALWAYS, lambda moment: moment, None, (0.9, 2.4))
    assert rule(frame_at(0), detections([("person", 0.8, person(300, 400, 20))]), Memory(), START)
