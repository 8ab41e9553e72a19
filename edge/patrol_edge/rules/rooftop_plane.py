"""A roof as a map: the part of a picture that shows it, resampled through the pose onto the roof's own plane. Pure.

The footprint's height is what removes the parallax: on the plane of the roof, today's picture and the last patrol's show
the same thing at the same place, wherever the drone was. North is up; a pixel is GSD_M wide on every roof of every flight.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil, hypot

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.errors import Text
from patrol.geo import Camera
from patrol_edge.frame import Image

GSD_M = 0.13  # the finest that a survey at legal height gives everywhere, and what the real roofs were tuned on
MARGIN_M = 4.0  # around the footprint: as far as a pose of an ordinary receiver may be off
COARSEST_M = 0.2  # of the picture, per pixel on the roof: beyond, a shed of 4 m2 is ten pixels by ten
STEEPEST_OFF_DEG = 35.0  # from straight down: a flatter look lets parapets and tanks hide the roof behind them
LEAST_ABOVE_M = 8.0  # lower over the roof than this, parapets alone shift the picture by metres
LARGEST_PX = 1600  # of a raster's side: 208 m
DARKEST = 18.0  # mean grey level: by night a roof shows lamps, not structures

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Refusal(Enum):
    """Why a picture of a roof is not judged. `value`: the reason in both languages."""

    NO_POSE = Text("the picture has no pose", "画面没有位姿")
    TOO_LOW = Text("the drone is hardly above the roof", "无人机几乎与屋顶等高")
    TOO_HIGH = Text("a pixel is too large on the roof", "屋顶上每个像素太大")
    TOO_OBLIQUE = Text("the roof is seen at too flat an angle", "观察屋顶的角度太斜")
    CUT = Text("the picture's edge cuts the roof", "画面边缘切断了屋顶")
    TOO_LARGE = Text("the roof is larger than one picture can show", "屋顶大于一张画面所能容纳")
    TOO_DARK = Text("the picture is too dark", "画面太暗")
    MISFIT = Text("the picture does not fit the baseline", "画面与基准图无法配准")
    UNSURE = Text("there is no baseline and no network for single pictures", "没有基准图，也没有单张识别网络")


@dataclass(frozen=True)
class Roof:
    """One building's roof. `footprint` and `permitted` in the local frame, metres; `height_m` above the ground."""

    building: str
    footprint: shapely.Polygon
    height_m: float
    permitted: tuple[shapely.Polygon, ...] = ()


@dataclass(frozen=True)
class Raster:
    """Where a roof's pixels lie: the outer corner of the top left one in the local frame, and how many there are."""

    west_m: float
    north_m: float
    width_px: int
    height_px: int

    @classmethod
    def of(cls, roof: Roof) -> Raster:
        """The raster of a roof: always the same one for the same footprint, so that pictures of years lie over one another."""
        west, south, east, north = (float(v) for v in roof.footprint.bounds)
        wide, high = (ceil((span + 2 * MARGIN_M) / GSD_M) for span in (east - west, north - south))
        return cls(west - MARGIN_M, north + MARGIN_M, wide, high)

    def to_local(self, pixels: Floats) -> Floats:
        """(n, 2) raster pixels to (n, 2) east, north in metres."""
        return np.stack(
            [self.west_m + (pixels[..., 0] + 0.5) * GSD_M, self.north_m - (pixels[..., 1] + 0.5) * GSD_M], axis=-1
        )

    def to_pixels(self, east_north_m: Floats) -> Floats:
        """(n, 2) east, north in metres to (n, 2) raster pixels."""
        return np.stack(
            [
                (east_north_m[..., 0] - self.west_m) / GSD_M - 0.5,
                (self.north_m - east_north_m[..., 1]) / GSD_M - 0.5,
            ],
            axis=-1,
        )

    def mask(self, polygon: shapely.Polygon) -> Mask:
        """(height, width) of the pixels inside a polygon of the local frame."""
        inside = np.zeros((self.height_px, self.width_px), np.uint8)
        rings = [polygon.exterior, *polygon.interiors]
        cv2.fillPoly(
            inside, [np.round(self.to_pixels(np.array(ring.coords)[:, :2])).astype(np.int32) for ring in rings], 1
        )
        return inside.astype(bool)


@dataclass(frozen=True)
class RoofPicture:
    """A roof seen from above at GSD_M. `image` (h, w, 3) BGR; `valid` (h, w): where the camera's picture reached."""

    image: Image
    valid: Mask


def seen_roof(image: Image, camera: Camera | None, roof: Roof) -> RoofPicture | Refusal:
    """The roof as `camera` shows it in `image` (h, w, 3), or why it cannot be judged."""
    if camera is None:
        return Refusal.NO_POSE
    reason = unsuitable(camera, roof)
    if reason is not None:
        return reason
    raster = Raster.of(roof)
    picture = resampled(image, camera, raster, roof.height_m)
    inside = raster.mask(roof.footprint)
    if not picture.valid[inside].all():
        return Refusal.CUT
    if float(picture.image[inside].mean()) < DARKEST:
        return Refusal.TOO_DARK
    return picture


def unsuitable(camera: Camera, roof: Roof) -> Refusal | None:
    """Why no picture from this pose can be judged, whatever it shows; None when it can."""
    above_m = camera.pose.up_m - roof.height_m
    if above_m < LEAST_ABOVE_M:
        return Refusal.TOO_LOW
    raster = Raster.of(roof)
    if max(raster.width_px, raster.height_px) > LARGEST_PX:
        return Refusal.TOO_LARGE
    if off_nadir_m(camera, roof) > above_m * np.tan(np.radians(STEEPEST_OFF_DEG)):
        return Refusal.TOO_OBLIQUE
    if source_gsd_m(camera, roof) > COARSEST_M:
        return Refusal.TOO_HIGH
    corners = np.array(roof.footprint.exterior.coords)[:, :2]
    seen = camera.project(np.column_stack([corners, np.full(len(corners), roof.height_m)]))
    width, height = camera.lens.width_px, camera.lens.height_px
    inside = (seen >= -0.5).all(axis=1) & (seen[:, 0] <= width - 0.5) & (seen[:, 1] <= height - 0.5)
    return None if inside.all() else Refusal.CUT


def parallax_px(roof: Roof, before: Camera, after: Camera) -> tuple[float, float]:
    """By how many raster pixels (x, y) the ground below the roof moves against the roof between two cameras' pictures."""
    middle = np.array([[roof.footprint.centroid.x, roof.footprint.centroid.y, 0.0]])
    on_roof = [camera.to_plane(camera.project(middle), roof.height_m)[0] for camera in (before, after)]
    east, north = on_roof[1] - on_roof[0]
    return float(east) / GSD_M, -float(north) / GSD_M


def off_nadir_m(camera: Camera, roof: Roof) -> float:
    """How far beside the camera's foot point the roof's middle lies."""
    middle = roof.footprint.centroid
    return hypot(middle.x - camera.pose.east_m, middle.y - camera.pose.north_m)


def source_gsd_m(camera: Camera, roof: Roof) -> float:
    """Metres on the roof's middle that one pixel of the picture spans, in its longer direction."""
    above_m = camera.pose.up_m - roof.height_m
    slant_m = hypot(off_nadir_m(camera, roof), above_m)
    return slant_m / camera.lens.fx_px * slant_m / above_m


def resampled(image: Image, camera: Camera, raster: Raster, height_m: float) -> RoofPicture:
    """The plane at `height_m` as `camera` shows it, on a raster. Finer pictures are averaged, not picked from."""
    across, down = np.meshgrid(np.arange(raster.width_px, dtype=float), np.arange(raster.height_px, dtype=float))
    ground = raster.to_local(np.stack([across, down], axis=-1)).reshape(-1, 2)
    seen = camera.project(np.column_stack([ground, np.full(len(ground), height_m)]))
    map_x, map_y = (seen[:, k].reshape(across.shape).astype(np.float32) for k in (0, 1))
    high, wide = image.shape[:2]
    with np.errstate(invalid="ignore"):
        valid = (map_x >= 0) & (map_x <= wide - 1) & (map_y >= 0) & (map_y <= high - 1)
    if not valid.any():
        return RoofPicture(np.zeros((*across.shape, 3), np.uint8), valid)
    left, top = (max(int(m[valid].min()) - 8, 0) for m in (map_x, map_y))
    right, bottom = int(map_x[valid].max()) + 9, int(map_y[valid].max()) + 9
    part = image[top:bottom, left:right]
    finer = float(np.median(np.hypot(np.diff(map_x, axis=1), np.diff(map_y, axis=1))))
    if finer > 1.2:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.45 * (finer**2 - 1) ** 0.5), np.uint8)
    warped = cv2.remap(part, map_x - left, map_y - top, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return RoofPicture(np.asarray(warped, np.uint8), valid)
