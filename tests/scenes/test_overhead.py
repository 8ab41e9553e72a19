"""What a drone sees: moving cameras, standing water of known area, and things drawn where geometry puts them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patrol.config import Config, load
from patrol.geo import Camera, Lens, Pose, ground_sample_distance_m
from patrol.scenes.buildings import PARAPET_M
from patrol.scenes.demo import demo_from_above, demo_scene
from patrol.scenes.district import world_from_config
from patrol.scenes.flood import LEVEL_M, SMALLEST_M2, Pond, demo_ponds, flooded, pond
from patrol.scenes.flood_set import flood_frames, write_flood_set
from patrol.scenes.overhead import Overhead
from patrol.scenes.picture import picture
from patrol.scenes.sensor import GOOD, Image
from tests.scenes.small import CLEAN, CORNER, EMPTY, scene, standing

ROOT = Path(__file__).parents[2]
LENS = Lens.from_hfov(640, 360, 73)
OBLIQUE = Camera(LENS, Pose(-6.0, -42.0, 45.0, 8.0, -48.0))
DOWN = Camera(LENS, Pose(1.0, -2.0, 40.0, 20.0, -90.0))


@cache
def config() -> Config:
    """The demo district as it ships."""
    return load(ROOT / "config.yaml")


@cache
def demo() -> Overhead:
    """The district as drones see it."""
    return Overhead(demo_from_above(config(), 1))


def drawn(outline: tuple[tuple[float, float], ...], camera: Camera) -> Image:
    """The outline as patrol.geo projects it, filled, 0 or 255."""
    corners = camera.project([(x, y, LEVEL_M) for x, y in outline])
    canvas = np.zeros((camera.lens.height_px, camera.lens.width_px), np.uint8)
    cv2.fillPoly(canvas, [np.rint(corners * 16).astype(np.int32)], 255, shift=4)
    return canvas


@settings(max_examples=40, deadline=None)
@given(area_m2=st.floats(10, 4000), seed=st.integers(0, 1 << 30))
def test_water_has_the_area_that_was_asked_for(area_m2: float, seed: int) -> None:
    """Without buildings an outline is a simple polygon of exactly the wanted area, and it is not round."""
    pool = pond("p", (3.0, -4.0), area_m2, seed, EMPTY)
    shape = shapely.Polygon(pool.outline)
    assert shape.is_valid
    assert pool.area_m2 == pytest.approx(area_m2, rel=1e-6)
    assert shape.area == pytest.approx(area_m2, rel=1e-6)
    assert shape.length > 1.01 * 2 * np.sqrt(np.pi * area_m2)


@settings(max_examples=40, deadline=None)
@given(area_m2=st.floats(40, 900), seed=st.integers(0, 1 << 30))
@example(area_m2=900.0, seed=1)  # the building is an island
def test_no_water_stands_in_a_building(area_m2: float, seed: int) -> None:
    """A pool beside a wall ends there, and its area says so."""
    pool = pond("p", (3.0, 10.0), area_m2, seed, CORNER)
    shape = shapely.Polygon(pool.outline)
    assert shape.intersection(shapely.Polygon(CORNER.buildings[0].footprint)).area < 1e-6
    assert pool.area_m2 == pytest.approx(shape.area)
    assert pool.area_m2 <= area_m2 * (1 + 1e-9)


def test_the_mask_measures_the_water() -> None:
    """Straight down, water pixels times the ground a pixel covers are the pool's area; obliquely the mask is its projection."""
    pool = pond("p", (0.0, 0.0), 150.0, 11, EMPTY)
    eye = Overhead(scene(world=flooded(EMPTY, [pool])))
    gsd_m = ground_sample_distance_m(LENS, DOWN.pose.up_m - LEVEL_M)
    measured_m2 = float((eye.shot(DOWN, 3.0, CLEAN).water / 255.0).sum()) * gsd_m**2
    assert measured_m2 == pytest.approx(150.0, rel=0.01)
    for camera in (OBLIQUE, DOWN):
        mask, wanted = eye.shot(camera, 3.0, CLEAN).water > 127, drawn(pool.outline, camera) > 0
        assert (mask & wanted).sum() / (mask | wanted).sum() > 0.97


def test_what_stands_in_the_water_is_not_water() -> None:
    """A car in a pool is left out of the mask."""
    pool = pond("p", (0.0, 0.0), 200.0, 4, EMPTY)
    alone, with_car = (
        Overhead(scene(*actors, world=flooded(EMPTY, [pool]))).shot(DOWN, 0.0, CLEAN).water
        for actors in ((), (standing("car", "sedan", 0.0, 0.0),))
    )
    car_m2 = float((alone.astype(float) - with_car).sum()) / 255 * ground_sample_distance_m(LENS, 40.0) ** 2
    assert 6.0 < car_m2 < 11.0


def test_a_moving_camera_sees_what_a_single_picture_shows() -> None:
    """However often and wherever the eye looked before, its picture is the same as one made from nothing."""
    car = standing("car", "suv", 2.0, 3.0)
    pool = pond("p", (4.0, -6.0), 120.0, 2, CORNER)
    shown = scene(car, world=flooded(CORNER, [pool]))
    eye = Overhead(shown)
    for camera, time_s in ((OBLIQUE, 1.0), (DOWN, 50.0), (OBLIQUE, 7.5)):
        eye.image(camera, time_s)
    for camera in (DOWN, OBLIQUE):
        fresh = picture(shown, camera, GOOD, 20.0)
        shot = eye.shot(camera, 20.0)
        assert np.array_equal(eye.image(camera, 20.0), fresh.image)
        assert np.array_equal(shot.image, fresh.image)
        assert shot.seen == fresh.seen


def test_water_stands_at_three_of_the_district_s_ponding_points() -> None:
    """60 to 200 m2 each, around its point, the same for the same seed, and seen from above there."""
    world = world_from_config(config(), 1)
    ponds = demo_ponds(config(), 1, world)
    assert [p.place_id for p in ponds] == ["ponding-1", "ponding-3", "ponding-10"]
    assert ponds == demo_ponds(config(), 1, world)
    assert ponds != demo_ponds(config(), 2, world)
    everywhere = demo_ponds(config(), 1, world, [p.id for p in config().ponding_points])
    assert len(everywhere) == 12
    assert set(ponds) <= set(everywhere)  # a place's water does not depend on where else there is some
    for pool in everywhere:
        assert SMALLEST_M2 * 0.7 < pool.area_m2 <= 200.0
    for pool in ponds:
        assert pool.area_m2 >= SMALLEST_M2
        mask = demo().shot(over(pool), 12.0).water > 127
        wanted = drawn(pool.outline, over(pool)) > 0
        assert (mask & ~cv2.dilate(wanted.astype(np.uint8), np.ones((3, 3))).astype(bool)).sum() == 0
        assert (mask & wanted).sum() > 0.5 * wanted.sum()  # crowns and cars stand over the rest


def over(pool: Pond) -> Camera:
    """A camera straight above a pool."""
    east, north = np.mean(pool.outline, axis=0)
    return Camera(LENS, Pose(float(east), float(north), 50.0, 0.0, -90.0))


def test_the_films_district_is_dry() -> None:
    """Fixed cameras' films, whose truth is about vehicles and people, stay as they were: no water, the same actors."""
    assert all(area.kind != "water" for area in demo_scene(config(), 1).world.areas)
    assert demo_scene(config(), 1).actors == demo_from_above(config(), 1).actors


@pytest.mark.parametrize(("up_m", "pitch_deg", "yaw_deg"), [(40, -62, 20), (60, -75, 200), (80, -50, 335)])
def test_things_are_drawn_where_geometry_puts_them(up_m: float, pitch_deg: float, yaw_deg: float) -> None:
    """Corners of the fire lane's paint and of a roof's pale edge, found in the picture, lie where patrol.geo projects them."""
    world = demo().scene.world
    lane = np.asarray(world.fire_lanes[0].polygon)
    building = next(b for b in world.buildings if b.building_id == "rose-4")
    roof = np.asarray(building.footprint)
    top_m = building.height_m + PARAPET_M
    edges = [(lane, lane[k], 0.0, yellow) for k in (0, 1)] + [(roof, roof[k], top_m, pale) for k in (0, 1)]
    for outline, corner, height_m, colour in edges:
        camera = looking_at((float(corner[0]), float(corner[1]), height_m), up_m, pitch_deg, yaw_deg)
        inner = corner + np.sign(outline.mean(axis=0) - corner) * 2.0
        here, inside = camera.project([(*corner, height_m), (*inner, height_m)])
        image = demo().image(camera, 30.0, CLEAN)
        tip = tip_of(colour(image), here, here - inside)
        assert np.hypot(*(tip - here)) < 1.5, (tuple(corner), tip, here)


def yellow(image: Image) -> NDArray[np.bool_]:
    """Lane paint."""
    red, green, blue = (image[..., k].astype(int) for k in range(3))
    return np.asarray((red - blue > 35) & (red - green > 6))


def pale(image: Image) -> NDArray[np.bool_]:
    """The top of a parapet in the sun."""
    return np.asarray(image.min(axis=2) > 205)


def tip_of(mask: NDArray[np.bool_], near: NDArray[np.float64], outward: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the pixels of a mask that lie farthest out, at most 6 pixels from a place."""
    rows, columns = np.nonzero(mask)
    found = np.stack([columns, rows], -1).astype(float)
    found = found[np.hypot(*(found - near).T) <= 6.0]
    assert len(found) > 8, "nothing of that colour is there"
    reach = (found - near) @ (outward / np.hypot(*outward))
    return np.asarray(found[reach > reach.max() - 0.5].mean(axis=0))


def looking_at(target: tuple[float, float, float], up_m: float, pitch_deg: float, yaw_deg: float) -> Camera:
    """A camera at `up_m` in whose middle the target is."""
    away = (up_m - target[2]) / np.tan(np.radians(-pitch_deg))
    yaw = np.radians(yaw_deg)
    east, north = target[0] - np.sin(yaw) * away, target[1] - np.cos(yaw) * away
    return Camera(LENS, Pose(float(east), float(north), up_m, yaw_deg, pitch_deg))


def test_training_pictures_depend_on_the_seed_alone(tmp_path: Path) -> None:
    """Picture k is the same whatever the count; seeds differ; files hold what was rendered; water is in some, not in all."""
    frames = list(flood_frames(3, 8, 320, 180))
    for a, b in zip(frames, flood_frames(3, 2, 320, 180), strict=False):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.water, b.water)
    other = next(flood_frames(4, 1, 320, 180))
    assert not np.array_equal(other.image, frames[0].image)
    shares = [float((f.water > 127).mean()) for f in frames]
    assert max(shares) > 0.05
    assert min(shares) == 0.0
    assert {f.water.shape for f in frames} == {(180, 320)}
    pitches = [f.camera.pose.pitch_deg for f in frames]
    assert min(pitches) >= -90.0
    assert max(pitches) <= -30.0
    write_flood_set(tmp_path, 2, 3, 320, 180)
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == ["flood_3_00000.jpg", "flood_3_00001.jpg"]
    kept = cv2.imread(str(tmp_path / "masks" / "flood_3_00001.png"), cv2.IMREAD_GRAYSCALE)
    assert kept is not None
    assert np.array_equal(kept, frames[1].water)


def test_cameras_in_the_street_see_floods_and_wet_ground() -> None:
    """Pictures from the street are taken from a post's height at a low angle; some show much water, some none; they are not the drone's."""
    frames = list(flood_frames(4, 7, 320, 180, seen_from="street"))
    shares = [float((f.water > 127).mean()) for f in frames]
    assert max(shares) > 0.2
    assert min(shares) == 0.0
    assert {3.5 <= f.camera.pose.up_m <= 9.0 and -62.0 < f.camera.pose.pitch_deg < 0.0 for f in frames} == {True}
    assert not np.array_equal(frames[0].image, next(flood_frames(4, 1, 320, 180)).image)
