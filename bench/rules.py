"""What each rule costs for one frame on one thread, without and with the network that some of them share.

make bench-rules        (python -m bench.rules; no data needed, times are the best of several rounds)
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from bench.__main__ import best_us
from patrol.config import load
from patrol.config.shape import CameraConfig
from patrol_edge.detectors import load_detectors
from patrol_edge.frame import Detections, Frame, Shares
from patrol_edge.pipeline import Watcher
from patrol_edge.rules.sighting import Memory
from patrol_edge.rules.table import model_of, zone_rules

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
# hazard, size of the picture, what its zone needs besides
CASES_OF_RULES: tuple[tuple[str, tuple[int, int], dict[str, object]], ...] = (
    ("blocked-fire-lane", (1280, 720), {}),
    ("perimeter-intrusion", (1280, 720), {"hours": ["00:00-24:00"]}),
    ("fire-hotspot", (640, 512), {}),
    ("fire-hotspot", (1280, 1024), {}),
    ("falling-object", (1280, 720), {}),
    ("falling-object", (640, 480), {}),
    ("flame-smoke", (1280, 720), {}),
    ("flooding", (1280, 720), {}),
)


def busy_frames(size_px: tuple[int, int], count: int) -> list[Frame]:
    """Noise, twenty things that sway, and ten hot spots in degrees."""
    dice, (width, height) = np.random.default_rng(1), size_px
    still = cv2.GaussianBlur(dice.integers(60, 200, (height, width, 3)).astype(np.uint8), (9, 9), 3)
    celsius = dice.normal(20, 0.2, (height, width)).astype(np.float32)
    places = dice.uniform(0.1, 0.9, (20, 2)) * size_px
    for x, y in places[:10].astype(int):
        cv2.circle(celsius, (int(x), int(y)), 3, 120.0, -1)
    frames = []
    for n in range(count):
        image = still.copy()
        for k, (x, y) in enumerate(places):
            cv2.circle(image, (int(x + 6 * np.sin(n / 3 + k)), int(y + 4 * np.cos(n / 4 + k))), 6, (30, 60, 40), -1)
        noise = dice.integers(-3, 4, image.shape[:2], dtype=np.int16)[..., None]
        frames.append(
            Frame("bench", START + timedelta(seconds=n / 25), np.clip(image + noise, 0, 255).astype(np.uint8), celsius)
        )
    return frames


def half_flooded() -> Shares:
    """A map of water, ragged, over the lower half of a picture."""
    rough = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(144, 256)).astype(np.float32), (0, 0), 5)
    shares = np.where(rough > -0.02, 235, 20)
    shares[:72] = 10
    return np.asarray(shares, dtype=np.uint8)


def main() -> int:
    """Print the table."""
    cv2.setNumThreads(1)
    config = load(ROOT / "config.yaml")
    print(f"{'rule':<22} {'picture':<12} {'ms a frame':>10}  network")
    for hazard, (width, height), more in CASES_OF_RULES:
        ring = [[0, 0], [width, 0], [width, height], [0, height]]
        body = config.cameras[0].model_dump(mode="json", exclude={"zones", "lens", "pose"})
        body["pose"] = {"at": [114.0579, 22.5431], "height_m": 6, "yaw_deg": 0, "pitch_deg": -20}
        body["lens"] = {"width_px": width, "height_px": height, "hfov_deg": 60}
        camera = CameraConfig.model_validate(
            {**body, "zones": [{"id": "zone", "hazard": hazard, "polygon_px": ring, **more}]}
        )
        watcher = Watcher.of(config, camera)
        ((zone, rule),) = zone_rules(camera, watcher.frame, watcher.local_time, (width, height))
        boxes = np.array([[50 * k, 200, 50 * k + 40, 280] for k in range(12)], np.float32)
        classes = ("fire", "smoke") if zone.hazard == "flame-smoke" else CLASSES
        seen = Detections(boxes, np.full(12, 0.8, np.float32), np.arange(12) % len(classes), classes)
        if zone.hazard == "flooding":
            seen = replace(seen, maps={"water": half_flooded()})
        frames, memory, count = busy_frames((width, height), 50), Memory(), 0

        def once() -> None:
            nonlocal count
            frame, at = frames[count % len(frames)], START + timedelta(seconds=count / 25)  # noqa: B023 - called before the loop goes on
            count += 1
            rule(Frame("bench", at, frame.image, frame.celsius), seen, memory, at)  # noqa: B023 - the same

        print(
            f"{zone.hazard:<22} {f'{width} x {height}':<12} {best_us(once) / 1000:>10.2f}  {model_of(zone) or 'none'}"
        )
    picture = busy_frames((1280, 720), 1)[0].image
    for name, network in load_detectors(ROOT / config.models_dir, ("street", "water")).items():
        took_ms = best_us(lambda: network.detect(picture)) / 1000  # noqa: B023 - called before the loop goes on
        print(f"{f'the network {name}':<22} {'1280 x 720':<12} {took_ms:>10.2f}  {network.ref.version}, one thread")
    return 0


if __name__ == "__main__":
    sys.exit(main())
