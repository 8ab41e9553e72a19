"""Markdown tables of the cards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.recipes import evaluate, metrics
from models.recipes.evaluate import Measured
from models.recipes.recipe import Recipe

MARKS = ("<!-- figures: start, written by `python -m models.recipes evaluate` -->", "<!-- figures: end -->")


def table(recipe: Recipe, results: Mapping[str, Measured]) -> str:
    """A Markdown table: a row per model, mAP50, mAP50-95 and AP50 per class."""
    truths = next(iter(results.values())).score.truths
    head = [
        "model",
        "mAP50",
        "mAP50-95",
        *(f"{name} ({count})" for name, count in zip(recipe.classes, truths, strict=True)),
        "ms",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, item in results.items():
        values = [
            f"{item.score.map50:.3f}",
            f"{item.score.map50_95:.3f}",
            *(f"{value:.3f}" for value in item.score.ap50),
            f"{item.frame_ms:.0f}",
        ]
        lines.append("| " + " | ".join([name, *("–" if value == "nan" else value for value in values)]) + " |")
    return "\n".join(lines)


def interval_table(recipe: Recipe, measured: Measured, limits: Mapping[str, float]) -> str:
    """A Markdown table: per class AP50 with its interval, operating threshold, precision and recall there."""
    bounds = metrics.intervals(measured.matches, measured.groups, recipe.seed)
    lines = [
        "| class | truths | AP50 | 95 % interval | threshold | precision | recall |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, name in enumerate(recipe.classes):
        column = [row[label] for row in measured.matches]
        if not measured.score.truths[label]:
            lines.append(f"| {name} | 0 | – | – | {limits[name]:.2f} | – | – |")
            continue
        precision, recall = metrics.precision_recall(column, limits[name])
        low, high = bounds[label]
        lines.append(
            f"| {name} | {measured.score.truths[label]} | {measured.score.ap50[label]:.3f} | {low:.3f} – {high:.3f} "
            f"| {limits[name]:.2f} | {precision:.3f} | {recall:.3f} |"
        )
    low, high = bounds[-1]
    lines.append(f"| **mean** | | {measured.score.map50:.3f} | {low:.3f} – {high:.3f} | | | |")
    return "\n".join(lines)


def size_table(recipe: Recipe, measured: Measured) -> str:
    """A Markdown table: AP50 per class for small, medium and large objects, with their numbers."""
    sizes = evaluate.ap_by_size(measured, recipe.classes)
    counts = evaluate.truths_by_size(measured, recipe.classes)
    lines = ["| class | " + " | ".join(sizes) + " |", "|" + "---|" * (len(sizes) + 1)]
    for label, name in enumerate(recipe.classes):
        cells = [
            f"{values[label]:.3f} ({counts[size][label]})" if counts[size][label] else "–"
            for size, values in sizes.items()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reliability_table(measured: Measured) -> str:
    """A Markdown table: what a score of that height is worth."""
    lines = ["| scores from | mean score | right at IoU 0.5 | finds |", "|---|---|---|---|"]
    lines += [
        f"| {low:.1f} | {mean:.2f} | {right:.2f} | {count} |"
        for low, mean, right, count in evaluate.reliability(measured)
    ]
    return "\n".join(lines)


def target_table(targets: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: wanted and reached."""
    lines = ["| mean AP50 of | on | wanted | reached | |", "|---|---|---|---|---|"]
    lines += [
        f"| {', '.join(item['classes'])} | {item['on']} | {item['wanted']:.2f} | {item['ap50']:.3f} "
        f"| {'met' if item['met'] else '**not met**'} |"
        for item in targets
    ]
    return "\n".join(lines)


def int8_sentence(found: Mapping[str, Any]) -> str:
    """What eight-bit quantisation gave."""
    verdict = "shipped as `model.int8.onnx`" if found["shipped"] else "not shipped"
    openvino = (
        f" (under OpenVINO {found['openvino_cpu_ms']:.0f} against {found['openvino_cpu_ms_float']:.0f})"
        if "openvino_cpu_ms" in found
        else ""
    )
    return (
        f"INT8 by post-training quantisation: mAP50 {found['map50']:.3f} against {found['map50_float']:.3f}, "
        f"{found['cpu_ms']:.0f} against {found['cpu_ms_float']:.0f} ms CPU on one thread of onnxruntime{openvino}, "
        f"{found['bytes'] / 1e6:.1f} MB: {verdict} (kept if it loses at most one point and saves 5 % of the time)."
    )


def put_between_marks(text: str, made: str, marks: tuple[str, str]) -> str:
    """``text`` with its generated part replaced. Raises ValueError if it has no such marks."""
    before, start, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not start or not end:
        raise ValueError("the page has no marks for what is generated")
    return f"{before}{start}\n\n{made}\n\n{end}{after}"
