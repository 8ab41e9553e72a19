"""The judge's own plane geometry: distances of segments and triangles to polygons and circles. Exact, vectorised.

Nothing here is shared with the planner. Arrays are (..., 2) east, north in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from patrol.geo import Floats

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """A polygon as its edges (rings closed, holes included), or a circle."""

    starts: Floats
    ends: Floats
    centre: tuple[float, float] | None = None
    radius_m: float = 0.0

    @classmethod
    def of_rings(cls, rings: list[Floats]) -> Shape:
        """From (n, 2) rings, open or closed."""
        starts = np.concatenate(rings)
        ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
        return cls(starts, ends)

    @classmethod
    def of_circle(cls, centre: tuple[float, float], radius_m: float) -> Shape:
        """A true circle, no polygon."""
        return cls(np.empty((0, 2)), np.empty((0, 2)), centre, radius_m)

    def inside(self, points: Floats) -> Flags:
        """(n,) by counting crossings of a ray to the east (even-odd)."""
        if self.centre is not None:
            return np.hypot(points[:, 0] - self.centre[0], points[:, 1] - self.centre[1]) < self.radius_m
        x, y = points[:, 0][:, None], points[:, 1][:, None]
        ay, by = self.starts[None, :, 1], self.ends[None, :, 1]
        ax, bx = self.starts[None, :, 0], self.ends[None, :, 0]
        spans = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            where = ax + (y - ay) / (by - ay) * (bx - ax)
        odd: Flags = (np.where(spans, where > x, False).sum(axis=1) % 2).astype(bool)
        return odd

    def edge_distance(self, points: Floats) -> Floats:
        """(n,) distance to the edge, from either side."""
        if self.centre is not None:
            away = np.hypot(points[:, 0] - self.centre[0], points[:, 1] - self.centre[1])
            return np.asarray(np.abs(away - self.radius_m))
        return np.asarray(_point_segment(points[:, None], self.starts[None], self.ends[None])[0].min(axis=1))

    def gap(self, a: Floats, b: Floats) -> tuple[Floats, Floats]:
        """(n,) distances of segments a-b to the shape (0 when they touch it), and where on them (0 to 1)."""
        if self.centre is not None:
            away, t = _point_segment(np.broadcast_to(np.array(self.centre), a.shape), a, b)
            return np.maximum(away - self.radius_m, 0.0), t
        apart, t = _segment_segment(a[:, None], b[:, None], self.starts[None], self.ends[None])
        k = apart.argmin(axis=1)
        rows = np.arange(len(a))
        apart, t = apart[rows, k], t[rows, k]
        within = self.inside(a)
        return np.where(within, 0.0, apart), np.where(within, 0.0, t)

    def edge_gap(self, a: Floats, b: Floats) -> tuple[Floats, Floats]:
        """(n,) distances of segments a-b to the shape's edge, and where on them. Polygons only."""
        apart, t = _segment_segment(a[:, None], b[:, None], self.starts[None], self.ends[None])
        k = apart.argmin(axis=1)
        rows = np.arange(len(a))
        return apart[rows, k], t[rows, k]

    def fan_gap(self, a: Floats, b: Floats, apex: Floats) -> Floats:
        """(n,) distances of filled triangles a-b-apex to the shape; 0 when they touch."""
        sides = [self.gap(a, b)[0], self.gap(b, apex)[0], self.gap(apex, a)[0]]
        apart = np.minimum(np.minimum(sides[0], sides[1]), sides[2])
        probes = np.array([self.centre]) if self.centre is not None else self.starts
        held = _in_triangle(probes[None], a[:, None], b[:, None], apex[:, None]).any(axis=1)
        return np.where(held, 0.0, apart)

    def depth(self, a: Floats, b: Floats) -> float:
        """How deep the segment a-b (two (2,) points) lies inside, at most; 0 when outside. Sampled at 64 places."""
        t = np.linspace(0.0, 1.0, 64)[:, None]
        points = a + (b - a) * t
        within = self.inside(points)
        return float(self.edge_distance(points)[within].max()) if within.any() else 0.0

    def first_inside(self, a: Floats, b: Floats) -> float:
        """Where on a-b it is deepest inside, 0 to 1."""
        t = np.linspace(0.0, 1.0, 64)
        points = a + (b - a) * t[:, None]
        deep = np.where(self.inside(points), self.edge_distance(points), -1.0)
        return float(t[int(deep.argmax())])


def _point_segment(p: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Distance of points to segments and where on these; broadcasts."""
    along = b - a
    square = (along * along).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(square > 0, ((p - a) * along).sum(axis=-1) / square, 0.0)
    t = np.clip(t, 0.0, 1.0)
    off = p - (a + along * t[..., None])
    return np.hypot(off[..., 0], off[..., 1]), t


def _cross(u: Floats, v: Floats) -> Floats:
    product: Floats = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return product


def _segment_segment(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    """Distance between segments a-b and c-d and where on a-b; broadcasts. 0 when they cross."""
    u, v, w = b - a, d - c, c - a
    denominator = _cross(u, v)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = _cross(w, v) / denominator
        r = _cross(w, u) / denominator
    crossing = (denominator != 0) & (s >= 0) & (s <= 1) & (r >= 0) & (r <= 1)
    a, b, c, d = np.broadcast_arrays(a, b, c, d)
    from_a, _ = _point_segment(a, c, d)
    from_b, _ = _point_segment(b, c, d)
    from_c, tc = _point_segment(c, a, b)
    from_d, td = _point_segment(d, a, b)
    choices = np.stack([from_a, from_b, from_c, from_d])
    places = np.stack([np.zeros_like(from_a), np.ones_like(from_b), tc, td])
    k = choices.argmin(axis=0)[None]
    apart = np.take_along_axis(choices, k, 0)[0]
    t = np.take_along_axis(places, k, 0)[0]
    return np.where(crossing, 0.0, apart), np.where(crossing, np.nan_to_num(s), t)


def _in_triangle(p: Floats, a: Floats, b: Floats, c: Floats) -> Flags:
    d1, d2, d3 = _cross(b - a, p - a), _cross(c - b, p - b), _cross(a - c, p - c)
    flat = _cross(b - a, c - a) == 0
    inside: Flags = ~flat & (((d1 >= 0) & (d2 >= 0) & (d3 >= 0)) | ((d1 <= 0) & (d2 <= 0) & (d3 <= 0)))
    return inside


def turning(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Cosine of the turn at `b` on the way from `a` to `c`; 0 when one of the legs has no length."""
    first, second = hypot(b[0] - a[0], b[1] - a[1]), hypot(c[0] - b[0], c[1] - b[1])
    if first < 1e-6 or second < 1e-6:
        return 0.0
    return ((b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])) / (first * second)
