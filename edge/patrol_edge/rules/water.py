"""What a map of water shares tells of a road, a staff and the ground. Pure numpy and OpenCV; shares are (h, w), 0 to 255."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.geo import Camera, Floats, PoseSigma
from patrol_edge.frame import Shares

Mask = NDArray[np.bool_]
CELLS = (12, 8)  # columns and rows of the dry reference: a puddle that is always there fills one or two of them
LOOKS_TO_LEARN = 150  # looks after which a cell's reference has gone two thirds of the way
BLIND = 0.9  # a cell that looks so wet when it is dry tells nothing
Z_95 = 1.96
COARSE = 3
SURELY = 250  # of 255: a square that the map leaves no doubt about
# What the network adds to the water it outlines, and misses of it, as factors on the area: 95 % of 284 waters on rendered views of
# districts that neither its training nor the benchmark has (seeds 31001 and 52001), by quantile regression on the share of the area
# that is surely water; they hold 96 % of the 75 flooded regions of `flood_aerial` val that it outlines, too.
LEAST_OF_IT = 0.2
MOST_OF_IT, MOST_BY_DOUBT, LEAST_SURE = 1.8, -0.65, 0.02


def watched(polygon: shapely.Geometry, size_px: tuple[int, int], map_px: tuple[int, int]) -> Mask:
    """(h, w) of a map of `map_px` (width, height): the squares whose middle lies in a polygon of a picture of `size_px`."""
    scale = np.array([map_px[0] / size_px[0], map_px[1] / size_px[1]])
    inside = np.zeros((map_px[1], map_px[0]), np.uint8)
    for part in shapely.get_parts(polygon):
        if isinstance(part, shapely.Polygon):
            rings = [
                np.round(np.array(r.coords) * scale - 0.5).astype(np.int32) for r in (part.exterior, *part.interiors)
            ]
            cv2.fillPoly(inside, rings, 1)
    return inside.astype(bool)


@dataclass(frozen=True)
class RoadShare:
    """How much of a watched road is water.

    raw: share of its squares, 0 to 1. excess: the same beyond what always looks wet there, of what can be told at all.
    """

    raw: float
    excess: float
    cells: Floats  # (rows, columns) share of water, NaN where the road is not


def road_share(wet: Mask, inside: Mask, dry: Floats) -> RoadShare:
    """Share of the squares `inside` (h, w) that are `wet`; `dry` (rows, columns) is what of each cell looks wet when it is dry."""
    rows, columns = dry.shape
    ys, xs = np.nonzero(inside)
    if not len(ys):
        return RoadShare(0.0, 0.0, np.full(dry.shape, np.nan))
    top, left = ys.min(), xs.min()
    height, width = int(ys.max() - top) + 1, int(xs.max() - left) + 1
    cell = (ys - top) * rows // height * columns + (xs - left) * columns // width
    count = np.bincount(cell, minlength=rows * columns).astype(float)
    water = np.bincount(cell, weights=wet[ys, xs].astype(float), minlength=rows * columns)
    share = np.divide(water, count, out=np.full(rows * columns, np.nan), where=count > 0).reshape(dry.shape)
    can_tell = np.where(dry < BLIND, count.reshape(dry.shape) * (1 - dry), 0.0)
    over = np.where(dry < BLIND, count.reshape(dry.shape) * np.clip(np.nan_to_num(share) - dry, 0, None), 0.0)
    return RoadShare(float(water.sum() / count.sum()), float(over.sum() / max(can_tell.sum(), 1e-9)), share)


def learned(dry: Floats, cells: Floats, looks: int) -> Floats:
    """The dry reference after one more dry look; the first looks count more, so that a new camera learns soon."""
    weight = 1.0 / min(looks + 1, LOOKS_TO_LEARN)
    return np.where(np.isnan(cells), dry, dry + weight * (np.nan_to_num(cells) - dry))


def joined_to(wet: Mask, inside: Mask) -> Mask:
    """All water (h, w) that is one with water inside the mask, however far it reaches."""
    count, labels = cv2.connectedComponents(wet.astype(np.uint8), connectivity=8)
    touched = np.zeros(count, bool)
    touched[np.unique(labels[wet & inside])] = True
    touched[0] = False
    return np.asarray(touched[labels], dtype=bool)


def without_strips(wet: Mask, width_squares: float) -> Mask:
    """The water (h, w) without what is narrower than so many squares: kerbs, edges of shadows, glints in rows."""
    size = round(width_squares)
    if size < 2:
        return wet
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(wet.astype(np.uint8), cv2.MORPH_OPEN, shape), dtype=bool)


def square_side_m(camera: Camera, polygon: shapely.Polygon, map_px: tuple[int, int], height_m: float = 0.0) -> float:
    """Side of a square of a map of `map_px` on the plane, in the middle of a polygon of the picture; infinite above the horizon."""
    step = np.array([camera.lens.width_px / map_px[0], camera.lens.height_px / map_px[1]])
    middle = polygon.centroid
    place = np.floor((np.array([middle.y, middle.x]) + 0.5) / step[::-1]).astype(np.int64)
    area_m2 = _of_squares(camera, map_px, place[None], height_m)
    return sqrt(area_m2) if area_m2 > 0 else float("inf")


@dataclass(frozen=True)
class GroundArea:
    """Water on flat ground: square metres; the ends of their 95 % interval; whether the picture cuts the water off.

    accuracy_m2: the longer side of the interval, for whoever wants one number.
    """

    area_m2: float
    least_m2: float
    most_m2: float
    cut: bool

    @property
    def accuracy_m2(self) -> float:
        """Half of an interval around the area that is at least as wide on both sides."""
        return max(self.area_m2 - self.least_m2, self.most_m2 - self.area_m2)


def map_bounds(sure_share: float) -> tuple[float, float]:
    """Between which factors on a measured area the true one lies in 95 of 100 waters, by the share of it that is surely water."""
    return LEAST_OF_IT, float(MOST_OF_IT * min(max(sure_share, LEAST_SURE), 1.0) ** MOST_BY_DOUBT)


def square_areas_m2(camera: Camera, map_px: tuple[int, int], rows: slice, columns: slice, height_m: float) -> Floats:
    """(h, w) square metres that the squares in these rows and columns of a map of `map_px` (width, height) cover on the plane.

    NaN above the horizon.
    """
    step_x, step_y = camera.lens.width_px / map_px[0], camera.lens.height_px / map_px[1]
    edges_x = np.arange(columns.start, columns.stop + 1) * step_x - 0.5
    edges_y = np.arange(rows.start, rows.stop + 1) * step_y - 0.5
    x, y = np.meshgrid(edges_x, edges_y)
    ground = camera.to_plane(np.stack([x, y], axis=-1).reshape(-1, 2), height_m).reshape(*x.shape, 2)
    across, down = ground[1:, 1:] - ground[:-1, :-1], ground[1:, :-1] - ground[:-1, 1:]
    return (
        np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / 2
    )  # half the product of the diagonals


def ground_area(
    wet: Mask, camera: Camera, sigma: PoseSigma, height_m: float = 0.0, shares: Shares | None = None
) -> GroundArea:
    """Area of the `wet` squares (h, w) on the plane at `height_m`.

    Uncertainty: first order in the pose's height and tilt; the water's edge, which is known to about half a square: by its
    length on the ground, as one systematic error; and, where the network's `shares` (h, w) are given, what such a map adds or
    misses (`map_bounds`). Each side of the interval adds them as independent errors.
    """
    h, w = wet.shape
    if not wet.any():
        return GroundArea(0.0, 0.0, 0.0, cut=False)
    ys, xs = np.nonzero(wet)
    rows, columns = slice(int(ys.min()), int(ys.max()) + 1), slice(int(xs.min()), int(xs.max()) + 1)
    squares = np.nan_to_num(square_areas_m2(camera, (w, h), rows, columns, height_m))
    part = wet[rows, columns]
    area = float(squares[part].sum())
    # how the area changes with the pose is smooth: every COARSE-th square tells it
    sampled = np.zeros_like(part)
    sampled[::COARSE, ::COARSE] = True
    places = np.argwhere(part & sampled) + np.array([rows.start, columns.start])
    base = _of_squares(camera, (w, h), places, height_m)
    step = 0.05
    moves = (
        (replace(camera.pose, up_m=camera.pose.up_m + step), sigma.height_m),
        (replace(camera.pose, pitch_deg=camera.pose.pitch_deg + step), sigma.tilt_deg),
        (replace(camera.pose, roll_deg=camera.pose.roll_deg + step), sigma.tilt_deg),
    )
    variance = 0.0
    for pose, deviation in moves:
        change = _of_squares(Camera(camera.lens, pose), (w, h), places, height_m) / base - 1.0 if base > 0 else 0.0
        variance += (change / step * deviation * area) ** 2
    inner = cv2.erode(part.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    # a square on the edge is half water give or take 0.29 of it (uniform); neighbours err alike, so their errors add up
    variance += (float(squares[part & ~inner].sum()) / sqrt(12)) ** 2
    least, most = (
        (1.0, 1.0)
        if shares is None or area <= 0
        else map_bounds(float(squares[part & (shares[rows, columns] >= SURELY)].sum()) / area)
    )
    below, above = (sqrt((factor * area) ** 2 + Z_95**2 * variance) for factor in (1 - least, most - 1))
    border = bool(wet[0].any() or wet[-1].any() or wet[:, 0].any() or wet[:, -1].any())
    return GroundArea(area, max(area - below, 0.0), area + above, cut=border)


def _of_squares(camera: Camera, map_px: tuple[int, int], places: NDArray[np.int64], height_m: float) -> float:
    """Square metres of the squares at `places` (n, 2: row, column) of a map of `map_px`, together."""
    step = np.array([camera.lens.width_px / map_px[0], camera.lens.height_px / map_px[1]])
    low = places[:, ::-1] * step - 0.5
    corners = np.stack([low, low + step * (1, 0), low + step, low + step * (0, 1)], axis=1)
    ground = camera.to_plane(corners.reshape(-1, 2), height_m).reshape(-1, 4, 2)
    across, down = ground[:, 2] - ground[:, 0], ground[:, 3] - ground[:, 1]
    return float(np.nansum(np.abs(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0])) / 2)


def wet_length_m(
    lines: Sequence[shapely.LineString], wet: Mask, camera: Camera, inside: shapely.Geometry, height_m: float = 0.0
) -> float:
    """Metres of the lines (local frame) that lie in the wet squares of the picture, within a part of it (`inside`, pixels)."""
    h, w = wet.shape
    total = 0.0
    for line in lines:
        count = max(2, int(line.length) + 1)
        along = np.array([line.interpolate(d).coords[0] for d in np.linspace(0, line.length, count)])
        pixels = camera.project(np.column_stack([along, np.full(count, height_m)]))
        seen = np.asarray(np.isfinite(pixels).all(axis=1))
        seen[seen] = shapely.contains_xy(inside, *pixels[seen].T)
        x = np.clip(pixels[seen, 0] / camera.lens.width_px * w, 0, w - 1).astype(int)
        y = np.clip(pixels[seen, 1] / camera.lens.height_px * h, 0, h - 1).astype(int)
        total += float(wet[y, x].sum()) * line.length / (count - 1)
    return total


@dataclass(frozen=True)
class Level:
    """Where the water stands at a staff: metres as its marks count, and give or take how much."""

    level_m: float
    accuracy_m: float


def staff_level(
    shares: Shares, marks: Sequence[tuple[float, float, float]], size_px: tuple[int, int], least: int
) -> Level | None:
    """The level at which the water's edge cuts a line of marks (x, y in pixels of a picture of `size_px`, metres), from below.

    shares (h, w), water from `least` on. None where the lowest mark is dry, and where water covers the highest: then nobody can tell.
    """
    rows = sorted(marks, key=lambda mark: mark[2])
    h, w = shares.shape
    scale = np.array([w / size_px[0], h / size_px[1]])
    points = np.array([[x, y] for x, y, _ in rows]) * scale - 0.5
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    steps = np.arange(0.0, lengths[-1] + 1e-9, 0.25)  # squares of the map
    x, y = (np.interp(steps, lengths, points[:, axis]).astype(np.float32)[None] for axis in (0, 1))
    found = cv2.remap(shares, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    under = found >= least
    if not under[0] or under.all():
        return None
    edge = float(steps[int(np.argmin(under))])
    levels = np.array([level for _, _, level in rows])
    here = float(np.interp(edge, lengths, levels))
    beside = float(np.interp(min(edge + 1, lengths[-1]), lengths, levels)) - float(
        np.interp(max(edge - 1, 0.0), lengths, levels)
    )
    return Level(here, max(abs(beside) / 2 * Z_95 / 2, 0.01))
