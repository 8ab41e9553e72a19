"""The lit geometry of one moment: still triangles, moving triangles behind them, sun shadows and sky light.

A `Stage` is a cache over pure functions: what it holds at a moment depends on the scene and that moment alone,
never on the moments it was set to before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from patrol.scenes import raster
from patrol.scenes.light import Lighting
from patrol.scenes.materials import Material, noise_tile
from patrol.scenes.mesh import Mesh, Singles, yaw_matrix

Floats = NDArray[np.float64]
CONTACT_CELL_M = 0.2
CONTACT_CELLS_AT_MOST = 2048  # on a side: 16 MB
CONTACT_REACH_M = 0.6  # of a car; higher things darken more ground
LIT_WALL_M = 25.0  # walls take shadows up to this height
SHADOW_TEXEL_M = 0.1
SHADOW_TEXELS_AT_MOST = 4096  # 64 MB a map


@dataclass(frozen=True)
class Placed:
    """A mesh in the world: object number (0 is the district itself), own-frame mesh, and where it stands."""

    number: int
    mesh: Mesh
    east_m: float
    north_m: float
    up_m: float = 0.0
    yaw_deg: float = 0.0
    contact: bool = True

    def in_world(self) -> Mesh:
        """The mesh in east, north, up."""
        return self.mesh.turned(self.yaw_deg).moved(self.east_m, self.north_m, self.up_m)


@dataclass(frozen=True)
class Span:
    """A placed object's triangles in the stage's arrays, and its box in the world, (2, 3) low and high corners."""

    number: int
    first: int
    last: int
    low_high_m: Floats


@cache
def shared_noise() -> Singles:
    """The noise tile, made once per process."""
    return noise_tile()


def _own_box(mesh: Mesh) -> tuple[Floats, Floats]:
    """Low and high corner of a mesh in its own frame."""
    low_high = np.empty((2, 3))
    spare = np.empty_like(mesh.corners)
    raster.place(mesh.corners, mesh.normals, np.array([0.0, 0.0, 0.0, 1.0, 0.0]), spare, spare, 0, low_high)
    return low_high[0], low_high[1]


def contact_reach_m(height_m: float) -> float:
    """How far beside a thing of this height the ground is darker than in the open."""
    return CONTACT_REACH_M * (0.4 + min(height_m, 12.0) * 0.6)


class Stage:
    """Arrays for the kernels. `extent_m` is (west, south, east, north) of the part of the world that takes shadows."""

    def __init__(
        self,
        still: Mesh,
        still_contacts: Sequence[Placed],
        extent_m: tuple[float, float, float, float],
        room: int = 150_000,
    ) -> None:
        count = len(still)
        self.still_count = self.count = count
        self.corners = np.empty((count + room, 3, 3), np.float32)
        self.normals = np.empty((count + room, 3, 3), np.float32)
        self.uv = np.empty((count + room, 3, 2), np.float32)
        self.material = np.empty(count + room, np.int32)
        self.colour = np.empty((count + room, 3), np.float32)
        self.param = np.empty((count + room, 2), np.float32)
        self.number = np.zeros(count + room, np.int32)
        self._write(0, still)
        self.extent_m = extent_m
        self.spans: tuple[Span, ...] = ()
        west, south, east, north = extent_m
        cell = max(CONTACT_CELL_M, max(north - south, east - west) / CONTACT_CELLS_AT_MOST)
        shape = (int((north - south) / cell) + 2, int((east - west) / cell) + 2)
        self.ground_at = np.array([west, south, cell])
        self.open_ground = np.ones(shape, np.float32)
        for placed in still_contacts:
            self._stamp(self.open_ground, placed)
        self.ground = self.open_ground.copy()
        self._stamped: list[tuple[slice, slice]] = []
        self.lighting: Lighting | None = None
        self.sun_axes: Floats = np.zeros((4, 3))
        self.still_shadow = np.full((2, 2), -1e9, np.float32)
        self.moving_shadow = np.full((1, 1), -1e9, np.float32)
        self._shadowed: list[tuple[slice, slice]] = []
        self.lights = self.still_lights = np.zeros((0, 12), np.float32)
        self.lit = np.zeros(24, np.float32)
        self._moving_lights = np.zeros((0, 12), np.float32)
        self.version = 0  # changes whenever what stands still may look different
        self._look: tuple[Lighting, float, bytes] | None = None
        self._ripples = bool((still.material == Material.WATER).any())

    def _write(self, first: int, mesh: Mesh) -> int:
        last = first + len(mesh)
        self.corners[first:last], self.normals[first:last], self.uv[first:last] = mesh.corners, mesh.normals, mesh.uv
        self.material[first:last], self.colour[first:last], self.param[first:last] = (
            mesh.material,
            mesh.colour,
            mesh.param,
        )
        return last

    def _stamp(self, ground: Singles, placed: Placed) -> tuple[slice, slice]:
        cell = float(self.ground_at[2])
        low, high = _own_box(placed.mesh)
        middle = yaw_matrix(placed.yaw_deg) @ np.append((low[:2] + high[:2]) / 2, 0.0)
        x = (placed.east_m + float(middle[0]) - self.ground_at[0]) / cell
        y = (placed.north_m + float(middle[1]) - self.ground_at[1]) / cell
        half_x, half_y = (float(v) / cell for v in (high[:2] - low[:2]) / 2)
        turn = np.array([np.cos(np.radians(placed.yaw_deg)), np.sin(np.radians(placed.yaw_deg))])
        tall, slender = min(float(high[2]) / 2.0, 1.0), min(half_x, half_y) * cell
        reach_m = min(contact_reach_m(float(high[2])), 1.3 * slender)
        dark = (0.45 + 0.35 * tall) * min(slender / 0.7, 1.0)
        reach = reach_m / cell
        shrink = 0.75  # wheels and feet stand inside the outline
        raster.stamp_contact(ground, x, y, half_x * shrink, half_y * shrink, turn, max(reach, 1.0), dark)
        far = half_x + half_y + reach + 2
        return (
            slice(max(0, int(y - far)), max(0, int(y + far) + 3)),
            slice(max(0, int(x - far)), max(0, int(x + far) + 3)),
        )

    def light(self, lighting: Lighting, time_s: float, still_lights: Singles, moving_lights: Singles) -> None:
        """Sets sun, sky and lamps ((n, 12) each, see the kernel `lamps`). Shadows are drawn anew when the sun has moved."""
        self.lit = lighting.packed(time_s)
        self.still_lights, self._moving_lights = still_lights, moving_lights
        self.lights = np.concatenate([still_lights, moving_lights]).astype(np.float32)
        if (
            self.lighting is None
            or self.lighting.to_sun != lighting.to_sun
            or (self.lighting.sun_rgb[0] > 0) != (lighting.sun_rgb[0] > 0)
        ):
            self._draw_still_shadow(lighting)
        look = (lighting, time_s if self._ripples else 0.0, still_lights.tobytes())
        if self._look != look:
            self._look = look
            self.version += 1
        self.lighting = lighting

    def _draw_still_shadow(self, lighting: Lighting) -> None:
        if lighting.sun_rgb[0] <= 0:
            self.still_shadow, self.moving_shadow = np.full((2, 2), -1e9, np.float32), np.full((1, 1), -1e9, np.float32)
            self._shadowed = []
            return
        sun = np.array(lighting.to_sun)
        across = np.cross(sun, [0.0, 0.0, 1.0]) if abs(sun[2]) < 0.999 else np.array([1.0, 0.0, 0.0])
        across /= np.linalg.norm(across)
        along = np.cross(across, sun)
        west, south, east, north = self.extent_m
        ground = np.array([(x, y, z) for x in (west, east) for y in (south, north) for z in (0.0, LIT_WALL_M)])
        u, v = ground @ across, ground @ along
        texel = max(SHADOW_TEXEL_M, float(max(np.ptp(u), np.ptp(v))) / SHADOW_TEXELS_AT_MOST)
        self.sun_axes = np.stack([across / texel, along / texel, sun, [u.min() / texel, v.min() / texel, 0.0]])
        shape = (int(np.ptp(v) / texel) + 2, int(np.ptp(u) / texel) + 2)
        self.still_shadow = np.full(shape, -1e9, np.float32)
        self.moving_shadow = np.full(shape, -1e9, np.float32)
        self._shadowed = []
        raster.draw_shadow(self.corners, 0, self.still_count, self.sun_axes, self.still_shadow)

    def move(self, bodies: Sequence[Placed]) -> None:
        """Puts the moving objects in place; call after `light`."""
        for region in self._shadowed:
            self.moving_shadow[region] = -1e9
        for region in self._stamped:
            self.ground[region] = self.open_ground[region]
        self._shadowed, self._stamped = [], []
        spans: list[Span] = []
        first = self.still_count
        for placed in bodies:
            mesh = placed.mesh
            last = first + len(mesh)
            if last > len(self.corners):
                self._grow(last)
            yaw = radians(placed.yaw_deg)
            pose = np.array([placed.east_m, placed.north_m, placed.up_m, cos(yaw), sin(yaw)])
            low_high = np.empty((2, 3))
            raster.place(mesh.corners, mesh.normals, pose, self.corners, self.normals, first, low_high)
            self.uv[first:last], self.material[first:last] = mesh.uv, mesh.material
            self.colour[first:last], self.param[first:last] = mesh.colour, mesh.param
            self.number[first:last] = placed.number
            spans.append(Span(placed.number, first, last, low_high))
            if placed.contact and placed.up_m < 0.5:
                self._stamped.append(self._stamp(self.ground, placed))
            first = last
        self.count = first
        self.spans = tuple(spans)
        rows = np.zeros(4, np.int32)
        for span in spans if self.moving_shadow.size > 1 else ():
            raster.draw_shadow(self.corners, span.first, span.last, self.sun_axes, self.moving_shadow)
            raster.shadow_span(self.corners, span.first, span.last, self.sun_axes, rows)
            v0, v1, u0, u1 = (int(v) for v in rows)
            self._shadowed.append((slice(v0, v1), slice(u0, u1)))

    def _grow(self, needed: int) -> None:
        size = needed + needed // 4
        for name in ("corners", "normals", "uv", "material", "colour", "param", "number"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def touched_m(self) -> list[tuple[Floats, Floats]]:
        """Boxes in the world, (3,) low and high, outside of which moving objects change nothing that is seen."""
        boxes: list[tuple[Floats, Floats]] = []
        sun = self.lit[:3].astype(float)
        for span in self.spans:
            low, high = span.low_high_m
            reach = np.array([1.0, 1.0, 0.05]) * (contact_reach_m(float(high[2])) + 0.5)
            low, high = low - reach, high + reach
            if self.moving_shadow.size > 1 and sun[2] > 0.01:
                fall = -sun[:2] / sun[2] * (high[2] + 0.1)
                boxes.append(
                    (
                        np.minimum(low, np.append(low[:2] + fall, -0.1)),
                        np.maximum(high, np.append(high[:2] + fall, 0.0)),
                    )
                )
            else:
                boxes.append((low, high))
        lamps = self._moving_lights.astype(float)
        boxes += [(lamp[:3] - lamp[11], lamp[:3] + lamp[11]) for lamp in lamps]
        return boxes
