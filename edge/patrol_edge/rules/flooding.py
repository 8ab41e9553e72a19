"""Flooding (汛期积水): how much of a watched road is water, beyond what always looks wet there; from above, how many square metres.

Wet is not flooded. Both rules trust the network's map of water, not brightness, and ask for looks in a row. Rain in the
forecast lowers how many, its absence raises it; no weather silences a camera.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.config.zones import FloodingZone
from patrol.events import Hazard
from patrol.geo import Floats
from patrol_edge.frame import Detections, Frame, Shares
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View
from patrol_edge.rules.water import (
    CELLS,
    GroundArea,
    Mask,
    ground_area,
    joined_to,
    learned,
    road_share,
    square_side_m,
    staff_level,
    watched,
    wet_length_m,
    without_strips,
)

WATER = "water"  # the network's map
# 0: no rain announced; 1 to 4: blue, yellow, orange, red warning; None: nobody says
RainLevel = Callable[[datetime], int | None]
# Factor on the votes that a zone wants, by the level of rain. Under a red warning two thirds are enough; in dry weather
# what looks like water is a reflection, a car wash or a burst pipe: half as many again, and it still alerts.
VOTES_BY_RAIN: dict[int | None, float] = {None: 1.0, 0: 1.5, 1: 1.0, 2: 0.85, 3: 0.7, 4: 0.65}
FLOODED, DRY, LOOKS = "flooded", "dry", "dry looks"  # keys in the rule's memory
OFF_SHARE_OF_ON = 0.5  # hysteresis: over when less than half of what began it is left
STRIP_M = 3.0  # from above, what is nowhere so wide is a kerb, a gutter, a pavement's edge or a shadow's, not a pool
SEAM_M = 2.0  # and of a pool, what hangs on it by so little is not measured with it
# From above the ground is pale and smooth in many ways: a pool must be surely water in its middle, and is measured from a lower
# share on. In the demonstration's district dry pavements reach 0.8 to 0.9; on photographs, 0.7 in place of 0.5 costs one point of IoU.
SURE, MEASURED = 0.9, 0.8
LEARN_BELOW = 0.5  # of the share that alerts: with more water than that the road is not dry, whatever the weather


def nobody_says(now: datetime) -> int | None:
    """The weather where no service tells it."""
    del now
    return None


def votes_needed(votes: int, rain: int | None) -> int:
    """How many looks must show water: what the zone wants, by the rain that is announced; at least two, whatever the weather."""
    return max(2, ceil(votes * VOTES_BY_RAIN.get(rain, 1.0)))


@dataclass(frozen=True)
class Seen:
    """Water in one look at a zone: what part of the map, how surely, and the numbers."""

    wet: Mask
    measurement: dict[str, float]


def flooding_rule(
    view: View,
    zone: FloodingZone,
    known_water: Sequence[shapely.Polygon] = (),
    marks: Sequence[tuple[float, float, float]] = (),
    rain: RainLevel = nobody_says,
) -> Rule:
    """The rule of a fixed camera. known_water, marks (x, y, metres): in pixels of the frames that come."""
    least = ceil(zone.confidence * 255)
    area = view.polygon.difference(shapely.union_all(list(known_water)))

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        shares = detections.maps[WATER]
        inside = _inside(area, frame, shares, memory)
        wet = (shares >= least) & inside
        dry, looks = _read_dry(memory)
        road = road_share(wet, inside, dry)
        was = memory.kept.get(FLOODED) is True
        flooded = road.excess >= zone.water_share * (OFF_SHARE_OF_ON if was else 1.0)
        memory.kept[FLOODED] = flooded
        level = rain(now)
        if not flooded and road.excess < LEARN_BELOW * zone.water_share and not level:
            dry = learned(dry, road.cells, looks)
            memory.kept[DRY] = np.round(dry, 3).tolist()
            memory.kept[LOOKS] = min(looks + 1, 100_000)
        if not flooded:
            return []
        measured = {"water_share": round(road.excess, 3), "water_share_raw": round(road.raw, 3)}
        if view.camera is not None and view.sigma is not None:
            measured |= _square_metres(ground_area(wet, view.camera, view.sigma, view.height_m, shares))
        if marks and (depth := staff_level(shares, marks, frame.size_px, least)) is not None:
            measured |= {"level_m": round(depth.level_m, 2), "level_accuracy_m": round(depth.accuracy_m, 2)}
        return [_sighting(view, frame, shares, wet, measured, votes_needed(zone.votes, level))]

    return look


def aerial_flooding_rule(
    view: View, zone: FloodingZone, roads: Sequence[shapely.LineString] = (), rain: RainLevel = nobody_says
) -> Rule:
    """The rule for a place that a drone's frame shows; `view` is that frame's. roads: middle lines, local frame."""

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        if view.camera is None or view.sigma is None:
            return []  # a picture without a pose shows no place
        shares = detections.maps[WATER]
        wet = water_from_above(shares, view, frame.size_px, zone.confidence)
        spread = ground_area(wet, view.camera, view.sigma, view.height_m, shares)
        was = memory.kept.get(FLOODED) is True
        flooded = spread.area_m2 >= zone.least_m2 * (OFF_SHARE_OF_ON if was else 1.0)
        memory.kept[FLOODED] = flooded
        if not flooded:
            return []
        picture = shapely.box(0, 0, frame.size_px[0], frame.size_px[1])
        measured = {
            **_square_metres(spread),
            "area_is_cut": float(spread.cut),
            "road_m": round(wet_length_m(roads, wet, view.camera, picture, view.height_m), 1),
        }
        return [_sighting(view, frame, shares, wet, measured, votes_needed(zone.votes, rain(now)))]

    return look


def water_from_above(shares: Shares, view: View, size_px: tuple[int, int], confidence: float) -> Mask:
    """The water (h, w) of a drone's map that has a sure core within the view's place, whole, however far it reaches.

    Nothing where the view has no camera.
    """
    if view.camera is None:
        return np.zeros(shares.shape, dtype=bool)
    map_px = (shares.shape[1], shares.shape[0])
    sure, least = (ceil(max(confidence, share) * 255) for share in (SURE, MEASURED))
    inside = watched(view.polygon, size_px, map_px)
    side_m = square_side_m(view.camera, view.polygon, map_px, view.height_m)
    core = without_strips(shares >= sure, STRIP_M / side_m)
    return joined_to(without_strips(shares >= least, SEAM_M / side_m) | core, core & inside)


def _square_metres(spread: GroundArea) -> dict[str, float]:
    return {
        "area_m2": round(spread.area_m2, 1),
        "area_accuracy_m2": round(spread.accuracy_m2, 1),
        "area_least_m2": round(spread.least_m2, 1),
        "area_most_m2": round(spread.most_m2, 1),
    }


def _inside(area: shapely.Geometry, frame: Frame, shares: Shares, memory: Memory) -> Mask:
    """The watched squares, drawn once for a size of picture and map."""
    key = f"inside {frame.size_px} {shares.shape}"
    kept = memory.live.get(key)
    if not isinstance(kept, np.ndarray):
        kept = watched(area, frame.size_px, (shares.shape[1], shares.shape[0]))
        memory.live[key] = kept
    return np.asarray(kept, dtype=bool)


def _read_dry(memory: Memory) -> tuple[Floats, int]:
    """The dry reference (rows, columns) and of how many looks; nothing where an older program kept something else."""
    nothing, kept, looks = np.zeros((CELLS[1], CELLS[0])), memory.kept.get(DRY), memory.kept.get(LOOKS)
    try:
        dry: NDArray[np.float64] = np.array(kept, dtype=float)
    except (TypeError, ValueError):
        return nothing, 0
    if dry.shape != nothing.shape or not np.isfinite(dry).all() or not isinstance(looks, int):
        return nothing, 0
    return np.clip(dry, 0.0, 1.0), looks


def _sighting(
    view: View, frame: Frame, shares: Shares, wet: Mask, measured: dict[str, float], least_votes: int
) -> Sighting:
    """All water of one look as one sighting; its place is the middle of its largest pool, on the water."""
    h, w = shares.shape
    to_px = np.array([frame.size_px[0] / w, frame.size_px[1] / h])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wet.astype(np.uint8), connectivity=8)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if count > 1 else 0
    ys, xs = np.nonzero(labels == largest)
    near = int(np.argmin((xs - xs.mean()) ** 2 + (ys - ys.mean()) ** 2))
    x_px, y_px = (np.array([xs[near], ys[near]]) + 0.5) * to_px
    all_y, all_x = np.nonzero(wet)
    (x0, y0), (x1, y1) = (
        np.array([all_x.min(), all_y.min()]) * to_px,
        np.array([all_x.max() + 1, all_y.max() + 1]) * to_px,
    )
    box: Box = (float(x0), float(y0), float(x1), float(y1))
    confidence = min(0.99, float(shares[wet].mean()) / 255)
    ground = view.place(float(x_px), float(y_px))
    return Sighting(
        Hazard.FLOODING, view.zone, "water", box, confidence, ground, place=view.zone, measurement=measured,
        least_votes=least_votes,
    )  # fmt: skip
