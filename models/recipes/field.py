"""Learning from the field: take false and missed alerts into a model's own data, checked, and never across a split.

An export is a folder: ``images/*.jpg``, ``labels/*.txt`` (YOLO; an empty or absent file says that nothing is there) and
``reasons.csv`` with the columns ``file, reason, group``: reason is ``false`` or ``missed``, group is what must not be split (one
camera, one flight, one incident).
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.recipes import dataset
from models.recipes.augment import Image
from models.recipes.recipe import Recipe

REASONS = ("false", "missed")
NEAR_BITS = 6  # of 64: the same scene a moment later differs by less, another scene by about 32
VAL_SHARE = 5  # one group in so many is kept for measuring
LEAST_CONTRAST = 4.0  # grey levels; below it a picture has no pattern that could be compared


@dataclass(frozen=True)
class Item:
    """One row of an export: image file name, why it was sent, what it must stay together with, its label text."""

    file: str
    reason: str
    group: str
    labels: str


@dataclass(frozen=True)
class Placed:
    """What became of an item: ``train`` or ``val``, or empty with the reason for refusing it."""

    item: Item
    split: str
    refused: str = ""


def fingerprint(image: Image) -> int:
    """64 bits that look-alikes share: which of neighbouring fields of the small grey picture is brighter."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return int("".join("1" if bit else "0" for bit in (small[:, 1:] > small[:, :-1]).ravel()), 2)


def near(first: int, second: int) -> bool:
    """Whether two fingerprints are of look-alikes."""
    return (first ^ second).bit_count() <= NEAR_BITS


def label_problems(text: str, classes: int) -> list[str]:
    """In words, what is wrong with a YOLO label file; empty if nothing is."""
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        try:
            label, (x, y, w, h) = int(parts[0]), (float(part) for part in parts[1:])
        except ValueError:
            problems.append(f"line {number}: not `class cx cy w h`")
            continue
        if not 0 <= label < classes:
            problems.append(f"line {number}: class {label} of {classes}")
        if not (0 < w <= 1 and 0 < h <= 1 and x - w / 2 >= -1e-3 and x + w / 2 <= 1.001) or not (
            y - h / 2 >= -1e-3 and y + h / 2 <= 1.001
        ):
            problems.append(f"line {number}: the box is outside the picture")
    return problems


def split_of(group: str) -> str:
    """Where a group belongs, always the same: one in ``VAL_SHARE`` is kept for measuring."""
    return "val" if int(hashlib.sha256(group.encode()).hexdigest(), 16) % VAL_SHARE == 0 else "train"


def place(
    items: Iterable[tuple[Item, Image | None]], classes: int, measured: Iterable[int], known: Mapping[int, str]
) -> list[Placed]:
    """Decide each item's split, or refuse it with the reason.

    measured: fingerprints of ``val`` and the other measured sets: nothing like them may be trained on. known: fingerprint →
    split of what was added before or is trained on: a look-alike joins neither the other split nor the same one twice.
    """
    barred, seen = list(measured), dict(known)
    result = []
    for item, image in items:
        problems = label_problems(item.labels, classes)
        if item.reason not in REASONS:
            problems.append(f"reason {item.reason!r} is neither of {', '.join(REASONS)}")
        if item.reason == "missed" and not item.labels.strip():
            problems.append("missed, but nothing is labelled")
        if not item.group.strip():
            problems.append("no group")
        if image is None:
            problems.append("not an image")
        elif float(image.std()) < LEAST_CONTRAST:
            problems.append("shows nothing")
        if problems or image is None:
            result.append(Placed(item, "", "; ".join(problems)))
            continue
        mark, split = fingerprint(image), split_of(item.group)
        twin = next((where for other, where in seen.items() if near(mark, other)), None)
        if any(near(mark, other) for other in barred):
            result.append(Placed(item, "", "looks like an image that the model is measured on"))
        elif twin is not None:
            result.append(Placed(item, "", f"looks like an image already in {twin}"))
        else:
            seen[mark] = split
            result.append(Placed(item, split))
    return result


def read_export(folder: Path) -> list[Item]:
    """The rows of an export. Raises FileNotFoundError without reasons.csv, ValueError if a column is missing."""
    with (folder / "reasons.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if rows and (missing := {"file", "reason", "group"} - set(rows[0])):
        raise ValueError(f"reasons.csv has no column {', '.join(sorted(missing))}")
    result = []
    for row in rows:
        name = Path(row["file"]).name  # never a path out of the folder
        labels = folder / "labels" / f"{Path(name).stem}.txt"
        text = labels.read_text(encoding="utf-8") if labels.is_file() else ""
        result.append(Item(name, row["reason"], row["group"], text))
    return result


def _read(file: Path) -> Image | None:
    try:
        return dataset.read(file)
    except ValueError:
        return None


def add(recipe: Recipe, folder: Path) -> list[Placed]:
    """Take an export into ``models/<name>/field/{train,val}``, which git ignores; what became of each item.

    The recipe then trains on ``field-train`` and is measured on ``field-val`` (``recipe.load``). A journal says why each image is here.
    """
    items = read_export(folder)
    measured = [
        fingerprint(dataset.read(example.image))
        for source in [recipe.val, *recipe.others]
        if source.name != "field-val"
        for example in dataset.examples(recipe, source)
    ]
    known = {
        fingerprint(dataset.read(file)): split
        for split in ("train", "val")
        for file in sorted((recipe.folder / "field" / split / "images").glob("*.jpg"))
    }
    placed = place(
        [(item, _read(folder / "images" / item.file)) for item in items], len(recipe.classes), measured, known
    )
    journal = []
    for done in placed:
        if not done.split:
            continue
        target = recipe.folder / "field" / done.split
        group = hashlib.sha256(done.item.group.encode()).hexdigest()[:12]
        stem = f"{group}__{Path(done.item.file).stem}"
        for part in ("images", "labels"):
            (target / part).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / "images" / done.item.file, target / "images" / f"{stem}.jpg")
        (target / "labels" / f"{stem}.txt").write_text(done.item.labels, encoding="utf-8")
        journal.append({"file": f"{done.split}/{stem}.jpg", "reason": done.item.reason, "group": done.item.group})
    if journal:
        with (recipe.folder / "field" / "journal.jsonl").open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in journal)
    return placed
