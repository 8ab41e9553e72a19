"""Structures as they stand on roofs, seen from straight above: drawn at 13 cm a pixel, or cut out of real tin and concrete roofs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.augment import Image, Random
from models.recipes.labels import Floats
from models.recipes.roofs.tiles import METRES_PER_PX, Ground

FINE = 3  # a structure is drawn this many times finer than the picture, then averaged down
# BGR of sheet steel, paint and what weather makes of them; measured by eye on photographs of such roofs
STEELS = np.array(
    [
        [190, 110, 40],
        [200, 140, 70],
        [150, 80, 30],
        [215, 170, 110],
        [60, 60, 170],
        [70, 80, 190],
        [50, 45, 120],
        [90, 150, 70],
        [70, 110, 60],
        [225, 225, 220],
        [200, 205, 205],
        [170, 175, 175],
        [140, 145, 150],
        [95, 120, 150],
        [70, 95, 130],
        [120, 130, 160],
        [160, 190, 210],
    ],
    dtype=np.float32,
)


@dataclass(frozen=True)
class Piece:
    """A structure in its own frame, fine pixels: colour BGR ``[h, w, 3]`` float32 0..255, cover ``[h, w]`` 0..1, height."""

    kind: str
    colour: NDArray[np.float32]
    cover: NDArray[np.float32]
    height_m: float


def fine(metres: float) -> int:
    """Fine pixels of a length."""
    return max(2, round(metres / METRES_PER_PX * FINE))


def grain(random: Random, height: int, width: int, size: float, deviation: float) -> NDArray[np.float32]:
    """Smooth random variation ``[height, width]`` about zero, blotches of about ``size`` pixels."""
    small = random.normal(0, 1, (max(2, int(height / size) + 2), max(2, int(width / size) + 2))).astype(np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) * deviation, dtype=np.float32)


def _sheets(random: Random, height: int, width: int, colour: Floats) -> NDArray[np.float32]:
    """Corrugated sheets whose ridges run along the height: ridges, joints, single sheets of another age, stains."""
    period = fine(random.uniform(0.18, 0.4))
    across = np.arange(width, dtype=np.float32)
    ridges = np.sin(2 * np.pi * across / period + random.uniform(0, 6)) * random.uniform(0, 14)
    sheet = fine(random.uniform(0.75, 1.2))
    each = random.normal(0, random.uniform(0, 16), width // sheet + 2)
    tone = ridges + each[(across // sheet).astype(int)]
    joint = (across % sheet < FINE).astype(np.float32) * random.uniform(0, 25)
    result = np.broadcast_to((tone - joint)[None, :, None], (height, width, 3)) + colour.astype(np.float32)
    rows = fine(random.uniform(1.5, 4.0))
    down = np.arange(height) // rows
    result = result + random.normal(0, random.uniform(0, 9), int(down.max()) + 1)[down][:, None, None]
    if random.random() < 0.4:  # rust
        rust = np.clip(grain(random, height, width, fine(random.uniform(0.4, 1.5)), 1.0), 0, 1)[..., None]
        result = result * (1 - 0.6 * rust) + np.array([50, 75, 120], dtype=np.float32) * 0.6 * rust
    if random.random() < 0.25:  # translucent strips
        for start in random.integers(0, max(1, width - sheet), int(random.integers(1, 4))):
            result[:, start : start + sheet] = result[:, start : start + sheet] * 0.4 + random.uniform(120, 210)
    return np.asarray(result + grain(random, height, width, FINE, 4)[..., None], dtype=np.float32)


def _steel(random: Random) -> Floats:
    return np.asarray(STEELS[int(random.integers(len(STEELS)))] * random.uniform(0.7, 1.15) + random.normal(0, 8, 3))


def _edged(random: Random, colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """With an edge all round, lit or in shade."""
    wide = int(random.integers(1, FINE * 2))
    tone = random.uniform(-50, 45)
    colour[:wide] += tone
    colour[-wide:] += random.uniform(-50, 45)
    colour[:, :wide] += tone
    colour[:, -wide:] += random.uniform(-50, 45)
    return colour


def flat_shed(random: Random, length_m: float, width_m: float) -> Piece:
    """A lean-to of sheet steel, ridges across."""
    colour = _sheets(random, fine(width_m), fine(length_m), _steel(random))
    if random.random() < 0.5:
        colour += np.linspace(-12, 12, colour.shape[0], dtype=np.float32)[:, None, None] * random.uniform(-1, 1)
    return Piece("flat_shed", _edged(random, colour), np.ones(colour.shape[:2], np.float32), random.uniform(2.0, 3.2))


def gable_shed(random: Random, length_m: float, width_m: float) -> Piece:
    """Two slopes of sheet steel that the light meets differently, a ridge between."""
    colour = _sheets(random, fine(width_m), fine(length_m), _steel(random))
    middle = round(colour.shape[0] * random.uniform(0.4, 0.6))
    tilt = random.uniform(8, 38) * random.choice([-1.0, 1.0])
    colour[:middle] += tilt / 2
    colour[middle:] -= tilt / 2
    colour[max(0, middle - 2) : middle + 1] += random.uniform(-30, 40)
    return Piece("gable_shed", _edged(random, colour), np.ones(colour.shape[:2], np.float32), random.uniform(2.4, 3.8))


def patchwork(random: Random, length_m: float, width_m: float) -> Piece:
    """A roof put together from sheets of several colours, its edge ragged, stones and tyres on it."""
    height, width = fine(width_m), fine(length_m)
    colour = np.empty((height, width, 3), np.float32)
    cover = np.ones((height, width), np.float32)
    step = fine(random.uniform(0.8, 1.4))
    steels = [_steel(random) for _ in range(int(random.integers(2, 5)))]
    for start in range(0, width, step):
        stop = min(width, start + step)
        colour[:, start:stop] = _sheets(random, height, stop - start, steels[int(random.integers(len(steels)))])
        out = int(random.integers(0, fine(0.5)))
        if random.random() < 0.5:
            cover[:out, start:stop] = 0
        else:
            cover[height - out :, start:stop] = 0
    for _ in range(int(random.integers(0, 8))):
        at = (int(random.integers(width)), int(random.integers(height)))
        cv2.circle(colour, at, fine(random.uniform(0.1, 0.35)), (float(random.uniform(20, 120)),) * 3, -1)
    return Piece("patchwork", colour, cover, random.uniform(2.0, 3.0))


def slab_room(random: Random, length_m: float, width_m: float) -> Piece:
    """A room with a slab of concrete or screed and a low wall round it."""
    height, width = fine(width_m), fine(length_m)
    base = random.uniform(110, 215) + random.normal(0, 7, 3)
    colour = base.astype(np.float32) + grain(random, height, width, fine(0.8), random.uniform(3, 12))[..., None]
    colour += grain(random, height, width, FINE, 5)[..., None]
    wall = fine(random.uniform(0.12, 0.25))
    tone = random.uniform(-45, 35)
    for cut in (np.s_[:wall], np.s_[-wall:], np.s_[:, :wall], np.s_[:, -wall:]):
        colour[cut] = base + tone
    return Piece("slab_room", colour.astype(np.float32), np.ones((height, width), np.float32), random.uniform(2.3, 3.2))


def open_walls(random: Random, length_m: float, width_m: float) -> Piece:
    """Brick or block walls without a roof yet, seen from above; the floor between them lies in their shade."""
    height, width = fine(width_m), fine(length_m)
    brick = np.array(random.choice([[70, 90, 160], [110, 125, 170], [150, 155, 160]]), dtype=np.float32)
    colour = np.full((height, width, 3), random.uniform(60, 130), np.float32)
    colour += grain(random, height, width, fine(0.7), 14)[..., None]
    wall = fine(random.uniform(0.2, 0.35))
    lines = [0, width - wall, *random.integers(wall, max(wall + 1, width - wall), int(random.integers(0, 3)))]
    for start in lines:
        colour[:, start : start + wall] = brick
    for start in (0, height - wall):
        colour[start : start + wall] = brick
    colour += grain(random, height, width, FINE, 9)[..., None]
    return Piece("open_walls", colour, np.ones((height, width), np.float32), random.uniform(1.4, 2.8))


def canopy(random: Random, length_m: float, width_m: float) -> Piece:
    """A translucent roof of plastic sheets on a frame: what is below shines through."""
    height, width = fine(width_m), fine(length_m)
    tint = np.array(random.choice([[190, 170, 120], [150, 180, 120], [215, 215, 210], [120, 110, 100]]))
    colour = _sheets(random, height, width, tint)
    cover = np.full((height, width), random.uniform(0.65, 0.88), np.float32)
    for axis, step_m in ((1, random.uniform(0.9, 1.6)), (0, random.uniform(1.2, 2.5))):
        along = np.arange(colour.shape[axis]) % fine(step_m) <= FINE // 2
        lines = along[None, :] if axis else along[:, None]
        frame = np.broadcast_to(lines, cover.shape)
        colour[frame] = random.uniform(60, 230)
        cover[frame] = 1.0
    return Piece("canopy", colour, cover, random.uniform(2.0, 3.0))


def container(random: Random, length_m: float, width_m: float) -> Piece:
    """A site cabin or shipping container: one colour, fine cross ribs, bright rails along the edge, corner castings."""
    length_m, width_m = float(random.choice([3.0, 6.06, 6.06])), float(random.uniform(2.35, 3.0))
    height, width = fine(width_m), fine(length_m)
    base = _steel(random).astype(np.float32)
    rib = np.sin(np.arange(width, dtype=np.float32) * 2 * np.pi / fine(0.28)) * random.uniform(3, 12)
    colour = np.broadcast_to(base + rib[None, :, None], (height, width, 3)).copy()
    rail, tone = fine(0.12), random.uniform(15, 55)
    for cut in (np.s_[:rail], np.s_[-rail:], np.s_[:, :rail], np.s_[:, -rail:]):
        colour[cut] = base + tone
    colour += grain(random, height, width, fine(0.6), 5)[..., None]
    return Piece(
        "container", np.asarray(colour, np.float32), np.ones((height, width), np.float32), random.uniform(2.5, 2.9)
    )


def glass_room(random: Random, length_m: float, width_m: float) -> Piece:
    """A glazed room: panes that mirror the sky or show the dark inside, in a light or dark frame."""
    height, width = fine(width_m), fine(length_m)
    sky = np.array([205, 190, 170], np.float32) * random.uniform(0.35, 1.0)
    colour = np.empty((height, width, 3), np.float32)
    across, down = fine(random.uniform(0.8, 1.4)), fine(random.uniform(0.9, 2.0))
    for top in range(0, height, down):
        for left in range(0, width, across):
            colour[top : top + down, left : left + across] = sky + random.normal(0, 16)
    frame = random.choice([45.0, 225.0])
    for shift in range(2):
        colour[np.arange(shift, height, down)] = frame
        colour[:, np.arange(shift, width, across)] = frame
    return Piece(
        "glass_room", _edged(random, colour), np.full((height, width), 0.93, np.float32), random.uniform(2.3, 3.0)
    )


DRAWN: dict[str, Callable[[Random, float, float], Piece]] = {
    "flat_shed": flat_shed,
    "gable_shed": gable_shed,
    "patchwork": patchwork,
    "slab_room": slab_room,
    "open_walls": open_walls,
    "canopy": canopy,
    "container": container,
    "glass_room": glass_room,
}


@dataclass(frozen=True)
class CutOut:
    """A real roof turned level: colour BGR ``[h, w, 3]`` and cover ``[h, w]`` 0..1, in pixels of the picture it is from."""

    colour: Image
    cover: NDArray[np.float32]
    material: str


def cut_outs(grounds: Sequence[Ground], least_m: float = 2.2, most_m: float = 12.0) -> list[CutOut]:
    """Every whole tin or concrete roof of the right size, turned so that its longer side lies level."""
    result = []
    for place in grounds:
        h, w = place.image.shape[:2]
        for item in place.buildings:
            points = item.outline.astype(np.float32)
            (cx, cy), (across, down), angle = cv2.minAreaRect(points)
            inside = points.min() > 1 and points[:, 0].max() < w - 2 and points[:, 1].max() < h - 2
            if across < down:
                across, down, angle = down, across, angle + 90
            sides_m = np.array([down, across]) * METRES_PER_PX
            wanted = item.material == "tin" or (item.material == "concrete" and sides_m[1] <= most_m * 0.75)
            if not (inside and wanted and sides_m[0] >= least_m and sides_m[1] <= most_m) or item.material is None:
                continue
            size = (round(across), round(down))
            turn = cv2.getRotationMatrix2D((cx, cy), angle, 1.0)
            turn[:, 2] += np.array([size[0] / 2 - cx, size[1] / 2 - cy])
            mask = np.zeros((h, w), np.uint8)
            cv2.fillPoly(mask, [points.astype(np.int32)], 255)
            colour = cv2.warpAffine(place.image, turn, size, flags=cv2.INTER_CUBIC)
            cover = cv2.warpAffine(mask, turn, size, flags=cv2.INTER_LINEAR).astype(np.float32) / 255
            result.append(CutOut(np.asarray(colour, np.uint8), np.asarray(cover, np.float32), item.material))
    return result


def piece_of(cut: CutOut, random: Random, scale: float) -> Piece:
    """A cut-out as a structure: a little larger or smaller, repainted at times, lit as another day."""
    h, w = cut.cover.shape
    size = (max(4, round(w * FINE * scale)), max(4, round(h * FINE * scale)))
    colour = cv2.resize(cut.colour, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    cover = cv2.resize(cut.cover, size, interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.3 and cut.material == "tin":
        colour += _steel(random).astype(np.float32) - colour.mean(axis=(0, 1))
    if random.random() < 0.5:
        colour, cover = colour[:, ::-1], cover[:, ::-1]
    colour = colour * random.uniform(0.8, 1.2)
    return Piece(
        f"cut_{cut.material}", np.ascontiguousarray(colour), np.ascontiguousarray(cover), random.uniform(2.0, 3.4)
    )
