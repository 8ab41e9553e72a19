"""What surfaces are made of. The numbers are what the shading kernel switches on.

Colours everywhere in this package are linear reflectances between 0 and 1, red green blue; `srgb` turns the
familiar 0-255 display values into them.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]


class Material(IntEnum):
    """One per way of shading. `param` of a triangle is (seed, detail), whose meaning is named here."""

    PLAIN = 0
    ASPHALT = 1
    PAINT = 2  # on roads; detail: wear 0 to 1
    PAVING = 3
    GRASS = 4
    FACADE = 5  # u, v in metres along and up the wall; seed picks the pattern; detail: storey height in metres
    TILES = 6  # small wall tiles or bricks, u, v in metres
    CONCRETE = 7
    TIN = 8  # corrugated, ribs along v
    CAR_PAINT = 9
    GLASS = 10
    STREET_LAMP = 11  # shines when street lamps are on
    HEAD_LAMP = 12  # shines when head lamps are on
    TAIL_LAMP = 13  # the same; detail 1: braking
    LEAF = 14
    WATER = 15  # detail: muddiness 0 to 1
    CLOTH = 16
    METAL = 17
    SHOPFRONT = 18  # u, v in metres; lit at night
    SOIL = 19


def srgb(red: float, green: float, blue: float) -> Colour:
    """Display values 0-255 to linear reflectance (IEC 61966-2-1)."""
    values = np.array([red, green, blue]) / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])


def varied(rng: np.random.Generator, colour: Colour, spread: float = 0.15) -> Colour:
    """`colour` made a little lighter or darker, and a little off in hue."""
    base = np.asarray(colour) * np.exp(rng.normal(0.0, spread)) * np.exp(rng.normal(0.0, spread / 4, 3))
    r, g, b = np.clip(base, 0.002, 0.95)
    return float(r), float(g), float(b)


def noise_tile(size: int = 512) -> NDArray[np.float32]:
    """(size, size) smooth noise of all scales, tileable, mean 0.5, within 0 to 1. The same in every process."""
    rng = np.random.default_rng(20240607)
    spectrum = np.fft.rfft2(rng.normal(size=(size, size)))
    fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None, :] * size
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1.0
    spectrum *= np.where(radius < 6, 0.0, radius**-0.9)
    field = np.fft.irfft2(spectrum, s=(size, size))
    field = (field - field.mean()) / field.std()
    return np.asarray(np.clip(0.5 + 0.2 * field, 0.0, 1.0), np.float32)
