"""Where a model is wrong: its surest false finds and the largest objects it missed, by file and box; drawn on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.recipes import dataset, metrics
from models.recipes.evaluate import Measured
from models.recipes.labels import Floats, Labels, areas

RED, YELLOW = (40, 40, 230), (40, 220, 240)


@dataclass(frozen=True)
class Failure:
    """One mistake: kind (``false`` or ``missed``), file, class, score (0 where missed), box xyxy in pixels."""

    kind: str
    file: str
    label: str
    score: float
    box: Floats


def worst(measured: Measured, limits: Mapping[str, float], classes: Sequence[str], most: int = 8) -> list[Failure]:
    """At the operating thresholds and IoU 0.5: the ``most`` surest false finds, then the ``most`` largest missed objects."""
    wrong: list[Failure] = []
    missed: list[Failure] = []
    least = np.array([limits[name] for name in classes])
    for found, truth, file in zip(measured.found, measured.truth, measured.names, strict=True):
        kept = found.keep(found.scores >= least[found.classes])
        for label, name in enumerate(classes):
            mine = kept.keep(kept.classes == label)
            hits = metrics.match(mine, truth, label).hits[0]
            order = np.argsort(-mine.scores, kind="stable")  # the order of ``hits``
            wrong += [
                Failure("false", file, name, float(score), box)
                for box, score, hit in zip(mine.boxes[order], mine.scores[order], hits, strict=True)
                if not hit
            ]
            goal = truth.keep(truth.classes == label)
            missed += [
                Failure("missed", file, name, 0.0, box)
                for box in goal.boxes
                if not metrics.match(kept, Labels(box[None], np.array([label])), label).hits[0].any()
            ]
    wrong.sort(key=lambda item: -item.score)
    missed.sort(key=lambda item: -float(areas(item.box[None])[0]))
    return wrong[:most] + missed[:most]


def table(failures: Sequence[Failure]) -> str:
    """A Markdown table of them."""
    rows = [
        f"| {item.kind} | `{item.file}` | {item.label} | {f'{item.score:.2f}' if item.score else '–'} "
        f"| {', '.join(str(round(float(value))) for value in item.box)} |"
        for item in failures
    ]
    return "\n".join(["| what | file | class | score | box, px |", "|---|---|---|---|---|", *rows])


def draw(failures: Sequence[Failure], images: Path, folder: Path) -> list[Path]:
    """Write each failing image into ``folder`` with its false finds in red and its missed objects in yellow; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in sorted({item.file for item in failures}):
        image = dataset.read(images / file)
        for item in failures:
            if item.file == file:
                x1, y1, x2, y2 = (round(float(value)) for value in item.box)
                color = RED if item.kind == "false" else YELLOW
                cv2.rectangle(image, (x1, y1), (x2, y2), color, 2)
                said = f"{item.kind} {item.label} {item.score:.2f}" if item.score else f"missed {item.label}"
                cv2.putText(image, said, (x1, max(12, y1 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
        target = folder / f"{Path(file).stem}.png"
        cv2.imwrite(str(target), image)
        written.append(target)
    return written
