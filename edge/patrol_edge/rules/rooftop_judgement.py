"""One look at one roof: today's picture against its baseline, or against what a single picture can tell. Pure.

Numbers in, a judgement out: what was built, where, how large, how surely, or why this picture says nothing about the roof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.geo import Camera
from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_baseline import Baseline, Known
from patrol_edge.rules.rooftop_change import Singles, best_of, chance, outline_of, regions
from patrol_edge.rules.rooftop_first import Found, asked_again, forgotten, moved
from patrol_edge.rules.rooftop_plane import GSD_M, Mask, Raster, Refusal, Roof, RoofPicture, parallax_px, seen_roof
from patrol_edge.rules.rooftop_registration import Registration, register

PERMITTED_GROWS_M = 0.6  # around a permitted structure: its eaves, and what is left of the misfit
BESIDE_PX, MELTING_PX = 15, 4.0  # brush and sigma of the seam around a roof, wide enough that it is no edge
DARK, MOST_LIGHT = 5.0, 3.0  # grey level below which light cannot be told; by how much two days' light may differ
IN_ORDER_BELOW = 0.15  # of every region's chance: only so sure is a roof called unchanged
KNOWN_GONE = (
    0.5  # of a reported structure's outline that must have changed for it to be gone; that change is no new one
)

# A network's opinion: before and after (h, w, 3) BGR that lie over one another, to (h, w) shares 0..255 of what was built.
ChangeNetwork = Callable[[Image, Image], NDArray[np.uint8]]


@dataclass(frozen=True)
class Judgement:
    """What one picture says about a roof. `refusal`: why it says nothing; then all else is empty.

    found: what has come first, then what stood there before, each the surest first; picture: today's, on the roof's raster;
    registration: how it lies over the baseline; in_order: registered, and nothing that could be a structure has come; known:
    what the baseline's picture is now known to show.
    """

    refusal: Refusal | None = None
    found: tuple[Found, ...] = ()
    picture: RoofPicture | None = None
    registration: Registration | None = None
    in_order: bool = False
    known: tuple[Known, ...] = ()


def judged(
    image: Image, camera: Camera | None, roof: Roof, baseline: Baseline | None, single: Callable[[], Sequence[Found]] | None,
    least_area_m2: float, network: ChangeNetwork | None = None,
) -> Judgement:  # fmt: skip
    """The roof in `image` (h, w, 3).

    single: asks a network what it sees on this picture alone, in today's raster; None without such a network. It is asked
    where there is no baseline, and afterwards as long as something that it saw then waits to be borne out.
    """
    seen = seen_roof(image, camera, roof)
    if isinstance(seen, Refusal):
        return Judgement(seen)
    raster = Raster.of(roof)
    if baseline is None:
        if single is None:
            return Judgement(Refusal.UNSURE, picture=seen)
        watched = watched_roof(roof, raster, (0, 0))
        first = tuple(f for f in single() if _mostly(f.ring, watched))
        return Judgement(None, first, seen, known=tuple(_known(f) for f in first))
    apart_px = (0.0, 0.0) if camera is None else parallax_px(roof, baseline.camera, camera)
    fit = register(baseline.picture, seen, raster.mask(roof.footprint), apart_px)
    if fit is None:
        return Judgement(Refusal.MISFIT, picture=seen)
    watched = watched_roof(roof, raster, fit.outline_px) & fit.picture.valid & baseline.picture.valid
    found = changed(baseline.picture.image, fit.picture.image, watched, least_area_m2, network)
    gone = [shapely.Polygon(known.ring) for known in baseline.known if _gone(known, found)]
    found = [f for f in found if not any(ring.intersection(f.ring).area >= KNOWN_GONE * f.ring.area for ring in gone)]
    waiting = any(not k.borne_out and shapely.Polygon(k.ring) not in gone for k in baseline.known)
    again = moved(single(), fit.matrix) if waiting and single is not None else None
    known, standing = [], []
    for one in baseline.known:
        now = one if one.borne_out or again is None else asked_again(one, again)
        if forgotten(now):
            continue
        known.append(now)
        if shapely.Polygon(one.ring) not in gone and (one.borne_out or now.seen > one.seen):
            standing.append(_standing(now))
    sure = tuple(sorted((*found, *standing), key=lambda f: (not f.new, -f.confidence)))
    in_order = all(f.confidence < IN_ORDER_BELOW for f in found) and not (standing or waiting)
    return Judgement(None, sure, seen, fit, in_order, tuple(known))


def changed(
    before: Image, after: Image, watched: Mask, least_area_m2: float, network: ChangeNetwork | None = None
) -> list[Found]:
    """The regions of `watched` (h, w) that could be structures, each with how likely it is one."""
    said = None if network is None else opinion(network, before, after, watched)
    found = regions(before, after, watched, least_area_m2, said)
    chances = [chance(r, with_network=network is not None) for r in found]
    return [Found(outline_of(r), r.area_m2, c, new=True) for r, c in best_of(found, chances)]


def opinion(network: ChangeNetwork, before: Image, after: Image, watched: Mask) -> Singles:
    """(h, w) shares 0 to 1 of what the network thinks was built, asked about the watched roof alone."""
    return np.asarray(network(before, roof_alone(before, after, watched)) / 255, np.float32)


def roof_alone(before: Image, after: Image, watched: Mask) -> Image:
    """`after` (h, w, 3) where the roof is, `before` in the light of `after` around it, one melting into the other.

    What lies lower than a roof moves against it, whatever the drone does, and what is permitted on it may change. A network that
    weighs all of a picture would take that for the change and the structure for a small part of it.
    """
    if not watched.any():
        return after
    near = cv2.dilate(watched.astype(np.uint8), np.ones((BESIDE_PX, BESIDE_PX), np.uint8))
    share = cv2.GaussianBlur(near.astype(np.float32), (0, 0), MELTING_PX)[..., None]
    old, new = (np.median(image[watched].astype(np.float32), axis=0) for image in (before, after))
    light = np.clip(new / np.maximum(old, DARK), 1 / MOST_LIGHT, MOST_LIGHT)
    return np.asarray(np.clip(after * share + before * light * (1 - share), 0, 255), np.uint8)


def _known(found: Found) -> Known:
    ring = shapely.get_coordinates(found.ring.exterior)
    return Known(tuple((float(x), float(y)) for x, y in ring), found.confidence, seen=1, asked=1)


def watched_roof(roof: Roof, raster: Raster, shift_px: tuple[int, int]) -> Mask:
    """The roof without what is permitted on it, moved to where it lies in the baseline's picture."""
    area = roof.footprint
    for ring in roof.permitted:
        area = area.difference(ring.buffer(PERMITTED_GROWS_M))
    mask: Mask = np.zeros((raster.height_px, raster.width_px), bool)
    for part in shapely.get_parts(area):
        if isinstance(part, shapely.Polygon) and not part.is_empty:
            mask |= raster.mask(part)
    move = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], float)
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), move, (raster.width_px, raster.height_px))) > 0


def _mostly(ring: shapely.Polygon, watched: Mask) -> bool:
    area = np.zeros(watched.shape, np.uint8)
    cv2.fillPoly(area, [np.round(shapely.get_coordinates(ring.exterior)).astype(np.int32)], 1)
    return bool(area.any() and watched[area > 0].mean() > 0.5)


def _gone(known: Known, found: Sequence[Found]) -> bool:
    ring = shapely.Polygon(known.ring)
    return any(ring.intersection(f.ring).area >= KNOWN_GONE * ring.area for f in found if f.confidence >= 0.5)


def _standing(known: Known) -> Found:
    ring = shapely.Polygon(known.ring)
    return Found(ring, ring.area * GSD_M**2, known.confidence, new=False)
