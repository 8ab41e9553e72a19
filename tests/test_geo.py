"""patrol/geo.py against independent peers: GeographicLib for the earth, OpenCV for lenses, sampling for uncertainty."""

from __future__ import annotations

from math import cos, hypot, isfinite, radians, sin, tan

import cv2
import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given
from hypothesis import strategies as st

from patrol.geo import (
    Camera,
    EastNorth,
    GroundPoint,
    LatLon,
    Lens,
    LocalFrame,
    Pose,
    PoseSigma,
    bearing_deg,
    distance_m,
    ground_sample_distance_m,
    normalise_deg,
    polygon_area_m2,
)

# Where districts are: not at the poles, where bearings mean little.
PLACES = st.builds(LatLon, st.floats(-75, 75), st.floats(-180, 180))
DISTRICT_M = 15_000
OFFSETS_M = st.builds(EastNorth, st.floats(-DISTRICT_M, DISTRICT_M), st.floats(-DISTRICT_M, DISTRICT_M)).filter(
    lambda p: hypot(*p) <= DISTRICT_M
)
LENSES = st.builds(
    Lens.from_hfov, st.sampled_from([640, 1280, 3840]), st.sampled_from([480, 720, 2160]), st.floats(20, 110)
)
POSES = st.builds(
    Pose,
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.floats(2, 150),
    st.floats(-180, 180),
    st.floats(-90, -5),
    st.floats(-20, 20),
)
# Lenses with distortion as real cameras have it; the model stays one-to-one over the picture.
DISTORTED = st.builds(
    lambda hfov, k1, k2, p1, p2, k3: Lens(
        1280, 720, 640 / tan(radians(hfov) / 2), 650 / tan(radians(hfov) / 2), 633.2, 371.9, k1, k2, p1, p2, k3
    ),
    st.floats(40, 75),
    st.floats(-0.2, 0.2),
    st.floats(-0.03, 0.03),
    st.floats(-0.002, 0.002),
    st.floats(-0.002, 0.002),
    st.floats(-0.005, 0.005),
)


@given(PLACES, PLACES)
def test_distances_and_bearings_agree_with_geographiclib(a: LatLon, b: LatLon) -> None:
    """Lengths agree with GeographicLib to a micrometre anywhere on earth, bearings to 1e-8 degrees at any real distance."""
    peer = Geodesic.WGS84.Inverse(*a, *b)
    assert distance_m(a, b) == pytest.approx(peer["s12"], abs=1e-6)
    if 1 < peer["s12"] < 19_900_000:  # at the antipode every direction is the shortest
        assert normalise_deg(bearing_deg(a, b) - peer["azi1"]) == pytest.approx(0, abs=1e-6)


@given(PLACES, OFFSETS_M)
def test_the_local_frame_is_what_geographiclib_says(origin: LatLon, offset: EastNorth) -> None:
    """A point at (east, north) lies at that distance and bearing from the origin, to a tenth of a millimetre.

    Nearer than a millimetre PROJ may answer with the origin itself.
    """
    point = LocalFrame(origin).to_wgs84(offset)
    peer = Geodesic.WGS84.Inverse(*origin, *point)
    azimuth, off_m = radians(peer["azi1"]), 1e-4 if hypot(*offset) > 1e-3 else 1e-3
    assert peer["s12"] * sin(azimuth) == pytest.approx(offset.east_m, abs=off_m)
    assert peer["s12"] * cos(azimuth) == pytest.approx(offset.north_m, abs=off_m)


@given(PLACES, OFFSETS_M)
def test_local_and_back(origin: LatLon, offset: EastNorth) -> None:
    """From the local frame to WGS 84 and back is the same point to a millimetre, one by one and as arrays."""
    frame = LocalFrame(origin)
    point = frame.to_wgs84(offset)
    assert tuple(frame.to_local(point)) == pytest.approx(tuple(offset), abs=1e-3)
    many = frame.many_to_wgs84([offset, (0.0, 0.0)])
    assert many[0] == pytest.approx(point, abs=1e-12)
    back = frame.many_to_local(many[:, 0], many[:, 1])
    assert back == pytest.approx(np.array([offset, (0.0, 0.0)]), abs=1e-3)


@given(PLACES, OFFSETS_M, st.floats(0, 360))
def test_scale_holds_within_a_district(origin: LatLon, offset: EastNorth, bearing: float) -> None:
    """A kilometre anywhere within 15 km of the origin is a kilometre in the frame to 1 in a million, in any direction."""
    other = EastNorth(offset.east_m + 1000 * sin(radians(bearing)), offset.north_m + 1000 * cos(radians(bearing)))
    assume(hypot(*other) <= DISTRICT_M)
    frame = LocalFrame(origin)
    assert distance_m(frame.to_wgs84(offset), frame.to_wgs84(other)) == pytest.approx(1000, rel=1e-6)


@given(LENSES, POSES, st.floats(0, 1), st.floats(0, 1), st.floats(-5, 5))
def test_pixel_to_ground_and_back(lens: Lens, pose: Pose, u: float, v: float, height_m: float) -> None:
    """A pixel that sees the plane projects back onto itself, for any lens, pose and height of the plane."""
    assume(height_m < pose.up_m - 1)
    camera, pixel = Camera(lens, pose), (u * (lens.width_px - 1), v * (lens.height_px - 1))
    ground = camera.to_plane([pixel], height_m)[0]
    assume(np.isfinite(ground).all() and hypot(*(ground - pose.centre_m[:2])) < 5000)
    back = camera.project([[*ground, height_m]])[0]
    assert back == pytest.approx(pixel, abs=1e-4)


@given(LENSES, POSES, st.floats(-300, 300), st.floats(-300, 300))
def test_ground_to_pixel_and_back(lens: Lens, pose: Pose, east_m: float, north_m: float) -> None:
    """A ground point in front of the camera is found again from its pixel; one behind it has no pixel."""
    camera, point = Camera(lens, pose), np.array([pose.east_m + east_m, pose.north_m + north_m, 0.0])
    depth_m = float((point - pose.centre_m) @ pose.world_from_camera()[:, 2])
    pixel = camera.project([point])[0]
    assert np.isfinite(pixel).all() == (depth_m > 1e-9)
    if depth_m > 0.5:
        assert camera.to_plane([pixel])[0] == pytest.approx(point[:2], abs=1e-3)


@given(POSES)
def test_attitude_means_what_the_module_says(pose: Pose) -> None:
    """The axes are a right-handed rotation; forward has the stated yaw and pitch; positive roll lowers the right side."""
    axes = pose.world_from_camera()
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    right, down, forward = axes.T
    assert forward[2] == pytest.approx(sin(radians(pose.pitch_deg)), abs=1e-12)
    assert forward[:2] == pytest.approx(
        cos(radians(pose.pitch_deg)) * np.array([sin(radians(pose.yaw_deg)), cos(radians(pose.yaw_deg))]), abs=1e-12
    )
    assert right[2] == pytest.approx(-sin(radians(pose.roll_deg)) * cos(radians(pose.pitch_deg)), abs=1e-12)
    assert down[2] <= 1e-12 or abs(pose.pitch_deg) > 89


@pytest.mark.parametrize(
    ("yaw_deg", "point", "side"),
    [(0, (10, 50, 0), "right"), (90, (50, -10, 0), "right"), (180, (-10, -50, 0), "right"), (0, (-10, 50, 0), "left")],
)
def test_east_is_right_when_looking_north(yaw_deg: float, point: tuple[float, float, float], side: str) -> None:
    """Hand-checked directions: yaw turns clockwise from north, the ground is in the lower half of a level picture."""
    pixel = Camera(Lens.from_hfov(1280, 720, 60), Pose(0, 0, 5, yaw_deg, 0)).project([point])[0]
    assert (pixel[0] > 639.5) == (side == "right")
    assert pixel[1] > 359.5


def test_straight_down() -> None:
    """Looking straight down from 100 m, the footprint is as large as its angle says and the GSD agrees with it."""
    lens = Lens.from_hfov(4000, 3000, 84)
    camera = Camera(lens, Pose(10, 20, 100, 0, -90))
    corners = camera.footprint()
    width_m = 2 * 100 * tan(radians(42))
    assert corners[1] - corners[0] == pytest.approx([width_m, 0], abs=1e-9)
    assert corners[0] == pytest.approx([10 - width_m / 2, 20 + width_m * 3 / 8], abs=1e-6)
    assert polygon_area_m2(corners) == pytest.approx(width_m * width_m * 0.75)
    assert ground_sample_distance_m(lens, 100) == pytest.approx(width_m / 4000)


def test_above_the_horizon_is_nowhere() -> None:
    """A pixel at or above the horizon is NaN on the ground, and has no location; below it has one."""
    camera = Camera(Lens.from_hfov(1280, 720, 60), Pose(0, 0, 8, 30, 0))
    ground = camera.to_plane([(640, 100), (640, 359.5), (640, 700)])
    assert np.isnan(ground[:2]).all()
    assert np.isfinite(ground[2]).all()
    sigma = PoseSigma(0.5, 0.2, 1, 0.5)
    assert camera.locate((640, 100), sigma) is None
    assert camera.locate((640, 700), sigma) is not None
    assert np.isnan(camera.footprint()[:2]).all()


@given(LENSES, POSES, st.floats(0, 1), st.floats(0, 1))
def test_a_location_is_finite_or_none(lens: Lens, pose: Pose, u: float, v: float) -> None:
    """Whatever the pixel, also a hair below the horizon, a location has a finite, symmetric, positive covariance or is None."""
    camera = Camera(lens, pose)
    found = camera.locate((u * lens.width_px, v * lens.height_px), PoseSigma(0.5, 0.2, 1.0, 0.5))
    if found is not None:
        covariance = np.array(found.covariance_m2)
        assert np.isfinite(covariance).all()
        assert covariance == pytest.approx(covariance.T)
        assert np.linalg.eigvalsh(covariance)[0] >= 0
        major_m, minor_m, bearing = found.ellipse_95
        assert isfinite(major_m)
        assert major_m >= minor_m >= 0
        assert 0 <= bearing < 180


@pytest.mark.parametrize("below_px", [1e-9, 1e-7, 1e-5, 1e-4, 2e-4, 1e-3])
def test_a_hair_below_the_horizon(below_px: float) -> None:
    """The derivative's own step over the horizon does not turn into NaN that would reach the wire."""
    camera = Camera(Lens.from_hfov(1280, 720, 60), Pose(0, 0, 8, 30, 0))
    found = camera.locate((640, 359.5 + below_px), PoseSigma(0.5, 0.2, 1.0, 0.5))
    assert found is None or np.isfinite(found.covariance_m2).all()


@pytest.mark.parametrize(
    ("pitch_deg", "pixel"),
    [(-20, (640.0, 500.0)), (-45, (200.0, 360.0)), (-70, (1000.0, 100.0)), (-90, (640.0, 360.0))],
)
def test_the_ellipse_holds_95_percent_of_the_truth(pitch_deg: float, pixel: tuple[float, float]) -> None:
    """2,000 noisy measurements of one point: between 93.5 and 96.5 % of their 95 % ellipses hold the true point."""
    rng = np.random.default_rng(7)
    lens, sigma = Lens.from_hfov(1280, 720, 68), PoseSigma(0.5, 0.2, 1.0, 0.5, 2.0)
    true_pose = Pose(12, -7, 9, 33, pitch_deg, 4)
    truth = Camera(lens, true_pose).to_plane([pixel])[0]
    held, trials = 0, 2000
    for _ in range(trials):
        east, north, up, yaw, pitch, roll, x, y = rng.normal(size=8)
        measured = Pose(
            true_pose.east_m + sigma.position_m * east,
            true_pose.north_m + sigma.position_m * north,
            true_pose.up_m + sigma.height_m * up,
            true_pose.yaw_deg + sigma.yaw_deg * yaw,
            true_pose.pitch_deg + sigma.tilt_deg * pitch,
            true_pose.roll_deg + sigma.tilt_deg * roll,
        )
        picked = (pixel[0] + sigma.pixel_px * x, pixel[1] + sigma.pixel_px * y)
        found = Camera(lens, measured).locate(picked, sigma)
        held += found is not None and inside_ellipse(found, truth[0], truth[1])
    assert 0.935 <= held / trials <= 0.965, held / trials


def inside_ellipse(found: GroundPoint, east_m: float, north_m: float) -> bool:
    """Whether the 95 % ellipse, drawn from its axes and bearing as a reader of the wire would, holds the point."""
    major_m, minor_m, bearing = found.ellipse_95
    east_m, north_m = east_m - found.east_m, north_m - found.north_m
    along = east_m * sin(radians(bearing)) + north_m * cos(radians(bearing))
    across = east_m * cos(radians(bearing)) - north_m * sin(radians(bearing))
    return (along / major_m) ** 2 + (across / minor_m) ** 2 <= 1


def opencv_matrix(
    lens: Lens,
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Camera matrix and distortion coefficients in OpenCV's order."""
    matrix = np.array([[lens.fx_px, 0, lens.cx_px], [0, lens.fy_px, lens.cy_px], [0, 0, 1]])
    return matrix, np.array([lens.k1, lens.k2, lens.p1, lens.p2, lens.k3])


@given(DISTORTED, st.lists(st.tuples(st.floats(-1, 1), st.floats(-0.6, 0.6), st.floats(1, 80)), min_size=1, max_size=6))
def test_projection_agrees_with_opencv(lens: Lens, seen: list[tuple[float, float, float]]) -> None:
    """`pixels` puts points where OpenCV's projectPoints puts them, with all five distortion coefficients."""
    points = np.array([(x * z, y * z, z) for x, y, z in seen])
    matrix, distortion = opencv_matrix(lens)
    peer, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, distortion)
    assert lens.pixels(points) == pytest.approx(peer[:, 0], abs=1e-6)


@given(POSES)
def test_a_pose_agrees_with_opencv(pose: Pose) -> None:
    """The rotation is the one that OpenCV's Rodrigues makes of the same turns: yaw, then pitch, then roll."""
    yaw, _ = cv2.Rodrigues(np.array([0, 0, -radians(pose.yaw_deg)]))
    pitch, _ = cv2.Rodrigues(np.array([radians(pose.pitch_deg), 0, 0]))
    roll, _ = cv2.Rodrigues(np.array([0, radians(pose.roll_deg), 0]))
    level = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # right, down, forward of a level camera that looks north
    assert pose.world_from_camera() == pytest.approx(yaw @ pitch @ roll @ level, abs=1e-9)


@given(DISTORTED, st.lists(st.tuples(st.floats(0, 1279), st.floats(0, 719)), min_size=1, max_size=6))
def test_undistortion_agrees_with_opencv_and_inverts(lens: Lens, seen: list[tuple[float, float]]) -> None:
    """`rays` undoes distortion as OpenCV's undistortPoints does, and `pixels` of a ray is the pixel again."""
    matrix, distortion = opencv_matrix(lens)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-12)
    peer = cv2.undistortPoints(np.array(seen)[:, None], matrix, distortion, criteria=criteria)[:, 0]
    rays = lens.rays(seen)
    assert rays[:, :2] / rays[:, 2:] == pytest.approx(peer, abs=1e-6)
    assert np.linalg.norm(rays, axis=1) == pytest.approx(np.ones(len(seen)))
    assert lens.pixels(rays) == pytest.approx(np.array(seen), abs=1e-3)


def test_a_pixel_that_no_ray_reaches_is_nan() -> None:
    """A strong barrel lens has pixels that its formula never reaches: their ray is NaN, not an invented direction."""
    lens = Lens(1280, 720, 400, 400, 639.5, 359.5, k1=-0.35)
    rays = lens.rays([(639.5, 359.5), (800, 450), (1279, 719)])
    assert np.isfinite(rays[:2]).all()
    assert np.isnan(rays[2]).all()
    assert np.isnan(Camera(lens, Pose(0, 0, 10, 0, -45)).to_plane([(1279, 719)])).all()
    assert Camera(lens, Pose(0, 0, 10, 0, -45)).locate((1279, 719), PoseSigma(1, 1, 1, 1)) is None


@given(DISTORTED, st.floats(0, 1279), st.floats(0, 719), st.sampled_from([2, 3, 0.5]))
def test_a_resized_picture_sees_the_same_directions(lens: Lens, x: float, y: float, factor: float) -> None:
    """`scaled_to` keeps the direction of what a pixel shows, with pixel centres at whole numbers as in OpenCV's resize."""
    smaller = lens.scaled_to(int(lens.width_px * factor), int(lens.height_px * factor))
    moved = ((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5)
    assert smaller.rays([moved]) == pytest.approx(lens.rays([(x, y)]), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=9))
def test_area_agrees_with_shapely(corners: list[tuple[float, float]]) -> None:
    """The shoelace area of any corners is that of the peer's ring, whichever way round it goes."""
    ring = shapely.Polygon(corners)
    assume(ring.is_valid)
    assert polygon_area_m2(corners) == pytest.approx(ring.area, abs=1e-6)
    assert polygon_area_m2(corners[::-1]) == pytest.approx(ring.area, abs=1e-6)


@given(st.floats(-1e4, 1e4))
def test_normalised_angles(angle_deg: float) -> None:
    """The same direction, within [-180, 180)."""
    same = normalise_deg(angle_deg)
    assert -180 <= same < 180
    assert cos(radians(same)) == pytest.approx(cos(radians(angle_deg)), abs=1e-9)
    assert sin(radians(same)) == pytest.approx(sin(radians(angle_deg)), abs=1e-9)
