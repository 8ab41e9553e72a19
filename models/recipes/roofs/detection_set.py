"""The detector's pictures: whole roof tiles with their roofs labelled by material, and copies with structures put onto concrete roofs.

Written as PNG with YOLO labels into the model's own folder, which git ignores: the tiles are not ours to give.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.recipes.augment import Image, Random
from models.recipes.labels import Floats, iou
from models.recipes.roofs import pairs, structures, tiles
from models.recipes.roofs.seasons import filled
from models.recipes.roofs.tiles import Area, Building, Ground

LEAST_SIDE_PX = 6.0
NEIGHBOURS = 9
CLASSES = {"tin": 0, "concrete": 1, "structure": 2}
BOXES_AGREE = 0.8
VAL_SEED = 7


class RoofSet(BaseModel):
    """Which tiles, and what is put onto them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = "roofs"
    standing: Path = Field(description="YAML beside the recipe: structures that a person saw on real roofs")
    mapped: Area
    val: Area
    light: pairs.Light
    kinds: dict[str, float]
    unseen_kinds: list[str] = Field(default=[], description="only in val: kinds that training never shows")
    train_views: int = Field(description="turned and enlarged views of the train district")
    built_share: float = Field(description="of them with structures put onto the roofs")
    val_copies: int = Field(description="copies of each val tile with structures on it")
    structures_a_tile: tuple[int, int]
    effects: dict[str, float]
    sides_m: tuple[float, float] = (2.2, 8.0)


@dataclass(frozen=True)
class Labelled:
    """A picture BGR and its objects: boxes ``[n, 4]`` xyxy in pixels, class of each."""

    name: str
    image: Image
    boxes: Floats
    classes: list[int]


def signature(place: Ground, item: Building) -> Floats:
    """What a roof's colour and texture are ``[8]``: median and spread of L*a*b*, and how much it has edges across and along."""
    h, w = place.image.shape[:2]
    low = np.clip(np.floor(item.outline.min(axis=0)).astype(int), 0, [w - 1, h - 1])
    high = np.clip(np.ceil(item.outline.max(axis=0)).astype(int) + 1, low + 1, [w, h])
    part = place.image[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [(item.outline - low).astype(np.int32)], 255)
    inside = mask > 0
    if inside.sum() < 20:
        inside = np.ones_like(inside)
    lab = cv2.cvtColor(part, cv2.COLOR_BGR2LAB).astype(float)
    light = np.ascontiguousarray(lab[..., 0])
    across, along = (np.abs(cv2.Sobel(light, cv2.CV_64F, *order)) for order in ((1, 0), (0, 1)))
    values = [*np.median(lab[inside], axis=0), *lab[inside].std(axis=0), across[inside].mean(), along[inside].mean()]
    return np.array(values)


def resolved(place: Ground, known: Sequence[Ground]) -> Ground:
    """The ground with tin or concrete said of every building: by the map, or, where it is silent, as most of the nine
    most similar roofs of ``known`` are (similar in ``signature``)."""
    told = [
        (signature(item, roof), roof.material)
        for item in known
        for roof in item.buildings
        if roof.material in ("tin", "concrete")
    ]
    table = np.array([row for row, _ in told])
    spread = table.std(axis=0) + 1e-6

    def said(roof: Building) -> Building:
        if roof.material in ("tin", "concrete"):
            return roof
        gap = np.linalg.norm((table - signature(place, roof)) / spread, axis=1)
        near = [told[int(number)][1] for number in np.argsort(gap)[:NEIGHBOURS]]
        return Building(roof.outline, "tin" if near.count("tin") > NEIGHBOURS // 2 else "concrete")

    return replace(place, buildings=tuple(said(roof) for roof in place.buildings))


def boxes_of(place: Ground) -> Floats:
    """Boxes ``[n, 4]`` xyxy around what the picture shows of each building; empty where it shows nothing."""
    return boxes_around([item.outline for item in place.buildings], *place.image.shape[:2])


def boxes_around(outlines: Sequence[Floats], h: int, w: int) -> Floats:
    """Boxes ``[n, 4]`` xyxy around what a picture of ``h`` by ``w`` shows of each outline; empty where it shows nothing."""
    rows = []
    for outline in outlines:
        seen = filled(outline, h, w) > 0.5
        across, down = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
        whole_px = [across[0], down[0], across[-1] + 1, down[-1] + 1] if len(across) and len(down) else [0, 0, 0, 0]
        rows.append([float(value) for value in whole_px])
    return np.array(rows, dtype=float).reshape(-1, 4)


def whole(place: Ground) -> Labelled:
    """The ground as it is, with what is known to stand on its roofs."""
    boxes = np.concatenate([boxes_of(place), boxes_around(place.standing, *place.image.shape[:2])])
    materials = [str(item.material) for item in place.buildings] + ["structure"] * len(place.standing)
    large = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= LEAST_SIDE_PX if len(boxes) else np.zeros(0, bool)
    classes = [CLASSES[materials[int(index)]] for index in np.flatnonzero(large)]
    return Labelled(place.name, place.image, boxes[large], classes)


def built(
    place: Ground,
    cuts: Sequence[structures.CutOut],
    rules: RoofSet,
    kinds: dict[str, float],
    random: Random,
    turn_deg: float,
) -> Labelled:
    """The ground with structures on concrete roofs, another light and camera. turn_deg: how far it was turned, and its sun with it."""
    h, w = place.image.shape[:2]
    base = whole(place)
    hosts = [item.outline for item in place.buildings if item.material == "concrete"]
    picture = place.image.astype(np.float32)
    taken = np.zeros((h, w), np.float32)
    for outline in place.standing:
        taken = np.maximum(taken, filled(outline, h, w))
    boxes, classes = [*base.boxes], [*base.classes]
    drawn = pairs.Rules(
        light=rules.light,
        kinds=kinds,
        sides_m=rules.sides_m,
        built=(1,),
        removed=(1,),
        kept=(1,),
        effects=rules.effects,
        shift_px=0,
        turn_deg=0,
        scale=0,
        bend_px=0,
    )
    stock = pairs.Material([place], [item for item in cuts if item.material == "tin"])
    bearing = rules.light.shadow_bearing_deg - turn_deg + random.normal(0, 6)
    reach = pairs.reach_of(bearing, random.uniform(*rules.light.shadow_per_height))
    for _ in range(int(random.integers(rules.structures_a_tile[0], rules.structures_a_tile[1] + 1)) if hosts else 0):
        piece = pairs.choose(stock, drawn, kinds, random)
        at = pairs.spot(piece, hosts, taken, random)
        if at is None:
            continue
        picture, seen = pairs.put(picture, piece, *at, reach, random.uniform(0.3, 0.65), random.normal(0, 0.6, 2))
        taken = np.maximum(taken, seen)
        down, across = np.nonzero(seen > 0.5)
        if len(down) and min(np.ptp(across), np.ptp(down)) >= LEAST_SIDE_PX:
            boxes.append(np.array([across.min(), down.min(), across.max() + 1, down.max() + 1], dtype=float))
            classes.append(CLASSES["structure"])
    picture = pairs.weather(picture, random, rules.effects, [item.outline for item in place.buildings], reach)
    photo = pairs.photograph(picture, random, rules.effects)
    return Labelled(place.name, photo, np.array(boxes).reshape(-1, 4), classes)


def save(items: Sequence[Labelled], folder: Path) -> None:
    """Write pictures and labels; what lay there before is removed."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for old in (folder / kind).iterdir():
            old.unlink()
    for item in items:
        h, w = item.image.shape[:2]
        cv2.imwrite(str(folder / "images" / f"{item.name}.png"), item.image)
        lines = [
            f"{label} {(x1 + x2) / 2 / w:.6f} {(y1 + y2) / 2 / h:.6f} {(x2 - x1) / w:.6f} {(y2 - y1) / h:.6f}"
            for (x1, y1, x2, y2), label in zip(item.boxes, item.classes, strict=True)
        ]
        (folder / "labels" / f"{item.name}.txt").write_text("\n".join(lines), encoding="utf-8")


def agreement(places: Sequence[Ground], file: Path) -> tuple[int, int]:
    """How many boxes of the given COCO file are a building's here (IoU from 0.8), and how many boxes there are, on these tiles."""
    said = json.loads(file.read_text(encoding="utf-8"))
    names = {item["id"]: Path(item["file_name"]).stem for item in said["images"]}
    good = total = 0
    for place in places:
        given: NDArray[np.float64] = np.array(
            [item["bbox"] for item in said["annotations"] if names[item["image_id"]] == place.name], dtype=float
        ).reshape(-1, 4)
        given[:, 2:] += given[:, :2]
        ours = boxes_of(place)
        total += len(given)
        if len(given) and len(ours):
            good += int((iou(given, ours).max(axis=1) >= BOXES_AGREE).sum())
    return good, total


def _train(rules: RoofSet, data: Path, seed: int, known: Sequence[Ground]) -> list[Labelled]:
    """Views of the train district, turned and enlarged at random, some with structures: exact boxes at every angle."""
    district = resolved(tiles.district(known, tiles.buildings(data / "buildings.geojson")), known)
    cuts = structures.cut_outs([district])
    kinds = {name: share for name, share in rules.kinds.items() if name not in rules.unseen_kinds}
    result = []
    for index in range(rules.train_views):
        random = np.random.default_rng([seed, index])
        middle = district.buildings[int(random.integers(len(district.buildings)))].outline.mean(axis=0)
        middle = middle + random.normal(0, tiles.TILE_PX / 6, 2)
        turn, zoom = random.uniform(0, 360), float(np.exp(random.uniform(np.log(0.85), np.log(1.3))))
        place = tiles.view(district, middle, turn, zoom, tiles.TILE_PX, f"view-{index:04d}")
        put_on = random.random() < rules.built_share
        result.append(built(place, cuts, rules, kinds, random, turn) if put_on else whole(place))
    return result


def write(rules: RoofSet, data: Path, folder: Path, seed: int) -> dict[str, int]:
    """Make ``train``, ``val`` (tiles as they are) and ``val-built`` (structures on them) in ``folder``; number of pictures of each.

    What stands on the real roofs of train is labelled; in ``val`` and ``val-built`` only what was put there is.
    """
    standing = tiles.marked(folder.parent / rules.standing)
    known = [item for item in tiles.grounds(data, "train", rules.val, rules.mapped, standing) if item.mapped]
    val = [resolved(item, known) for item in tiles.grounds(data, "val", rules.val, rules.mapped)]
    cuts = structures.cut_outs(val)
    made = {"train": _train(rules, data, seed, known), "val": [whole(item) for item in val]}
    made["val-built"] = [
        built(
            tiles.Ground(f"{place.name}-built{copy}", place.image, place.buildings, True),
            cuts,
            rules,
            rules.kinds,
            np.random.default_rng([seed, VAL_SEED, number, copy]),
            0.0,
        )
        for number, place in enumerate(val)
        for copy in range(rules.val_copies)
    ]
    for name, items in made.items():
        save(items, folder / name)
    return {name: len(items) for name, items in made.items()}
