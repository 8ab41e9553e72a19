"""The registry and the detector: a wrong model is refused with a reason, the right one sees what is there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from patrol.errors import ModelAltered, ModelError, ModelMismatch, ModelMissing, ModelNotRegistered
from patrol_edge.detector import load_detector
from patrol_edge.registry import find_model
from patrol_edge.rules.table import CLASSES_OF
from tests.edge.conftest import ROOT, SHARED

MODELS = ROOT / "models"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A registry folder of one's own, to spoil."""
    (tmp_path / "street").mkdir()
    shutil.copy(MODELS / "registry.yaml", tmp_path)
    shutil.copy(MODELS / "street" / "model.onnx", tmp_path / "street")
    return tmp_path


def change_entry(folder: Path, **changes: object) -> None:
    """Edit the street entry of a copied registry."""
    path = folder / "registry.yaml"
    registry = yaml.safe_load(path.read_text())
    registry["models"]["street"].update(changes)
    path.write_text(yaml.safe_dump(registry))


@pytest.mark.parametrize("name", sorted(CLASSES_OF))
def test_every_network_that_a_rule_looks_at_opens_and_has_a_name_for_the_wire(name: str) -> None:
    """Each network of the rules is registered, knows the classes they look for, and can be named in an alert."""
    detector = load_detector(find_model(MODELS, name), CLASSES_OF[name])
    assert detector.ref.name == name.replace("_", "-")
    assert set(detector.classes) >= CLASSES_OF[name]


def test_an_altered_file_is_refused(copied: Path) -> None:
    """One changed byte, and the box will not use the model; the message names both hashes."""
    path = copied / "street" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelAltered, match=hashlib.sha256(content).hexdigest()):
        find_model(copied, "street")


def test_missing_and_unknown_models(copied: Path) -> None:
    """No file, no entry, no registry: three different errors."""
    with pytest.raises(ModelNotRegistered, match="street"):
        find_model(copied, "moon")
    (copied / "street" / "model.onnx").unlink()
    with pytest.raises(ModelMissing):
        find_model(copied, "street")
    with pytest.raises(ModelMissing):
        find_model(copied / "elsewhere", "street")


@pytest.mark.parametrize("text", ["", "models: 7", "models: {street: {file: 3}}", "models: [", "- a"])
def test_a_broken_registry_is_an_error_of_ours(copied: Path, text: str) -> None:
    """Whatever stands in registry.yaml, the error is a ModelError with a remedy."""
    (copied / "registry.yaml").write_text(text)
    with pytest.raises(ModelError):
        find_model(copied, "street")


def test_other_classes_are_refused(copied: Path) -> None:
    """A registry that promises other classes than the file has, and a rule that needs more, are both refused."""
    change_entry(copied, classes=["person", "bicycle", "car", "motorcycle", "bus", "tram"])
    with pytest.raises(ModelMismatch, match="tram"):
        load_detector(find_model(copied, "street"), frozenset())
    with pytest.raises(ModelMismatch, match="camel"):
        load_detector(find_model(MODELS, "street"), frozenset({"camel"}))


def test_a_file_that_is_no_network_is_refused(copied: Path) -> None:
    """A registered file that onnxruntime cannot open says so."""
    content = b"certainly not ONNX"
    (copied / "street" / "model.onnx").write_bytes(content)
    change_entry(copied, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelMismatch, match="cannot open"):
        load_detector(find_model(copied, "street"), frozenset())


def test_it_sees_the_cars_of_a_real_street() -> None:
    """On real pictures of the shared street set the network finds most of the labelled cars where they are."""
    images = SHARED / "street" / "images" / "val"
    if not images.is_dir():
        pytest.skip(f"shared data missing: {images} (set PATROL_SHARED_DATA)")
    detector = load_detector(find_model(MODELS, "street"), CLASSES_OF["street"])
    wanted = found = 0
    for path in sorted(images.iterdir())[:12]:
        image = cv2.imread(str(path))
        assert image is not None
        height, width = image.shape[:2]
        seen = detector.detect(np.asarray(image, np.uint8))
        labels = SHARED / "street" / "labels" / "val" / f"{path.stem}.txt"
        for line in labels.read_text().splitlines():
            kind, x, y, w, _ = (float(v) for v in line.split())
            if kind != 2 or w * width < 32:
                continue
            wanted += 1
            centres = [
                ((b[0] + b[2]) / 2, (b[1] + b[3]) / 2)
                for n, b in enumerate(seen.boxes_px)
                if seen.label(n) in {"car", "truck", "bus"} and seen.scores[n] > 0.25
            ]
            found += any(
                abs(cx - x * width) < w * width / 3 and abs(cy - y * height) < w * width / 3 for cx, cy in centres
            )
    assert wanted > 10
    assert found >= 0.7 * wanted
