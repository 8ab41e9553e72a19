"""From light to the bytes a street camera delivers: exposure, glare, rain, blur, noise, tone, compression. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.scenes.compiled import kernel
from patrol.scenes.mesh import Singles

Image = NDArray[np.uint8]
NOISE_AT_MOST = 2.2  # times the noise by day: cameras average over frames when they amplify
GAIN_AT_MOST = 14.0  # a street camera's amplifier ends somewhere: nights stay dark


@dataclass(frozen=True)
class Sensor:
    """How good the camera is. Noise: standard deviations at gain 1, in units of white."""

    shot_noise: float = 0.008
    read_noise: float = 0.002
    blur_px: float = 0.55
    saturation: float = 0.95
    vignette: float = 0.15
    bias: float = 1.0
    warmth: float = 0.0
    jpeg_quality: int | None = None


GOOD = Sensor(shot_noise=0.004, read_noise=0.001)  # a new camera of today


@cache
def _normals() -> Singles:
    return np.random.default_rng(77).normal(size=(1024, 1024)).astype(np.float32)


@cache
def _tone() -> NDArray[np.uint8]:
    """Linear light (square-root spaced from 0 to 8) to display bytes: sRGB with a soft shoulder."""
    x = (np.arange(4096) / 4095.0) ** 2 * 8.0
    knee = 0.55
    x = np.where(x < knee, x, knee + (1 - knee) * (1 - np.exp(-(x - knee) / (1 - knee) * 0.8)))
    y = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    y = 0.6 * y + 0.4 * y * y * (3 - 2 * y)  # the contrast that cameras add
    return np.asarray(np.clip(np.rint(y * 255), 0, 255), np.uint8)


@kernel
def _develop(
    light: Singles, out: Image, gain: float, mono: bool, saturation: float, warmth: float, vignette: float, shot: float, read: float,
    normals: Singles, shift: NDArray[np.int64], tone: Image,
) -> None:  # fmt: skip
    height, width = light.shape[0], light.shape[1]
    for y in range(height):
        dy = (y - height / 2) / height
        for x in range(width):
            dx = (x - width / 2) / width
            k = gain * (1.0 - vignette * 2.0 * (dx * dx + dy * dy))
            r, g, b = light[y, x, 0] * k, light[y, x, 1] * k, light[y, x, 2] * k
            grey = 0.25 * r + 0.6 * g + 0.15 * b
            if mono:
                r = g = b = grey
            else:
                r = (grey + (r - grey) * saturation) * (1.0 + warmth)
                g = grey + (g - grey) * saturation
                b = (grey + (b - grey) * saturation) * (1.0 - warmth)
            a = normals[(y + shift[0]) & 1023, (x + shift[1]) & 1023]
            spread = shot * max(grey, 0.0) ** 0.5 + read
            r, g, b = r + a * spread, g + a * spread, b + a * spread
            if not mono:
                r += 0.6 * spread * normals[(y + shift[2]) & 1023, (x + shift[3]) & 1023]
                b += 0.8 * spread * normals[(y + shift[4]) & 1023, (x + shift[5]) & 1023]
            out[y, x, 0] = tone[int(min(max(r, 0.0) / 8.0, 1.0) ** 0.5 * 4095.0)]
            out[y, x, 1] = tone[int(min(max(g, 0.0) / 8.0, 1.0) ** 0.5 * 4095.0)]
            out[y, x, 2] = tone[int(min(max(b, 0.0) / 8.0, 1.0) ** 0.5 * 4095.0)]


def exposure(light: Singles, *, dark: bool) -> float:
    """The gain that a camera's automatic settles on for this picture: the mean, highlights capped, comes out mid grey."""
    small = cv2.resize(light, (160, 90), interpolation=cv2.INTER_AREA)
    grey = small @ np.array([0.25, 0.6, 0.15], np.float32)
    mean = float(np.minimum(grey, np.quantile(grey, 0.9)).mean())
    return float(np.clip((0.1 if dark else 0.2) / max(mean, 1e-4), 0.05, GAIN_AT_MOST))


def rain_streaks(height: int, width: int, rain: float, rng: np.random.Generator) -> Singles:
    """(h, w) share of light that falling drops add, 0 to 1."""
    canvas = np.zeros((height, width), np.uint8)
    slant = float(rng.normal(0.0, 0.02)) + 0.12
    count = int(900 * rain * (height * width) / (720 * 1280))
    size = rng.exponential(0.35, count) + 0.15
    x, y = rng.uniform(-20, width + 20, count), rng.uniform(-60, height, count)
    reach = size * height * 0.09
    for k in range(count):
        start = (int(x[k] * 8), int(y[k] * 8))
        end = (int((x[k] + reach[k] * slant) * 8), int((y[k] + reach[k]) * 8))
        cv2.line(canvas, start, end, int(min(40 + 70 * size[k], 160)), 1 if size[k] < 0.8 else 2, cv2.LINE_AA, 3)
    return np.asarray(cv2.GaussianBlur(canvas, (3, 3), 0.7), np.float32) / np.float32(255.0)


def develop(
    light: Singles, sensor: Sensor, rng: np.random.Generator, *, gain: float, infrared: bool = False, rain: float = 0.0, drops_rgb: tuple[float, float, float] = (0.5, 0.5, 0.5)
) -> Image:  # fmt: skip
    """(h, w, 3) linear light to RGB bytes."""
    gain *= sensor.bias
    height, width = light.shape[:2]
    if rain > 0.02:
        streak = rain_streaks(height, width, rain, rng)[..., None] * np.float32(0.8)
        light = light * (1 - 0.5 * streak) + streak * (np.asarray(drops_rgb, np.float32) + 0.02)
    if gain > 3.0:  # lamps glare in the dark
        bright = cv2.resize(
            np.maximum(light * np.float32(gain) - 1.2, 0), (width // 4, height // 4), interpolation=cv2.INTER_AREA
        )
        bright = np.minimum(bright, 30.0).astype(np.float32)
        halo = cv2.GaussianBlur(bright, (0, 0), 2.5) * 0.18 + cv2.GaussianBlur(bright, (0, 0), 12.0) * 0.06
        light = light + cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR) / np.float32(gain)
    if sensor.blur_px > 0.2:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), sensor.blur_px), np.float32)
    out = np.empty((height, width, 3), np.uint8)
    amplified = min(max(gain, 1.0) ** 0.5, NOISE_AT_MOST)
    _develop(
        np.ascontiguousarray(light, np.float32), out, gain, infrared, sensor.saturation, sensor.warmth, sensor.vignette,
        sensor.shot_noise * amplified, sensor.read_noise * amplified * amplified**0.5, _normals(), rng.integers(0, 1024, 6), _tone(),
    )  # fmt: skip
    if sensor.jpeg_quality is None:
        return out
    _, packed = cv2.imencode(".jpg", out[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality])
    decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded, np.uint8)[..., ::-1])
