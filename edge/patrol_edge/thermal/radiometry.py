"""What a thermal camera's reading means: raw counts to degrees, and corrections for surface and air. Pure.

A camera reports the temperature that a black body beside its lens would need to shine as brightly. A real surface shines
less (emissivity), mirrors its surroundings (reflected temperature), and the air between weakens it and adds its own glow:

    W_measured = tau * eps * W(object) + tau * (1 - eps) * W(reflected) + (1 - tau) * W(air)

with W(T) = 1 / (exp(B / T) - 1), Planck's law at the effective wavelength of a long-wave camera (B = 1430 K is 10 um).
The air's transmission tau follows the model that thermal cameras use (Minkina and Dudzik, Infrared Thermography, 2009,
chapter 2: two exponentials in the square root of the distance, with water vapour from humidity and air temperature).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

Celsius = NDArray[np.float32]  # (height, width); NaN where there is no reading

ZERO_C_IN_K = 273.15
PLANCK_B_K = 1430.0
LOWEST_C = -80.0  # nothing on the ground is colder; decoders write such values where they know nothing
HIGHEST_C = 3000.0
# the constants of the transmission model
_X, _ALPHA, _BETA = 1.9, (0.006569, 0.01262), (-0.002276, -0.00667)
_VAPOUR = (1.5587, 6.939e-2, -2.7816e-4, 6.8455e-7)


@dataclass(frozen=True)
class Surface:
    """How the watched surfaces shine and what lies between. None: what the file says, else a black body at hand."""

    emissivity: float | None = None
    range_m: float | None = None
    reflected_c: float | None = None
    air_c: float | None = None
    humidity: float | None = None

    @property
    def is_ideal(self) -> bool:
        """Whether there is nothing to correct."""
        return (self.emissivity is None or self.emissivity >= 1) and not self.range_m


def from_counts(counts: NDArray[np.uint16], gain_c: float, offset_c: float) -> Celsius:
    """(h, w) raw counts to degrees: count x gain + offset. Centikelvin, the usual form, is 0.01 and -273.15."""
    return (counts.astype(np.float32) * np.float32(gain_c) + np.float32(offset_c)).astype(np.float32)


def transmission(range_m: float, air_c: float, humidity: float) -> float:
    """Share of the radiation that arrives through `range_m` of air; humidity 0 to 1."""
    vapour = humidity * exp(sum(k * air_c**n for n, k in enumerate(_VAPOUR)))
    root = sqrt(max(range_m, 0.0))
    first, second = (exp(-root * (a + b * sqrt(vapour))) for a, b in zip(_ALPHA, _BETA, strict=True))
    return min(1.0, max(0.05, _X * first + (1 - _X) * second))


def corrected(apparent: Celsius, surface: Surface) -> Celsius:
    """(h, w) apparent temperatures to those of the surfaces; NaN where the reading is less than the reflection alone."""
    if surface.is_ideal:
        return apparent
    emissivity = 1.0 if surface.emissivity is None else surface.emissivity
    air_c = 20.0 if surface.air_c is None else surface.air_c
    reflected_c = air_c if surface.reflected_c is None else surface.reflected_c
    tau = transmission(surface.range_m or 0.0, air_c, 0.5 if surface.humidity is None else surface.humidity)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        measured = glow(apparent.astype(np.float64))
        own = (measured - tau * (1 - emissivity) * glow(reflected_c) - (1 - tau) * glow(air_c)) / (tau * emissivity)
        return celsius_of(np.where(own > 0, own, np.nan))


def glow(celsius: NDArray[np.float64] | Celsius | float) -> NDArray[np.float64]:
    """Brightness of a black body in the camera's band, in arbitrary units: what adds up where several share one pixel."""
    return np.asarray(1 / np.expm1(PLANCK_B_K / (np.asarray(celsius, np.float64) + ZERO_C_IN_K)), np.float64)


def celsius_of(brightness: NDArray[np.float64] | NDArray[np.float32]) -> Celsius:
    """The temperature of a black body that glows so: `glow` the other way round."""
    return np.asarray(PLANCK_B_K / np.log1p(1 / brightness) - ZERO_C_IN_K, np.float32)


def cleaned(celsius: Celsius) -> Celsius:
    """The array with NaN for what no camera can have read: infinities, and values that only mean 'nothing known'."""
    with np.errstate(invalid="ignore"):
        plausible = np.isfinite(celsius) & (celsius > LOWEST_C) & (celsius < HIGHEST_C)
    return celsius if plausible.all() else np.where(plausible, celsius, np.float32("nan")).astype(np.float32)
