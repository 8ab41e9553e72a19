"""What was built on a roof: two pictures of it that lie over one another, compared so that light and weather cancel. Pure.

Sun, shade and wetness multiply the light of a surface, nearly alike in all three colours, and leave its texture where it
was. So three things are compared, each after the roof's own change of light is taken out: colour ratios (log-chromaticity;
Finlayson et al., "On the removal of shadows from images", 2006), texture by local correlation, and brightness only where
there is no texture to compare. What differs is cut into regions, and a region is a structure when its shape and its edges
are: large enough, straight-sided, filling its rectangle, bounded by edges that were not there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import exp, log

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_plane import GSD_M, Mask

FLOOR = 12.0  # grey levels added before the logarithm: noise in the dark is no colour
SMOOTH_PX = 1.0  # of both pictures: what is left of the misregistration
TEXTURE_PX = 4.0  # window of the local correlation (sigma): half a metre
NOISE = 0.0012  # variance of the log of brightness that sensor and JPEG leave
LIGHT_ROUNDS = 4
LIGHT_STEPS = 60.0  # per log unit: the median filter takes bytes
SKY_BLUE = 0.15  # of the change in brightness: sun at 5500 K against a sky of 10000 K and more
EVEN_PX = 11  # areas of one change of light are larger, ribs and tiles finer
CHROMA_UNIT = 0.16  # a difference of colour that counts fully
SPREAD_PX = 3.0
# What speaks for a pixel: colour, texture, brightness where there is no texture, edges that went, edges that came.
# From a logistic regression on rendered pairs of the tiles for tuning, rounded; fitted again the figures would differ little.
PIXEL_WEIGHTS, PIXEL_BIAS = (3.5, 6.5, 3.5, 2.5, 1.7), -5.5
SCORE_LEVELS, CHROMA_LEVELS, LIGHT_LEVELS = (0.3, 0.55), (0.5, 0.9), (0.12, 0.25, 0.45)
NETWORK_LEVELS, PIECE_LEVEL = (0.15, 0.3, 0.6), 0.3
SIDE_AT_LEAST_M = 1.3  # clothes on a line, pipes, and the strips of a misfit are narrower
MOST_REGIONS = 12
# Logistic regressions on the regions of rendered pairs of the tiles for tuning (python -m bench.roofs --fit), without and with a network.
REGION_WEIGHTS = {
    "score": 3.15, "chroma": 2.12, "texture": 3.33, "brighter": 0.4, "darker": -1.99, "step": 0.26, "was_dark": -2.95, "fill": 4.27,
    "side_m": -0.2, "size": 2.07, "straight": 2.02, "fresh": 4.42, "flat": 3.53, "white": -1.44, "rim": -3.55,
}  # fmt: skip
REGION_BIAS = -14.14
REGION_WEIGHTS_NETWORK = {
    "score": 0.75, "chroma": 0.53, "texture": 0.54, "brighter": -1.19, "darker": 0.54, "step": -0.11, "was_dark": 0.61, "fill": 5.14,
    "side_m": 0.1, "size": 0.21, "straight": 4.59, "fresh": 3.77, "flat": 0.6, "white": -0.81, "rim": -2.59, "network": 5.21, "whole": 4.38,
}  # fmt: skip
REGION_BIAS_NETWORK = -14.87

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Region:
    """A part of a roof that differs, with what speaks for a structure. Shares 0 to 1 unless said otherwise.

    mask (h, w); area_m2; score, chroma, texture: means of the difference and its parts; brighter, darker: by how much, log
    units; step: how much more it differs in brightness than what surrounds it; was_dark: how much darker than the roof it
    was in the baseline; fill: of its smallest rectangle; side_m: that rectangle's shorter side; size: log of its area;
    straight: of its outline that lies on edges of today's picture which run along it; fresh: how much stronger those are
    than in the baseline; flat: how even its inside is today; white: how white it is; rim: of its outline that is the roof's own;
    network: mean of a network's share of what was built, 0 without one; whole: of what the network marks as one piece here, how much
    the region covers.
    """

    mask: Mask
    area_m2: float
    score: float
    chroma: float
    texture: float
    brighter: float
    darker: float
    step: float
    was_dark: float
    fill: float
    side_m: float
    size: float
    straight: float
    fresh: float
    flat: float
    white: float
    rim: float
    network: float
    whole: float


CUES = tuple(f.name for f in fields(Region) if f.name not in ("mask", "area_m2"))


def difference(before: Image, after: Image, roof: Mask) -> tuple[Singles, Singles, Singles, Singles]:
    """(h, w) score 0 to 1 of what differs and its parts: chroma, texture, and brightness in log units (negative: darker).

    before, after (h, w, 3) lie over one another; light is compared on `roof` (h, w).
    """
    old, new = (_logs(image) for image in (before, after))
    ratio = new - old
    usable = roof.copy()
    for _ in range(LIGHT_ROUNDS):
        level = np.array([np.median(ratio[..., k][usable]) for k in range(3)], np.float32)
        off = np.abs(ratio - level).max(axis=2)
        usable = roof & (off < max(0.25, float(np.median(off[roof])) * 1.5))
        if usable.sum() < 50:
            usable = roof.copy()
    ratio -= level
    light = ratio.mean(axis=2)
    chroma = _chroma(ratio, light)
    weight = np.minimum(old.min(axis=2), new.min(axis=2)) - np.log(FLOOR)
    chroma *= np.clip(weight / 1.2, 0.2, 1.0)  # colours of dark pixels are noise
    chroma = np.clip(_tolerant(chroma) / CHROMA_UNIT, 0, 1.5)
    texture = _texture(old.mean(axis=2), new.mean(axis=2) - _even_light(light))
    cues = (
        _spread(chroma), _spread(texture), np.clip(np.abs(light), 0, 1) * (1 - texture),
        _only_in(_strength(old), _strength(new)), _only_in(_strength(new), _strength(old)),
    )  # fmt: skip
    total = PIXEL_BIAS + sum(weight * cue for weight, cue in zip(PIXEL_WEIGHTS, cues, strict=True))
    return np.asarray(1 / (1 + np.exp(-total)), np.float32), np.asarray(chroma, np.float32), texture, light


def _spread(values: NDArray[np.generic]) -> Singles:
    return np.asarray(cv2.GaussianBlur(np.asarray(values, np.float32), (0, 0), SPREAD_PX), np.float32)


def _strength(logs: Singles) -> Singles:
    """(h, w) of edges, log units per pixel."""
    gx, gy = _gradient_of(logs)
    return np.asarray(np.hypot(gx, gy), np.float32)


def _only_in(one: Singles, other: Singles) -> Singles:
    """Edges of `one` that `other` does not have within two pixels, spread over their surroundings; about 0 to 1."""
    near = cv2.dilate(other, np.ones((5, 5), np.uint8))
    return _spread(np.clip(one - 1.2 * near, 0, 0.5) * 10)


@dataclass(frozen=True)
class _Seen:
    """What regions are measured on: both pictures' edges and levels, and the parts of the difference."""

    score: Singles
    chroma: Singles
    texture: Singles
    light: Singles
    network: Singles
    pieces: NDArray[np.int32]  # the network's connected parts, numbered; 0 is none
    after: Image
    old_level: Singles
    old_edges: tuple[Singles, Singles]
    new_edges: tuple[Singles, Singles]
    roof: Mask
    rim: Mask


def regions(
    before: Image, after: Image, roof: Mask, least_m2: float, network: Singles | None = None
) -> list[Region]:  # fmt: skip
    """The parts of `roof` that differ and are large enough; they may overlap.

    Proposed from several looks at the difference: where it is large, where colour changed, where it became lighter or
    darker as one area, and where a network says so. network: its (h, w) shares from 0 to 1 of what was built.
    """
    own, chroma, texture, light = difference(before, after, roof)
    rim = roof & ~(cv2.erode(roof.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    old_level = _logs(before).mean(axis=2)
    said = np.zeros_like(own) if network is None else network
    _, pieces = cv2.connectedComponents(((said > PIECE_LEVEL) & roof).astype(np.uint8))
    seen = _Seen(own, chroma, texture, light, said, np.asarray(pieces, np.int32), after, old_level - float(np.median(old_level[roof])),
                 _gradient(before), _gradient(after), roof, rim)  # fmt: skip
    even = cv2.medianBlur(np.clip(light * LIGHT_STEPS + 128, 0, 255).astype(np.uint8), 7).astype(np.float32) - 128
    proposals = [own > t for t in SCORE_LEVELS] + [_spread(chroma) > t for t in CHROMA_LEVELS]
    proposals += [even > t * LIGHT_STEPS for t in LIGHT_LEVELS] + [even < -t * LIGHT_STEPS for t in LIGHT_LEVELS]
    if network is not None:
        proposals += [said > t for t in NETWORK_LEVELS]
    found = []
    for proposal in proposals:
        found += [_region(mask, seen) for mask in _pieces(proposal & roof, least_m2)]
    return found


def best_of(regions: Sequence[Region], chances: Sequence[float]) -> list[tuple[Region, float]]:
    """The likeliest regions that do not overlap, at most MOST_REGIONS, likeliest first."""
    kept: list[tuple[Region, float]] = []
    for k in sorted(range(len(regions)), key=lambda n: -chances[n]):
        mask = regions[k].mask
        smaller = [min(int(mask.sum()), int(r.mask.sum())) for r, _ in kept]
        if all(int((mask & r.mask).sum()) < 0.3 * s for (r, _), s in zip(kept, smaller, strict=True)):
            kept.append((regions[k], chances[k]))
    return kept[:MOST_REGIONS]


def _pieces(wanted: Mask, least_m2: float) -> list[Mask]:
    """The connected parts of a mask, small gaps closed, thin parts and holes gone, those large enough."""
    whole = cv2.morphologyEx(wanted.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    whole = _filled(whole > 0).astype(np.uint8)
    side = int(SIDE_AT_LEAST_M / GSD_M)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))  # a square would cut sheds that stand askew
    whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, disc)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
    least_px = least_m2 / GSD_M**2
    return [labels == n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= least_px]


def outline_of(region: Region) -> shapely.Polygon:
    """The region's outline in raster pixels, its corners only."""
    contours, _ = cv2.findContours(region.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(largest, 0.02 * cv2.arcLength(largest, closed=True), closed=True)[:, 0]
    if len(corners) < 3:
        corners = cv2.boxPoints(cv2.minAreaRect(largest))
    return shapely.Polygon(corners).buffer(0)


def _region(mask: Mask, seen: _Seen) -> Region:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    (_, (wide, high), _) = cv2.minAreaRect(contour)
    core = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    core = core if core.sum() > 20 else mask
    around = (cv2.dilate(mask.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0) & seen.roof
    around &= ~(cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    straight, fresh = _outline_edges(np.asarray(contour, np.int32), seen.old_edges, seen.new_edges)
    grey = cv2.cvtColor(seen.after, cv2.COLOR_BGR2GRAY)[core].astype(np.float32)
    lighter = float(np.median(seen.light[core]))
    beside = float(np.median(seen.light[around])) if around.any() else 0.0
    border = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(border, [contour], -1, 1, 1)
    area_m2 = float(mask.sum()) * GSD_M**2
    return Region(
        mask=mask, area_m2=area_m2, score=float(seen.score[core].mean()), chroma=float(np.median(seen.chroma[core])),
        texture=float(seen.texture[core].mean()), brighter=max(lighter, 0.0), darker=max(-lighter, 0.0), step=abs(lighter - beside),
        was_dark=max(0.0, -float(np.median(seen.old_level[core]))), fill=float(mask.sum()) / max((wide + 1) * (high + 1), 1.0),
        side_m=GSD_M * (min(wide, high) + 1), size=log(area_m2), straight=straight, fresh=fresh, flat=exp(-float(grey.std()) / 20),
        white=float((seen.after[core].min(axis=1) > 175).mean()), rim=float(seen.rim[border > 0].mean()),
        network=float(seen.network[core].mean()), whole=_whole(mask, seen.pieces),
    )  # fmt: skip


def _whole(mask: Mask, pieces: NDArray[np.int32]) -> float:
    sizes = np.bincount(pieces.ravel())
    within = np.bincount(pieces[mask], minlength=len(sizes))
    touched = (within > 0) & (np.arange(len(sizes)) > 0)
    return float(within[touched].sum() / max(int(sizes[touched].sum()), 1))


def _outline_edges(
    contour: NDArray[np.int32], old: tuple[Singles, Singles], new: tuple[Singles, Singles]
) -> tuple[float, float]:
    """Share of a contour on an edge of today's picture that runs along one of the region's straight sides; how new those are."""
    corners = cv2.approxPolyDP(contour, 2.5, closed=True)[:, 0].astype(float)
    found, total, strong_new, strong_old = 0.0, 0.0, 0.0, 0.0
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = b - a
        length = float(np.linalg.norm(along))
        total += length
        if length < 6:
            continue
        normal = np.array([-along[1], along[0]]) / length
        steps = np.linspace(0.1, 0.9, max(int(length), 4))
        line = a + steps[:, None] * along
        across = line[:, None] + normal * np.arange(-4, 5)[None, :, None]
        best_new, best_old = (_along(edges, across, normal) for edges in (new, old))
        at = int(np.argmax(np.median(best_new, axis=0)))
        edge_new = best_new[:, at]
        near = slice(max(at - 1, 0), at + 2)
        edge_old = best_old[:, near].max(axis=1)
        found += length * float((edge_new > 0.06).mean())
        strong_new += length * float(np.median(edge_new))
        strong_old += length * float(np.median(edge_old))
    return found / max(total, 1.0), (strong_new - strong_old) / max(total, 1.0)


def _along(
    edges: tuple[Singles, Singles], points: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, k) strength across a line, in log units per pixel, at points (n, k, 2)."""
    at = points.astype(np.float32)
    gx, gy = (cv2.remap(g, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for g in edges)
    return np.asarray(np.abs(gx * normal[0] + gy * normal[1]), float)


def _gradient(image: Image) -> tuple[Singles, Singles]:
    return _gradient_of(_logs(image))


def _gradient_of(logs: Singles) -> tuple[Singles, Singles]:
    grey = cv2.GaussianBlur(np.asarray(logs.mean(axis=2), np.float32), (0, 0), 0.7)
    return (
        np.asarray(cv2.Scharr(grey, cv2.CV_32F, 1, 0) / 32, np.float32),
        np.asarray(cv2.Scharr(grey, cv2.CV_32F, 0, 1) / 32, np.float32),
    )


def _logs(image: Image) -> Singles:
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), SMOOTH_PX)
    return np.asarray(np.log(smooth + FLOOR), np.float32)


def _tolerant(values: NDArray[np.generic]) -> Singles:
    """The lowest value in reach of one pixel: an edge that lies a pixel beside itself is no change."""
    return np.asarray(cv2.erode(np.asarray(values, np.float32), np.ones((3, 3), np.uint8)), np.float32)


def _texture(old: Singles, new: Singles) -> Singles:
    """(h, w) 0 where both have the same texture or none, towards 1 where it was replaced."""

    def fine(x: Singles) -> Singles:
        return np.asarray(x - cv2.GaussianBlur(x, (0, 0), 5.0), np.float32)

    def mean(x: NDArray[np.generic]) -> Singles:
        return np.asarray(cv2.GaussianBlur(np.asarray(x, np.float32), (0, 0), TEXTURE_PX), np.float32)

    a, b = fine(old), fine(new)
    vaa, vbb, vab = mean(a * a), mean(b * b), mean(a * b)
    gain = np.clip(
        np.sqrt((vbb + NOISE) / (vaa + NOISE)), 0.5, 2.0
    )  # contrast differs with haze and light, texture does not
    unlike = vbb + gain**2 * vaa - 2 * gain * vab
    return np.asarray(np.clip(unlike / (vbb + gain**2 * vaa + 3 * NOISE), 0, 1), np.float32)


def _chroma(ratio: Singles, light: Singles) -> Singles:
    """(h, w) change of colour that daylight does not explain: shade is lit by the sky, so it may be as much bluer as it is darker."""
    blue_red = (ratio[..., 0] - ratio[..., 2]) / 2
    towards = -np.sign(light)
    explained = np.clip(towards * blue_red, 0, SKY_BLUE * np.abs(light))
    green = (ratio[..., 1] - light) * 1.5
    return np.asarray(np.hypot(blue_red - towards * explained, green), np.float32)


def _even_light(light: Singles) -> Singles:
    """The change of light by areas, edges of shadows kept: what a shadow changes and a texture does not."""
    coarse = np.clip(light * LIGHT_STEPS + 128, 0, 255).astype(np.uint8)
    return np.asarray((cv2.medianBlur(coarse, EVEN_PX).astype(np.float32) - 128) / LIGHT_STEPS, np.float32)


def _filled(mask: Mask) -> Mask:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, cv2.FILLED)
    return out > 0


def chance(region: Region, *, with_network: bool = False) -> float:
    """How likely a region is a structure: a logistic of its cues, the network's opinion one of them."""
    weights = REGION_WEIGHTS_NETWORK if with_network else REGION_WEIGHTS
    bias = REGION_BIAS_NETWORK if with_network else REGION_BIAS
    total = bias + sum(w * float(getattr(region, name)) for name, w in weights.items())
    return 1 / (1 + exp(-max(min(total, 30.0), -30.0)))
