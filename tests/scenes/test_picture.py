"""What the renderer draws agrees with geometry, light and its own ground truth."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geo import Camera, Pose
from patrol.scenes.actors import Actor, travel
from patrol.scenes.light import Conditions, bearing_of, direction, lighting, sun_position
from patrol.scenes.mesh import Mesh
from patrol.scenes.picture import FixedCamera, Picture, picture
from patrol.scenes.scene import Change, Scene, set_stage, stage_of
from patrol.scenes.sensor import Sensor
from patrol.scenes.stage import Placed
from patrol.scenes.view import Exposed, View
from patrol.scenes.world import Area, World
from tests.scenes.small import CLEAN, CORNER, DOWN, EMPTY, LOOK, NOON, scene, standing


def exposed(shown: Scene, camera: Camera, time_s: float = 0.0, samples: int = 2) -> Exposed:
    """The linear picture and its object numbers."""
    stage = stage_of(shown)
    set_stage(stage, shown, time_s)
    return View(camera, samples).expose(stage)


def mask(seen: Exposed, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(h, w) whether any sample of the pixel sees the object."""
    n = seen.samples
    h, w = seen.numbers.shape
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        (seen.numbers == number).reshape(h // n, n, w // n, n).any(axis=(1, 3))
    )
    return found


def brightness(shot: Picture) -> float:
    """Mean display value, 0 to 255."""
    return float(shot.image.mean())


def own_corners(mesh: Mesh, placed: Placed) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(n, 3) the mesh's corners in the world."""
    return replace(placed, mesh=mesh).in_world().corners.reshape(-1, 3).astype(float)


@settings(max_examples=12, deadline=None)
@given(
    east=st.floats(-5, 5), north=st.floats(-3, 15), yaw=st.floats(0, 360), camera_yaw=st.floats(-12, 12), pitch=st.floats(-28, -12), roll=st.floats(-8, 8)
)  # fmt: skip
def test_objects_are_drawn_where_geometry_projects_them(
    east: float, north: float, yaw: float, camera_yaw: float, pitch: float, roll: float
) -> None:
    """For any pose, a car's pixels fill the box around its mesh's corners as `patrol.geo` projects them, to a pixel: a corner's tip may fall between two samples.

    Of a car that the picture's edge cuts the widest part may lie outside: what is seen is within the box, and reaches the edge.
    """
    camera = Camera(LOOK.lens, Pose(0.0, -18.0, 6.0, camera_yaw, pitch, roll))
    shown = scene(standing("car", "sedan", east, north, yaw))
    body = shown.bodies_at(0.0)[0]
    corners = own_corners(body.mesh, Placed(1, body.mesh, east, north, 0.0, yaw))
    pixels = camera.project(corners)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    seen = picture(shown, camera, CLEAN, 0.0).seen
    wanted = [max(low[0], -0.5), max(low[1], -0.5), min(high[0], 319.5), min(high[1], 179.5)]
    if wanted[2] - wanted[0] < 2 or wanted[3] - wanted[1] < 2:
        return
    assert len(seen) == 1
    box, cut = np.array(seen[0].box_px), wanted != [*low, *high]
    if not cut:
        assert np.allclose(box, wanted, atol=1.0)
        return
    assert (box[:2] >= np.array(wanted[:2]) - 1.0).all()
    assert (box[2:] <= np.array(wanted[2:]) + 1.0).all()
    over = np.array([-0.5 - low[0], -0.5 - low[1], high[0] - 319.5, high[1] - 179.5])
    if (over > 1.0).sum() == 1:  # over two edges it may go round the corner
        assert np.allclose(box[over > 1.0], np.array(wanted)[over > 1.0], atol=1.0)


@pytest.mark.parametrize(("k1", "k2"), [(-0.12, 0.02), (0.08, 0.0)])
def test_a_bent_lens_bends_the_picture_as_geometry_does(k1: float, k2: float) -> None:
    """With lens distortion a person's pixels are still where `patrol.geo` projects them, off to the side too."""
    camera = Camera(replace(LOOK.lens, k1=k1, k2=k2), LOOK.pose)
    for east in (-8.0, 0.0, 7.0):
        shown = scene(standing("p", "person", east, 0.0))
        seen = picture(shown, camera, CLEAN, 0.0).seen[0]
        feet, head = camera.project([(east, 0.0, 0.0), (east, 0.0, 1.6)])
        assert abs((seen.box_px[0] + seen.box_px[2]) / 2 - (feet[0] + head[0]) / 2) < 2.0
        assert abs(seen.box_px[3] - feet[1]) < 2.0
        assert abs(seen.box_px[1] - head[1]) < 4.0


def test_where_a_lens_has_no_ray_the_picture_is_black() -> None:
    """Beyond what strong distortion can bend back nothing is seen, and the middle is as ever."""
    strong = Camera(replace(LOOK.lens, k1=-0.55), LOOK.pose)
    seen = exposed(scene(world=CORNER), strong)
    none = np.isnan(strong.lens.rays([(0.0, 0.0)])).any()
    assert none
    assert seen.light[0, 0].max() == 0
    assert seen.light[90, 160].min() > 0
    assert seen.numbers[0, 0] == -1


def test_what_is_nearer_hides_what_is_behind() -> None:
    """A bus before a car leaves only a part of the car; turned round, the car is whole."""
    bus, car = standing("bus", "bus", 0.0, -2.0, 90.0), standing("car", "sedan", 0.0, 8.0, 90.0)
    front = {s.object_id: s for s in picture(scene(bus, car), LOOK, CLEAN, 0.0).seen}
    assert front["bus"].visible_share > 0.99
    assert "car" not in front or front["car"].visible_share < 0.5
    behind = Camera(LOOK.lens, Pose(0.0, 26.0, 6.0, 180.0, -18.0))
    back = {s.object_id: s for s in picture(scene(bus, car), behind, CLEAN, 0.0).seen}
    assert back["car"].visible_share > 0.99
    assert back["bus"].visible_share < front["bus"].visible_share


def test_boxes_are_tight_around_the_object_numbers() -> None:
    """Every box is the smallest that holds all samples of its object, and visible pixels are counted from the same samples."""
    shown = scene(
        standing("a", "suv", -2, 0, 30),
        standing("b", "person", 0.5, -4),
        standing("c", "ebike", 2, 2, 70),
        world=CORNER,
    )
    seen = exposed(shown, LOOK)
    found = picture(shown, LOOK, CLEAN, 0.0).seen
    bodies = shown.bodies_at(0.0)
    assert {s.object_id for s in found} == {"a", "b", "c", "c/rider"}
    for s in found:
        number = next(k + 1 for k, b in enumerate(bodies) if b.object_id == s.object_id)
        rows, columns = np.nonzero(seen.numbers == number)
        assert s.box_px == (
            columns.min() / 2 - 0.5,
            rows.min() / 2 - 0.5,
            (columns.max() + 1) / 2 - 0.5,
            (rows.max() + 1) / 2 - 0.5,
        )
        assert s.visible_px == len(rows) / 4


def test_a_part_outside_the_picture_counts_as_not_visible() -> None:
    """A car half out of the picture is about half visible."""
    edge = LOOK.to_plane([(319.5, 100.0)])[0]
    seen = picture(scene(standing("car", "sedan", float(edge[0]), float(edge[1]), 90.0)), LOOK, CLEAN, 0.0).seen[0]
    assert 0.25 < seen.visible_share < 0.75


@pytest.mark.parametrize(("hour", "latitude"), [(9.0, 40.0), (15.5, 40.0), (12.0, -30.0)])
def test_shadows_fall_away_from_the_sun(hour: float, latitude: float) -> None:
    """From straight above, the ground darkened by a bus lies where the sun's direction throws the bus's top."""
    conditions = replace(NOON, hour=hour, latitude_deg=latitude)
    azimuth, elevation = conditions.sun
    assert elevation > 20
    tall = standing("bus", "bus", 0.0, 0.0, 0.0)
    with_bus, without = exposed(scene(tall, conditions=conditions), DOWN), exposed(scene(conditions=conditions), DOWN)
    dark = (with_bus.light.sum(axis=2) < 0.55 * without.light.sum(axis=2)) & ~mask(with_bus, 1)
    assert dark.sum() > 100
    rows, columns = np.nonzero(dark)
    ground = DOWN.to_plane(np.stack([columns, rows], axis=1))
    away = -np.array([sin(radians(azimuth)), cos(radians(azimuth))])
    corners = scene(tall).bodies_at(0.0)[0].mesh.corners.reshape(-1, 3).astype(float)
    reach, thrown = corners[:, :2] @ away, corners[:, :2] @ away + corners[:, 2] / tan(radians(elevation))
    assert (ground @ away).max() == pytest.approx(thrown.max(), abs=0.5)
    assert (ground @ away).min() > reach.min() - 0.6


@given(latitude=st.floats(-60, 60), day=st.integers(1, 365), hour=st.floats(0, 24))
def test_the_sun_stands_where_astronomy_says(latitude: float, day: int, hour: float) -> None:
    """At noon the sun is on the meridian at 90 degrees minus the distance to its declination; mornings are east."""
    _, noon = sun_position(12.0, day, latitude)
    declination = 23.44 * sin(radians(360 * (284 + day) / 365))
    assert noon == pytest.approx(90 - abs(latitude - declination), abs=1e-6)
    azimuth, height = sun_position(hour, day, latitude)
    assert height <= noon + 1e-6
    if abs(height) < 89:
        assert (azimuth <= 180 + 1e-6) == (hour <= 12) or abs(azimuth % 180) < 1e-6
        assert bearing_of(direction(azimuth, height)) == pytest.approx((azimuth % 360, height), abs=1e-4)


def test_a_fixed_camera_only_saves_work() -> None:
    """Reusing what stands still gives the same bytes and truth as drawing each frame anew, in any order of times."""
    car = Actor("car", "sedan", 3, (travel(0.0, ((-12, -3), (12, 3)), 5.0, starts=True, stops=True),))
    walker = Actor("p", "person", 4, (travel(0.0, ((6, 10), (-6, -6)), 1.3),), umbrella=True)
    for conditions in (NOON, replace(NOON, hour=22.0)):
        shown = scene(car, walker, world=CORNER, conditions=conditions)
        eye = FixedCamera(shown, LOOK, Sensor())
        for time_s in (3.0, 1.0, 4.4):
            stage = stage_of(shown)
            set_stage(stage, shown, time_s)
            fresh = View(LOOK).expose(stage)
            set_stage(eye.stage, shown, time_s)
            reused = eye.view.expose(eye.stage, keep_still=True)
            assert np.array_equal(fresh.numbers, reused.numbers)
            assert np.array_equal(fresh.light, reused.light)
            other = FixedCamera(shown, LOOK, Sensor()).picture(time_s)
            again = eye.picture(time_s)
            assert np.array_equal(other.image, again.image)
            assert other.seen == again.seen


def test_other_seeds_give_other_noise_and_nothing_else() -> None:
    """The seed of a scene changes the sensor's noise, not what is seen."""
    first, second = (picture(scene(standing("a", "suv", 0, 0), seed=k), LOOK, Sensor(), 0.0) for k in (1, 2))
    assert first.seen == second.seen
    assert not np.array_equal(first.image, second.image)
    assert np.abs(first.image.astype(int) - second.image.astype(int)).mean() < 6


def test_day_is_bright_and_night_is_dark_and_infrared_is_grey() -> None:
    """Noon is mid grey, night far darker, lamps lighten it, and infrared has no colour."""
    car = standing("car", "suv", 0, 0, 40)
    day, night, grey = (
        picture(scene(car, world=CORNER, conditions=c), LOOK, CLEAN, 0.0)
        for c in (NOON, replace(NOON, hour=23.0), replace(NOON, hour=23.0, infrared=True))
    )
    assert 85 < brightness(day) < 170
    assert brightness(night) < 0.6 * brightness(day)
    assert np.ptp(grey.image.astype(int), axis=2).max() == 0
    assert np.ptp(day.image.astype(int), axis=2).mean() > 3
    lamps_off = replace(CORNER, props=tuple(p for p in CORNER.props if p.kind != "lamp"))
    lit, unlit = (
        exposed(scene(world=w, conditions=replace(NOON, hour=23.0)), LOOK).light.mean() for w in (CORNER, lamps_off)
    )
    assert lit > 1.5 * unlit


def test_head_lamps_light_the_road_only_under_way() -> None:
    """At night a driving car lights the ground before it; the same car parked does not."""
    night = replace(NOON, hour=23.0)
    driving = Actor("car", "sedan", 3, (travel(0.0, ((0.0, -6.0), (0.0, 40.0)), 4.0),))
    moving = exposed(scene(driving, conditions=night), DOWN, 1.0)
    parked = exposed(scene(standing("car", "sedan", 0.0, -2.0), conditions=night), DOWN, 1.0)
    x, y = (int(v) for v in DOWN.project([(0.0, 7.0, 0.0)])[0])
    assert moving.light[y, x].sum() > 5 * parked.light[y, x].sum()


def test_weather_shows() -> None:
    """Haze takes contrast, rain adds streaks that change from frame to frame, and wet ground is darker."""
    clear, hazy = (
        picture(
            scene(standing("a", "truck", 0, 12), conditions=replace(NOON, haze_per_m=h)), LOOK, CLEAN, 0.0
        ).image.std()
        for h in (0.0, 0.05)
    )
    assert hazy < 0.75 * clear
    wet_sky = replace(NOON, rain=0.8, cloud=0.9)
    a, b = (picture(scene(conditions=wet_sky), LOOK, CLEAN, t).image.astype(int) for t in (0.0, 0.1))
    assert np.abs(a - b).max() > 40
    dry, wet = (exposed(scene(world=EMPTY, conditions=replace(NOON, wet=w)), DOWN).light.mean() for w in (0.0, 1.0))
    assert wet < 0.9 * dry


def test_light_may_jump_and_the_exposure_follows_within_two_seconds() -> None:
    """When a cloud comes all at once the picture darkens in that frame, and two seconds later is bright again."""
    shown = Scene(CORNER, (), NOON, 1, (Change(10.0, 0.0, replace(NOON, cloud=1.0)),))
    eye = FixedCamera(shown, LOOK, CLEAN)
    before, at_once, later = (brightness(eye.picture(t)) for t in (9.9, 10.0, 12.0))
    assert at_once < 0.8 * before
    assert later > at_once * 1.15


def test_shadows_wander_over_hours() -> None:
    """Over four hours of one scene the sun and its shadows move, at the configured step and not between."""
    shown = scene(world=CORNER, conditions=replace(NOON, hour=9.0))
    early, still, late = (lighting(shown.conditions_at(t)).to_sun for t in (0.0, 59.0, 4 * 3600.0))
    assert early == still
    assert bearing_of(late)[0] - bearing_of(early)[0] > 40


def test_water_stands_at_its_depth_and_hides_what_lies_under_it() -> None:
    """A pool's far edge is seen at its height over the ground, its near bank down to the ground, as geometry says."""
    square = ((-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0))
    pool = World(EMPTY.extent_m, "concrete", areas=(Area("water", square, 0, 0.4),), skyline=False)
    grazing = Camera(LOOK.lens, Pose(0.0, -20.0, 4.0, 0.0, -12.0))
    wet, dry = exposed(scene(world=pool), grazing), exposed(scene(), grazing)
    changed = np.abs(wet.light - dry.light).sum(axis=2) > 0.02
    rows = np.nonzero(changed[:, 160])[0]
    near, far = grazing.project([(0.0, -5.0, 0.0), (0.0, 5.0, 0.4)])
    assert rows.max() == pytest.approx(near[1], abs=1.5)
    assert rows.min() == pytest.approx(far[1], abs=1.5)


def test_conditions_blend() -> None:
    """A change of weather that takes time passes through values between."""
    shown = Scene(EMPTY, (), Conditions(cloud=0.0), 1, (Change(0.0, 10.0, Conditions(cloud=1.0, rain=0.5)),))
    assert shown.conditions_at(5.0).cloud == pytest.approx(0.5)
    assert shown.conditions_at(20.0).rain == 0.5


def test_pictures_have_the_size_of_the_lens() -> None:
    """Also when tiles do not divide it."""
    odd = Camera(LOOK.lens.scaled_to(201, 113), LOOK.pose)
    assert picture(scene(world=CORNER), odd, CLEAN, 0.5).image.shape == (113, 201, 3)
