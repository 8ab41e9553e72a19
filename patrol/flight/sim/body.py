"""Where the simulated drone is and how it moves. A point with limits: speed, acceleration, wind. Pure, stepped.

It flies as multirotor controllers do: the wanted speed over ground falls with the square root of the
distance left (constant braking), changes no faster than its acceleration, and is cut where the airspeed
would be too high. East, north, up in metres around home.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, radians, sin, sqrt


@dataclass(frozen=True)
class Limits:
    """What it can do."""

    speed_ms: float = 10.0
    climb_ms: float = 2.5
    descent_ms: float = 1.5
    acceleration_ms2: float = 2.5
    airspeed_ms: float = 16.0
    yaw_rate_deg_s: float = 60.0


@dataclass
class Body:
    """Position and velocity."""

    east_m: float = 0.0
    north_m: float = 0.0
    up_m: float = 0.0
    east_ms: float = 0.0
    north_ms: float = 0.0
    up_ms: float = 0.0
    yaw_deg: float = 0.0
    travelled_m: float = 0.0

    @property
    def ground_speed_ms(self) -> float:
        """Over ground, horizontal."""
        return hypot(self.east_ms, self.north_ms)

    def distance_m(self, east_m: float, north_m: float) -> float:
        """Horizontal distance to a place."""
        return hypot(east_m - self.east_m, north_m - self.north_m)

    def fly_to(
        self,
        target: tuple[float, float, float],
        limits: Limits,
        wind: tuple[float, float],
        dt_s: float,
        descent_ms: float | None = None,
        yaw_deg: float | None = None,
    ) -> None:
        """One step towards (east, north, up). The nose follows the course unless `yaw_deg` is given."""
        de, dn, du = target[0] - self.east_m, target[1] - self.north_m, target[2] - self.up_m
        distance = hypot(de, dn)
        speed = min(limits.speed_ms, sqrt(2.0 * limits.acceleration_ms2 * 0.6 * distance), distance / dt_s)
        want_e, want_n = (de / distance * speed, dn / distance * speed) if distance > 1e-6 else (0.0, 0.0)
        want_e, want_n = _within_airspeed(want_e, want_n, wind, limits.airspeed_ms)
        down_ms = limits.descent_ms if descent_ms is None else descent_ms
        want_u = max(-down_ms, min(limits.climb_ms, du / max(dt_s, 0.5)))
        change = limits.acceleration_ms2 * dt_s
        ce, cn = want_e - self.east_ms, want_n - self.north_ms
        size = hypot(ce, cn)
        share = min(1.0, change / size) if size > 1e-9 else 1.0
        self.east_ms += ce * share
        self.north_ms += cn * share
        self.up_ms += max(-change, min(change, want_u - self.up_ms))
        self.east_m += self.east_ms * dt_s
        self.north_m += self.north_ms * dt_s
        self.up_m = max(0.0, self.up_m + self.up_ms * dt_s)
        self.travelled_m += self.ground_speed_ms * dt_s
        if yaw_deg is None and distance > 2.0 and self.ground_speed_ms > 0.5:
            yaw_deg = degrees(atan2(de, dn))
        if yaw_deg is not None:
            turn = (yaw_deg - self.yaw_deg + 180.0) % 360.0 - 180.0
            most = limits.yaw_rate_deg_s * dt_s
            self.yaw_deg = (self.yaw_deg + max(-most, min(most, turn))) % 360.0

    def drift(self, wind: tuple[float, float], dt_s: float, descent_ms: float) -> None:
        """Without a position: the wind takes it along while it comes down."""
        self.east_ms, self.north_ms, self.up_ms = wind[0] * 0.3, wind[1] * 0.3, -descent_ms
        self.east_m += self.east_ms * dt_s
        self.north_m += self.north_ms * dt_s
        self.up_m = max(0.0, self.up_m + self.up_ms * dt_s)


def wind_vector(speed_ms: float, from_deg: float) -> tuple[float, float]:
    """East and north parts of a wind that comes from `from_deg`."""
    return -speed_ms * sin(radians(from_deg)), -speed_ms * cos(radians(from_deg))


def _within_airspeed(east: float, north: float, wind: tuple[float, float], limit: float) -> tuple[float, float]:
    """The wanted velocity over ground, cut so that the airspeed stays within the limit."""
    ae, an = east - wind[0], north - wind[1]
    size = hypot(ae, an)
    if size <= limit or size < 1e-9:
        return east, north
    return wind[0] + ae / size * limit, wind[1] + an / size * limit
