"""Zones and buildings as the judge sees them: a shape to keep away from, between two heights, at some times."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from patrol.geo import Floats, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Span
from patrol.planning.mission import FenceCircle, FencePolygon
from patrol.planning.safety.rows import Rows
from patrol.planning.safety.shapes import Shape

Part = tuple[NDArray[np.int64], Floats, Floats, Floats, Floats]


@dataclass(frozen=True)
class Ban:
    """Keep `keep_m` away while between `low_m` and `high_m` above ground (clearances included)."""

    kind: str
    name: str
    shape: Shape
    bounds: tuple[float, float, float, float]
    keep_m: float
    low_m: float
    high_m: float
    active: tuple[Span, ...]
    starts_at_s: float | None

    def active_at(self, begin_s: float, end_s: float) -> bool:
        """Whether it holds at some time between `begin_s` and `end_s` from take-off."""
        if self.starts_at_s is None or not self.active:
            return True
        begin, end = self.starts_at_s + begin_s, self.starts_at_s + end_s
        return any(span.ends_s >= begin and span.begins_s <= end for span in self.active)

    def part_in_heights(self, rows: Rows, close: NDArray[np.int64], top_m: float = -inf) -> Part | None:
        """The parts of rows `close` within the heights: rows, (n, 2) begins and ends, shares t0 and t1.

        `top_m`: the drone also climbs from each place up to this height above home.
        """
        a, b = rows.a[close], rows.b[close]
        above_a, above_b = a[:, 2] - rows.ground_a[close], b[:, 2] - rows.ground_b[close]
        above_a, above_b = np.nan_to_num(above_a, nan=0.0), np.nan_to_num(above_b, nan=0.0)
        t0, t1 = np.zeros(len(close)), np.ones(len(close))
        t0, t1 = _clip(above_a - self.high_m, above_b - self.high_m, t0, t1)  # lowest point below the top of the band
        if top_m > -inf:
            rtl_a, rtl_b = top_m - rows.ground_a[close], top_m - rows.ground_b[close]
            highest = np.maximum.reduce([above_a, above_b, np.nan_to_num(rtl_a), np.nan_to_num(rtl_b)])
            above_a = above_b = highest
        t0, t1 = _clip(self.low_m - above_a, self.low_m - above_b, t0, t1)  # highest point above its bottom
        keep = t0 <= t1
        if not keep.any():
            return None
        close, a, b, t0, t1 = close[keep], a[keep], b[keep], t0[keep], t1[keep]
        begin = a[:, :2] + (b - a)[:, :2] * t0[:, None]
        end = a[:, :2] + (b - a)[:, :2] * t1[:, None]
        return close, begin, end, t0, t1


def _clip(at_a: Floats, at_b: Floats, t0: Floats, t1: Floats) -> tuple[Floats, Floats]:
    """Shares of rows where a value that runs straight from `at_a` to `at_b` is below zero; t0 > t1 where never."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = np.nan_to_num(at_a / (at_a - at_b), nan=0.0)
    inside_a, inside_b = at_a < 0, at_b < 0
    t0 = np.where(~inside_a & inside_b, np.maximum(t0, zero), t0)
    t1 = np.where(inside_a & ~inside_b, np.minimum(t1, zero), t1)
    never = ~inside_a & ~inside_b
    return np.where(never, 2.0, t0), np.where(never, -1.0, t1)


def bans_of(airspace: Airspace, frame: LocalFrame, starts_at_s: float | None) -> list[Ban]:
    """All zones and buildings."""
    bans = []
    gap = airspace.clearance_m
    for zone in airspace.zones:
        shape, bounds = _shape(zone.shape, frame)
        low, high = zone.floor_m - gap, zone.ceiling_m + gap
        if zone.floor_m <= 0:
            low = -inf
        bans.append(Ban("zone", zone.id, shape, bounds, airspace.standoff_m, low, high, zone.active, starts_at_s))
    for building in airspace.buildings:
        shape, bounds = _shape((building.ring,), frame)
        bans.append(
            Ban("building", building.id, shape, bounds, airspace.standoff_m, -inf, building.height_m + gap, (), None)
        )
    return bans


def bans_of_fence(fence: tuple[FencePolygon | FenceCircle, ...], frame: LocalFrame) -> list[Ban]:
    """The mission's own exclusion shapes, which its autopilot takes as reaching to the sky, without any stand-off."""
    bans = []
    for n, part in enumerate(fence, 1):
        if part.inclusion or (isinstance(part, FencePolygon) and len(part.ring) < 3):
            continue
        outline = (part.ring,) if isinstance(part, FencePolygon) else Circle(part.centre, part.radius_m)
        shape, bounds = _shape(outline, frame)
        bans.append(Ban("zone", f"fence {n}", shape, bounds, 0.5, -inf, inf, (), None))
    return bans


def fence_of(ring: tuple[LatLon, ...], keep_m: float, name: str, frame: LocalFrame) -> list[tuple[str, Shape, float]]:
    """A keep-in polygon with its name and stand-off."""
    return [(name, _shape((ring,), frame)[0], keep_m)]


def _shape(
    outline: Circle | tuple[tuple[LatLon, ...], ...], frame: LocalFrame
) -> tuple[Shape, tuple[float, float, float, float]]:
    if isinstance(outline, Circle):
        east, north = frame.to_local(outline.centre)
        r = outline.radius_m
        return Shape.of_circle((east, north), r), (east - r, north - r, east + r, north + r)
    rings = []
    for ring in outline:
        corners = np.array(ring, float)
        rings.append(frame.many_to_local(corners[:, 0], corners[:, 1]))
    all_corners = np.concatenate(rings)
    (x0, y0), (x1, y1) = all_corners.min(axis=0), all_corners.max(axis=0)
    return Shape.of_rings(rings), (float(x0), float(y0), float(x1), float(y1))
