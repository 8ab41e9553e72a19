"""Things in a lane that no network knows: found by comparison with the empty lane, and told from light."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely

from bench.street_scenes import lane_scene
from patrol.scenes.picture import FixedCamera
from patrol.scenes.world import Prop
from patrol_edge.frame import Image
from patrol_edge.rules.lane_objects import LEARN_S, EmptyLane, empty_lane, things_in
from patrol_edge.rules.sighting import Box, overlap_share

SIZE_PX = (640, 360)
LANE = shapely.Polygon([(220, 60), (420, 60), (560, 350), (80, 350)])
NOISE = np.random.default_rng(1).normal(0, 3, (8, 360, 640, 3)).astype(np.int16)
BIN: Box = (300.0, 180.0, 350.0, 250.0)


def ground(seed: int = 3) -> Image:
    """Asphalt with its grain, cracks and a yellow hatch, as a camera sees it."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 18, (360, 640)).astype(np.float32), (0, 0), 1.5)
    image = np.asarray(np.clip(105 + grain[..., None] + np.array([-2, 0, 2]), 0, 255), np.uint8)
    for k in range(-6, 16):
        cv2.line(image, (60 * k, 360), (60 * k + 260, 40), (60, 170, 190), 3, cv2.LINE_AA)
    return image


def noisy(image: Image, n: int) -> Image:
    """The picture with the sensor's noise, one of eight."""
    return np.asarray(cv2.add(image, NOISE[n % len(NOISE)], dtype=cv2.CV_8U), np.uint8)


def with_bin(image: Image) -> Image:
    """A green bin with a dark lid stands in the lane."""
    standing = image.copy()
    x0, y0, x1, y1 = (int(v) for v in BIN)
    cv2.rectangle(standing, (x0, y0), (x1, y1), (70, 120, 50), -1)
    cv2.rectangle(standing, (x0, y0), (x1, y0 + 14), (40, 45, 40), -1)
    return standing


def shaded(image: Image, box: Box, by: float = 0.5) -> Image:
    """A soft shadow lies on a part of the picture; shade is a little bluer than sun."""
    mask = np.zeros(image.shape[:2], np.float32)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[y0:y1, x0:x1] = 1.0
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 4.0))[..., None]
    return np.asarray(np.clip(image * (1 - soft * (1 - by * np.array([1.08, 1.0, 0.95]))), 0, 255), np.uint8)


def watched(image: Image, first: int, last: int, lane: EmptyLane, covered: list[Box] | None = None) -> list[list[Box]]:
    """What is found in each second from `first` to `last` of a picture that does not change but for its noise."""
    return [things_in(lane, noisy(image, n), covered or [], float(n)) for n in range(first, last)]


def test_a_bin_is_found_where_it_stands() -> None:
    """Nothing is found in the empty lane; a bin put there is found in every look once it has stood for seconds."""
    lane = empty_lane(LANE, SIZE_PX)
    assert not any(watched(ground(), 0, 40, lane))
    found = watched(with_bin(ground()), 40, 70, lane)
    assert all(len(boxes) == 1 for boxes in found[10:])
    assert overlap_share(found[-1][0], BIN) > 0.6


def test_a_thing_goes_on_being_found() -> None:
    """What stands there is not learnt as part of the lane: after ten more minutes it is still found."""
    lane = empty_lane(LANE, SIZE_PX)
    watched(ground(), 0, 40, lane)
    found = [things_in(lane, noisy(with_bin(ground()), n), [], 40.0 + 5 * n) for n in range(120)]
    assert all(len(boxes) == 1 for boxes in found[10:])


@pytest.mark.parametrize("by", [0.35, 0.6, 0.8])
def test_a_shadow_is_no_thing(by: float) -> None:
    """A shadow that falls into the lane, light or deep, is not found, and neither is the sun's return."""
    lane = empty_lane(LANE, SIZE_PX)
    watched(ground(), 0, 40, lane)
    dark = shaded(ground(), (250, 140, 420, 300), by)
    assert not any(watched(dark, 40, 80, lane))
    assert not any(watched(ground(), 80, 110, lane))


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.3, 1.9])
def test_a_jump_of_light_is_no_thing(gain: float) -> None:
    """Lamps that go on, a cloud, or the camera's own exposure change everything and nothing is found."""
    lane = empty_lane(LANE, SIZE_PX)
    watched(ground(), 0, 40, lane)
    jumped = np.clip(ground() * gain, 0, 255).astype(np.uint8)
    assert not any(watched(jumped, 40, 90, lane))


def test_ground_under_a_vehicle_is_neither_learnt_nor_compared() -> None:
    """A car that stands there from the start and leaves after a minute leaves nothing behind."""
    lane = empty_lane(LANE, SIZE_PX)
    box = (280.0, 150.0, 400.0, 260.0)
    car = ground()
    cv2.rectangle(car, (280, 150), (400, 260), (200, 60, 40), -1)
    assert not any(watched(car, 0, 60, lane, [box]))
    assert not any(watched(ground(), 60, 60 + int(LEARN_S) + 30, lane))


def test_things_of_every_kind_on_a_rendered_street() -> None:
    """On a rendered fire lane by day a bin, boxes and a cone are each found within 6 s, and without them nothing is."""
    street = lane_scene(3)
    assert street is not None
    polygon = shapely.Polygon(street.config.zones[0].polygon_px)
    spot = street.camera.to_plane([polygon.representative_point().coords[0]])[0]
    scene = replace(street.scene, actors=())
    empty = FixedCamera(scene, street.camera, street.sensor, samples=1)
    before = [np.ascontiguousarray(empty.picture(float(n)).image[:, :, ::-1]) for n in range(26)]
    for kind in ("bin", "boxes", "cone"):
        prop = Prop(kind, float(spot[0]), float(spot[1]), 30.0, 5)
        world = replace(scene.world, props=(*scene.world.props, prop))
        eye = FixedCamera(replace(scene, world=world), street.camera, street.sensor, samples=1)
        lane = empty_lane(polygon, (960, 540))
        assert not any(things_in(lane, image, [], float(n)) for n, image in enumerate(before))
        after = [np.ascontiguousarray(eye.picture(26.0 + n).image[:, :, ::-1]) for n in range(8)]
        found = [things_in(lane, image, [], 26.0 + n) for n, image in enumerate(after)]
        assert found[-2], kind
        assert found[-1], kind
