"""Lists of images with labels, the manifest that pins them, and the cleaning of the training labels."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.recipes import labels
from models.recipes.augment import Image
from models.recipes.labels import Floats, Found, Labels
from models.recipes.recipe import Cleaning, Recipe, Source

log = logging.getLogger(__name__)
Teacher = Callable[[Image], Found]


@dataclass(frozen=True)
class Example:
    """One image with its labels; ``doubtful`` boxes ``[n, 4]`` (fractions) hold neither object nor background."""

    image: Path
    labels: Labels
    doubtful: Floats
    weight: float
    group: str
    rehearse: bool = False


def read(path: Path) -> Image:
    """The image as BGR ``[h, w, 3]``. Raises ValueError if the file is no image."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: not an image")
    return np.asarray(image, dtype=np.uint8)


def examples(recipe: Recipe, source: Source) -> list[Example]:
    """The source's images with labels as they are, by file name. An optional source that is not there has none.

    Raises FileNotFoundError if a source that is not optional has no image.
    """
    root = recipe.root(source)
    files = sorted((root / source.images).glob(source.pattern))
    if not files and not source.optional:
        raise FileNotFoundError(f"{source.name}: no image in {root / source.images}")
    group = re.compile(source.groups)
    result = []
    for file in files:
        label_file = root / source.labels / f"{file.stem}.txt" if source.labels else None
        found = label_file is not None and label_file.is_file()
        text = label_file.read_text(encoding="utf-8") if label_file is not None and found else ""
        named = group.match(file.stem)
        result.append(
            Example(
                file,
                labels.parse_yolo(text, source.mapping),
                np.zeros((0, 4)),
                source.weight,
                f"{source.name}/{named.group(1) if named else file.stem}",
                source.rehearse,
            )
        )
    return result


def manifest(recipe: Recipe) -> dict[str, object]:
    """Per source: licence, number of images, and one SHA-256 over names, image bytes and label bytes; and one over all."""
    sources = []
    for role, source in [
        *(("train", item) for item in recipe.train),
        ("val", recipe.val),
        *(("measure", item) for item in recipe.others),
    ]:
        digest, root = hashlib.sha256(), recipe.root(source)
        files = sorted((root / source.images).glob(source.pattern))
        for file in files:
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
            label_file = root / source.labels / f"{file.stem}.txt" if source.labels else None
            if label_file is not None and label_file.is_file():
                digest.update(hashlib.sha256(label_file.read_bytes()).digest())
        sources.append(
            {
                "role": role,
                "name": source.name,
                "images": len(files),
                "licence": source.licence,
                "path": source.images,
                "sha256": digest.hexdigest(),
            }
        )
    every = hashlib.sha256("".join(str(item["sha256"]) for item in sources).encode()).hexdigest()
    return {"data_sha256": every, "sources": sources}


def clean(example: Example, source: Source, rules: Cleaning, image: Image, found: Found | None) -> Example:
    """The example with its labels cleaned: twins and specks out; where a teacher looked, what was missed in, doubtful marked."""
    h, w = image.shape[:2]
    result = labels.without_specks(labels.without_twins(example.labels), w, h, rules.least_side_px)
    doubt = np.zeros((0, 4))
    if found is not None and not source.trust:
        if rules.person is not None:
            found = labels.join_riders(found, rules.person, rules.ridden)
        found = labels.one_each(found)
        result = labels.add_missed(result, found, rules.believe)
        result = labels.without_specks(result, w, h, rules.least_side_px)
        doubt = labels.doubtful(result, found, rules.doubt)
    result = result.keep(~np.isin(result.classes, rules.unlabel))
    return Example(example.image, result, doubt, example.weight, example.group)


def prepare(recipe: Recipe, teacher: Teacher | None) -> list[Example]:
    """All training examples, cleaned. Raises ValueError if an image of ``val`` or of a measured set is among them."""
    barred = {
        hashlib.sha256(item.image.read_bytes()).digest()
        for source in [recipe.val, *recipe.others]
        for item in examples(recipe, source)
    }
    result: list[Example] = []
    for source in recipe.train:
        before = after = blurred = 0
        items = examples(recipe, source)
        for example in items:
            if hashlib.sha256(example.image.read_bytes()).digest() in barred:
                raise ValueError(f"{example.image.name}: measured and trained on")
            if source.rehearse:
                result.append(example)
                continue
            image = read(example.image)
            found = teacher(image) if teacher is not None and not source.trust else None
            done = clean(example, source, recipe.cleaning, image, found)
            before, after, blurred = (
                before + len(example.labels),
                after + len(done.labels),
                blurred + len(done.doubtful),
            )
            result.append(done)
        log.info(
            "%s: %d images, %d labels, %d after cleaning, %d doubtful places",
            source.name,
            len(items),
            before,
            after,
            blurred,
        )
    return result


def save(items: list[Example], file: Path) -> None:
    """Write prepared examples as JSON (image paths stay local to this machine; the file is not committed)."""
    rows = [
        {
            "image": str(item.image),
            "boxes": item.labels.boxes.round(6).tolist(),
            "classes": item.labels.classes.tolist(),
            "doubtful": item.doubtful.round(6).tolist(),
            "weight": item.weight,
            "group": item.group,
            "rehearse": item.rehearse,
        }
        for item in items
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows), encoding="utf-8")


def restore(file: Path) -> list[Example]:
    """Read what ``save`` wrote."""
    return [
        Example(
            Path(row["image"]),
            Labels(np.array(row["boxes"], dtype=float).reshape(-1, 4), np.array(row["classes"], dtype=np.int64)),
            np.array(row["doubtful"], dtype=float).reshape(-1, 4),
            row["weight"],
            row["group"],
            row.get("rehearse", False),
        )
        for row in json.loads(file.read_text(encoding="utf-8"))
    ]
