"""Time and energy along a way by stepping through it: the judge's own integration, not the planner's formulas.

Speed: each piece of a metre is as fast as speed limits and acceleration from its neighbours allow. Power: momentum
theory again, solved by iteration (Leishman 2006, chapter 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.geo import Floats
from patrol.planning.drone import Drone, Wind
from patrol.planning.safety.path import Leg
from patrol.planning.safety.shapes import turning

STEP_M = 2.0
MAX_STEPS = 200_000
GRAVITY = 9.80665


@dataclass(frozen=True)
class Ledger:
    """At the begin and end of each leg: seconds and watt-hours so far. And legs that the wind forbids."""

    begin_s: Floats
    end_s: Floats
    begin_wh: Floats
    end_wh: Floats
    stuck: tuple[tuple[int, float], ...]


def density_at(height_amsl_m: float) -> float:
    """Air density of the standard atmosphere, kg/m3: power law of the troposphere."""
    return float(1.225 * (1.0 - 2.25577e-5 * height_amsl_m) ** 4.2559)


def power_w(drone: Drone, airspeed: Floats, climb: Floats, density: float) -> Floats:
    """Electrical power, W. The induced velocity by damped iteration of v = vh^2 / sqrt(V^2 + v^2)."""
    weight = (drone.mass_kg + drone.payload_kg) * GRAVITY
    hover = np.sqrt(weight / (2 * density * drone.disk_area_m2))
    air = np.where(climb < 0, 0.0, airspeed)
    induced = np.full_like(air, hover)
    for _ in range(60):
        induced = 0.5 * (induced + hover**2 / np.sqrt(air**2 + induced**2))
    drag = 0.5 * density * drone.drag_area_m2 * airspeed**3
    return np.asarray((weight * (induced + np.maximum(climb, 0)) + drag) / drone.efficiency + drone.avionics_w)


def over_ground(wanted: Floats, directions: Floats, wind: Wind, limit: float) -> tuple[Floats, Floats]:
    """(n,) speed over ground along (n, 2) unit directions and the airspeed it takes. 0 where it cannot be held."""
    blow = np.array([wind.east_ms, wind.north_ms])
    tail = directions @ blow
    side = directions[:, 0] * blow[1] - directions[:, 1] * blow[0]
    room = limit**2 - side**2
    fastest = np.where(room > 0, tail + np.sqrt(np.maximum(room, 0)), 0.0)
    speed = np.clip(np.minimum(wanted, fastest), 0.0, None)
    return speed, np.hypot(speed - tail, side)


def keep_books(legs: list[Leg], drone: Drone, wind: Wind, home_amsl_m: float) -> Ledger:
    """Step through all legs from standstill on the ground."""
    density = density_at(home_amsl_m)
    count = len(legs)
    a = np.array([leg.a for leg in legs], float).reshape(-1, 3)
    b = np.array([leg.b for leg in legs], float).reshape(-1, 3)
    span = b - a
    flat = np.hypot(span[:, 0], span[:, 1])
    level = np.array([not leg.vertical for leg in legs]) & (flat > 1e-3)
    direction = np.where(level[:, None], span[:, :2] / np.maximum(flat, 1e-9)[:, None], 0.0)
    slope = np.where(level, span[:, 2] / np.maximum(flat, 1e-9), 0.0)
    wanted = np.array([leg.speed_ms for leg in legs], float)
    rate = np.where(slope > 0, drone.climb_ms, drone.descent_ms)
    with np.errstate(divide="ignore"):
        wanted = np.where(slope != 0, np.minimum(wanted, rate / np.abs(slope)), wanted)
    speed, air = over_ground(wanted, direction, wind, drone.max_airspeed_ms)
    stuck = tuple((n, float(wanted[n])) for n in range(count) if level[n] and speed[n] <= 0)
    speed = np.maximum(speed, 0.05)
    moving_s = _moving_time(legs, flat, level, speed, drone.acceleration_ms2)
    rise = span[:, 2]
    upright_s = np.where(rise > 0, rise / drone.climb_ms, -rise / drone.descent_ms)
    hold_s = np.array([leg.hold_s for leg in legs], float)
    gust = np.full(count, wind.speed_ms)
    cruise_w = power_w(drone, air, slope * speed, density)
    hover_w = power_w(drone, gust, np.zeros(count), density)
    lift_w = power_w(drone, gust, np.where(rise > 0, drone.climb_ms, np.where(rise < 0, -1.0, 0.0)), density)
    spent_s = np.where(level, moving_s, upright_s) + hold_s
    spent_j = np.where(level, moving_s * cruise_w, upright_s * np.maximum(lift_w, hover_w)) + hold_s * hover_w
    end_s, end_wh = np.cumsum(spent_s), np.cumsum(spent_j) / 3600.0
    return Ledger(end_s - spent_s, end_s, end_wh - spent_j / 3600.0, end_wh, stuck)


def _moving_time(legs: list[Leg], flat: Floats, level: Floats, speed: Floats, acceleration: float) -> Floats:
    """(n,) seconds for each level leg, starting, stopping and turning included."""
    lengths = np.where(level, flat, 0.0)
    step = max(STEP_M, float(lengths.sum()) / MAX_STEPS)
    pieces = np.maximum(np.ceil(lengths / step).astype(int), 1)
    owner = np.repeat(np.arange(len(legs)), pieces)
    size = np.repeat(np.where(lengths > 0, lengths / pieces, 0.0), pieces)
    along = np.concatenate([[0.0], np.cumsum(size)])
    limit = np.empty(len(size) + 1)  # squared speed at the borders of pieces
    inner = np.repeat(speed**2, pieces)
    limit[:-1], limit[-1] = inner, 0.0
    first = np.concatenate([[0], np.cumsum(pieces)])[:-1]
    for n, leg in enumerate(legs):
        if n == 0 or not level[n] or not level[n - 1] or legs[n - 1].hold_s > 0:
            passing = 0.0
        else:
            before = legs[n - 1]
            turn = turning((before.a[0], before.a[1]), (leg.a[0], leg.a[1]), (leg.b[0], leg.b[1]))
            passing = max(0.0, turn) * min(speed[n - 1], speed[n])
        limit[first[n]] = passing**2
    ahead = np.minimum.accumulate(limit - 2 * acceleration * along) + 2 * acceleration * along
    back = ahead[::-1]
    behind = np.minimum.accumulate(back + 2 * acceleration * along[::-1])
    square = np.minimum(ahead, (behind - 2 * acceleration * along[::-1])[::-1])
    pace = np.sqrt(np.maximum(square, 0.0))
    between = (pace[:-1] + pace[1:]) / 2  # exact under constant acceleration
    short = size > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = np.where(short, size / np.maximum(between, 1e-9), 0.0)
    alone = short & (between < 1e-6)  # one piece between two stops: up and down again
    seconds[alone] = 2 * np.sqrt(size[alone] / acceleration)
    return np.asarray(np.bincount(owner, weights=seconds, minlength=len(legs)), float)


def return_wh(drone: Drone, wind: Wind, home_amsl_m: float, places: Floats, landing: Floats, rtl_m: float) -> Floats:
    """(n,) Wh for the straight way home from (n, 3) places to (n, 2) landing points at the return height."""
    density = density_at(home_amsl_m)
    over = landing - places[:, :2]
    flat = np.hypot(over[:, 0], over[:, 1])
    direction = over / np.maximum(flat, 1e-9)[:, None]
    speed, air = over_ground(np.full(len(flat), drone.cruise_ms), direction, wind, drone.max_airspeed_ms)
    height = np.maximum(places[:, 2], rtl_m)
    zero = np.zeros(len(flat))
    hover_w = power_w(drone, zero + wind.speed_ms, zero, density)
    rise_w = power_w(drone, zero + wind.speed_ms, zero + drone.climb_ms, density)
    cruise_w = power_w(drone, air, zero, density)
    with np.errstate(divide="ignore"):
        moving_s = np.where(flat > 0.1, flat / speed + speed / drone.acceleration_ms2, 0.0)
    rise_s, sink_s = (height - places[:, 2]) / drone.climb_ms, height / drone.descent_ms
    return np.asarray((rise_s * rise_w + moving_s * cruise_w + sink_s * hover_w) / 3600.0)
