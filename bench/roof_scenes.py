"""Pairs of drone pictures of one real roof with known truth: what was built between them, and what only looks like it.

A real tile (0.13 m a pixel) and a roof's outline on it become two layers, ground and roof, which two cameras at different
poses see with the parallax of the roof's height. Between the two pictures light, shadows, wetness, snow, laundry, small
things and the season's colours change; in half of the pairs a structure is built: a box with walls, a top of painted
corrugated sheet or of a piece cut out of another real tin roof, and the shadow that it casts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, degrees, pi, radians, sin, tan

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

from bench.real_roofs import PARTS, TILE_PX, Part, RealRoof, roofs, tile_picture
from patrol.geo import Camera, Lens, Pose, PoseSigma
from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_plane import Roof

LENS = Lens.from_hfov(960, 720, 62.0)
SIGMA = PoseSigma(1.5, 1.5, 2.0, 1.0)  # what an ordinary receiver and gimbal give (DroneCamera's defaults)
NEAR_M = 11.0  # a roof's raster reaches 4 m beyond its footprint, and a reported pose is off by some more
DISTURBANCES = ("light", "shadow", "parapet", "wet", "snow", "laundry", "things", "season")
# sheet as it is sold: blue, red, grey, white, green, rust; blue green red
SHEETS = ((168, 96, 34), (46, 44, 160), (150, 148, 142), (222, 222, 218), (86, 120, 58), (58, 84, 128))
CLOTHES = ((200, 60, 60), (60, 60, 200), (60, 180, 230), (220, 220, 225), (90, 170, 80), (170, 80, 170))

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Structure:
    """What was built: its base on the roof (metres), how high it is, and from which material its top is."""

    base: shapely.Polygon
    height_m: float
    top: str  # "sheet" is painted, "cut-out" a piece of another roof


@dataclass(frozen=True)
class Pair:
    """Two pictures of one roof, the poses that were reported with them, and the truth."""

    roof: Roof
    before: Image
    after: Image
    camera_before: Camera
    camera_after: Camera
    true_before: Camera
    true_after: Camera
    built: Structure | None
    disturbances: tuple[str, ...]
    material: str


def pair(seed: int, part: Part, sigma: PoseSigma = SIGMA, *, build: bool | None = None) -> Pair:
    """The pair of a seed. `build`: whether something is built; None leaves it to the seed."""
    dice = np.random.default_rng([seed, PARTS.index(part)])
    known = roofs(part)
    real = known[int(dice.integers(len(known)))]
    roof = Roof(f"roof-{seed}", real.outline, float(dice.uniform(5, 22)))
    built = None
    wanted = bool(dice.random() < 0.5) if build is None else build
    if wanted:
        built = _structure(real, dice)
    names = tuple(n for n in DISTURBANCES if dice.random() < (0.9 if n == "light" else 0.12 if n == "snow" else 0.4))
    azimuths = dice.uniform(0, 360, 2)
    pictures: list[Image] = []
    cameras: list[Camera] = []
    trues: list[Camera] = []
    for k in range(2):
        chosen = names if k == 1 else tuple(n for n in names if n != "snow" and dice.random() < 0.3)
        sun = (float(azimuths[k]), float(dice.uniform(25, 70)), float(dice.uniform(0.35, 0.9)))
        texture = _texture(real, dice, chosen, sun)
        true = _pose(real, roof, dice)
        pictures.append(
            _photograph(real, roof, texture, Camera(LENS, true), dice, built if k == 1 else None, sun, chosen)
        )
        cameras.append(Camera(LENS, noisy(true, sigma, dice)))
        trues.append(Camera(LENS, true))
    (before, after), (told_before, told_after), (true_before, true_after) = pictures, cameras, trues
    return Pair(roof, before, after, told_before, told_after, true_before, true_after, built, names, real.material)


def noisy(pose: Pose, sigma: PoseSigma, dice: np.random.Generator) -> Pose:
    """A pose as it is reported: each of its parts off by its standard deviation."""
    return Pose(
        pose.east_m + dice.normal(0, sigma.position_m), pose.north_m + dice.normal(0, sigma.position_m),
        pose.up_m + dice.normal(0, sigma.height_m), pose.yaw_deg + dice.normal(0, sigma.yaw_deg),
        pose.pitch_deg + dice.normal(0, sigma.tilt_deg), pose.roll_deg + dice.normal(0, sigma.tilt_deg),
    )  # fmt: skip


def _pose(real: RealRoof, roof: Roof, dice: np.random.Generator) -> Pose:
    """Above the roof, up to 15 degrees off straight down, looking at it roughly."""
    middle = real.outline.centroid
    above_m = float(dice.uniform(45, 80))
    off_m, way = above_m * tan(radians(float(dice.uniform(0, 15)))), float(dice.uniform(0, 2 * pi))
    turn = float(dice.uniform(0, 360))
    return Pose(middle.x + off_m * cos(way), middle.y + off_m * sin(way), roof.height_m + above_m, turn,
                float(dice.uniform(-90, -84)), float(dice.uniform(-3, 3)))  # fmt: skip


def _structure(real: RealRoof, dice: np.random.Generator) -> Structure | None:
    """A rectangle along the roof's walls that lies on it; None where the roof is too narrow for any."""
    box = np.array(real.outline.minimum_rotated_rectangle.exterior.coords)
    along = box[1] - box[0]
    turn_deg = degrees(np.arctan2(along[1], along[0])) + (0.0 if dice.random() < 0.85 else float(dice.uniform(0, 90)))
    west, south, east, north = real.outline.bounds
    for _ in range(200):
        area = float(np.exp(dice.uniform(np.log(5), np.log(45))))
        aspect = float(dice.uniform(1, 2.6))
        wide, deep = (area * aspect) ** 0.5, (area / aspect) ** 0.5
        x, y = float(dice.uniform(west, east)), float(dice.uniform(south, north))
        base = affinity.rotate(shapely.box(x - wide / 2, y - deep / 2, x + wide / 2, y + deep / 2), turn_deg)
        if real.outline.buffer(0.2).contains(base):
            return Structure(base, float(dice.uniform(2.1, 3.4)), "sheet" if dice.random() < 0.5 else "cut-out")
    return None


def _pixels(real: RealRoof, polygon: shapely.Polygon) -> NDArray[np.int32]:
    corners = np.array(polygon.exterior.coords)[:-1]
    return np.round(np.column_stack([corners[:, 0], -corners[:, 1]]) / real.gsd_m * 16 - 8).astype(np.int32)


def _area(real: RealRoof, polygon: shapely.Polygon, soft_px: float = 0.0) -> Singles:
    """(512, 512) 0 to 1: the polygon on the tile, its edge softened."""
    flat = np.zeros((TILE_PX, TILE_PX), np.uint8)
    cv2.fillPoly(flat, [_pixels(real, polygon)], 255, cv2.LINE_AA, 4)
    mask = flat.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft_px) if soft_px > 0 else mask, np.float32)


def _clouds(dice: np.random.Generator, grain_px: float) -> Singles:
    """(512, 512) smooth noise, mean 0, standard deviation 1."""
    noise = cv2.GaussianBlur(dice.normal(size=(TILE_PX, TILE_PX)).astype(np.float32), (0, 0), grain_px)
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def _texture(
    real: RealRoof, dice: np.random.Generator, names: Sequence[str], sun: tuple[float, float, float]
) -> Singles:
    """The tile as it looks that day, (512, 512, 3) floats: what lies on it and what falls on it, no structure yet."""
    texture = tile_picture(real.tile).astype(np.float32)
    inside = _area(real, real.outline)
    if "season" in names:
        tint = 1 + 0.05 * _clouds(dice, 40)[..., None] * dice.normal(size=3).astype(np.float32)
        ground = np.array([dice.uniform(0.8, 1.2), dice.uniform(0.85, 1.15), dice.uniform(0.85, 1.25)], np.float32)
        texture *= tint * (inside[..., None] + (1 - inside[..., None]) * ground)
    if "wet" in names:
        damp = _clouds(dice, float(dice.uniform(6, 20))) > float(dice.uniform(-0.8, 0.8))
        texture *= (
            1 - float(dice.uniform(0.15, 0.4)) * cv2.GaussianBlur(damp.astype(np.float32), (0, 0), 1.5)[..., None]
        )
    for polygon, colour in [*_laundry(real, dice, names), *_things(real, dice, names)]:
        mask = _area(real, polygon, 0.6)[..., None]
        texture = texture * (1 - mask) + mask * np.array(colour, np.float32)
    if "snow" in names:
        lies = _clouds(dice, float(dice.uniform(5, 25))) > float(dice.uniform(-1.0, 1.2))
        mask = np.asarray(cv2.GaussianBlur(lies.astype(np.float32), (0, 0), 1.2), np.float32)[..., None]
        texture = texture * (1 - mask) + mask * (228 + 6 * _clouds(dice, 2)[..., None])
    shade = np.ones((TILE_PX, TILE_PX), np.float32)
    depth = sun[2]
    if "shadow" in names:
        shade *= 1 - (1 - depth) * _area(real, _neighbour_shadow(real, dice), float(dice.uniform(0.5, 3)))
    if "parapet" in names:
        push = float(dice.uniform(0.3, 1.6))
        moved = affinity.translate(real.outline, push * sin(radians(sun[0])), push * cos(radians(sun[0])))
        shade *= 1 - (1 - depth) * np.clip(inside - _area(real, moved), 0, 1)
    blue = np.array([shade**0.85, shade, shade**1.06]).transpose(1, 2, 0)  # sky light is what is left in the shade
    return np.asarray(texture * blue, np.float32)


def _neighbour_shadow(real: RealRoof, dice: np.random.Generator) -> shapely.Polygon:
    middle, size = real.outline.centroid, real.outline.area**0.5
    x, y = middle.x + dice.uniform(-0.7, 0.7) * size, middle.y + dice.uniform(-0.7, 0.7) * size
    wide, deep = dice.uniform(0.3, 1.5, 2) * size
    return affinity.rotate(shapely.box(x - wide / 2, y - deep / 2, x + wide / 2, y + deep / 2), dice.uniform(0, 180))


def _somewhere(real: RealRoof, dice: np.random.Generator) -> tuple[float, float]:
    west, south, east, north = real.outline.bounds
    for _ in range(100):
        x, y = float(dice.uniform(west, east)), float(dice.uniform(south, north))
        if real.outline.buffer(-1.0).contains(shapely.Point(x, y)):
            return x, y
    return float(real.outline.centroid.x), float(real.outline.centroid.y)


def _laundry(real: RealRoof, dice: np.random.Generator, names: Sequence[str]) -> list[tuple[shapely.Polygon, Sequence[float]]]:  # fmt: skip
    if "laundry" not in names:
        return []
    (x, y), turn = _somewhere(real, dice), float(dice.uniform(0, 180))
    found: list[tuple[shapely.Polygon, Sequence[float]]] = []
    along = 0.0
    for _ in range(int(dice.integers(2, 8))):
        wide, deep = float(dice.uniform(0.4, 1.6)), float(dice.uniform(0.3, 0.8))
        cloth = shapely.box(x + along, y, x + along + wide, y + deep)
        found.append((affinity.rotate(cloth, turn, origin=(x, y)), CLOTHES[int(dice.integers(len(CLOTHES)))]))
        along += wide + float(dice.uniform(0.05, 0.5))
    return found


def _things(real: RealRoof, dice: np.random.Generator, names: Sequence[str]) -> list[tuple[shapely.Polygon, Sequence[float]]]:  # fmt: skip
    """Tanks, boxes of air conditioners, heaps: up to 1.5 m, below what counts as a structure."""
    found: list[tuple[shapely.Polygon, Sequence[float]]] = []
    for _ in range(int(dice.integers(1, 4)) if "things" in names else 0):
        x, y = _somewhere(real, dice)
        size = float(dice.uniform(0.5, 1.5))
        grey = float(dice.uniform(20, 230))
        round_one = dice.random() < 0.5
        shape = shapely.Point(x, y).buffer(size / 2) if round_one else shapely.box(x, y, x + size, y + size)
        found.append((shape, (grey, grey, grey)))
    return found


def _photograph(
    real: RealRoof, roof: Roof, texture: Singles, camera: Camera, dice: np.random.Generator, built: Structure | None,
    sun: tuple[float, float, float], names: Sequence[str],
) -> Image:  # fmt: skip
    """The two layers and what was built, seen by the camera and developed."""
    if built is not None:
        reach = built.height_m / tan(radians(sun[1]))
        thrown = affinity.translate(built.base, -reach * sin(radians(sun[0])), -reach * cos(radians(sun[0])))
        dark = _area(real, built.base.union(thrown).convex_hull, 0.8)
        texture = texture * (1 - (1 - sun[2]) * dark[..., None])
    left, top, right, bottom = _near(real, roof, camera)
    across, down = np.meshgrid(np.arange(left, right, dtype=float), np.arange(top, bottom, dtype=float))
    pixels = np.stack([across, down], axis=-1).reshape(-1, 2)
    inside = _area(real, real.outline)

    def layer(height_m: float) -> tuple[Singles, Singles]:
        on = camera.to_plane(pixels, height_m).reshape(*across.shape, 2) / real.gsd_m
        maps = on[..., 0].astype(np.float32) - 0.5, -on[..., 1].astype(np.float32) - 0.5
        colour = cv2.remap(texture, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        covered = cv2.remap(inside, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
        return np.asarray(colour, np.float32), np.asarray(covered, np.float32)[..., None]

    ground, under = layer(0.0)
    upper, covered = layer(roof.height_m)
    facade = np.array([118, 124, 132], np.float32) * float(dice.uniform(0.4, 1.0))
    light = np.full((camera.lens.height_px, camera.lens.width_px, 3), 90, np.float32)
    light[top:bottom, left:right] = (ground * (1 - under) + facade * under) * (1 - covered) + upper * covered
    if built is not None:
        light = _with_structure(light, camera, real, roof, built, dice, sun)
    part = light[top:bottom, left:right]
    picture = np.full(light.shape, 90, np.uint8)
    picture[top:bottom, left:right] = _developed(part, dice, names)
    return picture


def _near(real: RealRoof, roof: Roof, camera: Camera) -> tuple[int, int, int, int]:
    """The part of the picture that shows the roof and what lies within NEAR_M of it; only that is drawn."""
    west, south, east, north = real.outline.buffer(NEAR_M).bounds
    corners = [(x, y, z) for x in (west, east) for y in (south, north) for z in (0.0, roof.height_m)]
    seen = camera.project(corners)
    low, high = np.floor(np.nanmin(seen, axis=0)).astype(int), np.ceil(np.nanmax(seen, axis=0)).astype(int)
    return (max(int(low[0]), 0), max(int(low[1]), 0),
            min(int(high[0]), camera.lens.width_px), min(int(high[1]), camera.lens.height_px))  # fmt: skip


def _with_structure(
    light: Singles, camera: Camera, real: RealRoof, roof: Roof, built: Structure, dice: np.random.Generator, sun: tuple[float, float, float]
) -> Singles:  # fmt: skip
    base = np.array(built.base.exterior.coords)[:4]
    low = camera.project(np.column_stack([base, np.full(4, roof.height_m)]))
    high = camera.project(np.column_stack([base, np.full(4, roof.height_m + built.height_m)]))
    sheet = _top(built, real.part, dice)
    wall_colour = sheet.reshape(-1, 3).mean(axis=0) * (0.9 if built.top == "sheet" else 0.8)
    towards_sun = np.array([sin(radians(sun[0])), cos(radians(sun[0]))])
    out = light.copy()
    middle = base.mean(axis=0)
    for k in range(4):
        n = (k + 1) % 4
        outward = (base[k] + base[n]) / 2 - middle
        lit = max(0.0, float(outward @ towards_sun) / float(np.linalg.norm(outward)))
        face = np.array([low[k], low[n], high[n], high[k]])
        _paint(out, face, wall_colour * (0.45 + 0.45 * lit * (1.2 - sun[2])))
    size = np.array([[0, 0], [sheet.shape[1], 0], [sheet.shape[1], sheet.shape[0]], [0, sheet.shape[0]]], np.float32)
    lay = cv2.getPerspectiveTransform(size - 0.5, high.astype(np.float32))
    wide, tall = out.shape[1], out.shape[0]
    laid = cv2.warpPerspective(sheet, lay, (wide, tall), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(sheet.shape[:2], np.float32), lay, (wide, tall), flags=cv2.INTER_LINEAR)[
        ..., None
    ]
    return np.asarray(out * (1 - mask) + laid, np.float32)


def _paint(light: Singles, face: Floats, colour: Floats) -> None:
    mask = np.zeros(light.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(face * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    share = mask[..., None].astype(np.float32) / 255
    light[:] = light * (1 - share) + share * colour.astype(np.float32)


def _top(built: Structure, part: Part, dice: np.random.Generator) -> Singles:
    """A top seen from above, (h, w, 3) floats at 0.05 m: painted sheet with ribs, or a piece of a real tin roof."""
    base = np.array(built.base.exterior.coords)[:4]
    wide, tall = (int(np.linalg.norm(base[a] - base[b]) / 0.05) + 1 for a, b in ((1, 0), (2, 1)))
    if built.top == "cut-out":
        piece = _cut_out(wide * 0.05, tall * 0.05, part, dice)
        if piece is not None:
            return np.asarray(cv2.resize(piece, (wide, tall), interpolation=cv2.INTER_CUBIC), np.float32)
    colour = np.array(SHEETS[int(dice.integers(len(SHEETS)))], np.float32) * float(dice.uniform(0.8, 1.1))
    ribs = 1 + float(dice.uniform(0.02, 0.15)) * np.sin(np.arange(wide) * 0.05 * 2 * pi / float(dice.uniform(0.2, 0.9)))
    stains = cv2.resize(_clouds(dice, 30), (wide, tall)) * float(dice.uniform(0, 0.06))
    return np.asarray(colour * (ribs[None, :, None] * (1 + stains[..., None])), np.float32)


def _cut_out(wide_m: float, tall_m: float, part: Part, dice: np.random.Generator) -> Singles | None:
    """A rectangle out of a tin roof of the same part that is large enough; None when none is found."""
    tin = [r for r in roofs(part) if r.material in ("tin", "metal")]
    for _ in range(40):
        real = tin[int(dice.integers(len(tin)))]
        middle = real.outline.centroid
        box = np.array(real.outline.minimum_rotated_rectangle.exterior.coords)
        way = box[1] - box[0]
        turn_deg = degrees(np.arctan2(way[1], way[0]))
        cut = affinity.rotate(
            shapely.box(middle.x - wide_m / 2, middle.y - tall_m / 2, middle.x + wide_m / 2, middle.y + tall_m / 2), turn_deg
        )  # fmt: skip
        if real.outline.contains(cut):
            corners = np.array(cut.exterior.coords)[:4]
            from_px = (np.column_stack([corners[:, 0], -corners[:, 1]]) / real.gsd_m - 0.5).astype(np.float32)
            high, wide = max(2, round(tall_m / real.gsd_m)), max(2, round(wide_m / real.gsd_m))
            to_px = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5
            lay = cv2.getPerspectiveTransform(from_px, to_px)
            return np.asarray(
                cv2.warpPerspective(tile_picture(real.tile).astype(np.float32), lay, (wide, high)), np.float32
            )
    return None


def _developed(light: Singles, dice: np.random.Generator, names: Sequence[str]) -> Image:
    """What the camera makes of it: exposure, tint and tone of the day, blur, noise, JPEG."""
    x = np.clip(light / 255, 0, 1.5)
    if "light" in names:
        x = x ** float(dice.uniform(0.8, 1.25)) * float(dice.uniform(0.7, 1.25)) * dice.uniform(0.92, 1.08, 3)
    x = np.asarray(cv2.GaussianBlur(x.astype(np.float32), (0, 0), float(dice.uniform(0.5, 1.0))))
    x = x * 255 + dice.normal(0, float(dice.uniform(1, 3)), x.shape)
    _, coded = cv2.imencode(".jpg", np.clip(x, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(80, 95))])  # fmt: skip
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
