"""Kernels for what surfaces look like by themselves: colours, patterns, windows, wear. See `materials.Material`.

`lit` is the float32 vector that `light.Lighting.packed` writes; its places are named here. All light is linear.
"""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.compiled import part

Singles = NDArray[np.float32]
Rgb = tuple[float, float, float]

# Places in `lit`; vectors take three.
SUN, SUN_RGB, ZENITH, HORIZON, BOUNCE = 0, 3, 6, 9, 12
FOG, CLOUD, LAMPS, HEADS, WET, INFRARED, RIPPLE, WINDOWS = 15, 16, 17, 18, 19, 20, 21, 22
LIT_SIZE = 24


@part
def smooth(x: float) -> float:
    """Smoothstep: 0 below 0, 1 above 1."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@part
def band(x: float, low: float, high: float, width: float) -> float:
    """1 between low and high, 0 outside, with edges as soft as one sample is wide."""
    w = max(width, 1e-4)
    return min(max((x - low) / w + 0.5, 0.0), 1.0) * min(max((high - x) / w + 0.5, 0.0), 1.0)


@part
def dice(a: float, b: float, c: float) -> float:
    """A number in 0 to 1 that belongs to a cell."""
    n = (int(a) * 374761393 + int(b) * 668265263 + int(c) * 974634777) & 0x7FFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0x7FFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


@part
def grain(tile: Singles, x: float, y: float) -> float:
    """The noise tile at cell coordinates, bilinear."""
    fx, fy = floor(x), floor(y)
    ix, iy = int(fx) & 511, int(fy) & 511
    jx, jy = (ix + 1) & 511, (iy + 1) & 511
    tx, ty = x - fx, y - fy
    top: float = tile[iy, ix] + (tile[iy, jx] - tile[iy, ix]) * tx
    low: float = tile[jy, ix] + (tile[jy, jx] - tile[jy, ix]) * tx
    return top + (low - top) * ty


@part
def rgb(lit: Singles, place: int) -> Rgb:
    """Three neighbouring places of `lit` as a colour."""
    return lit[place], lit[place + 1], lit[place + 2]


@part
def scaled(a: Rgb, k: float) -> Rgb:
    """A colour, so many times."""
    return a[0] * k, a[1] * k, a[2] * k


@part
def added(a: Rgb, b: Rgb, k: float) -> Rgb:
    """a + b * k."""
    return a[0] + b[0] * k, a[1] + b[1] * k, a[2] + b[2] * k


@part
def mixed(a: Rgb, b: Rgb, k: float) -> Rgb:
    """From a (k = 0) to b (k = 1)."""
    return a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k, a[2] + (b[2] - a[2]) * k


@part
def times(a: Rgb, b: Rgb) -> Rgb:
    """Colour by colour."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@part
def facade(
    u: float, v: float, size: float, seed: float, storey: float, tile: Singles
) -> tuple[float, float, float, float]:
    """A wall with windows: how much of the sample is pane, frame, and wall's brightness; and the pane's dice."""
    style = int(seed) % 5
    bay = 2.4 + (int(seed) // 5 % 7) * 0.3
    cu, cv = floor(u / bay), floor(v / storey)
    x, y = u - cu * bay, v - cv * storey
    chance = dice(cu, cv, seed)
    wall = 0.86 + 0.28 * grain(tile, u * 5.0 + seed * 31.0, v * 1.3)
    if style == 0:  # band windows
        lo, hi, bottom, top = 0.08, bay - 0.08, 0.9, storey - 0.5
    elif style == 1:  # curtain wall
        lo, hi, bottom, top = 0.05, bay - 0.05, 0.35, storey - 0.05
    elif style == 2:  # small punched windows
        lo, hi, bottom, top = bay * 0.3, bay * 0.72, 1.0, storey - 0.7
    elif style == 3:  # pairs, one narrow
        lo, hi, bottom, top = bay * 0.15, bay * 0.8, 0.9, storey - 0.55
        if int(cu) % 3 == 2:
            lo, hi, bottom = bay * 0.35, bay * 0.6, 1.5
    else:  # balconies: deep opening, pale rail
        lo, hi, bottom, top = bay * 0.1, bay * 0.9, 0.15, storey - 0.35
    pane = band(x, lo, hi, size) * band(y, bottom, top, size)
    rim = band(x, lo - 0.07, hi + 0.07, size) * band(y, bottom - 0.07, top + 0.07, size) - pane
    mullion = pane * band(x, (lo + hi) / 2 - 0.03, (lo + hi) / 2 + 0.03, size)
    if style == 4:
        rail = band(x, lo, hi, size) * band(y, 0.1, 1.05, size)
        mullion = max(mullion, rail * (0.55 + 0.45 * band(x * 7.0 - floor(x * 7.0), 0.0, 0.35, size * 7.0)))
    if style != 1:
        unit = band(x, lo + 0.1, lo + 0.95, size) * band(y, bottom - 0.75, bottom - 0.15, size)
        if chance > 0.55 and style != 4:
            rim = max(rim, unit * 0.8)
        sill = band(y, bottom - 0.9, bottom - 0.05, size + 0.3) * band(x, lo, hi, size)
        wall *= 1.0 - 0.22 * sill * grain(tile, u * 9.0, seed)
    line = band(y, 0.0, 0.12, size)
    wall *= 1.0 - 0.18 * line
    return max(pane - mullion, 0.0), max(rim, mullion), wall, chance


@part
def shopfront(
    c: Rgb, u: float, v: float, size: float, seed: float, tile: Singles, lit: Singles
) -> tuple[Rgb, float, Rgb]:
    """Signs above, glass below, pillars between: reflectance, mirror share, emitted light."""
    unit = 3.5 + (int(seed) % 4)
    cu = floor(u / unit)
    a, chance, hue = u - cu * unit, dice(cu, 3.0, seed), dice(cu, 5.0, seed)
    sign = band(a, 0.1, unit - 0.1, size) * band(v, 2.7, 3.5, size)
    strokes = smooth((grain(tile, u * 19.0, v * 8.0) - 0.5) * 9.0)
    letters = sign * band(a, 0.8, unit - 0.8, size) * band(v, 2.9, 3.3, size) * strokes
    mullion = band(a, unit / 2 - 0.04, unit / 2 + 0.04, size)
    pane = band(a, 0.2, unit - 0.2, size) * band(v, 0.3, 2.5, size) * (1.0 - mullion)
    board = (0.08 + 0.6 * max(0.0, 1.0 - 2.0 * hue), 0.1 + 0.25 * hue, 0.08 + 0.5 * max(0.0, 2.0 * hue - 1.0))
    goods = 0.04 + 0.2 * grain(tile, u * 9.0, v * 9.0) * dice(floor(u * 3.0), floor(v * 3.0), seed)
    c = scaled(c, max(1.0 - sign - pane, 0.0))
    c = added(added(c, board, sign - letters), (0.75, 0.7, 0.55), letters)
    c = added(c, (1.0, 0.8, 0.7), goods * pane)
    glow = (0.0, 0.0, 0.0)
    if lit[LAMPS] > 0.0 and chance > 0.3:
        glow = added(scaled((0.26, 0.22, 0.17), pane * (1.0 + goods * 12.0)), board, sign * 0.7)
        glow = scaled(added(glow, (0.8, 0.75, 0.6), letters), lit[LAMPS] * 0.4)
    return c, pane * 0.3, glow


@part
def surface(  # noqa: C901, PLR0912, PLR0915 - one switch over the materials; apart they would share nothing
    m: int, u: float, v: float, x: float, y: float, size: float, seed: float, detail: float, tile: Singles, lit: Singles, c: Rgb
) -> tuple[Rgb, float, Rgb]:  # fmt: skip
    """Texture of a sample `size` metres wide: reflectance, mirror share, and emitted light."""
    mirror = 0.0
    glow = (0.0, 0.0, 0.0)
    fine = min(max(1.5 - size * 12.0, 0.0), 1.0)
    if m == 1:  # asphalt: grit, tyre lanes, patches
        k = 0.9 + 0.2 * grain(tile, x * 1.7, y * 1.7) + 0.35 * (grain(tile, x * 0.13 + 7.0, y * 0.13) - 0.5)
        c = scaled(c, k * (1.0 + fine * 0.7 * (grain(tile, x * 31.0, y * 31.0) - 0.5)))
    elif m == 2:  # worn paint over asphalt
        worn = smooth((grain(tile, x * 6.0, y * 6.0) * 0.6 + grain(tile, x * 0.7, y * 0.7) * 0.6 - 0.95 + detail) * 4.0)
        c = mixed(scaled(c, 0.9 + 0.25 * (grain(tile, x * 3.0, y * 3.0) - 0.5)), (0.07, 0.07, 0.07), worn)
    elif m == 3:  # paving: slabs with joints
        slab = 0.4 + 0.2 * (int(seed) % 3)
        cu, cv = floor(x / slab), floor(y / slab)
        joint = 1.0 - band(x - cu * slab, 0.012, slab - 0.012, size) * band(y - cv * slab, 0.012, slab - 0.012, size)
        k = 0.8 + 0.3 * grain(tile, x * 0.5, y * 0.5) + 0.18 * (dice(cu, cv, seed) - 0.5) * min(fine + 0.3, 1.0)
        c = scaled(c, k * (1.0 - 0.4 * joint * min(max(1.2 - size * 3.0, 0.0), 1.0)))
    elif m in (4, 19):  # grass, soil
        k = 0.55 + 0.5 * grain(tile, x * 0.4, y * 0.4) + 0.4 * grain(tile, x * 4.0, y * 4.0)
        k *= 1.0 + fine * 0.9 * (grain(tile, x * 37.0, y * 23.0) - 0.5)
        dry = smooth((grain(tile, x * 0.21 + 90.0, y * 0.21) - 0.55) * 5.0) * 0.5
        c = (c[0] * k * (1 + dry), c[1] * k, c[2] * k)
    elif m == 5:  # windows
        pane, frame, wall, chance = facade(u, v, size, seed, detail, tile)
        inner = 0.02 + 0.12 * max(chance - 0.6, 0.0)
        c = added(scaled(c, wall * max(1.0 - pane - frame, 0.0)), (0.5, 0.5, 0.5), frame)
        c = added(c, (1.0, 1.0, 1.1), inner * pane)
        mirror = pane * 0.55
        if chance < lit[WINDOWS]:
            glow = scaled((1.0, 0.7 + 0.3 * chance, 0.35 + chance), pane * (0.08 + chance * 0.9))
    elif m == 6:  # tiles
        cu, cv = floor(u / 0.24), floor(v / 0.08)
        su = u - cu * 0.24 if int(cv) % 2 == 0 else (u + 0.12) - floor((u + 0.12) / 0.24) * 0.24
        joint = 1.0 - band(su, 0.008, 0.232, size) * band(v - cv * 0.08, 0.006, 0.074, size)
        k = 0.8 + 0.35 * grain(tile, u * 1.1, v * 0.6)
        c = scaled(c, k + fine * 0.3 * (dice(cu, cv, seed) - 0.5) - 0.25 * joint * fine)
    elif m == 7:  # concrete: stains running down, patches
        k = 0.72 + 0.3 * grain(tile, u * 0.8 + seed, v * 0.8) + 0.28 * grain(tile, u * 6.0, v * 0.5 + seed)
        c = scaled(c, k * (1.0 + fine * 0.25 * (grain(tile, u * 29.0, v * 29.0) - 0.5)))
    elif m == 8:  # corrugated tin
        phase = u * 5.0 - floor(u * 5.0)
        k = 1.0 + (abs(phase - 0.5) * 0.9 - 0.22) * min(max(1.3 - size * 9.0, 0.0), 1.0)
        rust = smooth((grain(tile, u * 1.3 + seed, v * 0.5) - 0.62) * 6.0) * detail
        c = mixed(scaled(c, k * (0.88 + 0.24 * grain(tile, u * 0.6, v * 0.6 + seed))), (0.16, 0.07, 0.03), rust)
        mirror = 0.03
    elif m == 18:
        c, mirror, glow = shopfront(c, u, v, size, seed, tile, lit)
    elif m == 9:
        mirror = 1.0
    elif m == 10:
        mirror = 1.6
    elif m == 17:
        mirror = 1.2
    elif m == 11:
        glow = scaled((5.0, 4.3, 3.1), lit[LAMPS])
    elif m == 12:
        mirror = 1.0
        glow = scaled((9.0, 9.0, 9.0), lit[HEADS])
    elif m == 13:
        glow = scaled((1.0, 0.05, 0.03), lit[HEADS] * 0.9 + detail * 1.6)
    elif m in (14, 16):
        c = scaled(c, 0.8 + 0.4 * grain(tile, u * 9.0 + seed, v * 9.0))
    return c, mirror, glow
