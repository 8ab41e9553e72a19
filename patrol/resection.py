"""Space resection: the pose of a camera from points whose place on the ground and in the picture are known. Pure.

Least squares on the collinearity equations (Kraus, Photogrammetry, 2nd ed. 2007, 4.2), by Levenberg-Marquardt
from several directions around a first guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from patrol.errors import CalibrationRefused, Text
from patrol.geo import Camera, Floats, Lens, Pose, PoseSigma, normalise_deg

UNKNOWNS = 6
LEAST_POINTS = 4  # three have up to four solutions
STEPS = 60
FITS_PX = 3.0
DIFFERENCE = 1e-6  # of a distance
WORST_CONDITION = 1e7  # of the equations, their columns scaled
YAWS_DEG = (0.0, 45.0, -45.0, 90.0, -90.0, 180.0)
PITCHES_DEG = (None, -20.0, -60.0)
LARGEST_SIGMA_M = 5.0
FAR_OFF_PX = 1e4
GROSS = 3.0  # a wrong point leaves so many times more than the others do


@dataclass(frozen=True)
class Resection:
    """A pose that fits its points. `off_px` (n, 2) is what each point is off; `sigma` is how well the pose is known.

    suspect: the index of a point that does not fit the others, or None. The pose includes it nevertheless
    """

    pose: Pose
    off_px: Floats
    rms_px: float
    sigma: PoseSigma
    suspect: int | None


def resect(lens: Lens, pixels: ArrayLike, points_m: ArrayLike, guess: Pose, picked_px: float = 1.0) -> Resection:
    """The pose that sees `points_m` (n, 3: east, north, up) at `pixels` (n, 2).

    guess      from where to look for it: some tens of metres and any direction are near enough
    picked_px  standard deviation of a picked point, pixels; with few points the fit alone would flatter itself

    Raises CalibrationRefused with fewer than four points, with points on a line or too close together, and where
    no pose fits.
    """
    seen, known = np.asarray(pixels, float), np.asarray(points_m, float)
    _check(seen, known)
    pose, off = _fit(lens, seen, known, guess)
    jacobian = _jacobian(lens, known, pose)
    freedom = 2 * len(seen) - UNKNOWNS
    variance_px2 = max(float((off**2).sum()) / freedom, picked_px**2)
    if np.linalg.cond(jacobian / np.maximum(np.linalg.norm(jacobian, axis=0), 1e-12)) > WORST_CONDITION:
        raise _refused("the points lie on a line or in one place", "各点共线或重合")
    covariance = np.linalg.inv(jacobian.T @ jacobian) * variance_px2
    sigma = PoseSigma(
        float(np.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1])),
        float(np.sqrt(covariance[2, 2])),
        float(np.sqrt(covariance[3, 3])),
        float(np.sqrt(np.linalg.eigvalsh(covariance[4:, 4:])[-1])),
        picked_px,
    )
    if max(sigma.position_m, sigma.height_m) > LARGEST_SIGMA_M:
        spread_m = f"{max(sigma.position_m, sigma.height_m):.0f} m"
        raise _refused(
            f"the points leave the camera's place open by {spread_m}: take more, wider apart, near and far",
            f"这些点只能把相机位置确定到 {spread_m}：请多取几点，远近分开",
        )
    rms_px = float(np.sqrt((off**2).sum(axis=1).mean()))
    return Resection(pose, off, rms_px, sigma, _suspect(lens, seen, known, pose, picked_px))


def _check(seen: Floats, known: Floats) -> None:
    if len(seen) != len(known) or seen.ndim != 2 or seen.shape[1:] != (2,) or known.shape[1:] != (3,):
        raise _refused("each point needs x, y and east, north, up", "每个点需要 x、y 和东、北、高")
    if not (np.isfinite(seen).all() and np.isfinite(known).all()):
        raise _refused("a number is missing", "有数字缺失")
    if len(seen) < LEAST_POINTS:
        raise _refused(
            f"{len(seen)} points; at least {LEAST_POINTS} are needed",
            f"只有 {len(seen)} 个点，至少需要 {LEAST_POINTS} 个",
        )


def _fit(lens: Lens, seen: Floats, known: Floats, guess: Pose) -> tuple[Pose, Floats]:
    """The best of all descents; the first that fits well is taken."""
    best: tuple[Pose, Floats] | None = None
    for start in _starts(known, guess):
        pose = _descend(lens, seen, known, start)
        if pose is None:
            continue
        off = _off(lens, seen, known, pose)
        if best is None or (off**2).sum() < (best[1] ** 2).sum():
            best = pose, off
        if np.sqrt((off**2).sum(axis=1).mean()) < FITS_PX:
            break
    if best is None:
        raise _refused("no camera here sees all points in front of it", "没有任何位姿能看到全部点")
    return best


def _starts(known: Floats, guess: Pose) -> Iterator[Pose]:
    """The guess, turned about; and turned to look at the middle of the points."""
    middle = known.mean(axis=0) - guess.centre_m
    ahead_deg = float(np.degrees(np.arctan2(middle[0], middle[1])))
    down_deg = float(np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1]))))
    yield guess
    yield Pose(guess.east_m, guess.north_m, guess.up_m, ahead_deg, down_deg, guess.roll_deg)
    for turn_deg in YAWS_DEG:
        for pitch_deg in PITCHES_DEG:
            pitch = guess.pitch_deg if pitch_deg is None else pitch_deg
            yield Pose(guess.east_m, guess.north_m, guess.up_m, guess.yaw_deg + turn_deg, pitch, guess.roll_deg)


def _off(lens: Lens, seen: Floats, known: Floats, pose: Pose) -> Floats:
    """(n, 2) pixels that each point is off; far off where it is behind the camera."""
    return np.nan_to_num(Camera(lens, pose).project(known) - seen, nan=FAR_OFF_PX)


def _values(pose: Pose) -> Floats:
    return np.array([pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg])


def _jacobian(lens: Lens, known: Floats, pose: Pose) -> Floats:
    """(2n, 6) pixels by metres and degrees; zero where a point is behind the camera.

    A small turn w of the camera moves a point d before it by -w x d: w is down for yaw, level to the right for
    pitch, ahead for roll. What a moved point does in the picture is taken by central differences of the lens.
    """
    turned, away = pose.world_from_camera(), known - pose.centre_m
    yaw = np.radians(pose.yaw_deg)
    axes = np.stack([[0.0, 0.0, -1.0], [np.cos(yaw), -np.sin(yaw), 0.0], turned[:, 2]])
    moves = np.concatenate(
        [np.broadcast_to(-np.eye(3)[:, None], (3, len(known), 3)), np.radians(-np.cross(axes[:, None], away))]
    )
    before = away @ turned
    step = DIFFERENCE * np.linalg.norm(before, axis=1)[:, None]
    along = np.stack(
        [(lens.pixels(before + step * e) - lens.pixels(before - step * e)) / (2 * step) for e in np.eye(3)]
    )
    columns = np.einsum("knc,cnp->npk", moves @ turned, np.nan_to_num(along))
    return np.asarray(columns.reshape(-1, UNKNOWNS))


def _descend(lens: Lens, seen: Floats, known: Floats, start: Pose) -> Pose | None:
    """Levenberg-Marquardt with Marquardt's scaling. None where it ends with a point behind the camera."""
    at, damping = _values(start), 1e-2
    off = _off(lens, seen, known, start).ravel()
    for _ in range(STEPS):
        jacobian = _jacobian(lens, known, Pose(*at))
        normal = jacobian.T @ jacobian
        step = np.linalg.lstsq(
            normal + damping * np.diag(np.maximum(np.diag(normal), 1e-9)), -jacobian.T @ off, rcond=None
        )[0]
        tried = _off(lens, seen, known, Pose(*(at + step))).ravel()
        gain = off @ off - tried @ tried
        if gain > 0:
            at, off, damping = at + step, tried, max(damping / 5, 1e-9)
        else:
            damping *= 4
        if np.abs(step).max() < 1e-8 or 0 <= gain < 1e-10 * (off @ off) or damping > 1e6:
            break
    if np.isnan(Camera(lens, Pose(*at)).project(known)).any() or abs(at[4]) > 90.0:
        return None
    return Pose(
        float(at[0]), float(at[1]), float(at[2]), normalise_deg(float(at[3])), float(at[4]), normalise_deg(float(at[5]))
    )


def _suspect(lens: Lens, seen: Floats, known: Floats, pose: Pose, picked_px: float) -> int | None:
    """The one point without which the others fit, where no other's absence does as well."""
    if len(seen) < LEAST_POINTS + 2:
        return None
    left_px = []
    for n in range(len(seen)):
        others = np.arange(len(seen)) != n
        without = _descend(lens, seen[others], known[others], pose) or pose
        left_px.append(float(np.sqrt((_off(lens, seen[others], known[others], without) ** 2).sum(axis=1).mean())))
    best, second = np.argsort(left_px)[:2]
    return int(best) if left_px[second] > GROSS * max(left_px[best], picked_px) else None


def _refused(english: str, chinese: str) -> CalibrationRefused:
    return CalibrationRefused(cause=Text(english, chinese))
