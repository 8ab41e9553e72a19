"""Hot things in a thermal picture: found, measured and named as what they are. Pure; no hazard is decided by place here.

What the names rest on, all of it on one picture:

- `fire`: at least `LEAST_FIRE_PX` pixels at `fire_c` or above: hotter than sun makes a roof (about 90 °C) or an engine its
  cover; or a whole patch above `SMOULDER_C`, larger than a chimney or an exhaust shows. With a pose, the patch must be
  larger than the mouth of a flue, or as hot as a flame.
- `hot-point`: hot, small and isolated: an exhaust, a lamp, a motor, an insulator. `hot-strip`: the same, long and
  narrow: a flue, a pipe.
- `heated-surface`: large and even, below `SMOULDER_C`: roof, asphalt, panels in the sun.
- `warm-object`: the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.geo import Camera
from patrol_edge.frame import Image
from patrol_edge.rules.sighting import Box
from patrol_edge.thermal.radiometry import Celsius, glow

LEAST_FIRE_PX = 3  # one or two hot pixels are as often a defect or a glint as a flame
SMOULDER_C = 100.0  # no surface reaches it by sun
LEAST_SMOULDER_PX = 25  # chimneys and exhausts in the shared pictures of cities have at most 20 pixels above 60 °C
# above SMOULDER_C, where square metres are known: smaller and colder is the mouth of a flue (half a metre) or an exhaust (300 °C)
LEAST_FIRE_M2, FLAME_C = 0.25, 350.0
# a lens spreads an edge over about so many pixels to each side: half of the glow that is reached within them lies on the edge itself
SOFT_PX = 2
EDGE_PX = 0.5  # by which an outline of whole pixels may lie too far out
RING_PX = 3  # width of what is taken as the surroundings of a thing's edge
RESOLVED_PX = 9  # three by three: the middle one is filled by the thing alone; of less, no picture tells how hot and how large it is
HOTTEST_FLAME_C = 1200.0  # wood, rubbish, petrol and gas in open air burn below it
SMALL_PX, SMALL_M2 = 60, 3.0  # a point is at most so large
STRIP_ASPECT, LEAST_STRIP_PX = 2.5, 12  # long side over short side; fewer pixels have no shape
EVEN_SPAN_C = 15.0  # a heated surface varies less than this between its quartiles
MAX_SPOTS = 200  # hottest first; a picture with more is a furnace, and one of them says so
MAX_SAMPLES = 2000  # pixels of a region that are placed one by one for its area
RELATIVE_SHARE = 0.35  # of the grey range above the surroundings: what stands out in a picture without temperatures
RELATIVE_LEVEL = 200  # of 255; automatic gain makes the hottest thing of any scene nearly white


class HotKind(StrEnum):
    """What a hot thing is."""

    FIRE = "fire"
    HOT_POINT = "hot-point"
    HOT_STRIP = "hot-strip"
    HEATED_SURFACE = "heated-surface"
    WARM_OBJECT = "warm-object"
    KNOWN_HEAT = "known-heat"
    RELATIVE = "relative"


@dataclass(frozen=True)
class Thresholds:
    """Degrees that decide; see the zone's configuration."""

    hot_c: float = 60.0
    contrast_c: float = 20.0
    fire_c: float = 150.0


@dataclass(frozen=True)
class HotSpot:
    """One hot region. Temperatures in °C; for pictures with colours only they are None and `contrast` is a share of grey.

    `area_px`: pixels above `hot_c`; `body_px`: pixels above half of the contrast, around the hottest. On flat ground, None
    without a pose: `area_m2`, the least that it can be (`extent`) and the most, every pixel that neither sun nor blur alone
    heats (above SMOULDER_C, where there are such); `warm_m2`, of all pixels above `hot_c`.
    """

    kind: HotKind
    box_px: Box
    hottest_px: tuple[int, int]
    peak_c: float | None
    background_c: float | None
    contrast: float
    area_px: int
    body_px: int
    core_px: int
    smoulder_px: int
    area_m2: float | None
    least_m2: float | None = None
    most_m2: float | None = None
    warm_m2: float | None = None

    @property
    def confidence(self) -> float:
        """0.5 where it just counts as a fire, 0.99 when 200 degrees above it or ten times as large."""
        if self.kind is not HotKind.FIRE:
            return 0.0
        hotter = 0.0 if self.peak_c is None else max(0.0, self.peak_c - SMOULDER_C) / 400
        larger = max(self.core_px / LEAST_FIRE_PX, self.smoulder_px / LEAST_SMOULDER_PX) / 20
        return min(0.99, 0.5 + max(hotter, larger))


AreaOf = Callable[[NDArray[np.intp], NDArray[np.intp]], float | None]


def no_area(ys: NDArray[np.intp], xs: NDArray[np.intp]) -> float | None:
    """For cameras without a pose."""
    del ys, xs
    return None


def ground_area(camera: Camera) -> AreaOf:
    """A function from pixels (rows, columns) to the square metres that they cover on flat ground; None above the horizon."""

    def area_of(ys: NDArray[np.intp], xs: NDArray[np.intp]) -> float | None:
        step = max(1, len(ys) // MAX_SAMPLES)
        middle = np.stack([xs[::step], ys[::step]], axis=1).astype(float)
        corners = [camera.to_plane(middle + offset) for offset in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
        across, along = corners[2] - corners[0], corners[3] - corners[1]
        areas = np.abs(across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0]) / 2
        return float(areas.sum() * len(ys) / len(areas)) if np.isfinite(areas).all() else None

    return area_of


def find(celsius: Celsius, watched: NDArray[np.bool_], limits: Thresholds, area_of: AreaOf = no_area) -> list[HotSpot]:
    """All hot things of an (h, w) array within the (h, w) mask, hottest first. NaN is no reading."""
    filled = np.where(np.isfinite(celsius), celsius, np.float32(-273.15))
    hot = (filled >= limits.hot_c) & watched
    if not hot.any():
        return []
    spots = []
    for near, own in _clusters(hot):
        spot = _measured(filled, hot, near, own, limits, area_of)
        if spot is not None:
            spots.append(spot)
    return sorted(spots, key=lambda s: -(s.peak_c or 0.0))[:MAX_SPOTS]


def _clusters(hot: NDArray[np.bool_]) -> list[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Regions of hot pixels that nearly touch: (window with some surroundings, their pixels in it). Bounded."""
    reach = max(2, hot.shape[1] // 160)
    joined = cv2.dilate(hot.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    order = 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA], kind="stable")[: 4 * MAX_SPOTS]
    clusters = []
    for n in order:
        x, y, w, h = (int(v) for v in stats[n, :4])
        margin = max(6, (w + h) // 4)
        window = (slice(max(0, y - margin), y + h + margin), slice(max(0, x - margin), x + w + margin))
        clusters.append((window, hot[window] & (labels[window] == n)))
    return clusters


def _measured(
    filled: Celsius,
    hot: NDArray[np.bool_],
    window: tuple[slice, slice],
    own: NDArray[np.bool_],
    limits: Thresholds,
    area_of: AreaOf,
) -> HotSpot | None:
    near = filled[window]
    around = near[~hot[window] & (near > -273)]
    background_c = float(np.median(around)) if len(around) else limits.hot_c
    ys, xs = np.nonzero(own)
    values = near[ys, xs]
    top = int(values.argmax())
    peak_c = float(values[top])
    if peak_c - background_c < limits.contrast_c:
        return None
    y0, x0 = window[0].start, window[1].start
    body = near >= background_c + (peak_c - background_c) / 2
    body_px, aspect = _body(body, int(xs[top]), int(ys[top]))
    quartiles = np.percentile(values, (25, 75))
    spot = HotSpot(
        HotKind.WARM_OBJECT,
        _box_of(xs + x0, ys + y0),
        (int(x0 + xs[top]), int(y0 + ys[top])), peak_c, background_c, peak_c - background_c, len(ys), body_px,
        int((values >= limits.fire_c).sum()), int((values >= SMOULDER_C).sum()), None,
        warm_m2=area_of(ys + y0, xs + x0),
    )  # fmt: skip
    burning = values >= SMOULDER_C
    burning_m2 = area_of(ys[burning] + y0, xs[burning] + x0) if burning.any() else None
    spot = replace(spot, kind=kind_of(spot, aspect, float(quartiles[1] - quartiles[0]), burning_m2))
    if spot.warm_m2 is None:
        return spot
    itself = own & (near >= SMOULDER_C) if burning.any() else own
    inside, least_share = extent(near, itself, background_c)
    ys, xs = np.nonzero(inside)
    most_m2 = spot.warm_m2 if burning_m2 is None else burning_m2
    area_m2 = area_of(ys + y0, xs + x0) or 0.0
    return replace(spot, area_m2=area_m2, least_m2=min(area_m2, least_share * most_m2), most_m2=most_m2)


def _box_of(xs: NDArray[np.intp], ys: NDArray[np.intp]) -> Box:
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


def extent(celsius: Celsius, hot: NDArray[np.bool_], surroundings_c: float) -> tuple[NDArray[np.bool_], float]:
    """Of the (h, w) hot pixels those that the hot thing itself covers, and the least share of the hot ones that it can be.

    Glow adds up under a soft lens, degrees do not: a pixel of which a tenth burns reads far above any threshold in degrees. Where a
    thing ends, its glow is half-way between what lies around it (the roof that it burns on, where there is one; `surroundings_c`
    where nothing is known) and what it reaches within the softness of the lens. At the least its outline lies half a pixel further
    in, or all of it is as hot as its hottest pixel, or, too small to be resolved, as hot as any flame.
    """
    near = cv2.dilate(hot.astype(np.uint8), np.ones((2 * SOFT_PX + 1,) * 2, np.uint8))
    ring = (cv2.dilate(near, np.ones((2 * RING_PX + 1,) * 2, np.uint8)) > near) & (celsius > -273)
    cold = float(glow(float(np.median(celsius[ring])) if ring.any() else surroundings_c))
    above = np.where(hot, np.maximum(glow(np.where(hot, celsius, 0)) - cold, 0.0), 0.0)
    reached = cv2.dilate(above, np.ones((2 * SOFT_PX + 1,) * 2, np.uint8))
    inside = hot & (2 * above >= reached)
    count = int(inside.sum())
    hottest = float(above.max()) if count >= RESOLVED_PX else float(glow(HOTTEST_FLAME_C)) - cold
    as_hot_px = float(above.sum()) / max(hottest, float(above.max()), 1e-9)
    drawn_in_px = count * max(0.0, 1 - EDGE_PX / np.sqrt(max(count, 1) / np.pi)) ** 2
    return inside, min(as_hot_px, drawn_in_px) / max(1, int(hot.sum()))


def _body(body: NDArray[np.bool_], x: int, y: int) -> tuple[int, float]:
    """Pixels of the part around (x, y), and its length over its width (from second moments)."""
    _, labels = cv2.connectedComponents(body.astype(np.uint8), connectivity=8)
    ys, xs = np.nonzero(labels == labels[y, x])
    if len(ys) < 3:
        return len(ys), 1.0
    spread = np.linalg.eigvalsh(np.cov(np.stack([xs, ys]).astype(float)) + np.eye(2) / 12)
    return len(ys), float(np.sqrt(spread[1] / spread[0]))


def kind_of(spot: HotSpot, aspect: float, quartile_span_c: float, burning_m2: float | None = None) -> HotKind:
    """The name of a hot thing by heat, size and shape; see the module text. `burning_m2`: of what is above SMOULDER_C."""
    is_mouth = burning_m2 is not None and burning_m2 < LEAST_FIRE_M2 and (spot.peak_c or 0.0) < FLAME_C
    if (spot.core_px >= LEAST_FIRE_PX or spot.smoulder_px >= LEAST_SMOULDER_PX) and not is_mouth:
        return HotKind.FIRE
    small = spot.area_px <= SMALL_PX and (spot.warm_m2 is None or spot.warm_m2 <= SMALL_M2)
    if small:
        return HotKind.HOT_STRIP if aspect >= STRIP_ASPECT and spot.body_px >= LEAST_STRIP_PX else HotKind.HOT_POINT
    return HotKind.HEATED_SURFACE if quartile_span_c <= EVEN_SPAN_C and not spot.smoulder_px else HotKind.WARM_OBJECT


def find_relative(image: Image, watched: NDArray[np.bool_]) -> list[HotSpot]:
    """What stands out in an (h, w, 3) picture that holds colours only. Nothing in it is a temperature: the camera's own
    gain makes the hottest thing of any scene bright, so this says where to look, not what burns."""
    grey = cv2.GaussianBlur(image.max(axis=2), (5, 5), 0)
    background = float(np.median(grey[watched])) if watched.any() else 255.0
    bright = (grey >= max(RELATIVE_LEVEL, background + 255 * RELATIVE_SHARE)) & watched
    spots = []
    for window, own in _clusters(bright) if bright.any() else []:
        ys, xs = np.nonzero(own)
        if len(ys) < LEAST_FIRE_PX:
            continue
        values = grey[window][ys, xs]
        top, y0, x0 = int(values.argmax()), window[0].start, window[1].start
        box = (float(x0 + xs.min()), float(y0 + ys.min()), float(x0 + xs.max() + 1), float(y0 + ys.max() + 1))
        contrast = (float(values[top]) - background) / 255
        spots.append(
            HotSpot(
                HotKind.RELATIVE,
                box,
                (int(x0 + xs[top]), int(y0 + ys[top])),
                None,
                None,
                contrast,
                len(ys),
                len(ys),
                0,
                0,
                None,
            )
        )
    return sorted(spots, key=lambda s: -s.area_px)[:MAX_SPOTS]
