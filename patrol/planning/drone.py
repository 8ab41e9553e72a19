"""What a drone can do: speeds, power, battery; and the wind it does it in. SI units.

Power of a multirotor in steady flight follows momentum theory (Glauert 1935; Leishman, Principles of
Helicopter Aerodynamics, 2006, chapters 2 and 5): the induced velocity v of the rotors solves
v * sqrt(V**2 + v**2) = v_h**2 with v_h the induced velocity in hover and V the airspeed; to it come
the power of drag and of climbing. A descent gives nothing back: it is counted as hover.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, inf, radians, sin, sqrt
from typing import Literal

from patrol.geo import Lens

GRAVITY_MS2 = 9.80665
SEA_LEVEL_DENSITY = 1.225  # kg/m3, international standard atmosphere
Autopilot = Literal["ardupilot", "px4", "dji"]


@dataclass(frozen=True)
class Wind:
    """A steady wind. `from_deg` is where it comes from, clockwise from true north."""

    speed_ms: float = 0.0
    from_deg: float = 0.0

    @property
    def east_ms(self) -> float:
        """How fast the air moves east."""
        return -self.speed_ms * sin(radians(self.from_deg))

    @property
    def north_ms(self) -> float:
        """How fast the air moves north."""
        return -self.speed_ms * cos(radians(self.from_deg))


CALM = Wind()


def air_density(height_amsl_m: float, temperature_c: float | None = None) -> float:
    """Density of dry air in kg/m3: barometric formula of the standard atmosphere, ideal gas law."""
    standard_k = 288.15 - 0.0065 * height_amsl_m
    pressure_pa: float = 101325.0 * (standard_k / 288.15) ** 5.25588
    kelvin = standard_k if temperature_c is None else temperature_c + 273.15
    return pressure_pa / (287.053 * kelvin)


@dataclass(frozen=True)
class SurveyCamera:
    """The camera under the drone. `interval_s` is the shortest time between two photographs."""

    lens: Lens
    interval_s: float = 0.7
    exposure_s: float = 1 / 1000
    name: str = "camera"
    sensor_width_mm: float = 0.0  # for the files of other programs; geometry needs only the lens
    focal_mm: float = 0.0

    def footprint_m(self, height_m: float) -> tuple[float, float]:
        """Width across and depth along the flight on flat ground, straight down from `height_m`."""
        return self.lens.width_px * height_m / self.lens.fx_px, self.lens.height_px * height_m / self.lens.fy_px

    def height_for_gsd(self, gsd_m: float) -> float:
        """Height above ground at which a pixel covers `gsd_m`."""
        return gsd_m * self.lens.fx_px

    def gsd_m(self, height_m: float) -> float:
        """Metres on the ground a pixel, straight down."""
        return height_m / self.lens.fx_px


@dataclass(frozen=True)
class Drone:
    """Everything the planner knows of an aircraft.

    Speeds over ground unless named air. `battery_wh` is what a full battery gives; `reserve` the share
    that must be left after landing. `efficiency` is the share of electrical power that reaches the air
    as ideal hover power: calibrate it with one measured hover.
    """

    id: str
    camera: SurveyCamera
    autopilot: Autopilot = "ardupilot"
    cruise_ms: float = 10.0
    max_airspeed_ms: float = 16.0
    max_wind_ms: float = 10.0
    acceleration_ms2: float = 2.5
    climb_ms: float = 2.5
    descent_ms: float = 1.5
    yaw_rate_deg_s: float = 60.0
    mass_kg: float = 3.0
    payload_kg: float = 0.0
    disk_area_m2: float = 0.45
    drag_area_m2: float = 0.04
    efficiency: float = 0.55
    avionics_w: float = 12.0
    battery_wh: float = 180.0
    reserve: float = 0.25
    rtl_altitude_m: float = 60.0

    @property
    def usable_wh(self) -> float:
        """Energy a flight may use."""
        return self.battery_wh * (1.0 - self.reserve)

    def power_w(self, airspeed_ms: float, climb_ms: float = 0.0, density: float = SEA_LEVEL_DENSITY) -> float:
        """Electrical power at this airspeed and rate of climb (down is negative and gives nothing back)."""
        weight_n = (self.mass_kg + self.payload_kg) * GRAVITY_MS2
        hover_sq = weight_n / (2.0 * density * self.disk_area_m2)
        v_sq = airspeed_ms * airspeed_ms
        induced_ms = sqrt((sqrt(v_sq * v_sq + 4.0 * hover_sq * hover_sq) - v_sq) / 2.0)
        if climb_ms < 0.0:
            induced_ms = sqrt(hover_sq)
        drag_w = 0.5 * density * self.drag_area_m2 * v_sq * airspeed_ms
        return (weight_n * (induced_ms + max(climb_ms, 0.0)) + drag_w) / self.efficiency + self.avionics_w


def ground_speed(
    wanted_ms: float, east: float, north: float, wind: Wind, max_airspeed_ms: float
) -> tuple[float, float]:
    """Speed over ground and airspeed along the unit direction (east, north).

    The autopilot holds `wanted_ms` over ground and crabs into the wind; where that would need more
    airspeed than the drone has, the ground speed drops. (0, inf) when it cannot hold the line at all.
    """
    along = wind.east_ms * east + wind.north_ms * north
    across = wind.east_ms * north - wind.north_ms * east
    if abs(across) >= max_airspeed_ms:
        return 0.0, inf
    reach_ms = along + sqrt(max_airspeed_ms * max_airspeed_ms - across * across)
    speed_ms = min(wanted_ms, reach_ms)
    if speed_ms <= 0.0:
        return 0.0, inf
    return speed_ms, hypot(speed_ms - along, across)
