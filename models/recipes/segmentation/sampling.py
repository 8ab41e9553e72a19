"""Draw training samples of pictures with masks: one, or a mosaic of four, moved, mirrored, put through weather and camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from models.recipes import augment
from models.recipes.augment import Image, Random
from models.recipes.labels import Floats, parse_yolo
from models.recipes.runtime import GREY
from models.recipes.segmentation import flooding
from models.recipes.segmentation.pictures import UNKNOWN, Mask, Picture, open_mask, read
from models.recipes.segmentation.recipe import Training

MOST_OPEN = 2500  # decoded pictures kept: about 2 GB at 640 pixels
NIGHTS = 0.55  # of the streets with water or a wet ground drawn over them
VERSIONS = 3  # of each picture with water drawn over it
LONGEST_PX, SMALL_PX = 800, 480  # drawing water takes time


@dataclass(frozen=True)
class Sample:
    """BGR picture ``[h, w, 3]``, its mask ``[h, w]``, and whether it is one of which only the whole is known to hold it."""

    image: Image
    mask: Mask
    bag: bool


@lru_cache(maxsize=MOST_OPEN)
def opened(picture: Picture) -> tuple[Image, Mask]:
    """The picture and its mask, no side longer than what is of use."""
    image = read(picture.image)
    mask = open_mask(picture, (image.shape[1], image.shape[0]))
    scale = (SMALL_PX if picture.flood else LONGEST_PX) / max(mask.shape)
    if scale < 1:
        size = round(mask.shape[1] * scale), round(mask.shape[0] * scale)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return image, mask


def placement(size_px: tuple[int, int], into_px: tuple[int, int], rules: Training, random: Random) -> Floats:
    """A random affine map ``[2, 3]`` of a picture (width, height) into a frame: fitted, then zoomed, stretched, turned, shifted."""
    (w, h), (width, height) = size_px, into_px
    zoom = min(height / h, width / w) * float(np.exp(random.uniform(np.log(rules.zoom[0]), np.log(rules.zoom[1]))))
    stretch = float(np.exp(random.uniform(-0.5, 0.5) * np.log(rules.stretch)))
    flip_x = -1.0 if random.random() < 0.5 else 1.0
    flip_y = -1.0 if random.random() < rules.flip_vertical else 1.0
    angle = np.radians(random.uniform(-rules.turn_degrees, rules.turn_degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([zoom * stretch * flip_x, zoom / stretch * flip_y])
    room = np.abs([width - w * zoom * stretch, height - h * zoom / stretch]) / 2
    middle = np.array([width / 2, height / 2]) + random.uniform(-1, 1, 2) * room - linear @ np.array([w / 2, h / 2])
    return np.concatenate([linear, middle[:, None]], axis=1)


def moved(image: Image, mask: Mask, matrix: Floats, into_px: tuple[int, int]) -> tuple[Image, Mask]:
    """Both under an affine map (old to new pixels), cut to (width, height); nothing is known of what the picture leaves free."""
    grey = (GREY, GREY, GREY)
    placed = cv2.warpAffine(image, matrix, into_px, flags=cv2.INTER_LINEAR, borderValue=grey)
    known = cv2.warpAffine(mask, matrix, into_px, flags=cv2.INTER_NEAREST, borderValue=(UNKNOWN,))
    return np.asarray(placed, dtype=np.uint8), np.asarray(known, dtype=np.uint8)


def _by_night(picture: Picture, random: Random) -> tuple[Image, Mask, Floats]:
    """The picture, its mask and the vehicles in it (boxes in pixels); half the time in the dark, with lamps for the ground to mirror."""
    image, mask = opened(picture)
    boxes: Floats = np.zeros((0, 4))
    if picture.vehicles is None:
        return image, mask, boxes
    h, w = mask.shape
    if picture.vehicles.is_file():
        boxes = parse_yolo(picture.vehicles.read_text(encoding="utf-8")).boxes * np.array([w, h, w, h])
    if random.random() < NIGHTS:
        for _ in range(int(random.integers(1, 4))):  # street lamps and shops beside the vehicles' own lights
            image = augment.headlights(image, random, np.zeros((0, 4)))
        image = augment.headlights(augment.night(image, random), random, boxes)
    return image, mask, boxes


@lru_cache(maxsize=MOST_OPEN)
def _drawn_over(picture: Picture, version: int) -> tuple[Image, Mask]:
    """The picture with water drawn over it: the same for the same version. Drawing takes time, so a few are kept."""
    random = np.random.default_rng([version, *picture.image.name.encode()])
    image, _, boxes = _by_night(picture, random)
    return flooding.flooded(image, boxes, random)


@lru_cache(maxsize=MOST_OPEN)
def _wetted(picture: Picture) -> tuple[Image, Mask]:
    """The picture with a wet ground drawn over it."""
    random = np.random.default_rng([*picture.image.name.encode()])
    image, mask, _ = _by_night(picture, random)
    return flooding.wet(image, random), mask


def weathered(picture: Picture, random: Random) -> tuple[Image, Mask]:
    """The picture and its mask, with water or a wet ground drawn over it as its source allows."""
    if random.random() < picture.flood:
        return _drawn_over(picture, int(random.integers(VERSIONS)))
    return _wetted(picture) if random.random() < picture.wet else opened(picture)


def single(picture: Picture, into_px: tuple[int, int], rules: Training, random: Random) -> tuple[Image, Mask]:
    """One picture, moved."""
    image, mask = weathered(picture, random)
    return moved(image, mask, placement((image.shape[1], image.shape[0]), into_px, rules, random), into_px)


def mosaic(four: Sequence[Picture], into_px: tuple[int, int], rules: Training, random: Random) -> tuple[Image, Mask]:
    """Four pictures, each moved into one of the quarters around a random middle."""
    width, height = into_px
    x, y = int(width * random.uniform(0.35, 0.65)), int(height * random.uniform(0.35, 0.65))
    image, mask = np.full((height, width, 3), GREY, np.uint8), np.full((height, width), UNKNOWN, np.uint8)
    closer = rules.model_copy(update={"zoom": (1.0, rules.zoom[1] * 1.6)})
    corners = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    for picture, (x1, y1, x2, y2) in zip(four, corners, strict=True):
        image[y1:y2, x1:x2], mask[y1:y2, x1:x2] = single(picture, (x2 - x1, y2 - y1), closer, random)
    return image, mask


def sample(
    pictures: Sequence[Picture],
    chances: Floats,
    into_px: tuple[int, int],
    rules: Training,
    effects: Mapping[str, Mapping[str, float]],
    random: Random,
) -> Sample:
    """One training sample of ``into_px`` (width, height). ``chances [len(pictures)]`` sum to one; ``effects`` by source."""
    count = 4 if random.random() < rules.mosaic else 1
    chosen = [pictures[int(index)] for index in random.choice(len(pictures), count, p=chances)]
    bag = count == 1 and not chosen[0].has_mask
    image, mask = mosaic(chosen, into_px, rules, random) if count == 4 else single(chosen[0], into_px, rules, random)
    nothing: Floats = np.zeros((0, 4))
    chance = effects.get(chosen[0].source, rules.effects) if count == 1 else rules.effects
    return Sample(augment.apply(image, random, chance, nothing), mask, bag)


def chances(pictures: Sequence[Picture]) -> Floats:
    """How likely each picture is drawn ``[n]``: its weight shared out among its group, so that one camera is not all there is."""
    count: dict[str, int] = {}
    for item in pictures:
        count[item.group] = count.get(item.group, 0) + 1
    weights = np.array([item.weight / np.sqrt(count[item.group]) for item in pictures])
    return np.asarray(weights / weights.sum())
