"""The one table of all models in models/README.md, from the registry and each model's ``figures.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from models.recipes.recipe import MODELS
from models.recipes.tables import put_between_marks

MARKS = ("<!-- table: start, written by `python -m models.recipes table` -->", "<!-- table: end -->")


def _target(item: dict[str, Any]) -> str:
    reached = "met" if item["met"] else "**not met**"
    return f"{', '.join(item['classes'])} {item['ap50']:.3f} of {item['wanted']:.2f}, {reached}"


def row(name: str, entry: dict[str, Any], figures: dict[str, Any], size_bytes: int) -> str:
    """One model's row: the figures' own cells after the input's where they hold a ``row``.

    Raises ValueError if the figures are of another file than the registered one.
    """
    if figures["model_sha256"] != entry["sha256"]:
        raise ValueError(f"{name}: figures.json is of another file; run `python -m models.recipes evaluate {name}`")
    height, width = entry["input_size"]
    head = [
        f"[`{name}`]({name}/card.md)",
        ", ".join(entry["classes"]),
        f"{height} × {width}",
        f"{size_bytes / 1e6:.1f}",
    ]
    if "row" in figures:  # what is no detector says its five cells itself
        return "| " + " | ".join([*head, *figures["row"]]) + " |"
    sets = figures["sets"]
    first, ours = next(iter(sets.items()))
    low, high = ours["interval"]
    others = [
        f"{known}: {item['map50']:.3f}, {item['cpu_ms']:.0f} ms"
        for known, item in ours["baselines"].items()
        if item["map50"] is not None
    ]
    cells = [
        *head,
        f"{first} ({ours['images']} images, {ours['groups']} groups)",
        f"{ours['map50']:.3f} ({low:.2f}–{high:.2f})",
        "<br>".join(_target(item) for item in figures["targets"]) or "–",
        "<br>".join(others) or "–",
        f"{ours['cpu_ms']:.0f}" + (f" / {figures['openvino_cpu_ms']:.0f}" if "openvino_cpu_ms" in figures else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def table(models: Path = MODELS) -> str:
    """The table of every registered model. Raises FileNotFoundError if one was never evaluated."""
    registry = yaml.safe_load((models / "registry.yaml").read_text(encoding="utf-8"))["models"]
    head = ["model", "finds", "input", "MB", "measured on", "mAP50 (95 %)", "target: mean AP50", "baselines there"]
    head.append("CPU ms a frame, onnxruntime / OpenVINO")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, entry in sorted(registry.items()):
        figures = json.loads((models / name / "figures.json").read_text(encoding="utf-8"))
        lines.append(row(name, entry, figures, (models / entry["file"]).stat().st_size))
    return "\n".join(lines)


def write(models: Path = MODELS) -> str:
    """Put the table into README.md; the table."""
    page, made = models / "README.md", table(models)
    page.write_text(put_between_marks(page.read_text(encoding="utf-8"), made, MARKS), encoding="utf-8")
    return made
