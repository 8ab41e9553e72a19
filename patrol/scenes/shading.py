"""Kernels that give each sample its colour: sun and its shadows, sky, lamps, mirrors, wetness and haze. Light is linear."""

from __future__ import annotations

from math import exp, floor, sqrt

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.compiled import kernel, part
from patrol.scenes.textures import (
    BOUNCE,
    CLOUD,
    FOG,
    HORIZON,
    INFRARED,
    RIPPLE,
    SUN,
    SUN_RGB,
    WET,
    ZENITH,
    Rgb,
    added,
    grain,
    mixed,
    rgb,
    scaled,
    smooth,
    surface,
    times,
)  # fmt: skip

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
BRIGHTEST = 12.0  # a sample on an edge may not outshine its pixel


@part
def sky(lit: Singles, tile: Singles, x: float, y: float, z: float) -> Rgb:
    """The sky's light from direction x, y, z."""
    up = max(z, 0.0)
    horizon = rgb(lit, HORIZON)
    colour = mixed(horizon, rgb(lit, ZENITH), 1.0 - (1.0 - min(up, 1.0)) ** 3)
    if up > 0.02:
        s = 34.0 / (up + 0.25)
        lumps = grain(tile, x * s, y * s) + 0.5 * grain(tile, x * s * 3.1, y * s * 3.1)
        cloud = smooth((lumps - 0.95 + 0.7 * lit[CLOUD]) * 2.5)
        white = 1.15 * (horizon[0] + horizon[1] + horizon[2]) / 3.0
        colour = mixed(colour, (white, white, white), cloud * min(up * 5.0, 1.0) * 0.8)
    near_sun = x * lit[SUN] + y * lit[SUN + 1] + z * lit[SUN + 2]
    if near_sun > 0.9:
        colour = added(colour, rgb(lit, SUN_RGB), ((near_sun - 0.9) * 10.0) ** 6 * (1.0 - 0.8 * lit[CLOUD]))
    return colour


@part
def shadow(depth: Singles, axes: Floats, x: float, y: float, z: float, slack: float) -> float:
    """How much of the sun reaches a point past what the shadow map holds, 0 to 1 (four neighbours, weighted)."""
    u = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2] - axes[3, 0]
    v = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2] - axes[3, 1]
    d = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2] - axes[3, 2] + slack
    iu, iv = floor(u), floor(v)
    if iu < 0 or iv < 0 or iu + 1 >= depth.shape[1] or iv + 1 >= depth.shape[0]:
        return 1.0
    tu, tv = u - iu, v - iv
    light = 0.0
    if depth[iv, iu] <= d:
        light += (1.0 - tu) * (1.0 - tv)
    if depth[iv, iu + 1] <= d:
        light += tu * (1.0 - tv)
    if depth[iv + 1, iu] <= d:
        light += (1.0 - tu) * tv
    if depth[iv + 1, iu + 1] <= d:
        light += tu * tv
    return light


@part
def lamps(lights: Singles, p: Rgb, n: Rgb, ray: Rgb, shine: float) -> tuple[Rgb, Rgb]:
    """Diffuse and mirrored light of all lamps at point p with normal n, seen along the reflected ray."""
    diffuse, mirrored = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for k in range(lights.shape[0]):
        lx, ly, lz = lights[k, 0] - p[0], lights[k, 1] - p[1], lights[k, 2] - p[2]
        square = lx * lx + ly * ly + lz * lz
        reach = lights[k, 11] * lights[k, 11]
        if square > reach:
            continue
        away = sqrt(square) + 1e-6
        lx, ly, lz = lx / away, ly / away, lz / away
        cone = -(lx * lights[k, 3] + ly * lights[k, 4] + lz * lights[k, 5])
        beam = smooth((cone - lights[k, 9]) / (lights[k, 10] - lights[k, 9]))
        if beam <= 0.0:
            continue
        colour = (lights[k, 6], lights[k, 7], lights[k, 8])
        power = beam * (1.0 - square / reach) ** 2 / max(square, 0.3)
        diffuse = added(diffuse, colour, power * max(n[0] * lx + n[1] * ly + n[2] * lz, 0.0))
        mirror = ray[0] * lx + ray[1] * ly + ray[2] * lz
        if shine > 0.0 and mirror > 0.9:
            mirrored = added(mirrored, colour, shine * power * away * 0.35 * ((mirror - 0.9) * 10.0) ** 8)
    return diffuse, mirrored


@part
def open_ground(ground: Singles, ground_at: Floats, x: float, y: float) -> float:
    """Share of the sky that the ground at x, y sees past what stands on it."""
    gx, gy = (x - ground_at[0]) / ground_at[2], (y - ground_at[1]) / ground_at[2]
    ix, iy = floor(gx), floor(gy)
    if ix < 0 or iy < 0 or ix + 1 >= ground.shape[1] or iy + 1 >= ground.shape[0]:
        return 1.0
    tx, ty = gx - ix, gy - iy
    top: float = ground[iy, ix] * (1.0 - tx) + ground[iy, ix + 1] * tx
    low: float = ground[iy + 1, ix] * (1.0 - tx) + ground[iy + 1, ix + 1] * tx
    share: float = top * (1.0 - ty) + low * ty
    return share


@part
def mirrored(c: Rgb, m: int, glossy: float, facing: float, ray: Rgb, open_sky: float, near: Rgb, sunlight: float,
             lit: Singles, tile: Singles) -> Rgb:  # fmt: skip
    """A glossy surface: the sky, or the dim neighbourhood, mirrored in it (Schlick 1994), and the sun's glint."""
    fresnel = (0.04 + 0.96 * (1.0 - min(-facing, 1.0)) ** 5) * min(glossy, 1.6)
    if m == 17:
        fresnel = 0.45
    if ray[2] > 0.03 or m == 15:
        # buildings and trees stand along the horizon and are mirrored darker
        seen = scaled(sky(lit, tile, ray[0], ray[1], abs(ray[2])), (0.4 + 0.6 * smooth(ray[2] * 2.5)) * open_sky)
    else:
        seen = scaled(near, 0.12)
    c = mixed(c, seen, fresnel)
    near_sun = ray[0] * lit[SUN] + ray[1] * lit[SUN + 1] + ray[2] * lit[SUN + 2]
    if sunlight > 0.0 and near_sun > 0.95:
        c = added(c, rgb(lit, SUN_RGB), ((near_sun - 0.95) * 20.0) ** 10 * sunlight * 1.5 * glossy)
    return c


@part
def shade(  # noqa: C901, PLR0915 - one sample from geometry to colour; its steps share a dozen values
    t: int, sx: float, sy: float, planes: Floats, corners: Singles, normals: Singles, uv: Singles, material: Ints,
    colour: Singles, param: Singles, view: Floats, lit: Singles, sun_axes: Floats, still: Singles, moving: Singles,
    ground: Singles, ground_at: Floats, lights: Singles, tile: Singles,
) -> Rgb:  # fmt: skip
    """The light that triangle t sends to the camera through sample sx, sy. view: centre (3), sample size per metre."""
    e0 = planes[t, 0] * sx + planes[t, 1] * sy + planes[t, 2]
    e1 = planes[t, 3] * sx + planes[t, 4] * sy + planes[t, 5]
    e2 = planes[t, 6] * sx + planes[t, 7] * sy + planes[t, 8]
    w = 1.0 / max(e0 + e1 + e2, 1e-9)
    e0, e1, e2 = e0 * w, e1 * w, e2 * w
    x = e0 * corners[t, 0, 0] + e1 * corners[t, 1, 0] + e2 * corners[t, 2, 0]
    y = e0 * corners[t, 0, 1] + e1 * corners[t, 1, 1] + e2 * corners[t, 2, 1]
    z = e0 * corners[t, 0, 2] + e1 * corners[t, 1, 2] + e2 * corners[t, 2, 2]
    nx = e0 * normals[t, 0, 0] + e1 * normals[t, 1, 0] + e2 * normals[t, 2, 0]
    ny = e0 * normals[t, 0, 1] + e1 * normals[t, 1, 1] + e2 * normals[t, 2, 1]
    nz = e0 * normals[t, 0, 2] + e1 * normals[t, 1, 2] + e2 * normals[t, 2, 2]
    u = e0 * uv[t, 0, 0] + e1 * uv[t, 1, 0] + e2 * uv[t, 2, 0]
    v = e0 * uv[t, 0, 1] + e1 * uv[t, 1, 1] + e2 * uv[t, 2, 1]
    length = sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / length, ny / length, nz / length
    vx, vy, vz = x - view[0], y - view[1], z - view[2]
    away = sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
    vx, vy, vz = vx / away, vy / away, vz / away
    facing = nx * vx + ny * vy + nz * vz
    if facing > 0.0:
        nx, ny, nz, facing = -nx, -ny, -nz, -facing
    m = material[t]
    size = away / view[3] / sqrt(max(-facing, 0.08))
    base = (colour[t, 0], colour[t, 1], colour[t, 2])
    c, mirror, glow = surface(m, u, v, x, y, size, param[t, 0], param[t, 1], tile, lit, base)
    level = nz > 0.7 and z < 0.35 and m not in (9, 10)
    wet = 0.0
    if level and lit[WET] > 0.0 and m < 9:
        puddle = smooth((grain(tile, x * 0.9 + 11.0, y * 0.9) + 0.3 * grain(tile, x * 0.11, y * 0.11) - 0.72) * 5.0)
        wet = lit[WET] * (0.35 + 0.65 * puddle)
        c = scaled(c, 1.0 - 0.55 * wet)
    if m == 15:  # water: the normal sways
        s = lit[RIPPLE]
        near, nearer = smooth(1.4 - size * 6.0), smooth(1.2 - size * 20.0)  # ripples finer than a sample are not seen
        nx = 0.12 * near * (grain(tile, x * 5.0 + s * 3.0, y * 5.0) - 0.5)
        nx += 0.05 * nearer * (grain(tile, x * 17.0, y * 17.0 - s * 7.0) - 0.5)
        ny = 0.12 * near * (grain(tile, x * 5.0 + 99.0, y * 5.0 + s * 2.0) - 0.5)
        c = scaled(c, 0.8 + 0.4 * grain(tile, x * 0.17 + 5.0, y * 0.17))  # mud lies unevenly
        nz, wet = 1.0, 1.0
        facing = nx * vx + ny * vy + nz * vz
    cos_sun = nx * lit[SUN] + ny * lit[SUN + 1] + nz * lit[SUN + 2]
    bias = 0.03 + 1.3 / sqrt(sun_axes[0, 0] ** 2 + sun_axes[0, 1] ** 2 + sun_axes[0, 2] ** 2 + 1e-9)  # past a texel
    if m == 14:  # leaves shine through
        cos_sun, bias = 0.35 + 0.45 * abs(cos_sun), 0.2 + bias
    sunlight = 0.0
    if cos_sun > 0.0 and lit[SUN_RGB] > 0.0:
        sunlight = shadow(still, sun_axes, x + nx * bias, y + ny * bias, z + nz * bias, 0.05)
        if sunlight > 0.0 and moving.shape[0] > 1:
            sunlight *= shadow(moving, sun_axes, x + nx * bias, y + ny * bias, z + nz * bias, 0.05)
    open_sky = 1.0
    if level:
        open_sky = open_ground(ground, ground_at, x, y)
    elif 5 <= m <= 8 or m == 18:
        open_sky = 0.72 + 0.28 * smooth(z / 4.0)
    elif nz < 0.3 and z < 0.6:
        open_sky = 0.45 + 0.9 * max(z, 0.0)
    above = mixed(rgb(lit, ZENITH), rgb(lit, HORIZON), 0.5)
    light = scaled(mixed(rgb(lit, BOUNCE), above, 0.5 + 0.5 * nz), open_sky)
    light = added(light, rgb(lit, SUN_RGB), cos_sun * sunlight)
    ray = (vx - 2.0 * facing * nx, vy - 2.0 * facing * ny, vz - 2.0 * facing * nz)
    glossy = max(mirror, wet)
    glints = (0.0, 0.0, 0.0)
    if lights.shape[0] > 0:
        lamp_light, glints = lamps(lights, (x, y, z), (nx, ny, nz), ray, glossy)
        light = added(light, lamp_light, open_sky if level else 1.0)
    if lit[INFRARED] > 0.0 and m in (4, 14, 16):
        c = mixed((0.58, 0.58, 0.58), c, 0.4)
    c = added(times(c, light), glow, 1.0)
    if glossy > 0.0:
        c = added(mirrored(c, m, glossy, facing, ray, open_sky, light, sunlight, lit, tile), glints, 1.0)
    return mixed(rgb(lit, HORIZON), c, exp(-lit[FOG] * away))


@kernel
def shade_tiles(
    picture: Singles, seen: Ints, samples: int, dirty: NDArray[np.uint8], side: int, planes: Floats, corners: Singles,
    normals: Singles, uv: Singles, material: Ints, colour: Singles, param: Singles, view: Floats, rotation: Floats,
    focal: Floats, lit: Singles, sun_axes: Floats, still: Singles, moving: Singles, ground: Singles, ground_at: Floats,
    lights: Singles, tile: Singles,
) -> None:  # fmt: skip
    """Fills picture (h, w, 3) where dirty (tiles of `side` pixels) is set, from seen (h * samples, w * samples).

    One colour per different triangle within a pixel, weighted by the samples that see it.
    """
    height, width = picture.shape[0], picture.shape[1]
    share = 1.0 / (samples * samples)
    for y in range(height):
        for x in range(width):
            if dirty[y // side, x // side] == 0:
                continue
            r = g = b = 0.0
            done = 0
            for j in range(samples):
                for i in range(samples):
                    if done & (1 << (j * samples + i)):
                        continue
                    t = seen[y * samples + j, x * samples + i]
                    count, mx, my = 0, 0.0, 0.0
                    for q in range(j, samples):
                        for p in range(samples):
                            if seen[y * samples + q, x * samples + p] == t and not done & (1 << (q * samples + p)):
                                done |= 1 << (q * samples + p)
                                count += 1
                                mx += x * samples + p
                                my += y * samples + q
                    mx, my = mx / count, my / count
                    if t >= 0:
                        seen_rgb = shade(
                            t, mx, my, planes, corners, normals, uv, material, colour, param, view, lit, sun_axes,
                            still, moving, ground, ground_at, lights, tile,
                        )  # fmt: skip
                    else:
                        a, c = (mx - focal[2]) / focal[0], (my - focal[3]) / focal[1]
                        dx = rotation[0, 0] * a + rotation[0, 1] * c + rotation[0, 2]
                        dy = rotation[1, 0] * a + rotation[1, 1] * c + rotation[1, 2]
                        dz = rotation[2, 0] * a + rotation[2, 1] * c + rotation[2, 2]
                        norm = sqrt(dx * dx + dy * dy + dz * dz)
                        seen_rgb = sky(lit, tile, dx / norm, dy / norm, dz / norm)
                    k = count * share
                    r += min(seen_rgb[0], BRIGHTEST) * k
                    g += min(seen_rgb[1], BRIGHTEST) * k
                    b += min(seen_rgb[2], BRIGHTEST) * k
            picture[y, x, 0], picture[y, x, 1], picture[y, x, 2] = r, g, b
