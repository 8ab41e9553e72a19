"""Camera.locate_on: where a pixel meets a terrain, against planes that have a formula and against sampling."""

from __future__ import annotations

from math import radians, tan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.geo import CHI2_95_2D, Camera, Lens, Pose, PoseSigma

LENS = Lens.from_hfov(960, 720, 60)
SIGMA = PoseSigma(0.6, 0.4, 0.8, 0.4)
PIXELS = st.tuples(st.floats(50, 900), st.floats(50, 670))
POSES = st.builds(
    Pose, st.floats(-50, 50), st.floats(-50, 50), st.floats(40, 120), st.floats(0, 360), st.floats(-90, -50)
)


@given(POSES, PIXELS, st.floats(-10, 20))
def test_a_level_surface_is_a_plane(pose: Pose, pixel: tuple[float, float], height_m: float) -> None:
    """On a level surface the place and its covariance are those of `locate` on that plane."""
    camera = Camera(LENS, pose)
    found, plane = camera.locate_on(pixel, SIGMA, lambda _e, _n: height_m), camera.locate(pixel, SIGMA, height_m)
    assert found is not None
    assert plane is not None
    assert found[1] == height_m
    assert np.hypot(found[0].east_m - plane.east_m, found[0].north_m - plane.north_m) < 1e-3
    assert np.allclose(found[0].covariance_m2, plane.covariance_m2, rtol=1e-3)


@given(POSES, PIXELS, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_the_place_lies_on_the_surface_and_under_the_pixel(
    pose: Pose, pixel: tuple[float, float], east_slope: float, north_slope: float
) -> None:
    """Projected back, the place and the surface's height there give the pixel again."""
    camera = Camera(LENS, pose)
    found = camera.locate_on(pixel, SIGMA, lambda e, n: east_slope * e + north_slope * n)
    if found is None:
        return
    point, height_m = found
    assert height_m == pytest.approx(east_slope * point.east_m + north_slope * point.north_m)
    assert np.hypot(*(camera.project([(point.east_m, point.north_m, height_m)])[0] - pixel)) < 0.01


def test_the_nearer_of_two_hills_is_met() -> None:
    """A ray over a ridge towards a valley stops at the ridge when it meets it, and passes when it does not."""
    camera = Camera(LENS, Pose(0, 0, 30, 0, -30))

    def ridge(high_m: float) -> float:
        found = camera.locate_on((480, 360), SIGMA, lambda _e, n: high_m if 25 < n < 30 else 0.0)
        assert found is not None
        return found[0].north_m

    assert 25 <= ridge(20.0) <= 30.5
    assert ridge(5.0) == pytest.approx(30 / tan(radians(30)), abs=0.2)


def test_the_ellipse_on_a_slope_holds_what_it_says() -> None:
    """On a slope of 22 degrees, 95 % of places found with noisy poses, pixels and terrain lie in the stated ellipse."""
    dice = np.random.default_rng(4)

    def slope(east_m: float, north_m: float) -> float:
        return 0.4 * north_m + 0.1 * east_m

    true = Pose(3, -40, 45, 20, -55, 2)
    pixel = (600.0, 300.0)
    exact = Camera(LENS, true).locate_on(pixel, SIGMA, slope)
    assert exact is not None
    truth = np.array([exact[0].east_m, exact[0].north_m])
    hits = 0
    for _ in range(1500):
        off = dice.normal(size=6) * [0.6, 0.6, 0.4, 0.8, 0.4, 0.4]
        pose = Pose(3 + off[0], -40 + off[1], 45 + off[2], 20 + off[3], -55 + off[4], 2 + off[5])
        lifted = float(dice.normal(0, 0.7))
        seen = (pixel[0] + float(dice.normal(0, 2)), pixel[1] + float(dice.normal(0, 2)))
        found = Camera(LENS, pose).locate_on(seen, SIGMA, lambda e, n, up=lifted: slope(e, n) + up, 0.7)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        assert found is not None
        miss = truth - [found[0].east_m, found[0].north_m]
        hits += bool(miss @ np.linalg.solve(np.array(found[0].covariance_m2), miss) <= CHI2_95_2D)
    assert 0.93 < hits / 1500 < 0.97


def test_nothing_is_met_above_the_horizon() -> None:
    """A pixel of the sky, and one that looks over the edge of the world, have no place."""
    camera = Camera(LENS, Pose(0, 0, 30, 0, 0))
    assert camera.locate_on((480, 10), SIGMA, lambda _e, _n: 0.0) is None
    assert camera.locate_on((480, 700), SIGMA, lambda _e, _n: -1e6) is None
