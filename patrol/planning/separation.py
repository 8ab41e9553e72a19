"""Two flights must never meet: where they are at each moment, and starts that keep them apart.

Two drones are apart while at least `WIDE_M` lie between them over ground or `HIGH_M` in height. Flights are straight
pieces of constant speed between instants, so the closest approach of a pair of pieces is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from patrol.geo import Floats, LocalFrame
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import refuse

WIDE_M = 25.0
HIGH_M = 8.0
STEP_S = 5.0
MAX_DELAY_S = 3600.0


@dataclass(frozen=True)
class Flight:
    """A plan and when it takes off, seconds from the fleet's start."""

    drone_id: str
    start_s: float
    plan: FlightPlan


def track(flight: Flight, frame: LocalFrame) -> Floats:
    """(n, 4) seconds, east, north, up in `frame`: a straight line between rows. Holds and climbs have rows of their own."""
    rows = list[tuple[float, float, float, float]]()
    begin = flight.start_s
    home = flight.plan.frame
    for sortie in flight.plan.sorties:
        spots = home.many_to_wgs84([(w.east_m, w.north_m) for w in sortie.waypoints])
        local = frame.many_to_local(spots[:, 0], spots[:, 1])
        rows.append((begin, *local[0].tolist(), 0.0))
        for n, (w, instant) in enumerate(zip(sortie.waypoints, sortie.instants, strict=True)):
            arrives = begin + instant.time_s - w.hold_s
            rows.append((arrives, *local[n].tolist(), w.up_m))
            if w.hold_s > 0.0:
                rows.append((begin + instant.time_s, *local[n].tolist(), w.up_m))
        begin += sortie.duration_s
        rows.append((begin, *local[-1].tolist(), 0.0))
    return np.array(rows)


def conflict(a: Floats, b: Floats) -> tuple[float, float] | None:
    """(moment, distance over ground) at which two tracks come too near; None when they never do.

    Below `HIGH_M` both over their docks count as landed: docks are chosen apart.
    """
    start, end = max(a[0, 0], b[0, 0]), min(a[-1, 0], b[-1, 0])
    if start >= end:
        return None
    times = np.unique(np.concatenate([a[:, 0], b[:, 0], [start, end]]))
    times = times[(times >= start) & (times <= end)]
    pa = np.stack([np.interp(times, a[:, 0], a[:, k]) for k in (1, 2, 3)], axis=1)
    pb = np.stack([np.interp(times, b[:, 0], b[:, k]) for k in (1, 2, 3)], axis=1)
    gap0, gap1 = (pa - pb)[:-1], (pa - pb)[1:]
    move = gap1 - gap0
    lo, hi = np.zeros(len(gap0)), np.ones(len(gap0))
    with np.errstate(divide="ignore", invalid="ignore"):  # shares of the piece in which the heights are too near
        first, second = (-HIGH_M - gap0[:, 2]) / move[:, 2], (HIGH_M - gap0[:, 2]) / move[:, 2]
    level = np.abs(move[:, 2]) < 1e-9
    lo = np.where(level, lo, np.maximum(lo, np.minimum(first, second)))
    hi = np.where(level, hi, np.minimum(hi, np.maximum(first, second)))
    possible = np.where(level, np.abs(gap0[:, 2]) < HIGH_M, lo < hi)
    square = (move[:, :2] ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(square > 0, -(gap0[:, :2] * move[:, :2]).sum(axis=1) / square, 0.0)
    t = np.clip(t, lo, np.maximum(lo, hi))
    near = gap0[:, :2] + move[:, :2] * t[:, None]
    apart = np.where(possible, np.hypot(near[:, 0], near[:, 1]), np.inf)
    k = int(np.argmin(apart))
    if apart[k] >= WIDE_M:
        return None
    return float(times[k] + (times[k + 1] - times[k]) * t[k]), float(apart[k])


def apart_starts(flights: Sequence[Flight], charge_s: float) -> tuple[Flight, ...]:
    """The flights with starts moved later until no two come too near, in their order; a drone's own stay apart.

    Raises PlanRefused when an hour of delay does not help: then two docks are too close for their heights.
    """
    if not flights:
        return ()
    frame = flights[0].plan.frame
    placed, tracks = list[Flight](), list[Floats]()
    free = dict[str, float]()
    for flight in flights:
        start = max(flight.start_s, free.get(flight.drone_id, 0.0))
        base = track(replace(flight, start_s=0.0), frame)
        for step in range(int(MAX_DELAY_S / STEP_S) + 1):
            moved = base + np.array([start + step * STEP_S, 0.0, 0.0, 0.0])
            if all(conflict(moved, other) is None for other in tracks):
                break
        else:
            raise refuse("flights-too-near", drone=flight.drone_id)
        start += step * STEP_S
        placed.append(replace(flight, start_s=start))
        tracks.append(moved)
        free[flight.drone_id] = start + flight.plan.duration_s + charge_s
    return tuple(placed)
