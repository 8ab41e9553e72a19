"""The networks of one process: which are needed, each loaded and checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from patrol_edge.detector import Detector, load_detector
from patrol_edge.registry import find_model
from patrol_edge.rules.table import CLASSES_OF
from patrol_edge.segmenter import TASK as SEGMENT
from patrol_edge.segmenter import load_segmenter

Detectors = Mapping[str, Detector]  # name in the registry -> network


def load_detectors(models_dir: Path, names: Iterable[str], threads: int = 1) -> Detectors:
    """Every network of `names`, checked to know the classes that the rules look for.

    Raises ModelMissing, ModelNotRegistered, ModelAltered, ModelMismatch.
    """
    found = {name: find_model(models_dir, name) for name in sorted(names)}
    return {
        name: (load_segmenter if model.task == SEGMENT else load_detector)(
            model, CLASSES_OF.get(name, frozenset()), threads
        )
        for name, model in found.items()
    }
