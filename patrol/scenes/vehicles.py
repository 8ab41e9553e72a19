"""Cars, vans, buses and trucks as meshes, each body style varied by its seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from patrol.scenes.heavy_vehicles import CHROME, DARK, GLASS, RED_LAMP, WHITE_LAMP, bus, truck
from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, box, creased, grid, merge, quad, soup, wheel

CarStyle = Literal["sedan", "hatchback", "suv", "minivan", "van", "taxi", "bus", "truck", "fire_engine"]

PAINTS: tuple[tuple[Colour, float], ...] = (
    (srgb(236, 236, 234), 0.3), (srgb(22, 23, 25), 0.2), (srgb(150, 153, 157), 0.14), (srgb(92, 96, 101), 0.1),
    (srgb(158, 22, 26), 0.07), (srgb(28, 58, 120), 0.07), (srgb(196, 184, 158), 0.04), (srgb(110, 68, 40), 0.03),
    (srgb(120, 170, 200), 0.02), (srgb(30, 84, 60), 0.02), (srgb(222, 168, 30), 0.01),
)  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A car's side view. Stations from tail (0) to nose (1): share of the length, belt and roof height, width share."""

    length_m: float
    width_m: float
    sill_m: float
    wheel_radius_m: float
    axles: tuple[float, float]
    stations: tuple[tuple[float, float, float, float], ...]
    cabin: tuple[float, float, float, float]  # rear glass foot and head, windscreen head and foot, as shares
    pillars: tuple[float, ...]


SEDAN = Body(
    4.75, 1.82, 0.24, 0.325, (0.205, 0.8),
    ((0.0, 0.82, 0.82, 0.86), (0.03, 1.0, 1.0, 0.92), (0.14, 1.04, 1.05, 0.97), (0.29, 0.96, 1.38, 1.0),
     (0.42, 0.93, 1.46, 1.0), (0.55, 0.9, 1.44, 1.0), (0.735, 0.92, 0.95, 1.0), (0.9, 0.84, 0.85, 0.96),
     (0.97, 0.72, 0.72, 0.88), (1.0, 0.58, 0.58, 0.8)),
    (0.14, 0.29, 0.55, 0.735), (0.29, 0.44, 0.55),
)  # fmt: skip
HATCHBACK = Body(
    4.1, 1.74, 0.23, 0.31, (0.17, 0.8),
    ((0.0, 0.85, 0.85, 0.88), (0.025, 1.02, 1.04, 0.94), (0.13, 1.0, 1.44, 0.98), (0.34, 0.95, 1.51, 1.0),
     (0.54, 0.92, 1.49, 1.0), (0.76, 0.95, 0.98, 1.0), (0.92, 0.86, 0.87, 0.95), (0.98, 0.72, 0.72, 0.88),
     (1.0, 0.58, 0.58, 0.82)),
    (0.025, 0.13, 0.54, 0.76), (0.13, 0.36, 0.54),
)  # fmt: skip
SUV = Body(
    4.6, 1.87, 0.32, 0.36, (0.19, 0.8),
    ((0.0, 0.95, 0.95, 0.9), (0.02, 1.12, 1.14, 0.95), (0.08, 1.1, 1.6, 0.98), (0.3, 1.06, 1.68, 1.0),
     (0.56, 1.03, 1.66, 1.0), (0.74, 1.06, 1.09, 1.0), (0.92, 1.0, 1.01, 0.97), (0.985, 0.86, 0.86, 0.92),
     (1.0, 0.68, 0.68, 0.88)),
    (0.02, 0.08, 0.56, 0.74), (0.09, 0.34, 0.56),
)  # fmt: skip
MINIVAN = Body(
    4.3, 1.68, 0.24, 0.3, (0.18, 0.82),
    ((0.0, 0.9, 0.9, 0.93), (0.015, 1.05, 1.07, 0.97), (0.05, 1.05, 1.78, 0.98), (0.4, 1.02, 1.86, 1.0),
     (0.7, 1.0, 1.82, 1.0), (0.9, 1.02, 1.05, 0.98), (0.975, 0.86, 0.87, 0.94), (1.0, 0.62, 0.62, 0.9)),
    (0.015, 0.05, 0.7, 0.9), (0.06, 0.36, 0.68),
)  # fmt: skip
VAN = Body(
    5.4, 2.0, 0.3, 0.34, (0.18, 0.81),
    ((0.0, 1.1, 1.12, 0.98), (0.008, 1.3, 2.3, 0.99), (0.3, 1.2, 2.42, 1.0), (0.72, 1.15, 2.36, 1.0),
     (0.87, 1.2, 1.24, 0.98), (0.965, 1.02, 1.03, 0.95), (1.0, 0.68, 0.68, 0.9)),
    (0.0, 0.008, 0.72, 0.87), (0.5, 0.73),
)  # fmt: skip
BODIES: dict[str, Body] = {
    "sedan": SEDAN,
    "hatchback": HATCHBACK,
    "suv": SUV,
    "minivan": MINIVAN,
    "van": VAN,
    "taxi": SEDAN,
}


def paint(rng: np.random.Generator) -> Colour:
    """A body colour, as common as on the road."""
    weights = np.array([w for _, w in PAINTS])
    return varied(rng, PAINTS[int(rng.choice(len(PAINTS), p=weights / weights.sum()))][0], 0.08)


def vehicle(style: CarStyle, seed: int) -> Mesh:
    """A vehicle of a style; the same seed gives the same vehicle."""
    rng = np.random.default_rng([seed, 17])
    if style == "bus":
        return bus(rng)
    if style in {"truck", "fire_engine"}:
        return truck(rng, fire=style == "fire_engine")
    body = BODIES[style]
    scale = rng.uniform(0.95, 1.06, 3)
    if style == "taxi":
        colour = (srgb(40, 90, 170), srgb(20, 110, 70), srgb(190, 40, 30), srgb(230, 170, 20))[int(rng.integers(4))]
    elif style == "van":
        colour = varied(rng, srgb(232, 232, 230), 0.1) if rng.random() < 0.7 else paint(rng)
    else:
        colour = paint(rng)
    mesh = _car(body, colour, rng, cargo=style == "van")
    if style == "taxi":
        roof = max(s[2] for s in body.stations)
        mesh = merge([mesh, box((0.55, 0.2, 0.14), (0, 0.0, roof), Material.PLAIN, srgb(240, 220, 80))])
    return replace(mesh, corners=mesh.corners * scale.astype(np.float32))


def _ring(body: Body, station: tuple[float, float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(15, 3) points around the car at one station, from the left sill over the roof to the right sill."""
    share, belt, roof, wide = station
    y = (share - 0.5) * body.length_m
    half = body.width_m / 2 * wide
    tall = roof - belt > 0.15
    top = half * (0.78 if tall else 0.93)
    sill = body.sill_m
    crown = 0.035 if tall else 0.025
    side = [
        (half * 0.93, sill), (half * 0.995, sill + 0.16), (half, sill + 0.55 * (belt - sill)), (half * 0.985, belt - 0.05),
        (half * 0.94, belt), (top + (half * 0.9 - top) * 0.12, roof - 0.05 if tall else roof + 0.004),
        (top * 0.86, roof + (0.0 if tall else 0.012)),
    ]  # fmt: skip
    ring = [(-x, y, z) for x, z in side] + [(0.0, y, roof + crown)] + [(x, y, z) for x, z in reversed(side)]
    return np.array(ring)


def _car(body: Body, colour: Colour, rng: np.random.Generator, *, cargo: bool) -> Mesh:
    rings = np.stack([_ring(body, s) for s in body.stations])
    skin = creased(grid(rings, Material.CAR_PAINT, colour))
    skin = replace(skin, material=_glazed(body, skin, cargo=cargo))
    skin = replace(
        skin, colour=np.where((skin.material == Material.GLASS)[:, None], np.array(GLASS, np.float32), skin.colour)
    )
    parts = [skin]
    for ring in (rings[0], rings[-1]):  # close tail and nose
        middle = ring.mean(axis=0)
        fan = [np.stack([middle, ring[i], ring[i + 1]]) for i in range(len(ring) - 1)]
        parts.append(soup(np.stack([*fan, np.stack([middle, ring[-1], ring[0]])]), Material.CAR_PAINT, colour))
    parts += _trim(body, colour, rng)
    parts += _pillars(body, colour)
    return merge(parts)


def _glazed(body: Body, skin: Mesh, *, cargo: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Which triangles of the skin are glass: the strip between belt and roof edge, and the sloping screens."""
    columns = 14
    cell = np.arange(len(skin)) // 2
    row, column = cell // columns, cell % columns
    shares = np.array([s[0] for s in body.stations])
    start, end = shares[row], shares[row + 1]
    tail_foot, tail_head, screen_head, screen_foot = body.cabin
    cabin = (start >= tail_head - 1e-6) & (end <= screen_head + 1e-6)
    side = (column == 4) | (column == 9)
    screens = ((np.abs(start - tail_foot) < 1e-6) | (np.abs(end - screen_foot) < 1e-6)) & (column >= 5) & (column <= 8)
    corner = ((np.abs(start - tail_foot) < 1e-6) | (np.abs(end - screen_foot) < 1e-6)) & side
    if cargo:
        screens &= np.abs(end - screen_foot) < 1e-6
        cabin &= start > 2.0
        corner &= np.abs(end - screen_foot) < 1e-6
    glass = (cabin & side) | screens | corner
    return np.where(glass, int(Material.GLASS), skin.material).astype(np.int32)


def _edge(body: Body, share: float) -> tuple[float, float, float, float]:
    """Half widths and heights of the side glass's lower and upper edge at a station between stations."""
    shares = [s[0] for s in body.stations]
    belt = float(np.interp(share, shares, [s[1] for s in body.stations]))
    roof = float(np.interp(share, shares, [s[2] for s in body.stations]))
    half = body.width_m / 2 * float(np.interp(share, shares, [s[3] for s in body.stations]))
    top = half * 0.78
    return half * 0.94, belt, top + (half * 0.9 - top) * 0.12, roof - 0.05


def _pillars(body: Body, colour: Colour) -> list[Mesh]:
    strips = []
    dim = (0.3 * colour[0], 0.3 * colour[1], 0.3 * colour[2])
    for share in body.pillars:
        low_x, low_z, top_x, top_z = _edge(body, share)
        y, half = (share - 0.5) * body.length_m, 0.045
        for side in (-1.0, 1.0):
            lift = 0.012 * side
            strips.append(
                quad(
                    [
                        (side * low_x + lift, y - half, low_z),
                        (side * low_x + lift, y + half, low_z),
                        (side * top_x + lift, y + half, top_z),
                        (side * top_x + lift, y - half, top_z),
                    ],
                    Material.PLAIN,
                    dim,
                )
            )
    return strips


def _trim(body: Body, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    """Wheels, arches, lamps, plate, grille, mirrors, and the shadow gap under the sills."""
    length, half, radius = body.length_m, body.width_m / 2, body.wheel_radius_m
    rim: Colour = CHROME if rng.random() < 0.7 else (0.05, 0.05, 0.05)
    parts: list[Mesh] = []
    turn = np.linspace(0.0, np.pi, 9)
    for share in body.axles:
        y = (share - 0.5) * length
        for side in (-1.0, 1.0):
            parts.append(wheel((side * (half - 0.11), y, radius), radius, 0.21, rim))
            arch = np.stack(
                [
                    np.full(9, side * (half + 0.004)),
                    y + np.cos(turn) * radius * 1.17,
                    radius + np.sin(turn) * radius * 1.17,
                ],
                -1,
            )
            middle = np.array([side * (half + 0.004), y, body.sill_m])
            arch[:, 2] = np.maximum(arch[:, 2], body.sill_m)
            parts.append(
                soup(np.stack([np.stack([middle, arch[i], arch[i + 1]]) for i in range(8)]), Material.PLAIN, DARK)
            )
    parts.append(box((body.width_m * 0.86, length * 0.9, body.sill_m - 0.1), (0, 0, 0.14), Material.PLAIN, DARK))
    nose, tail = length / 2, -length / 2
    front, rear = body.stations[-1], body.stations[0]
    nose_z, tail_z = front[1], rear[1]
    wide_front, wide_rear = half * front[3], half * rear[3]
    hood_z = body.stations[-2][1]
    parts.append(quad([(-wide_front * 0.6, nose + 0.012, nose_z - 0.27), (wide_front * 0.6, nose + 0.012, nose_z - 0.27),
                       (wide_front * 0.6, nose + 0.012, nose_z - 0.02), (-wide_front * 0.6, nose + 0.012, nose_z - 0.02)], Material.PLAIN, DARK))  # fmt: skip
    plate = srgb(20, 60, 150) if rng.random() < 0.7 else srgb(120, 200, 140)
    for y, z in ((nose + 0.02, nose_z - 0.2), (tail - 0.02, tail_z - 0.18)):
        parts.append(
            quad(
                [(-0.22, y, z - 0.07), (0.22, y, z - 0.07), (0.22, y, z + 0.07), (-0.22, y, z + 0.07)],
                Material.PLAIN,
                plate,
            )
        )
    step_y = length * (1.0 - body.stations[-2][0])
    for side in (-1.0, 1.0):
        inner, outer = side * wide_front * 0.62, side * half * 0.93
        parts.append(quad([(inner, nose + 0.02, nose_z - 0.02), (outer * 0.93, nose - step_y * 0.35 + 0.02, nose_z - 0.0),
                           (outer, nose - step_y + 0.03, hood_z - 0.01), (inner, nose - step_y * 0.6 + 0.03, hood_z - 0.04)], Material.HEAD_LAMP, WHITE_LAMP))  # fmt: skip
        low, high = (tail_z - 0.02, body.stations[1][1] - 0.03)
        a, b = side * wide_rear * 0.55, side * half * 0.93
        y1 = tail + length * body.stations[1][0]
        parts.append(quad([(a, tail - 0.015, low - 0.06), (b * 0.97, tail - 0.01, low - 0.06), (b, y1 - 0.02, high), (a, y1 - 0.035, high)], Material.TAIL_LAMP, RED_LAMP))  # fmt: skip
        mirror_y = (body.cabin[3] - 0.53) * length
        parts.append(
            box(
                (0.2, 0.12, 0.13),
                (side * (half + 0.06), mirror_y, body.stations[-3][1] + 0.02),
                Material.CAR_PAINT,
                colour,
            )
        )
    return parts
