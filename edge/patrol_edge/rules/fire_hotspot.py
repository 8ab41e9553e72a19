"""Fire hotspot (火灾红外监测): fires in a zone of a thermal picture. How long they burn is persistence's business.

All fires in a zone are one place: flames come and go, and a front that creeps on is still the same fire. What else is hot
is measured and remembered: a hot point that grows to four times its size above 100 °C is a fire that has just begun.
A glint of the sun may outshine a fire for one look: place, size and degrees are those of the regions that have stood longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import shapely

from patrol.config.zones import HotspotZone
from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame
from patrol_edge.rules.hotspots import (
    SMOULDER_C,
    HotKind,
    HotSpot,
    Thresholds,
    find,
    find_relative,
    ground_area,
    no_area,
)
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View

POINTS, REGIONS = "hot points", "fire regions"  # keys in the rule's memory
GROWN = 4  # times its first size
LEAST_GROWN_PX = 8  # from one pixel to four is how a picture is sharpened, not how a fire grows
SAME_POINT_PX = 6  # a fixed camera sways by less
MISSED_LOOKS = 20  # a hot point unseen for so many looks is forgotten
MAX_POINTS = 50
STOOD_SHARE = (
    0.5  # of the votes of the region that has most: what has stood half as long belongs to the fire, a newcomer not yet
)


@dataclass(frozen=True)
class _Point:
    """A hot thing that has been seen before: where, how large it was at first, and looks since it was last seen."""

    x_px: int
    y_px: int
    first_px: int
    missed: int


@dataclass(frozen=True)
class _Region:
    """Where fire has been seen: its box, in how many looks, and looks since the last of them."""

    box_px: tuple[int, int, int, int]
    votes: int
    missed: int


def hotspot_rule(view: View, zone: HotspotZone, known_hot: Sequence[shapely.Polygon]) -> Rule:
    """The rule for one zone. Frames without temperatures are judged by contrast alone, and only if the zone says so."""
    limits = Thresholds(zone.hot_c, zone.contrast_c, zone.fire_c)
    area_of = no_area if view.camera is None else ground_area(view.camera)

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del detections, now  # one signature for all rules; this one needs no network
        watched = view.mask(frame.size_px)
        if frame.celsius is None:
            fires = find_relative(frame.image, watched) if zone.relative_alerts else []
            fires = [spot for spot in fires if not _inside(spot, known_hot)]
        else:
            spots = [_at_home(spot, known_hot) for spot in find(frame.celsius, watched, limits, area_of)]
            spots, points = grown(spots, _read(memory.kept.get(POINTS)))
            memory.kept[POINTS] = [[p.x_px, p.y_px, p.first_px, p.missed] for p in points]
            fires = [spot for spot in spots if spot.kind is HotKind.FIRE and spot.confidence >= zone.confidence]
        stood, votes, regions = standing(fires, _read_regions(memory.kept.get(REGIONS)))
        memory.kept[REGIONS] = [[*r.box_px, r.votes, r.missed] for r in regions]
        return [replace(sighting_of(stood, view), own_votes=votes)] if stood else []

    return look


def sighting_of(fires: Sequence[HotSpot], view: View) -> Sighting:
    """All fires of one look, hottest first, as one sighting: the box and place of the hottest, the sizes of all together."""
    hottest = fires[0]
    measured = {"regions": float(len(fires)), "area_px": float(sum(f.area_px for f in fires))}
    if hottest.peak_c is None or hottest.background_c is None:
        measured["relative_contrast"] = round(hottest.contrast, 3)
        label, confidence = "bright in a picture without temperatures", min(0.99, hottest.contrast)
    else:
        measured |= {"peak_c": round(hottest.peak_c, 1), "surroundings_c": round(hottest.background_c, 1)}
        label, confidence = "fire", hottest.confidence
    areas = [f.area_m2 for f in fires if f.area_m2 is not None]
    if len(areas) == len(fires):
        measured["area_m2"] = round(sum(areas), 2)
        measured["area_least_m2"] = round(sum(f.least_m2 or 0.0 for f in fires), 2)
        measured["area_most_m2"] = round(sum(f.most_m2 or 0.0 for f in fires), 2)
    x, y = hottest.hottest_px
    return Sighting(
        Hazard.FIRE_HOTSPOT, view.zone, label, hottest.box_px, confidence, view.place(x, y), place=view.zone, measurement=measured
    )  # fmt: skip


def standing(fires: Sequence[HotSpot], before: Sequence[_Region]) -> tuple[list[HotSpot], int, list[_Region]]:
    """The fires of one look that have stood longest, in how many looks they were seen, and what to remember. Pure.

    A region goes on where boxes meet within the sway of a fixed camera: flames lick, creep, part and join.
    """
    met = [[old for old in before if _meet(spot.box_px, old.box_px)] for spot in fires]
    votes = [1 + max((old.votes for old in olds), default=0) for olds in met]
    most = max(votes, default=0)
    stood = [spot for spot, count in zip(fires, votes, strict=True) if count >= STOOD_SHARE * most]
    seen = {id(old) for olds in met for old in olds}
    now = [_Region(_whole_px(spot.box_px), count, 0) for spot, count in zip(fires, votes, strict=True)]
    lost = [replace(old, missed=old.missed + 1) for old in before if id(old) not in seen and old.missed < MISSED_LOOKS]
    return stood, most, sorted(now + lost, key=lambda r: -r.votes)[:MAX_POINTS]


def _meet(box: Box, other: Box) -> bool:
    apart_px = max(box[0] - other[2], other[0] - box[2], box[1] - other[3], other[1] - box[3])
    return apart_px <= SAME_POINT_PX


def _whole_px(box: Box) -> tuple[int, int, int, int]:
    return round(box[0]), round(box[1]), round(box[2]), round(box[3])


def grown(spots: Sequence[HotSpot], before: Sequence[_Point]) -> tuple[list[HotSpot], list[_Point]]:
    """The spots, those that have grown into fires so named, and what to remember of the others. Pure."""
    left, points, named = list(before), [], []
    for spot in spots:
        if spot.kind not in (HotKind.HOT_POINT, HotKind.HOT_STRIP, HotKind.WARM_OBJECT, HotKind.FIRE):
            named.append(spot)
            continue
        x, y = spot.hottest_px
        same = next((p for p in left if max(abs(p.x_px - x), abs(p.y_px - y)) <= SAME_POINT_PX), None)
        first_px = spot.area_px if same is None else min(same.first_px, spot.area_px)
        if same is not None:
            left.remove(same)
        large = spot.area_px >= max(GROWN * first_px, LEAST_GROWN_PX)
        hot = spot.peak_c is not None and spot.peak_c >= SMOULDER_C
        named.append(replace(spot, kind=HotKind.FIRE) if large and hot else spot)
        points.append(_Point(x, y, first_px, 0))
    points += [replace(p, missed=p.missed + 1) for p in left if p.missed < MISSED_LOOKS]
    return named, points[:MAX_POINTS]


def _read(kept: object) -> list[_Point]:
    """What was remembered; nothing where an older program kept something else."""
    rows = kept if isinstance(kept, list) else []
    return [_Point(*(int(v) for v in row)) for row in rows if isinstance(row, list) and len(row) == 4]


def _read_regions(kept: object) -> list[_Region]:
    """What was remembered of fires; nothing where an older program kept something else."""
    rows = [[int(v) for v in row] for row in kept if isinstance(row, list)] if isinstance(kept, list) else []
    return [_Region((row[0], row[1], row[2], row[3]), row[4], row[5]) for row in rows if len(row) == 6]


def _inside(spot: HotSpot, polygons: Sequence[shapely.Polygon]) -> bool:
    return any(polygon.intersects(shapely.Point(spot.hottest_px)) for polygon in polygons)


def _at_home(spot: HotSpot, known_hot: Sequence[shapely.Polygon]) -> HotSpot:
    return replace(spot, kind=HotKind.KNOWN_HEAT) if _inside(spot, known_hot) else spot
