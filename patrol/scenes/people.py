"""People: a body of nine moving parts, dressed by seed, walking, standing or riding. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, Singles, box, ellipsoid, grid, merge, tilt_matrix, tube

TRUNK, ARM_L, ARM_R, FOREARM_L, FOREARM_R, THIGH_L, THIGH_R, SHIN_L, SHIN_R = range(9)
HIP_Z, KNEE_Z, SHOULDER_Z, ELBOW_Z = 0.525, 0.285, 0.815, 0.635  # shares of the body's height

SKINS = (srgb(222, 180, 150), srgb(205, 160, 128), srgb(186, 140, 108), srgb(140, 98, 72), srgb(92, 62, 45))
TOPS = (
    srgb(235, 235, 232), srgb(25, 26, 30), srgb(60, 65, 75), srgb(170, 30, 35), srgb(35, 60, 120), srgb(90, 140, 190),
    srgb(220, 190, 60), srgb(60, 100, 60), srgb(200, 120, 150), srgb(150, 150, 150), srgb(120, 85, 60), srgb(230, 110, 30),
)  # fmt: skip
BOTTOMS = (
    srgb(22, 23, 28),
    srgb(40, 52, 80),
    srgb(75, 90, 115),
    srgb(110, 100, 85),
    srgb(55, 55, 58),
    srgb(190, 180, 165),
)


@dataclass(frozen=True)
class Stance:
    """Angles in degrees. Left and right: thigh forward, knee bent, arm forward, elbow bent; lean forward of the trunk."""

    thighs: tuple[float, float] = (0.0, 0.0)
    knees: tuple[float, float] = (3.0, 3.0)
    arms: tuple[float, float] = (2.0, 2.0)
    elbows: tuple[float, float] = (12.0, 12.0)
    lean: float = 0.0
    lift_m: float = 0.0


def walking(phase: float, brisk: float = 1.0) -> Stance:
    """A walk cycle; `phase` in radians, 2 pi is two steps."""
    swing, s, c = 27.0 * brisk, sin(phase), cos(phase)
    return Stance(
        (swing * s, -swing * s), (6 + 48 * max(0.0, c) ** 1.5, 6 + 48 * max(0.0, -c) ** 1.5), (-22 * brisk * s, 22 * brisk * s),
        (18 + 10 * brisk, 18 + 10 * brisk), 3.0 * brisk, -0.018 * abs(s),
    )  # fmt: skip


SITTING_SCOOTER = Stance((78, 78), (80, 80), (48, 48), (28, 28), 3.0)


def pedalling(phase: float) -> Stance:
    """Riding a bicycle."""
    s = sin(phase)
    return Stance((52 + 22 * s, 52 - 22 * s), (72 + 28 * s, 72 - 28 * s), (55, 55), (18, 18), 24.0)


@lru_cache(maxsize=4096)
def height_of(seed: int) -> float:
    """Body height in metres of the person that `seed` makes."""
    return float(np.clip(np.random.default_rng([seed, 5]).normal(1.67, 0.085), 1.45, 1.9))


@lru_cache(maxsize=256)
def person(seed: int, helmet: bool = False, umbrella: bool = False) -> Mesh:
    """A standing person of nine parts, at true height; pose it with `joints`."""
    rng = np.random.default_rng([seed, 23])
    skin, hair = (
        varied(rng, SKINS[int(rng.choice(5, p=[0.35, 0.35, 0.2, 0.06, 0.04]))], 0.05),
        varied(rng, srgb(25, 20, 18), 0.3),
    )
    top, bottom = (
        varied(rng, TOPS[int(rng.integers(len(TOPS)))], 0.2),
        varied(rng, BOTTOMS[int(rng.integers(len(BOTTOMS)))], 0.2),
    )
    shoe = varied(rng, (srgb(30, 30, 30), srgb(225, 225, 225), srgb(90, 60, 40))[int(rng.integers(3))])
    girth = float(np.clip(rng.normal(1.0, 0.1), 0.82, 1.3))
    dress, short_sleeves, shorts = rng.random() < 0.18, rng.random() < 0.55, rng.random() < 0.22
    parts = [_trunk(girth, top, bottom, rng), _head(rng, skin, hair, helmet=helmet)]
    for side, arm, forearm, thigh, shin in (
        (-1, ARM_L, FOREARM_L, THIGH_L, SHIN_L),
        (1, ARM_R, FOREARM_R, THIGH_R, SHIN_R),
    ):
        x, lower = side * 0.135 * (0.6 + 0.4 * girth), skin if short_sleeves else top
        parts.append(
            tube(
                (x, 0, SHOULDER_Z - 0.005), (x * 1.06, 0, ELBOW_Z), (0.033 * girth, 0.026 * girth), Material.CLOTH, top
            ).on_part(arm)
        )
        hand = ellipsoid((x * 1.08, 0.01, 0.47), (0.018, 0.025, 0.042), Material.PLAIN, skin, 4, 6)
        sleeve = tube((x * 1.06, 0, ELBOW_Z + 0.01), (x * 1.08, 0, 0.5), (0.026 * girth, 0.02), Material.CLOTH, lower)
        parts.append(merge([sleeve, hand]).on_part(forearm))
        hip = side * 0.052 * girth
        cloth = skin if dress else bottom
        parts.append(
            tube(
                (hip, 0, HIP_Z),
                (hip * 1.02, 0, KNEE_Z - 0.01),
                (0.058 * girth, 0.039 * girth),
                Material.CLOTH,
                cloth,
                8,
            ).on_part(thigh)
        )
        calf = tube(
            (hip * 1.02, 0, KNEE_Z + 0.015),
            (hip * 1.05, 0, 0.05),
            (0.041 * girth, 0.026),
            Material.CLOTH,
            skin if dress or shorts else bottom,
            8,
        )
        foot = merge([box((0.05, 0.145, 0.04), (hip * 1.05, 0.035, 0.0), Material.PLAIN, shoe)])
        parts.append(merge([calf, foot]).on_part(shin))
    if dress:
        turn = np.arange(10) * 2 * pi / 10
        rings = [np.stack([np.cos(turn) * w * girth, np.sin(turn) * d * girth, np.full(10, z)], -1)
                 for z, w, d in ((0.62, 0.083, 0.06), (0.5, 0.115, 0.09), (0.33, 0.15, 0.13))]  # fmt: skip
        parts.append(grid(np.stack(rings), Material.CLOTH, top if rng.random() < 0.5 else bottom, around=True))
    if rng.random() < 0.35:
        parts.append(_bag(rng))
    if umbrella:
        parts += _umbrella(rng)
    mesh = merge(parts)
    return replace(mesh, corners=mesh.corners * np.float32(height_of(seed)))


def _trunk(girth: float, top: Colour, bottom: Colour, rng: np.random.Generator) -> Mesh:
    turn = np.arange(10) * 2 * pi / 10
    rows = ((0.465, 0.07, 0.05), (0.5, 0.1, 0.068), (0.56, 0.098, 0.066), (0.625, 0.088, 0.06), (0.72, 0.105, 0.066),
            (0.785, 0.122, 0.062), (0.825, 0.112, 0.05), (0.85, 0.045, 0.04), (0.875, 0.032, 0.034))  # fmt: skip
    loose = 1.0 + 0.15 * rng.random()
    rings = [
        np.stack([np.cos(turn) * w * girth, np.sin(turn) * d * girth * loose, np.full(10, z)], -1) for z, w, d in rows
    ]
    hips = grid(np.stack(rings[:3]), Material.CLOTH, bottom, around=True)
    return merge([hips, grid(np.stack(rings[2:]), Material.CLOTH, top, around=True)])


def _head(rng: np.random.Generator, skin: Colour, hair: Colour, *, helmet: bool) -> Mesh:
    head = ellipsoid((0, 0.008, 0.928), (0.046, 0.056, 0.068), Material.PLAIN, skin, 7, 10)
    if helmet:
        shell = varied(
            rng,
            (srgb(240, 190, 20), srgb(30, 110, 200), srgb(235, 235, 235), srgb(20, 20, 20), srgb(200, 40, 40))[
                int(rng.integers(5))
            ],
        )
        return merge(
            [head, ellipsoid((0, 0.0, 0.935), (0.062, 0.075, 0.078), Material.CAR_PAINT, shell, 5, 10, top_only=True)]
        )
    cap = ellipsoid((0, -0.008, 0.938), (0.053, 0.06, 0.066), Material.CLOTH, hair, 5, 10, top_only=True)
    back = ellipsoid((0, -0.02, 0.925), (0.05, 0.05, 0.06), Material.CLOTH, hair, 5, 8)
    extra: list[Mesh] = []
    if rng.random() < 0.35:  # long hair
        extra.append(ellipsoid((0, -0.035, 0.88), (0.05, 0.035, 0.08), Material.CLOTH, hair, 5, 8))
    if rng.random() < 0.2:  # a brimmed hat
        hat = varied(rng, TOPS[int(rng.integers(len(TOPS)))])
        extra.append(ellipsoid((0, 0, 0.95), (0.062, 0.068, 0.055), Material.CLOTH, hat, 4, 10, top_only=True))
        extra.append(ellipsoid((0, 0.05, 0.952), (0.055, 0.075, 0.01), Material.CLOTH, hat, 4, 10))
    return merge([head, cap, back, *extra])


def _bag(rng: np.random.Generator) -> Mesh:
    colour = varied(rng, TOPS[int(rng.integers(len(TOPS)))], 0.3)
    if rng.random() < 0.6:
        return ellipsoid((0, -0.1, 0.7), (0.085, 0.06, 0.12), Material.CLOTH, colour, 6, 8)
    side = -1.0 if rng.random() < 0.5 else 1.0
    return box((0.05, 0.16, 0.15), (side * 0.165, 0.0, 0.33), Material.CLOTH, colour)


def _umbrella(rng: np.random.Generator) -> list[Mesh]:
    colour = varied(rng, TOPS[int(rng.integers(len(TOPS)))], 0.2)
    return [
        ellipsoid((0.1, 0.08, 1.04), (0.31, 0.31, 0.13), Material.CLOTH, colour, 4, 10, top_only=True),
        tube((0.1, 0.08, 0.62), (0.1, 0.08, 1.17), (0.005, 0.005), Material.METAL, (0.3, 0.3, 0.3), 4),
    ]


def joints(stance: Stance, height_m: float) -> Singles:
    """(9, 3, 4) rotation and shift of each part of a `person` of this height in a stance."""
    lean = _about((0.0, HIP_Z), tilt_matrix(-stance.lean))
    lean[2, 3] += stance.lift_m / height_m
    rest = np.eye(4, dtype=np.float64)
    rest[2, 3] = stance.lift_m / height_m
    out = np.empty((9, 3, 4), np.float32)
    out[TRUNK] = lean[:3]
    for side, (arm, forearm, thigh, shin) in enumerate(
        ((ARM_L, FOREARM_L, THIGH_L, SHIN_L), (ARM_R, FOREARM_R, THIGH_R, SHIN_R))
    ):
        upper = lean @ _about((0.0, SHOULDER_Z), tilt_matrix(stance.arms[side]))
        out[arm] = upper[:3]
        out[forearm] = (upper @ _about((0.0, ELBOW_Z), tilt_matrix(stance.elbows[side])))[:3]
        leg = rest @ _about((0.0, HIP_Z), tilt_matrix(stance.thighs[side]))
        out[thigh] = leg[:3]
        out[shin] = (leg @ _about((0.0, KNEE_Z), tilt_matrix(-stance.knees[side])))[:3]
    out[:, :, 3] *= height_m
    return out


def _about(joint: tuple[float, float], turn: Singles) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(4, 4): a rotation about an axis through (y, z) of the joint, in shares of the body's height."""
    matrix = np.eye(4)
    centre = np.array([0.0, joint[0], joint[1]])
    matrix[:3, :3] = turn
    matrix[:3, 3] = centre - np.asarray(turn, float) @ centre
    return matrix


def posed_person(seed: int, stance: Stance, *, helmet: bool = False, umbrella: bool = False) -> Mesh:
    """A person of `seed` in a stance, in the object's own frame; the lower foot is on the ground when upright."""
    return person(seed, helmet, umbrella).posed(joints(stance, height_of(seed)))
