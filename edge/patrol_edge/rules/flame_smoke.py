"""Flame and smoke (明火烟雾) in ordinary pictures: a network proposes, the last seconds of the picture decide.

The network alone takes wet asphalt for smoke and a brake light for fire. A proposal counts only when its place has
behaved like flame or smoke over the last looks (see `burning`); how long that goes on is persistence's business. All that
burns in a zone is one place: flames come and go, and where there is fire there is smoke.

Single pictures (a drone's view moves; a camera may send one picture in a while) have no last seconds. There the network
decides alone: with its own stricter thresholds, twice the votes, and a label that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
import shapely

from patrol.config.zones import FlameSmokeZone
from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.rules.burning import (
    LEAST_CHANGING,
    FlameSigns,
    Mask,
    Region,
    changing_share,
    flame_signs,
    never_at_rest,
    working_picture,
)
from patrol_edge.rules.sighting import Box, Memory, Rule, Sighting, View

CLASSES = frozenset({"fire", "smoke"})
LOOKS = "looks"  # key in the live memory
WINDOW_S = 6.0  # how far back a proposal is checked
MOST_LOOKS, LEAST_LOOKS = 16, 4  # working pictures kept (at most 5 MB a zone), and needed for a judgement
STILL_GAP_S = 2.0  # pictures further apart than this are single pictures
PROPOSED_S = 1.0  # a proposal stands this long: the network loses a flame for a look or two
STILL_SCORE = {"fire": 0.4, "smoke": 0.7}  # the model card's operating thresholds
STILL_VOTES = 2  # times the votes of a zone
LEAST_SIDE_PX = 4  # of a region in the working picture
MARGIN = 0.15  # of its size around a proposal: flames lick out of their box
LEAST_ALLOWED = 0.3  # of a proposal's pixels that lie in the zone and in no known steam or light
MOST_PROPOSALS = 12  # a look; the best


@dataclass(frozen=True)
class _Proposal:
    """What the network said of one place: class, score, and box in pixels of the frame."""

    label: str
    score: float
    box_px: Box


@dataclass(frozen=True)
class _Look:
    """What is remembered of one look."""

    at: datetime
    picture: Image
    proposals: tuple[_Proposal, ...]


@dataclass(frozen=True)
class _Seen:
    """A proposal that the last looks bear out, and what they showed."""

    proposal: _Proposal
    measured: dict[str, float]


def flame_smoke_rule(
    view: View, zone: FlameSmokeZone, known_steam: Sequence[shapely.Polygon], known_light: Sequence[shapely.Polygon]
) -> Rule:
    """The rule for one zone. `known_steam` silences smoke and `known_light` fire inside them; pixels of the frames that come."""

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        proposals = proposed(detections, zone.confidence)
        if frame.pose is not None:
            return _single(view, zone, _allowed_boxes(proposals, view, known_steam, known_light), None)
        before = memory.live.get(LOOKS)
        kept = before if isinstance(before, list) else []
        gap_s = (now - kept[-1].at).total_seconds() if kept else 0.0
        is_single = not 0 <= gap_s <= STILL_GAP_S
        recent = [] if is_single else [one for one in kept if (now - one.at).total_seconds() <= WINDOW_S]
        kept = [*recent[1 - MOST_LOOKS :], _Look(now, working_picture(frame.image), proposals)]
        memory.live[LOOKS] = kept
        if is_single:
            return _single(view, zone, _allowed_boxes(proposals, view, known_steam, known_light), view.zone)
        if len(kept) < LEAST_LOOKS:
            return []
        seen = judged(kept, frame.size_px, _masks(view, frame.size_px, kept[-1].picture, known_steam, known_light))
        return [_sighting(view, zone, seen, len(kept))] if seen else []

    return look


def proposed(detections: Detections, confidence: float) -> tuple[_Proposal, ...]:
    """The network's best proposals of one look."""
    rows = detections.of_classes(CLASSES, confidence)[:MOST_PROPOSALS]
    return tuple(
        _Proposal(detections.label(r), float(detections.scores[r]), _box(detections.boxes_px[r].tolist())) for r in rows
    )


def judged(looks: Sequence[_Look], size_px: tuple[int, int], masks: dict[str, Mask]) -> list[_Seen]:
    """The recent proposals that the looks bear out, best first. `masks`: per class, the working pixels that count."""
    pictures = [one.picture for one in looks]
    height, width = pictures[-1].shape[:2]
    scale = width / size_px[0]
    recent = [p for one in looks if (looks[-1].at - one.at).total_seconds() <= PROPOSED_S for p in one.proposals]
    restless: Mask | None = None
    found: list[_Seen] = []
    for proposal in sorted(recent, key=lambda p: -p.score):
        if any(_same(proposal, other.proposal) for other in found):
            continue
        region = _region(proposal, scale, (width, height))
        allowed = masks[proposal.label]
        x0, y0, x1, y1 = region
        if min(x1 - x0, y1 - y0) < LEAST_SIDE_PX or allowed[y0:y1, x0:x1].mean() < LEAST_ALLOWED:
            continue
        if proposal.label == "fire":
            signs = flame_signs(pictures, region, allowed)
            if signs.burns:
                found.append(_Seen(proposal, _measured(signs, scale)))
            continue
        if restless is None:
            restless = never_at_rest(pictures)
        share = changing_share(restless, region, allowed)
        if share >= LEAST_CHANGING:
            found.append(_Seen(proposal, {"changing_share": round(share, 3)}))
    return found


def _measured(signs: FlameSigns, scale: float) -> dict[str, float]:
    return {
        "flicker_share": round(signs.flicker, 3), "repeat_share": round(signs.repeat, 3),
        "glow_px": round(signs.glow_px / scale**2, 1), "growth_ratio": round(signs.growth, 2),
    }  # fmt: skip


def _sighting(view: View, zone: FlameSmokeZone, seen: Sequence[_Seen], looks: int) -> Sighting:
    kinds = {"fire": "flame", "smoke": "smoke"}
    label = " and ".join(kinds[name] for name in ("fire", "smoke") if any(s.proposal.label == name for s in seen))
    # a flame says where it burns better than its smoke does
    best = min(seen, key=lambda s: (s.proposal.label != "fire", -s.proposal.score))
    measured: dict[str, float] = {"looks_compared": float(looks)}
    for one in reversed(seen):
        measured |= one.measured
    box = best.proposal.box_px
    return Sighting(
        Hazard.FLAME_SMOKE, view.zone, label, box, max(s.proposal.score for s in seen), view.place((box[0] + box[2]) / 2, box[3]),
        place=view.zone, measurement=measured, least_votes=zone.votes,
    )  # fmt: skip


def _single(view: View, zone: FlameSmokeZone, proposals: Sequence[_Proposal], place: str | None) -> list[Sighting]:
    """What one picture alone can say. Without a place of its own (a drone's view) each thing stands for itself."""
    sure = [p for p in proposals if p.score >= max(zone.confidence, STILL_SCORE[p.label])]
    kinds = {"fire": "flame", "smoke": "smoke"}
    sightings = [
        Sighting(
            Hazard.FLAME_SMOKE, view.zone, f"{kinds[p.label]}, from single pictures", p.box_px, p.score,
            view.place((p.box_px[0] + p.box_px[2]) / 2, p.box_px[3]), place=place,
            measurement={"single_picture": 1.0}, least_votes=STILL_VOTES * zone.votes,
        )
        for p in sure
    ]  # fmt: skip
    return sightings if place is None else sightings[:1]


def _allowed_boxes(
    proposals: Sequence[_Proposal], view: View, steam: Sequence[shapely.Polygon], light: Sequence[shapely.Polygon]
) -> list[_Proposal]:
    """The proposals of which enough lies in the zone and outside what is known."""
    known = {"fire": shapely.union_all(list(light)), "smoke": shapely.union_all(list(steam))}
    allowed = {name: view.polygon.difference(known[name]) for name in CLASSES}
    return [
        p for p in proposals
        if (area := shapely.box(*p.box_px)).area > 0 and allowed[p.label].intersection(area).area >= LEAST_ALLOWED * area.area
    ]  # fmt: skip


def _masks(
    view: View, size_px: tuple[int, int], picture: Image, steam: Sequence[shapely.Polygon], light: Sequence[shapely.Polygon]
) -> dict[str, Mask]:  # fmt: skip
    height, width = picture.shape[:2]
    scale = width / size_px[0]

    def filled(polygons: Sequence[shapely.Polygon]) -> Mask:
        inside = np.zeros((height, width), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(inside, [np.round(np.array(polygon.exterior.coords) * scale).astype(np.int32)], 1)
        return inside.astype(bool)

    zone = filled([view.polygon])
    return {"fire": zone & ~filled(light), "smoke": zone & ~filled(steam)}


def _region(proposal: _Proposal, scale: float, size: tuple[int, int]) -> Region:
    x0, y0, x1, y1 = (v * scale for v in proposal.box_px)
    wide, high = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    return (
        max(0, int(x0 - wide)), max(0, int(y0 - high)),
        min(size[0], int(np.ceil(x1 + wide))), min(size[1], int(np.ceil(y1 + high))),
    )  # fmt: skip


def _same(a: _Proposal, b: _Proposal) -> bool:
    """Whether two proposals (of neighbouring looks) are one: half of the smaller lies in the other."""
    shared = shapely.box(*a.box_px).intersection(shapely.box(*b.box_px)).area
    small = min(shapely.box(*a.box_px).area, shapely.box(*b.box_px).area)
    return a.label == b.label and small > 0 and shared >= 0.5 * small


def _box(values: list[float]) -> Box:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
