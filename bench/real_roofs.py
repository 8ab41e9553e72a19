"""Real roofs to build on: outlines on the tiles of the shared set, in two halves, one for tuning and one for measuring."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from math import asinh, atan, cos, degrees, pi, radians, sinh, tan
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import shapely

from patrol_edge.frame import Image

SHARED = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FOLDER = SHARED / "roofs"
TILE_PX, ZOOM = 512, 19
EARTH_M = 40_075_016.686
INSET_M = 3.0  # of a roof from its tile's border: each roof lies on one tile only
UNSEEN_ROWS = (220247, 220248)  # tile numbers, as in models/roof_change/recipe.yaml
Part = Literal["tuning", "measuring", "unseen", "untrained"]
PARTS: tuple[Part, ...] = ("tuning", "measuring", "unseen", "untrained")


@dataclass(frozen=True)
class RealRoof:
    """A roof's outline on its tile: metres east and north of the tile's top left corner, and what it is made of."""

    tile: Path
    outline: shapely.Polygon
    gsd_m: float
    material: str
    part: Part


@cache
def roofs(part: Part) -> tuple[RealRoof, ...]:
    """Whole roofs of 60 to 1500 m2 on the tiles of one part: every other tile is for tuning, the rest is for measuring.

    "unseen" are those tiles for measuring that the recipe of the network `roof_change` never trains on either, "untrained" those
    for tuning: what is fitted to the network's opinion is fitted on these.
    """
    tiles = sorted((FOLDER / "tiles").glob("*.jpg"))[int(part in ("measuring", "unseen")) :: 2]
    if part in ("unseen", "untrained"):
        tiles = [tile for tile in tiles if int(tile.stem.split("-")[2]) in UNSEEN_ROWS]
    features = json.loads((FOLDER / "buildings.geojson").read_text(encoding="utf-8"))["features"]
    rings = [(np.array(f["geometry"]["coordinates"][0]), f["properties"].get("roof:material") or "unknown") for f in features]  # fmt: skip
    found = []
    for tile in tiles:
        x, y = (int(part) for part in tile.stem.split("-")[1:3])
        latitude = degrees(atan(sinh(pi * (1 - 2 * (y + 0.5) / 2**ZOOM))))
        gsd_m = EARTH_M * cos(radians(latitude)) / 2**ZOOM / TILE_PX
        for ring, material in rings:
            across = ((ring[:, 0] + 180) / 360 * 2**ZOOM - x) * TILE_PX
            mercator = np.array([asinh(tan(radians(v))) for v in ring[:, 1]])
            down = ((1 - mercator / pi) / 2 * 2**ZOOM - y) * TILE_PX
            inset = INSET_M / gsd_m
            if min(across.min(), down.min()) < inset or max(across.max(), down.max()) > TILE_PX - inset:
                continue
            outline = shapely.Polygon(np.column_stack([across * gsd_m, -down * gsd_m])).buffer(0)
            if isinstance(outline, shapely.Polygon) and 60 <= outline.area <= 1500:
                found.append(RealRoof(tile, outline, gsd_m, material, part))
    return tuple(found)


@cache
def tile_picture(path: Path) -> Image:
    """(512, 512, 3) BGR."""
    return np.asarray(cv2.imread(str(path)), np.uint8)
