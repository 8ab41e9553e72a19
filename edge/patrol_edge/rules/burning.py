"""Does what a network calls fire or smoke behave like it? Pixels of the last few looks at one place. Pure.

A flame glows, and its outline never comes back: while some of its pixels go out, others light up, so neither a lamp
(nothing changes), nor a blinking one (all of it goes on and off together), nor two lamps in turn (the same two outlines
again and again) pass for it, nor a tail light that drives by (its outline travels, and stays the same). Smoke keeps the whole of its region
changing: a car or a person changes a pixel for a moment, and grey asphalt, a wall or a cloud changes nothing.

Everything is judged on working pictures of at most `WORKING_PX`, which bounds cost and memory whatever the camera sends.
The direction of motion is not used: at a few looks a second turbulence is faster than any flow that can be followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol_edge.frame import Image

WORKING_PX = 320  # the longer side of a working picture
RED_AT_LEAST, RED_OVER_BLUE = 190, 50  # a flame's red is near the top of the scale, its blue well below
ORDER_SLACK = (5, 10)  # by how much green may exceed red, and blue green: sensors and codecs are not exact
LEAST_GLOW_PX = 6.0  # mean size of the glow: what is smaller is a few noisy pixels
LEAST_FLICKER = 0.08  # of the glow swapped per look: real flames 0.11 to 0.39, everything else up to 0.07
MOST_REPEAT = 0.85  # overlap with the most similar other look: real flames up to 0.76, lamps and signs 0.9 and more
MOST_TRAVEL = 0.5  # of the region's longer side
LEAST_CHANGING = 0.3  # of the region never at rest: real smoke 0.58 to 0.83, people and traffic up to 0.19
LEAST_STEP, NOISE_STEPS = 3.0, 4.0  # grey values, and times the picture's own median change (noise, exposure)
APART = 2  # smoke is compared over two looks: half a second shows what one look hides

Mask = NDArray[np.bool_]
Region = tuple[int, int, int, int]  # x0, y0, x1, y1 of a working picture; x1 and y1 exclusive


@dataclass(frozen=True)
class FlameSigns:
    """What the glow of a region does. Shares of its mean size; `growth`: its size at the end over that at the start."""

    glow_px: float
    flicker: float
    repeat: float
    travel: float
    growth: float

    @property
    def burns(self) -> bool:
        """Whether it behaves like a flame."""
        return (
            self.glow_px >= LEAST_GLOW_PX
            and self.flicker >= LEAST_FLICKER
            and self.repeat <= MOST_REPEAT
            and self.travel <= MOST_TRAVEL
        )


def working_picture(image: Image) -> Image:
    """The picture with its longer side at `WORKING_PX`; smaller ones as they are."""
    scale = min(1.0, WORKING_PX / max(image.shape[:2]))
    if scale == 1.0:
        return image.copy()
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def glow(image: Image) -> Mask:
    """(h, w) of the pixels that have a flame's colour and brightness."""
    blue, green, red = (image[..., n].astype(np.int16) for n in range(3))
    ordered = (red >= green - ORDER_SLACK[0]) & (green >= blue - ORDER_SLACK[1])
    return np.asarray((red >= RED_AT_LEAST) & ordered & (red - blue >= RED_OVER_BLUE), bool)


def flame_signs(looks: Sequence[Image], region: Region, allowed: Mask) -> FlameSigns:
    """What the glow in `region` did over `looks` (working pictures, oldest first). `allowed`: pixels that count."""
    x0, y0, x1, y1 = region
    masks = np.array([glow(look[y0:y1, x0:x1]) & allowed[y0:y1, x0:x1] for look in looks])
    sizes = masks.sum(axis=(1, 2)).astype(float)
    mean = float(sizes.mean())
    if mean < LEAST_GLOW_PX:
        return FlameSigns(mean, 0.0, 1.0, 0.0, 1.0)
    lit = (masks[1:] & ~masks[:-1]).sum(axis=(1, 2))
    out = (masks[:-1] & ~masks[1:]).sum(axis=(1, 2))
    flicker = float(np.minimum(lit, out).mean() / mean)
    third = max(1, len(looks) // 3)
    travel = _distance(masks[:third], masks[-third:]) / max(x1 - x0, y1 - y0)
    growth = float(sizes[-third:].mean() / max(sizes[:third].mean(), 1.0))
    return FlameSigns(mean, flicker, _repeat(masks), travel, growth)


def _repeat(masks: NDArray[np.bool_]) -> float:
    """Mean over the looks of the overlap with the most similar look that is not its neighbour, where it is or shifted onto it."""
    overlap = np.maximum(_overlaps(masks), _overlaps(np.array([_centred(mask) for mask in masks])))
    order = np.arange(len(masks))
    best = np.where(np.abs(np.subtract.outer(order, order)) < 2, 0.0, overlap).max(axis=1)[masks.any(axis=(1, 2))]
    return float(best.mean()) if len(best) else 1.0


def _overlaps(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n, n) intersection over union of every two masks."""
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    shared, size = flat @ flat.T, flat.sum(axis=1)
    return np.asarray(shared / np.maximum(size[:, None] + size[None, :] - shared, 1.0), np.float32)


def _centred(mask: Mask) -> Mask:
    """The mask with its middle in the middle of a field twice as large, so that nothing is cut off."""
    field = np.zeros((2 * mask.shape[0] + 1, 2 * mask.shape[1] + 1), bool)
    rows, columns = np.nonzero(mask)
    if len(rows):
        down, right = (round(size - values.mean()) for size, values in zip(mask.shape, (rows, columns), strict=True))
        field[rows + down, columns + right] = True
    return field


def _distance(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """How far the middle of the glow went, pixels."""
    middles = [np.argwhere(part)[:, 1:].mean(axis=0) if part.any() else None for part in (before, after)]
    if middles[0] is None or middles[1] is None:
        return 0.0
    return float(np.hypot(*(middles[1] - middles[0])))


def never_at_rest(looks: Sequence[Image]) -> Mask:
    """(h, w) of the pixels that change at least at every second comparison, beyond noise. At least three looks.

    A change of the light as a whole (exposure, a cloud before the sun) is the picture's own median change and counts for
    nothing.
    """
    greys = [cv2.GaussianBlur(cv2.cvtColor(look, cv2.COLOR_BGR2GRAY), (0, 0), 1.0).astype(np.int16) for look in looks]
    changes = []
    for before, after in zip(greys, greys[APART:], strict=False):
        step = np.abs(after - before)
        changes.append(step > max(LEAST_STEP, NOISE_STEPS * float(np.median(step))))
    return np.asarray(np.mean(changes, axis=0) >= 0.5, bool)


def changing_share(restless: Mask, region: Region, allowed: Mask) -> float:
    """Share of a region's allowed pixels that are never at rest: smoke from `LEAST_CHANGING` on."""
    x0, y0, x1, y1 = region
    counted = allowed[y0:y1, x0:x1]
    return float(restless[y0:y1, x0:x1][counted].mean()) if counted.any() else 0.0
