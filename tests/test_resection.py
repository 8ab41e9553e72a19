"""Poses of fixed cameras from known points: found from anywhere near, with an honest uncertainty, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.commands.calibrate import command
from patrol.config import load
from patrol.errors import CalibrationRefused, PointsUnreadable
from patrol.geo import Camera, EastNorth, Floats, Lens, LocalFrame, Pose, normalise_deg
from patrol.resection import resect

LENS = Lens.from_hfov(1280, 720, 68)
CONFIG = Path(__file__).parents[1] / "config.yaml"


def scene(rng: np.random.Generator, count: int) -> tuple[Pose, Floats, Floats]:
    """A camera on a pole or roof, the pixels of `count` points spread over its picture, and their places."""
    low, high = (-5, -5, 4, -180, -60, -3), (5, 5, 25, 180, -15, 3)
    east_m, north_m, up_m, yaw_deg, pitch_deg, roll_deg = (float(value) for value in rng.uniform(low, high))
    pose = Pose(east_m, north_m, up_m, yaw_deg, pitch_deg, roll_deg)
    corners = np.array([(0.1, 0.95), (0.9, 0.95), (0.15, 0.45), (0.85, 0.5)])
    spread = np.concatenate([corners, rng.uniform((0.05, 0.4), (0.95, 0.98), (count - 4, 2))])
    pixels = (spread + rng.uniform(-0.04, 0.04, spread.shape)) * (LENS.width_px, LENS.height_px)
    heights_m = rng.choice([0.0, 0.0, 0.15, 1.2], count)
    camera = Camera(LENS, pose)
    places = np.array([camera.to_plane([pixel], height)[0] for pixel, height in zip(pixels, heights_m, strict=True)])
    return pose, pixels, np.column_stack([places, heights_m])


def guess_near(pose: Pose, rng: np.random.Generator) -> Pose:
    """A pose as an installer would write it from memory."""
    return Pose(
        pose.east_m + rng.uniform(-8, 8), pose.north_m + rng.uniform(-8, 8), pose.up_m * rng.uniform(0.6, 1.6),
        pose.yaw_deg + rng.uniform(-180, 180), -30.0,
    )  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(5, 12))
def test_an_exact_pose_is_found_from_any_direction(seed: int, count: int) -> None:
    """Points without error give the pose to a millimetre, though the guess looks the wrong way and stands elsewhere."""
    rng = np.random.default_rng(seed)
    pose, pixels, points = scene(rng, count)
    if np.isnan(points).any() or np.abs(points).max() > 200:
        return
    found = resect(LENS, pixels, points, guess_near(pose, rng))
    assert np.abs(found.pose.centre_m - pose.centre_m).max() < 1e-3
    assert abs(normalise_deg(found.pose.yaw_deg - pose.yaw_deg)) < 1e-3
    assert found.rms_px < 1e-3


def test_the_stated_uncertainty_holds() -> None:
    """With points picked to 1.5 px, the ellipse of a place that the found camera locates holds the truth in 95 % of cases, or more."""
    rng, held, sizes = np.random.default_rng(7), list[bool](), list[float]()
    while len(held) < 120:
        pose, pixels, points = scene(rng, 8)
        if np.isnan(points).any() or np.abs(points).max() > 120:
            continue
        try:
            found = resect(LENS, pixels + rng.normal(0, 1.5, pixels.shape), points, pose, 1.5)
        except CalibrationRefused:
            continue
        pixel = (rng.uniform(200, 1080), rng.uniform(400, 700))
        truth = Camera(LENS, pose).to_plane([pixel])[0]
        place = Camera(LENS, found.pose).locate(pixel, found.sigma)
        assert place is not None
        off = np.array([place.east_m, place.north_m]) - truth
        held.append(bool(off @ np.linalg.inv(np.array(place.covariance_m2)) @ off < 5.991))
        sizes.append(place.ellipse_95[0])
    assert np.mean(held) >= 0.93
    assert np.median(sizes) < 2.0


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(0, 7))
def test_a_wrong_point_is_named(seed: int, wrong: int) -> None:
    """One of eight points measured four metres off is the one that is named; without it nobody is."""
    rng = np.random.default_rng(seed)
    pose, pixels, points = scene(rng, 8)
    if np.isnan(points).any() or np.abs(points - np.append(pose.centre_m[:2], 0)).max() > 60:
        return
    noisy = pixels + rng.normal(0, 0.3, pixels.shape)
    assert resect(LENS, noisy, points, pose).suspect is None
    points[wrong, :2] += (4.0, -4.0)
    assert resect(LENS, noisy, points, pose).suspect in {wrong, None}
    near = np.hypot(*(points[wrong, :2] - pose.centre_m[:2])) < 15
    assert resect(LENS, noisy, points, pose).suspect == wrong or not near


@pytest.mark.parametrize("points", [
    [(0, 10, 0), (0, 20, 0), (0, 30, 0), (0, 40, 0), (0, 50, 0)], [(0, 10, 0)] * 6, [(1, 10, 0), (2, 20, 0), (-3, 15, 0)],
    [(0, 10, float("nan")), (1, 20, 0), (2, 30, 0), (9, 12, 0)], [(5.0 + 0.01 * n, 80.0 + 0.013 * n * n, 0) for n in range(6)],
])  # fmt: skip
def test_points_that_tell_nothing_are_refused(points: list[tuple[float, float, float]]) -> None:
    """On a line, in one place, too few, with a hole, or all far away and close together: refused with the reason in both languages."""
    pose = Pose(0, 0, 6, 0, -20)
    pixels = np.nan_to_num(Camera(LENS, pose).project(points), nan=3.0)
    with pytest.raises(CalibrationRefused) as refused:
        resect(LENS, pixels, points, pose)
    assert refused.value.explain("zh-CN") != refused.value.explain("en")


def test_the_command_finds_the_gate_camera_again(tmp_path: Path) -> None:
    """From a file of points of the demo district's gate camera the command prints the pose that the configuration has."""
    camera = next(c for c in load(CONFIG).cameras if c.id == "gate")
    assert camera.pose is not None
    frame = LocalFrame(camera.pose.at)
    pixels = [(200.4, 690.1), (1100.7, 650.2), (300.9, 330.6), (900.2, 300.3), (640.5, 420.8), (500.1, 560.4)]
    places = Camera(camera.lens.geo, camera.pose.geo(frame)).to_plane(pixels)
    rows = ["x_px,y_px,longitude_deg,latitude_deg"]
    for (x, y), place in zip(pixels, places, strict=True):
        at = frame.to_wgs84(EastNorth(*place))
        rows.append(f"{x},{y},{at.lon_deg:.9f},{at.lat_deg:.9f}")
    file = tmp_path / "points.csv"
    file.write_text("\n".join(rows))
    said = (
        CliRunner()
        .invoke(command, [str(file), "--camera", "gate", "--config", str(CONFIG)], catch_exceptions=False)
        .output
    )
    assert "at: [114.0584852, 22.5430910]" in said
    assert "height_m: 6.50\n  yaw_deg: 7.00\n  pitch_deg: -13.00\n  roll_deg: " in said
    file.write_text(rows[0] + "\n1,2,22.5,114.05\n")
    with pytest.raises(PointsUnreadable, match=r"line 2.*swapped"):
        CliRunner().invoke(command, [str(file), "--camera", "gate", "--config", str(CONFIG)], catch_exceptions=False)
    file.write_text(rows[0] + "\n1,2,114.05\n")
    with pytest.raises(PointsUnreadable) as short:
        CliRunner().invoke(command, [str(file), "--camera", "gate", "--config", str(CONFIG)], catch_exceptions=False)
    assert "第 2 行：“1,2,114.05,”不是每列一个数" in short.value.explain("zh-CN")
