"""patrol/adjustment.py: poses that fit what the pictures show, against flights whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from patrol.adjustment import LEAST_TIES, Shot, Ties, adjusted
from patrol.geo import Camera, Floats, Lens, Pose, PoseSigma

LENS = Lens.from_hfov(960, 720, 62)
SIGMA = PoseSigma(1.5, 1.5, 2.0, 1.0)


def flight(seed: int, wrong: float = 0.0) -> tuple[list[Pose], list[Shot], Ties]:
    """Six shots 15 m apart over rough ground: the truth, the shots as reported, and ties good to 0.5 px but for `wrong` of them."""
    dice = np.random.default_rng(seed)
    true = [Pose(0, 15 * n, 60, dice.normal(0, 2), -88 + dice.normal(), dice.normal()) for n in range(6)]
    off = dice.normal(size=(6, 6)) * [1.5, 1.5, 1.5, 2, 1, 1]
    shots = [
        Shot(LENS, Pose(p.east_m + o[0], p.north_m + o[1], p.up_m + o[2], p.yaw_deg + o[3], p.pitch_deg + o[4], p.roll_deg + o[5]), SIGMA)
        for p, o in zip(true, off, strict=True)
    ]  # fmt: skip
    points = np.column_stack([dice.uniform(-30, 30, 150), dice.uniform(-20, 95, 150), dice.normal(0, 0.5, 150)])
    shot, point, pixels = [], [], []
    for n, pose in enumerate(true):
        seen = Camera(LENS, pose).project(points)
        inside = (seen > 0).all(axis=1) & (seen < [LENS.width_px, LENS.height_px]).all(axis=1)
        for k in np.nonzero(inside)[0]:
            lost = dice.normal(0, 40, 2) if dice.random() < wrong else 0
            shot.append(n)
            point.append(int(k))
            pixels.append(seen[k] + dice.normal(0, 0.5, 2) + lost)
    return true, shots, Ties.of(shot, point, pixels)


def ground_error_m(true: list[Pose], have: list[Pose]) -> float:
    """Median distance on the ground between where both put some pixels."""
    pixels = [(x, y) for x in (100, 480, 860) for y in (100, 360, 620)]
    apart: list[Floats] = [
        Camera(LENS, a).to_plane(pixels) - Camera(LENS, b).to_plane(pixels) for a, b in zip(true, have, strict=True)
    ]
    return float(np.median(np.linalg.norm(np.concatenate(apart), axis=1)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shots_that_fit_one_another_are_placed_better(seed: int) -> None:
    """Ties at least halve the error on the ground, though one in twenty is wrong by tens of pixels."""
    true, shots, ties = flight(seed, wrong=0.05)
    refined = adjusted(shots, ties, 0.0, 1.0)
    assert refined is not None
    assert refined.rms_px < 1.0 < refined.rms_before_px
    assert 0.02 < refined.outliers < 0.12
    assert ground_error_m(true, list(refined.poses)) < 0.5 * ground_error_m(true, [s.pose for s in shots])


def test_what_is_stated_to_be_left_is_what_is_left() -> None:
    """Over many flights the refined poses' errors, divided by their stated deviations, scatter by about one."""
    scaled = []
    for seed in range(20, 32):
        true, shots, ties = flight(seed)
        refined = adjusted(shots, ties, 0.0, 1.0)
        assert refined is not None
        for pose, truth, sigma in zip(refined.poses, true, refined.sigmas, strict=True):
            scaled += [(pose.east_m - truth.east_m) / sigma.position_m, (pose.north_m - truth.north_m) / sigma.position_m,
                       (pose.up_m - truth.up_m) / sigma.height_m]  # fmt: skip
    assert 0.6 < float(np.std(scaled)) < 1.5


def test_exact_poses_stay() -> None:
    """Where nothing is wrong nothing moves: the adjustment does not invent a better truth."""
    true, _, ties = flight(5)
    refined = adjusted([Shot(LENS, pose, SIGMA) for pose in true], ties, 0.0, 1.0)
    assert refined is not None
    assert ground_error_m(true, list(refined.poses)) < 0.25


def test_too_few_ties_refine_nothing() -> None:
    """A handful of ties, or one shot, gives no answer rather than a bad one."""
    _, shots, ties = flight(6)
    few = Ties(ties.shot[: LEAST_TIES - 1], ties.point[: LEAST_TIES - 1], ties.pixels[: LEAST_TIES - 1])
    assert adjusted(shots, few, 0.0, 1.0) is None
    assert adjusted(shots[:1], ties, 0.0, 1.0) is None
