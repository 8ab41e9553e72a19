"""Things in a fire lane that no network knows (bins, piles, boards): today's lane compared with the empty lane. Pure.

The empty lane is learnt while the camera looks: a quick picture of what stands still (seconds) and a slow one of what has
always been there (half an hour). Where the two differ, something has come to stay. Light is told from things: a shadow or
a returning sun changes brightness, but neither the hue of the ground nor the pattern on it; a thing changes one of these.
Brightness is compared after each spot has been normalised by its surroundings, so that clouds and exposure cancel.

What is learnt is lost at a restart, so a thing that stands there from the start is learnt as part of the lane: vehicles,
which the network knows, are not, and cover no ground that is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol_edge.frame import Image
from patrol_edge.rules.sighting import Box

LONGEST_PX = 200  # the lane is compared at this size: a bin is still ten pixels high
QUICK_S, SLOW_S = 5.0, 1800.0
LEARN_S = 20.0  # a spot is compared once it has been seen for this long
SURROUNDINGS_PX = 15
QUIET_GREY = 6.0  # differences of brightness below this are the sensor's
PATTERN, GREEN, RED = (
    0.9,
    0.02,
    0.06,
)  # smallest change of normalised brightness and colour shares; shade is bluer, not greener
DARK_GREY = 28.0  # darker than this, colour is noise
LEAST_SHARE = 0.0025  # of the lane's picture: smaller things block nobody
MOST_SHARE = 0.35  # when more than this has changed, the light or the camera has, not the lane
LIGHT_GRID = (12, 8)  # the whole picture in so many cells tells a change of light
LIGHT_QUICK_S, LIGHT_SLOW_S = 2.0, 40.0
LIGHT_STEP, LIGHT_SHARE = 0.15, 0.25  # of log brightness, in this share of the cells
SAME_PATTERN = 0.45  # correlation above which the ground's own pattern is still there

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass
class EmptyLane:
    """What has been learnt. Arrays (h, w) or (h, w, 3): grey, normalised grey, shares of red and green."""

    box: tuple[int, int, int, int]  # of the lane in the frame: x_min, y_min, x_max, y_max
    scale: float
    inside: Mask
    quick: Floats
    slow: Floats
    seen_s: Floats
    known: Mask = field(default_factory=lambda: np.zeros((0, 0), bool))  # where `slow` holds something
    last_s: float | None = None
    light: Floats | None = None  # (2, 8, 12) log brightness of the whole picture, quick and slow


def things_in(lane: EmptyLane, image: Image, covered: Sequence[Box], now_s: float) -> list[Box]:
    """Boxes, in pixels of the frame, of what stands in the lane and does not belong to it. Learns as it looks.

    `covered`: what the network has found, moving or not; nothing is learnt or found there. `now_s`: the frame's time.
    """
    dt_s = 0.0 if lane.last_s is None else min(max(now_s - lane.last_s, 0.0), 10.0)
    lane.last_s = now_s
    now = _features(lane, image)
    free = lane.inside & ~_covered(lane, covered)
    first = free & (lane.seen_s == 0)
    lane.quick[first] = now[first]
    share = 1.0 - float(np.exp(-dt_s / QUICK_S))
    lane.quick[free] += share * (now[free] - lane.quick[free])
    lane.seen_s[free] += max(dt_s, 1e-3)
    learnt = free & ~lane.known & (lane.seen_s >= LEARN_S)
    lane.slow[learnt] = lane.quick[learnt]
    lane.known |= learnt
    compared = lane.known & free
    changed = _changed(lane.quick, lane.slow) & compared
    still = np.abs(now[..., 1] - lane.quick[..., 1]) < PATTERN
    settled = compared & ~changed
    lane.slow[settled] += (1.0 - float(np.exp(-dt_s / SLOW_S))) * (lane.quick[settled] - lane.slow[settled])
    area = int(lane.inside.sum())
    if _light_changed(lane, image, dt_s) or changed.sum() > MOST_SHARE * max(int(compared.sum()), 1):
        lane.slow[changed] += share * (lane.quick[changed] - lane.slow[changed])  # a new light: learn it
        return []
    return _things(lane, changed & still, LEAST_SHARE * area)


def empty_lane(polygon: shapely.Polygon, size_px: tuple[int, int]) -> EmptyLane:
    """Nothing learnt yet of a lane whose outline in the picture of this (width, height) is `polygon`."""
    x0, y0, x1, y1 = polygon.bounds
    left, top = max(int(x0), 0), max(int(y0), 0)
    right, bottom = min(int(np.ceil(x1)) + 1, size_px[0]), min(int(np.ceil(y1)) + 1, size_px[1])
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    scale = min(1.0, LONGEST_PX / max(right - left, bottom - top))
    width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    drawn = np.zeros((height, width), np.uint8)
    corners = (np.array(polygon.exterior.coords) - [left, top]) * scale
    cv2.fillPoly(drawn, [np.round(corners).astype(np.int32)], 1)
    inside = cv2.erode(drawn, np.ones((3, 3), np.uint8)).astype(bool)
    zeros = np.zeros((height, width, 4), np.float32)
    return EmptyLane(
        (left, top, right, bottom),
        scale,
        inside,
        zeros.copy(),
        zeros.copy(),
        zeros[..., 0].copy(),
        np.zeros_like(inside),
    )


def _features(lane: EmptyLane, image: Image) -> Floats:
    """(h, w, 4): grey, grey normalised by its surroundings, share of red, share of green."""
    x0, y0, x1, y1 = lane.box
    height, width = lane.inside.shape
    small = cv2.resize(image[y0:y1, x0:x1], (width, height), interpolation=cv2.INTER_AREA)
    colours = cv2.GaussianBlur(small, (3, 3), 0.8).astype(np.float32)
    grey = colours.mean(axis=2)
    size = (SURROUNDINGS_PX, SURROUNDINGS_PX)
    mean = cv2.blur(grey, size)
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, size) - mean * mean, 0.0))
    total = colours.sum(axis=2) + 3.0
    return np.stack(
        [grey, (grey - mean) / (spread + QUIET_GREY), colours[..., 2] / total, colours[..., 1] / total], axis=-1
    )


def _light_changed(lane: EmptyLane, image: Image, dt_s: float) -> bool:
    """Whether the whole picture has become brighter or darker in the last minute: a cloud, a lamp, the camera's own doing."""
    cells = cv2.resize(image[::4, ::4], LIGHT_GRID, interpolation=cv2.INTER_AREA).astype(np.float32)
    now = np.log(cells.mean(axis=2) + 4.0)
    if lane.light is None:
        lane.light = np.stack([now, now])
    for row, over_s in enumerate((LIGHT_QUICK_S, LIGHT_SLOW_S)):
        lane.light[row] += (1.0 - float(np.exp(-dt_s / over_s))) * (now - lane.light[row])
    return float((np.abs(lane.light[0] - lane.light[1]) > LIGHT_STEP).mean()) > LIGHT_SHARE


def _changed(quick: Floats, slow: Floats) -> Mask:
    pattern = np.abs(quick[..., 1] - slow[..., 1]) > PATTERN
    bright = np.minimum(quick[..., 0], slow[..., 0]) > DARK_GREY
    hue = bright & ((np.abs(quick[..., 3] - slow[..., 3]) > GREEN) | (np.abs(quick[..., 2] - slow[..., 2]) > RED))
    grey = np.abs(quick[..., 0] - slow[..., 0]) > np.maximum(0.35 * slow[..., 0], 2 * QUIET_GREY)
    return np.asarray(pattern | hue | grey, bool)


def _covered(lane: EmptyLane, boxes: Sequence[Box]) -> Mask:
    covered = np.zeros(lane.inside.shape, bool)
    left, top, _, _ = lane.box
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(int((y0 - top) * lane.scale) - 2, 0), max(int((y1 - top) * lane.scale) + 3, 0))
        columns = slice(max(int((x0 - left) * lane.scale) - 2, 0), max(int((x1 - left) * lane.scale) + 3, 0))
        covered[rows, columns] = True
    return covered


def _things(lane: EmptyLane, changed: Mask, least_px: float) -> list[Box]:
    closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    found: list[Box] = []
    left, top, _, _ = lane.box
    for n in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[n])
        spot = (labels == n) & lane.inside
        if area < max(least_px, 12.0) or max(width, height) > 6 * min(width, height) or not _is_thing(lane, spot):
            continue  # too small, or long and thin as the edges of shadows are
        found.append(
            (
                left + x / lane.scale,
                top + y / lane.scale,
                left + (x + width) / lane.scale,
                top + (y + height) / lane.scale,
            )
        )
    return found


def _is_thing(lane: EmptyLane, spot: Mask) -> bool:
    """Whether a change is more than light: another hue, or the ground's pattern gone and another one there."""
    quick, slow = lane.quick[spot], lane.slow[spot]
    if min(float(np.median(quick[:, 0])), float(np.median(slow[:, 0]))) > DARK_GREY:
        red, green = (abs(float(np.median(quick[:, k] - slow[:, k]))) for k in (2, 3))
        if red > RED or green > GREEN:
            return True
    before, after = slow[:, 1], quick[:, 1]
    spread_before, spread_after = float(before.std()), float(after.std())
    if spread_after < 0.25:
        return False  # a plain patch without hue of its own: wet, shade or dust
    alike = float(np.mean((before - before.mean()) * (after - after.mean()))) / max(spread_before * spread_after, 1e-6)
    return alike < SAME_PATTERN
