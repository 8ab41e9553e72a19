"""Meshes of what lies flat: surfaces, roads and their paint, fire lanes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, ceil, degrees, hypot

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.materials import Colour, Material, srgb, varied
from patrol.scenes.mesh import Mesh, merge, polygon, quad
from patrol.scenes.world import Area, FireLane, Point, Road, World

# Flat things lie a little over one another so that the nearer one is seen; all within 5 cm of height 0.
BASE_UP_M, AREA_UP_M, ROAD_UP_M, PAINT_UP_M, JUNCTION_UP_M, LANE_UP_M = -0.05, -0.044, -0.02, -0.01, -0.007, -0.004
WHITE: Colour = srgb(228, 228, 222)
YELLOW: Colour = srgb(226, 178, 32)

SURFACES: dict[str, tuple[Material, Colour]] = {
    "asphalt": (Material.ASPHALT, srgb(84, 84, 86)),
    "parking": (Material.ASPHALT, srgb(92, 92, 94)),
    "paving": (Material.PAVING, srgb(158, 152, 144)),
    "grass": (Material.GRASS, srgb(88, 104, 58)),
    "soil": (Material.SOIL, srgb(132, 108, 82)),
    "concrete": (Material.CONCRETE, srgb(165, 163, 158)),
    "water": (Material.WATER, srgb(92, 84, 64)),
}


# Standing water carries what it has washed up: loam, mud, algae, or little, and then the dark ground shows through.
WATERS: tuple[Colour, ...] = (
    srgb(166, 140, 108), srgb(146, 136, 118), srgb(118, 118, 90), srgb(92, 84, 64), srgb(66, 72, 74), srgb(48, 50, 50),
)  # fmt: skip


def stretch(line: Sequence[Point], start_m: float, end_m: float) -> list[Point]:
    """The part of a polyline between two lengths along it."""
    points = np.asarray(line, float)
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.r_[0.0, np.cumsum(steps)]
    start_m, end_m = max(start_m, 0.0), min(end_m, float(along[-1]))
    inner = [float(s) for s in along if start_m < s < end_m]
    stops = [start_m, *inner, end_m]
    return [(float(np.interp(s, along, points[:, 0])), float(np.interp(s, along, points[:, 1]))) for s in stops]


def length_m(line: Sequence[Point]) -> float:
    """Length of a polyline."""
    return float(np.hypot(*np.diff(np.asarray(line, float), axis=0).T).sum())


def beside(line: Sequence[Point], offset_m: float) -> NDArray[np.float64]:
    """(n, 2) the polyline shifted to its right, mitred at its bends."""
    p = np.asarray(line, float)
    d = np.diff(p, axis=0)
    d /= np.maximum(np.hypot(*d.T), 1e-9)[:, None]
    normal = np.stack([d[:, 1], -d[:, 0]], 1)
    joint = np.vstack([normal[:1], normal[:-1] + normal[1:], normal[-1:]])
    joint /= np.maximum((joint * joint).sum(1, keepdims=True), 0.2) / np.r_[1.0, np.full(len(p) - 2, 2.0), 1.0][:, None]
    return p + joint * offset_m


def ribbon(
    line: Sequence[Point],
    left_m: float,
    right_m: float,
    up_m: float,
    material: Material,
    colour: Colour,
    wear: float = 0.0,
) -> Mesh:
    """A strip along a polyline between two offsets to its right."""
    a, b = beside(line, left_m), beside(line, right_m)
    strips = []
    for i in range(len(a) - 1):
        corners = [(*a[i], up_m), (*b[i], up_m), (*b[i + 1], up_m), (*a[i + 1], up_m)]
        strips.append(quad(corners, material, colour, detail=wear))
    return merge(strips)


def dashes(
    line: Sequence[Point], offset_m: float, width_m: float, on_m: float, off_m: float, colour: Colour, wear: float
) -> Mesh:
    """A broken line."""
    parts = []
    for k in range(ceil(length_m(line) / (on_m + off_m))):
        piece = stretch(line, k * (on_m + off_m), k * (on_m + off_m) + on_m)
        parts.append(
            ribbon(piece, offset_m - width_m / 2, offset_m + width_m / 2, PAINT_UP_M, Material.PAINT, colour, wear)
        )
    return merge(parts)


def road_mesh(road: Road, seed: int, layer: int = 0) -> Mesh:
    """Carriageway, kerbs, lane markings and zebra crossings."""
    rng = np.random.default_rng([seed, 3])
    half, line = road.width_m / 2, road.centreline
    wear = float(rng.uniform(0.0, 0.5))
    up = ROAD_UP_M + 0.0008 * layer
    parts = []
    if road.pavement_m > 0:
        wide, grey = half + road.pavement_m, varied(rng, srgb(158, 152, 144), 0.1)
        parts.append(ribbon(line, -wide, wide, up - 0.012, Material.PAVING, grey))
    parts += [
        ribbon(line, -half - 0.25, half + 0.25, up - 0.008, Material.CONCRETE, srgb(172, 170, 165)),
        ribbon(line, -half, half, up, Material.ASPHALT, varied(rng, srgb(82, 82, 84), 0.12)),
    ]
    solid = Material.PAINT
    if road.lanes >= 2:
        if rng.random() < 0.5:
            parts += [ribbon(line, o - 0.06, o + 0.06, PAINT_UP_M, solid, YELLOW, wear) for o in (-0.13, 0.13)]
        else:
            parts.append(dashes(line, 0.0, 0.14, 4.0, 6.0, YELLOW if rng.random() < 0.5 else WHITE, wear))
        parts += [ribbon(line, o - 0.07, o + 0.07, PAINT_UP_M, solid, WHITE, wear) for o in (-half + 0.3, half - 0.3)]
    for k in range(1, road.lanes // 2):
        parts += [dashes(line, s * half * 2 * k / road.lanes, 0.13, 4.0, 6.0, WHITE, wear) for s in (-1, 1)]
    for where in road.crossings_m:
        piece = stretch(line, where, where + 4.0)
        if length_m(piece) > 1.0:
            for offset in np.arange(-half + 0.5, half - 0.6, 0.95):
                parts.append(ribbon(piece, float(offset), float(offset) + 0.45, PAINT_UP_M + 0.001, solid, WHITE, wear))
    return merge(parts)


def area_mesh(area: Area, layer: int) -> Mesh:
    """One surface; parking lots with their bays."""
    rng = np.random.default_rng([area.seed, 7])
    material, colour = SURFACES[area.kind]
    up = area.depth_m if area.kind == "water" else AREA_UP_M + min(layer, 18) * 0.001
    if area.kind == "water":
        colour = WATERS[int(rng.integers(len(WATERS)))]
    colour = varied(rng, colour, 0.12)
    surface = polygon(area.polygon, up, material, colour, seed=float(area.seed % 97), detail=0.5)
    if area.kind == "parking":
        return merge([surface, *_bays(area, rng)])
    return merge([surface, *_banks(area, colour)]) if area.depth_m > 0 else surface


def bays(polygon_m: Sequence[Point]) -> list[tuple[float, float, float]]:
    """East, north, yaw of the middle of each parking bay along the two long sides of a four-cornered lot."""
    p = np.asarray(polygon_m, float)
    first = int(np.argmax(np.hypot(*(np.roll(p, -1, axis=0) - p).T)))
    a, b, c, d = (p[(first + k) % len(p)] for k in range(4))
    places = []
    inside = p.mean(axis=0)
    for start, end in ((a, b), (c, d)):
        along = end - start
        reach = hypot(*along)
        along = along / reach
        across = np.array([-along[1], along[0]])
        if np.dot(inside - start, across) < 0:
            across = -across
        yaw = degrees(atan2(across[0], across[1]))
        for k in range(int(reach // 2.6)):
            middle = start + along * (1.3 + 2.6 * k) + across * 2.7
            places.append((float(middle[0]), float(middle[1]), yaw))
        if hypot(*(d - a)) < 11.0:
            break
    return places


def _banks(area: Area, colour: Colour) -> list[Mesh]:
    """The sides of standing water, down to the ground."""
    corners = [*area.polygon, area.polygon[0]]
    low, top = BASE_UP_M, area.depth_m
    return [quad([(*a, low), (*b, low), (*b, top), (*a, top)], Material.PLAIN, colour) for a, b in pairwise(corners)]


def _bays(area: Area, rng: np.random.Generator) -> list[Mesh]:
    wear = float(rng.uniform(0.0, 0.45))
    parts = []
    for east, north, yaw in bays(area.polygon):
        lines = merge(
            [
                quad(
                    [(x - 0.05, -2.6, 0), (x + 0.05, -2.6, 0), (x + 0.05, 2.6, 0), (x - 0.05, 2.6, 0)],
                    Material.PAINT,
                    WHITE,
                    detail=wear,
                )
                for x in (-1.3, 1.3)
            ]
        )
        parts.append(lines.turned(yaw).moved(east, north, PAINT_UP_M))
    return parts


def fire_lane_mesh(lane: FireLane) -> Mesh:
    """Yellow outline and cross hatch inside the polygon, as fire lanes are marked in Chinese compounds."""
    p = np.asarray(lane.polygon, float)
    closed = np.vstack([p, p[:1]])
    sides = [[tuple(closed[i]), tuple(closed[i + 1])] for i in range(len(p))]
    parts = [ribbon(side, -0.08, 0.08, LANE_UP_M, Material.PAINT, YELLOW, 0.1) for side in sides]
    edge = closed[1] - closed[0]
    axis = edge / hypot(*edge)
    for slope in (1.0, -1.0):
        direction = np.array([axis[0] - slope * axis[1], axis[1] + slope * axis[0]]) / 2**0.5
        normal = np.array([-direction[1], direction[0]])
        reach = p @ normal
        for offset in np.arange(reach.min() + 0.7, reach.max(), 2.3):
            cuts = _cuts(p, normal, float(offset), direction)
            for a, b in zip(cuts[0::2], cuts[1::2], strict=False):
                if b - a > 0.3:
                    start, end = normal * offset + direction * a, normal * offset + direction * b
                    parts.append(
                        ribbon([tuple(start), tuple(end)], -0.05, 0.05, LANE_UP_M - 0.001, Material.PAINT, YELLOW, 0.15)
                    )
    return merge(parts)


def _cuts(
    p: NDArray[np.float64], normal: NDArray[np.float64], offset: float, direction: NDArray[np.float64]
) -> list[float]:
    """Where the line normal . x = offset crosses the polygon's edges, as lengths along `direction`, sorted."""
    side = p @ normal - offset
    cuts = []
    for i in range(len(p)):
        j = (i + 1) % len(p)
        if (side[i] < 0) != (side[j] < 0):
            at = p[i] + (p[j] - p[i]) * (side[i] / (side[i] - side[j]))
            cuts.append(float(at @ direction))
    return sorted(cuts)


def meeting(line: Sequence[Point], other: Sequence[Point]) -> list[tuple[Point, Point, Point, float]]:
    """Where two polylines cross: the point, both unit directions there, and metres along the first."""
    found = []
    walked = 0.0
    for a, b in pairwise(np.asarray(line, float)):
        for c, d in pairwise(np.asarray(other, float)):
            ab, cd = b - a, d - c
            det = ab[0] * cd[1] - ab[1] * cd[0]
            if abs(det) < 1e-9:
                continue
            s, t = ((c - a)[0] * cd[1] - (c - a)[1] * cd[0]) / det, ((c - a)[0] * ab[1] - (c - a)[1] * ab[0]) / det
            if 0 <= s <= 1 and 0 <= t <= 1:
                p, u, v = a + ab * s, ab / hypot(*ab), cd / hypot(*cd)
                along = walked + float(s) * hypot(*ab)
                found.append(
                    ((float(p[0]), float(p[1])), (float(u[0]), float(u[1])), (float(v[0]), float(v[1])), along)
                )
        walked += hypot(*(b - a))
    return found


def junction_mesh(road: Road, other: Road, at: tuple[Point, Point, Point, float]) -> Mesh:
    """Plain asphalt over the paint where two roads cross."""
    p, u, v = (np.asarray(x) for x in at[:3])
    sine = max(abs(float(u[0] * v[1] - u[1] * v[0])), 0.2)
    a, b = u * (other.width_m / 2 + 0.3) / sine, v * (road.width_m / 2 + 0.3) / sine
    corners = [(*(p + i * a + j * b), JUNCTION_UP_M) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return quad(corners, Material.ASPHALT, SURFACES["asphalt"][1])


def ground_mesh(world: World) -> Mesh:
    """Everything flat, and the plain around it as far as one can see."""
    west, south, east, north = world.extent_m
    material, colour = SURFACES[world.base]
    inner = quad(
        [(west, south, BASE_UP_M), (east, south, BASE_UP_M), (east, north, BASE_UP_M), (west, north, BASE_UP_M)],
        material,
        colour,
        seed=float(world.seed % 7),
    )
    far = 3000.0
    outer = quad(
        [
            (-far, -far, BASE_UP_M - 0.3),
            (far, -far, BASE_UP_M - 0.3),
            (far, far, BASE_UP_M - 0.3),
            (-far, far, BASE_UP_M - 0.3),
        ],
        Material.GRASS,
        srgb(120, 124, 96),
    )
    parts = [outer, inner]
    parts += [area_mesh(area, k) for k, area in enumerate(world.areas)]
    parts += [road_mesh(road, world.seed * 31 + k, k) for k, road in enumerate(world.roads)]
    for i, road in enumerate(world.roads):
        for other in world.roads[:i]:
            parts += [junction_mesh(road, other, at) for at in meeting(road.centreline, other.centreline)]
    parts += [fire_lane_mesh(lane) for lane in world.fire_lanes]
    return merge(parts)
