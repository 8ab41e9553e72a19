"""Bicycles, electric bikes, scooters and motorcycles, and how their riders sit. Pure."""

from __future__ import annotations

from functools import lru_cache
from math import pi
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, box, creased, ellipsoid, grid, merge, tube
from patrol.scenes.people import SITTING_SCOOTER, height_of, pedalling, posed_person

CycleStyle = Literal["bicycle", "ebike", "motorcycle"]
BLACK: Colour = (0.015, 0.015, 0.016)
STEEL: Colour = (0.3, 0.3, 0.31)


def _hoop(y: float, z: float, radius: float, thick: float, sides: int = 16) -> Mesh:
    """A tyre in the plane of travel."""
    turn = np.arange(sides) * 2 * pi / sides
    rings = []
    for r, x in (
        (radius - 2 * thick, 0.0),
        (radius - thick, thick),
        (radius, 0.0),
        (radius - thick, -thick),
        (radius - 2 * thick, 0.0),
    ):
        rings.append(np.stack([np.full(sides, x), y + np.cos(turn) * r, z + np.sin(turn) * r], -1))
    return grid(np.stack(rings), Material.PLAIN, BLACK, around=True)


def _spokes(y: float, z: float, radius: float, count: int, thick: float) -> list[Mesh]:
    turn = np.arange(count) * 2 * pi / count
    return [
        tube((0, y, z), (0, y + np.cos(a) * radius, z + np.sin(a) * radius), (thick, thick), Material.METAL, STEEL, 4)
        for a in turn
    ]


def _bar(a: ArrayLike, b: ArrayLike, radius: float, colour: Colour, material: Material = Material.CAR_PAINT) -> Mesh:
    return tube(a, b, (radius, radius), material, colour, 5)


@lru_cache(maxsize=128)
def cycle(style: CycleStyle, seed: int, parked: bool = False) -> Mesh:
    """A two-wheeler, front along y, wheels on the ground."""
    rng = np.random.default_rng([seed, 41])
    if style == "bicycle":
        return _bicycle(rng, parked=parked)
    return _scooter(rng, heavy=style == "motorcycle")


def _bicycle(rng: np.random.Generator, *, parked: bool) -> Mesh:
    shared = (srgb(250, 200, 20), srgb(40, 150, 220), srgb(70, 190, 120))  # share-bike fleets
    colour = (
        shared[int(rng.integers(3))]
        if rng.random() < 0.5
        else varied(
            rng, (srgb(30, 30, 32), srgb(150, 30, 30), srgb(200, 200, 205), srgb(30, 60, 130))[int(rng.integers(4))]
        )
    )
    r, front, rear = 0.32, 0.53, -0.5
    crank, seat, head = (0, -0.08, 0.29), (0, -0.22, 0.82), (0, 0.36, 0.86)
    parts = [
        _hoop(front, r, r, 0.022),
        _hoop(rear, r, r, 0.022),
        *_spokes(front, r, r - 0.03, 7, 0.003),
        *_spokes(rear, r, r - 0.03, 7, 0.003),
    ]
    for a, b in (
        (crank, seat),
        (crank, (0, 0.4, 0.68)),
        ((0, -0.19, 0.7), (0, 0.38, 0.76)),
        (crank, (0, rear, r)),
        ((0, -0.19, 0.7), (0, rear, r)),
        ((0, front, r), head),
    ):
        parts.append(_bar(a, b, 0.019, colour))
    parts.append(_bar((-0.28, 0.3, 0.98), (0.28, 0.3, 0.98), 0.014, BLACK, Material.PLAIN))
    parts.append(_bar(head, (0, 0.32, 0.98), 0.016, STEEL, Material.METAL))
    parts.append(ellipsoid((0, -0.23, 0.86), (0.07, 0.13, 0.035), Material.PLAIN, BLACK, 4, 8))
    parts.append(_bar((-0.14, -0.08, 0.2), (0.14, -0.08, 0.38), 0.012, BLACK, Material.PLAIN))
    for y in (front, rear):
        turn = np.linspace(0.15 * pi, 0.85 * pi, 6)
        half = np.array([0.025, 0.0, 0.0])
        arc = np.stack([np.zeros(6), y + np.cos(turn) * (r + 0.03), r + np.sin(turn) * (r + 0.03)], -1)
        parts.append(grid(np.stack([arc + half, arc - half]), Material.CAR_PAINT, colour))
    if rng.random() < 0.6:
        parts.append(box((0.34, 0.24, 0.22), (0, 0.52, 0.74), Material.PLAIN, BLACK))
    if parked:
        parts.append(_bar((-0.02, -0.4, 0.3), (-0.2, -0.45, 0.0), 0.012, STEEL, Material.METAL))
    return merge(parts)


def _scooter(rng: np.random.Generator, *, heavy: bool) -> Mesh:
    colours = (
        srgb(20, 20, 22),
        srgb(225, 225, 225),
        srgb(160, 25, 28),
        srgb(30, 70, 140),
        srgb(90, 150, 170),
        srgb(220, 160, 30),
    )
    colour = varied(rng, colours[int(rng.integers(len(colours)))])
    r = 0.29 if heavy else 0.22
    front, rear, grow = (0.66, -0.62, 1.1) if heavy else (0.58, -0.52, 1.0)
    parts = [_hoop(front, r, r, 0.055), _hoop(rear, r, r, 0.06)]
    parts += [ellipsoid((0, y, r), (0.03, r * 0.62, r * 0.62), Material.METAL, STEEL, 4, 10) for y in (front, rear)]
    parts.append(_bar((0, front, r), (0, front - 0.2, 0.78), 0.04, BLACK, Material.PLAIN))
    # apron, floor, seat body as lofted shells
    shell = [
        ((-0.19, 0.33, 0.3), (0.19, 0.33, 0.3)), ((-0.2, 0.38, 0.62), (0.2, 0.38, 0.62)), ((-0.15, 0.36, 0.92), (0.15, 0.36, 0.92)),
    ]  # fmt: skip
    apron = np.array([[a, (0.0, a[1] + 0.13, a[2]), b] for a, b in shell])
    parts.append(creased(grid(apron, Material.CAR_PAINT, colour)))
    parts.append(box((0.3, 0.5, 0.09), (0, 0.12, 0.24), Material.PLAIN, BLACK))
    seat_y, seat_z = -0.32 * grow, 0.72 * grow
    parts.append(ellipsoid((0, seat_y, 0.5), (0.17, 0.42 * grow, 0.24), Material.CAR_PAINT, colour, 7, 12))
    parts.append(ellipsoid((0, seat_y + 0.03, seat_z), (0.14, 0.36 * grow, 0.07), Material.PLAIN, BLACK, 5, 10))
    if heavy:
        parts.append(ellipsoid((0, 0.16, 0.74), (0.16, 0.26, 0.16), Material.CAR_PAINT, colour, 6, 10))
        parts.append(ellipsoid((0, 0.02, 0.42), (0.17, 0.26, 0.2), Material.METAL, (0.12, 0.12, 0.12), 6, 8))
        parts.append(_bar((0.18, -0.1, 0.3), (0.2, -0.85, 0.4), 0.05, STEEL, Material.METAL))
    parts.append(ellipsoid((0, front, r + 0.06), (0.08, r + 0.06, r), Material.CAR_PAINT, colour, 4, 10, top_only=True))
    parts.append(_bar((-0.33, 0.3, 1.0), (0.33, 0.3, 1.0), 0.02, BLACK, Material.PLAIN))
    parts.append(ellipsoid((0, 0.36, 0.95), (0.13, 0.09, 0.1), Material.CAR_PAINT, colour, 5, 8))
    parts.append(ellipsoid((0, 0.44, 0.93), (0.07, 0.04, 0.06), Material.HEAD_LAMP, (0.6, 0.6, 0.6), 4, 8))
    parts.append(box((0.16, 0.03, 0.06), (0, seat_y - 0.42 * grow, 0.56), Material.TAIL_LAMP, (0.25, 0.01, 0.01)))
    for s in (-1.0, 1.0):
        parts.append(_bar((s * 0.25, 0.3, 1.0), (s * 0.3, 0.27, 1.18), 0.008, BLACK, Material.PLAIN))
        parts.append(ellipsoid((s * 0.31, 0.27, 1.2), (0.06, 0.02, 0.045), Material.METAL, STEEL, 4, 6))
    if rng.random() < (0.25 if heavy else 0.45):  # a delivery box or a top case
        box_colour = (srgb(250, 200, 20), srgb(20, 130, 220), srgb(40, 40, 42))[int(rng.integers(3))]
        parts.append(box((0.46, 0.42, 0.42), (0, seat_y - 0.38 * grow, seat_z + 0.06), Material.CLOTH, box_colour))
    return merge(parts)


def rider(style: CycleStyle, seed: int, phase: float, *, helmet: bool | None = None) -> Mesh:
    """The person on a moving two-wheeler, in the two-wheeler's frame."""
    wears = (seed % 10 < 6 and style != "bicycle") if helmet is None else helmet
    height = height_of(seed)
    if style == "bicycle":
        return posed_person(seed, pedalling(phase), helmet=wears).moved(y=-0.24, z=0.9 - 0.5 * height)
    seat = 0.8 if style == "motorcycle" else 0.74
    return posed_person(seed, SITTING_SCOOTER, helmet=wears).moved(y=-0.2, z=seat - 0.47 * height)
