"""What the box's tests share: pictures, frames, a detector that answers from a script, shared real data."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from patrol.config import Config, load
from patrol.events import ModelRef
from patrol_edge.frame import Detections, Frame, Image

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PATROL_SHARED_DATA", ROOT.parent / "shared" / "data"))
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # noon in the demo district
CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
Objects = list[tuple[str, float, tuple[float, float, float, float]]]


class ScriptedDetector:
    """Stands in for the network where the test is about what happens after it: answers from a function of the call."""

    ref = ModelRef(name="scripted", version="1", sha256="0" * 64)

    def __init__(self, script: Callable[[int], Objects]) -> None:
        self._script = script
        self.calls = 0

    def detect(self, image: Image) -> Detections:
        """The script's objects for this call."""
        del image
        objects = self._script(self.calls)
        self.calls += 1
        return detections(objects)


def detections(objects: Objects) -> Detections:
    """Detections from (class, score, box)."""
    if not objects:
        return Detections.none(CLASSES)
    return Detections(
        np.array([o[2] for o in objects], np.float32),
        np.array([o[1] for o in objects], np.float32),
        np.array([CLASSES.index(o[0]) for o in objects], np.int64),
        CLASSES,
    )


def frame_at(seconds: float, size_px: tuple[int, int] = (1280, 720), camera: str = "gate") -> Frame:
    """A grey frame `seconds` after START."""
    return Frame(camera, START + timedelta(seconds=seconds), np.full((size_px[1], size_px[0], 3), 90, np.uint8))


class FixedClock:
    """A clock that stands, until it is told otherwise."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        """The moment."""
        return self.moment


@pytest.fixture(scope="session")
def config() -> Config:
    """The demo district."""
    return load(ROOT / "config.yaml")


@pytest.fixture(scope="session")
def clips() -> Path:
    """The shared real clips; skips loudly where they are missing."""
    folder = SHARED / "clips"
    if not folder.is_dir():
        pytest.skip(f"shared data missing: {folder} (set PATROL_SHARED_DATA)")
    return folder
