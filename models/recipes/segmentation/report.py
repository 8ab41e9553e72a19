"""The figures of a segmentation network: ours and the baseline in one run, on every measured set; card and figures.json."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.recipes import openvino_runtime
from models.recipes.dataset import read
from models.recipes.release import sha256
from models.recipes.segmentation import evaluate
from models.recipes.segmentation.baselines import Smooth
from models.recipes.segmentation.evaluate import Measured
from models.recipes.segmentation.openvino_shares import OpenvinoShares, cpu_ms
from models.recipes.segmentation.pictures import THERE, UNKNOWN, open_mask
from models.recipes.segmentation.pictures import pictures as pictures_of
from models.recipes.segmentation.recipe import Pictures, SegmentRecipe, swapped
from models.recipes.segmentation.runtime import SegmentModel
from models.recipes.tables import MARKS, put_between_marks

log = logging.getLogger(__name__)
BASELINE = "smooth and not green, no network"
WORST = 6
LEGEND = (
    "IoU: intersection over union of water, all pixels of the set together, at a share of 0.5; in brackets the mean over pictures. "
    "AUC: how often a picture that a person called clearly flooded has more water in its lower three fifths, where the road is, than "
    "one that nobody did. Intervals: bootstrap over groups. ms: median CPU time a picture on one thread of onnxruntime, picture to "
    "shares of its pixels, on the machine that wrote this."
)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


def figures(measured: Measured, seed: int) -> dict[str, Any]:
    """What was measured on one set, as plain values; only what the set allows."""
    said: dict[str, Any] = {
        "images": len(measured.names),
        "groups": len(set(measured.groups)),
        "cpu_ms": round(measured.frame_ms, 1),
    }
    headline = measured.headline()
    if "iou" in headline:
        said |= {
            "iou": _rounded(headline["iou"]),
            "mean_iou": _rounded(headline["mean iou"]),
            "iou_interval": [_rounded(value) for value in evaluate.iou_interval(measured, seed)],
        }
    if "auc" in headline:
        yes = [group for group, item in zip(measured.groups, measured.present, strict=True) if item]
        said |= {
            "auc": _rounded(headline["auc"]),
            "auc_interval": [_rounded(value) for value in evaluate.auc_interval(measured, seed)],
            "flooded": len(yes),
            "flooded_groups": len(set(yes)),
        }
    return said


def threshold_table(measured: Measured) -> str:
    """A Markdown table: IoU, precision and recall of pixels by the share from which they count, from the spread of shares."""
    lines = ["| share from | IoU | precision | recall |", "|---|---|---|---|"]
    total = measured.spread[:, 0].sum()
    for least in (0.3, 0.4, 0.5, 0.6, 0.7):
        right, wrong = measured.spread[round(least * 256) :].sum(axis=0)
        lines.append(
            f"| {least:.1f} | {right / max(total + wrong, 1):.3f} | {right / max(right + wrong, 1):.3f} | {right / max(total, 1):.3f} |"
        )
    return "\n".join(lines)


def reliability_table(measured: Measured) -> str:
    """A Markdown table: of pixels with a share of that height, how many are water."""
    lines = ["| shares | of the pixels | are water |", "|---|---|---|"]
    total = measured.spread.sum()
    for low in range(0, 256, 32):
        right, wrong = measured.spread[low : low + 32].sum(axis=0)
        if right + wrong:
            lines.append(
                f"| {low / 256:.2f}–{(low + 32) / 256:.2f} | {(right + wrong) / total:.3f} | {right / (right + wrong):.2f} |"
            )
    return "\n".join(lines)


def worst(measured: Measured) -> list[tuple[str, str, float]]:
    """Where it is wrong: (what, file, figure): the least overlaps; the wettest dry pictures and the driest flooded ones."""
    rows: list[tuple[str, str, float]] = []
    if np.nansum(measured.joined) > 0:
        overlap = evaluate.per_picture(measured)
        order = np.argsort(np.where(np.isnan(overlap), np.inf, overlap), kind="stable")[:WORST]
        rows += [("least overlap", measured.names[int(row)], float(overlap[row])) for row in order]
    for what, said, sign in (("dry, taken for water", False, -1.0), ("flooded, missed", True, 1.0)):
        chosen = [row for row, item in enumerate(measured.present) if item is said and any(measured.present)]
        chosen.sort(key=lambda row: sign * float(measured.watched[row]))
        rows += [(what, measured.names[row], float(measured.watched[row])) for row in chosen[:WORST]]
    return rows


def _section(title: str, ours: Measured, plain: Measured, seed: int) -> str:
    said, other = figures(ours, seed), figures(plain, seed)
    lines = ["| | IoU (of pictures) | 95 % interval | AUC | 95 % interval | ms |", "|---|---|---|---|---|---|"]
    for name, item in (("**ours**", said), (BASELINE, other)):
        low, high = item.get("iou_interval", (None, None))
        below, above = item.get("auc_interval", (None, None))
        cells = [
            f"{item['iou']:.3f} ({item['mean_iou']:.3f})" if "iou" in item else "–",
            f"{low:.3f} – {high:.3f}" if low is not None else "–",
            f"{item['auc']:.3f}" if "auc" in item else "–",
            f"{below:.3f} – {above:.3f}" if below is not None else "–",
            f"{item['cpu_ms']:.0f}",
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    parts = [f"### {title}: {said['images']} pictures, {said['groups']} groups"]
    if "auc" in said:
        parts.append(f"{said['flooded']} of them clearly flooded, in {said['flooded_groups']} groups.")
    parts.append("\n".join(lines))
    if "iou" in said:
        parts += [threshold_table(ours), reliability_table(ours)]
    rows = worst(ours)
    table = ["| where it is wrong | file | overlap or share |", "|---|---|---|"]
    parts.append("\n".join([*table, *(f"| {what} | `{file}` | {value:.2f} |" for what, file, value in rows)]))
    return "\n\n".join(parts)


def _curve(recipe: SegmentRecipe, run: str) -> str:
    file = recipe.runs / run / "history.json"
    if not file.is_file():
        return ""
    rows = [row for row in json.loads(file.read_text(encoding="utf-8")) if f"{recipe.val.name} iou" in row]
    points = ", ".join(f"{row['epoch']}: {row[f'{recipe.val.name} iou']:.3f}" for row in rows)
    return f"Curve, IoU on {recipe.val.name} after each epoch measured: {points}."


def _other_way_round(recipe: SegmentRecipe) -> dict[str, Any] | None:
    """The street pictures that the released network learnt from, measured by a network that learnt from the others; None without it."""
    file = recipe.runs / "swapped" / "check.onnx"
    if not file.is_file():
        log.warning("skipped: the run `swapped` is not on this machine")
        return None
    other = swapped(recipe)
    model = SegmentModel(file)
    return {
        source.name: figures(evaluate.measure(model, other, source), recipe.seed)
        for source in other.others
        if source.label is not None
    }


def _targets(recipe: SegmentRecipe, sets: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"figure": item.figure, "of": item.of, "wanted": item.least, "reached": sets[item.of][item.figure],
         "met": sets[item.of][item.figure] >= item.least}
        for item in recipe.targets
        if item.of in sets
    ]  # fmt: skip


def _row(recipe: SegmentRecipe, said: dict[str, Any]) -> list[str]:
    """The last five cells of the model's row in the table of all models."""
    first = said["sets"][recipe.val.name]
    low, high = first["iou_interval"]
    reached = [
        f"{item['figure'].upper().replace('IOU', 'IoU')} on {item['of']} {item['reached']:.3f} of {item['wanted']:.2f}, "
        + ("met" if item["met"] else "**not met**")
        for item in said["targets"]
    ]
    plain = said["baseline"][recipe.val.name]
    speed = f"{first['cpu_ms']:.0f}" + (f" / {said['openvino_cpu_ms']:.0f}" if "openvino_cpu_ms" in said else "")
    return [
        f"{recipe.val.name} ({first['images']} images, {first['groups']} groups)",
        f"IoU {first['iou']:.3f} ({low:.2f}–{high:.2f})",
        "<br>".join(reached),
        f"{BASELINE}: IoU {plain['iou']:.3f}",
        speed,
    ]


def _what_to_measure(recipe: SegmentRecipe, model: SegmentModel, run: str) -> list[tuple[Pictures, SegmentModel, str]]:
    """Every measured set, the network that is measured on it, and a title.

    On a side that the released network has learnt from, the network is measured that had not, where this machine has it.
    """
    apart = recipe.runs / run / "apart.onnx"
    result: list[tuple[Pictures, SegmentModel, str]] = []
    for source in recipe.measured:
        if source.groups_in is None or recipe.training.together_from is None:
            result.append((source, model, source.name))
            continue
        if apart.is_file():
            result.append((source, SegmentModel(apart), f"{source.name}, by the network that never saw these cameras"))
        else:
            log.warning("skipped: %s is not on this machine, the network that never saw %s", apart.name, source.name)
        whole = source.model_copy(update={"groups_in": None, "name": f"{source.name.partition('-')[0]}-all"})
        result.append((whole, model, f"{whole.name}, by the released network, which has learnt from these pictures"))
    return result


def write(recipe: SegmentRecipe, run: str = "main") -> str:
    """Measure everything, put the figures into ``card.md`` and ``figures.json``, return the card's.

    Raises FileNotFoundError if the data are missing.
    """
    file = recipe.folder / "model.onnx"
    model = SegmentModel(file)
    said: dict[str, Any] = {"version": recipe.version, "model_sha256": sha256(file), "sets": {}, "baseline": {}}
    sections = []
    for source, network, title in _what_to_measure(recipe, model, run):
        log.info("measuring on %s", source.name)
        ours, plain = evaluate.measure(network, recipe, source), evaluate.measure(Smooth(), recipe, source)
        if not ours.names:
            log.warning("skipped: %s is not on this machine", source.name)
            continue
        said["sets"][source.name] = figures(ours, recipe.seed)
        said["baseline"][source.name] = figures(plain, recipe.seed)
        sections.append(_section(title, ours, plain, recipe.seed))
    said["targets"] = _targets(recipe, said["sets"])
    if openvino_runtime.installed():
        images = [read(item.image) for item in pictures_of(recipe, recipe.val)[:20]]
        said["openvino_cpu_ms"] = round(cpu_ms(OpenvinoShares(file), images), 1)
    parts = [LEGEND]
    lines = ["| figure | on | wanted | reached | |", "|---|---|---|---|---|"]
    lines += [
        f"| {item['figure']} | {item['of']} | {item['wanted']:.2f} | {item['reached']:.3f} | {'met' if item['met'] else '**not met**'} |"
        for item in said["targets"]
    ]
    parts += ["\n".join(lines), *sections]
    other = _other_way_round(recipe)
    if other is not None:
        said["swapped"] = other
        parts += [
            "### The other way round\n\nThe street pictures of the other side, by a network that learnt from this one's (run `swapped`), "
            "so that every street picture is measured by a network that never saw its camera: "
            + "; ".join(
                f"{name}: AUC {item['auc']:.3f}, {item['flooded']} flooded of {item['images']}"
                for name, item in other.items()
                if "auc" in item
            )
            + "."
        ]
    if "openvino_cpu_ms" in said:
        parts.append(
            f"OpenVINO, float32, one thread: {said['openvino_cpu_ms']:.0f} ms CPU a picture on the same machine."
        )
    parts.append(_curve(recipe, run))
    said["row"] = _row(recipe, said)
    text = "\n\n".join(part for part in parts if part)
    card = recipe.folder / "card.md"
    card.write_text(put_between_marks(card.read_text(encoding="utf-8"), text, MARKS), encoding="utf-8")
    (recipe.folder / "figures.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return text


def pictures(recipe: SegmentRecipe, folder: Path) -> str:
    """Draw the worst pictures of every measured set into the folder, truth in yellow, what was found in red; the files, one a line."""
    model, written = SegmentModel(recipe.folder / "model.onnx"), []
    folder.mkdir(parents=True, exist_ok=True)
    for source in recipe.measured:
        names = {file for _, file, _ in worst(evaluate.measure(model, recipe, source))}
        for item in pictures_of(recipe, source):
            if item.image.name not in names:
                continue
            image = read(item.image)
            mask = open_mask(item, (image.shape[1], image.shape[0]))
            found = model.shares_of_pixels(image) >= evaluate.EVEN
            for part, color in (((mask == THERE) & (mask != UNKNOWN), (40, 220, 240)), (found, (40, 40, 230))):
                rings, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
                cv2.drawContours(image, rings, -1, color, 2)
            target = folder / f"{source.name}-{item.image.stem}.png"
            cv2.imwrite(str(target), image)
            written.append(str(target))
    return "\n".join(written)
