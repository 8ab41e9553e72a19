"""What was flown, held against what was allowed and what was planned. Pure; the flight record and the station use it.

Places are measured in the plane around home (metres), heights above home. A no-fly zone's floor and ceiling are above
ground in the configuration and are taken as above home: exact over flat ground.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, inf, isfinite, nan
from typing import NamedTuple

from patrol.flight.compile import Compiled
from patrol.flight.messages import MissionType
from patrol.geo import EastNorth, LatLon, LocalFrame, distance_m
from patrol.planning.airspace import Circle, Zone
from patrol.planning.mission import FenceCircle, FencePolygon

WAYPOINT, LOITER_TIME, RETURN, LAND, TAKEOFF, CHANGE_SPEED, DELAY = 16, 19, 20, 21, 22, 178, 93
FLOWN_TO = frozenset({16, 17, 18, 19, 21, 82})
AMSL = frozenset({0, 5})
CLIMB_MS, DESCENT_MS = 2.5, 1.5  # what both firmwares do unless told otherwise, roughly: for the planned time alone
AIRBORNE_M = 0.5
HERE = EastNorth(0.0, 0.0)
Part = FencePolygon | FenceCircle


class Sample(NamedTuple):
    """Where a vehicle was. `item` is what it flew to, counted as the vehicle does; `mode` as in `seen`."""

    at_s: float
    at: LatLon
    up_m: float
    item: int = 0
    mode: str = "mission"


class Breach(NamedTuple):
    """A sample where nobody may be. `depth_m`: how far beyond the edge, horizontally."""

    sample: Sample
    what: str
    depth_m: float


def breaches(
    samples: Iterable[Sample],
    home: LatLon,
    fence: Sequence[Part] = (),
    zones: Sequence[Zone] = (),
    slack_m: float = 0.0,
) -> tuple[Breach, ...]:
    """Every airborne sample outside a keep-in, or inside a no-fly part or zone, by more than `slack_m`.

    Each keep-in holds by itself. Zones count as active; leave out those that are not.
    """
    frame = LocalFrame(home)
    edges = [
        (_edge(part, frame), part.inclusion, "keep-in" if part.inclusion else "no-fly", 0.0, inf) for part in fence
    ]
    edges += [(_zone_edge(zone, frame), False, zone.id, zone.floor_m, zone.ceiling_m) for zone in zones]
    found = list[Breach]()
    for sample in samples:
        if sample.up_m < AIRBORNE_M:
            continue
        place = frame.to_local(sample.at)
        for edge, keeps_in, what, floor_m, ceiling_m in edges:
            inside_m = edge.inside_m(place)
            depth_m = -inside_m if keeps_in else inside_m
            if depth_m > slack_m and floor_m <= sample.up_m <= ceiling_m:
                found.append(Breach(sample, what, depth_m))
    return tuple(found)


@dataclass(frozen=True)
class _Rings:
    """An outer ring and holes, or a circle when there is a radius."""

    rings: tuple[tuple[EastNorth, ...], ...]
    centre: EastNorth = HERE
    radius_m: float = nan

    def inside_m(self, place: EastNorth) -> float:
        """How far inside (positive) or outside (negative) a place is."""
        if isfinite(self.radius_m):
            return self.radius_m - hypot(place[0] - self.centre[0], place[1] - self.centre[1])
        inside, nearest = False, inf
        for ring in self.rings:
            for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
                nearest = min(nearest, _off(place, a, b)[0])
                if (a[1] > place[1]) != (b[1] > place[1]):
                    inside ^= place[0] < (b[0] - a[0]) * (place[1] - a[1]) / (b[1] - a[1]) + a[0]
        return nearest if inside else -nearest


def _edge(part: Part, frame: LocalFrame) -> _Rings:
    if isinstance(part, FenceCircle):
        return _Rings((), frame.to_local(part.centre), part.radius_m)
    return _Rings((tuple(frame.to_local(corner) for corner in part.ring),))


def _zone_edge(zone: Zone, frame: LocalFrame) -> _Rings:
    if isinstance(zone.shape, Circle):
        return _Rings((), frame.to_local(zone.shape.centre), zone.shape.radius_m)
    return _Rings(tuple(tuple(frame.to_local(corner) for corner in ring) for ring in zone.shape))


def _off(place: EastNorth, a: EastNorth, b: EastNorth) -> tuple[float, float]:
    """Distance from the line between a and b, and the share of the way to b that is nearest."""
    de, dn = b[0] - a[0], b[1] - a[1]
    length2 = de * de + dn * dn
    share = 0.0 if length2 == 0 else ((place[0] - a[0]) * de + (place[1] - a[1]) * dn) / length2
    share = max(0.0, min(1.0, share))
    return hypot(place[0] - a[0] - share * de, place[1] - a[1] - share * dn), share


class Stop(NamedTuple):
    """A place of the planned way. `seq`: the item that leads there; `hold_s`: how long it stays."""

    at: LatLon
    up_m: float
    seq: int
    speed_ms: float
    hold_s: float = 0.0


def way_of(compiled: Compiled, home: LatLon, home_amsl_m: float, cruise_ms: float) -> tuple[Stop, ...]:
    """The way that a compiled mission describes, from home's ground to the ground. Jumps are not followed."""
    stops, speed_ms = [Stop(home, 0.0, 0, cruise_ms)], cruise_ms
    for seq, item in enumerate(compiled.lists[MissionType.MISSION]):
        if seq == 0 and compiled.firmware == "ardupilot":
            continue  # home
        up_m = item.z - (home_amsl_m if item.frame in AMSL else 0.0)
        here = LatLon(item.x / 1e7, item.y / 1e7) if item.x or item.y else stops[-1].at
        hold_s = item.params.p1 if item.command in {WAYPOINT, LOITER_TIME} and isfinite(item.params.p1) else 0.0
        if item.command == CHANGE_SPEED and item.params.p2 > 0:
            speed_ms = item.params.p2
        elif item.command == TAKEOFF:
            stops.append(Stop(stops[-1].at, up_m, seq, speed_ms))
        elif item.command == LAND:
            stops += [Stop(here, stops[-1].up_m, seq, speed_ms), Stop(here, 0.0, seq, speed_ms)]
        elif item.command in FLOWN_TO:
            stops.append(Stop(here, up_m, seq, speed_ms, hold_s))
        elif item.command == DELAY:
            stops.append(stops[-1]._replace(seq=seq, hold_s=item.params.p1))
        elif item.command == RETURN:
            stops += [Stop(home, stops[-1].up_m, seq, speed_ms), Stop(home, 0.0, seq, speed_ms)]
    return tuple(stops)


def to_go_m(sample: Sample, way: Sequence[Stop]) -> float:
    """Metres over ground from where a vehicle is to the end of its way, by the item that it flies to."""
    ahead = [stop for stop in way if stop.seq >= sample.item and stop.seq > 0]
    places = [sample.at, *(stop.at for stop in ahead)]
    return sum(distance_m(a, b) for a, b in pairwise(places))


class Compared(NamedTuple):
    """Planned against flown. Worst deviations while the mission was flown; NaN where there is nothing to compare."""

    planned_m: float
    flown_m: float
    planned_s: float
    flown_s: float
    cross_track_m: float
    cross_track_at_s: float
    height_m: float
    height_at_s: float


def compare(samples: Sequence[Sample], way: Sequence[Stop], home: LatLon) -> Compared:
    """Lengths, times, and the worst deviation from the leg in hand or the one before it, horizontally and in height."""
    frame = LocalFrame(home)
    legs = [(a, b, frame.to_local(a.at), frame.to_local(b.at)) for a, b in pairwise(way)]
    planned_m, planned_s = 0.0, 0.0
    for a, b, pa, pb in legs:
        flat_m, up_m = hypot(pb[0] - pa[0], pb[1] - pa[1]), b.up_m - a.up_m
        planned_m += flat_m
        planned_s += max(flat_m / b.speed_ms, up_m / CLIMB_MS if up_m > 0 else -up_m / DESCENT_MS) + b.hold_s
    air = [s for s in samples if s.up_m >= AIRBORNE_M]
    places = [frame.to_local(s.at) for s in air]
    flown_m = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(places))
    flown_s = air[-1].at_s - air[0].at_s if air else 0.0
    worst = Compared(planned_m, flown_m, planned_s, flown_s, nan, nan, nan, nan)
    for sample, place in zip(air, places, strict=True):
        off = _deviation(sample, place, legs) if sample.mode == "mission" else None
        if off is None:
            continue
        if not off[0] <= worst.cross_track_m:
            worst = worst._replace(cross_track_m=off[0], cross_track_at_s=sample.at_s)
        if not off[1] <= worst.height_m:
            worst = worst._replace(height_m=off[1], height_at_s=sample.at_s)
    return worst


def _deviation(
    sample: Sample, place: EastNorth, legs: Sequence[tuple[Stop, Stop, EastNorth, EastNorth]]
) -> tuple[float, float] | None:
    ahead = next((n for n, (_, b, _, _) in enumerate(legs) if b.seq >= sample.item), None)
    if ahead is None:
        return None
    last = max(n for n, (_, b, _, _) in enumerate(legs) if b.seq == legs[ahead][1].seq)
    found = list[tuple[float, float]]()
    for a, b, pa, pb in legs[max(ahead - 1, 0) : last + 1]:
        cross_m, share = _off(place, pa, pb)
        if pa == pb:
            low, high = sorted((a.up_m, b.up_m))
            height_m = max(low - sample.up_m, sample.up_m - high, 0.0)
        else:
            height_m = abs(sample.up_m - (a.up_m + share * (b.up_m - a.up_m)))
        found.append((cross_m, height_m))
    return min(found, key=lambda off: hypot(*off))
