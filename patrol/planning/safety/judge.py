"""Every violation of one mission, each with place, time and amount."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace
from patrol.planning.drone import CALM, Drone, Wind
from patrol.planning.mission import FenceCircle, FencePolygon, Mission
from patrol.planning.safety.bans import Ban, bans_of, bans_of_fence, fence_of
from patrol.planning.safety.energy import keep_books
from patrol.planning.safety.limits import check_limits
from patrol.planning.safety.path import Leg, Point, read_way
from patrol.planning.safety.returns import check_returns
from patrol.planning.safety.rows import Rows, make_rows
from patrol.planning.safety.shapes import Shape
from patrol.planning.safety.words import Violation

OPEN_SKY = Airspace()
LOW_M = 1.5  # nothing but take-off and landing comes lower over the ground
TINY_M = 1e-3


@dataclass(frozen=True)
class Rules:
    """What a mission is judged against. `starts_at_s` None: every zone counts as active."""

    drone: Drone
    airspace: Airspace = OPEN_SKY
    wind: Wind = CALM
    starts_at_s: float | None = None


def judge(mission: Mission, rules: Rules) -> tuple[Violation, ...]:
    """All violations, by item and kind; empty when the mission may be flown."""
    found = [*check_limits(mission)]
    home = mission.home
    if not (isfinite(home.lat_deg) and isfinite(home.lon_deg) and abs(home.lat_deg) <= 90 and abs(home.lon_deg) <= 180):
        return (*found, Violation("place", -1, "home", 0.0, ""))
    drone, airspace = rules.drone, rules.airspace
    way = read_way(mission, airspace.terrain, drone.cruise_ms, drone.rtl_altitude_m)
    found += way.faults
    if not way.takes_off:
        found.append(Violation("no-takeoff", -1, "", 0.0, ""))
    if not way.lands:
        found.append(Violation("no-landing", -1, "", 0.0, ""))
    frame = LocalFrame(home)
    landings = [EastNorth(0.0, 0.0)] + [frame.to_local(r.at) for r in mission.rally]
    legs = [*way.legs, *_own_return(way.legs, landings, drone, returns=way.returns, items=len(mission.items))]
    if legs:
        found += _judge_legs(legs, landings, mission, rules, frame)
    return tuple(_worst(found))


def _own_return(legs: list[Leg], landings: list[EastNorth], drone: Drone, *, returns: bool, items: int) -> list[Leg]:
    """The legs of a RETURN_TO_LAUNCH item: up, over, down."""
    if not returns:
        return []
    at = legs[-1].b if legs else Point(0.0, 0.0, 0.0)
    near = min(landings, key=lambda p: (p[0] - at[0]) ** 2 + (p[1] - at[1]) ** 2)
    top = max(at.up_m, drone.rtl_altitude_m)
    above, there, down = at._replace(up_m=top), Point(near[0], near[1], top), Point(near[0], near[1], 0.0)
    last = items - 1
    return [
        Leg(at, above, last, drone.cruise_ms, vertical=True),
        Leg(above, there, last, drone.cruise_ms, vertical=above[:2] == there[:2]),
        Leg(there, down, last, drone.cruise_ms, vertical=True),
    ]


def _judge_legs(
    legs: list[Leg], landings: list[EastNorth], mission: Mission, rules: Rules, frame: LocalFrame
) -> list[Violation]:
    airspace, drone = rules.airspace, rules.drone
    books = keep_books(legs, drone, rules.wind, mission.home_amsl_m)
    rows = make_rows(legs, books, airspace.terrain, frame)
    found = [Violation("wind", legs[n].item, "", amount, "m/s") for n, amount in books.stuck]
    found += [
        Violation("speed", leg.item, "", leg.speed_ms - drone.max_airspeed_ms - rules.wind.speed_ms, "m/s")
        for leg in legs
        if leg.speed_ms > drone.max_airspeed_ms + rules.wind.speed_ms and not leg.vertical
    ]
    if rules.wind.speed_ms > drone.max_wind_ms + 1e-9:
        found.append(Violation("wind", -1, drone.id, rules.wind.speed_ms - drone.max_wind_ms, "m/s"))
    bans = bans_of(airspace, frame, rules.starts_at_s) + bans_of_fence(mission.fence, frame)
    for ban in bans:
        found += _near_ban(ban, rows, frame)
    fences = fence_of(airspace.boundary, airspace.standoff_m, "boundary", frame) if airspace.boundary else []
    for n, shape in enumerate(mission.fence):
        if isinstance(shape, FencePolygon) and shape.inclusion and len(shape.ring) >= 3:
            fences += fence_of(shape.ring, 0.0, f"fence {n + 1}", frame)
        elif not isinstance(shape, FencePolygon) and shape.inclusion:
            found += _out_of_circle(f"fence {n + 1}", shape, rows, frame)
    for name, shape_m, keep_m in fences:
        found += _out_of_fence(name, shape_m, keep_m, rows, frame)
    found += _heights(rows, airspace, frame)
    spare_wh = drone.battery_wh * (1.0 - drone.reserve) - float(books.end_wh[-1])
    if spare_wh < 0.0:
        found.append(_at("energy", legs[-1].item, "", -spare_wh, "Wh", legs[-1].b, float(books.end_s[-1]), frame))
    found += check_returns(rows, landings, bans, fences, mission, rules.airspace, drone, rules.wind, frame)
    return found


def _at(
    kind: str, item: int, subject: str, amount: float, unit: str, p: Point, time_s: float, frame: LocalFrame
) -> Violation:
    place = frame.to_wgs84(EastNorth(p[0], p[1]))
    return Violation(kind, item, subject, amount, unit, LatLon(*place), float(p[2]), time_s)


def _near_ban(ban: Ban, rows: Rows, frame: LocalFrame) -> list[Violation]:
    """Legs that come closer to a zone or building than its stand-off while within its heights."""
    close = rows.within(ban.bounds, ban.keep_m)
    if not len(close):
        return []
    part = ban.part_in_heights(rows, close)
    if part is None:
        return []
    close, a, b, t0, t1 = part
    apart, t = ban.shape.gap(a, b)
    found = []
    for k in np.flatnonzero(apart < ban.keep_m - TINY_M):
        n, amount, where = int(close[k]), ban.keep_m - float(apart[k]), float(t[k])
        if apart[k] == 0.0:
            amount += ban.shape.depth(a[k], b[k])
            where = ban.shape.first_inside(a[k], b[k])
        along = t0[k] + (t1[k] - t0[k]) * where
        if not ban.active_at(rows.time(n, float(t0[k])), rows.time(n, float(t1[k]))):
            continue
        found.append(rows.violation(ban.kind, n, ban.name, amount, "m", along, frame))
    return found


def _out_of_fence(name: str, shape: Shape, keep_m: float, rows: Rows, frame: LocalFrame) -> list[Violation]:
    found = []
    apart, t = shape.edge_gap(rows.a[:, :2], rows.b[:, :2])
    outside = ~shape.inside(rows.a[:, :2]) | ~shape.inside(rows.b[:, :2])
    for n in np.flatnonzero(outside | (apart < keep_m - TINY_M)):
        where, amount = float(t[n]), keep_m - float(apart[n])
        if outside[n]:
            ends = np.stack([rows.a[n, :2], rows.b[n, :2]])
            away = np.where(shape.inside(ends), 0.0, shape.edge_distance(ends))
            where, amount = float(away.argmax()), keep_m + float(away.max())
        found.append(rows.violation("fence", int(n), name, amount, "m", where, frame))
    return found


def _out_of_circle(name: str, circle: FenceCircle, rows: Rows, frame: LocalFrame) -> list[Violation]:
    """A circle is convex: a leg leaves it only when an end does."""
    centre = np.array(frame.to_local(circle.centre))
    found = []
    for end, points in enumerate((rows.a, rows.b)):
        over = np.hypot(*(points[:, :2] - centre).T) - circle.radius_m
        found += [
            rows.violation("fence", int(n), name, float(over[n]), "m", float(end), frame)
            for n in np.flatnonzero(over > 0)
        ]
    return found


def _heights(rows: Rows, airspace: Airspace, frame: LocalFrame) -> list[Violation]:
    found = []
    for end, (points, ground) in enumerate(((rows.a, rows.ground_a), (rows.b, rows.ground_b))):
        above = points[:, 2] - ground
        unknown = ~np.isfinite(above)
        for n in np.flatnonzero(unknown | (above > airspace.ceiling_m + TINY_M)):
            amount = inf if unknown[n] else float(above[n]) - airspace.ceiling_m
            found.append(rows.violation("height", int(n), "", amount, "m", float(end), frame))
        low = ~rows.vertical & (above < LOW_M - TINY_M)
        found += [
            rows.violation("ground", int(n), "", LOW_M - float(above[n]), "m", float(end), frame)
            for n in np.flatnonzero(low)
        ]
    return found


def _worst(found: Iterable[Violation]) -> list[Violation]:
    """One violation for each kind, item and subject: the worst, at the place where it is worst."""
    kept: dict[tuple[str, int, str], Violation] = {}
    for violation in found:
        key = (violation.kind, violation.item, violation.subject)
        if key not in kept or violation.amount > kept[key].amount:
            kept[key] = violation
    return [kept[key] for key in sorted(kept, key=lambda k: (k[1], k[0], k[2]))]
