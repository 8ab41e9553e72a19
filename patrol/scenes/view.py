"""What a camera sees of a stage: a linear picture, and which object each sample belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.geo import Camera, Lens, Pose
from patrol.scenes import raster, shading
from patrol.scenes.mesh import Singles
from patrol.scenes.stage import Stage, shared_noise

Ints = NDArray[np.int32]
TILE_PX = 16
NEAR_M = 0.05  # nothing nearer to the lens than this is drawn
BOX_EDGES = np.array(
    [(i, j) for i in range(8) for j in range(i + 1, 8) if (i ^ j) in (1, 2, 4)]
)  # corner bits: x, y, z


@dataclass(frozen=True)
class Exposed:
    """light (h, w, 3) linear; seen (h * samples, w * samples) triangle per sample, -1 for sky; number_of its object.

    `whole` is, per object, how many pixels it would cover if nothing stood before it and the picture had no borders
    (as far as one picture's size beyond them). nearness (h * samples, w * samples): 1 / depth along the axis, per metre.
    """

    light: Singles
    seen: Ints
    number_of: Ints
    samples: int
    whole: dict[int, float]
    nearness: Singles

    @property
    def numbers(self) -> Ints:
        """(h * samples, w * samples) object number per sample, 0 for the district, -1 for sky."""
        return np.where(self.seen >= 0, self.number_of[self.seen], -1).astype(np.int32)


@dataclass
class _Still:
    version: int
    light: Singles
    nearness: Singles
    seen: Ints


class View:
    """One camera. A camera that does not move draws what stands still only once per lighting."""

    def __init__(self, camera: Camera, samples: int = 2) -> None:
        self.samples = samples
        self._still: _Still | None = None
        self._planes = np.zeros((0, 9))
        self._extent = np.zeros((0, 4), np.int32)
        self._planned = 0
        self.camera = camera
        self._asked = camera.lens
        self._warp: tuple[Singles, Singles] | None = None
        if any((camera.lens.k1, camera.lens.k2, camera.lens.p1, camera.lens.p2, camera.lens.k3)):
            self.camera, self._warp = _undistorted(camera)
        lens = self.camera.lens
        self._focal = _focal(lens.scaled_to(lens.width_px * samples, lens.height_px * samples))

    def _prepare(self, stage: Stage, first: int, last: int) -> None:
        if len(self._planes) < len(stage.corners):
            planes, extent = np.zeros((len(stage.corners), 9)), np.zeros((len(stage.corners), 4), np.int32)
            planes[: len(self._planes)], extent[: len(self._extent)] = self._planes, self._extent
            self._planes, self._extent = planes, extent
        pose = self.camera.pose
        raster.camera_planes(
            stage.corners, first, last, pose.world_from_camera(), pose.centre_m, self._focal, self._planes, self._extent
        )

    def stand_at(self, pose: Pose) -> None:
        """Move the camera there; what it had drawn for `keep_still` is forgotten."""
        self.camera, self._still = Camera(self.camera.lens, pose), None

    def expose(self, stage: Stage, *, keep_still: bool = False, outlines: bool = True) -> Exposed:
        """The stage as it is now. With `keep_still` the result is the same, and the next call with this view is faster.

        Without `outlines` nobody asks how much of each object is hidden: `whole` stays empty, and time is saved.
        """
        lens = self.camera.lens
        height, width, n = lens.height_px, lens.width_px, self.samples
        tiles = (ceil(height / TILE_PX), ceil(width / TILE_PX))
        if keep_still:
            still = self._still_picture(stage, tiles)
            nearness, seen, light = still.nearness.copy(), still.seen.copy(), still.light.copy()
            dirty = self._dirty(stage, tiles)
            first = stage.still_count
        else:
            nearness, seen = (
                np.zeros((height * n, width * n), np.float32),
                np.full((height * n, width * n), -1, np.int32),
            )
            light = np.empty((height, width, 3), np.float32)
            dirty = np.ones(tiles, np.uint8)
            first = 0
        self._prepare(stage, first, stage.count)
        raster.draw(self._planes, self._extent, first, stage.count, nearness, seen)
        self._shade(stage, light, seen, dirty)
        whole = self._whole(stage) if outlines else {}
        if self._warp is not None:
            light, seen, nearness = self._distort(self._warp, light, seen, nearness)
        return Exposed(light, seen, stage.number[: stage.count].copy(), n, whole, nearness)

    def _still_picture(self, stage: Stage, tiles: tuple[int, int]) -> _Still:
        if self._still is not None and self._still.version == stage.version:
            return self._still
        height, width, n = self.camera.lens.height_px, self.camera.lens.width_px, self.samples
        if self._still is None:
            nearness, seen = (
                np.zeros((height * n, width * n), np.float32),
                np.full((height * n, width * n), -1, np.int32),
            )
            self._prepare(stage, 0, stage.still_count)
            raster.draw(self._planes, self._extent, 0, stage.still_count, nearness, seen)
        else:
            nearness, seen = self._still.nearness, self._still.seen
        light = np.empty((height, width, 3), np.float32)
        self._still = _Still(stage.version, light, nearness, seen)
        moving, ground, lights = stage.moving_shadow, stage.ground, stage.lights
        stage.moving_shadow, stage.ground, stage.lights = (
            np.full((1, 1), -1e9, np.float32),
            stage.open_ground,
            stage.still_lights,
        )
        try:
            self._shade(stage, light, seen, np.ones(tiles, np.uint8))
        finally:
            stage.moving_shadow, stage.ground, stage.lights = moving, ground, lights
        return self._still

    def _shade(self, stage: Stage, light: Singles, seen: Ints, dirty: NDArray[np.uint8]) -> None:
        pose = self.camera.pose
        lens = self.camera.lens
        view = np.array([*pose.centre_m, lens.fx_px])
        shading.shade_tiles(
            light, seen, self.samples, dirty, TILE_PX, self._planes, stage.corners, stage.normals, stage.uv, stage.material,
            stage.colour, stage.param, view, pose.world_from_camera(), self._focal, stage.lit, stage.sun_axes,
            stage.still_shadow, stage.moving_shadow, stage.ground, stage.ground_at, stage.lights, shared_noise(),
        )  # fmt: skip

    def _dirty(self, stage: Stage, tiles: tuple[int, int]) -> NDArray[np.uint8]:
        """Tiles that moving objects, their shadows or their lamps can change."""
        dirty = np.zeros(tiles, np.uint8)
        for low, high in stage.touched_m():
            corners = np.array(
                [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
            )
            region = self._tiles_of(corners)
            if region is not None:
                dirty[region] = 1
        return dirty

    def _tiles_of(self, corners: NDArray[np.float64]) -> tuple[slice, slice] | None:
        pose = self.camera.pose
        eye = (corners - pose.centre_m) @ pose.world_from_camera()
        a, b = eye[BOX_EDGES[:, 0]], eye[BOX_EDGES[:, 1]]
        cut = (a[:, 2] < NEAR_M) != (b[:, 2] < NEAR_M)
        share = (NEAR_M - a[cut, 2]) / (b[cut, 2] - a[cut, 2])
        points = np.vstack([eye[eye[:, 2] >= NEAR_M], a[cut] + (b[cut] - a[cut]) * share[:, None]])
        if len(points) == 0:
            return None
        pixels = self.camera.lens.pixels(points)
        (x0, y0), (x1, y1) = np.clip(pixels.min(axis=0), -1e6, 1e6), np.clip(pixels.max(axis=0), -1e6, 1e6)
        rows = slice(max(0, int(y0 - 2) // TILE_PX), max(0, int(y1 + 2) // TILE_PX + 1))
        return rows, slice(max(0, int(x0 - 2) // TILE_PX), max(0, int(x1 + 2) // TILE_PX + 1))

    def _whole(self, stage: Stage) -> dict[int, float]:
        lens = self.camera.lens
        step = max(1, round(max(lens.width_px, lens.height_px) / 640))  # coarser than the picture: it is only a share
        width, height = lens.width_px // step, lens.height_px // step
        wide = _focal(lens.scaled_to(width, height))
        wide[2:] += [width, height, 2 * width, 2 * height]
        canvas = np.zeros((3 * height, 3 * width), np.uint8)
        pose = self.camera.pose
        whole: dict[int, float] = {}
        marks: dict[int, int] = {}
        moving = stage.corners[stage.still_count : stage.count]
        planes, extent = np.zeros((len(moving), 9)), np.zeros((len(moving), 4), np.int32)
        raster.camera_planes(moving, 0, len(moving), pose.world_from_camera(), pose.centre_m, wide, planes, extent)
        for span in stage.spans:
            mark = marks.setdefault(span.number, len(marks) % 255 + 1)
            first, last = span.first - stage.still_count, span.last - stage.still_count
            whole[span.number] = (
                whole.get(span.number, 0.0) + raster.coverage(planes, extent, first, last, canvas, mark) * step * step
            )
        return whole

    def _distort(
        self, warp: tuple[Singles, Singles], light: Singles, seen: Ints, nearness: Singles
    ) -> tuple[Singles, Ints, Singles]:
        map_x, map_y = warp
        bent = cv2.remap(light, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
        n = self.samples
        size = (map_x.shape[1] * n, map_x.shape[0] * n)
        fine_x = cv2.resize(map_x, size, interpolation=cv2.INTER_LINEAR) * n + (n - 1) / 2
        fine_y = cv2.resize(map_y, size, interpolation=cv2.INTER_LINEAR) * n + (n - 1) / 2
        picked = cv2.remap(
            seen.astype(np.float32), fine_x, fine_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=-1.0
        )
        near = cv2.remap(nearness, fine_x, fine_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
        return np.asarray(bent, np.float32), picked.astype(np.int32), np.asarray(near, np.float32)


def _focal(lens: Lens) -> NDArray[np.float64]:
    return np.array([lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px, lens.width_px, lens.height_px], float)


def _undistorted(camera: Camera) -> tuple[Camera, tuple[Singles, Singles]]:
    """A straight-line camera that sees all the bent one sees, and where in its picture each bent pixel looks.

    Pixels that the lens gives no ray (outside what its distortion can bend back) look past the edge, and stay black.
    """
    lens = camera.lens
    x, y = np.meshgrid(np.arange(lens.width_px, dtype=float), np.arange(lens.height_px, dtype=float))
    rays = lens.rays(np.stack([x, y], -1).reshape(-1, 2))
    flat = rays[:, :2] / rays[:, 2:]
    low, high = np.nanmin(flat, axis=0) * lens.fx_px, np.nanmax(flat, axis=0) * lens.fx_px
    width, height = (ceil(v) + 3 for v in high - low)
    straight = Lens(width, height, lens.fx_px, lens.fx_px, 1.0 - low[0], 1.0 - low[1])
    looked = np.nan_to_num(flat * lens.fx_px + [straight.cx_px, straight.cy_px], nan=-100.0)
    maps = looked.reshape(lens.height_px, lens.width_px, 2).astype(np.float32)
    return Camera(straight, camera.pose), (np.ascontiguousarray(maps[..., 0]), np.ascontiguousarray(maps[..., 1]))
