"""Draw water over streets that are dry: what no data set has masks for. Pure functions: a picture in, a new one and its mask out.

Flood water mirrors what stands behind it, through ripples that perspective makes finer with distance, and hides the ground; a
wet road mirrors as well, but its markings and its grain stay in view. Both are drawn, the second without a mask.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.augment import Image, Random
from models.recipes.labels import Floats
from models.recipes.segmentation.pictures import ABSENT, THERE, UNKNOWN, Mask

TILE_PX = 512
# blue, green, red of water under an even sky: mud, loam, grey, dark, green
COLORS = np.array([[62, 96, 128], [96, 140, 172], [122, 124, 120], [38, 38, 36], [72, 92, 78]], dtype=np.float32)
SUBMERGED = (0.05, 0.3)  # of a vehicle's height


@lru_cache(maxsize=8)
def _ripples(seed: int) -> NDArray[np.float32]:
    """Slopes of a rippled surface ``[TILE_PX, TILE_PX]``, about -2..2, longer across than along; its edges fit one another."""
    random = np.random.default_rng(seed)
    total = np.zeros((TILE_PX, TILE_PX), np.float32)
    for across, along, share in ((3.0, 1.2, 0.5), (9.0, 3.0, 1.0), (26.0, 9.0, 0.8)):
        rough = np.tile(random.normal(size=(TILE_PX, TILE_PX)).astype(np.float32), (2, 2))
        smooth = cv2.GaussianBlur(rough, (0, 0), sigmaX=across, sigmaY=along)[
            TILE_PX // 2 : TILE_PX // 2 + TILE_PX, TILE_PX // 2 : TILE_PX // 2 + TILE_PX
        ]
        total += share * np.asarray(smooth / smooth.std(), dtype=np.float32)
    return np.asarray(total / total.std(), dtype=np.float32)


def _surface(size_px: tuple[int, int], horizon_px: float, random: Random) -> NDArray[np.float32]:
    """Ripples on flat ground ``[h, w]`` seen from a camera whose horizon lies at that row; zero above it."""
    w, h = size_px
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    below = np.maximum(y - np.float32(horizon_px), 4.0)
    scale = float(np.exp(random.uniform(np.log(60), np.log(260))))
    across, away = (x - w / 2) / below * scale, h / below * scale * random.uniform(0.6, 1.4)
    start = random.uniform(0, TILE_PX, 2)
    tile = _ripples(int(random.integers(0, 8)))
    where_x = ((across + start[0]) % TILE_PX).astype(np.float32)
    where_y = ((away + start[1]) % TILE_PX).astype(np.float32)
    found = cv2.remap(tile, where_x, where_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found * np.clip(below / (0.12 * h), 0.2, 1.0), dtype=np.float32)


def _mirrored(
    image: Image, edge_px: NDArray[np.float32], slopes: NDArray[np.float32], bend: float
) -> NDArray[np.float32]:
    """What the surface mirrors ``[h, w, 3]``: the picture turned over at the far edge (a row a column), bent by the slopes."""
    h, w = image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    depth = np.maximum(y - edge_px[None, :], 0)
    row = np.clip(edge_px[None, :] - depth * 0.9 + slopes * bend * (4 + depth * 0.35), 0, h - 1)
    column = x + slopes * bend * 3
    soft = cv2.GaussianBlur(image, (0, 0), sigmaX=1.0, sigmaY=2.5)
    found = cv2.remap(soft, column, row.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def _far_edge(size_px: tuple[int, int], random: Random) -> NDArray[np.float32]:
    """The row at which the water begins, a column each ``[w]``: tilted and uneven, as a kerb or a slope makes it."""
    w, h = size_px
    x = np.linspace(-0.5, 0.5, w, dtype=np.float32)
    base = h * random.uniform(0.28, 0.75)
    uneven = cv2.GaussianBlur(
        random.normal(size=(1, w)).astype(np.float32), (0, 0), sigmaX=w * random.uniform(0.03, 0.12)
    )
    uneven = uneven[0] / (uneven.std() + 1e-6) * h * random.uniform(0.0, 0.05)
    return np.asarray(np.clip(base + x * h * random.uniform(-0.3, 0.3) + uneven, 0.2 * h, 0.95 * h), dtype=np.float32)


def _region(
    size_px: tuple[int, int], edge_px: NDArray[np.float32], vehicles: Floats, random: Random
) -> NDArray[np.float32]:
    """Where the water is ``[h, w]``, 0..1: below its far edge, maybe only a pool, and not where vehicles stand out of it."""
    w, h = size_px
    y = np.arange(h, dtype=np.float32)[:, None]
    covered = np.clip((y - edge_px[None, :]) / 3.0, 0, 1)
    if random.random() < 0.4:  # a pool, not a river: something of the near ground stays dry
        spots = cv2.GaussianBlur(
            random.normal(size=(h, w)).astype(np.float32), (0, 0), sigmaX=w * 0.12, sigmaY=h * 0.06
        )
        limit = np.quantile(spots, random.uniform(0.15, 0.55))
        covered = covered * np.clip((spots - limit) / (spots.std() * 0.06), 0, 1)
    for x1, y1, x2, y2 in vehicles:
        deep = y2 - (y2 - y1) * random.uniform(*SUBMERGED)
        inset = 0.04 * (x2 - x1)
        covered[max(0, int(y1)) : max(0, int(deep)), max(0, int(x1 + inset)) : max(0, int(x2 - inset))] = 0
    return np.asarray(covered, dtype=np.float32)


def flooded(image: Image, vehicles: Floats, random: Random) -> tuple[Image, Mask]:
    """``image [h, w, 3]`` with water on the ground, and its mask. vehicles: boxes ``[n, 4]`` in pixels, which stand in it."""
    h, w = image.shape[:2]
    edge = _far_edge((w, h), random)
    slopes = _surface((w, h), float(edge.min()) - h * random.uniform(0.05, 0.25), random)
    covered = _region((w, h), edge, vehicles, random)
    near = np.clip((np.arange(h, dtype=np.float32)[:, None] - edge[None, :]) / h, 0, 1)
    mirror = _mirrored(image, edge, slopes, float(np.exp(random.uniform(np.log(0.3), np.log(3.0)))))
    reflected = np.clip(random.uniform(0.45, 0.95) - near * random.uniform(0.2, 0.9) + slopes * 0.06, 0.05, 1)[
        ..., None
    ]
    light = float(image[h // 2 :].mean()) / 115.0
    color = (
        COLORS[int(random.integers(len(COLORS)))]
        * (random.uniform(0.7, 1.2) * random.uniform(0.9, 1.1, 3)).astype(np.float32)
        * light
    )
    shaded = color * (1 + 0.10 * random.uniform(0.2, 1.5) * slopes[..., None])
    water = reflected * mirror + (1 - reflected) * shaded
    glint = np.clip(slopes - random.uniform(1.2, 2.4), 0, 1)[..., None] * random.uniform(0, 90) * min(1.0, light)
    alpha = covered[..., None] * random.uniform(0.86, 1.0)
    drawn = np.clip(image * (1 - alpha) + (water + glint) * alpha, 0, 255)
    mask = np.select([covered > 0.75, covered > 0.05], [THERE, UNKNOWN], ABSENT)
    return np.asarray(drawn, dtype=np.uint8), np.asarray(mask, dtype=np.uint8)


def wet(image: Image, random: Random) -> Image:
    """``image [h, w, 3]`` with a wet ground: darker, shining where lights stand behind, its markings and grain in view."""
    h, w = image.shape[:2]
    edge = _far_edge((w, h), random)
    slopes = _surface((w, h), float(edge.min()) - h * 0.15, random)
    mirror = _mirrored(image, edge, slopes * 0.3, 0.4)
    rough = cv2.GaussianBlur(mirror, (0, 0), 1.5, sigmaY=random.uniform(4, 14))  # a rough ground draws lights out
    below = np.clip((np.arange(h, dtype=np.float32)[:, None] - edge[None, :]) / 6.0, 0, 1)[..., None]
    dark = image * (1 - below * random.uniform(0.1, 0.4))
    shine = np.clip(rough - 70, 0, 255) * random.uniform(0.2, 0.8) * below
    return np.asarray(np.clip(dark + shine * (1 - dark / 300), 0, 255), dtype=np.uint8)
