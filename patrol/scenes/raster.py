"""Kernels that decide which triangle each sample of a picture, or of a shadow map, sees.

Homogeneous rasterisation (Olano and Greer 1997): for a triangle with camera-space corners v0, v1, v2 mapped to
homogeneous pixels, the rows of the inverse of [v0 v1 v2] are three linear functions of the pixel; their values are the
corner weights divided by depth, and their sum is 1 / depth. No clipping is needed: behind the camera all are negative.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.compiled import kernel, part

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@kernel
def camera_planes(
    corners: Singles,
    first: int,
    last: int,
    rotation: Floats,
    centre: Floats,
    focal: Floats,
    planes: Floats,
    extent: Ints,
) -> None:
    """Fills planes (m, 9) and extent (m, 4: x0, x1, y0, y1) for triangles first to last.

    rotation (3, 3) world from camera; focal (fx, fy, cx, cy, width, height) in sample pixels. A triangle that no
    sample can see gets an empty extent.
    """
    width, height = int(focal[4]), int(focal[5])
    v = np.empty((3, 3))
    for t in range(first, last):
        behind = 0
        x_min, x_max, y_min, y_max = 1e30, -1e30, 1e30, -1e30
        for k in range(3):
            rx = corners[t, k, 0] - centre[0]
            ry = corners[t, k, 1] - centre[1]
            rz = corners[t, k, 2] - centre[2]
            x = rx * rotation[0, 0] + ry * rotation[1, 0] + rz * rotation[2, 0]
            y = rx * rotation[0, 1] + ry * rotation[1, 1] + rz * rotation[2, 1]
            z = rx * rotation[0, 2] + ry * rotation[1, 2] + rz * rotation[2, 2]
            v[k, 0] = x * focal[0] + z * focal[2]
            v[k, 1] = y * focal[1] + z * focal[3]
            v[k, 2] = z
            if z < 0.05:
                behind += 1
            else:
                px, py = v[k, 0] / z, v[k, 1] / z
                x_min, x_max = min(x_min, px), max(x_max, px)
                y_min, y_max = min(y_min, py), max(y_max, py)
        extent[t, 0], extent[t, 1], extent[t, 2], extent[t, 3] = 0, -1, 0, -1
        if behind == 3:
            continue
        if behind > 0:
            x_min, x_max, y_min, y_max = 0.0, width - 1.0, 0.0, height - 1.0
        x0, x1 = int(max(0.0, ceil(min(x_min, 1e6)))), int(min(width - 1.0, floor(max(x_max, -1e6))))
        y0, y1 = int(max(0.0, ceil(min(y_min, 1e6)))), int(min(height - 1.0, floor(max(y_max, -1e6))))
        if x0 > x1 or y0 > y1:
            continue
        c00 = v[1, 1] * v[2, 2] - v[1, 2] * v[2, 1]
        c01 = v[1, 2] * v[2, 0] - v[1, 0] * v[2, 2]
        c02 = v[1, 0] * v[2, 1] - v[1, 1] * v[2, 0]
        det = v[0, 0] * c00 + v[0, 1] * c01 + v[0, 2] * c02
        if abs(det) < 1e-9:
            continue
        i = 1.0 / det
        planes[t, 0], planes[t, 1], planes[t, 2] = c00 * i, c01 * i, c02 * i
        planes[t, 3] = (v[2, 1] * v[0, 2] - v[2, 2] * v[0, 1]) * i
        planes[t, 4] = (v[2, 2] * v[0, 0] - v[2, 0] * v[0, 2]) * i
        planes[t, 5] = (v[2, 0] * v[0, 1] - v[2, 1] * v[0, 0]) * i
        planes[t, 6] = (v[0, 1] * v[1, 2] - v[0, 2] * v[1, 1]) * i
        planes[t, 7] = (v[0, 2] * v[1, 0] - v[0, 0] * v[1, 2]) * i
        planes[t, 8] = (v[0, 0] * v[1, 1] - v[0, 1] * v[1, 0]) * i
        extent[t, 0], extent[t, 1], extent[t, 2], extent[t, 3] = x0, x1, y0, y1


@part
def row_span(planes: Floats, t: int, y: int, x0: int, x1: int) -> tuple[int, int]:
    """First and last sample of row y inside triangle t."""
    low, high = float(x0), float(x1)
    for k in range(3):
        slope = planes[t, 3 * k]
        here = planes[t, 3 * k + 1] * y + planes[t, 3 * k + 2]
        if slope > 0.0:
            low = max(low, -here / slope)
        elif slope < 0.0:
            high = min(high, -here / slope)
        elif here < 0.0:
            return 1, 0
    if low > high + 1.0:
        return 1, 0
    return ceil(low - 1e-7), floor(high + 1e-7)


@kernel
def draw(planes: Floats, extent: Ints, first: int, last: int, nearness: Singles, seen: Ints) -> None:
    """Draws triangles first to last: nearness (h, w) holds 1 / depth, seen (h, w) the nearest triangle's number."""
    for t in range(first, last):
        x0, x1 = extent[t, 0], extent[t, 1]
        slope = planes[t, 0] + planes[t, 3] + planes[t, 6]
        for y in range(extent[t, 2], extent[t, 3] + 1):
            a, b = row_span(planes, t, y, x0, x1)
            if a > b:
                continue
            base = (planes[t, 1] + planes[t, 4] + planes[t, 7]) * y + planes[t, 2] + planes[t, 5] + planes[t, 8]
            for x in range(a, b + 1):
                near = np.float32(base + slope * x)
                if near > nearness[y, x] and near < 20.0:
                    nearness[y, x] = near
                    seen[y, x] = t


@kernel
def coverage(planes: Floats, extent: Ints, first: int, last: int, canvas: NDArray[np.uint8], mark: int) -> int:
    """Marks on canvas (h, w) what triangles first to last cover if nothing else stood there; counts newly marked."""
    count = 0
    for t in range(first, last):
        for y in range(extent[t, 2], extent[t, 3] + 1):
            a, b = row_span(planes, t, y, extent[t, 0], extent[t, 1])
            for x in range(a, b + 1):
                if canvas[y, x] != mark:
                    canvas[y, x] = mark
                    count += 1
    return count


@kernel
def draw_shadow(corners: Singles, first: int, last: int, axes: Floats, depth: Singles) -> None:
    """Draws triangles into a shadow map seen from the sun.

    axes (4, 3): across, along and towards the sun (the first two divided by the texel size), and the offset to
    subtract; depth (h, w) keeps the largest distance towards the sun.
    """
    height, width = depth.shape
    u, v, d = np.empty(3), np.empty(3), np.empty(3)
    for t in range(first, last):
        for k in range(3):
            x, y, z = corners[t, k, 0], corners[t, k, 1], corners[t, k, 2]
            u[k] = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2] - axes[3, 0]
            v[k] = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2] - axes[3, 1]
            d[k] = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2] - axes[3, 2]
        det = (u[1] - u[0]) * (v[2] - v[0]) - (u[2] - u[0]) * (v[1] - v[0])
        if abs(det) < 1e-9:
            continue
        d_u = ((d[1] - d[0]) * (v[2] - v[0]) - (d[2] - d[0]) * (v[1] - v[0])) / det
        d_v = ((d[2] - d[0]) * (u[1] - u[0]) - (d[1] - d[0]) * (u[2] - u[0])) / det
        y0, y1 = max(0, ceil(min(v[0], v[1], v[2]))), min(height - 1, floor(max(v[0], v[1], v[2])))
        for y in range(y0, y1 + 1):
            low, high = 1e30, -1e30
            for k in range(3):
                j = (k + 1) % 3
                if (v[k] <= y) != (v[j] <= y):
                    cut = u[k] + (y - v[k]) / (v[j] - v[k]) * (u[j] - u[k])
                    low, high = min(low, cut), max(high, cut)
            for x in range(max(0, ceil(low)), min(width - 1, floor(high)) + 1):
                here = np.float32(d[0] + (x - u[0]) * d_u + (y - v[0]) * d_v)
                depth[y, x] = max(depth[y, x], here)


@kernel
def stamp_contact(
    ground: Singles, x: float, y: float, half_x: float, half_y: float, turn: Floats, reach: float, dark: float
) -> None:
    """Darkens the sky light that reaches the ground around an upright box; ground (h, w) in its own cells.

    turn (cos, sin) of the box's yaw; reach, how many cells beyond the box it still darkens; dark, by how much under it.
    """
    height, width = ground.shape
    radius = half_x + half_y + reach
    for row in range(max(0, int(y - radius)), min(height, int(y + radius) + 2)):
        for column in range(max(0, int(x - radius)), min(width, int(x + radius) + 2)):
            dx, dy = column - x, row - y
            across = abs(dx * turn[0] - dy * turn[1]) - half_x
            along = abs(dx * turn[1] + dy * turn[0]) - half_y
            away = max(across, 0.0) ** 2 + max(along, 0.0) ** 2
            if away < reach * reach:
                fall = 1.0 - away**0.5 / reach
                ground[row, column] *= np.float32(1.0 - dark * fall * fall * (3.0 - 2.0 * fall))


@kernel
def place(
    own: Singles, own_normals: Singles, pose: Floats, corners: Singles, normals: Singles, first: int, low_high: Floats
) -> None:  # fmt: skip
    """Writes a mesh's corners and normals into the world's arrays from `first` on, and its box into low_high (2, 3).

    pose: east, north, up, and cosine and sine of the yaw.
    """
    for k in range(3):
        low_high[0, k], low_high[1, k] = 1e30, -1e30
    for t in range(own.shape[0]):
        for c in range(3):
            x, y = own[t, c, 0], own[t, c, 1]
            p = (pose[0] + pose[3] * x + pose[4] * y, pose[1] - pose[4] * x + pose[3] * y, pose[2] + own[t, c, 2])
            a, b = own_normals[t, c, 0], own_normals[t, c, 1]
            normals[first + t, c, 0], normals[first + t, c, 1] = pose[3] * a + pose[4] * b, -pose[4] * a + pose[3] * b
            normals[first + t, c, 2] = own_normals[t, c, 2]
            for k in range(3):
                corners[first + t, c, k] = p[k]
                low_high[0, k] = min(low_high[0, k], p[k])
                low_high[1, k] = max(low_high[1, k], p[k])


@kernel
def shadow_span(corners: Singles, first: int, last: int, axes: Floats, span: Ints) -> None:
    """The rows and columns of the shadow map (first row, last, first column, last) that triangles can touch."""
    u0, u1, v0, v1 = 1e30, -1e30, 1e30, -1e30
    for t in range(first, last):
        for k in range(3):
            x, y, z = corners[t, k, 0], corners[t, k, 1], corners[t, k, 2]
            u = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2] - axes[3, 0]
            v = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2] - axes[3, 1]
            u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    span[0], span[1] = int(max(v0 - 1.0, 0.0)), int(max(v1 + 2.0, 0.0))
    span[2], span[3] = int(max(u0 - 1.0, 0.0)), int(max(u1 + 2.0, 0.0))
