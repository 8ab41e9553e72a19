"""What photographs show of an area, measured on a grid of points; and which points could be shown at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from patrol.geo import Floats
from patrol.planning.sweep import Grain

MIN_CELLS, MAX_CELLS = 6_000, 60_000
MAX_REPAIRS = 400
EDGE_M = 0.05  # what would only ever be seen in the last centimetres of a photograph does not count as reachable
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Raster:
    """Middles of square cells inside an area, in the sweep frame."""

    cell_m: float
    x0: float
    y0: float
    inside: Flags  # (rows, columns)

    @classmethod
    def over(cls, area: BaseGeometry, grain: Grain) -> Raster:
        """A raster fine enough to see gaps between footprints, coarse enough to be quick."""
        x0, y0, x1, y1 = area.bounds
        fine = min(min(grain.width_m, grain.depth_m) / 8, sqrt(max(area.area, 1e-6) / MIN_CELLS))
        cell = max(fine, sqrt(max(area.area, 1e-6) / MAX_CELLS), sqrt((x1 - x0) * (y1 - y0) / (8 * MAX_CELLS)))
        cell = max(min(cell, (x1 - x0) / 4, (y1 - y0) / 4), 1e-3)
        columns, rows = int((x1 - x0) / cell) + 1, int((y1 - y0) / cell) + 1
        xs, ys = x0 + (np.arange(columns) + 0.5) * cell, y0 + (np.arange(rows) + 0.5) * cell
        gx, gy = np.meshgrid(xs, ys)
        shapely.prepare(area)
        return cls(cell, x0, y0, np.asarray(shapely.contains_xy(area, gx, gy)))

    @property
    def middles(self) -> Floats:
        """(n, 2) x, y of the cells inside the area."""
        rows, columns = np.nonzero(self.inside)
        return np.stack([self.x0 + (columns + 0.5) * self.cell_m, self.y0 + (rows + 0.5) * self.cell_m], axis=1)

    def seen(self, shots: Floats, width_m: float | Floats, depth_m: float | Floats) -> Flags:
        """(n,) for each cell inside: whether a footprint (depth along x, width along y, flat ground) holds its middle."""
        rows, columns = self.inside.shape
        paint = np.zeros((rows + 1, columns + 1), np.int32)
        half_x, half_y = np.asarray(depth_m) / 2 + 1e-6, np.asarray(width_m) / 2 + 1e-6
        left = self._column(shots[:, 0] - half_x, self.x0, columns)
        right = self._column(shots[:, 0] + half_x, self.x0, columns)
        low = self._column(shots[:, 1] - half_y, self.y0, rows)
        high = self._column(shots[:, 1] + half_y, self.y0, rows)
        np.add.at(paint, (low, left), 1)
        np.add.at(paint, (low, right), -1)
        np.add.at(paint, (high, left), -1)
        np.add.at(paint, (high, right), 1)
        counts = paint.cumsum(axis=0).cumsum(axis=1)[:rows, :columns]
        return np.asarray(counts[self.inside] > 0)

    def seen_by(self, footprints: Floats) -> Flags:
        """The same for any quadrangles, (m, 4, 2) in the sweep frame; those with NaN see nothing that counts."""
        whole = footprints[np.isfinite(footprints).all(axis=(1, 2))]
        middles = self.middles
        seen = np.zeros(len(middles), bool)
        if len(whole):
            tree = shapely.STRtree(shapely.points(middles))
            hit = tree.query(shapely.polygons(whole), predicate="intersects")[1]
            seen[hit] = True
        return seen

    def _column(self, value: Floats, start: float, count: int) -> NDArray[np.int64]:
        return np.clip(np.ceil((value - start) / self.cell_m - 0.5), 0, count).astype(np.int64)


def reachable(places: Floats, allowed: BaseGeometry | None, grain: Grain) -> Flags:
    """(n,) for each x, y: whether a camera somewhere in `allowed` has it in its footprint."""
    if allowed is None:
        return np.ones(len(places), bool)
    half_x, half_y = grain.depth_m / 2 - EDGE_M, grain.width_m / 2 - EDGE_M
    boxes = shapely.box(places[:, 0] - half_x, places[:, 1] - half_y, places[:, 0] + half_x, places[:, 1] + half_y)
    shapely.prepare(allowed)
    return np.asarray(shapely.intersects(allowed, boxes))


def repair_places(raster: Raster, seen: Flags, allowed: BaseGeometry, grain: Grain) -> list[tuple[float, float]]:
    """Places (x, y) for single photographs of what is not `seen` although a camera could see it. Greedy, from low y."""
    places = raster.middles[~seen]
    places = places[reachable(places, allowed, grain)] if len(places) else places
    half = np.array([grain.depth_m / 2, grain.width_m / 2]) - EDGE_M / 2
    spots = list[tuple[float, float]]()
    while len(places) and len(spots) < MAX_REPAIRS:
        n_first = int(np.lexsort((places[:, 0], places[:, 1]))[0])
        first = places[n_first]
        window = allowed.intersection(shapely.box(*(first - half), *(first + half)))
        aims = [first + half * f for f in ((1, 1), (0, 1), (-1, 1), (1, 0), (0, 0), (-1, 0))]
        tries = [shapely.get_coordinates(shapely.shortest_line(window, shapely.Point(a)))[0] for a in aims]
        holds = [(np.abs(places - t) <= half + EDGE_M / 4).all(axis=1) for t in tries]
        best = max(range(len(tries)), key=lambda n: int(holds[n].sum()))
        if not holds[best].any():
            places = np.delete(places, n_first, axis=0)
            continue
        spots.append((float(tries[best][0]), float(tries[best][1])))
        places = places[~holds[best]]
    return spots
