"""Pictures with what is known of them, pixel by pixel or as a whole. Reads files; decides nothing else."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from models.recipes.dataset import read
from models.recipes.segmentation.recipe import Pictures, SegmentRecipe

Mask = NDArray[np.uint8]
THERE, UNKNOWN, ABSENT = 255, 127, 0


@dataclass(frozen=True)
class Picture:
    """One picture. ``mask``: a file, or polygons ``[k][n][2]`` with values, in shares of the picture; None where none exists.

    ``present``: what a person said of the whole picture; None where nobody did. vehicles: a file of YOLO boxes. flood, wet:
    chances 0..1 that water, or else a wet ground, is drawn over it.
    """

    image: Path
    source: str
    group: str
    weight: float
    mask: Path | None = None
    drawn: tuple[tuple[int, tuple[tuple[float, float], ...]], ...] | None = None
    present: bool | None = None
    vehicles: Path | None = None
    flood: float = 0.0
    wet: float = 0.0

    @property
    def has_mask(self) -> bool:
        """Whether something is known pixel by pixel."""
        return self.mask is not None or self.drawn is not None or self.present is False


def pictures(recipe: SegmentRecipe, source: Pictures) -> list[Picture]:
    """The source's pictures by file name. Raises FileNotFoundError if one that is not optional has none."""
    root = recipe.root(source)
    files = {file.name: file for file in sorted((root / source.images).glob(source.pattern))}
    if not files and not source.optional:
        raise FileNotFoundError(f"{source.name}: no picture in {root / source.images}")
    rows = _table(root / source.table) if source.table else {}
    groups = _groups(recipe.folder, source.groups_in) if source.groups_in else None
    unsure = _groups(recipe.folder, source.unsure_in) if source.unsure_in else set()
    drawn = _drawn(recipe.folder / source.drawn) if source.drawn else {}
    result = []
    for name, file in files.items():
        row = rows.get(name, {})
        group = f"{source.name}/{row[source.group]}" if source.group and row else f"{source.name}/{file.stem}"
        if (source.table and not row) or (groups is not None and row.get(source.group or "") not in groups):
            continue
        present = None if source.group and row and row[source.group] in unsure else _present(source, row)
        if source.only is not None and present is not source.only:
            continue
        mask = root / source.masks / f"{file.stem}.png" if source.masks else None
        vehicles = root / source.vehicles / f"{file.stem}.txt" if source.vehicles else None
        result.append(
            Picture(
                file, source.name, group, source.weight, mask, drawn.get(name), present, vehicles, source.flood, source.wet
            )
        )  # fmt: skip
    return result


def _present(source: Pictures, row: dict[str, str]) -> bool | None:
    if source.absent:
        return False
    if source.label is None:
        return None
    return bool(row[source.label])


def _table(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return {row["file"]: row for row in csv.DictReader(text)}


def _groups(folder: Path, said: str) -> set[str]:
    """``file:key``: the groups listed under a key of a YAML file."""
    name, _, key = said.partition(":")
    return {str(group) for group in yaml.safe_load((folder / name).read_text(encoding="utf-8"))[key]}


def _drawn(file: Path) -> dict[str, tuple[tuple[int, tuple[tuple[float, float], ...]], ...]]:
    values = {"there": THERE, "unknown": UNKNOWN, "absent": ABSENT}
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {
        name: tuple((values[part["is"]], tuple((float(x), float(y)) for x, y in part["ring"])) for part in parts)
        for name, parts in body.items()
    }


def open_mask(picture: Picture, size_px: tuple[int, int]) -> Mask:
    """(height, width) of THERE, UNKNOWN and ABSENT for a picture of ``size_px`` (width, height). Raises ValueError on a bad file."""
    width, height = size_px
    if picture.drawn is not None:
        made = np.full((height, width), ABSENT, np.uint8)
        for value, ring in picture.drawn:
            corners = np.round(np.array(ring) * (width, height)).astype(np.int32)
            cv2.fillPoly(made, [corners], value)
        return made
    if picture.mask is not None:
        mask = cv2.imread(str(picture.mask), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise ValueError(f"{picture.mask}: not a mask")
        if mask.shape != (height, width):
            mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(np.select([mask > 190, mask > 64], [THERE, UNKNOWN], ABSENT), dtype=np.uint8)
    return np.full((height, width), ABSENT if picture.present is False else UNKNOWN, np.uint8)


def split(recipe: SegmentRecipe) -> list[Picture]:
    """All pictures to train on. Raises ValueError if one of a measured set, byte by byte, is among them."""
    barred = {_digest(item.image) for source in recipe.measured for item in pictures(recipe, source)}
    chosen = [item for source in recipe.train for item in pictures(recipe, source)]
    for item in chosen:
        if _digest(item.image) in barred:
            raise ValueError(f"{item.image.name}: measured and trained on")
    return [item for item in chosen if item.has_mask or item.present]


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def manifest(recipe: SegmentRecipe) -> dict[str, object]:
    """Per source: licence, number of pictures, one SHA-256 over names, pictures, masks and labels; and one over all."""
    sources = []
    for role, source in [*(("train", item) for item in recipe.train), *(("measure", item) for item in recipe.measured)]:
        digest, chosen = hashlib.sha256(), pictures(recipe, source)
        for item in chosen:
            said = json.dumps([item.image.name, item.group, item.present, item.drawn])
            digest.update(said.encode() + _digest(item.image) + (_digest(item.mask) if item.mask else b""))
        sources.append(
            {
                "role": role, "name": source.name, "images": len(chosen), "licence": source.licence, "path": source.images,
                "sha256": digest.hexdigest(),
            }
        )  # fmt: skip
    every = hashlib.sha256("".join(str(item["sha256"]) for item in sources).encode()).hexdigest()
    return {"data_sha256": every, "sources": sources}


__all__ = ["ABSENT", "THERE", "UNKNOWN", "Mask", "Picture", "manifest", "open_mask", "pictures", "read", "split"]
