"""What a street scene's camera sees, look by look: rendered, or kept from an earlier run; and who detects perfectly.

Kept pictures are PNG files (no loss) beside `seen.json`, the ground truth of each look. They belong to the renderer and the
seeds that made them: after a change of either, keep them in another folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.street_scenes import StreetScene
from patrol.events import ModelRef
from patrol.scenes.actors import CLASSES
from patrol.scenes.picture import FixedCamera, Picture
from patrol.scenes.training_set import SMALLEST_PX, SMALLEST_SHARE, stands_out
from patrol.scenes.truth import Seen
from patrol_edge.frame import Detections, Image

# Rose (1948): an eye finds something in noise when it stands out five times as much as the noise averaged over its size
CLEAR_OF_NOISE = 5.0
EYE_PX = 3.0  # standard deviation of that averaging: a fifth of the smallest vehicle that counts (14 px)


def looks_at(street: StreetScene, kept: Path | None) -> Iterator[Picture]:
    """Every look of the scene in its order. With `kept`, pictures are read from there, and written where they are not yet."""
    count = int(street.duration_s / street.step_s)
    folder = None if kept is None else kept / street.name
    if folder is not None and (folder / "seen.json").exists():
        for n, rows in enumerate(json.loads((folder / "seen.json").read_text(encoding="utf-8"))):
            image = cv2.imread(str(folder / f"{n:03d}.png"))
            if image is None:
                raise FileNotFoundError(folder / f"{n:03d}.png")
            seen = tuple(Seen(**{**row, "box_px": tuple(row["box_px"])}) for row in rows)
            yield Picture(np.ascontiguousarray(image[:, :, ::-1], np.uint8), seen, n * street.step_s)
        return
    eye = FixedCamera(street.scene, street.camera, street.sensor, samples=1)
    truth = []
    for n in range(count):
        shot = eye.picture(n * street.step_s)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{n:03d}.png"), shot.image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
            truth.append([asdict(one) for one in shot.seen])
        yield shot
    if folder is not None:  # last: a scene that was broken off is rendered again
        (folder / "seen.json").write_text(json.dumps(truth), encoding="utf-8")


class PerfectEyes:
    """In place of the network: everything that the picture shows, where the renderer put it. Tells the rules' mistakes
    from the network's."""

    ref = ModelRef(name="truth", version="1", sha256="0" * 64)

    def __init__(self) -> None:
        self.shot: Picture | None = None

    def detect(self, image: Image) -> Detections:
        """What is in the look that was set last; `image` is that look's."""
        seen = () if self.shot is None else self.shot.seen
        told = [s for s in seen if _labelled(s) and clear(image[:, :, ::-1], s)]
        boxes = np.array([s.box_px for s in told], np.float32).reshape(-1, 4)
        names = np.array([CLASSES.index(s.object_class) for s in told], np.int64)
        return Detections(boxes, np.full(len(told), 0.9, np.float32), names, CLASSES)


def _labelled(seen: Seen) -> bool:
    x0, y0, x1, y1 = seen.box_px
    return min(x1 - x0, y1 - y0) >= SMALLEST_PX and seen.visible_share >= SMALLEST_SHARE


def clear(image: Image, seen: Seen) -> bool:
    """Whether a person sees anything in the object's box: something brighter or darker than the rest, and than the noise."""
    if not stands_out(image, seen):
        return False
    height, width = image.shape[:2]
    x0, y0, x1, y1 = seen.box_px
    grow_x, grow_y = 0.1 * (x1 - x0) + 1, 0.1 * (y1 - y0) + 1
    margin = int(3 * EYE_PX)
    top, left = max(int(y0 - grow_y) - margin, 0), max(int(x0 - grow_x) - margin, 0)
    around = image[top : min(int(y1 + grow_y) + 1 + margin, height), left : min(int(x1 + grow_x) + 1 + margin, width)]
    grey = cv2.cvtColor(np.ascontiguousarray(around), cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), EYE_PX)[margin:-margin, margin:-margin]
    noise = noise_of(grey) / (2.0 * float(np.sqrt(np.pi)) * EYE_PX)  # what Gaussian averaging leaves of white noise
    return smooth.size == 0 or float(smooth.std()) >= CLEAR_OF_NOISE * noise


def noise_of(grey: NDArray[np.float32]) -> float:
    """Standard deviation of a picture's noise in its own units, after Immerkær (1996)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(grey, -1, kernel)).mean())
