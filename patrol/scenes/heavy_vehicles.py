"""Buses and trucks as meshes, varied by a random generator. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, box, creased, grid, merge, quad, soup, wheel

DARK: Colour = (0.012, 0.012, 0.014)
GLASS: Colour = (0.012, 0.015, 0.017)
CHROME: Colour = (0.35, 0.36, 0.37)
WHITE_LAMP: Colour = (0.55, 0.56, 0.58)
EMPTY_BELOW = 0.65  # of the load's share: under half of the open trucks are empty
RED_LAMP: Colour = (0.22, 0.008, 0.008)


def _panel_box(
    size: tuple[float, float, float], base: tuple[float, float, float], material: Material, colour: Colour
) -> Mesh:
    return creased(box(size, base, material, colour), 20.0)


def _side_quads(
    half: float, y0: float, y1: float, z0: float, z1: float, material: Material, colour: Colour
) -> list[Mesh]:
    return [
        quad([(s * half, y0, z0), (s * half, y1, z0), (s * half, y1, z1), (s * half, y0, z1)], material, colour)
        for s in (-1.0, 1.0)
    ]


def _wheels(half: float, radius: float, axles: tuple[float, ...], width: float = 0.28) -> list[Mesh]:
    return [
        wheel((s * (half - width / 2), y, radius), radius, width, (0.25, 0.25, 0.26))
        for y in axles
        for s in (-1.0, 1.0)
    ]


def _ends(half: float, nose: float, tail: float, low: float, rng: np.random.Generator) -> list[Mesh]:
    """Lamps and plates of a square-faced vehicle."""
    parts = []
    for s in (-1.0, 1.0):
        for y, material, colour in (
            (nose + 0.02, Material.HEAD_LAMP, WHITE_LAMP),
            (tail - 0.02, Material.TAIL_LAMP, RED_LAMP),
        ):
            a, b = s * half * 0.62, s * half * 0.95
            parts.append(quad([(a, y, low), (b, y, low), (b, y, low + 0.2), (a, y, low + 0.2)], material, colour))
    blue = srgb(20, 60, 150) if rng.random() < 0.5 else srgb(210, 170, 30)
    z0, z1 = low - 0.1, low + 0.06
    for y in (nose + 0.02, tail - 0.02):
        plate = quad([(-0.24, y, z0), (0.24, y, z0), (0.24, y, z1), (-0.24, y, z1)], Material.PLAIN, blue)
        parts += [plate]
    return parts


def bus(rng: np.random.Generator) -> Mesh:
    """A town bus or minibus, 8.5 to 12 m long."""
    length, half, height = float(rng.choice([8.5, 10.5, 12.0])), 1.25, float(rng.uniform(2.95, 3.2))
    choices = (
        srgb(30, 110, 60),
        srgb(200, 205, 205),
        srgb(20, 80, 160),
        srgb(190, 30, 30),
        srgb(230, 150, 30),
        srgb(110, 180, 60),
    )
    colour, second = (varied(rng, choices[int(i)]) for i in rng.integers(0, len(choices), 2))
    nose, tail = length / 2, -length / 2
    y = np.array([tail, tail + 0.1, nose - 0.25, nose])
    inset = np.array([0.94, 1.0, 1.0, 0.93])
    roof = np.array([height - 0.12, height, height, height - 0.2])
    rings = []
    for i in range(4):
        h = half * inset[i]
        right = [
            (h * 0.98, 0.35),
            (h, 0.9),
            (h, 1.2),
            (h * 0.985, roof[i] - 0.25),
            (h * 0.93, roof[i] - 0.06),
            (h * 0.8, roof[i]),
        ]
        rings.append([(-a, y[i], b) for a, b in right] + [(a, y[i], b) for a, b in reversed(right)])
    skin = creased(grid(np.array(rings), Material.CAR_PAINT, colour))
    parts: list[Mesh] = [skin]
    for ring in (np.array(rings[0]), np.array(rings[-1])):
        middle = ring.mean(axis=0)
        parts.append(
            soup(
                np.stack([np.stack([middle, ring[i], ring[(i + 1) % 12]]) for i in range(12)]),
                Material.CAR_PAINT,
                colour,
            )
        )
    parts += _side_quads(half + 0.006, tail + 0.3, nose - 0.5, 0.45, 0.8, Material.CAR_PAINT, second)
    step = 1.35
    panes = int((length - 1.4) / step)
    for k in range(panes):
        y0 = tail + 0.7 + k * step
        parts += _side_quads(half + 0.008, y0 + 0.04, y0 + step - 0.04, 1.25, height - 0.55, Material.GLASS, GLASS)
    door = nose - 1.55
    parts += _side_quads(half + 0.01, door, door + 1.1, 0.4, height - 0.6, Material.GLASS, GLASS)[1:]
    w = half * 0.88
    parts.append(
        quad(
            [
                (-w, nose + 0.01, 1.15),
                (w, nose + 0.01, 1.15),
                (w, nose + 0.005, height - 0.5),
                (-w, nose + 0.005, height - 0.5),
            ],
            Material.GLASS,
            GLASS,
        )
    )
    parts.append(
        quad(
            [
                (-w, nose + 0.02, height - 0.45),
                (w, nose + 0.02, height - 0.45),
                (w, nose, height - 0.25),
                (-w, nose, height - 0.25),
            ],
            Material.PLAIN,
            DARK,
        )
    )
    parts.append(
        quad(
            [
                (-w, tail - 0.01, 1.5),
                (w, tail - 0.01, 1.5),
                (w, tail - 0.01, height - 0.5),
                (-w, tail - 0.01, height - 0.5),
            ],
            Material.GLASS,
            GLASS,
        )
    )
    parts.append(box((1.7, 2.2, 0.22), (0, tail + 2.6, height - 0.02), Material.PLAIN, (0.5, 0.5, 0.5)))
    for s in (-1.0, 1.0):
        parts.append(box((0.22, 0.1, 0.42), (s * (half + 0.2), nose + 0.15, height - 1.2), Material.PLAIN, DARK))
    parts += _wheels(half, 0.48, (nose - 2.6, tail + 2.9))
    parts += _ends(half, nose, tail, 0.62, rng)
    parts.append(box((2.2, length * 0.96, 0.25), (0, 0, 0.2), Material.PLAIN, DARK))
    return merge(parts)


def truck(rng: np.random.Generator, *, fire: bool) -> Mesh:
    """A light or heavy truck with its load, or a fire engine."""
    length, half = (8.5, 1.25) if fire else (float(rng.choice([5.0, 6.0, 7.5, 9.0])), float(rng.uniform(0.95, 1.2)))
    cab_length, cab_top, bed = (
        (2.4, 2.9, 0.95) if fire else (float(rng.uniform(1.5, 1.9)), float(rng.uniform(2.1, 2.6)), 0.85)
    )
    choices = (srgb(235, 235, 232), srgb(30, 70, 150), srgb(170, 30, 30), srgb(40, 100, 70), srgb(200, 130, 40))
    cab_colour = srgb(170, 16, 20) if fire else varied(rng, choices[int(rng.integers(len(choices)))])
    nose, tail = length / 2, -length / 2
    y = np.array([nose - cab_length, nose - cab_length + 0.1, nose - 0.45, nose - 0.1, nose])
    top = np.array([cab_top, cab_top, cab_top, 1.25, 1.1])
    rings = []
    for i in range(5):
        h = half * (0.97 if i < 4 else 0.92)
        right = [
            (h, 0.4),
            (h, 0.9),
            (h, min(1.2, top[i] - 0.05)),
            (h * (0.93 if top[i] > 1.6 else 0.98), top[i] - 0.06),
            (h * 0.85, top[i]),
        ]
        rings.append([(-a, y[i], b) for a, b in right] + [(a, y[i], b) for a, b in reversed(right)])
    skin = creased(grid(np.array(rings), Material.CAR_PAINT, cab_colour))
    cell = np.arange(len(skin)) // 2
    row, column = cell // 9, cell % 9
    glass = (row == 2) & (column >= 3) & (column <= 5)
    skin = replace(skin, material=np.where(glass, int(Material.GLASS), skin.material).astype(np.int32),
                   colour=np.where(glass[:, None], np.array(GLASS, np.float32), skin.colour))  # fmt: skip
    parts: list[Mesh] = [skin]
    for ring in (np.array(rings[0]), np.array(rings[-1])):
        middle = ring.mean(axis=0)
        parts.append(
            soup(
                np.stack([np.stack([middle, ring[i], ring[(i + 1) % 10]]) for i in range(10)]),
                Material.CAR_PAINT,
                cab_colour,
            )
        )
    parts += _side_quads(
        half * 0.975, nose - cab_length + 0.35, nose - 0.55, 1.3, cab_top - 0.25, Material.GLASS, GLASS
    )
    back = nose - cab_length - 0.15
    load = back - tail
    parts += [_load(rng, fire, half, load, bed, (back + tail) / 2, cab_colour)]
    parts.append(box((half * 1.2, length * 0.95, 0.3), (0, 0, 0.5), Material.PLAIN, DARK))
    radius = 0.38 if length < 6.5 else 0.46
    axles = (nose - 1.1, tail + 1.5) if length < 8 else (nose - 1.2, tail + 1.4, tail + 2.6)
    parts += _wheels(half, radius, axles) + _ends(half * 0.98, nose, tail, 0.62, rng)
    for s in (-1.0, 1.0):
        parts.append(box((0.18, 0.08, 0.4), (s * (half + 0.16), nose - 0.2, cab_top - 0.85), Material.PLAIN, DARK))
    return merge(parts)


def _load(rng: np.random.Generator, fire: bool, half: float, load: float, bed: float, y: float, cab: Colour) -> Mesh:
    if fire:
        body = _panel_box((2 * half, load, 2.0), (0, y, bed), Material.CAR_PAINT, cab)
        shutters = _side_quads(
            half + 0.01, y - load * 0.45, y + load * 0.45, bed + 0.3, bed + 1.5, Material.TIN, (0.4, 0.41, 0.42)
        )
        ladder = box((0.7, load * 0.9, 0.15), (0.3, y, bed + 2.0), Material.METAL, CHROME)
        return merge([body, *shutters, ladder])
    kind = rng.choice(["box", "flat", "stakes", "tarp"])
    if kind == "box":
        colour = varied(rng, srgb(228, 228, 224)) if rng.random() < 0.7 else varied(rng, cab)
        return _panel_box((2 * half, load, float(rng.uniform(1.6, 2.2))), (0, y, bed), Material.PLAIN, colour)
    floor = box((2 * half, load, 0.12), (0, y, bed - 0.1), Material.PLAIN, (0.1, 0.1, 0.1))
    tall = 0.4 if kind == "flat" else 0.9
    colour = varied(rng, cab)
    sides = _side_quads(half, y - load / 2, y + load / 2, bed, bed + tall, Material.TIN, colour)
    ends = [
        quad([(-half, e, bed), (half, e, bed), (half, e, bed + tall), (-half, e, bed + tall)], Material.TIN, colour)
        for e in (y - load / 2, y + load / 2)
    ]
    share, high = float(rng.uniform(0.4, 0.95)), float(rng.uniform(0.6, 1.6))
    colour = varied(rng, srgb(60, 90, 130) if kind == "tarp" else srgb(150, 120, 80), 0.3)
    if kind != "tarp" and share < EMPTY_BELOW:  # an open bed with nothing but a little sand on it
        goods = box((2 * half * 0.98, load * 0.98, 0.05), (0, y, bed), Material.CLOTH, colour)
    else:
        goods = box((2 * half * 0.9, load * share, tall * high), (0, y, bed), Material.CLOTH, colour)
    return merge([floor, *sides, *ends, goods])
