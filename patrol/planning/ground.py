"""Heights of the ground in a local frame, for the planner. Bilinear between the terrain's grid points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from patrol.geo import Floats, LocalFrame
from patrol.planning.airspace import Terrain
from patrol.planning.refusals import refuse


@dataclass(frozen=True)
class Ground:
    """The ground around home. Without terrain it is flat at home's height."""

    frame: LocalFrame
    terrain: Terrain | None = None

    def amsl_m(self, east_north_m: ArrayLike) -> Floats:
        """(n, 2) places to (n,) heights above mean sea level; NaN where unknown; zeros without terrain."""
        local = np.atleast_2d(np.asarray(east_north_m, float))
        if self.terrain is None:
            return np.zeros(len(local))
        grid = self.terrain
        wgs84 = self.frame.many_to_wgs84(local)
        rows = (grid.north_deg - wgs84[:, 0]) / grid.step_lat_deg
        columns = (wgs84[:, 1] - grid.west_deg) / grid.step_lon_deg
        height, width = grid.heights_m.shape
        inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
        r = np.clip(np.floor(np.nan_to_num(rows)).astype(int), 0, max(height - 2, 0))
        c = np.clip(np.floor(np.nan_to_num(columns)).astype(int), 0, max(width - 2, 0))
        r1, c1 = np.minimum(r + 1, height - 1), np.minimum(c + 1, width - 1)
        fr, fc = np.clip(rows - r, 0, 1), np.clip(columns - c, 0, 1)
        h = grid.heights_m
        mixed = (h[r, c] * (1 - fc) + h[r, c1] * fc) * (1 - fr) + (h[r1, c] * (1 - fc) + h[r1, c1] * fc) * fr
        return np.where(inside, mixed, np.nan)

    def relative_m(self, east_north_m: ArrayLike) -> Floats:
        """The same, above home's ground. Refuses where the terrain model knows nothing."""
        local = np.atleast_2d(np.asarray(east_north_m, float))
        if self.terrain is None:
            return np.zeros(len(local))
        heights = self.amsl_m(np.concatenate([[[0.0, 0.0]], local]))
        unknown = np.flatnonzero(~np.isfinite(heights))
        if len(unknown):
            place = np.concatenate([[[0.0, 0.0]], local])[unknown[0]]
            lat_deg, lon_deg = self.frame.many_to_wgs84(place[None])[0]
            raise refuse("no-terrain-there", name=self.terrain.name, lat=float(lat_deg), lon=float(lon_deg))
        relative: Floats = heights[1:] - heights[0]
        return relative

    @property
    def home_amsl_m(self) -> float:
        """Height of home's ground; 0 without terrain."""
        return 0.0 if self.terrain is None else float(self.amsl_m([[0.0, 0.0]])[0])
