"""Flame and smoke on real pictures: what the network alone would say, and what the rule makes of it.

make bench-flame        (python -m bench.flame; needs the shared data; about three minutes on one thread)
"""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import shapely

from patrol.config.shape import CameraConfig
from patrol.events import AlertRaised
from patrol.geo import LatLon, LocalFrame
from patrol_edge.attention import Attention
from patrol_edge.detector import Detector
from patrol_edge.detectors import load_detectors
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher
from patrol_edge.rules.flame_smoke import STILL_SCORE
from patrol_edge.rules.sighting import Box, Memory
from patrol_edge.rules.table import zone_rules
from patrol_edge.video import frames_of_file, read_picture

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("PATROL_SHARED_DATA", ROOT.parent / "shared" / "data"))
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
FILMS = (
    "cars-topdown.mp4",
    "people-yard.mp4",
    "person-corridor.mp4",
    "falling-1.mp4",
    "falling-2.mp4",
    "garage-entrance",
)
HELD_S = 12.0  # a picture is held in front of the camera this long: four times the dwell
SINGLE_EVERY_S = 5.0


def camera_of(size_px: tuple[int, int], look_every_s: float = 0.5) -> CameraConfig:
    """A camera whose whole picture is a zone for flame and smoke."""
    width, height = size_px
    ring = [[0, 0], [width, 0], [width, height], [0, height]]
    zone = {"id": "all", "hazard": "flame-smoke", "polygon_px": ring, "look_every_s": look_every_s}
    body = {"id": "bench", "name": {"zh": "台架", "en": "bench"}, "box": "bench", "source": "-", "zones": [zone],
            "lens": {"width_px": width, "height_px": height, "hfov_deg": 60}}  # fmt: skip
    return CameraConfig.model_validate(body)


def watcher_of(camera: CameraConfig) -> Watcher:
    """Who watches it."""
    return Watcher("bench", "bench", camera, LocalFrame(LatLon(0.0, 0.0)), lambda moment: moment)


def due(frames: Iterable[Frame], watcher: Watcher) -> Iterator[Frame]:
    """The frames at which a box that keeps up would look."""
    attention = Attention("bench", watcher.look_every_s, since=START)
    for frame in frames:
        if attention.is_due(frame.taken_at):
            attention = attention.looked(frame.taken_at)
            yield frame


class Remembered:
    """A network whose answers to one picture are asked for once: the same picture is shown many times here."""

    def __init__(self, detector: Detector, answer: Detections) -> None:
        self.ref, self._answer = detector.ref, answer

    def detect(self, image: Image) -> Detections:
        """What it said of the clean picture."""
        del image
        return self._answer


@dataclass
class Film:
    """Counts of one film."""

    looks: int = 0
    network: int = 0  # looks at which the network alone is sure
    sighted: int = 0
    placed: int = 0  # sightings whose box meets a labelled one
    alerts: int = 0
    first_alert_s: float | None = None


def film(name: str, detector: Detector, labels: dict[int, list[Box]] | None = None) -> Film:
    """One film through the rule and through the pipeline."""
    path = DATA / "clips" / name
    first = next(iter(frames_of_file(str(path), "bench", START)))
    camera = camera_of(first.size_px)
    watcher, counts, memory = watcher_of(camera), Film(), Memory()
    ((_, rule),) = zone_rules(camera, watcher.frame, watcher.local_time, first.size_px)
    spots: CameraMemory = {}
    answers = Answers(detector)
    pipeline = Pipeline(watcher, {"fire_smoke": answers})
    for frame in due(frames_of_file(str(path), "bench", START), watcher):
        at_s = (frame.taken_at - START).total_seconds()
        spots, findings = pipeline.judge(frame, spots)
        counts.looks += 1
        said = answers.last
        counts.network += any(said.scores[r] >= STILL_SCORE[said.label(r)] for r in range(len(said)))
        raised = [f for f in findings if isinstance(f.data, AlertRaised)]
        counts.alerts += len(raised)
        if raised and counts.first_alert_s is None:
            counts.first_alert_s = at_s
        sightings = rule(frame, said, memory, frame.taken_at)
        counts.sighted += bool(sightings)
        if sightings and labels:
            boxes = labels.get(round(at_s * 29.97), [])
            counts.placed += any(shapely.box(*sightings[0].box_px).intersects(shapely.box(*box)) for box in boxes)
    return counts


class Answers:
    """A detector that keeps its last answer."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.ref = detector.ref
        self.last = Detections.none()

    def detect(self, image: Image) -> Detections:
        """Ask, and keep the answer."""
        self.last = self._detector.detect(image)
        return self.last


def labelled(path: Path) -> dict[int, list[Box]]:
    """Frame number -> boxes, from OpenCV's storage of the film's annotations (x, y, width, height)."""
    found: dict[int, list[Box]] = {}
    for frame in ET.parse(path).getroot().iter("_"):  # noqa: S314 - a file of the shared data, read where it lies
        number, boxes = frame.find("frameNumber"), frame.find("annotations")
        if number is not None and number.text and boxes is not None:
            rows = [[float(v) for v in (one.text or "").split()] for one in boxes.findall("_")]
            found[int(number.text)] = [(x, y, x + w, y + h) for x, y, w, h in rows]
    return found


def held(image: Image, every_s: float, seed: int) -> Iterator[Frame]:
    """A still picture in front of a camera that sways by a pixel and is noisy."""
    dice = np.random.default_rng(seed)
    for n in range(int(HELD_S / every_s) if every_s < 1 else 16):
        shift = np.array([[1, 0, dice.normal(0, 0.3)], [0, 1, dice.normal(0, 0.3)]])
        moved = cv2.warpAffine(image, shift, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(moved + dice.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        yield Frame("bench", START + timedelta(seconds=n * every_s), noisy)


def raises(image: Image, detector: Detector, every_s: float, seed: int) -> bool:
    """Whether a picture that is held in front of a camera raises an alert."""
    answer = detector.detect(image)
    camera = camera_of((image.shape[1], image.shape[0]), max(0.5, every_s))
    pipeline = Pipeline(watcher_of(camera), {"fire_smoke": Remembered(detector, answer)})
    spots: CameraMemory = {}
    for frame in held(image, every_s, seed):
        spots, findings = pipeline.judge(frame, spots)
        if any(isinstance(f.data, AlertRaised) for f in findings):
            return True
    return False


def main() -> int:
    """Print the tables."""
    cv2.setNumThreads(1)
    if not (DATA / "clips").is_dir():
        print(f"shared data missing: {DATA} (set PATROL_SHARED_DATA)", file=sys.stderr)
        return 2
    detector = load_detectors(ROOT / "models", ["fire_smoke"])["fire_smoke"]
    labels = labelled(DATA / "clips" / "fire-dollhouse.boxes.xml")
    print(f"{'film':<22} {'looks':>6} {'network sure':>13} {'sighted':>8} {'alerts':>7}")
    for name in ("fire-dollhouse.mp4", *FILMS):
        counts = film(name, detector, labels if "dollhouse" in name else None)
        print(
            f"{name:<22} {counts.looks:>6} {counts.network / counts.looks:>13.3f} {counts.sighted / counts.looks:>8.3f} {counts.alerts:>7}"
        )
        if counts.placed:
            print(
                f"{'':<22} first alert after {counts.first_alert_s:.1f} s; {counts.placed} of {counts.sighted} sightings meet a labelled box"
            )
    folder = DATA / "fire_smoke"
    shown: dict[bool, list[Path]] = {True: [], False: []}
    for path in sorted((folder / "images" / "val").iterdir()):
        label = folder / "labels" / "val" / f"{path.stem}.txt"
        shown[label.exists() and bool(label.read_text().strip())].append(path)
    print(
        f"\n{'fire_smoke val, each picture held before a camera':<52} {'pictures':>8} {'as a film':>10} {'as single pictures':>19}"
    )
    for has_fire, paths in shown.items():
        images = [image for path in paths if (image := read_picture(path)) is not None]
        film_share = np.mean([raises(image, detector, 0.25, n) for n, image in enumerate(images)])
        single = np.mean([raises(image, detector, SINGLE_EVERY_S, n) for n, image in enumerate(images)])
        word = "with fire or smoke (a photograph does not flicker)" if has_fire else "without"
        print(f"{word:<52} {len(images):>8} {film_share:>10.3f} {single:>19.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
