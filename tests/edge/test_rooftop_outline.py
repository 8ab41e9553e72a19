"""Where a roof ends in a picture whose pose is off, and what a network is shown of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geo import Camera
from patrol_edge.rules.rooftop_change import regions
from patrol_edge.rules.rooftop_judgement import opinion, roof_alone
from patrol_edge.rules.rooftop_outline import outlined_px
from patrol_edge.rules.rooftop_plane import GSD_M, Raster, RoofPicture, parallax_px, seen_roof
from patrol_edge.rules.rooftop_registration import register
from tests.edge.roof_photos import FOOTPRINT, LENS, ROOF, ROOF_M, above, built, painted, photo, shaded, told

PLAIN = painted()
INSIDE = Raster.of(ROOF).mask(FOOTPRINT)


@pytest.mark.parametrize(("east_m", "north_m"), [(0.0, 0.0), (1.3, -0.9), (-2.2, 1.6)])
def test_the_roofs_outline_is_found_where_the_baselines_pose_was_off(east_m: float, north_m: float) -> None:
    """However the baseline's position was off, the footprint is moved to within half a metre of the roof it shows."""
    first, second = above(20), above(200, off_m=8, way_deg=70)
    told_first, told_second = told(first, east_m, north_m, 0.0), told(second, 0.4, -0.5, 1.0)
    before = seen_roof(photo(PLAIN, first), told_first, ROOF)
    after = seen_roof(photo(shaded(PLAIN), second, 0.8, 1), told_second, ROOF)
    assert isinstance(before, RoofPicture)
    assert isinstance(after, RoofPicture)
    fit = register(before, after, INSIDE, parallax_px(ROOF, told_first, told_second))
    assert fit is not None
    middle = np.array([[0.0, 0.0, ROOF_M]])
    raster = Raster.of(ROOF)
    shown = raster.to_pixels(told_first.to_plane(Camera(LENS, first).project(middle), ROOF_M))[0]
    off_px = shown - raster.to_pixels(middle[:, :2])[0]
    assert np.linalg.norm(off_px - np.array(fit.outline_px)) * GSD_M < 0.5


def test_pictures_without_an_edge_leave_the_footprint_where_it_is() -> None:
    """Two even pictures say nothing of where a roof ends: the likeliest is that the pose was right."""
    even = np.full((*INSIDE.shape, 3), 120, np.uint8)
    assert outlined_px(even, even, np.ones(INSIDE.shape, bool), INSIDE, (0.0, 0.0)) == (0, 0)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.4, 1.8), beside=st.integers(0, 255))
def test_what_lies_around_a_roof_is_kept_from_the_network(gain: float, beside: int) -> None:
    """Whatever comes beside a roof, and whatever the light: the network is shown the baseline there, and today's picture on the roof."""
    before = np.full((*INSIDE.shape, 3), 100, np.uint8)
    after = np.where(INSIDE[..., None], np.uint8(100 * gain), np.uint8(beside)) * np.ones(3, np.uint8)
    shown = roof_alone(before, after.astype(np.uint8), INSIDE)
    assert np.abs(shown[INSIDE].astype(int) - int(100 * gain)).max() <= max(3, abs(beside - 100 * gain) * 0.1)
    assert np.abs(shown[0].astype(int) - int(100 * gain)).max() <= 2
    assert np.array_equal(roof_alone(before, after.astype(np.uint8), np.zeros_like(INSIDE)), after)


def test_a_part_of_what_the_network_marks_is_no_whole() -> None:
    """A region that covers all of the network's mark says so, one that covers a part of it says how much."""
    pose = above()
    before, after = (seen_roof(photo(t, pose), Camera(LENS, pose), ROOF) for t in (PLAIN, built(PLAIN)))
    assert isinstance(before, RoofPicture)
    assert isinstance(after, RoofPicture)

    def network(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        del one
        said = np.zeros(other.shape[:2], np.uint8)
        said[INSIDE] = 255
        return said

    said = opinion(network, before.image, after.image, INSIDE)
    whole = [(r.whole, r.mask.sum() / INSIDE.sum()) for r in regions(before.image, after.image, INSIDE, 4.0, said)]
    assert any(share > 0.9 for _, share in whole)
    assert all(w == pytest.approx(share, abs=0.02) for w, share in whole)
