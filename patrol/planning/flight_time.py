"""How long a list of waypoints takes and what it costs. Trapezoidal speed along legs, slower round corners.

A corner is passed at the cosine of the turn times the slower of both legs' speeds; at right angles and more the
drone stops. That is slower than autopilots that cut corners: times err on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import hypot, inf, sqrt

from patrol.geo import EastNorth
from patrol.planning.drone import CALM, Drone, Wind, air_density, ground_speed
from patrol.planning.plan import Instant, Waypoint
from patrol.planning.refusals import refuse

SETTLE_S = 2.0  # arming to climbing, touching down to disarmed: each


class Flier:
    """One drone in one wind, starting at ground that is `home_amsl_m` high."""

    def __init__(self, drone: Drone, wind: Wind = CALM, home_amsl_m: float = 0.0) -> None:
        if wind.speed_ms > min(drone.max_wind_ms, 0.9 * drone.max_airspeed_ms):
            limit_ms = min(drone.max_wind_ms, 0.9 * drone.max_airspeed_ms)
            raise refuse("wind-too-strong", wind_ms=wind.speed_ms, drone=drone.id, limit_ms=limit_ms)
        self.drone, self.wind = drone, wind
        self.density = air_density(home_amsl_m)
        self._hover_w = drone.power_w(wind.speed_ms, 0.0, self.density)
        self._climb_w = drone.power_w(wind.speed_ms, drone.climb_ms, self.density)
        self._sink_w = drone.power_w(wind.speed_ms, -1.0, self.density)

    def straight(self, east_m: float, north_m: float, speed_ms: float) -> tuple[float, float]:
        """Seconds and Wh for a level straight leg at speed, without starting and stopping."""
        length_m = hypot(east_m, north_m)
        if length_m < 1e-9:
            return 0.0, 0.0
        drone = self.drone
        speed, air = ground_speed(speed_ms, east_m / length_m, north_m / length_m, self.wind, drone.max_airspeed_ms)
        if speed <= 0.0:
            return inf, inf
        time_s = length_m / speed
        return time_s, time_s * drone.power_w(air, 0.0, self.density) / 3600.0

    def vertical(self, up_m: float) -> tuple[float, float]:
        """Seconds and Wh for climbing `up_m`, or sinking when it is negative."""
        if up_m >= 0.0:
            time_s = up_m / self.drone.climb_ms
            return time_s, time_s * self._climb_w / 3600.0
        time_s = -up_m / self.drone.descent_ms
        return time_s, time_s * max(self._sink_w, self._hover_w) / 3600.0

    def return_wh(self, at: Waypoint, landings: Sequence[EastNorth]) -> float:
        """What the straight way to the nearest landing point costs from there: up to the return height, over, down."""
        near = min(landings, key=lambda p: hypot(p[0] - at.east_m, p[1] - at.north_m))
        height_m = max(at.up_m, self.drone.rtl_altitude_m)
        over_s, over_wh = self.straight(near[0] - at.east_m, near[1] - at.north_m, self.drone.cruise_ms)
        slow_s = self.drone.cruise_ms / self.drone.acceleration_ms2 + SETTLE_S if over_s > 0 else SETTLE_S
        up_wh, down_wh = self.vertical(height_m - at.up_m)[1], self.vertical(-height_m)[1]
        return up_wh + over_wh + down_wh + slow_s * self._hover_w / 3600.0

    def fly(self, waypoints: Sequence[Waypoint]) -> tuple[tuple[Instant, ...], float, float, float]:
        """Instants at the waypoints, and distance (m), time (s) and energy (Wh) of the whole flight with landing.

        Starts on the ground under the first waypoint and ends on it under the last.
        """
        first = waypoints[0]
        time_s, used_wh = self.vertical(first.up_m)
        time_s, used_wh = time_s + SETTLE_S, used_wh + SETTLE_S * self._hover_w / 3600.0
        speeds, powers, lengths = self._legs(waypoints)
        passing = self._passing(waypoints, speeds, lengths)
        instants = [self._after_hold(first, time_s, used_wh)]
        distance_m = 0.0
        for n, (speed, power_w, length_m) in enumerate(zip(speeds, powers, lengths, strict=True)):
            time_s, used_wh = instants[-1]
            if length_m < 1e-6:
                leg_s, leg_wh = self.vertical(waypoints[n + 1].up_m - waypoints[n].up_m)
            else:
                leg_s = self._trapezoid_s(length_m, passing[n], passing[n + 1], speed)
                leg_wh = leg_s * power_w / 3600.0
            distance_m += length_m
            instants.append(self._after_hold(waypoints[n + 1], time_s + leg_s, used_wh + leg_wh))
        down_s, down_wh = self.vertical(-waypoints[-1].up_m)
        end = instants[-1]
        return (
            tuple(instants),
            distance_m,
            end.time_s + down_s + SETTLE_S,
            end.used_wh + down_wh + SETTLE_S * self._hover_w / 3600.0,
        )

    def _after_hold(self, waypoint: Waypoint, time_s: float, used_wh: float) -> Instant:
        return Instant(time_s + waypoint.hold_s, used_wh + waypoint.hold_s * self._hover_w / 3600.0)

    def _legs(self, waypoints: Sequence[Waypoint]) -> tuple[list[float], list[float], list[float]]:
        drone = self.drone
        speeds, powers, lengths = [], [], []
        for a, b in pairwise(waypoints):
            east_m, north_m, up_m = b.east_m - a.east_m, b.north_m - a.north_m, b.up_m - a.up_m
            length_m = hypot(east_m, north_m)
            if length_m < 1e-6:
                speeds.append(0.0)
                powers.append(self._hover_w)
                lengths.append(0.0)
                continue
            slope = up_m / length_m
            wanted = b.speed_ms
            if slope:
                wanted = min(wanted, (drone.climb_ms if slope > 0 else drone.descent_ms) / abs(slope))
            speed, air = ground_speed(wanted, east_m / length_m, north_m / length_m, self.wind, drone.max_airspeed_ms)
            if speed <= 0.0:
                raise refuse("wind-too-strong", wind_ms=self.wind.speed_ms, drone=drone.id, limit_ms=drone.max_wind_ms)
            speeds.append(speed)
            powers.append(drone.power_w(air, slope * speed, self.density))
            lengths.append(length_m)
        return speeds, powers, lengths

    def _passing(self, waypoints: Sequence[Waypoint], speeds: list[float], lengths: list[float]) -> list[float]:
        """Speed at each waypoint: by the turn, then by what can be reached and braked on the legs around it."""
        count = len(waypoints)
        passing = [0.0] * count
        for n in range(1, count - 1):
            if waypoints[n].hold_s > 0.0 or lengths[n - 1] < 1e-6 or lengths[n] < 1e-6:
                continue
            a, b, c = waypoints[n - 1], waypoints[n], waypoints[n + 1]
            dot = (b.east_m - a.east_m) * (c.east_m - b.east_m) + (b.north_m - a.north_m) * (c.north_m - b.north_m)
            passing[n] = max(0.0, dot / (lengths[n - 1] * lengths[n])) * min(speeds[n - 1], speeds[n])
        twice = 2.0 * self.drone.acceleration_ms2
        for n in range(1, count):
            passing[n] = min(passing[n], sqrt(passing[n - 1] ** 2 + twice * lengths[n - 1]))
        for n in range(count - 2, -1, -1):
            passing[n] = min(passing[n], sqrt(passing[n + 1] ** 2 + twice * lengths[n]))
        return passing

    def _trapezoid_s(self, length_m: float, start_ms: float, end_ms: float, cruise_ms: float) -> float:
        a = self.drone.acceleration_ms2
        cruise_ms = max(cruise_ms, start_ms, end_ms)
        ramps_m = (2 * cruise_ms**2 - start_ms**2 - end_ms**2) / (2 * a)
        if ramps_m <= length_m:
            return (2 * cruise_ms - start_ms - end_ms) / a + (length_m - ramps_m) / cruise_ms
        peak_ms = sqrt((2 * a * length_m + start_ms**2 + end_ms**2) / 2)
        return (2 * peak_ms - start_ms - end_ms) / a
