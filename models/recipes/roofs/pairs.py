"""Pairs of pictures of one roof, registered as well as a drone's are, with what was built and removed between them marked.

The pictures are real roof tiles; structures are drawn or cut out of other real roofs (``structures.py``); everything that
differs without anything being built is ``seasons.py``. Nothing here reads a clock or a file: a seed gives a pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.recipes import augment
from models.recipes.augment import Image, Random
from models.recipes.labels import Floats
from models.recipes.roofs import seasons, structures
from models.recipes.roofs.seasons import Cover, Picture, filled
from models.recipes.roofs.structures import FINE, CutOut, Piece
from models.recipes.roofs.tiles import METRES_PER_PX, Ground

LEAST_INSIDE = 0.8  # of a structure's footprint that must lie on the roof it is put onto
TRIES = 12


class Light(BaseModel):
    """The sun of the survey's tiles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shadow_bearing_deg: float = Field(
        description="where shadows fall, from north over east; measured beside footprints"
    )
    shadow_per_height: tuple[float, float] = Field(description="length of a shadow per height, least and most")


class Rules(BaseModel):
    """What is drawn, how often, and how well two pictures fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = 256
    light: Light
    kinds: dict[str, float] = Field(description="kind of structure → how often; a cut-out is `cut`")
    sides_m: tuple[float, float] = Field(default=(2.2, 9.0), description="shortest and longest side of a structure")
    least_area_m2: float = 6.0
    built: tuple[float, ...] = Field(description="chances of 0, 1, 2 ... structures that only the later picture has")
    removed: tuple[float, ...]
    kept: tuple[float, ...] = Field(description="chances of structures that both have: pasting alone is no change")
    effects: dict[str, float]
    shift_px: float = Field(description="standard deviation of the shift that registration leaves")
    turn_deg: float
    scale: float
    bend_px: float = Field(description="standard deviation of what no straight map removes: lean, lens, stitching")


@dataclass(frozen=True)
class Placed:
    """A structure in the picture: kind, corners of its footprint ``[4, 2]`` in pixels, was it built (or removed)."""

    kind: str
    outline: Floats
    built: bool

    @property
    def area_m2(self) -> float:
        """Of the footprint."""
        return float(cv2.contourArea(self.outline.astype(np.float32))) * METRES_PER_PX**2


@dataclass(frozen=True)
class Pair:
    """Two pictures BGR ``[s, s, 3]``, what was built and what was removed between them ``[s, s]`` 0 or 255, and the structures."""

    before: Image
    after: Image
    built: NDArray[np.uint8]
    removed: NDArray[np.uint8]
    changes: list[Placed] = field(default_factory=list)
    host: Floats | None = None


@dataclass(frozen=True)
class Material:
    """What pairs are made from: grounds, those of them with footprints, and real roofs cut out of them."""

    grounds: Sequence[Ground]
    cuts: Sequence[CutOut]
    mapped_share: float = 0.6

    def ground(self, random: Random) -> Ground:
        """One ground, a mapped one at ``mapped_share``."""
        mapped = [item for item in self.grounds if item.mapped]
        pool = mapped if random.random() < self.mapped_share or len(mapped) == len(self.grounds) else self.grounds
        return pool[int(random.integers(len(pool)))]


def reach_of(bearing_deg: float, per_height: float) -> Floats:
    """Pixels (x, y down) by which a point one metre high throws its shadow."""
    bearing = np.radians(bearing_deg)
    return np.array([np.sin(bearing), -np.cos(bearing)]) * per_height / METRES_PER_PX


def window(place: Ground, size: int, random: Random, host: int | None = None) -> tuple[Picture, list[Floats]]:
    """A square of the ground, around a building where any is mapped (the one numbered ``host``), and the footprints in its pixels.

    With a host its footprint is the first.
    """
    h, w = place.image.shape[:2]
    if place.buildings:
        chosen = int(random.integers(len(place.buildings))) if host is None else host
        middle = place.buildings[chosen].outline.mean(axis=0) + random.normal(0, size / (8 if host is None else 32), 2)
    else:
        middle = random.uniform(0, 1, 2) * np.array([w, h])
    left = int(np.clip(middle[0] - size / 2, 0, max(0, w - size)))
    top = int(np.clip(middle[1] - size / 2, 0, max(0, h - size)))
    part = place.image[top : top + size, left : left + size]
    order = sorted(range(len(place.buildings)), key=lambda index: index != host)
    outlines = [place.buildings[index].outline - np.array([left, top]) for index in order]
    seen = [
        item for item in outlines if item.max() > 0 and (item.min(axis=0) < size).all() and (item.max(axis=0) > 0).all()
    ]
    return part.astype(np.float32), seen


def choose(material: Material, rules: Rules, kinds: Mapping[str, float], random: Random) -> Piece:
    """A structure of a kind drawn by its chance, of random size."""
    names, chances = list(kinds), np.array(list(kinds.values()))
    name = names[int(random.choice(len(names), p=chances / chances.sum()))]
    if name == "cut":
        cut = material.cuts[int(random.integers(len(material.cuts)))]
        return structures.piece_of(cut, random, random.uniform(0.75, 1.1))
    least, most = rules.sides_m
    width = float(np.exp(random.uniform(np.log(least), np.log(most * 0.7))))
    length = float(np.clip(width * random.uniform(1.0, 2.5), max(least, rules.least_area_m2 / width), most))
    return structures.DRAWN[name](random, length, width)


def spot(piece: Piece, outlines: Sequence[Floats], taken: Cover, random: Random) -> tuple[Floats, float] | None:
    """Middle and angle at which the structure stands along a roof's side, mostly inside of it and on nothing else; None if it fits nowhere."""
    h, w = taken.shape
    size = np.array(piece.cover.shape[::-1]) / FINE
    for _ in range(TRIES):
        if outlines:
            roof = outlines[int(random.integers(len(outlines)))]
            (cx, cy), sides, degrees = cv2.minAreaRect(roof.astype(np.float32))
            angle = np.radians(degrees + 90 * int(random.integers(4)) + random.normal(0, 1.5))
            middle = (
                np.array([cx, cy]) + (random.uniform(-0.45, 0.45, 2) * np.array(sides)) @ _turn(np.radians(degrees)).T
            )
            allowed = filled(roof, h, w)
        else:
            angle, middle = random.uniform(0, 2 * np.pi), random.uniform(0.1, 0.9, 2) * np.array([w, h])
            allowed = np.ones((h, w), np.float32)
        foot = filled(corners(middle, size, angle), h, w)
        area = float(foot.sum())
        visible = area > 0.6 * size.prod()
        if visible and (foot * allowed).sum() > LEAST_INSIDE * area and (foot * taken).sum() < 0.02 * area:
            return middle, float(angle)
    return None


def _turn(angle: float) -> Floats:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def corners(middle: Floats, size: Floats, angle: float) -> Floats:
    """The corners ``[4, 2]`` of a turned rectangle."""
    return np.asarray((np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2) @ _turn(angle).T + middle)


def put(
    image: Picture, piece: Piece, middle: Floats, angle: float, reach: Floats, depth: float, lean: Floats
) -> tuple[Picture, Cover]:
    """The picture with the structure on it, its shadow (``depth`` of the light gone) and the side that is seen; and what it covers.

    reach, lean ``[2]``: pixels that a metre of height moves its shadow and its top.
    """
    h, w = image.shape[:2]
    size = np.array(piece.cover.shape[::-1]) / FINE
    foot = corners(middle, size, angle)
    fallen = seasons.swept(foot, reach * piece.height_m, h, w)
    image = seasons.shade(image, seasons.soft(fallen, 0.7), depth)
    top = lean * piece.height_m
    side = seasons.swept(foot, top, h, w)
    tone = piece.colour.mean(axis=(0, 1)) * (0.55 if depth > 0.3 else 0.8)
    image = seasons.blend(image, tone, side * (1.0 if piece.cover.min() > 0.5 else 0.0))
    low = np.floor(np.maximum(foot.min(axis=0) + np.minimum(top, 0) - 2, 0)).astype(int)
    high = np.ceil(np.minimum(foot.max(axis=0) + np.maximum(top, 0) + 2, [w, h])).astype(int)
    linear = _turn(angle)
    shift = (middle + top - low) * FINE - linear @ (size * FINE / 2)
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    box = (int(high[0] - low[0]), int(high[1] - low[1]))
    cover_fine = cv2.warpAffine(piece.cover, matrix, (box[0] * FINE, box[1] * FINE), flags=cv2.INTER_LINEAR)
    colour_fine = cv2.warpAffine(
        piece.colour, matrix, (box[0] * FINE, box[1] * FINE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    cover = cv2.resize(cover_fine, box, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(colour_fine * cover_fine[..., None], box, interpolation=cv2.INTER_AREA)
    result = image.copy()
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    result[part] = result[part] * (1 - cover[..., None]) + colour
    seen = np.zeros((h, w), np.float32)
    seen[part] = (cover > 0.3).astype(np.float32)
    return result, np.maximum(seen, side if piece.cover.min() > 0.5 else 0)


def weather(
    image: Picture, random: Random, effects: Mapping[str, float], outlines: Sequence[Floats], reach: Floats
) -> Picture:
    """What season, wetness, shadows and people do before the light falls on it, each by its chance."""

    def drawn(name: str) -> bool:
        return bool(random.random() < effects.get(name, 0.0))

    if drawn("season"):
        image = seasons.season(image, random)
    if drawn("overcast"):
        image = seasons.overcast(image, random)
    if drawn("wet"):
        image = seasons.wet(image, random)
    if drawn("snow"):
        image = seasons.snow(image, random)
    if drawn("laundry"):
        image = seasons.laundry(image, random, reach)
    if drawn("clutter"):
        image = seasons.clutter(image, random, reach)
    if drawn("parapets"):
        image = seasons.parapets(image, random, outlines, reach)
    if drawn("shadows"):
        image = seasons.shadows(image, random, outlines, reach)
    return image


def photograph(image: Picture, random: Random, effects: Mapping[str, float]) -> Image:
    """Light and camera: uneven light, exposure, detail lost, blur, noise, JPEG."""
    if random.random() < effects.get("clouds", 0.0):
        image = seasons.clouds(image, random)
    if random.random() < effects.get("exposure", 0.0):
        image = seasons.exposure(image, random)
    picture: Image = np.clip(image, 0, 255).astype(np.uint8)
    for name, effect in (
        ("coarse", augment.coarse),
        ("blur", _defocus),
        ("noise", augment.noise),
        ("jpeg", _jpeg),
    ):
        if random.random() < effects.get(name, 0.0):
            picture = effect(picture, random)
    return picture


def _defocus(image: Image, random: Random) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.3)), dtype=np.uint8)


def _jpeg(image: Image, random: Random) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(45, 92))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def misfit(size: int, rules: Rules, outlines: Sequence[Floats], random: Random) -> NDArray[np.float32]:
    """Where each pixel of the later picture ``[s, s, 2]`` is taken from: what registration leaves, and roofs that lean another way."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    half = size / 2 - 0.5
    angle, grow = np.radians(random.normal(0, rules.turn_deg)), 1 + random.normal(0, rules.scale)
    linear = (_turn(angle) * grow).astype(np.float32)
    shift = random.normal(0, rules.shift_px, 2).astype(np.float32) + np.float32(half)
    dx, dy = x - half, y - half
    bend = [structures.grain(random, size, size, size / 3, rules.bend_px) for _ in range(2)]
    where = np.stack(
        [
            linear[0, 0] * dx + linear[0, 1] * dy + shift[0] + bend[0],
            linear[1, 0] * dx + linear[1, 1] * dy + shift[1] + bend[1],
        ],
        axis=2,
    )
    lean = random.normal(0, rules.bend_px, 2)
    height = np.zeros((size, size), np.float32)
    for outline in outlines:
        height = np.maximum(height, filled(outline, size, size) * np.float32(random.uniform(0.2, 1.2)))
    where += seasons.soft(height, 1.0)[..., None] * lean.astype(np.float32)
    return np.asarray(where, dtype=np.float32)


def count(chances: Sequence[float], random: Random) -> int:
    """A number drawn by the chances of 0, 1, 2 ..."""
    return int(random.choice(len(chances), p=np.array(chances) / sum(chances)))


def make(
    material: Material, rules: Rules, random: Random, place: Ground | None = None, host: int | None = None
) -> Pair:
    """One pair of size ``rules.size_px``: an earlier and a later picture of the same place.

    host: the number of the building that is in the middle and alone is built on.
    """
    size = rules.size_px
    base, outlines = window(place or material.ground(random), size, random, host)
    hosts = outlines if host is None else outlines[:1]
    suns = [_sun(rules, random, other) for other in (False, bool(random.random() < rules.effects.get("other_sun", 0)))]
    depths = [random.uniform(0.3, 0.65) if random.random() < 0.8 else random.uniform(0.05, 0.2) for _ in suns]
    pictures = [base.copy(), base.copy()]
    early = random.random(2) < 0.65  # weather on the roof before the structure is on it, or over both
    for index in (0, 1):
        if early[index]:
            pictures[index] = weather(pictures[index], random, _each(rules, index), outlines, suns[index])
    taken = np.zeros((size, size), np.float32)
    marks = [np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)]
    changes: list[Placed] = []
    wanted = [
        ((0, 1), count(rules.kept, random)),
        ((1,), count(rules.built, random)),
        ((0,), count(rules.removed, random)),
    ]
    for sides, number in wanted:
        for _ in range(number):
            piece = choose(material, rules, rules.kinds, random)
            at = spot(piece, hosts, taken, random)
            if at is None:
                continue
            lean = random.normal(0, 0.6, 2)
            for index in sides:
                pictures[index], seen = put(pictures[index], piece, *at, suns[index], depths[index], lean)
                taken = np.maximum(taken, seen)
                if len(sides) == 1:
                    marks[index] = np.maximum(marks[index], seen)
            if len(sides) == 1:
                outline = corners(at[0], np.array(piece.cover.shape[::-1]) / FINE, at[1])
                changes.append(Placed(piece.kind, outline, sides == (1,)))
    for index in (0, 1):
        if not early[index]:
            pictures[index] = weather(pictures[index], random, _each(rules, index), outlines, suns[index])
    where = misfit(size, rules, outlines, random)
    later = cv2.remap(pictures[1], where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    built = cv2.remap(marks[1], where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Pair(
        photograph(pictures[0], random, rules.effects),
        photograph(np.asarray(later, np.float32), random, rules.effects),
        (np.asarray(built) > 0.5).astype(np.uint8) * 255,
        (marks[0] > 0.5).astype(np.uint8) * 255,
        changes,
        hosts[0] if host is not None else None,
    )


def _sun(rules: Rules, random: Random, other: bool) -> Floats:
    bearing = random.uniform(0, 360) if other else rules.light.shadow_bearing_deg + random.normal(0, 6)
    return reach_of(bearing, random.uniform(*rules.light.shadow_per_height))


def _each(rules: Rules, index: int) -> dict[str, float]:
    """Half of the chances for the earlier picture: baselines are flown in fair weather."""
    return {name: value * (0.5 if index == 0 else 1.0) for name, value in rules.effects.items()}


def turned(pair: Pair, random: Random) -> Pair:
    """The pair mirrored and turned by right angles, and at times with the two pictures exchanged."""
    turns, flip, swap = int(random.integers(4)), bool(random.random() < 0.5), bool(random.random() < 0.3)

    def moved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        result = np.rot90(image, turns)
        return np.ascontiguousarray(result[:, ::-1] if flip else result)

    before, after, built, removed = (moved(item) for item in (pair.before, pair.after, pair.built, pair.removed))
    return Pair(after, before, removed, built) if swap else Pair(before, after, built, removed)
