"""Scripts of actors, the configured district, the demo's stories, and what a camera ought to report of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import hypot
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.config import Config, load
from patrol.geo import Camera, Lens, Pose
from patrol.scenes.actors import Actor, bodies_at, resting_since, rounded, stand, state_at, travel
from patrol.scenes.demo import demo_expectations, demo_scene
from patrol.scenes.district import Watch, local_frame, strip_of, watches, world_from_config
from patrol.scenes.expected import ExpectedIncident, expected_incidents
from patrol.scenes.mesh import triangulated
from patrol.scenes.picture import FixedCamera, picture
from patrol.scenes.scene import Scene, stage_of
from patrol.scenes.sensor import GOOD
from tests.scenes.small import DOWN, EMPTY, LOOK, NOON, scene, standing

ROOT = Path(__file__).parents[2]


@cache
def config() -> Config:
    """The demo district as it ships."""
    return load(ROOT / "config.yaml")


@cache
def demo() -> Scene:
    """The demonstration."""
    return demo_scene(config(), 1)


def test_an_actor_exists_from_its_first_to_its_last_leg() -> None:
    """Before and after its script there is no actor; between legs it stands where it came to rest."""
    goes = travel(2.0, ((0, 0), (10, 0)), 5.0, starts=True, stops=True)
    actor = Actor("a", "sedan", 1, (goes, stand(20.0, 30.0, (10, 0), 90.0)))
    assert state_at(actor, 1.9) is None
    assert state_at(actor, 30.1) is None
    waiting = state_at(actor, 15.0)
    assert waiting is not None
    assert waiting.at_rest
    assert hypot(waiting.east_m - 10, waiting.north_m) < 1e-6
    assert resting_since(actor, 25.0) == pytest.approx(goes.end_s)
    assert resting_since(actor, 3.0) is None


@given(share=st.floats(0, 1), starts=st.booleans(), stops=st.booleans(), pace=st.floats(0.5, 20))
def test_legs_move_smoothly_and_arrive(share: float, starts: bool, stops: bool, pace: float) -> None:
    """Speed is the derivative of the way, never negative, zero where a leg starts or stops; the ends are the line's ends."""
    leg = travel(5.0, ((0, 0), (30, 0), (60, 0)), pace, starts=starts, stops=stops)
    actor = Actor("a", "person", 1, (leg,))
    span = leg.end_s - leg.start_s
    time_s, step = leg.start_s + share * span, span * 1e-5
    here, ahead = state_at(actor, min(time_s, leg.end_s - step)), state_at(actor, min(time_s + step, leg.end_s))
    assert here is not None
    assert ahead is not None
    assert (ahead.east_m - here.east_m) / step == pytest.approx(here.speed_mps, abs=0.02 * pace + 1e-3)
    assert here.speed_mps >= 0
    first, last = state_at(actor, leg.start_s), state_at(actor, leg.end_s)
    assert first is not None
    assert last is not None
    assert first.east_m == pytest.approx(0)
    assert last.east_m == pytest.approx(60)
    assert (first.speed_mps == 0) == starts
    assert (last.speed_mps == 0) == stops


def test_vehicles_point_along_their_way_and_riders_sit_on_their_bikes() -> None:
    """A car's heading follows the line, backwards it faces the other way; a ridden bike is two objects at one place."""
    line = rounded(((0, 0), (0, 20), (20, 20)))
    ahead, back = (Actor("c", "sedan", 1, (travel(0, line, 5.0, backwards=b),)) for b in (False, True))
    start, end = state_at(ahead, 0.01), state_at(ahead, ahead.legs[0].end_s)
    reverse = state_at(back, 0.01)
    assert start is not None
    assert end is not None
    assert reverse is not None
    assert start.yaw_deg == pytest.approx(0, abs=1)
    assert end.yaw_deg == pytest.approx(90, abs=1)
    assert (reverse.yaw_deg - start.yaw_deg) % 360 == pytest.approx(180)
    bike = bodies_at(Actor("b", "ebike", 1, (travel(0, line, 5.0),)), 1.0)
    assert [(b.object_id, b.object_class) for b in bike] == [("b", "motorcycle"), ("b/rider", "person")]
    assert bike[0].state == bike[1].state


@pytest.mark.parametrize(
    "kind",
    [
        "sedan",
        "hatchback",
        "suv",
        "minivan",
        "van",
        "taxi",
        "bus",
        "truck",
        "fire_engine",
        "ebike",
        "motorcycle",
        "bicycle",
        "person",
    ],
)
def test_everything_is_of_true_size_and_stands_on_the_ground(kind: str) -> None:
    """Each kind has the length, width and height of the real thing, touches the ground, and its normals are unit vectors."""
    limits = {
        "bus": (8, 12.6, 2.4, 3.4), "truck": (4.5, 9.5, 1.5, 4.5), "fire_engine": (8, 9, 2.4, 3.6), "van": (4.8, 6, 2.1, 2.8),
        "person": (0.15, 1.3, 1.4, 2.25), "bicycle": (1.5, 1.9, 0.9, 1.2), "ebike": (1.3, 2.1, 1.0, 1.6), "motorcycle": (1.7, 2.3, 1.0, 1.6),
    }  # fmt: skip
    shortest, longest, lowest, highest = limits.get(kind, (3.7, 5.2, 1.3, 2.1))
    for seed in range(6):
        for body in bodies_at(replace(standing("x", "person", 0, 0, seed=seed), kind=kind, ridden=False), 0.0):  # type: ignore[arg-type]  # the parameters are kinds
            low, high = body.mesh.corners.reshape(-1, 3).min(axis=0), body.mesh.corners.reshape(-1, 3).max(axis=0)
            assert abs(low[2]) < 0.06
            assert shortest < high[1] - low[1] < longest
            assert lowest < high[2] < highest
            assert np.allclose(np.linalg.norm(body.mesh.normals, axis=-1), 1, atol=0.02)


@given(st.lists(st.tuples(st.floats(0.3, 2.0), st.floats(0.1, 1.0)), min_size=3, max_size=12), st.booleans())
def test_polygons_are_triangulated_whole(spokes: list[tuple[float, float]], reverse: bool) -> None:
    """The triangles of any star-shaped polygon have the polygon's area together, in either winding."""
    turns = np.cumsum([step for _, step in spokes])
    turns = turns / turns[-1] * 2 * np.pi * 0.999
    reach = np.array([r for r, _ in spokes])
    corners = np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)
    if np.diff(np.r_[turns, turns[0] + 2 * np.pi]).max() >= np.pi:
        return  # the middle is outside: not star-shaped any more
    corners = corners[::-1] if reverse else corners
    area = abs(float(cv2.contourArea(corners.astype(np.float32))))
    p = corners[triangulated(corners)]
    a, b = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    assert float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / 2 == pytest.approx(area, rel=1e-4, abs=1e-6)


@cache
def told(camera_id: str) -> tuple[ExpectedIncident, ...]:
    """What a camera of the demonstration must report."""
    return demo_expectations(config(), demo(), camera_id)


def test_the_world_follows_the_configuration() -> None:
    """Every building, road and fire lane is where the configuration has it, and nothing is planted on carriageways or in lanes."""
    frame = local_frame(config())
    world = world_from_config(config(), 3)
    for wanted, built in zip(config().buildings, world.buildings, strict=True):
        here = frame.to_local(wanted.footprint[0])
        assert hypot(built.footprint[0][0] - here.east_m, built.footprint[0][1] - here.north_m) < 0.01
        assert built.height_m == wanted.height_m
    assert [r.width_m for r in world.roads] == [r.width_m for r in config().roads]
    for prop in world.props:
        for keep_out in (*(b.footprint for b in world.buildings), *(x.polygon for x in world.fire_lanes)):
            assert cv2.pointPolygonTest(np.asarray(keep_out, np.float32), (prop.east_m, prop.north_m), False) < 0
    assert world_from_config(config(), 3) == world
    assert world_from_config(config(), 4) != world


def test_fire_lanes_are_drawn_yellow_where_the_zone_is() -> None:
    """Seen by the lane's camera, yellow paint is frequent inside the zone's polygon and rare outside."""
    camera = next(c for c in config().cameras if any(z.hazard == "blocked-fire-lane" for z in c.zones))
    view = camera.geo(local_frame(config()))
    assert view is not None
    small = Camera(view.lens.scaled_to(640, 360), view.pose)
    image = picture(Scene(demo().world, (), NOON, 1), small, GOOD, 0.0, samples=1).image.astype(int)
    yellow = (image[..., 0] - image[..., 2] > 50) & (image[..., 1] - image[..., 2] > 30)
    zone = np.zeros((360, 640), np.uint8)
    cv2.fillPoly(zone, [(np.asarray(watches(camera)[0].polygon_px) / 2).astype(np.int32)], 1)
    assert yellow[zone > 0].mean() > 0.04
    assert yellow[zone > 0].mean() > 3 * yellow[zone == 0].mean()


def test_the_demo_has_the_incidents_it_is_made_for() -> None:
    """Two vehicles overstay in the lane, the one parked from the start among them; one person enters the perimeter; no more."""
    found = [e for c in config().cameras for e in told(c.id)]
    assert sorted((e.hazard, e.object_id.rsplit("-", 1)[1]) for e in found) == [
        ("blocked-fire-lane", "parked"), ("blocked-fire-lane", "stays"), ("perimeter-intrusion", "enters"),
    ]  # fmt: skip
    parked, stays = (next(e for e in found if e.object_id.endswith(end)) for end in ("parked", "stays"))
    assert parked.begins_s < 0
    assert parked.ends_s is None
    assert stays.begins_s > 5
    assert stays.due_s == pytest.approx(stays.begins_s + config().cameras[0].zones[0].dwell_s)


def test_expected_incidents_agree_with_the_ground_truth_of_the_pictures() -> None:
    """While an incident lasts, its object is seen at rest with its place inside the zone; before and after it is not."""
    frame = local_frame(config())
    for camera in config().cameras:
        view = camera.geo(frame)
        for expected in told(camera.id):
            assert view is not None
            eye = FixedCamera(demo(), Camera(view.lens.scaled_to(320, 180), view.pose), GOOD, samples=1)
            end = expected.ends_s if expected.ends_s is not None else 119.0
            start = max(expected.begins_s, 0.0)
            for time_s, inside in (
                (start + 0.2, True),
                ((start + end) / 2, True),
                (end - 0.3, True),
                (start - 1.5, False),
                (end + 2.0, False),
            ):
                if not 0 <= time_s <= 119 or (not inside and expected.begins_s < 0):
                    continue
                found = [s for s in eye.picture(time_s).seen if s.object_id == expected.object_id]
                here = bool(found) and _in_zone(
                    view, watches(camera), expected.zone_id, found[0].east_m, found[0].north_m
                )
                if expected.hazard == "blocked-fire-lane":
                    here = here and found[0].speed_mps <= 0.3
                assert here == inside, (expected.object_id, time_s)


def _in_zone(view: Camera, zones: tuple[Watch, ...], zone_id: str, east_m: float, north_m: float) -> bool:
    polygon = next(z.polygon_px for z in zones if z.zone_id == zone_id)
    x, y = view.project([(east_m, north_m, 0.0)])[0]
    return bool(cv2.pointPolygonTest(np.asarray(polygon, np.float32), (float(x), float(y)), False) >= 0)


def test_dwell_counts_only_what_stays() -> None:
    """In one zone a vehicle that stays is expected, one that passes or stops for a moment is not, nor a person in a fire lane."""
    zone = Watch("z", "blocked-fire-lane", ((60.0, 60.0), (200.0, 60.0), (200.0, 200.0), (60.0, 200.0)), 10.0)
    rest = travel(0.0, ((0, -15), (0, 0)), 5.0, stops=True)
    stays = Actor("stays", "sedan", 1, (rest, stand(rest.end_s, 60, (0, 0), 0)))
    brief = Actor(
        "brief",
        "van",
        2,
        (
            rest,
            stand(rest.end_s, rest.end_s + 6, (0, 0), 0),
            travel(rest.end_s + 6, ((0, 0), (0, 30)), 5.0, starts=True),
        ),
    )
    passes = Actor("passes", "suv", 3, (travel(5.0, ((3, -20), (3, 30)), 3.0),))
    person = standing("person", "person", 1, 1)
    found = expected_incidents(scene(stays, brief, passes, person), "cam", DOWN, (zone,), 40.0)
    assert [e.object_id for e in found] == ["stays"]
    assert found[0].due_s == pytest.approx(found[0].begins_s + 10.0)
    assert hypot(found[0].east_m, found[0].north_m) < 0.2


def test_strips_run_from_the_near_end() -> None:
    """The middle line of a lane starts near the given point, ends at the other end, and keeps right on the right."""
    strip = strip_of(((0, 0), (4, 0), (4, 30), (0, 30)), (2, 40))
    assert strip.length_m == pytest.approx(30, abs=0.01)
    assert strip.width_m == pytest.approx(4, abs=0.01)
    assert np.allclose(strip.start, (2, 30), atol=0.01)
    assert np.allclose(strip.at(10, 1.5), (0.5, 20), atol=0.02)


def test_a_drone_sees_the_same_moment_as_a_fixed_camera() -> None:
    """Two cameras of one scene at one time name the same objects at the same places."""
    shown = scene(standing("a", "suv", -2, 0, 30), standing("b", "truck", 4, 3, 80), world=EMPTY)
    stage = stage_of(shown)
    drone = Camera(Lens.from_hfov(320, 180, 70), Pose(0, -5, 40, 10, -75))
    above, level = (picture(shown, camera, GOOD, 0.0, stage=stage).seen for camera in (drone, LOOK))
    assert {(s.object_id, s.east_m, s.north_m) for s in above} == {(s.object_id, s.east_m, s.north_m) for s in level}
