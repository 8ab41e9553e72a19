"""A roof that nobody has seen before: what a network for single pictures finds on it, and how that is borne out. Pure.

The network `roof` was trained on squares of 512 pixels of 0.13 m seen from straight above, so that is what it is shown: the
roof's plane as the frame shows it, with what lies around. One find is a candidate; it stands once a later look of another
picture has found it again, and is forgotten when several have not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import shapely

from patrol.events import ModelRef
from patrol.geo import Camera
from patrol_edge.frame import Detections, Image
from patrol_edge.rules.rooftop_baseline import Known
from patrol_edge.rules.rooftop_plane import GSD_M, Floats, Raster, Roof, resampled

STRUCTURE = frozenset({"structure"})
SIDE_PX = 512  # the network's picture
OVERLAP_PX = 64  # of neighbouring windows over a larger roof: 8 m, longer than most structures
NOTHING = 114  # grey level where the frame does not reach: the letterbox's, which the network knows
SAME_SHARE = 0.3  # intersection over union from which two finds are one structure: boxes of a turned shed differ
MOST_ASKED = 5  # looks after which a candidate that was seen but once is forgotten


@dataclass(frozen=True)
class Found:
    """A structure on a roof. ring: its outline in the baseline's raster; confidence 0 to 1; new: not in the baseline."""

    ring: shapely.Polygon
    area_m2: float
    confidence: float
    new: bool


@dataclass(frozen=True)
class SingleNetwork:
    """A network for single pictures: (512, 512, 3) BGR to detections, and its name."""

    find: Callable[[Image], Detections]
    ref: ModelRef


def first_found(
    image: Image, camera: Camera, roof: Roof, network: SingleNetwork, least_score: float, least_area_m2: float
) -> list[Found]:  # fmt: skip
    """The structures that the network sees on a roof in `image` (h, w, 3), in the roof's raster, the surest first.

    Their outlines are the network's boxes, north up: a structure that stands askew is smaller than its area says.
    """
    raster = Raster.of(roof)
    outline = shapely.Polygon(raster.to_pixels(np.array(roof.footprint.exterior.coords)[:, :2]))
    found: list[Found] = []
    for left, top in ((x, y) for y in _starts(raster.height_px) for x in _starts(raster.width_px)):
        window = Raster(raster.west_m + left * GSD_M, raster.north_m - top * GSD_M, SIDE_PX, SIDE_PX)
        shown = resampled(image, camera, window, roof.height_m)
        picture = np.where(shown.valid[..., None], shown.image, np.uint8(NOTHING))
        seen = network.find(np.ascontiguousarray(picture, np.uint8))
        for row in seen.of_classes(STRUCTURE, least_score):
            x0, y0, x1, y1 = (float(v) for v in seen.boxes_px[row])
            here = shapely.box(x0 + left, y0 + top, x1 + left, y1 + top)
            on_roof = here.intersection(outline)
            area_m2 = float(on_roof.area) * GSD_M**2
            if outline.contains(here.centroid) and area_m2 >= least_area_m2:
                found.append(Found(on_roof.convex_hull, area_m2, float(seen.scores[row]), new=False))
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: -f.confidence):
        if not any(same(one.ring, other.ring) for other in kept):
            kept.append(one)
    return kept


def moved(found: Sequence[Found], matrix: Floats) -> list[Found]:
    """Finds of today's picture in the baseline's raster. matrix (2, 3): baseline pixel to today's."""
    turn, shift = np.linalg.inv(matrix[:, :2]), matrix[:, 2]
    rings = (shapely.get_coordinates(f.ring.exterior) for f in found)
    return [
        replace(f, ring=shapely.Polygon((ring - shift) @ turn.T)) for ring, f in zip(rings, found, strict=True)
    ]  # fmt: skip


def asked_again(known: Known, again: Sequence[Found]) -> Known:
    """A candidate after one more look that found `again`."""
    ring = shapely.Polygon(known.ring)
    seen = [f.confidence for f in again if same(ring, f.ring)]
    return replace(
        known, asked=known.asked + 1, seen=known.seen + bool(seen), confidence=max([known.confidence, *seen])
    )


def forgotten(known: Known) -> bool:
    """Whether enough looks have gone by that did not bear a candidate out."""
    return not known.borne_out and known.asked >= MOST_ASKED


def same(one: shapely.Polygon, other: shapely.Polygon) -> bool:
    """Whether two outlines are of one structure."""
    both = one.union(other).area
    return both > 0 and bool(one.intersection(other).area / both >= SAME_SHARE)


def _starts(length_px: int) -> list[int]:
    """Where windows begin along a raster's side: one around a short one, several that overlap along a long one."""
    if length_px <= SIDE_PX:
        return [(length_px - SIDE_PX) // 2]
    count = ceil((length_px - OVERLAP_PX) / (SIDE_PX - OVERLAP_PX))
    return [round(v) for v in np.linspace(0, length_px - SIDE_PX, count)]
