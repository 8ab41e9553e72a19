"""Flooding: shares against a dry reference, hysteresis, rain and votes, levels at a staff, square metres from above."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.config.zones import FloodingZone
from patrol.events import Hazard
from patrol.geo import Camera, Lens, Pose, PoseSigma
from patrol_edge.frame import Detections, Shares
from patrol_edge.persistence import Persistence, Raised, ZoneMemory, look
from patrol_edge.rules.flooding import aerial_flooding_rule, flooding_rule, votes_needed
from patrol_edge.rules.sighting import Memory, Rule, Sighting, View
from patrol_edge.rules.water import CELLS, ground_area, joined_to, map_bounds, road_share, staff_level, watched
from tests.edge.conftest import START, frame_at

SIZE = (1280, 720)
ROAD = shapely.Polygon([(200, 300), (1080, 300), (1280, 720), (0, 720)])
VIEW = View("underpass", ROAD, None, None)
FRAME = frame_at(0, SIZE)  # the rules look at its size alone
SIGMA = PoseSigma(position_m=0.5, height_m=0.5, yaw_deg=1.0, tilt_deg=0.3)


def zone(**more: object) -> FloodingZone:
    """A zone over the road; what it needs besides."""
    ring = [list(corner) for corner in ROAD.exterior.coords[:-1]]
    return FloodingZone.model_validate({"id": "underpass", "hazard": "flooding", "polygon_px": ring, **more})


def shares(*pools: tuple[float, float, float, float]) -> Shares:
    """A map of 144 x 256 squares with water in boxes given in shares of the picture."""
    made = np.full((144, 256), 12, np.uint8)
    for x0, y0, x1, y1 in pools:
        made[round(y0 * 144) : round(y1 * 144), round(x0 * 256) : round(x1 * 256)] = 240
    return made


def of(water: Shares) -> Detections:
    """What the network says, with nothing but water in it."""
    return Detections(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), ("water",), {"water": water}
    )


def judged(rule: Rule, water: Shares, memory: Memory, at_s: float = 0.0) -> list[Sighting]:
    """One look."""
    return rule(FRAME, of(water), memory, START + timedelta(seconds=at_s))


FLOOD, PUDDLE, HALF_LEFT = (0.0, 0.45, 1.0, 1.0), (0.4, 0.8, 0.5, 0.88), (0.3, 0.78, 0.7, 1.0)


def test_a_flooded_road_is_one_sighting_with_its_share_and_a_place_on_the_water() -> None:
    """Most of the road under water: one sighting, the zone as its place, the share, a box round the water inside the road."""
    (seen,) = judged(flooding_rule(VIEW, zone()), shares(FLOOD), Memory())
    assert seen.hazard is Hazard.FLOODING
    assert seen.place == "underpass"
    assert 0.85 < seen.measurement["water_share"] < 0.98
    assert 0.4 * 720 < seen.box_px[1] < 0.5 * 720
    assert seen.box_px[3] == 720


def test_a_puddle_and_water_beside_the_road_do_not_count() -> None:
    """A puddle covers too little; a river outside the polygon, or in a part said to be water, is none of the road's business."""
    assert judged(flooding_rule(VIEW, zone()), shares(PUDDLE), Memory()) == []
    assert judged(flooding_rule(VIEW, zone()), shares((0.0, 0.0, 1.0, 0.4)), Memory()) == []
    fountain = shapely.box(0, 320, 1280, 720)
    assert judged(flooding_rule(VIEW, zone(), [fountain]), shares(FLOOD), Memory()) == []


def test_what_always_looks_wet_is_learnt_while_it_is_dry_and_not_in_rain() -> None:
    """A shining patch of a sixth of the road is subtracted after some dry looks, also after a restart; in rain nothing is learnt."""
    patch, more = (0.3, 0.78, 0.62, 0.95), (0.3, 0.78, 0.86, 0.95)
    dry, rainy = Memory(), Memory()
    for n in range(60):
        judged(flooding_rule(VIEW, zone()), shares(patch), dry, 10.0 * n)
        judged(flooding_rule(VIEW, zone(), rain=lambda _: 2), shares(patch), rainy, 10.0 * n)
    again = Memory(json.loads(json.dumps(dry.kept)))
    assert judged(flooding_rule(VIEW, zone(water_share=0.18)), shares(more), again) == []
    (seen,) = judged(flooding_rule(VIEW, zone(water_share=0.18)), shares(more), rainy)
    assert seen.measurement["water_share"] == seen.measurement["water_share_raw"]
    assert judged(flooding_rule(VIEW, zone(water_share=0.18)), shares(FLOOD), again) != []


def test_a_road_already_flooded_at_start_alerts_and_is_never_learnt_as_dry() -> None:
    """Hours of flood from the first look on stay a flood."""
    memory, rule = Memory(), flooding_rule(VIEW, zone())
    assert all(judged(rule, shares(FLOOD), memory, 10.0 * n) for n in range(200))


def test_it_goes_off_lower_than_it_comes_on() -> None:
    """Water that falls below the threshold is still the same flood until less than half of that is left."""
    rule, memory = flooding_rule(VIEW, zone()), Memory()
    assert judged(rule, shares(HALF_LEFT), memory) == []
    assert judged(rule, shares(FLOOD), memory) != []
    assert judged(rule, shares(HALF_LEFT), memory) != []
    assert judged(rule, shares(PUDDLE), memory) == []
    assert judged(rule, shares(HALF_LEFT), memory) == []


@pytest.mark.parametrize("broken", [None, "x", [[1]], [[None] * CELLS[0]] * CELLS[1], {"a": 1}])
def test_a_memory_of_another_program_is_no_obstacle(broken: Any) -> None:
    """Whatever an older program kept, the rule looks on."""
    assert judged(
        flooding_rule(VIEW, zone()), shares(FLOOD), Memory({"dry": broken, "dry looks": broken, "flooded": broken})
    )


def looks_until_alert(level: int | None, least: int = 0) -> int:
    """After how many looks of steady water the alert is raised."""
    watch, memory, spots = zone(), Memory(), ZoneMemory()
    rule = flooding_rule(VIEW, watch, rain=lambda _: level)
    rules = Persistence(watch.dwell_s, watch.clear_s, watch.share, watch.look_every_s)
    for n in range(60):
        at = START + timedelta(seconds=watch.look_every_s * n)
        spots, found = look(spots, judged(rule, shares(FLOOD), memory), at, watch.id, rules, "test")
        if any(isinstance(finding, Raised) for finding in found):
            return n + 1
    return least


def test_rain_lowers_the_votes_and_dry_weather_raises_them_but_nothing_silences() -> None:
    """Every weather alerts in the end: red before none said before dry, and two looks at least."""
    counts = {level: looks_until_alert(level) for level in (4, 3, 2, 1, None, 0)}
    assert all(counts.values())
    assert counts[4] <= counts[3] <= counts[2] <= counts[1] <= counts[None] < counts[0]
    assert counts[4] < counts[None]
    assert votes_needed(2, 4) == 2


def test_the_level_is_read_where_the_water_cuts_the_staff() -> None:
    """A staff from 0 to 1 m on a wall: water up to a known height is read within what is said; dry or drowned says nothing."""
    marks = [(640.0, 600.0, 0.0), (640.0, 500.0, 0.5), (640.0, 400.0, 1.0)]
    for truth_m in (0.1, 0.35, 0.6, 0.85):
        y_px = np.interp(truth_m, [0, 0.5, 1.0], [600, 500, 400])
        water = shares((0.0, y_px / 720, 1.0, 1.0))
        level = staff_level(water, marks, SIZE, 128)
        assert level is not None
        assert abs(level.level_m - truth_m) <= level.accuracy_m + 0.013  # the map itself was drawn in squares of 2.5 cm
        (seen,) = judged(flooding_rule(VIEW, zone(water_share=0.05), marks=marks), water, Memory())
        assert seen.measurement["level_m"] == pytest.approx(level.level_m, abs=0.006)
    assert staff_level(shares(), marks, SIZE, 128) is None
    assert staff_level(shares((0, 0, 1, 1)), marks, SIZE, 128) is None


@given(st.integers(1, 254), st.integers(1, 254))
def test_shares_are_shares(first: int, second: int) -> None:
    """Raw and excess lie in 0..1; without a reference they are equal; what a full reference hides cannot be counted."""
    wet = np.zeros((60, 80), bool)
    wet[:, : first % 80] = True
    wet[: second % 60] = True
    inside = watched(shapely.box(5, 5, 75, 55), (80, 60), (80, 60))
    none = np.zeros((CELLS[1], CELLS[0]))
    road = road_share(wet & inside, inside, none)
    assert 0 <= road.raw <= 1
    assert road.excess == pytest.approx(road.raw)
    assert road_share(wet & inside, inside, np.nan_to_num(road.cells)).excess == pytest.approx(0.0, abs=1e-9)


def drone(height_m: float, pitch_deg: float, yaw_deg: float = 30.0) -> Camera:
    """A camera over the origin."""
    return Camera(Lens.from_hfov(1280, 720, 70), Pose(0, 0, height_m, yaw_deg, pitch_deg))


def seen_from(camera: Camera, outline: np.ndarray[Any, Any], map_px: tuple[int, int] = (256, 144)) -> Shares:
    """The map of a perfect network for water with this outline on the ground, drawn three times finer."""
    fine = 3
    scale = np.array([map_px[0] / 1280, map_px[1] / 720]) * fine
    drawn = np.zeros((map_px[1] * fine, map_px[0] * fine), np.uint8)
    corners = (camera.project(np.column_stack([outline, np.zeros(len(outline))])) + 0.5) * scale - 0.5
    cv2.fillPoly(drawn, [np.round(corners).astype(np.int32)], 255)
    return np.asarray(cv2.resize(drawn, map_px, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def circle(east_m: float, north_m: float, radius_m: float) -> np.ndarray[Any, Any]:
    """A circle's outline."""
    turn = np.linspace(0, 2 * np.pi, 73)[:-1]
    return np.column_stack([east_m + radius_m * np.cos(turn), north_m + radius_m * np.sin(turn)])


@settings(max_examples=20, deadline=None)
@given(height_m=st.floats(25, 90), pitch_deg=st.floats(-90, -40), radius_m=st.floats(4, 7), off_m=st.floats(-2, 2))
def test_square_metres_from_above_are_right_within_what_is_said(
    height_m: float, pitch_deg: float, radius_m: float, off_m: float
) -> None:
    """A pool of known size, from any height and tilt, with the true pose: within the interval, which is never absurdly wide."""
    camera = drone(height_m, pitch_deg)
    ahead_m = height_m / np.tan(np.radians(-pitch_deg)) if pitch_deg > -89.9 else 0.0
    turn = np.radians(camera.pose.yaw_deg)
    outline = circle(ahead_m * np.sin(turn) + off_m, ahead_m * np.cos(turn), radius_m)
    measured = ground_area(seen_from(camera, outline) >= 128, camera, SIGMA)
    truth = shapely.Polygon(outline).area
    assert not measured.cut
    assert abs(measured.area_m2 - truth) <= measured.accuracy_m2
    assert measured.accuracy_m2 < 0.8 * truth


def test_the_stated_interval_covers_wrong_poses() -> None:
    """Poses off by their own standard deviations: the stated 95 % interval holds the truth in nine of ten shots."""
    dice, held = np.random.default_rng(5), 0
    for _ in range(40):
        height_m, pitch_deg = float(dice.uniform(30, 80)), float(dice.uniform(-85, -45))
        camera = drone(height_m, pitch_deg)
        ahead_m = height_m / np.tan(np.radians(-pitch_deg))
        outline = circle(ahead_m * np.sin(np.radians(30)), ahead_m * np.cos(np.radians(30)), float(dice.uniform(4, 8)))
        water = seen_from(camera, outline) >= 128
        told = Pose(0, 0, height_m + dice.normal(0, 0.5), 30 + dice.normal(0, 1), pitch_deg + dice.normal(0, 0.3),
                    dice.normal(0, 0.3))  # fmt: skip
        measured = ground_area(water, Camera(camera.lens, told), SIGMA)
        held += abs(measured.area_m2 - shapely.Polygon(outline).area) <= measured.accuracy_m2
    assert held >= 36


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_map_in_doubt_widens_the_interval(first: float, second: float) -> None:
    """The less of an area is surely water, the more of it may have been missed; what is said lies inside, and no bound is absurd."""
    less, more = sorted((first, second))
    assert map_bounds(less)[1] >= map_bounds(more)[1] > 1 > map_bounds(more)[0] > 0
    assert map_bounds(0.0)[1] < 25


def test_what_the_network_adds_or_misses_is_part_of_the_interval() -> None:
    """One pool, one pose: with the map's doubt the interval is wider than pose and edge alone, wider still where little is sure."""
    camera = drone(50, -70)
    outline = circle(
        50 / np.tan(np.radians(70)) * np.sin(np.radians(30)), 50 / np.tan(np.radians(70)) * np.cos(np.radians(30)), 6
    )
    sure = seen_from(camera, outline)
    wet, unsure = sure >= 128, np.minimum(sure, 220)
    alone, of_sure, of_unsure = (ground_area(wet, camera, SIGMA, shares=shares) for shares in (None, sure, unsure))
    assert alone.area_m2 == of_sure.area_m2 == of_unsure.area_m2
    assert of_unsure.least_m2 <= of_sure.least_m2 < alone.least_m2 < alone.area_m2 < alone.most_m2
    assert alone.most_m2 < of_sure.most_m2 < of_unsure.most_m2
    assert of_unsure.accuracy_m2 == pytest.approx(of_unsure.most_m2 - of_unsure.area_m2)


def from_above(outline: np.ndarray[Any, Any], **more: Any) -> tuple[list[Sighting], Callable[[], Memory]]:
    """One look of a drone at a place of 20 m around (0, 0) from 50 m, straight down."""
    camera, memory = drone(50, -90), Memory()
    place = shapely.Polygon(camera.project(np.column_stack([circle(0, 0, 15), np.zeros(72)])))
    view = View("ponding-1", place, camera, SIGMA)
    rule = aerial_flooding_rule(view, zone(), **more)
    return rule(
        frame_at(0, SIZE), of(seen_from(camera, outline)), memory, datetime.fromisoformat("2026-07-01T00:00:00Z")
    ), lambda: memory


def test_a_drone_measures_the_pool_that_reaches_into_the_place() -> None:
    """The whole pool counts, not only its part within the place, and the road under it by its length; elsewhere it is not this place's."""
    road = shapely.LineString([(-200, 12), (200, 12)])
    found, _ = from_above(circle(0, 12, 8), roads=[road])
    (seen,) = found
    assert seen.measurement["area_m2"] == pytest.approx(np.pi * 64, rel=0.05)
    assert seen.measurement["road_m"] == pytest.approx(16, abs=1.5)
    assert seen.measurement["area_is_cut"] == 0.0
    assert seen.measurement["area_least_m2"] < seen.measurement["area_m2"] < seen.measurement["area_most_m2"]
    assert seen.ground is not None
    assert np.hypot(seen.ground.east_m, seen.ground.north_m - 12) < 2
    assert from_above(circle(0, 12, 1.2))[0] == []
    assert from_above(circle(24, 0, 4))[0] == []


def test_a_gutter_is_no_pool() -> None:
    """Sixty square metres of water along a kerb, a metre wide, are no flood; a pool that it runs into is measured without it."""
    gutter = shapely.box(-30, -0.5, 30, 0.5)
    pool = shapely.Polygon(circle(0, 0, 6))
    assert from_above(np.array(gutter.exterior.coords))[0] == []
    both = shapely.union(gutter, pool)
    (seen,), _ = from_above(np.array(both.exterior.coords))
    assert seen.measurement["area_m2"] == pytest.approx(pool.area, rel=0.12)


def test_from_above_what_is_hardly_water_is_none() -> None:
    """Pale ground at a share of 0.8 is no pool; with a core that is surely water, its softer edge is measured with it."""
    camera = drone(50, -90)
    place = shapely.Polygon(camera.project(np.column_stack([circle(0, 0, 15), np.zeros(72)])))
    rule = aerial_flooding_rule(View("ponding-1", place, camera, SIGMA), zone())
    pale = np.where(seen_from(camera, circle(0, 0, 8)) > 127, 210, 10).astype(np.uint8)
    assert rule(FRAME, of(pale), Memory(), START) == []
    core = np.maximum(pale, seen_from(camera, circle(0, 0, 5)))
    (seen,) = rule(FRAME, of(core), Memory(), START)
    assert seen.measurement["area_m2"] == pytest.approx(np.pi * 64, rel=0.06)


def test_water_cut_off_by_the_picture_says_so() -> None:
    """A flood larger than the picture is a lower bound, and marked as one."""
    (seen,), _ = from_above(circle(0, 0, 80))
    assert seen.measurement["area_is_cut"] == 1.0


def test_a_drone_without_a_pose_says_nothing() -> None:
    """A picture without a pose shows no place."""
    assert aerial_flooding_rule(VIEW, zone())(FRAME, of(shares(FLOOD)), Memory(), START) == []


def test_pools_that_touch_are_one() -> None:
    """Water joined to the place's water counts, water apart from it does not."""
    wet = np.zeros((20, 20), bool)
    wet[2:5, 2:18], wet[10:12, 2:5] = True, True
    inside = np.zeros((20, 20), bool)
    inside[:8, :6] = True
    joined = joined_to(wet, inside)
    assert joined[3, 16]
    assert not joined[10, 3]
