"""Buildings from footprint and height: windowed walls, parapets, roof things, tin sheds. Pure."""

from __future__ import annotations

from math import hypot

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, box, ellipsoid, merge, polygon, quad
from patrol.scenes.world import Building, World

WALLS: dict[str, tuple[Colour, ...]] = {
    "residential": (
        srgb(214, 204, 188),
        srgb(196, 176, 156),
        srgb(220, 214, 206),
        srgb(190, 150, 120),
        srgb(172, 176, 180),
    ),
    "office": (srgb(150, 165, 180), srgb(190, 192, 194), srgb(110, 120, 130), srgb(205, 200, 190)),
    "house": (srgb(210, 200, 190), srgb(180, 110, 90), srgb(190, 185, 170), srgb(226, 222, 214)),
    "industrial": (srgb(160, 168, 176), srgb(120, 140, 165), srgb(190, 188, 180)),
}
TINS = (srgb(40, 90, 165), srgb(165, 50, 45), srgb(150, 155, 160), srgb(60, 120, 90))
PARAPET_M = 1.1


def building_mesh(building: Building) -> Mesh:
    """Walls, roof, parapet and what stands on the roof."""
    rng = np.random.default_rng([building.seed, 11])
    p = np.asarray(building.footprint, float)
    if float(np.dot(p[:, 0], np.roll(p[:, 1], -1)) - np.dot(p[:, 1], np.roll(p[:, 0], -1))) < 0:
        p = p[::-1]
    palette = WALLS[building.style]
    colour = varied(rng, palette[int(rng.integers(len(palette)))], 0.1)
    storey = float(rng.uniform(2.9, 3.3)) if building.style != "office" else float(rng.uniform(3.4, 4.0))
    pattern = {"office": (0, 1), "industrial": (0, 2), "residential": (2, 3, 4, 4), "house": (2, 3)}[building.style]
    seed = float(int(rng.choice(pattern)) + 5 * int(rng.integers(1, 50)))
    shops = (
        3.6
        if building.style in {"residential", "office", "house"} and rng.random() < 0.4 and building.height_m > 6
        else 0.0
    )
    top, parapet = building.height_m, PARAPET_M
    parts: list[Mesh] = []
    for i in range(len(p)):
        a, b = p[i], p[(i + 1) % len(p)]
        wide = hypot(*(b - a))
        if shops:
            parts.append(_wall(a, b, 0.0, shops, Material.SHOPFRONT, colour, wide, seed + i, 0.0))
        if wide < 2.5:
            parts.append(_wall(a, b, shops, top, Material.TILES, colour, wide, seed, storey))
        else:
            parts.append(_wall(a, b, shops, top, Material.FACADE, colour, wide, seed, storey))
        parts.append(_wall(a, b, top, top + parapet, Material.CONCRETE, colour, wide, seed, storey))
        parts += _fittings(a, b, building, storey, rng)
    inner = _shrunk(p, 0.22)
    roof_colour = varied(
        rng, (srgb(150, 148, 142), srgb(120, 118, 116), srgb(150, 95, 80))[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    )
    parts.append(polygon(inner, top, Material.CONCRETE, roof_colour, seed=seed))
    for i in range(len(p)):
        a, b, c, d = inner[i], inner[(i + 1) % len(p)], p[(i + 1) % len(p)], p[i]
        parts.append(_wall(a, b, top, top + parapet, Material.CONCRETE, colour, hypot(*(b - a)), seed, storey))
        z = top + parapet
        parts.append(quad([(*a, z), (*b, z), (*c, z), (*d, z)], Material.CONCRETE, colour))
    parts += _roof_things(inner, building, rng)
    return merge(parts)


def _wall(a: NDArray[np.float64], b: NDArray[np.float64], low: float, high: float, material: Material, colour: Colour,
          wide: float, seed: float, storey: float) -> Mesh:  # fmt: skip
    return quad(
        [(*a, low), (*b, low), (*b, high), (*a, high)],
        material,
        colour,
        uv_size_m=(wide, high - low),
        seed=seed,
        detail=storey,
    )


def _shrunk(p: NDArray[np.float64], by_m: float) -> NDArray[np.float64]:
    """The footprint (anticlockwise) moved inwards."""
    back, ahead = p - np.roll(p, 1, axis=0), np.roll(p, -1, axis=0) - p
    back /= np.hypot(*back.T)[:, None]
    ahead /= np.hypot(*ahead.T)[:, None]
    n1, n2 = np.stack([-back[:, 1], back[:, 0]], 1), np.stack([-ahead[:, 1], ahead[:, 0]], 1)
    joint = n1 + n2
    return np.asarray(p + by_m * 2 * joint / np.maximum((joint * joint).sum(1, keepdims=True), 0.3))


def _fittings(
    a: NDArray[np.float64], b: NDArray[np.float64], building: Building, storey: float, rng: np.random.Generator
) -> list[Mesh]:
    """Air conditioners on the wall."""
    wide = hypot(*(b - a))
    if building.style not in {"residential", "house"} or wide < 6:
        return []
    along = (b - a) / wide
    out = np.array([along[1], -along[0]])
    yaw = float(np.degrees(np.arctan2(out[0], out[1])))
    parts = []
    unit = box((0.85, 0.35, 0.6), (0, 0.2, 0), Material.PLAIN, srgb(215, 215, 210))
    for _ in range(min(int(wide * building.height_m / 60), 14)):
        at = a + along * rng.uniform(1.0, wide - 1.0)
        floor = int(rng.integers(1, max(2, int(building.height_m / storey))))
        parts.append(unit.turned(yaw).moved(float(at[0]), float(at[1]), floor * storey + 0.2))
    return parts


def inside(p: NDArray[np.float64], x: float, y: float) -> bool:
    """Whether a point is in a simple polygon (n, 2) (crossing number)."""
    hit = False
    for (x0, y0), (x1, y1) in zip(p, np.roll(p, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            hit = not hit
    return hit


def _roof_things(inner: NDArray[np.float64], building: Building, rng: np.random.Generator) -> list[Mesh]:
    low, high, top = inner.min(axis=0), inner.max(axis=0), building.height_m
    parts: list[Mesh] = []
    wanted = [
        ("stairs", 1),
        ("tank", int(rng.integers(0, 3))),
        ("solar", int(rng.integers(0, 4))),
        ("cooler", int(rng.integers(0, 4))),
    ]
    wanted.append(("shed", building.sheds))
    for kind, count in wanted:
        for _ in range(count):
            spot = _spot(inner, low, high, rng, 3.0 if kind in {"stairs", "shed"} else 1.2)
            if spot is not None:
                parts.append(roof_thing(kind, rng).turned(float(rng.choice([0, 90]))).moved(*spot, top))
    return parts


def _spot(
    inner: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    rng: np.random.Generator,
    free: float,
) -> tuple[float, float] | None:
    for _ in range(20):
        x, y = (float(v) for v in rng.uniform(low, high))
        if all(inside(inner, x + dx * free, y + dy * free) for dx in (-1, 1) for dy in (-1, 1)):
            return x, y
    return None


def roof_thing(kind: str, rng: np.random.Generator) -> Mesh:
    """Something on a roof: stairs, tank, solar, cooler, or a tin shed, the kind that patrols look for."""
    if kind == "stairs":
        return box(
            (float(rng.uniform(3, 5)), float(rng.uniform(3, 5)), 2.6), (0, 0, 0), Material.CONCRETE, srgb(190, 186, 178)
        )
    if kind == "tank":
        return merge([ellipsoid((0, 0, 0.9), (0.75, 0.75, 0.9), Material.METAL, (0.3, 0.31, 0.32), 6, 12)])
    if kind == "solar":
        return quad(
            [(-1, -0.7, 0.15), (1, -0.7, 0.15), (1, 0.7, 1.0), (-1, 0.7, 1.0)], Material.GLASS, srgb(20, 30, 70)
        )
    if kind == "cooler":
        return box((1.6, 1.2, 1.3), (0, 0, 0.2), Material.PLAIN, srgb(200, 200, 196))
    return tin_shed((float(rng.uniform(3, 6)), float(rng.uniform(2.5, 5))), float(rng.uniform(2.1, 2.8)), rng)


def tin_shed(size_m: tuple[float, float], height_m: float, rng: np.random.Generator) -> Mesh:
    """A colour-steel shed with a slightly sloping roof that juts out."""
    colour = varied(rng, TINS[int(rng.integers(len(TINS)))], 0.15)
    wall = varied(rng, srgb(200, 200, 196)) if rng.random() < 0.6 else colour
    w, d, over, rise = size_m[0] / 2, size_m[1] / 2, 0.25, 0.35
    body = box((size_m[0], size_m[1], height_m), (0, 0, 0), Material.TIN, wall)
    roof = quad([(-w - over, -d - over, height_m), (w + over, -d - over, height_m), (w + over, d + over, height_m + rise), (-w - over, d + over, height_m + rise)],
                Material.TIN, colour, uv_size_m=(size_m[0], size_m[1]), detail=float(rng.uniform(0, 0.8)))  # fmt: skip
    return merge([body, roof])


def skyline_mesh(world: World) -> Mesh:
    """Plain blocks far around, so that the horizon looks like a city's."""
    rng = np.random.default_rng([world.seed, 13])
    west, south, east, north = world.extent_m
    middle, reach = np.array([(west + east) / 2, (south + north) / 2]), max(east - west, north - south) / 2
    parts = []
    for _ in range(90):
        angle, away = rng.uniform(0, 2 * np.pi), reach * 1.25 + rng.exponential(160.0)
        x, y = middle + away * np.array([np.cos(angle), np.sin(angle)])
        size = rng.uniform(14, 40, 2)
        tall = float(np.clip(rng.lognormal(3.1, 0.6), 8, 120))
        colour = varied(rng, WALLS["residential"][int(rng.integers(5))])
        seed = float(int(rng.integers(0, 5)) + 5 * int(rng.integers(1, 50)))
        block = box((float(size[0]), float(size[1]), tall), (0, 0, 0), Material.FACADE, colour, seed)
        block.param[:, 1] = 3.2
        parts.append(block.turned(float(rng.uniform(0, 90))).moved(float(x), float(y)))
    return merge(parts)
