"""The two rules: what counts as being in the zone, and where it is on the ground."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely

from patrol.config import Config
from patrol.config.values import Hours
from patrol.geo import Camera, Lens, Pose, PoseSigma
from patrol_edge.rules.fire_lane import fire_lane_rule
from patrol_edge.rules.perimeter import perimeter_rule
from patrol_edge.rules.sighting import Box, Memory, View
from tests.edge.conftest import START, detections, frame_at

SQUARE = shapely.Polygon([(400, 300), (800, 300), (800, 700), (400, 700)])
VIEW = View("lane", SQUARE, None, None)
ALWAYS = (Hours(begins_min=0, ends_min=24 * 60),)


@pytest.mark.parametrize(
    ("label", "score", "box", "expected"),
    [
        ("car", 0.8, (450, 400, 650, 550), True),
        ("bus", 0.8, (450, 100, 650, 550), True),
        ("motorcycle", 0.8, (450, 400, 500, 450), True),
        ("person", 0.9, (450, 400, 480, 500), False),
        ("bicycle", 0.9, (450, 400, 480, 500), True),
        ("car", 0.3, (450, 400, 650, 550), False),
        ("car", 0.8, (100, 400, 300, 550), False),
        ("car", 0.8, (210, 400, 410, 550), False),
        ("car", 0.8, (300, 400, 500, 550), True),
        ("truck", 0.8, (450, 50, 650, 295), False),
    ],
    ids=["car inside", "tall bus whose foot is inside", "motorcycle", "person", "bicycle", "unsure", "outside", "a wheel on the edge", "half in", "behind the lane, its box above it"],
)  # fmt: skip
def test_vehicles_in_the_lane(label: str, score: float, box: Box, expected: bool) -> None:
    """A vehicle blocks the lane when enough of the part on which it stands lies in the zone."""
    rule = fire_lane_rule(VIEW, 0.35)
    sightings = rule(frame_at(0), detections([(label, score, box)]), Memory(), START)
    assert bool(sightings) is expected


def test_what_two_classes_see_in_one_box_is_one_vehicle() -> None:
    """A van that is half a car and half a truck to the network is surer than either; what stands beside it stays apart."""
    van, beside = (450, 400, 650, 550), (450, 470, 600, 640)
    seen = detections([("car", 0.3, van), ("truck", 0.25, (452, 401, 649, 551)), ("car", 0.34, beside)])
    (sighting,) = fire_lane_rule(VIEW, 0.35)(frame_at(0), seen, Memory(), START)
    assert (sighting.label, sighting.box_px) == ("car", van)
    assert sighting.confidence == pytest.approx(1 - 0.7 * 0.75)
    twice = detections([("car", 0.3, van), ("car", 0.3, (452, 401, 649, 551))])
    assert fire_lane_rule(VIEW, 0.35)(frame_at(0), twice, Memory(), START) == [], (
        "the same class twice is no second opinion"
    )


@pytest.mark.parametrize(
    ("box", "expected"), [((500, 250, 540, 400), True), ((500, 100, 540, 290), False), ((390, 300, 400, 450), False)],
    ids=["feet inside, head outside", "head only", "beside"],
)  # fmt: skip
def test_people_by_their_feet(box: Box, expected: bool) -> None:
    """A person is where the feet are, not where the box reaches."""
    rule = perimeter_rule(VIEW, 0.4, ALWAYS, lambda moment: moment)
    assert bool(rule(frame_at(0), detections([("person", 0.8, box)]), Memory(), START)) is expected


def test_perimeter_keeps_its_hours_in_district_time(config: Config) -> None:
    """A night watch from 22:00 to 06:00 holds over midnight, on the district's clocks and not on UTC's."""
    rule = perimeter_rule(VIEW, 0.4, (Hours(begins_min=22 * 60, ends_min=6 * 60),), config.local_time)
    person = detections([("person", 0.8, (500, 250, 540, 400))])

    def seen(utc_hour: int, minute: int = 0) -> bool:
        return bool(rule(frame_at(0), person, Memory(), datetime(2026, 3, 1, utc_hour, minute, tzinfo=UTC)))

    assert [seen(13, 59), seen(14, 0), seen(21, 59), seen(22, 0), seen(4)] == [False, True, True, False, False]


def test_a_vehicle_is_placed_where_it_stands() -> None:
    """The sighting's ground point, projected back, is the middle of the vehicle's foot."""
    camera = Camera(Lens.from_hfov(1280, 720, 68), Pose(0, 0, 6, 0, -15))
    view = View("lane", SQUARE, camera, PoseSigma(0.3, 0.1, 0.5, 0.3))
    sighting = fire_lane_rule(view, 0.35)(
        frame_at(0), detections([("car", 0.8, (500, 400, 700, 520))]), Memory(), START
    )[0]
    assert sighting.ground is not None
    back = camera.project([(sighting.ground.east_m, sighting.ground.north_m, 0.0)])[0]
    np.testing.assert_allclose(back, (600, 520 - 0.35 / 2 * 120), atol=1e-3)
    assert 0 < sighting.ground.ellipse_95[1] <= sighting.ground.ellipse_95[0] < 5
