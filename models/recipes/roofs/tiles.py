"""The roof tiles: where they lie, which buildings they show, and which neighbourhood is kept for measuring."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.recipes.labels import Floats

TILE_PX = 512
ZOOM = 19  # of the tile numbers; with 512 px a tile that is 13.2 cm a pixel at the latitude of this town
METRES_PER_PX = 0.132
NAMED = re.compile(r"OAM-(\d+)-(\d+)-19")
Split = Literal["train", "val"]


class Area(BaseModel):
    """Tile numbers from and to, both included: west and east (x), north and south (y)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: tuple[int, int]
    y: tuple[int, int]

    def holds(self, x: int, y: int) -> bool:
        """Is the tile inside?"""
        return self.x[0] <= x <= self.x[1] and self.y[0] <= y <= self.y[1]

    def touches(self, x: int, y: int) -> bool:
        """Is the tile inside, or a neighbour of one that is?"""
        return self.x[0] - 1 <= x <= self.x[1] + 1 and self.y[0] - 1 <= y <= self.y[1] + 1


@dataclass(frozen=True)
class Building:
    """A footprint ``[n, 2]`` in pixels (x east, y south) of the whole world or of one ground, and what its roof is made of."""

    outline: Floats
    material: str | None


@dataclass(frozen=True)
class Ground:
    """A picture BGR ``[h, w, 3]`` at 13 cm a pixel, north up, and the footprints in its pixels; none are known where not mapped.

    standing: outlines ``[4, 2]`` of sheds, canopies and the like that a person saw stand on its roofs.
    """

    name: str
    image: NDArray[np.uint8]
    buildings: tuple[Building, ...]
    mapped: bool
    standing: tuple[Floats, ...] = ()


def world_px(longitude_deg: float, latitude_deg: float) -> tuple[float, float]:
    """Web Mercator pixels (x east, y south) at zoom 19 with 512 px a tile. Source: OGC 17-083r4, annex D."""
    across = (longitude_deg + 180) / 360
    down = (1 - math.asinh(math.tan(math.radians(latitude_deg))) / math.pi) / 2
    return across * 2**ZOOM * TILE_PX, down * 2**ZOOM * TILE_PX


def material_of(properties: dict[str, object]) -> str | None:
    """``tin``, ``concrete``, another roof's tag as it is, or None where nobody said; spelling mistakes of the map are read."""
    said = properties.get("roof:material")
    known = {"concerte": "concrete", "metal": "tin"}
    return known.get(str(said), str(said)) if said else None


def buildings(file: Path) -> list[Building]:
    """All footprints of a GeoJSON file, in world pixels. Raises OSError, or KeyError where it is no such file."""
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    return [
        Building(
            np.array([world_px(point[0], point[1]) for point in feature["geometry"]["coordinates"][0]], dtype=float),
            material_of(feature["properties"]),
        )
        for feature in features
    ]


def number(file: Path) -> tuple[int, int]:
    """The tile's x and y. Raises ValueError if the name has none."""
    found = NAMED.match(file.stem)
    if found is None:
        raise ValueError(f"{file.name}: no tile numbers in the name")
    return int(found.group(1)), int(found.group(2))


def split_of(x: int, y: int, val: Area) -> Split | None:
    """A tile's split: ``val`` inside the area, none where it touches it, ``train`` elsewhere: no building is in both."""
    if val.holds(x, y):
        return "val"
    return None if val.touches(x, y) else "train"


def _within(outline: Floats, width_px: int, height_px: int) -> bool:
    low, high = outline.min(axis=0), outline.max(axis=0)
    return bool(high[0] > 0 and high[1] > 0 and low[0] < width_px and low[1] < height_px)


def ground(file: Path, known: Sequence[Building], mapped: Area) -> Ground:
    """One tile with its footprints. Raises ValueError if the file is no picture."""
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{file}: not an image")
    x, y = number(file)
    origin = np.array([x, y], dtype=float) * TILE_PX
    here = tuple(
        Building(item.outline - origin, item.material)
        for item in known
        if _within(item.outline - origin, image.shape[1], image.shape[0])
    )
    is_mapped = mapped.holds(x, y)
    return Ground(file.stem, np.asarray(image, dtype=np.uint8), here if is_mapped else (), is_mapped)


def marked(file: Path) -> dict[str, tuple[Floats, ...]]:
    """Outlines of structures that stand on real roofs, by tile: ``name: [[[x, y], ...], ...]`` in pixels of the tile.

    Raises OSError without the file, ValueError where an outline has not four corners.
    """
    result = {}
    for name, rings in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        outlines = tuple(np.array(ring, dtype=float) for ring in rings)
        if any(outline.shape != (4, 2) for outline in outlines):
            raise ValueError(f"{file.name}: {name}: an outline is four corners, each x and y in pixels")
        result[str(name)] = outlines
    return result


def far_half(place: Ground, val: Area) -> Ground | None:
    """The half of a mapped tile that is away from ``val`` to its north, without any building that reaches the other half.

    Buildings that cross the cut are painted grey: nothing of them is learnt from. None where the tile does not lie north of ``val``.
    """
    x, y = number(Path(place.name))
    if not (place.mapped and y == val.y[0] - 1 and val.x[0] <= x <= val.x[1]):
        return None
    half = TILE_PX // 2
    image = place.image[:half].copy()
    crossing = [item for item in place.buildings if item.outline[:, 1].max() > half]
    for item in crossing:
        cv2.fillPoly(image, [item.outline.astype(np.int32)], (114, 114, 114))
    kept = tuple(item for item in place.buildings if item.outline[:, 1].max() <= half)
    standing = tuple(outline for outline in place.standing if outline[:, 1].max() <= half)
    return Ground(f"{place.name}-north", image, kept, True, standing)


def grounds(
    folder: Path, split: Split, val: Area, mapped: Area, standing: Mapping[str, tuple[Floats, ...]] | None = None
) -> list[Ground]:
    """Every ground of a split, by name, with what is known to stand on its roofs. Raises FileNotFoundError if there is no tile."""
    files = sorted((folder / "tiles").glob("OAM-*.jpg"))
    if not files:
        raise FileNotFoundError(f"no roof tile in {folder / 'tiles'}")
    known = buildings(folder / "buildings.geojson")
    result = []
    for file in files:
        side = split_of(*number(file), val)
        if side is not None and side != split:
            continue
        place = replace(ground(file, known, mapped), standing=(standing or {}).get(file.stem, ()))
        if side == split:
            result.append(place)
        elif split == "train":
            half = far_half(place, val)
            result += [half] if half is not None else []
    return result


def district(places: Sequence[Ground], known: Sequence[Building]) -> Ground:
    """The mapped grounds in one picture, grey where there is none, with every building of ``known`` that lies wholly on them.

    Of buildings that reach beyond nothing is learnt: they are painted grey. Raises ValueError where no ground is mapped.
    """
    mapped = [place for place in places if place.mapped]
    if not mapped:
        raise ValueError("no mapped ground")
    corners = np.array([number(Path(place.name)) for place in mapped])
    first = corners.min(axis=0)
    across, down = (corners.max(axis=0) - first + 1) * TILE_PX
    image = np.full((down, across, 3), 114, np.uint8)
    held = np.zeros((down, across), np.uint8)
    for place, (x, y) in zip(mapped, (corners - first) * TILE_PX, strict=True):
        h, w = place.image.shape[:2]
        image[y : y + h, x : x + w] = place.image
        held[y : y + h, x : x + w] = 255
    inside = []
    for item in known:
        outline = item.outline - first * TILE_PX
        if not _within(outline, across, down):
            continue
        low = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, [across, down])
        high = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, 0, [across, down])
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        foot = np.zeros((high - low)[::-1], np.uint8)
        cv2.fillPoly(foot, [(outline - low).astype(np.int32)], 255)
        whole = bool((outline.min(axis=0) >= 0).all() and (outline.max(axis=0) < [across, down]).all())
        if whole and not (foot[held[part] == 0]).any():
            inside.append(Building(outline, item.material))
        else:
            image[part][foot > 0] = 114
    standing = tuple(
        outline + corner
        for place, corner in zip(mapped, (corners - first) * TILE_PX, strict=True)
        for outline in place.standing
    )
    return Ground("district", image, tuple(inside), True, standing)


def view(place: Ground, middle: Floats, turn_deg: float, zoom: float, size: int, name: str) -> Ground:
    """A square of the ground around ``middle`` (x, y), turned and enlarged, with the footprints that it shows."""
    matrix: Floats = np.array(
        cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), turn_deg, zoom), dtype=float
    )
    matrix[:, 2] = matrix[:, 2] + size / 2 - np.asarray(middle, dtype=float)
    image = cv2.warpAffine(
        place.image,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(114,) * 3,
    )
    moved = (Building(item.outline @ matrix[:, :2].T + matrix[:, 2], item.material) for item in place.buildings)
    standing = (outline @ matrix[:, :2].T + matrix[:, 2] for outline in place.standing)
    return Ground(
        name,
        np.asarray(image, np.uint8),
        tuple(item for item in moved if _within(item.outline, size, size)),
        True,
        tuple(outline for outline in standing if _within(outline, size, size)),
    )
