"""Films and training sets on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event

import av
import cv2
import numpy as np
import pytest

from patrol.config import load
from patrol.errors import ClipNotWritten, UsageError
from patrol.geo import LatLon, LocalFrame
from patrol.scenes.actors import CLASS_OF, CLASSES, Actor, travel
from patrol.scenes.clip import Film, demo_film, write_clip
from patrol.scenes.demo_clips import rendered_clips
from patrol.scenes.film import write_film
from patrol.scenes.light import Conditions
from patrol.scenes.random_district import random_district
from patrol.scenes.training_set import darkened, mast_camera, training_frames, write_training_set, yolo_labels
from patrol.scenes.truth import Seen
from tests.scenes.small import CORNER, LOOK, scene

ROOT = Path(__file__).parents[2]
FRAME = LocalFrame(LatLon(22.5, 114.0))
CAR = Actor("car", "sedan", 3, (travel(0.0, ((-12, -3), (12, 3)), 5.0),))
SHORT = Film(scene(CAR, world=CORNER), "look", LOOK, (), 1.2)


def test_a_film_holds_its_frames_and_its_truth(tmp_path: Path) -> None:
    """The film decodes to the stated frames at the stated rate; the truth names each frame's objects where the film shows them."""
    told: list[tuple[int, int]] = []
    path = tmp_path / "deep" / "look.mp4"
    truth = json.loads(write_clip(SHORT, path, FRAME, workers=1, progress=lambda a, b: told.append((a, b))).read_text())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(stream)]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 10
    assert len(frames) == len(truth["frames"]) == 12
    assert told[-1] == (12, 12)
    empty = write_clip(replace(SHORT, scene=scene(world=CORNER)), tmp_path / "empty.mp4", FRAME, workers=1)
    with av.open(str(empty).replace(".truth.json", ".mp4")) as container:
        bare = next(container.decode(video=0)).to_ndarray(format="rgb24")
    x0, y0, x1, y1 = (round(v) for v in truth["frames"][0]["objects"][0]["box_px"])
    changed = np.abs(frames[0].astype(int) - bare.astype(int)).sum(axis=2) > 60
    assert changed[y0:y1, x0:x1].mean() > 0.3
    assert sorted(p.name for p in path.parent.iterdir()) == ["look.mp4", "look.truth.json"]


def test_a_film_is_rendered_once_and_again_when_it_would_differ(tmp_path: Path) -> None:
    """The same film is not rendered again; another scene, a missing film or a truncated truth is."""
    path = tmp_path / "look.mp4"
    count: list[int] = []

    def render(film: Film) -> None:
        write_clip(film, path, FRAME, workers=1, progress=lambda done, _: count.append(done))

    render(SHORT)
    render(SHORT)
    assert len(count) == 12
    path.with_suffix(".truth.json").write_text('{"key": "')
    render(SHORT)
    assert len(count) == 24
    render(replace(SHORT, scene=scene(CAR, world=CORNER, seed=6)))
    assert len(count) == 36


def test_processes_render_the_same_film(tmp_path: Path) -> None:
    """Two worker processes give the same bytes as one, and the truth is the same."""
    one, two = tmp_path / "one.mp4", tmp_path / "two.mp4"
    first, second = write_clip(SHORT, one, FRAME, workers=1), write_clip(SHORT, two, FRAME, workers=2)
    assert one.read_bytes() == two.read_bytes()
    assert first.read_text() == second.read_text()


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A folder in the film's place is one clear error; an unknown camera names the known ones."""
    with pytest.raises(ClipNotWritten):
        write_film(tmp_path / "no" / "folder.mp4", [np.zeros((180, 320, 3), np.uint8)], 320, 180, 10)
    with pytest.raises(ClipNotWritten, match="even"):
        write_film(tmp_path / "odd.mp4", iter(()), 321, 180, 10)
    taken = tmp_path / "look.mp4"
    taken.mkdir()
    with pytest.raises(ClipNotWritten):
        write_clip(replace(SHORT, duration_s=0.2), taken, FRAME, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["look.mp4"]
    with pytest.raises(UsageError, match="gate"):
        demo_film(load(ROOT / "config.yaml"), "nowhere", 1)


def test_rendering_ends_when_asked(tmp_path: Path) -> None:
    """A stop that is already set renders nothing."""
    stop = Event()
    stop.set()
    assert rendered_clips(load(ROOT / "config.yaml"), tmp_path, lambda _: None, stop) == {}


def test_training_frames_depend_on_the_seed_alone() -> None:
    """Frame k is the same whatever the count and whether it was made before; another seed differs."""
    first, again = (next(iter(training_frames(11, count, 192, 108))) for count in (1, 4))
    assert np.array_equal(first.image, again.image)
    assert first.labels == again.labels
    assert not np.array_equal(first.image, next(iter(training_frames(12, 1, 192, 108))).image)


def test_labels_leave_out_what_cannot_be_told() -> None:
    """Too small or too hidden objects get no label; boxes are cut at the picture's edge and given as shares."""

    def one(box: tuple[float, float, float, float], share: float) -> Seen:
        return Seen("a", "bus", box, share, 1.0, 0.0, 0.0, 0.0, 0.0, at_rest=True)

    big, tiny, hidden = one((-20.5, 99.5, 79.5, 149.5), 0.8), one((10, 10, 14, 40), 1.0), one((50, 50, 150, 150), 0.1)
    rows = yolo_labels((big, tiny, hidden), 960, 540)
    assert len(rows) == 1
    assert rows[0] == pytest.approx((CLASSES.index("bus"), 40 / 960, 125 / 540, 80 / 960, 50 / 540))


def test_training_looks_down_steeply_and_into_the_dark_often_enough() -> None:
    """A camera on a mast stands free and looks 28 to 55 degrees down onto a road; darkness takes the sun and keeps the rain."""
    rng = np.random.default_rng(3)
    masts = [mast_camera(random_district(seed), rng, 320, 180) for seed in range(12)]
    found = [camera for camera in masts if camera is not None]
    assert len(found) >= 8
    assert all(-55 <= camera.pose.pitch_deg <= -28 and 5.5 <= camera.pose.up_m <= 11 for camera in found)
    nights = [darkened(Conditions(rain=0.4), rng) for _ in range(20)]
    assert all(night.dark and night.rain == 0.4 for night in nights)
    assert {night.infrared for night in nights} == {True, False}


def test_a_van_is_a_car_as_in_the_street_labels() -> None:
    """The street data calls vans cars; rendered ones are labelled the same, for the network must not be told both."""
    assert CLASS_OF["van"] == "car"
    assert CLASS_OF["truck"] == "truck"


def test_a_training_set_on_disk_is_what_training_reads(tmp_path: Path) -> None:
    """Images and labels pair up by name, are of the asked size, and labels are numbers between 0 and 1."""
    write_training_set(tmp_path, 3, 5, 320, 180)
    images = sorted((tmp_path / "images").iterdir())
    assert [p.stem for p in images] == sorted(p.stem for p in (tmp_path / "labels").iterdir())
    assert len(images) == 3
    assert np.asarray(cv2.imread(str(images[0]))).shape == (180, 320, 3)
    rows = [line.split() for p in (tmp_path / "labels").iterdir() for line in p.read_text().splitlines()]
    assert rows
    assert all(int(r[0]) in range(6) and all(0 <= float(v) <= 1 for v in r[1:]) for r in rows)


def test_the_renderer_runs_from_a_folder_it_may_not_write(tmp_path: Path) -> None:
    """With read-only source and no home, kernels compile into no cache and still run."""
    package = tmp_path / "patrol"
    shutil.copytree(
        ROOT / "patrol",
        package,
        ignore=shutil.ignore_patterns("__pycache__", "center", "flight", "planning", "console"),
    )
    blocked = tmp_path / "blocked"
    blocked.write_text("")  # a file where numba's folder would be: cannot be written by anyone, root included
    for folder in (package / "scenes", package):
        (folder / "__pycache__").write_text("")
    code = (
        "import numpy as np; from patrol.scenes import raster\n"
        "canvas = np.zeros((4, 4), np.uint8)\n"
        "planes, extent = np.zeros((1, 9)), np.array([[0, 3, 0, 3]], np.int32)\n"
        "print(raster.coverage(planes, extent, 0, 1, canvas, 1), raster.__file__)"
    )
    environ = {
        **os.environ,
        "HOME": str(blocked),
        "XDG_CACHE_HOME": str(blocked),
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environ.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["16", str(package / "scenes" / "raster.py")]
