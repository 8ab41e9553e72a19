"""The rendered demonstration through the real pipeline: the incidents that its ground truth expects, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from patrol.config import load
from patrol.events import AlertRaised
from patrol.geo import LatLon, distance_m
from patrol.scenes.clip import demo_film
from patrol.scenes.picture import FixedCamera
from patrol_edge.detectors import load_detectors
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize(("camera_id", "first_s", "last_s", "step_s"), [("gate", 0, 60, 1.0), ("fence", 40, 54, 0.25)])
def test_the_demo_finds_what_it_should(camera_id: str, first_s: float, last_s: float, step_s: float) -> None:
    """Each expected incident that falls due in this stretch of the film alerts once, within 5 s and 6 m of the truth; nothing else does."""
    config = load(ROOT / "config.yaml")
    film = demo_film(config, camera_id, seed=1)
    eye = FixedCamera(film.scene, film.camera, film.sensor, samples=film.samples)
    pipeline = Pipeline(
        Watcher.of(config, config.camera(camera_id)),
        load_detectors(ROOT / "models", ["street"]),
    )
    memory: CameraMemory = {}
    alerts: list[tuple[float, AlertRaised]] = []
    for n in range(int((last_s - first_s) / step_s)):
        film_s = first_s + n * step_s
        image = eye.picture(film_s).image[:, :, ::-1].copy()
        memory, findings = pipeline.judge(Frame(camera_id, START + timedelta(seconds=film_s), image), memory)
        alerts += [(film_s, f.data) for f in findings if isinstance(f.data, AlertRaised)]
    due = sorted((e for e in film.expected if first_s <= e.due_s < last_s - 5), key=lambda e: e.due_s)
    assert len(due) >= 1
    assert len(alerts) == len(due), [(s, a.place) for s, a in alerts]
    for expected, (film_s, alert) in zip(due, alerts, strict=True):
        assert alert.hazard.value == expected.hazard
        assert abs(film_s - expected.due_s) <= 5
        truth = config.frame.many_to_wgs84([(expected.east_m, expected.north_m)])[0]
        assert alert.position is not None
        place = LatLon(alert.position.lat_deg, alert.position.lon_deg)
        assert distance_m(place, LatLon(float(truth[0]), float(truth[1]))) < 6
