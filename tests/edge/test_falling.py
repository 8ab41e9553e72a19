"""Falling objects: gravity told from rain, birds and swaying, the way back to floor and window column, one alert a fall."""

from __future__ import annotations

from datetime import timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.falling import falls_in, frames, is_it, scene_truth
from patrol.config import Config
from patrol.config.shape import CameraConfig
from patrol.config.zones import Facade
from patrol.events import AlertRaised, Hazard
from patrol_edge.frame import Frame, Image
from patrol_edge.pipeline import CameraMemory, Finding, Pipeline, Watcher
from patrol_edge.rules.falling import Fall, Track, Watch, fallen
from patrol_edge.rules.falling_object import facade_of
from tests.edge.conftest import START, ScriptedDetector

HEIGHT = 480


def track(
    speed: float, pull: float, seconds: float = 1.0, rate: float = 25, sway_px: float = 0.0, drift: float = 30.0
) -> Track:
    """A thing that starts with `speed` px/s downwards and gains `pull` px/s²."""
    points = []
    for n in range(int(seconds * rate)):
        t = n / rate
        points.append((t, 100 + drift * t + sway_px * np.sin(9 * t), 20 + speed * t + pull * t * t / 2, 50))
    return Track(points, 0, 0, frames=len(points))


def test_gravity_is_told_from_steady_motion() -> None:
    """What speeds up from rest is a fall; what comes at constant speed (rain, a diving bird), slows down (a leaf in air) or sways is none."""
    assert fallen(track(20, 500), HEIGHT) is not None
    assert fallen(track(400, 0), HEIGHT) is None
    assert fallen(track(400, 40), HEIGHT) is None
    assert fallen(track(500, -300), HEIGHT) is None
    assert fallen(track(20, 500, sway_px=25), HEIGHT) is None
    assert fallen(track(20, 60, seconds=0.6), HEIGHT) is None


def test_a_low_fall_counts_only_alone_and_smooth() -> None:
    """The third floor of thirty, seen from rest on, is a fall; the same among things that move beside it, or not from rest, is none."""
    low = track(2, 60, seconds=1.16, drift=3.0)
    assert 0.07 * HEIGHT < low.points[-1][2] - low.points[0][2] < 0.1 * HEIGHT
    assert fallen(low, HEIGHT) is not None
    low.crowd = 2.0 * len(low.points)
    assert fallen(low, HEIGHT) is None
    assert fallen(track(25, 20, seconds=1.16, drift=3.0), HEIGHT) is None


def test_a_fall_past_the_whole_of_a_high_front_is_followed_to_its_end() -> None:
    """From 80 m up, drawn out in the picture as it nears the camera: no parabola, but a fall. A swinging thing of that length is none."""
    seconds = np.arange(0, 3.9, 1 / 25)
    up_m = 80 - 9.81 / 2 * seconds**2
    y = 220 - 330 * np.tan(np.arctan(up_m / 30) - 0.62)
    points = [(float(t), 300.0, float(v), 40) for t, v in zip(seconds, y, strict=True)]
    assert fallen(Track(points, 0, 0, frames=len(points)), HEIGHT) is not None
    swung = [(t, x, 100 + 40 * t + 25 * float(np.sin(3 * t)), a) for t, x, _, a in points]
    assert fallen(Track(swung, 0, 0, frames=len(swung)), HEIGHT) is None


def test_a_fall_behind_a_bough_is_one_fall() -> None:
    """Hidden for nearly half a second in the middle of its way, it is followed through and told once, from its true height."""
    watch, found, hidden = Watch(), list[Fall](), 0
    for n in range(130):
        image = np.full((HEIGHT, 640), 120, np.uint8)
        t = (n - 40) / 25
        y = 40 + 90 * t * t
        if t >= 0:
            cv2.circle(image, (320, round(y)), 5, 220, -1)
        cv2.rectangle(image, (200, 150), (440, 215), 60, -1)
        hidden += t >= 0 and 150 <= y <= 215
        found += watch.step(image, n / 25, np.ones((HEIGHT, 640), np.uint8))
    assert hidden >= 6
    (fall,) = found
    assert fall.points[0][2] < 60
    assert fall.points[-1][2] > 300


def street_front(n: int, falls: bool) -> NDArray[np.uint8]:
    """Frame `n` at 25 a second: a wall with panes over which a headlight's beam moves; a ball let go at (300, 120) in frame 40."""
    image = np.full((HEIGHT, 640), 150, np.float32)
    panes = np.zeros(image.shape, np.bool_)
    for top in range(60, 440, 55):
        for left in range(100, 540, 50):
            panes[top : top + 40, left : left + 32] = True
    image[panes] = 60
    t = (n - 40) / 25
    if falls and t >= 0:
        cv2.circle(image, (300, round(120 + 150 * t * t)), 6, 200, -1)
    beam = 60 * np.exp(-(((np.arange(640) - (300 + 7 * (n - 58))) / 60) ** 2))
    image += np.where(panes, beam[None, :], 0) + np.random.default_rng(n).standard_normal(image.shape, np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def test_a_thing_that_falls_before_panes_in_a_headlights_beam_is_seen() -> None:
    """A pane that lights up as one smooth plane does not swallow what falls before it; the beam alone is no fall."""
    for falls in (True, False):
        watch, found = Watch(), list[Fall]()
        for n in range(100):
            found += watch.step(street_front(n, falls), n / 25, np.ones((HEIGHT, 640), np.uint8))
        assert len(found) == falls
        for fall in found:
            assert fall.rest_px == pytest.approx((300, 120), abs=8)


@given(st.floats(60, 2000), st.floats(0.0, 0.5), st.floats(0.7, 1.4))
def test_the_moment_and_height_of_rest_follow_from_the_fit(pull: float, since_s: float, seconds: float) -> None:
    """Seen only from `since_s` after it was let go, a fall in a straight view is traced back to where and when that was."""
    seen = track(pull * since_s, pull, seconds)
    drop = seen.points[-1][2] - seen.points[0][2]
    found = fallen(seen, HEIGHT)
    if drop < 0.1 * HEIGHT or seen.vy > 0:
        return
    if found is None:
        speeds = pull * (since_s + seconds * 5 / 6), pull * (since_s + seconds / 6)
        assert speeds[0] < 1.4 * speeds[1]
        return
    assert found.rest_s == pytest.approx(-since_s, abs=0.03)
    assert found.rest_px[1] == pytest.approx(20 - pull * since_s**2 / 2, abs=2 + 0.01 * drop)
    assert found.acceleration_px_s2 == pytest.approx(pull, rel=0.05)


def test_floor_and_window_column_of_a_front_seen_from_below() -> None:
    """Through the front's four corners a pixel becomes a column from the left and a floor from below; beside it is none, above it the roof."""
    facade = Facade(corners_px=((300, 50), (340, 50), (500, 450), (140, 450)), floors=10, columns=4, lowest_floor=2)
    view = facade_of(facade, (1.0, 1.0))
    assert view is not None
    assert view.place(141 + 45, 448) == (1, 2)
    assert view.place(499 - 40, 448) == (4, 2)
    assert view.place(301, 52) == (1, 11)
    assert view.place(320, 40) in ((2, 12), (3, 12))
    assert view.place(100, 250) is None
    double = facade_of(facade, (2.0, 2.0))
    assert double is not None
    assert double.place(2 * 301, 2 * 52) == (1, 11)
    assert facade_of(None, (1.0, 1.0)) is None


@pytest.mark.parametrize("seed", [8, 14, 30], ids=["8", "14", "30"])
def test_a_rendered_fall_is_found_and_nothing_else(seed: int) -> None:
    """On a rendered front with its disturbances the fall is found at its time, on its way, once."""
    _, truth = scene_truth(seed)
    assert truth.floor is not None
    found, _ = falls_in(seed)
    assert [is_it(fall, truth) for fall in found] == [True]


@pytest.mark.parametrize("seed", [3, 5, 13])
def test_disturbances_alone_are_silent(seed: int) -> None:
    """Rendered leaves, rain, laundry, birds, clouds and headlights without a fall raise nothing."""
    _, truth = scene_truth(seed)
    assert truth.floor is None
    assert falls_in(seed)[0] == []


def camera(config: Config) -> CameraConfig:
    """An upward camera of 640 x 480, its whole picture a zone, with a front of four columns."""
    body = config.cameras[0].model_dump(mode="json", exclude={"zones", "pose", "lens"})
    corners = [[200, 60], [440, 60], [560, 470], [80, 470]]
    zone = {"id": "front", "hazard": "falling-object", "polygon_px": [[0, 0], [640, 0], [640, 480], [0, 480]],
            "facade": {"corners_px": corners, "floors": 6, "columns": 4}}  # fmt: skip
    return CameraConfig.model_validate(
        {**body, "lens": {"width_px": 640, "height_px": 480, "hfov_deg": 60}, "zones": [zone]}
    )


def falling_ball(n: int, begins: int, x: int) -> Image:
    """Frame `n` at 25 a second: a dark ball let go at (x, 80) in frame `begins`."""
    image = np.full((480, 640, 3), 150, np.uint8)
    cv2.randn(image, np.full(3, 150.0), np.full(3, 1.5))
    t = (n - begins) / 25
    if t >= 0:
        cv2.circle(image, (x, round(80 + 0.5 * 700 * t * t)), 6, (40, 40, 40), -1)
    return image


def judged(config: Config, falls: list[tuple[int, int]], count: int) -> list[tuple[int, Finding]]:
    """(frame, finding) of the real pipeline over `count` frames with balls let go at (frame, x)."""
    cv2.setRNGSeed(4)
    pipeline = Pipeline(Watcher.of(config, camera(config)), {"street": ScriptedDetector(lambda _: [])})
    memory: CameraMemory = {}
    found: list[tuple[int, Finding]] = []
    for n in range(count):
        now = [f for f in falls if f[0] <= n < f[0] + 40] or [(10_000, 0)]
        frame = Frame("gate", START + timedelta(seconds=n / 25), falling_ball(n, *now[0]))
        memory, findings = pipeline.judge(frame, memory)
        found += [(n, finding) for finding in findings]
    return found


def test_each_fall_is_one_alert_with_its_column_and_its_picture(config: Config) -> None:
    """Two balls let go from different columns are two alerts, soon after they land, each with column, floor, no network and a picture that shows the way."""
    found = judged(config, [(40, 250), (100, 400)], 170)
    alerts = [(n, f.data, f) for n, f in found if isinstance(f.data, AlertRaised)]
    assert [(round(a.measurement["column"]), round(a.measurement["floor"])) for _, a, _ in alerts] == [
        (1, 6),
        (4, 6),
    ] or [round(a.measurement["column"]) for _, a, _ in alerts] == [1, 4]
    for (n, alert, finding), begins in zip(alerts, (40, 100), strict=True):
        assert alert.hazard is Hazard.FALLING_OBJECT
        assert alert.model is None
        assert begins + 26 < n < begins + 60
        assert finding.files[1].ref.role == "marked"
        marked = cv2.imdecode(np.frombuffer(finding.files[1].content, np.uint8), cv2.IMREAD_COLOR)
        assert marked is not None
        x = 250 if begins == 40 else 400
        assert (marked[100:400, x - 8 : x + 8].max(axis=2) < 90).sum() > 300, "the thing at several places of its way"


def test_a_fall_across_a_gap_is_not_made_up() -> None:
    """After a gap in the frames nothing is linked across it."""
    watch, on = Watch(), np.ones((480, 640), np.uint8)
    found: list[Fall] = []
    for n in range(120):
        at_s = n / 25 + (2.0 if n > 55 else 0.0)
        grey = cv2.cvtColor(falling_ball(n, 46, 300), cv2.COLOR_BGR2GRAY)
        found += watch.step(np.asarray(grey, np.uint8), at_s, on)
    assert all(fall.points[0][0] > 2.0 + 55 / 25 for fall in found)


def test_scenes_are_the_same_every_time() -> None:
    """A seed gives the same truth and the same first frame, so that a number can be checked."""
    assert scene_truth(8)[1] == scene_truth(8)[1]
    firsts = []
    for _ in range(2):
        cv2.setRNGSeed(8)
        firsts.append(next(frames(8))[1])
    np.testing.assert_array_equal(firsts[0], firsts[1])
