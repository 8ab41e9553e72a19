"""The street benchmark's own parts: what it counts as visible, what its hours prove, which pictures it judges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.street import judge, most_a_day
from bench.street_scenes import lane_scene, quiet_scene
from bench.street_views import PerfectEyes, clear, looks_at, noise_of
from patrol.events import AlertRaised
from patrol.scenes.truth import Seen
from patrol_edge.frame import Image

CAR = Seen("car", "car", (60.0, 40.0, 120.0, 90.0), 1.0, 3000.0, 0.0, 0.0, 0.0, 0.0, True)


def street(car: float, ground: float, noise: float) -> Image:
    """A grey car on grey ground, (160, 200, 3), with noise of this standard deviation."""
    picture = np.full((160, 200), float(ground))
    picture[40:91, 60:121] = car
    picture += np.random.default_rng(3).normal(0, noise, picture.shape)
    return np.asarray(np.clip(picture, 0, 255)[..., None].repeat(3, axis=2), np.uint8)


def test_what_drowns_in_noise_is_not_visible() -> None:
    """A car 30 levels brighter than the ground is seen through noise of 20 levels, one 6 levels brighter is not, without noise it is."""
    assert clear(street(110, 80, 20), CAR)
    assert not clear(street(86, 80, 20), CAR)
    assert clear(street(90, 80, 0.5), CAR)
    assert not clear(street(80, 80, 0.5), CAR)


def test_noise_is_measured_beside_what_stands_there() -> None:
    """The noise of a picture with a car in it is told within a fifth."""
    grey = street(140, 80, 12)[..., 0].astype(np.float32)
    assert noise_of(grey) == pytest.approx(12, rel=0.2)


@pytest.mark.parametrize(
    ("false", "hours", "bound"), [(0, 360, 0.1997), (0, 24, 2.9957), (1, 24, 4.7439), (3, 24, 7.7537)]
)
def test_the_bound_is_the_one_in_the_tables(false: int, hours: float, bound: float) -> None:
    """Poisson's one-sided 95 % limits as printed in statistical tables; fifteen days without an alert show 0.2 a day."""
    assert most_a_day(false, hours) == pytest.approx(bound, abs=2e-4)


def test_kept_pictures_are_the_rendered_ones(tmp_path: Path) -> None:
    """Two looks of a scene, kept and read again, are the same to the bit, truth included; perfect eyes name what stands there."""
    whole = lane_scene(0)
    assert whole is not None
    scene = replace(whole, duration_s=2.0)
    first, again = list(looks_at(scene, tmp_path)), list(looks_at(scene, tmp_path))
    assert [one.seen for one in first] == [one.seen for one in again]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    eyes = PerfectEyes()
    eyes.shot = first[0]
    seen = eyes.detect(np.ascontiguousarray(first[0].image[:, :, ::-1]))
    assert "parked" in {one.object_id for one in first[0].seen}
    assert len(seen) > 0


def test_a_late_alert_misses_but_is_not_false_and_a_second_one_is() -> None:
    """Of two alerts 18 s and 20 s after the dwell of a car that still stands there, one is late and one false; nothing is found."""
    scene = lane_scene(0)
    assert scene is not None
    parked = next(one for one in scene.expected if one.object_id == "parked")
    scene = replace(scene, expected=(parked,))
    data = json.loads(
        (Path(__file__).parents[1] / "golden/wire/patrol.alert.raised-1.1.json").read_text(encoding="utf-8")
    )
    alert = AlertRaised.model_validate({**data["data"], "hazard": "blocked-fire-lane", "position": None})
    late = [(33.0, alert), (35.0, alert)]
    assert judge(scene, late, set()) == (["parked"], [], 1, 0)
    assert judge(scene, late, {"parked"}) == ([], [], 1, 1)
    assert judge(scene, [(16.0, alert)], set()) == ([], [1.0], 0, 0)


def test_nobody_stays_in_a_quiet_lane() -> None:
    """A scene of the quiet kind has vehicles in its lane and nothing to report."""
    scene = quiet_scene(1)
    assert scene is not None
    assert len(scene.scene.actors) > 4
    assert scene.expected == ()
