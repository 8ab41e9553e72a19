"""How high a structure is, from two looks of one pass: what stands above the roof moves over it as the drone moves. Pure.

On the roof's plane a point `h` above it is drawn away from the drone's foot point by h / (H - h) of its distance from it, H
being the drone's height over the roof. Between two looks whose foot points are `b` apart it moves by h / (H - h) * b along
the way flown; the roof itself does not move.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
import shapely

from patrol.geo import Camera
from patrol_edge.rules.rooftop_plane import GSD_M, Roof
from patrol_edge.rules.rooftop_registration import BLOCK_SHIFT_PX, Registration, edges

LEAST_WAY = 0.15  # of the height over the roof, between two looks: below, a shed's shift is less than the error
REACH_PX = 24
LEAST_CORRELATION = 0.5
HIGHEST_M = 12.0


@dataclass(frozen=True)
class Look:
    """A look at a roof that lies over the same baseline as the others of its pass."""

    camera: Camera
    registration: Registration | None

    def far_from(self, other: Look) -> bool:
        """Whether the drone has flown so far that the older look should be let go."""
        here, there = self.camera.pose, other.camera.pose
        return hypot(here.east_m - there.east_m, here.north_m - there.north_m) > 0.8 * max(here.up_m, 1.0)


def height_of(first: Look, second: Look, ring: shapely.Polygon, roof: Roof) -> float | None:
    """Metres above the roof; None where the two looks are too close together or do not show the same thing."""
    if first.registration is None or second.registration is None:
        return None
    a, b = first.camera.pose, second.camera.pose
    way_m = np.array([b.east_m - a.east_m, b.north_m - a.north_m])
    above_m = (a.up_m + b.up_m) / 2 - roof.height_m
    if above_m <= 0 or float(np.linalg.norm(way_m)) < LEAST_WAY * above_m:
        return None
    shift_px = _shift(first.registration, second.registration, ring)
    if shift_px is None:
        return None
    moved_m = np.array([shift_px[0], -shift_px[1]]) * GSD_M
    # the top moves against the way flown: share = h / (H - h)
    share = -float(moved_m @ way_m) / float(way_m @ way_m)
    height_m = above_m * share / (1 + share)
    return height_m if 0.3 < height_m < HIGHEST_M else None


def _shift(first: Registration, second: Registration, ring: shapely.Polygon) -> tuple[float, float] | None:
    """By how many pixels what lies in `ring` has moved from one picture to the other."""
    x0, y0, x1, y1 = (int(v) for v in ring.bounds)
    old, new = edges(first.picture.image), edges(second.picture.image)
    high, wide = old.shape
    if x0 < REACH_PX or y0 < REACH_PX or x1 + REACH_PX >= wide or y1 + REACH_PX >= high:
        return None
    block = old[y0 : y1 + 1, x0 : x1 + 1]
    if min(block.shape) < 2 * BLOCK_SHIFT_PX or float(block.std()) < 0.02:
        return None
    around = new[y0 - REACH_PX : y1 + 1 + REACH_PX, x0 - REACH_PX : x1 + 1 + REACH_PX]
    scores = cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED)
    _, top, _, (dx, dy) = cv2.minMaxLoc(scores)
    return None if top < LEAST_CORRELATION else (dx - REACH_PX, dy - REACH_PX)
