"""What weather, night and cheap cameras do to a picture. Pure functions: BGR uint8 ``[h, w, 3]`` in, a new one out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.labels import Floats

Image = NDArray[np.uint8]
Random = np.random.Generator


def _bytes(image: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(image, 0, 255), dtype=np.uint8)


def jitter(image: Image, random: Random) -> Image:
    """Brightness, contrast, saturation and white balance of another camera and hour."""
    gain = random.uniform(0.75, 1.25) * random.uniform(0.94, 1.06, 3)
    result = image.astype(np.float32)
    mean = float(result.mean())
    result = (result - mean) * random.uniform(0.75, 1.25) + mean
    grey = result.mean(axis=2, keepdims=True)
    result = grey + (result - grey) * random.uniform(0.4, 1.5)
    return _bytes(result * gain.astype(np.float32))


def night(image: Image, random: Random) -> Image:
    """Little light: darker, yellower or bluer, noisier."""
    value = (image.astype(np.float32) / 255.0) ** random.uniform(1.4, 2.4) * random.uniform(0.35, 0.75)
    cast = random.choice(np.array([[0.75, 0.95, 1.15], [1.15, 1.0, 0.85], [1.0, 1.0, 1.0]]))
    noise = random.normal(0, random.uniform(3, 12), image.shape).astype(np.float32)
    return _bytes(value * cast.astype(np.float32) * 255.0 + noise)


def headlights(image: Image, random: Random, vehicles: Floats) -> Image:
    """Glare of lamps, two at the foot of some of the vehicles (boxes ``[n, 4]`` in pixels) or, without any, somewhere."""
    h, w = image.shape[:2]
    glow = np.zeros((h, w), dtype=np.float32)
    boxes = vehicles[random.random(len(vehicles)) < 0.5]
    if not len(boxes):
        x, y, size = random.uniform(0, w), random.uniform(h * 0.3, h), random.uniform(20, 90)
        boxes = np.array([[x - size, y - size, x + size, y]])
    for x1, y1, x2, y2 in boxes[:12]:
        radius = max(2.0, (x2 - x1) * random.uniform(0.06, 0.16))
        for side in (0.22, 0.78):
            center = (int(x1 + (x2 - x1) * side), int(y1 + (y2 - y1) * random.uniform(0.6, 0.8)))
            cv2.circle(glow, center, int(np.ceil(radius)), 1.0, -1, cv2.LINE_AA)
    wide = cv2.GaussianBlur(glow, (0, 0), max(3.0, w * 0.015)) * 1.6
    light = np.clip(glow + wide, 0, 1)[..., None] * np.array([225, 245, 255], dtype=np.float32)
    base = image.astype(np.float32)
    return _bytes(base + light * (1 - base / 510.0))


def rain(image: Image, random: Random) -> Image:
    """Slanted streaks and a veil."""
    h, w = image.shape[:2]
    streaks = np.zeros((h, w), dtype=np.uint8)
    length, slant = random.uniform(0.02, 0.06) * h, random.uniform(-0.35, 0.35)
    for x, y in random.uniform(0, 1, (int(random.integers(150, 700)), 2)) * (w, h):
        cv2.line(
            streaks,
            (int(x), int(y)),
            (int(x + slant * length), int(y + length)),
            int(random.integers(90, 220)),
            1,
            cv2.LINE_AA,
        )
    soft = cv2.GaussianBlur(streaks, (0, 0), random.uniform(0.5, 1.1)).astype(np.float32)[..., None]
    veil = random.uniform(0.05, 0.25)
    return _bytes(
        image.astype(np.float32) * (1 - veil) + veil * random.uniform(110, 170) + soft * random.uniform(0.25, 0.6)
    )


def fog(image: Image, random: Random) -> Image:
    """A pale veil, thicker towards the top, where the scene is farther away."""
    thickness = np.linspace(random.uniform(0.25, 0.7), random.uniform(0.0, 0.25), image.shape[0], dtype=np.float32)[
        :, None, None
    ]
    return _bytes(image.astype(np.float32) * (1 - thickness) + thickness * random.uniform(150, 220))


def infrared(image: Image, random: Random) -> Image:
    """The night picture of a camera with infrared lamps: grey, bright in the middle, noisy."""
    h, w = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    distance = np.hypot((x - w * random.uniform(0.3, 0.7)) / w, (y - h * random.uniform(0.4, 0.8)) / h)
    grey = grey * (random.uniform(0.9, 1.3) - distance * random.uniform(0.2, 1.0))
    grey += random.normal(0, random.uniform(2, 10), grey.shape).astype(np.float32)
    return np.repeat(_bytes(grey)[..., None], 3, axis=2)


def blur(image: Image, random: Random) -> Image:
    """Out of focus, or moved while exposed."""
    if random.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.6, 1.8)), dtype=np.uint8)
    size = int(random.integers(3, 10))
    kernel = np.zeros((size, size), dtype=np.float32)
    angle = random.uniform(0, np.pi)
    reach = (size - 1) / 2
    start = (round(reach - np.cos(angle) * reach), round(reach - np.sin(angle) * reach))
    end = (round(reach + np.cos(angle) * reach), round(reach + np.sin(angle) * reach))
    cv2.line(kernel, start, end, 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)


def jpeg(image: Image, random: Random) -> Image:
    """The blocks of a low bit rate."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(18, 70))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def coarse(image: Image, random: Random) -> Image:
    """A sub-stream blown up: detail lost."""
    h, w = image.shape[:2]
    factor = random.uniform(0.4, 0.8)
    small = cv2.resize(image, (max(1, int(w * factor)), max(1, int(h * factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def noise(image: Image, random: Random) -> Image:
    """Sensor noise."""
    return _bytes(image.astype(np.float32) + random.normal(0, random.uniform(2, 14), image.shape).astype(np.float32))


EFFECTS: dict[str, Callable[[Image, Random], Image]] = {
    "jitter": jitter,
    "fog": fog,
    "rain": rain,
    "night": night,
    "infrared": infrared,
    "blur": blur,
    "coarse": coarse,
    "noise": noise,
    "jpeg": jpeg,
}


def apply(image: Image, random: Random, chances: Mapping[str, float], vehicles: Floats) -> Image:
    """The effects drawn with the given chances (name → 0..1), in the order in which light, lens and coder act.

    vehicles: boxes ``[n, 4]`` in pixels, which may carry headlights (name ``headlights``; at night twice as likely).
    Raises KeyError on an unknown effect.
    """
    unknown = set(chances) - set(EFFECTS) - {"headlights"}
    if unknown:
        raise KeyError(f"unknown effects: {sorted(unknown)}")
    for name, effect in EFFECTS.items():
        drawn = random.random() < chances.get(name, 0.0)
        if drawn:
            image = effect(image, random)
        if name == "night" and random.random() < chances.get("headlights", 0.0) * (2.0 if drawn else 1.0):
            image = headlights(image, random, vehicles)
    return image
