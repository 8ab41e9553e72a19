"""What differs between two pictures of a roof although nothing was built: light, shadow, season, wetness, what people leave about.

Each function takes a picture BGR float32 ``[h, w, 3]``, 0..255, at 13 cm a pixel, and gives a new one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.augment import Random
from models.recipes.labels import Floats
from models.recipes.roofs.structures import grain
from models.recipes.roofs.tiles import METRES_PER_PX

Picture = NDArray[np.float32]
Cover = NDArray[np.float32]
SUBPIXEL = 16  # polygons are filled to a sixteenth of a pixel
LUMA = np.array([0.114, 0.587, 0.299], dtype=np.float32)


def px(metres: float) -> float:
    """Pixels of a length."""
    return metres / METRES_PER_PX


def filled(outline: Floats, height: int, width: int) -> Cover:
    """Cover ``[h, w]`` 0..1 of a polygon ``[n, 2]``, its edge smooth."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * SUBPIXEL).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(mask / np.float32(255), dtype=np.float32)


def blend(image: Picture, colour: Picture | Floats, cover: Cover) -> Picture:
    """``colour`` over ``image`` where ``cover`` says."""
    share = cover[..., None]
    return np.asarray(image * (1 - share) + np.asarray(colour, dtype=np.float32) * share, dtype=np.float32)


def soft(mask: Cover, sigma: float) -> Cover:
    """Blurred."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.3, sigma)), dtype=np.float32)


def shade(image: Picture, shadow: Cover, strength: float) -> Picture:
    """A cast shadow: ``strength`` of the light is gone, of the blue least, for the sky still lights it."""
    loss = np.array([0.88, 0.97, 1.0], dtype=np.float32) * strength
    return np.asarray(image * (1 - shadow[..., None] * loss), dtype=np.float32)


def exposure(image: Picture, random: Random) -> Picture:
    """Another hour, camera and white balance: gamma, contrast, saturation, colour cast; the camera holds the mean within bounds."""
    result = 255 * np.clip(image / 255, 0, 1) ** np.float32(np.exp(random.normal(0, 0.18)))
    grey = (result @ LUMA)[..., None]
    result = grey + (result - grey) * np.clip(np.exp(random.normal(-0.05, 0.3)), 0.2, 1.8)
    mean = float(result.mean()) + 1
    wanted = float(np.clip(mean * np.exp(random.normal(0, 0.2)), 60, 160))
    contrast = np.exp(random.normal(0, 0.15))
    return np.asarray(
        ((result / mean - 1) * contrast + 1) * wanted * np.exp(random.normal(0, 0.05, 3)), dtype=np.float32
    )


def overcast(image: Picture, random: Random) -> Picture:
    """No sun: what lies in shade comes up to nearly the rest, colours are cooler and duller."""
    luma = soft(np.asarray(image @ LUMA, np.float32), 2)
    level = float(np.percentile(luma, 60))
    dark = np.clip((level * 0.75 - luma) / (level * 0.5 + 1), 0, 1)
    lifted = image * (1 + dark[..., None] * random.uniform(0.3, 0.9))
    grey = (lifted @ LUMA)[..., None]
    return np.asarray(
        (grey + (lifted - grey) * random.uniform(0.6, 0.9)) * np.array([1.06, 1.0, 0.95], np.float32), dtype=np.float32
    )


def clouds(image: Picture, random: Random) -> Picture:
    """Uneven light: the edge of a cloud's shadow, or haze thicker on one side."""
    h, w = image.shape[:2]
    field = np.clip(1 + grain(random, h, w, max(h, w) / 2, random.uniform(0.05, 0.2)), 0.55, 1.35)
    haze = random.uniform(0, 0.2)
    return np.asarray(image * field[..., None] * (1 - haze) + haze * random.uniform(150, 220), dtype=np.float32)


def season(image: Picture, random: Random) -> Picture:
    """Green turns brown, brown turns green, and lighter or darker."""
    total = image.sum(axis=2) + 1
    green = np.clip((2 * image[..., 1] - image[..., 0] - image[..., 2]) / total * 6 - 0.1, 0, 1)
    cover = soft(green.astype(np.float32), 1.0)
    tint = np.array(random.choice([[60, 110, 140], [40, 120, 90], [90, 120, 130], [50, 95, 60]]), np.float32)
    luma = (image @ LUMA)[..., None] / 90
    return blend(
        image, tint * luma * random.uniform(0.7, 1.2), np.asarray(cover * random.uniform(0.4, 1.0), np.float32)
    )


def snow(image: Picture, random: Random) -> Picture:
    """Snow that lies in places or everywhere, its surface nearly without texture; shade on it is blue."""
    h, w = image.shape[:2]
    field = grain(random, h, w, random.uniform(12, 60), 1.0) + grain(random, h, w, 5, 0.25)
    cover = soft(np.clip((field + random.uniform(-0.8, 1.0)) * 3, 0, 1), 0.8) * random.uniform(0.6, 0.92)
    luma = soft(np.asarray(image @ LUMA, np.float32), 1.0)
    light = np.clip(0.62 + 0.38 * luma / (np.percentile(luma, 70) + 1), 0.5, 1.0)[..., None]
    white = np.array([236, 228, 222], np.float32) * light + grain(random, h, w, 6, 3)[..., None]
    return blend(image, white.astype(np.float32), np.asarray(cover, np.float32))


def wet(image: Picture, random: Random) -> Picture:
    """Rain has fallen: surfaces darker in blotches, and puddles that mirror the sky or are dark."""
    h, w = image.shape[:2]
    damp = np.clip(grain(random, h, w, random.uniform(10, 50), 0.6) + random.uniform(0.2, 1.0), 0, 1)
    result = image * (1 - damp[..., None] * random.uniform(0.15, 0.5))
    field = grain(random, h, w, random.uniform(10, 30), 1.0) - random.uniform(0.7, 1.5)
    puddle = soft(np.clip(field * 8, 0, 1), 0.7) * random.uniform(0.4, 0.85)
    tone = np.array([1.1, 1.03, 0.97], np.float32) * random.uniform(40, 190)
    return blend(np.asarray(result, np.float32), tone, np.asarray(puddle, np.float32))


def shadows(image: Picture, random: Random, outlines: Sequence[Floats], reach: Floats) -> Picture:
    """Shadows that fell elsewhere: of the buildings around (``outlines``), or of something outside of the picture.

    reach: ``[2]``, pixels of shadow per metre of height. A shadow of an outline leaves the outline's own roof lit.
    """
    h, w = image.shape[:2]
    cover = np.zeros((h, w), np.float32)
    for outline in outlines:
        if random.random() < 0.5:
            continue
        fallen = swept(outline, reach * random.uniform(1.0, 9.0), h, w)
        cover = np.maximum(cover, fallen * (1 - filled(outline, h, w)))
    for _ in range(int(random.integers(0, 3))):
        cover = np.maximum(cover, filled(_block(random, h, w), h, w))
    for _ in range(int(random.integers(0, 3))):  # wires and poles
        ends = random.uniform(0, max(h, w), (2, 2))
        thin = np.zeros((h, w), np.uint8)
        ends_px = (ends * SUBPIXEL).astype(int).tolist()
        cv2.line(thin, ends_px[0], ends_px[1], 255, int(random.integers(1, 3)), cv2.LINE_AA, 4)
        cover = np.maximum(cover, thin.astype(np.float32) / 255 * 0.7)
    return shade(image, soft(cover, random.uniform(0.5, 1.6)), random.uniform(0.25, 0.7))


def _block(random: Random, h: int, w: int) -> Floats:
    """A corner of a rectangle that covers a side or a part of the picture."""
    size = random.uniform(0.1, 0.7, 2) * np.array([w, h])
    angle, middle = random.uniform(0, np.pi), random.uniform(0, 1, 2) * np.array([w, h])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2
    return np.asarray(corners @ turn.T + middle)


def swept(outline: Floats, along: Floats, height: int, width: int) -> Cover:
    """Cover of what a polygon passes over while it moves by ``along`` ``[2]`` pixels: each edge sweeps a parallelogram."""
    mask = np.zeros((height, width), np.uint8)
    sides = [
        np.array([first, second, second + along, first + along])
        for first, second in zip(outline, np.roll(outline, -1, axis=0), strict=True)
    ]
    for part in [outline, outline + along, *sides]:  # one by one: together they would be filled by turns
        cv2.fillPoly(mask, [np.round(part * SUBPIXEL).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(mask / np.float32(255), dtype=np.float32)


def parapets(image: Picture, random: Random, outlines: Sequence[Floats], reach: Floats) -> Picture:
    """The shade of low walls along the edges of roofs: the edge moved by the sun, kept inside the roof."""
    h, w = image.shape[:2]
    cover = np.zeros((h, w), np.float32)
    for outline in outlines:
        inside = filled(outline, h, w)
        cover = np.maximum(cover, inside * (1 - filled(outline + reach * random.uniform(0.4, 1.2), h, w)))
    return shade(image, soft(cover, 0.6), random.uniform(0.2, 0.6))


def laundry(image: Picture, random: Random, reach: Floats) -> Picture:
    """Cloths on lines: rows of small rectangles of any colour, each with a little shade."""
    h, w = image.shape[:2]
    for _ in range(int(random.integers(1, 4))):
        at, angle = random.uniform(0, 1, 2) * np.array([w, h]), random.uniform(0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        for _ in range(int(random.integers(2, 9))):
            size = np.array([random.uniform(0.35, 1.5), random.uniform(0.1, 0.9)])
            image = _small(image, random, at, px(1) * size, angle, reach * random.uniform(0.3, 1.2))
            at = at + along * (px(float(size[0])) + random.uniform(0.5, 3))
    return image


def clutter(image: Picture, random: Random, reach: Floats) -> Picture:
    """Things that come and go and are smaller than any structure: pots, buckets, chairs, people, mats, tanks, heaters."""
    h, w = image.shape[:2]
    for _ in range(int(random.integers(2, 12))):
        at = random.uniform(0, 1, 2) * np.array([w, h])
        if random.random() < 0.45:
            image = _round(image, random, at, px(random.uniform(0.15, 0.8)), reach * random.uniform(0.2, 1.5))
        else:
            size = px(1) * random.uniform(0.2, 1.1, 2) * random.choice([1.0, 1.0, 1.7])
            image = _small(image, random, at, size, random.uniform(0, np.pi), reach * random.uniform(0.0, 1.2))
    return image


def _hue(random: Random) -> Floats:
    strong = random.uniform(20, 245, 3)
    return np.asarray(
        strong if random.random() < 0.5 else np.full(3, random.uniform(25, 240)) + random.normal(0, 10, 3)
    )


def _small(image: Picture, random: Random, at: Floats, size: Floats, angle: float, fallen: Floats) -> Picture:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2) @ turn.T + at
    return _stood(image, random, [outline], fallen)


def _round(image: Picture, random: Random, at: Floats, radius: float, fallen: Floats) -> Picture:
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    outline = at + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    inner = (
        [at + (outline - at) * random.uniform(0.3, 0.7)] if random.random() < 0.5 else []
    )  # a lid, or what grows in it
    return _stood(image, random, [outline, *inner], fallen)


def _stood(image: Picture, random: Random, outlines: Sequence[Floats], fallen: Floats) -> Picture:
    """Each outline in a colour of its own, over the shadow of the first; only the pixels around them are touched."""
    h, w = image.shape[:2]
    reached = np.concatenate([outlines[0], outlines[0] + fallen])
    low = np.clip(np.floor(reached.min(axis=0)).astype(int) - 3, 0, [w, h])
    high = np.clip(np.ceil(reached.max(axis=0)).astype(int) + 4, 0, [w, h])
    if (high - low).min() < 2:
        return image
    part = image[low[1] : high[1], low[0] : high[0]]
    size = part.shape[:2]
    part = shade(part, soft(filled(outlines[0] + fallen - low, *size), 0.5), random.uniform(0.2, 0.6))
    for outline in outlines:
        part = blend(part, _hue(random), filled(outline - low, *size))
    result = image.copy()
    result[low[1] : high[1], low[0] : high[0]] = part
    return result
