"""Where the sun stands and how bright and coloured sun, sky and lamps are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, asin, atan2, cos, degrees, exp, pi, radians, sin, tau

import numpy as np

from patrol.scenes import textures
from patrol.scenes.mesh import Singles

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Conditions:
    """Time of day and weather. Hours are local solar time; rates and covers are 0 to 1 unless a unit is named."""

    hour: float = 10.0
    day_of_year: int = 172
    latitude_deg: float = 22.5
    cloud: float = 0.2
    haze_per_m: float = 0.0006
    rain: float = 0.0
    wet: float = 0.0
    infrared: bool = False
    lit_windows: float = 0.35
    head_lamps: bool | None = None  # None: on when it is dark, raining or foggy

    @property
    def sun(self) -> tuple[float, float]:
        """Azimuth (clockwise from north) and elevation of the sun, degrees."""
        return sun_position(self.hour, self.day_of_year, self.latitude_deg)

    @property
    def dark(self) -> bool:
        """Street lamps are on."""
        return self.sun[1] < 1.0


def sun_position(hour: float, day_of_year: int, latitude_deg: float) -> tuple[float, float]:
    """Azimuth clockwise from north and elevation, degrees, at local solar time (declination: Cooper 1969)."""
    declination = radians(23.44) * sin(tau * (284 + day_of_year) / 365)
    latitude, angle = radians(latitude_deg), radians(15.0 * (hour - 12.0))
    height = asin(sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(angle))
    north = (sin(declination) - sin(height) * sin(latitude)) / max(cos(height) * cos(latitude), 1e-9)
    azimuth = acos(min(max(north, -1.0), 1.0))
    return degrees(azimuth if angle < 0 else tau - azimuth) % 360.0, degrees(height)


def direction(azimuth_deg: float, elevation_deg: float) -> Vector:
    """Unit east, north, up towards a bearing and height in the sky."""
    a, e = radians(azimuth_deg), radians(elevation_deg)
    return sin(a) * cos(e), cos(a) * cos(e), sin(e)


@dataclass(frozen=True)
class Lighting:
    """Light at one moment; radiances in units where a white wall in clear noon sun is about 3."""

    to_sun: Vector
    sun_rgb: Vector
    zenith_rgb: Vector
    horizon_rgb: Vector
    bounce_rgb: Vector
    fog_per_m: float
    cloud: float
    street_lamps: float
    head_lamps: float
    wet: float
    infrared: float
    lit_windows: float

    def packed(self, time_s: float) -> Singles:
        """The vector that the shading kernels read; `time_s` moves water."""
        lit = np.zeros(textures.LIT_SIZE, np.float32)
        for place, vector in (
            (textures.SUN, self.to_sun), (textures.SUN_RGB, self.sun_rgb), (textures.ZENITH, self.zenith_rgb),
            (textures.HORIZON, self.horizon_rgb), (textures.BOUNCE, self.bounce_rgb),
        ):  # fmt: skip
            lit[place : place + 3] = vector
        lit[textures.FOG], lit[textures.CLOUD], lit[textures.LAMPS] = self.fog_per_m, self.cloud, self.street_lamps
        lit[textures.HEADS], lit[textures.WET], lit[textures.INFRARED] = self.head_lamps, self.wet, self.infrared
        lit[textures.RIPPLE], lit[textures.WINDOWS] = time_s % 1000.0, self.lit_windows
        return lit


def lighting(c: Conditions) -> Lighting:
    """The light that belongs to a time of day and weather."""
    azimuth, elevation = c.sun
    mass = 1.0 / (sin(radians(max(elevation, 0.3))) + 0.15 * (max(elevation, 0.3) + 3.885) ** -1.253)  # Kasten 1965
    cover = max(c.cloud, min(c.rain * 1.5, 1.0))
    day = _ramp(elevation, -7.0, 12.0)
    direct = 0.0 if elevation <= 0.3 else 3.4 * _ramp(elevation, 0.0, 6.0) * max(1.0 - 1.15 * cover, 0.0) ** 1.5
    sun_rgb = tuple(direct * exp(-t * mass) for t in (0.09, 0.14, 0.26))
    dusk = _ramp(elevation, -8.0, 0.0) * (1.0 - _ramp(elevation, 2.0, 14.0)) * (1.0 - cover)
    clear_zenith, clear_horizon = np.array([0.17, 0.31, 0.62]), np.array([0.62, 0.74, 0.9])
    grey = np.array([0.86, 0.9, 0.96]) * (1.0 - 0.45 * c.rain)
    zenith = (clear_zenith * (1 - cover) + grey * 0.95 * cover) * day
    horizon = (clear_horizon * (1 - cover) + grey * cover) * day * (1.0 - 0.3 * dusk)
    horizon = horizon + dusk * np.array([0.4, 0.16, 0.03])
    night = np.array([0.022, 0.020, 0.022])  # a city's sky is never black
    zenith, horizon = zenith + night * 0.6, horizon + night * np.array([1.6, 1.3, 1.0])
    ground_light = (zenith + horizon) * 0.5 + np.array(sun_rgb) * max(sin(radians(elevation)), 0.0)
    bounce = ground_light * np.array([0.17, 0.16, 0.14])
    lamps = 1.0 - _ramp(elevation, -3.0, 2.0)
    heads = float(c.dark or c.rain > 0.3 or c.haze_per_m > 0.006) if c.head_lamps is None else float(c.head_lamps)
    return Lighting(
        direction(azimuth, elevation), _vector(sun_rgb), _vector(zenith), _vector(horizon), _vector(bounce),
        c.haze_per_m + 0.004 * c.rain, cover, 0.0 if c.infrared else lamps, heads,
        max(c.wet, min(c.rain * 2.0, 1.0)), float(c.infrared), c.lit_windows * lamps,
    )  # fmt: skip


def _vector(values: object) -> Vector:
    r, g, b = np.asarray(values, float)
    return float(r), float(g), float(b)


def _ramp(x: float, low: float, high: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return 0.5 - 0.5 * cos(pi * t)


def bearing_of(vector: Vector) -> tuple[float, float]:
    """Azimuth and elevation of a direction, degrees: the inverse of `direction`."""
    return degrees(atan2(vector[0], vector[1])) % 360.0, degrees(asin(min(max(vector[2], -1.0), 1.0)))
