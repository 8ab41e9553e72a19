"""A made-up roof seen by cameras whose poses are known: for tests that need no shared data."""

from __future__ import annotations

from math import cos, radians, sin

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.geo import Camera, Lens, Pose
from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_plane import Roof

LENS = Lens.from_hfov(600, 450, 62)
ROOF_M = 12.0
TEXEL_M = 0.05
REACH_M = 32.0  # of the painted square around the origin
FOOTPRINT = shapely.box(-9, -7, 9, 7)
ROOF = Roof("b7", FOOTPRINT, ROOF_M)
SHED = shapely.box(1.0, -1.5, 6.0, 2.5)  # 20 m2
BLUE = (170.0, 96.0, 34.0)


def painted(seed: int = 1) -> NDArray[np.float32]:
    """(n, n, 3) the roof and the ground around it: concrete with stains, parapets, tanks, grass; north up."""
    dice = np.random.default_rng(seed)
    size = int(2 * REACH_M / TEXEL_M)
    grain = cv2.GaussianBlur(dice.normal(size=(size, size)).astype(np.float32), (0, 0), 3.0)
    coarse = cv2.GaussianBlur(dice.normal(size=(size, size)).astype(np.float32), (0, 0), 14.0)
    texture = np.array([88, 128, 108], np.float32) * (1 + 1.2 * grain[..., None] + 4 * coarse[..., None])
    x0, y0, x1, y1 = _box(FOOTPRINT)
    texture[y0:y1, x0:x1] = np.array([138, 146, 150], np.float32) * (1 + 1.0 * grain + 2.5 * coarse)[y0:y1, x0:x1, None]
    cv2.rectangle(texture, (x0, y0), (x1, y1), (205, 208, 210), 6)
    for _ in range(28):
        x, y = int(dice.uniform(x0 + 10, x1 - 30)), int(dice.uniform(y0 + 10, y1 - 30))
        grey = float(dice.uniform(40, 230))
        cv2.rectangle(
            texture, (x, y), (x + int(dice.uniform(6, 22)), y + int(dice.uniform(6, 22))), (grey, grey, grey), -1
        )
    return texture


def built(texture: NDArray[np.float32], shed: shapely.Polygon = SHED, colour: tuple[float, float, float] = BLUE) -> NDArray[np.float32]:  # fmt: skip
    """The same roof with a shed of ribbed sheet on it and its shade beside."""
    out = texture.copy()
    x0, y0, x1, y1 = _box(shed)
    out[y0 + 8 : y1 + 8, x1 : x1 + 24] *= 0.5
    ribs = 1 + 0.12 * np.sin(np.arange(x1 - x0) * 0.9)
    out[y0:y1, x0:x1] = np.array(colour, np.float32) * ribs[None, :, None].astype(np.float32)
    return out


def shaded(texture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same roof at another hour: half of it in the shade of a neighbour, a wet patch on the other half."""
    out = texture.copy()
    x0, y0, x1, y1 = _box(FOOTPRINT)
    light = np.ones(out.shape[:2], np.float32)
    cv2.fillPoly(
        light, [np.array([(x0 - 40, y0 - 40), (x0 + 150, y0 - 40), (x0 + 90, y1 + 40), (x0 - 40, y1 + 40)])], 0.5
    )
    cv2.ellipse(light, (x1 - 90, (y0 + y1) // 2), (60, 45), 20, 0, 360, 0.75, -1)
    return out * cv2.GaussianBlur(light, (0, 0), 3.0)[..., None]


def photo(texture: NDArray[np.float32], pose: Pose, gain: float = 1.0, seed: int = 0) -> Image:
    """The picture from a pose: the footprint at the roof's height, the rest on the ground, fronts grey."""
    across, down = np.meshgrid(np.arange(LENS.width_px, dtype=float), np.arange(LENS.height_px, dtype=float))
    pixels = np.column_stack([across.ravel(), down.ravel()])
    covered = np.zeros(texture.shape[:2], np.float32)
    x0, y0, x1, y1 = _box(FOOTPRINT)
    covered[y0:y1, x0:x1] = 1

    def layer(height_m: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        on = Camera(LENS, pose).to_plane(pixels, height_m).reshape(*across.shape, 2)
        x, y = (
            ((on[..., 0] + REACH_M) / TEXEL_M - 0.5).astype(np.float32),
            ((REACH_M - on[..., 1]) / TEXEL_M - 0.5).astype(np.float32),
        )
        light = cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        share = cv2.remap(covered, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
        return np.asarray(light, np.float32), np.asarray(share, np.float32)[..., None]

    (ground, under), (top, over) = layer(0.0), layer(ROOF_M)
    light = (ground * (1 - under) + 70 * under) * (1 - over) + top * over
    noise = np.random.default_rng(seed).normal(0, 2, light.shape)
    return np.clip(light * gain + noise, 0, 255).astype(np.uint8)


def above(
    yaw_deg: float = 0.0, off_m: float = 0.0, way_deg: float = 0.0, up_m: float = 62.0, pitch_deg: float = -90.0
) -> Pose:
    """A pose over the roof, or so far beside it."""
    return Pose(off_m * sin(radians(way_deg)), off_m * cos(radians(way_deg)), up_m, yaw_deg, pitch_deg)


def told(pose: Pose, east_m: float, north_m: float, yaw_deg: float = 0.0) -> Camera:
    """The camera as a receiver reports it, off by so much."""
    return Camera(LENS, Pose(pose.east_m + east_m, pose.north_m + north_m, pose.up_m, pose.yaw_deg + yaw_deg, pose.pitch_deg, pose.roll_deg))  # fmt: skip


def _box(polygon: shapely.Polygon) -> tuple[int, int, int, int]:
    """Its bounds in texels: left, top, right, bottom."""
    west, south, east, north = polygon.bounds
    return (int((west + REACH_M) / TEXEL_M), int((REACH_M - north) / TEXEL_M),
            int((east + REACH_M) / TEXEL_M), int((REACH_M - south) / TEXEL_M))  # fmt: skip
