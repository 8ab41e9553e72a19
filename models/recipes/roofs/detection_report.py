"""The roof detector's own figures: boxes whatever their material, the material of what was found, structures on roofs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes import metrics
from models.recipes.evaluate import Measured
from models.recipes.labels import Floats, Found, Labels, iou, one_each
from models.recipes.roofs import tiles
from models.recipes.roofs.detection_set import CLASSES, RoofSet, boxes_around, boxes_of

ROUNDS = 1000
LEAST_IOU = 0.5
SAME_PLACE = 0.8  # overlap of two findings of one roof
ON_STANDING = 0.3  # overlap of a finding with a structure marked on a real roof: outlines were drawn by eye
MOST_FALSE_PER_ROOF = 0.1
STEPS = np.round(np.arange(0.02, 0.96, 0.01), 2)


@dataclass(frozen=True)
class Tile:
    """One tile of val: the given boxes of its buildings, those footprints' boxes of which the map itself says tin (0) or concrete (1),
    all footprints ``[n, 2]``, and boxes ``[n, 4]`` of structures that stand on its real roofs."""

    given: Floats
    told: Labels
    outlines: list[Floats]
    standing: Floats


def truth(rules: RoofSet, data: Path, folder: Path) -> dict[str, Tile]:
    """By name. The boxes are the shared set's own (``building_boxes.coco.json``). Raises FileNotFoundError without them.

    folder: the recipe's, where the file of what stands on real roofs lies.
    """
    standing = tiles.marked(folder / rules.standing)
    said = json.loads((data / "building_boxes.coco.json").read_text(encoding="utf-8"))
    names = {item["id"]: Path(item["file_name"]).stem for item in said["images"]}
    result = {}
    for place in tiles.grounds(data, "val", rules.val, rules.mapped, standing):
        rows = [item["bbox"] for item in said["annotations"] if names[item["image_id"]] == place.name]
        given = np.array(rows, dtype=float).reshape(-1, 4)
        given[:, 2:] += given[:, :2]
        known = [index for index, item in enumerate(place.buildings) if item.material in ("tin", "concrete")]
        classes = np.array([CLASSES[str(place.buildings[index].material)] for index in known], dtype=np.int64)
        result[place.name] = Tile(
            given,
            Labels(boxes_of(place)[known], classes),
            [item.outline for item in place.buildings],
            boxes_around(place.standing, *place.image.shape[:2]),
        )
    return result


def roofs_of(found: Found) -> Found:
    """The roofs among the findings, one to a place whatever its material.

    Where the network gives one place both materials, it is the less sure of the material and the more of the roof: the better
    finding stays, its score is that of either being right, 1 - (1 - a)(1 - b).
    """
    roofs = found.keep(found.classes != CLASSES["structure"])
    if not len(roofs.classes):
        return roofs
    same = (iou(roofs.boxes, roofs.boxes) >= SAME_PLACE) & (roofs.classes[:, None] != roofs.classes[None, :])
    other = np.where(same, roofs.scores[None, :], 0.0).max(axis=1)
    return one_each(Found(roofs.boxes, roofs.classes, 1 - (1 - roofs.scores) * (1 - other) + 1e-6 * roofs.scores))


def structures_on_roofs(found: Found, tile: Tile) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores ``[n]`` of the structures among the findings whose middle lies on a footprint (trucks in a yard are no concern of a
    roof), and which of them are one that stands there in truth."""
    mine = found.keep(found.classes == CLASSES["structure"])
    middles = (mine.boxes[:, :2] + mine.boxes[:, 2:]) / 2
    outlines = [outline.astype(np.float32) for outline in tile.outlines]
    on = [
        any(cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for outline in outlines) for x, y in middles
    ]
    mine = mine.keep(np.array(on, dtype=bool))
    real = iou(mine.boxes, tile.standing).max(axis=1, initial=0.0) >= ON_STANDING
    return mine.scores, real


@dataclass(frozen=True)
class Row:
    """One tile: boxes of any roof matched, materials right and told, structures found, those of them that nobody sees there, and roofs."""

    boxes: metrics.Match
    right: int
    told: int
    found: int
    false: int
    roofs: int


def rows(measured: Measured, known: dict[str, Tile], limits: dict[str, float]) -> list[Row]:
    """Each tile of val as it is, at the operating thresholds (boxes: at all)."""
    least = np.array([limits["roof_tin"], limits["roof_concrete"], limits["structure"]])
    result = []
    for name, found in zip(measured.names, measured.found, strict=True):
        tile = known[Path(name).stem]
        all_roofs = roofs_of(found)
        plain = Found(all_roofs.boxes, np.zeros_like(all_roofs.classes), all_roofs.scores)
        boxes = metrics.match(plain, Labels(tile.given, np.zeros(len(tile.given), dtype=np.int64)), 0)
        alerted = found.keep((found.classes != CLASSES["structure"]) & (found.scores >= least[found.classes]))
        sure = one_each(alerted)
        right = told = 0
        if len(sure.classes) and len(tile.told):
            table = iou(tile.told.boxes, sure.boxes)
            best = table.argmax(axis=1)
            seen = table.max(axis=1) >= LEAST_IOU
            told = int(seen.sum())
            right = int((sure.classes[best][seen] == tile.told.classes[seen]).sum())
        scores, real = structures_on_roofs(found, tile)
        alerts = scores >= limits["structure"]
        result.append(Row(boxes, right, told, int(alerts.sum()), int((alerts & ~real).sum()), len(tile.given)))
    return result


def structure_threshold(measured: Measured, known: dict[str, Tile]) -> float:
    """The lowest score at which at most one structure that nobody sees there is found on every ten roofs where none was put."""
    pairs = [
        structures_on_roofs(found, known[Path(name).stem])
        for name, found in zip(measured.names, measured.found, strict=True)
    ]
    scores = np.concatenate([scores[~real] for scores, real in pairs])
    most = MOST_FALSE_PER_ROOF * sum(len(tile.given) for tile in known.values())
    return next((float(limit) for limit in STEPS if (scores >= limit).sum() <= most), float(STEPS[-1]))


def _figures(some: Sequence[Row]) -> tuple[float, ...]:
    roofs = max(1, sum(row.roofs for row in some))
    return (
        float(metrics.average_precision([row.boxes for row in some])[0]),
        sum(row.right for row in some) / max(1, sum(row.told for row in some)),
        10 * sum(row.false for row in some) / roofs,
        10 * sum(row.found for row in some) / roofs,
    )


def figures(
    untouched: Measured, built: Measured, known: dict[str, Tile], limits: dict[str, float], seed: int
) -> dict[str, Any]:
    """AP50 of boxes of any roof, accuracy of the material, false and all structures per ten roofs, recall of structures; with intervals."""
    counted = rows(untouched, known, limits)
    random = np.random.default_rng(seed)
    drawn = np.array(
        [_figures([counted[int(i)] for i in random.integers(0, len(counted), len(counted))]) for _ in range(ROUNDS)]
    )
    bounds = np.percentile(drawn, [2.5, 97.5], axis=0)
    label = CLASSES["structure"]
    column = [row[label] for row in built.matches]
    recall = metrics.precision_recall(column, limits["structure"])[1]
    groups = sorted(set(built.groups))
    samples = []
    for _ in range(ROUNDS):
        chosen = [groups[int(i)] for i in random.integers(0, len(groups), len(groups))]
        picked = [column[i] for name in chosen for i, group in enumerate(built.groups) if group == name]
        samples.append(metrics.precision_recall(picked, limits["structure"])[1])
    values = _figures(counted)
    names = ("boxes_ap50", "material_accuracy", "false_per_ten", "found_per_ten")
    result: dict[str, Any] = {
        name: {"value": round(value, 4), "interval": [round(float(bounds[0, i]), 4), round(float(bounds[1, i]), 4)]}
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    }
    low, high = np.percentile(samples, [2.5, 97.5])
    result["structure_recall"] = {"value": round(recall, 4), "interval": [round(float(low), 4), round(float(high), 4)]}
    return result | {
        "roofs": sum(row.roofs for row in counted),
        "told": sum(row.told for row in counted),
        "structures": sum(item.truths for item in column),
    }


WANTED = {  # figure → wanted, and in words
    "boxes_ap50": (0.70, "AP50 of roofs' boxes, whatever their material"),
    "material_accuracy": (0.90, "accuracy of tin against concrete, of roofs that were found"),
    "structure_recall": (0.90, "recall of inserted structures"),
    "false_per_ten": (1.0, "structures found on ten untouched roofs (at most), without those that a person sees there"),
}


def targets(said: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wanted and reached, in the form of the detectors' targets."""
    result = []
    for name, (wanted, words) in WANTED.items():
        value = said[name]["value"]
        met = value <= wanted if name == "false_per_ten" else value >= wanted
        result.append({"classes": [words], "on": "roof-val", "wanted": wanted, "ap50": value, "met": met})
    return result


def section(said: dict[str, Any]) -> str:
    """Markdown: the figures with their intervals."""
    lines = [
        (
            f"### Roofs: {said['roofs']} given boxes on the tiles of val, {said['told']} found of known material, "
            f"{said['structures']} structures put onto copies of the tiles"
        ),
        "",
        "| figure | 95 %, bootstrap over 12 tiles | wanted | reached | |",
        "|---|---|---|---|---|",
    ]
    for (name, (wanted, words)), target in zip(WANTED.items(), targets(said), strict=True):
        low, high = said[name]["interval"]
        verdict = "met" if target["met"] else "**not met**"
        lines.append(f"| {words} | {low:.3f} – {high:.3f} | {wanted:.2f} | {said[name]['value']:.3f} | {verdict} |")
    every = said["found_per_ten"]
    low, high = every["interval"]
    lines.append(
        f"| structures found on ten untouched roofs, whatever stands there | {low:.3f} – {high:.3f} | – | {every['value']:.3f} | |"
    )
    return "\n".join(lines)
