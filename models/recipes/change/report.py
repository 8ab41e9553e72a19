"""The figures of the network that compares two pictures of a roof; card and figures.json."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.recipes import openvino_runtime, tables
from models.recipes.change import measure
from models.recipes.change.measure import Counted, Roof, Set
from models.recipes.change.recipe import ChangeRecipe, material
from models.recipes.change.release import OpenvinoChange
from models.recipes.change.runtime import ChangeModel, Comparer, PlainDifference
from models.recipes.release import sha256
from models.recipes.roofs import pairs

log = logging.getLogger(__name__)
SPEED_PAIRS = 20
WORST = 8
ALONE = {  # conditions that are looked at one by one: what is always there besides exposure and misfit
    "other sun and shadows": {"other_sun": 1.0, "shadows": 1.0, "parapets": 1.0},
    "overcast": {"overcast": 1.0},
    "snow": {"snow": 1.0},
    "wet, puddles": {"wet": 1.0},
    "another season": {"season": 1.0},
    "laundry and clutter": {"laundry": 1.0, "clutter": 1.0},
    "light as before": {},
}
ALWAYS = ("exposure", "blur", "noise", "jpeg")


def _rules(recipe: ChangeRecipe, effects: dict[str, float] | None = None) -> pairs.Rules:
    """The recipe's pairs, with the kinds that training never shows among them, and other effects if given."""
    kinds = recipe.pairs.kinds | dict.fromkeys(recipe.measuring.unseen_kinds, 0.7)
    more = {} if effects is None else {"effects": {name: recipe.pairs.effects[name] for name in ALWAYS} | effects}
    return recipe.pairs.model_copy(update={"kinds": kinds, **more})


def roof_figures(roofs: Sequence[Roof]) -> dict[str, float]:
    """Recall of structures, and false finds per ten untouched roofs."""
    asked = [roof for roof in roofs if roof.found is not None]
    return {
        "recall": sum(bool(roof.found) for roof in asked) / max(1, len(asked)),
        "false_per_ten": 10 * sum(roof.false for roof in roofs) / max(1, len(roofs)),
    }


def _roof_figure(name: str, roofs: Sequence[Roof]) -> float:
    return roof_figures(roofs)[name]


def _pixel_f1(rows: Sequence[Counted]) -> float:
    return measure.scores(rows).pixel_f1


def _f1(rows: Sequence[Counted]) -> float:
    return measure.scores(rows).f1


def _measured(name: str, model: Comparer, given: Set, limit: float) -> tuple[str, list[Counted], float]:
    found, frame_ms = measure.shares(model, given)
    return name, measure.rows(found, given, limit), frame_ms


def write(recipe: ChangeRecipe, run: str = "main") -> str:
    """Measure everything, put the figures into ``card.md`` and ``figures.json``, return the card's.

    Raises FileNotFoundError if the data are missing.
    """
    file = recipe.folder / "model.onnx"
    model, plain = ChangeModel(file), PlainDifference()
    limit = model.thresholds[recipe.classes[0]]
    val, train = (material(recipe.name, split) for split in ("val", "train"))
    given = measure.made(val, _rules(recipe), recipe.measuring.pairs, recipe.seed)
    tuning = measure.made(train, recipe.pairs, recipe.measuring.tuning_pairs, recipe.seed + 1)
    plain_limit = measure.best_threshold(measure.shares(plain, tuning)[0], tuning)
    log.info("measuring %d pairs", len(given.pairs))
    _, ours, frame_ms = _measured("ours", model, given, limit)
    _, theirs, plain_ms = _measured("plain", plain, given, plain_limit)
    log.info("measuring roof by roof")
    drawn = _rules(recipe)
    judges: dict[str, tuple[Comparer, float]] = {"ours": (model, limit), "plain": (plain, plain_limit)}
    roofs = measure.roofs(judges, val, drawn, recipe.seed + 2, recipe.measuring.least_roof_m2)
    log.info("measuring condition by condition")
    alone = {
        name: _measured(
            name,
            model,
            measure.made(val, _rules(recipe, effects), recipe.measuring.alone_pairs, recipe.seed + 3),
            limit,
        )[1]
        for name, effects in ALONE.items()
    }
    groups = [row.group for row in ours]
    said: dict[str, Any] = {
        "version": recipe.version,
        "model_sha256": sha256(file),
        "threshold": limit,
        "pairs": len(ours),
        "tiles": len(set(groups)),
        "scores": _rounded(asdict(measure.scores(ours))),
        "pixel_f1_interval": _pair(measure.interval(ours, groups, _pixel_f1, recipe.seed)),
        "f1_interval": _pair(measure.interval(ours, groups, _f1, recipe.seed)),
        "plain_difference": _rounded(asdict(measure.scores(theirs))) | {"threshold": plain_limit},
        "kinds": measure.by_kind(ours),
        "conditions": {name: _rounded(asdict(measure.scores(rows))) for name, rows in alone.items()},
        "roofs": {"count": len(roofs["ours"]), "asked": sum(item.found is not None for item in roofs["ours"])}
        | {name: _rounded(roof_figures(rows)) for name, rows in roofs.items()},
        "cpu_ms": round(frame_ms, 1),
        "plain_cpu_ms": round(plain_ms, 1),
    }
    places = [roof.group for roof in roofs["ours"]]
    for name in ("recall", "false_per_ten"):
        bounds = measure.interval(roofs["ours"], places, partial(_roof_figure, name), recipe.seed)
        said["roofs"][f"{name}_interval"] = _pair(bounds)
    if openvino_runtime.installed():
        few = Set(given.pairs[:SPEED_PAIRS], given.groups[:SPEED_PAIRS])
        said["openvino_cpu_ms"] = round(measure.shares(OpenvinoChange(file), few)[1], 1)
    else:
        log.warning("skipped: OpenVINO is not installed here, so its speed is not measured")
    said["targets"] = targets(recipe, said)
    said["row"] = row(said)
    text = card(recipe, said, worst(ours, given), curve(recipe, run))
    page = recipe.folder / "card.md"
    page.write_text(tables.put_between_marks(page.read_text(encoding="utf-8"), text, tables.MARKS), encoding="utf-8")
    (recipe.folder / "figures.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return text


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in values.items()}


def _pair(bounds: tuple[float, float]) -> list[float]:
    return [round(value, 4) for value in bounds]


def targets(recipe: ChangeRecipe, said: dict[str, Any]) -> list[dict[str, Any]]:
    """What the recipe is to reach, and what it reaches."""
    reached = {
        "pixel F1": said["scores"]["pixel_f1"],
        "F1 of structures": said["scores"]["f1"],
        "recall on roofs": said["roofs"]["ours"]["recall"],
        "false per ten untouched roofs": said["roofs"]["ours"]["false_per_ten"],
    }
    return [
        {
            "figure": item.figure,
            "wanted": item.wanted,
            "reached": reached[item.figure],
            "met": reached[item.figure] <= item.wanted if item.most else reached[item.figure] >= item.wanted,
        }
        for item in recipe.targets
    ]


def row(said: dict[str, Any]) -> list[str]:
    """Five cells of the table of all models: measured on, figure, targets, baselines, speed."""
    low, high = said["pixel_f1_interval"]
    speed = f"{said['cpu_ms']:.0f}" + (f" / {said['openvino_cpu_ms']:.0f}" if "openvino_cpu_ms" in said else "")
    return [
        f"{said['pairs']} made pairs on {said['tiles']} unseen tiles",
        f"pixel F1 {said['scores']['pixel_f1']:.3f} ({low:.2f}–{high:.2f})",
        "<br>".join(
            f"{item['figure']} {item['reached']:.3f} of {item['wanted']:.2f}, {'met' if item['met'] else '**not met**'}"
            for item in said["targets"]
        ),
        f"plain difference: pixel F1 {said['plain_difference']['pixel_f1']:.3f}, {said['plain_cpu_ms']:.0f} ms",
        speed,
    ]


def card(recipe: ChangeRecipe, said: dict[str, Any], failed: Sequence[str], learnt: str) -> str:
    """The generated part of the card."""
    scores, plain, roofs = said["scores"], said["plain_difference"], said["roofs"]
    (low, high), (f1_low, f1_high) = said["pixel_f1_interval"], said["f1_interval"]
    head = (
        "| | pixel F1 | precision | recall | IoU | structures found | regions that are true | F1 of structures | ms |"
    )
    parts = [
        "| figure | wanted | reached | |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {item['figure']} | {item['wanted']:.2f} | {item['reached']:.3f} | {'met' if item['met'] else '**not met**'} |"
            for item in said["targets"]
        ),
        f"### {said['pairs']} pairs on {said['tiles']} tiles that training never saw",
        "\n".join(
            [
                head,
                "|---" * 9 + "|",
                _line(f"**{recipe.name} {recipe.version}** at {said['threshold']:.2f}", scores, said["cpu_ms"]),
                _line("plain difference at its best threshold", plain, said["plain_cpu_ms"]),
            ]
        ),
        (
            f"Intervals (95 %, bootstrap over the {said['tiles']} tiles: few, so they are rough): pixel F1 {low:.3f} – {high:.3f}, "
            f"F1 of structures {f1_low:.3f} – {f1_high:.3f}. A structure is found if half of its pixels are marked; a region of "
            f"{measure.LEAST_REGION_M2:.0f} m² or more is true if a third of it changed. Thresholds were chosen on train: ours halfway between the lowest with at most {recipe.measuring.most_false_per_ten} false finds per ten untouched roofs and the one of best pixel F1, the baseline's by pixel F1."
        ),
        "### Roof by roof",
        (
            f"{roofs['count']} roofs of the same tiles, each once untouched and once with one structure ({roofs['asked']} where one "
            f"fitted), both times with other light, shadow, season and a misfit; a find is a region of {recipe.measuring.least_roof_m2:.0f} m² "
            "or more that lies mostly on the roof:"
        ),
        "\n".join(
            [
                "| | structures found | false finds per ten untouched roofs |",
                "|---|---|---|",
                (
                    f"| **{recipe.name}** | {roofs['ours']['recall']:.3f} ({roofs['recall_interval'][0]:.2f} – {roofs['recall_interval'][1]:.2f}) "
                    f"| {roofs['ours']['false_per_ten']:.2f} ({roofs['false_per_ten_interval'][0]:.2f} – {roofs['false_per_ten_interval'][1]:.2f}) |"
                ),
                f"| plain difference | {roofs['plain']['recall']:.3f} | {roofs['plain']['false_per_ten']:.2f} |",
            ]
        ),
        "### By kind (found of those asked for)",
        ", ".join(f"{kind} {found} of {asked}" for kind, (found, asked) in said["kinds"].items())
        + f". Training never shows {' and '.join(recipe.measuring.unseen_kinds)}.",
        f"### One condition at a time, {recipe.measuring.alone_pairs} pairs each",
        "\n".join(
            [
                "| what changed besides exposure and fit | pixel F1 | structures found | regions that are true |",
                "|---|---|---|---|",
                *(
                    f"| {name} | {item['pixel_f1']:.3f} | {item['recall']:.3f} | {item['precision']:.3f} |"
                    for name, item in said["conditions"].items()
                ),
            ]
        ),
        f"ms: median CPU time a pair of {recipe.pairs.size_px} px on one thread of onnxruntime"
        + (f"; OpenVINO {said['openvino_cpu_ms']:.0f}." if "openvino_cpu_ms" in said else "."),
        "### Where it is wrong",
        "Drawn by `patrol model eval NAME --pictures FOLDER`; the pictures are not ours to give.",
        "\n".join(
            [
                "| pair | tile | pixels right, marked, true | structures found | false regions |",
                "|---|---|---|---|---|",
                *failed,
            ]
        ),
        *([learnt] if learnt else []),
    ]
    return "\n\n".join(parts)


def _line(name: str, item: dict[str, float], frame_ms: float) -> str:
    keys = ("pixel_f1", "pixel_precision", "pixel_recall", "pixel_iou", "recall", "precision", "f1")
    return "| " + " | ".join([name, *(f"{item[key]:.3f}" for key in keys), f"{frame_ms:.0f}"]) + " |"


def _mistakes(item: Counted) -> int:
    right, marked, true = item.pixels
    return marked + true - 2 * right


def _order(rows: Sequence[Counted]) -> list[int]:
    return [int(index) for index in np.argsort([-_mistakes(item) for item in rows], kind="stable")[:WORST]]


def worst(rows: Sequence[Counted], given: Set) -> list[str]:
    """Rows of a table: the pairs with the most wrong pixels."""
    return [
        f"| {index} | {given.groups[index]} | {', '.join(map(str, rows[index].pixels))} "
        f"| {rows[index].structures[0]} of {rows[index].structures[1]} | {rows[index].regions[0]} |"
        for index in _order(rows)
    ]


def curve(recipe: ChangeRecipe, run: str) -> str:
    """The training's curve, from the run's history; empty if this machine has none."""
    file = recipe.runs / run / "history.json"
    if not file.is_file():
        return ""
    rows = [item for item in json.loads(file.read_text(encoding="utf-8")) if "val pixel F1" in item]
    points = ", ".join(f"{item['epoch']}: {item['val pixel F1']:.3f}" for item in rows)
    return f"Curve, pixel F1 at one half on the first pairs of val, of the running average of the weights, after each epoch measured: {points}."


def pictures(recipe: ChangeRecipe, folder: Path) -> str:
    """Draw the worst pairs of val into the folder: before, after, after with truth (green) and what was marked (red); the files."""
    model = ChangeModel(recipe.folder / "model.onnx")
    given = measure.made(material(recipe.name, "val"), _rules(recipe), recipe.measuring.pairs, recipe.seed)
    limit = model.thresholds[recipe.classes[0]]
    found, _ = measure.shares(model, given)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index in _order(measure.rows(found, given, limit)):
        pair, drawn = given.pairs[index], given.pairs[index].after.copy()
        for mask, colour in (
            (((pair.built | pair.removed) > 0).astype(np.uint8), (0, 255, 0)),
            ((found[index] >= limit * 255).astype(np.uint8), (0, 0, 255)),
        ):
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, outlines, -1, colour, 1)
        target = folder / f"pair-{index:03d}.png"
        cv2.imwrite(str(target), np.hstack([pair.before, pair.after, drawn]))
        written.append(str(target))
    return "\n".join(written)
