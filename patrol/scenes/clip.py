"""Renders a fixed camera's film with its ground truth beside it; made once, then kept.

`gate.mp4` gets a `gate.truth.json`: what was rendered, each frame's objects, and the incidents a box must report.
"""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

from patrol.config import Config
from patrol.errors import ClipNotWritten, UsageError
from patrol.geo import Camera, EastNorth, LocalFrame
from patrol.scenes.demo import DAY, DURATION_S, demo_expectations, demo_scene
from patrol.scenes.district import local_frame
from patrol.scenes.expected import ExpectedIncident
from patrol.scenes.film import write_film
from patrol.scenes.light import Conditions
from patrol.scenes.picture import FixedCamera, Picture
from patrol.scenes.scene import Scene
from patrol.scenes.sensor import GOOD, Image, Sensor
from patrol.scenes.truth import Seen

FRAMES_PER_S = 10
CHUNK_FRAMES = 4  # frames a worker renders before it hands them over
WAITING_CHUNKS = 3  # per worker: frames take 3 MB each, and writing may be slower than rendering
CHUNK_TIMEOUT_S = 600.0  # compiling and building a district take seconds; a worker silent for longer is dead
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Film:
    """What is filmed: a scene, a camera, for how long. Equal films have equal bytes on one machine."""

    scene: Scene
    camera_id: str
    camera: Camera
    expected: tuple[ExpectedIncident, ...]
    duration_s: float = DURATION_S
    frames_per_s: int = FRAMES_PER_S
    sensor: Sensor = GOOD
    samples: int = 2

    @property
    def frame_count(self) -> int:
        """Frames from time 0 on."""
        return round(self.duration_s * self.frames_per_s)

    def key(self) -> str:
        """A name for the film's content: scene, camera, sensor, and the renderer's own code."""
        digest = sha256(repr(self).encode())
        for source in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()


def demo_film(
    config: Config, camera_id: str, seed: int, conditions: Conditions = DAY, duration_s: float = DURATION_S
) -> Film:
    """The demonstration as a configured camera sees it. UsageError: no such camera, or its pose is not known."""
    frame = local_frame(config)
    posed = {c.id: view for c in config.cameras if (view := c.geo(frame)) is not None}
    if camera_id not in posed:
        raise UsageError(kind="camera with a pose", name=camera_id, known=", ".join(posed))
    scene = demo_scene(config, seed, conditions, duration_s)
    return Film(scene, camera_id, posed[camera_id], demo_expectations(config, scene, camera_id, duration_s), duration_s)


def render_clip(
    config: Config,
    camera_id: str,
    path: Path,
    seed: int = 1,
    *,
    conditions: Conditions = DAY,
    duration_s: float = DURATION_S,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Renders the demonstration's film for a camera to `path` (.mp4) and its ground truth to `path` (.truth.json).

    Returns the ground truth's path. Does nothing when both are there and would come out the same. `workers`: processes
    to render with, one per core unless given. `progress` is called with (frames done, frames in all).
    """
    return write_clip(
        demo_film(config, camera_id, seed, conditions, duration_s),
        path,
        local_frame(config),
        workers=workers,
        progress=progress,
    )


def write_clip(
    film: Film, path: Path, frame: LocalFrame, *, workers: int | None = None, progress: Progress | None = None
) -> Path:
    """Renders any film; see `render_clip`. `frame` gives positions their latitude and longitude."""
    truth_path = path.with_suffix(".truth.json")
    key = film.key()
    if path.exists() and _key_of(truth_path) == key:
        return truth_path
    half = path.with_suffix(".part.mp4")
    frames: list[dict[str, Any]] = []

    def images() -> Iterator[Image]:
        for shot in rendered(film, workers or cpu_count() or 1):
            frames.append({"time_s": shot.time_s, "objects": [seen_record(s) for s in shot.seen]})
            if progress is not None:
                progress(len(frames), film.frame_count)
            yield shot.image

    lens = film.camera.lens
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_film(half, images(), lens.width_px, lens.height_px, film.frames_per_s)
        truth = {
            "key": key, "camera": film.camera_id, "seed": film.scene.seed, "frames_per_s": film.frames_per_s, "width_px": lens.width_px,
            "height_px": lens.height_px, "conditions": asdict(film.scene.conditions),
            "expected": [incident_record(e, frame) for e in film.expected], "frames": frames,
        }  # fmt: skip
        half_truth = truth_path.with_suffix(".part")
        half_truth.write_text(json.dumps(truth, separators=(",", ":")), encoding="utf-8")
        half.replace(path)
        half_truth.replace(truth_path)
    except OSError as err:
        raise ClipNotWritten(path=path, cause=err) from err
    finally:
        for unfinished in (half, truth_path.with_suffix(".part")):
            if unfinished.exists():
                unfinished.unlink()
    return truth_path


def seen_record(s: Seen) -> dict[str, Any]:
    """One object of one frame, as it stands in the ground truth file."""
    return {
        "id": s.object_id, "class": s.object_class, "box_px": [round(v, 1) for v in s.box_px], "visible_share": round(s.visible_share, 3),
        "east_m": round(s.east_m, 2), "north_m": round(s.north_m, 2), "yaw_deg": round(s.yaw_deg % 360, 1), "at_rest": s.at_rest,
    }  # fmt: skip


def incident_record(e: ExpectedIncident, frame: LocalFrame) -> dict[str, Any]:
    """One expected incident, as it stands in the ground truth file."""
    place = frame.to_wgs84(EastNorth(e.east_m, e.north_m))
    return {**asdict(e), "lat_deg": round(place.lat_deg, 7), "lon_deg": round(place.lon_deg, 7)}


def _key_of(truth_path: Path) -> str | None:
    try:
        key = json.loads(truth_path.read_text(encoding="utf-8")).get("key")
    except (OSError, ValueError):
        return None  # not there, or cut short: render again
    return key if isinstance(key, str) else None


def rendered(film: Film, workers: int) -> Iterator[Picture]:
    """The film's pictures in order. With one worker in this process, else in processes of their own."""
    times = [k / film.frames_per_s for k in range(film.frame_count)]
    chunks = [times[k : k + CHUNK_FRAMES] for k in range(0, len(times), CHUNK_FRAMES)]
    if workers <= 1:
        eye = FixedCamera(film.scene, film.camera, film.sensor, samples=film.samples)
        for time_s in times:
            yield eye.picture(time_s)
        return
    waiting: deque[Future[list[Picture]]] = deque()
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_open_eye, initargs=(replace(film, expected=()),)
    )
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_look, chunk))
            if len(waiting) >= workers * WAITING_CHUNKS:
                yield from waiting.popleft().result(CHUNK_TIMEOUT_S)
        while waiting:
            yield from waiting.popleft().result(CHUNK_TIMEOUT_S)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_EYES: list[FixedCamera] = []  # a worker process's own camera


def _open_eye(film: Film) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; who ordered the film ends it in order
    _EYES[:] = [FixedCamera(film.scene, film.camera, film.sensor, samples=film.samples)]


def _look(times_s: Sequence[float]) -> list[Picture]:
    return [_EYES[0].picture(t) for t in times_s]
