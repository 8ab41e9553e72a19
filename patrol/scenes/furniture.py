"""Trees, lamp posts, bins, fences and other things that stand in a street. Pure."""

from __future__ import annotations

from functools import lru_cache
from math import atan2, cos, degrees, hypot, pi, radians, sin

import numpy as np

from patrol.scenes.materials import Material, srgb, varied
from patrol.scenes.mesh import Mesh, box, merge, quad, soup, tube
from patrol.scenes.world import Fence, Prop

LAMP_HEIGHT_M, LAMP_ARM_M = 7.0, 1.6


@lru_cache(maxsize=96)
def prop_mesh(kind: str, seed: int) -> Mesh:
    """A thing of a kind in its own frame."""
    rng = np.random.default_rng([seed, 29])
    if kind in {"tree", "bush"}:
        return _plant(rng, bush=kind == "bush")
    if kind == "lamp":
        steel = srgb(120, 124, 126)
        pole = tube((0, 0, 0), (0, 0, LAMP_HEIGHT_M), (0.09, 0.05), Material.PLAIN, steel, 6)
        arm = tube(
            (0, 0, LAMP_HEIGHT_M - 0.1), (0, LAMP_ARM_M, LAMP_HEIGHT_M + 0.15), (0.04, 0.03), Material.PLAIN, steel, 5
        )
        head = box((0.28, 0.7, 0.1), (0, LAMP_ARM_M, LAMP_HEIGHT_M + 0.08), Material.PLAIN, steel)
        face = quad([(-0.12, LAMP_ARM_M - 0.3, LAMP_HEIGHT_M + 0.07), (0.12, LAMP_ARM_M - 0.3, LAMP_HEIGHT_M + 0.07),
                     (0.12, LAMP_ARM_M + 0.3, LAMP_HEIGHT_M + 0.07), (-0.12, LAMP_ARM_M + 0.3, LAMP_HEIGHT_M + 0.07)], Material.STREET_LAMP, (0.8, 0.8, 0.8))  # fmt: skip
        return merge([pole, arm, head, face])
    if kind == "bin":
        colours = (srgb(40, 110, 60), srgb(40, 80, 160), srgb(170, 40, 40), srgb(90, 92, 95))
        colour = varied(rng, colours[int(rng.integers(4))])
        return merge(
            [
                box((0.55, 0.6, 0.95), (0, 0, 0.05), Material.PLAIN, colour),
                box((0.6, 0.66, 0.08), (0, 0.02, 1.0), Material.PLAIN, colour),
            ]
        )
    if kind == "bollard":
        colour = srgb(230, 190, 40) if rng.random() < 0.5 else srgb(90, 92, 95)
        return tube((0, 0, 0), (0, 0, 0.85), (0.07, 0.07), Material.PLAIN, colour, 8)
    if kind == "cone":
        orange, pale = srgb(230, 90, 30), srgb(230, 230, 225)
        return merge([box((0.36, 0.36, 0.04), (0, 0, 0), Material.PLAIN, (0.02, 0.02, 0.02)), tube((0, 0, 0.03), (0, 0, 0.3), (0.14, 0.09), Material.PLAIN, orange, 8),
                      tube((0, 0, 0.3), (0, 0, 0.45), (0.09, 0.065), Material.PLAIN, pale, 8), tube((0, 0, 0.45), (0, 0, 0.7), (0.065, 0.025), Material.PLAIN, orange, 8)])  # fmt: skip
    if kind == "bench":
        wood = varied(rng, srgb(140, 96, 58))
        return merge([box((1.5, 0.42, 0.06), (0, 0, 0.42), Material.PLAIN, wood), box((1.5, 0.05, 0.4), (0, -0.2, 0.5), Material.PLAIN, wood),
                      box((0.08, 0.4, 0.42), (-0.6, 0, 0), Material.METAL, (0.1, 0.1, 0.1)), box((0.08, 0.4, 0.42), (0.6, 0, 0), Material.METAL, (0.1, 0.1, 0.1))])  # fmt: skip
    if kind == "sign":
        colours = (srgb(30, 80, 170), srgb(200, 40, 40), srgb(235, 235, 230), srgb(30, 120, 70))
        board = box(
            (float(rng.uniform(0.5, 1.2)), 0.05, float(rng.uniform(0.5, 0.9))),
            (0, 0.04, 1.9),
            Material.PLAIN,
            colours[int(rng.integers(4))],
        )
        return merge([tube((0, 0, 0), (0, 0, 2.6), (0.035, 0.035), Material.METAL, (0.3, 0.3, 0.3), 6), board])
    if kind == "boxes":
        parts = []
        for _ in range(int(rng.integers(3, 9))):
            size = rng.uniform(0.25, 0.7, 3)
            x, y = rng.uniform(-0.7, 0.7, 2)
            parts.append(
                box(
                    tuple(size),
                    (float(x), float(y), 0.0 if rng.random() < 0.6 else 0.4),
                    Material.CLOTH,
                    varied(rng, srgb(170, 130, 88), 0.25),
                ).turned(float(rng.uniform(0, 90)))
            )
        return merge(parts)
    if kind == "kiosk":
        colour = varied(rng, (srgb(60, 120, 90), srgb(200, 205, 205), srgb(40, 90, 160))[int(rng.integers(3))])
        return merge([box((2.4, 1.8, 2.3), (0, 0, 0), Material.PLAIN, colour), box((2.8, 2.4, 0.12), (0, 0.1, 2.3), Material.PLAIN, varied(rng, colour, 0.3)),
                      quad([(-1.0, 0.91, 1.0), (1.0, 0.91, 1.0), (1.0, 0.91, 1.9), (-1.0, 0.91, 1.9)], Material.GLASS, (0.02, 0.02, 0.02))])  # fmt: skip
    return merge([box((3.0, 2.2, 2.2), (0, 0, 0), Material.TIN, srgb(60, 100, 160))])


def _plant(rng: np.random.Generator, *, bush: bool) -> Mesh:
    """A trunk, boughs, and some hundred leaves in clumps."""
    height = float(rng.uniform(0.7, 1.3)) if bush else float(rng.uniform(4.5, 9.5))
    spread = float(rng.uniform(0.5, 0.9)) if bush else height * float(rng.uniform(0.26, 0.4))
    green = varied(
        rng, (srgb(60, 88, 38), srgb(78, 104, 46), srgb(50, 76, 42), srgb(98, 112, 52))[int(rng.integers(4))], 0.15
    )
    parts: list[Mesh] = []
    middle = np.array([0, 0, height * (0.5 if bush else 0.68)])
    clumps = [middle]
    if not bush:
        bark = varied(rng, srgb(92, 78, 64))
        parts.append(
            tube(
                (0, 0, -0.05),
                (0, 0, height * 0.6),
                (0.045 * height * 0.5, 0.02 * height * 0.5),
                Material.PLAIN,
                bark,
                7,
            )
        )
        for _ in range(5):
            a = rng.uniform(0, 2 * pi)
            tip = middle + np.array([cos(a) * spread * 0.6, sin(a) * spread * 0.6, rng.uniform(-0.05, 0.2) * height])
            parts.append(
                tube(
                    (0, 0, height * rng.uniform(0.3, 0.5)),
                    tip,
                    (0.012 * height * 0.6, 0.006 * height),
                    Material.PLAIN,
                    bark,
                    5,
                )
            )
            clumps.append(tip)
    leaves = 110 if bush else 420
    which = rng.integers(0, len(clumps), leaves)
    away = rng.normal(size=(leaves, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    radius = spread * (0.95 if bush else 0.62) * rng.uniform(0.5, 1.0, leaves) ** 0.5
    centres = np.stack(clumps)[which] + away * radius[:, None] * [1, 1, (height * 0.5 / spread if bush else 0.75)]
    centres[:, 2] = np.maximum(centres[:, 2], 0.1)
    size = (0.16 if bush else 0.5 + 0.025 * height) * rng.uniform(0.6, 1.3, leaves)
    u = rng.normal(size=(leaves, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(u, away + 0.3 * rng.normal(size=(leaves, 3)))
    v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-6)
    u, v = u * size[:, None], v * size[:, None] * 0.7
    corners = np.concatenate(
        [
            np.stack([centres - u, centres + v, centres + u], 1),
            np.stack([centres - u, centres - v * 0.8, centres + u * 0.7], 1),
        ]
    )
    shade = np.clip(0.55 + 0.6 * (radius / radius.max()), 0, 1.1) * np.exp(rng.normal(0, 0.15, leaves))
    shade *= 0.75 + 0.4 * np.clip(away[:, 2], -0.5, 1)
    canopy = soup(corners, Material.LEAF, green, normals=np.repeat(np.concatenate([away, away])[:, None, :], 3, axis=1))
    canopy.colour[:] *= np.concatenate([shade, shade])[:, None].astype(np.float32)
    return merge([*parts, canopy])


def own_mesh(prop: Prop) -> Mesh:
    """The thing in its own frame; of plants there are only so many different ones."""
    return prop_mesh(prop.kind, prop.seed % 24 if prop.kind in {"tree", "bush"} else prop.seed)


def placed_prop(prop: Prop) -> Mesh:
    """The thing where it stands."""
    return own_mesh(prop).turned(prop.yaw_deg).moved(prop.east_m, prop.north_m)


def lamp_light(prop: Prop) -> tuple[float, float, float]:
    """Where the lamp of a lamp post shines from: east, north, up."""
    yaw = radians(prop.yaw_deg)
    return prop.east_m + sin(yaw) * LAMP_ARM_M, prop.north_m + cos(yaw) * LAMP_ARM_M, LAMP_HEIGHT_M


def fence_mesh(fence: Fence) -> Mesh:
    """A wall of tiles with a coping, a railing of bars, or a hedge."""
    rng = np.random.default_rng([fence.seed, 31])
    parts: list[Mesh] = []
    for (x0, y0), (x1, y1) in zip(fence.line[:-1], fence.line[1:], strict=True):
        reach = hypot(x1 - x0, y1 - y0)
        yaw = degrees(atan2(x1 - x0, y1 - y0))
        parts.append(_fence_piece(fence, reach, rng).turned(yaw).moved(x0, y0))
    return merge(parts)


def _fence_piece(fence: Fence, reach: float, rng: np.random.Generator) -> Mesh:
    h = fence.height_m
    if fence.kind == "wall":
        colour = varied(rng, srgb(196, 190, 178))
        return merge(
            [
                box((0.24, reach, h), (0, reach / 2, 0), Material.CONCRETE, colour),
                box((0.34, reach, 0.1), (0, reach / 2, h), Material.CONCRETE, colour),
            ]
        )
    if fence.kind == "hedge":
        bushes = [prop_mesh("bush", int(k)) for k in rng.integers(0, 8, max(1, int(reach / 0.7)))]
        return merge([bush.moved(float(rng.normal(0, 0.08)), 0.35 + 0.7 * k) for k, bush in enumerate(bushes)])
    steel = srgb(46, 54, 60)
    parts = [
        quad([(0, 0, z), (0, reach, z), (0, reach, z + 0.04), (0, 0, z + 0.04)], Material.PLAIN, steel)
        for z in (0.12, h - 0.16)
    ]
    parts += [box((0.06, 0.06, h), (0, y, 0), Material.PLAIN, steel) for y in np.arange(0.0, reach + 0.01, 2.4)]
    bars = np.arange(0.12, reach, 0.13)
    for dx, dy in ((0.011, 0.0), (0.0, 0.011)):
        low = np.stack([np.full_like(bars, -dx), bars - dy, np.zeros_like(bars)], -1)
        side = np.array([2 * dx, 2 * dy, 0])
        up = np.array([0, 0, h])
        parts.append(
            soup(
                np.concatenate(
                    [np.stack([low, low + side, low + side + up], 1), np.stack([low, low + side + up, low + up], 1)]
                ),
                Material.PLAIN,
                steel,
            )
        )
    return merge(parts)
