"""Draw training samples: one picture or a mosaic of four, moved, stretched, mirrored, and put through weather and camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.recipes import augment
from models.recipes.augment import Image, Random
from models.recipes.dataset import Example, read
from models.recipes.labels import Floats, Labels, areas
from models.recipes.recipe import Training
from models.recipes.runtime import GREY

LEAST_SIDE_PX = 3.0
MOST_RISE = 3.0
LEAST_VISIBLE = 0.25  # a box cut down to less than this share of itself no longer shows what it is


@dataclass(frozen=True)
class Canvas:
    """A picture under construction: BGR ``[h, w, 3]`` and its objects in pixels."""

    image: Image
    labels: Labels


def open_example(example: Example) -> Canvas:
    """The example's image with doubtful places blurred away, and its labels in pixels."""
    image = read(example.image)
    h, w = image.shape[:2]
    size = np.array([w, h, w, h], dtype=float)
    clear = image.copy()
    for x1, y1, x2, y2 in (example.doubtful * size).astype(int):
        if x2 - x1 > 1 and y2 - y1 > 1:
            reach = max(x2 - x1, y2 - y1) / 2.0
            image[y1:y2, x1:x2] = cv2.GaussianBlur(image[y1:y2, x1:x2], (0, 0), reach)
    for x1, y1, x2, y2 in (example.labels.boxes * size).astype(int):
        image[y1 : y2 + 1, x1 : x2 + 1] = clear[y1 : y2 + 1, x1 : x2 + 1]  # what is labelled stays in view
    return Canvas(image, Labels(example.labels.boxes * size, example.labels.classes))


def moved(canvas: Canvas, matrix: Floats, height_px: int, width_px: int) -> Canvas:
    """The canvas under an affine map ``[2, 3]`` (old to new pixels), cut to the new size; hardly visible objects dropped."""
    image = cv2.warpAffine(
        canvas.image, matrix, (width_px, height_px), flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY)
    )
    boxes = canvas.labels.boxes
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    full = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).reshape(-1, 4)
    cut = np.clip(full, 0, np.array([width_px, height_px] * 2))
    large = (
        (cut[:, 2:] - cut[:, :2]).min(axis=1, initial=np.inf) >= LEAST_SIDE_PX if len(cut) else np.zeros(0, dtype=bool)
    )
    seen = areas(cut) >= LEAST_VISIBLE * np.maximum(areas(full), 1e-9)
    return Canvas(np.asarray(image, dtype=np.uint8), Labels(cut, canvas.labels.classes).keep(large & seen))


def placement(canvas: Canvas, height_px: int, width_px: int, rules: Training, random: Random) -> Floats:
    """A random affine map ``[2, 3]`` of the canvas into the given frame: fitted, then zoomed, stretched, turned, shifted."""
    h, w = canvas.image.shape[:2]
    fit = min(height_px / h, width_px / w)
    zoom = fit * float(np.exp(random.uniform(np.log(rules.zoom[0]), np.log(rules.zoom[1]))))
    stretch = float(np.exp(random.uniform(-0.5, 0.5) * np.log(rules.stretch)))
    flip_x = -1.0 if random.random() < 0.5 else 1.0
    flip_y = -1.0 if random.random() < rules.flip_vertical else 1.0
    angle = np.radians(random.uniform(-rules.turn_degrees, rules.turn_degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([zoom * stretch * flip_x, zoom / stretch * flip_y])
    room_x, room_y = abs(width_px - w * zoom * stretch) / 2, abs(height_px - h * zoom / stretch) / 2
    shift = np.array([random.uniform(-1, 1) * room_x, random.uniform(-1, 1) * room_y])
    middle = np.array([width_px / 2, height_px / 2]) + shift - linear @ np.array([w / 2, h / 2])
    return np.concatenate([linear, middle[:, None]], axis=1)


def single(example: Example, height_px: int, width_px: int, rules: Training, random: Random) -> Canvas:
    """One picture, moved."""
    canvas = open_example(example)
    return moved(canvas, placement(canvas, height_px, width_px, rules, random), height_px, width_px)


def mosaic(four: Sequence[Example], height_px: int, width_px: int, rules: Training, random: Random) -> Canvas:
    """Four pictures, each moved into one of the quarters around a random middle."""
    x, y = int(width_px * random.uniform(0.35, 0.65)), int(height_px * random.uniform(0.35, 0.65))
    image = np.full((height_px, width_px, 3), GREY, dtype=np.uint8)
    labels = Labels(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    corners = [(0, 0, x, y), (x, 0, width_px, y), (0, y, x, height_px), (x, y, width_px, height_px)]
    for example, (x1, y1, x2, y2) in zip(four, corners, strict=True):
        canvas = open_example(example)
        part = moved(
            canvas,
            placement(canvas, y2 - y1, x2 - x1, rules.model_copy(update={"zoom": (1.0, rules.zoom[1] * 1.6)}), random),
            y2 - y1,
            x2 - x1,
        )
        image[y1:y2, x1:x2] = part.image
        labels = labels.plus(Labels(part.labels.boxes + np.array([x1, y1, x1, y1]), part.labels.classes))
    return Canvas(image, labels)


def sample(
    examples: Sequence[Example], chances: Floats, size: tuple[int, int], rules: Training, random: Random
) -> Canvas:
    """One training sample of ``size`` (height, width in pixels). ``chances [len(examples)]`` sum to one."""
    count = 4 if random.random() < rules.mosaic else 1
    chosen = [examples[int(index)] for index in random.choice(len(examples), count, p=chances)]
    canvas = mosaic(chosen, *size, rules, random) if count == 4 else single(chosen[0], *size, rules, random)
    vehicles = canvas.labels.boxes[np.isin(canvas.labels.classes, rules.vehicles)]
    return Canvas(augment.apply(canvas.image, random, rules.effects, vehicles), canvas.labels)


def chances(examples: Sequence[Example], rules: Training) -> Floats:
    """How likely each example is drawn ``[n]``: its weight, less for a single object, more for a rare class; they sum to one.

    A class in a share f of the images, f below ``rare_image_share``, raises theirs by the root of the ratio, up to three times.
    """
    weights = np.array(
        [item.weight * (rules.lonely if len(item.labels) == 1 else 1.0) for item in examples], dtype=float
    )
    held = [set(item.labels.classes.tolist()) for item in examples]
    share = {label: sum(label in item for item in held) / len(examples) for label in set().union(*held)}
    rise = [
        max((float(np.sqrt(rules.rare_image_share / share[label])) for label in item), default=1.0) for item in held
    ]
    weights *= np.clip(rise, 1.0, MOST_RISE)
    return np.asarray(weights / weights.sum())
