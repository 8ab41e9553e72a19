"""Legs as arrays, cut fine enough that the ground under each piece is nearly even."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patrol.geo import EastNorth, Floats, LatLon, LocalFrame
from patrol.planning.airspace import Terrain
from patrol.planning.safety.energy import Ledger
from patrol.planning.safety.path import Leg, ground_m
from patrol.planning.safety.words import Violation

TERRAIN_STEP_M = 10.0


@dataclass(frozen=True)
class Rows:
    """n pieces: (n, 3) begins and ends, (n,) the rest. Ground heights above home's ground at both ends."""

    a: Floats
    b: Floats
    item: NDArray[np.int64]
    vertical: NDArray[np.bool_]
    begin_s: Floats
    end_s: Floats
    begin_wh: Floats
    end_wh: Floats
    ground_a: Floats
    ground_b: Floats

    def within(self, bounds: tuple[float, float, float, float], keep_m: float) -> NDArray[np.int64]:
        """Rows whose own bounds come within `keep_m` of `bounds` (x0, y0, x1, y1)."""
        low, high = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        x0, y0, x1, y1 = bounds
        near = (low[:, 0] <= x1 + keep_m) & (high[:, 0] >= x0 - keep_m)
        near &= (low[:, 1] <= y1 + keep_m) & (high[:, 1] >= y0 - keep_m)
        return np.flatnonzero(near)

    def time(self, n: int, t: float) -> float:
        """Seconds from take-off at the share `t` of row `n`."""
        return float(self.begin_s[n] + (self.end_s[n] - self.begin_s[n]) * t)

    def violation(
        self, kind: str, n: int, subject: str, amount: float, unit: str, t: float, frame: LocalFrame
    ) -> Violation:
        """A violation at the share `t` of row `n`."""
        p = self.a[n] + (self.b[n] - self.a[n]) * t
        place = frame.to_wgs84(EastNorth(float(p[0]), float(p[1])))
        return Violation(kind, int(self.item[n]), subject, amount, unit, LatLon(*place), float(p[2]), self.time(n, t))


def make_rows(legs: list[Leg], books: Ledger, terrain: Terrain | None, frame: LocalFrame) -> Rows:
    """Rows of all legs."""
    a = np.array([leg.a for leg in legs], float)
    b = np.array([leg.b for leg in legs], float)
    parts = np.ones(len(legs), int)
    if terrain is not None:
        parts = np.maximum(np.ceil(np.hypot(*(b - a)[:, :2].T) / TERRAIN_STEP_M).astype(int), 1)
    owner = np.repeat(np.arange(len(legs)), parts)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    t0, t1 = nth / parts[owner], (nth + 1) / parts[owner]
    begin = a[owner] + (b - a)[owner] * t0[:, None]
    end = a[owner] + (b - a)[owner] * t1[:, None]
    seconds, spent = books.end_s - books.begin_s, books.end_wh - books.begin_wh
    return Rows(
        begin,
        end,
        np.array([leg.item for leg in legs])[owner],
        np.array([leg.vertical for leg in legs])[owner],
        books.begin_s[owner] + seconds[owner] * t0,
        books.begin_s[owner] + seconds[owner] * t1,
        books.begin_wh[owner] + spent[owner] * t0,
        books.begin_wh[owner] + spent[owner] * t1,
        ground_m(terrain, frame, begin[:, :2]),
        ground_m(terrain, frame, end[:, :2]),
    )
