"""Parallel lines over an area: which direction, which lines, from where to where photographs are needed.

Works in the sweep frame: x along the lines, y across them, metres, turned about home.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from patrol.geo import EastNorth, Floats

EDGE_M = 0.01  # strips reach this far over the edge, so that rounding leaves no line of pixels uncovered


@dataclass(frozen=True)
class Grain:
    """How photographs lie: the direction of flight, footprint and distances between them. Metres."""

    bearing_deg: float
    width_m: float
    depth_m: float
    across_m: float
    along_m: float

    @property
    def turn(self) -> tuple[float, float]:
        """Cosine and sine that turn east-north into x along `bearing_deg`, y to the left of it."""
        angle = radians(90.0 - self.bearing_deg)
        return cos(angle), sin(angle)

    def to_sweep(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape of the local frame in the sweep frame."""
        return shapely.transform(shape, self.turned)

    def from_sweep(self, shape: BaseGeometry) -> BaseGeometry:
        """The way back."""
        return shapely.transform(shape, self.returned)

    def turned(self, east_north: Floats) -> Floats:
        """(n, 2) east, north to x, y."""
        c, s = self.turn
        return np.stack(
            [c * east_north[:, 0] + s * east_north[:, 1], c * east_north[:, 1] - s * east_north[:, 0]], axis=1
        )

    def returned(self, xy: Floats) -> Floats:
        """(n, 2) x, y to east, north."""
        c, s = self.turn
        return np.stack([c * xy[:, 0] - s * xy[:, 1], s * xy[:, 0] + c * xy[:, 1]], axis=1)

    def place(self, x: float, y: float) -> EastNorth:
        """One point back into the local frame."""
        c, s = self.turn
        return EastNorth(c * x - s * y, s * x + c * y)


class Line(NamedTuple):
    """Camera positions from `x0` to `x1` on the line `row` at `y`; photographs at x0, x0 + along, ..., x1."""

    row: int
    y: float
    x0: float
    x1: float


def rows(area: BaseGeometry, grain: Grain) -> list[tuple[float, float, float]]:
    """For each line its y, and the lower and upper y of the strip of ground it answers for.

    Lines keep exactly the wanted distance; what they cover too much lies equally on both sides.
    """
    _, y0, _, y1 = area.bounds
    count = max(1, ceil((y1 - y0 - grain.width_m) / grain.across_m - 1e-9) + 1)
    middle = (y0 + y1) / 2
    ys = [middle + (n - (count - 1) / 2) * grain.across_m for n in range(count)]
    half = grain.across_m / 2
    strips = [(y, y - half, y + half) for y in ys]
    strips[0] = (ys[0], min(y0, ys[0] - half) - EDGE_M, strips[0][2])
    strips[-1] = (ys[-1], strips[-1][1], max(y1, ys[-1] + half) + EDGE_M)
    return strips


def lines(area: BaseGeometry, allowed: BaseGeometry | None, grain: Grain) -> list[Line]:
    """All lines over `area` (sweep frame), cut to where the camera may be (`allowed`; None: anywhere)."""
    strips = rows(area, grain)
    x_low, _, x_high, _ = area.bounds
    boxes = shapely.box(
        np.full(len(strips), x_low - 1.0),
        np.array([s[1] for s in strips]),
        np.full(len(strips), x_high + 1.0),
        np.array([s[2] for s in strips]),
    )
    pieces, owners = shapely.get_parts(shapely.intersection(boxes, area), return_index=True)
    bounds = shapely.bounds(pieces)
    real = ~np.isnan(bounds[:, 0])
    bounds, owners = bounds[real], owners[real]
    found = list[Line]()
    for row, (y, _, _) in enumerate(strips):
        spans = [_camera_span(float(b[0]), float(b[2]), grain) for b in bounds[owners == row]]
        found += [Line(row, y, a, b) for a, b in _merged(spans, grain.depth_m)]
    if allowed is not None and found:
        found = _cut(found, allowed, grain)
    return found


def _camera_span(x0: float, x1: float, grain: Grain) -> tuple[float, float]:
    """Where the camera must be so that the footprints just hold x0 to x1, in whole steps."""
    spare = x1 - x0 - grain.depth_m
    if spare <= 0.0:
        middle = (x0 + x1) / 2
        return middle, middle
    steps = ceil(spare / grain.along_m - 1e-9)
    middle, half = (x0 + x1) / 2, steps * grain.along_m / 2
    return middle - half, middle + half


def _merged(spans: list[tuple[float, float]], gap_m: float) -> list[tuple[float, float]]:
    """Spans in order; those closer than `gap_m` joined: turning there would cost more than flying on."""
    joined = list[tuple[float, float]]()
    for a, b in sorted(spans):
        if joined and a - joined[-1][1] < gap_m:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def _cut(found: list[Line], allowed: BaseGeometry, grain: Grain) -> list[Line]:
    segments = shapely.linestrings([[(line.x0, line.y), (line.x1, line.y)] for line in found])
    spots = np.array([line.x1 - line.x0 < 1e-9 for line in found])
    shapely.prepare(allowed)
    whole = shapely.covers(allowed, segments)
    kept = list[Line]()
    for line, segment, is_whole, is_spot in zip(found, segments, whole, spots, strict=True):
        if is_whole:
            kept.append(line)
            continue
        if is_spot:
            continue  # the repair finds a place beside
        for part in shapely.get_parts(shapely.intersection(segment, allowed)):
            if part.geom_type != "LineString":
                continue
            a, _, b, _ = part.bounds
            if b - a > 0.05 * grain.along_m:
                kept.append(Line(line.row, line.y, a, b))
    return kept


def crossings(coords: list[Floats], across_m: float, width_m: float) -> int:
    """How many pieces lines through rings of (n, 2) x, y have, without making them: half of the edges crossed."""
    y0 = min(float(ring[:, 1].min()) for ring in coords)
    y1 = max(float(ring[:, 1].max()) for ring in coords)
    count = max(1, ceil((y1 - y0 - width_m) / across_m - 1e-9) + 1)
    ys = (y0 + y1) / 2 + (np.arange(count) - (count - 1) / 2) * across_m
    total = 0
    for ring in coords:
        low = np.minimum(ring[:-1, 1], ring[1:, 1])
        high = np.maximum(ring[:-1, 1], ring[1:, 1])
        total += int((np.searchsorted(ys, high) - np.searchsorted(ys, low)).sum())
    return max(total // 2, 1)
