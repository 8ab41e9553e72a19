"""Shots that fit one another refine their poses: bundle adjustment with the reported poses as prior knowledge. Pure.

A receiver and a gimbal say where each picture was taken, each time off by their own errors; what two pictures both show
says how they lie to one another, to a pixel. Together they are better than either. Least squares on the collinearity
equations with every unknown's prior as an observation of its own (Triggs et al., "Bundle adjustment - a modern synthesis",
2000), points eliminated block by block, outliers weighed down (Cauchy).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patrol.geo import Camera, Floats, Lens, Pose, PoseSigma

UNKNOWNS = 6
STEPS = 25
TURN_STEP_DEG, WAY_STEP_M = 1e-4, 1e-3  # for derivatives
OUTLIER_PX = 2.0  # a tie that is off by this much counts half
LEAST_TIES = 12
ENOUGH = 1e-6  # relative gain of a step that ends the search

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shot:
    """One picture: its lens, the pose reported with it, and how far that pose may be off."""

    lens: Lens
    pose: Pose
    sigma: PoseSigma


@dataclass(frozen=True)
class Ties:
    """What is seen in several pictures. shot, point (m,): which picture shows which point; pixels (m, 2): where."""

    shot: Ints
    point: Ints
    pixels: Floats

    @classmethod
    def of(cls, shot: ArrayLike, point: ArrayLike, pixels: ArrayLike) -> Ties:
        """From anything that numpy reads."""
        return cls(np.asarray(shot, np.int64), np.asarray(point, np.int64), np.asarray(pixels, float).reshape(-1, 2))


@dataclass(frozen=True)
class Adjustment:
    """poses: the refined ones, in the shots' order; points_m (p, 3): what was seen, east, north, up.

    sigmas: how far each pose may still be off (from the normal equations, the ties' real scatter included);
    rms_before_px, rms_px: how well the ties fit, outliers weighed down; outliers: share of ties that were weighed below half.
    """

    poses: tuple[Pose, ...]
    sigmas: tuple[PoseSigma, ...]
    points_m: Floats
    rms_before_px: float
    rms_px: float
    outliers: float


def adjusted(
    shots: Sequence[Shot], ties: Ties, ground_m: float, relief_m: float, tie_px: float = 0.7
) -> Adjustment | None:
    """The poses that fit the reports and the ties best; None where fewer than LEAST_TIES tie the shots together.

    ground_m, relief_m   height of the ground and its standard deviation: where the points may lie
    tie_px               standard deviation of a tie's pixel
    """
    if len(ties.shot) < LEAST_TIES or len(shots) < 2:
        return None
    priors = np.array([_vector(shot.pose) for shot in shots])
    scale = np.array([_scale(shot.sigma) for shot in shots])
    poses = priors.copy()
    points = _first_points(shots, poses, ties, ground_m)
    residual = _residuals(shots, poses, points, ties)
    rms_before = _rms(residual, _weights(residual))
    damping, cost = 1e-3, np.inf
    normal = np.eye(UNKNOWNS * len(shots))
    for _ in range(STEPS):
        residual = _residuals(shots, poses, points, ties)
        weights = _weights(residual)
        jacobian_pose, jacobian_point = _derivatives(shots, poses, points, ties, residual)
        normal, right, back = _reduced(
            jacobian_pose, jacobian_point, residual, weights / tie_px**2, ties, (poses - priors) / scale**2, scale,
            (points[:, 2] - ground_m) / relief_m**2, relief_m, len(shots), len(points),
        )  # fmt: skip
        before = _cost(residual, poses, priors, scale, points, ground_m, relief_m, tie_px)
        step = np.asarray(np.linalg.solve(normal + damping * np.diag(np.diag(normal)), right), float)
        moved, shifted = poses + step.reshape(-1, UNKNOWNS), points + back(step)
        after = _cost(
            _residuals(shots, moved, shifted, ties), moved, priors, scale, shifted, ground_m, relief_m, tie_px
        )
        if not after < before:
            damping *= 10
            if damping > 1e6:
                break
            continue
        poses, points, damping = moved, shifted, max(damping / 5, 1e-9)
        if cost - after < ENOUGH * after:
            break
        cost = after
    residual = _residuals(shots, poses, points, ties)
    weights = _weights(residual)
    rms = _rms(residual, weights)
    covariance = np.asarray(np.linalg.inv(normal) * max(1.0, (rms / tie_px) ** 2), float)
    return Adjustment(
        tuple(_pose(row) for row in poses), tuple(_sigma(covariance, n, shots[n].sigma) for n in range(len(shots))),
        points, rms_before, rms, float((weights < 0.5).mean()),
    )  # fmt: skip


def _vector(pose: Pose) -> list[float]:
    return [pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg]


def _pose(row: Floats) -> Pose:
    return Pose(*(float(v) for v in row))


def _scale(sigma: PoseSigma) -> list[float]:
    position, height, yaw, tilt = (
        max(v, 1e-3) for v in (sigma.position_m, sigma.height_m, sigma.yaw_deg, sigma.tilt_deg)
    )
    return [position, position, height, yaw, tilt, tilt]


def _sigma(covariance: Floats, n: int, reported: PoseSigma) -> PoseSigma:
    east, north, up, yaw, pitch, roll = np.sqrt(np.maximum(np.diag(covariance)[n * UNKNOWNS : (n + 1) * UNKNOWNS], 0.0))
    return PoseSigma(
        float(np.hypot(east, north) / 2**0.5),
        float(up),
        float(yaw),
        float(np.hypot(pitch, roll) / 2**0.5),
        reported.pixel_px,
    )


def _first_points(shots: Sequence[Shot], poses: Floats, ties: Ties, ground_m: float) -> Floats:
    """(p, 3): where the reported poses put each point on the ground, on average."""
    count = int(ties.point.max()) + 1
    total, seen = np.zeros((count, 2)), np.zeros(count)
    for n, shot in enumerate(shots):
        rows = ties.shot == n
        on = Camera(shot.lens, _pose(poses[n])).to_plane(ties.pixels[rows], ground_m)
        hit = np.isfinite(on).all(axis=1)
        np.add.at(total, ties.point[rows][hit], on[hit])
        np.add.at(seen, ties.point[rows][hit], 1)
    return np.column_stack([total / np.maximum(seen, 1)[:, None], np.full(count, ground_m)])


def _residuals(shots: Sequence[Shot], poses: Floats, points: Floats, ties: Ties) -> Floats:
    """(m, 2) pixels: where the points are seen, less where they should be. A point behind a camera is far off."""
    off = np.empty((len(ties.shot), 2))
    for n, shot in enumerate(shots):
        rows = ties.shot == n
        off[rows] = ties.pixels[rows] - Camera(shot.lens, _pose(poses[n])).project(points[ties.point[rows]])
    return np.nan_to_num(off, nan=1e4)


def _derivatives(
    shots: Sequence[Shot], poses: Floats, points: Floats, ties: Ties, residual: Floats
) -> tuple[Floats, Floats]:
    """(m, 2, 6) and (m, 2, 3): how the projections move with each unknown."""
    by_pose, by_point = np.empty((len(residual), 2, UNKNOWNS)), np.empty((len(residual), 2, 3))
    for k in range(UNKNOWNS):
        step = WAY_STEP_M if k < 3 else TURN_STEP_DEG
        moved = poses.copy()
        moved[:, k] += step
        by_pose[:, :, k] = (residual - _residuals(shots, moved, points, ties)) / step
    for k in range(3):
        shifted = points.copy()
        shifted[:, k] += WAY_STEP_M
        by_point[:, :, k] = (residual - _residuals(shots, poses, shifted, ties)) / WAY_STEP_M
    return by_pose, by_point


def _weights(residual: Floats) -> Floats:
    """(m,) Cauchy's weights."""
    return np.asarray(1 / (1 + (residual**2).sum(axis=1) / OUTLIER_PX**2))


def _rms(residual: Floats, weights: Floats) -> float:
    return float(np.sqrt((weights * (residual**2).mean(axis=1)).sum() / weights.sum()))


def _cost(
    residual: Floats, poses: Floats, priors: Floats, scale: Floats, points: Floats, ground_m: float, relief_m: float, tie_px: float
) -> float:  # fmt: skip
    ties = OUTLIER_PX**2 * np.log1p((residual**2).sum(axis=1) / OUTLIER_PX**2).sum() / tie_px**2
    return float(ties + (((poses - priors) / scale) ** 2).sum() + (((points[:, 2] - ground_m) / relief_m) ** 2).sum())


def _reduced(
    by_pose: Floats, by_point: Floats, residual: Floats, weights: Floats, ties: Ties, prior_pull: Floats, scale: Floats,
    relief_pull: Floats, relief_m: float, shots: int, points: int,
) -> tuple[Floats, Floats, Callable[[Floats], Floats]]:  # fmt: skip
    """The normal equations of the poses alone, (6 n, 6 n) and (6 n,), and what turns their solution into the points' steps."""
    size = UNKNOWNS * shots
    pose_pose, pose_right = np.zeros((shots, UNKNOWNS, UNKNOWNS)), -prior_pull.copy()
    pose_pose[:, np.arange(UNKNOWNS), np.arange(UNKNOWNS)] = 1 / scale**2
    point_point, point_right = np.zeros((points, 3, 3)), np.zeros((points, 3))
    point_point[:, np.arange(3), np.arange(3)] = 1e-9
    point_point[:, 2, 2] += 1 / relief_m**2
    point_right[:, 2] = -relief_pull
    w = weights[:, None, None]
    np.add.at(pose_pose, ties.shot, by_pose.transpose(0, 2, 1) @ (by_pose * w))
    np.add.at(point_point, ties.point, by_point.transpose(0, 2, 1) @ (by_point * w))
    np.add.at(pose_right, ties.shot, (by_pose.transpose(0, 2, 1) @ (residual * weights[:, None])[..., None])[..., 0])
    np.add.at(point_right, ties.point, (by_point.transpose(0, 2, 1) @ (residual * weights[:, None])[..., None])[..., 0])
    cross = np.zeros((points, 3, size))  # point by pose
    blocks = by_point.transpose(0, 2, 1) @ (by_pose * w)
    columns = ties.shot[:, None] * UNKNOWNS + np.arange(UNKNOWNS)
    np.add.at(cross, (ties.point[:, None, None], np.arange(3)[None, :, None], columns[:, None, :]), blocks)
    inverse = np.linalg.inv(point_point)
    solved = inverse @ cross
    normal = np.zeros((size, size))
    for n in range(shots):
        at = slice(n * UNKNOWNS, (n + 1) * UNKNOWNS)
        normal[at, at] = pose_pose[n]
    normal -= np.einsum("pij,pik->jk", cross, solved)
    right = pose_right.ravel() - np.einsum("pij,pi->j", solved, point_right)

    def back(step: Floats) -> Floats:
        return np.asarray((inverse @ (point_right - cross @ step)[..., None])[..., 0])

    return normal, right, back
