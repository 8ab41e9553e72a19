"""The way home from every point of the route: all straight lines from a leg to a landing point fill a triangle.

An autopilot that gives up climbs to its return height, flies straight to the nearest of home and rally points, and
comes down. So for each leg the triangle between it and that point is tested as a whole, not at samples.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from patrol.geo import EastNorth, Floats, LocalFrame
from patrol.planning.airspace import Airspace
from patrol.planning.drone import Drone, Wind
from patrol.planning.mission import Mission
from patrol.planning.safety.bans import Ban
from patrol.planning.safety.energy import return_wh
from patrol.planning.safety.path import ground_m
from patrol.planning.safety.rows import Rows
from patrol.planning.safety.shapes import Shape
from patrol.planning.safety.words import Violation

TINY_M = 1e-3
GROUND_STEP_M = 10.0
ENERGY_STEP_M = 25.0


def check_returns(
    rows: Rows,
    landings: list[EastNorth],
    bans: list[Ban],
    fences: list[tuple[str, Shape, float]],
    mission: Mission,
    airspace: Airspace,
    drone: Drone,
    wind: Wind,
    frame: LocalFrame,
) -> list[Violation]:
    """Violations of the ways home."""
    points = np.array(landings, float)
    fans = _fans(rows, points)
    found = list[Violation]()
    for ban in bans:
        found += _zone_returns(ban, fans, rows, drone.rtl_altitude_m, frame)
        found += _climbs(ban, rows, drone.rtl_altitude_m, frame)
    for name, shape, keep_m in fences:
        found += _fence_returns(name, shape, keep_m, fans, rows, frame)
    found += _return_heights(fans, rows, drone.rtl_altitude_m, airspace, frame)
    found += _return_energy(fans, rows, mission, drone, wind, frame)
    return found


class _Fans:
    """Parts of rows with the landing point that is nearest there: n triangles."""

    def __init__(self, row: NDArray[np.int64], t0: Floats, t1: Floats, apex: Floats, rows: Rows) -> None:
        self.row, self.t0, self.t1, self.apex = row, t0, t1, apex
        span = rows.b[row] - rows.a[row]
        self.a = rows.a[row] + span * t0[:, None]
        self.b = rows.a[row] + span * t1[:, None]


def _fans(rows: Rows, points: Floats) -> _Fans:
    count = len(rows.a)
    if len(points) == 1:
        return _Fans(np.arange(count), np.zeros(count), np.ones(count), np.repeat(points, count, axis=0), rows)
    owner, t0s, t1s, apexes = [], [], [], []
    for n in range(count):
        a, d = rows.a[n, :2], rows.b[n, :2] - rows.a[n, :2]
        # the squared distance to each point along the row is the same parabola plus a straight line
        at0 = ((a - points) ** 2).sum(axis=1)
        slope = 2 * ((a - points) @ d)
        cuts = {0.0, 1.0}
        for i in range(len(points)):
            for j in range(i):
                if slope[i] != slope[j]:
                    t = float((at0[j] - at0[i]) / (slope[i] - slope[j]))
                    if 0 < t < 1:
                        cuts.add(t)
        ordered = sorted(cuts)
        for t0, t1 in pairwise(ordered):
            middle = at0 + slope * (t0 + t1) / 2
            owner.append(n)
            t0s.append(t0)
            t1s.append(t1)
            apexes.append(points[int(middle.argmin())])
    return _Fans(np.array(owner), np.array(t0s), np.array(t1s), np.array(apexes), rows)


def _zone_returns(ban: Ban, fans: _Fans, rows: Rows, rtl_m: float, frame: LocalFrame) -> list[Violation]:
    """Triangles at the return height that come too near to a zone or building."""
    lowest = np.maximum(np.minimum(fans.a[:, 2], fans.b[:, 2]), rtl_m)
    highest = np.maximum(np.maximum(fans.a[:, 2], fans.b[:, 2]), rtl_m)
    ground_low = np.fmin(rows.ground_a, rows.ground_b)[fans.row]
    ground_high = np.fmax(rows.ground_a, rows.ground_b)[fans.row]
    if np.ptp(np.nan_to_num(np.concatenate([rows.ground_a, rows.ground_b]))) > 0:
        ground_low = np.full_like(ground_low, np.nanmin([rows.ground_a.min(), rows.ground_b.min(), 0.0]))
        ground_high = np.full_like(ground_high, np.nanmax([rows.ground_a.max(), rows.ground_b.max(), 0.0]))
    xs = np.stack([fans.a[:, 0], fans.b[:, 0], fans.apex[:, 0]])
    ys = np.stack([fans.a[:, 1], fans.b[:, 1], fans.apex[:, 1]])
    x0, y0, x1, y1 = ban.bounds
    near = (lowest - ground_high < ban.high_m) & (highest - ground_low > ban.low_m)
    near &= (xs.min(axis=0) <= x1 + ban.keep_m) & (xs.max(axis=0) >= x0 - ban.keep_m)
    near &= (ys.min(axis=0) <= y1 + ban.keep_m) & (ys.max(axis=0) >= y0 - ban.keep_m)
    chosen = np.flatnonzero(near)
    if not len(chosen):
        return []
    a, b, apex = fans.a[chosen, :2], fans.b[chosen, :2], fans.apex[chosen]
    apart = ban.shape.fan_gap(a, b, apex)
    found = []
    for k in np.flatnonzero(apart < ban.keep_m - TINY_M):
        fan = int(chosen[k])
        n = int(fans.row[fan])
        if not ban.active_at(float(rows.begin_s[n]), float(rows.end_s[n]) + 3600.0):
            continue
        t = _worst_line(ban.shape, a[k], b[k], apex[k])
        share = float(fans.t0[fan] + (fans.t1[fan] - fans.t0[fan]) * t)
        start = a[k] + (b[k] - a[k]) * t
        amount = ban.keep_m - float(apart[k]) + ban.shape.depth(start, apex[k])
        found.append(rows.violation(f"return-{ban.kind}", n, ban.name, amount, "m", share, frame))
    return found


def _worst_line(shape: Shape, a: Floats, b: Floats, apex: Floats) -> float:
    """Where on a-b the line to the apex comes nearest to the shape, of 17 places: only for the report."""
    ts = np.linspace(0.0, 1.0, 17)
    starts = a + (b - a) * ts[:, None]
    gaps, _ = shape.gap(starts, np.repeat(apex[None], len(ts), axis=0))
    deep = np.array([shape.depth(s, apex) if g == 0 else -g for s, g in zip(starts, gaps, strict=True)])
    return float(ts[int(deep.argmax())])


def _climbs(ban: Ban, rows: Rows, rtl_m: float, frame: LocalFrame) -> list[Violation]:
    """Places from which the climb to the return height would enter a zone above."""
    close = rows.within(ban.bounds, ban.keep_m)
    if not len(close):
        return []
    part = ban.part_in_heights(rows, close, rtl_m)
    if part is None:
        return []
    close, a, b, t0, t1 = part
    apart, t = ban.shape.gap(a, b)
    found = []
    for k in np.flatnonzero(apart < ban.keep_m - TINY_M):
        n = int(close[k])
        if not ban.active_at(rows.time(n, float(t0[k])), rows.time(n, float(t1[k])) + 600.0):
            continue
        share = float(t0[k] + (t1[k] - t0[k]) * t[k])
        found.append(rows.violation(f"return-{ban.kind}", n, ban.name, ban.keep_m - float(apart[k]), "m", share, frame))
    return found


def _fence_returns(
    name: str, shape: Shape, keep_m: float, fans: _Fans, rows: Rows, frame: LocalFrame
) -> list[Violation]:
    """Triangles that reach over the boundary; it has no holes, so their sides tell."""
    found = []
    for starts, at_b in ((fans.a[:, :2], False), (fans.b[:, :2], True)):
        apart, _ = shape.edge_gap(starts, fans.apex)
        outside = ~shape.inside(starts)
        away = np.where(outside, -shape.edge_distance(starts), apart)
        bad = away < keep_m - TINY_M
        for k in np.flatnonzero(bad):
            share = float(fans.t1[k] if at_b else fans.t0[k])
            amount = keep_m - float(away[k])
            found.append(rows.violation("return-fence", int(fans.row[k]), name, amount, "m", share, frame))
    return found


def _return_heights(fans: _Fans, rows: Rows, rtl_m: float, airspace: Airspace, frame: LocalFrame) -> list[Violation]:
    """The return height over the ground along the ways home, at steps of the terrain's own grain."""
    found = []
    height = np.maximum(np.maximum(fans.a[:, 2], fans.b[:, 2]), rtl_m)
    low = np.maximum(np.minimum(fans.a[:, 2], fans.b[:, 2]), rtl_m)
    if airspace.terrain is None:
        for k in np.flatnonzero(height > airspace.ceiling_m + TINY_M):
            amount = float(height[k]) - airspace.ceiling_m
            found.append(rows.violation("return-height", int(fans.row[k]), "", amount, "m", float(fans.t0[k]), frame))
        return found
    for starts, share in ((fans.a, fans.t0), (fans.b, fans.t1)):
        lengths = np.hypot(*(fans.apex - starts[:, :2]).T)
        parts = np.maximum(np.ceil(lengths / GROUND_STEP_M).astype(int), 1) + 1
        owner = np.repeat(np.arange(len(parts)), parts)
        t = (np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)) / (parts[owner] - 1)
        places = starts[owner, :2] + (fans.apex[owner] - starts[owner, :2]) * t[:, None]
        ground = ground_m(airspace.terrain, frame, places)
        top, bottom = np.full(len(parts), np.inf), np.full(len(parts), -np.inf)
        known = np.nan_to_num(ground, nan=np.inf)
        np.minimum.at(top, owner, np.nan_to_num(ground, nan=-np.inf))
        np.maximum.at(bottom, owner, known)
        for k in np.flatnonzero(height - top > airspace.ceiling_m + TINY_M):
            amount = float(height[k] - top[k]) - airspace.ceiling_m
            found.append(rows.violation("return-height", int(fans.row[k]), "", amount, "m", float(share[k]), frame))
        for k in np.flatnonzero(low - bottom < airspace.clearance_m - TINY_M):
            amount = airspace.clearance_m - float(low[k] - bottom[k])
            found.append(rows.violation("return-ground", int(fans.row[k]), "", amount, "m", float(share[k]), frame))
    return found


def _return_energy(
    fans: _Fans, rows: Rows, mission: Mission, drone: Drone, wind: Wind, frame: LocalFrame
) -> list[Violation]:
    """What a return from places every few metres would leave in the battery."""
    lengths = np.hypot(*(fans.b - fans.a)[:, :2].T)
    parts = np.maximum(np.ceil(lengths / ENERGY_STEP_M).astype(int), 1) + 1
    owner = np.repeat(np.arange(len(parts)), parts)
    u = (np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)) / (parts[owner] - 1)
    t = fans.t0[owner] + (fans.t1 - fans.t0)[owner] * u
    row = fans.row[owner]
    places = rows.a[row] + (rows.b - rows.a)[row] * t[:, None]
    used = rows.begin_wh[row] + (rows.end_wh - rows.begin_wh)[row] * t
    rtl_m = drone.rtl_altitude_m
    back = return_wh(drone, wind, mission.home_amsl_m, places, fans.apex[owner], rtl_m)
    landing = rows.vertical[row] & (rows.b[row, 2] < rows.a[row, 2])  # already coming down: it just lands
    over = np.where(landing, 0.0, used + back - drone.battery_wh * (1 - drone.reserve))
    return [
        rows.violation("return-energy", int(row[k]), "", float(over[k]), "Wh", float(t[k]), frame)
        for k in np.flatnonzero(over > 0)
    ]
