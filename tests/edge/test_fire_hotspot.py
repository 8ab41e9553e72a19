"""Fire hotspots: what alerts and what is only hot, where, how large; and the command that lists them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.thermal_scenes import BEGINS_S, alerts_in, is_it, pictures, pixels_of, thermal_scene
from patrol.config import Config
from patrol.config.shape import CameraConfig
from patrol.events import AlertRaised, Hazard
from patrol.geo import LatLon
from patrol_edge.evidence import degrees_of
from patrol_edge.frame import Frame
from patrol_edge.persistence import ZoneMemory
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher, read_memory, write_memory
from patrol_edge.rules.hotspots import HotKind, Thresholds, find, ground_area
from patrol_edge.thermal.picture import painted
from patrol_edge.thermal.radiometry import celsius_of, glow
from tests.edge.conftest import START, ScriptedDetector
from tests.edge.test_watch import patrol_edge

SIZE = (320, 256)
Degrees = NDArray[np.float32]


def scene(*things: tuple[int, int, int, float], ground_c: float = 20) -> Degrees:
    """A district by night: things are (x, y, radius_px, °C), softened as a lens does."""
    celsius = np.full((SIZE[1], SIZE[0]), ground_c, np.float32)
    for x, y, radius, hot_c in things:
        cv2.circle(celsius, (x, y), radius, hot_c, -1)
    noise = np.random.default_rng(3).normal(0, 0.1, celsius.shape)
    return (cv2.GaussianBlur(celsius, (3, 3), 0.6) + noise).astype(np.float32)


def camera(config: Config, **zone: object) -> CameraConfig:
    """A thermal camera 20 m up that looks down at 30 degrees, its whole picture one zone."""
    ring = [[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1]], [0, SIZE[1]]]
    body = config.cameras[0].model_dump(mode="json", exclude={"zones", "pose", "lens"})
    body["pose"] = {"at": [114.0579, 22.5431], "height_m": 20, "yaw_deg": 0, "pitch_deg": -30}
    body["lens"] = {"width_px": SIZE[0], "height_px": SIZE[1], "hfov_deg": 45}
    body |= {"thermal": {}, "zones": [{"id": "yard", "hazard": "fire-hotspot", "polygon_px": ring, **zone}]}
    return CameraConfig.model_validate(body)


def judge(
    config: Config, looks: Sequence[tuple[float, Degrees | None]], memory: CameraMemory | None = None, **zone: object
) -> tuple[CameraMemory, list[AlertRaised]]:
    """(second, degrees) looks in a row through the real pipeline; degrees of None give a picture with a bright square only."""
    detector = ScriptedDetector(lambda _: [("person", 0.9, (0, 0, 50, 50))])
    pipeline = Pipeline(Watcher.of(config, camera(config, **zone)), {"street": detector})
    memory, alerts = memory or {}, []
    for second, celsius in looks:
        image = painted(scene()) if celsius is None else painted(celsius)
        if celsius is None:
            image[100:120, 100:120] = 255
        memory, findings = pipeline.judge(Frame("gate", START + timedelta(seconds=second), image, celsius), memory)
        alerts += [f.data for f in findings if isinstance(f.data, AlertRaised)]
    assert detector.calls == 0, "a thermal camera needs no network"
    return memory, alerts


FIRE = scene((160, 150, 5, 400))


def test_a_fire_alerts_once_with_degrees_size_and_place(config: Config) -> None:
    """A fire that burns on alerts once: peak, surroundings, pixels, square metres, a place on the ground, no network, and its degrees as evidence."""
    _, alerts = judge(config, [(t, FIRE) for t in range(0, 40, 2)])
    assert len(alerts) == 1
    alert = alerts[0]
    assert alert.hazard is Hazard.FIRE_HOTSPOT
    assert alert.model is None
    assert alert.explanation.label == "fire"
    measured = alert.measurement
    assert 350 < measured["peak_c"] < 410
    assert measured["surroundings_c"] == pytest.approx(20, abs=1)
    assert measured["dwell_s"] >= 5
    view = camera(config).geo(config.frame)
    assert view is not None
    truth = view.to_plane([(160.0, 150.0)])[0]
    assert alert.position is not None
    at = config.frame.to_local(LatLon(alert.position.lat_deg, alert.position.lon_deg))
    assert np.hypot(at.east_m - truth[0], at.north_m - truth[1]) < 1.5
    assert [(e.media_type, e.role) for e in alert.evidence] == [
        ("image/jpeg", "frame"), ("image/jpeg", "marked"), ("image/tiff", "frame"),
    ]  # fmt: skip


@pytest.mark.parametrize(("pitch_deg", "radius_px"), [(-90, 4), (-60, 8), (-30, 12)])
def test_area_is_that_of_the_ground(config: Config, pitch_deg: float, radius_px: int) -> None:
    """The square metres of a region are those of its outline projected to the ground, from straight down to oblique."""
    view = camera(config).geo(config.frame)
    assert view is not None
    view = replace(view, pose=replace(view.pose, pitch_deg=pitch_deg))
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    outline = view.to_plane(np.stack([160 + radius_px * np.cos(angles), 128 + radius_px * np.sin(angles)], axis=1))
    x, y = outline[:, 0], outline[:, 1]
    truth_m2 = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    yy, xx = np.ogrid[: SIZE[1], : SIZE[0]]
    mask[(xx - 160) ** 2 + (yy - 128) ** 2 <= radius_px**2] = 1
    area = ground_area(view)(*np.nonzero(mask))
    assert area == pytest.approx(truth_m2, rel=0.12)
    assert ground_area(replace(view, pose=replace(view.pose, pitch_deg=20)))(*np.nonzero(mask)) is None


QUIET = {
    "night": scene(),
    "exhaust": scene((160, 150, 1, 140)),
    "two exhausts and a lamp": scene((60, 50, 1, 110), (160, 150, 1, 120), (250, 200, 1, 95)),
    "sun-heated roof": scene((160, 128, 60, 74), ground_c=38),
    "summer noon": scene((60, 50, 30, 68), (200, 150, 40, 71), ground_c=52),
    "one glowing pixel": np.where(
        np.arange(SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0]) == 9000, np.float32(700), scene()
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_hot_but_no_fire_stays_silent(config: Config, name: str) -> None:
    """Exhausts, lamps, roofs and asphalt in the sun, a defective pixel: hours of them raise nothing."""
    assert judge(config, [(t, QUIET[name]) for t in range(0, 120, 2)])[1] == []


def test_hot_things_are_named() -> None:
    """Each hot thing of one scene is called what it is."""
    celsius = scene((50, 50, 1, 110), (160, 60, 25, 85), (250, 180, 5, 350), (60, 200, 14, 130))
    cv2.line(celsius, (300, 20), (300, 36), 90, 2)
    spots = find(celsius, np.ones(celsius.shape, bool), Thresholds())
    kinds = [s.kind for s in spots]
    assert kinds.count(HotKind.FIRE) == 2, "the flame, and the patch above 100 °C that is larger than any exhaust"
    assert kinds.count(HotKind.HOT_POINT) == 1
    assert kinds.count(HotKind.HEATED_SURFACE) == 1
    assert kinds.count(HotKind.HOT_STRIP) == 1


@pytest.mark.parametrize(
    ("radius_px", "hot_c", "kind"), [(2, 250, HotKind.HOT_POINT), (2, 500, HotKind.FIRE), (9, 250, HotKind.FIRE)]
)
def test_the_mouth_of_a_flue_is_no_fire_where_its_size_is_known(
    config: Config, radius_px: int, hot_c: float, kind: HotKind
) -> None:
    """With a pose, a spot as small as an exhaust and no hotter than one is a hot point; as hot as a flame or larger it is a fire."""
    view = camera(config).geo(config.frame)
    assert view is not None
    celsius, everywhere = scene((160, 180, radius_px, hot_c)), np.ones((SIZE[1], SIZE[0]), np.bool_)
    (spot,) = find(celsius, everywhere, Thresholds(), ground_area(view))
    assert spot.kind is kind
    (unplaced,) = find(celsius, everywhere, Thresholds())
    assert unplaced.kind is HotKind.FIRE


def test_a_hot_point_that_grows_is_a_fire_and_its_first_size_survives_a_restart(config: Config) -> None:
    """A point at 120 °C that grows to many times its size alerts although it never reaches 150 °C, also when the box was restarted in between; one that stays small does not."""
    small, large = scene((160, 150, 0, 220)), scene((160, 150, 2, 135))
    memory, early = judge(config, [(t, small) for t in range(0, 20, 2)])
    again = read_memory(write_memory(memory))
    assert again == memory
    _, alerts = judge(config, [(t, large) for t in range(20, 40, 2)], memory=again)
    assert early == []
    assert len(alerts) == 1
    assert judge(config, [(t, large) for t in range(20, 40, 2)])[1] == []


def test_heat_that_is_at_home_is_no_fire(config: Config) -> None:
    """A flue inside a known-hot polygon never alerts; the same heat beside it does."""
    known = [[[140, 130], [180, 130], [180, 170], [140, 170]]]
    assert judge(config, [(t, FIRE) for t in range(0, 30, 2)], known_hot_px=known)[1] == []
    elsewhere = scene((60, 150, 5, 400))
    assert len(judge(config, [(t, elsewhere) for t in range(0, 30, 2)], known_hot_px=known)[1]) == 1


def test_a_glint_in_the_look_that_alerts_gives_neither_place_nor_size(config: Config) -> None:
    """A fire burns on; a reflection hotter than it flashes elsewhere in the very look that alerts: place, degrees and size are the fire's."""
    glint = scene((160, 150, 5, 400), (60, 60, 7, 600))
    looks = [(float(t), glint if t == 6 else FIRE) for t in range(0, 20, 2)]
    _, (alert,) = judge(config, looks)
    _, (plain,) = judge(config, [(float(t), FIRE) for t in range(0, 20, 2)])
    assert alert.explanation.last_seen_at == START + timedelta(seconds=6)
    assert alert.region.x_min_px > 140
    assert alert.measurement == plain.measurement
    assert alert.position == plain.position


def test_glints_at_many_places_are_no_fire(config: Config) -> None:
    """A reflection that flashes at another place in every look never alerts: no place has the votes."""
    places = np.random.default_rng(1).permutation([(x, y) for x in range(20, 310, 45) for y in range(20, 240, 45)])
    looks = [(2.0 * n, scene((int(x), int(y), 4, 400))) for n, (x, y) in enumerate(places[:25])]
    assert judge(config, looks)[1] == []


@pytest.mark.parametrize(("radius_px", "hot_c", "around_c"), [(2.5, 900, 15), (4, 250, 30), (8, 600, 30), (6, 400, 85)])
def test_a_fires_square_metres_are_its_own_through_a_soft_lens(
    config: Config, radius_px: float, hot_c: float, around_c: float
) -> None:
    """What a lens smears and the hot roof around a fire are not burning: the area is the fire's within a fifth, and inside its interval."""
    view = camera(config).geo(config.frame)
    assert view is not None
    y, x = np.mgrid[0 : SIZE[1] * 8, 0 : SIZE[0] * 8] / 8
    inside = (x - 160.3) ** 2 + (y - 150.2) ** 2 <= radius_px**2
    fine = cv2.GaussianBlur(np.where(inside, glow(hot_c), glow(around_c)), (0, 0), 8 * 0.6)
    celsius = celsius_of(np.asarray(cv2.resize(fine, SIZE, interpolation=cv2.INTER_AREA), np.float64))
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.array([159.8, 149.7]) + radius_px * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    truth_m2 = cv2.contourArea(view.to_plane(ring)[:, :2].astype(np.float32))
    spot = find(celsius, np.ones((SIZE[1], SIZE[0]), np.bool_), Thresholds(), ground_area(view))[0]
    assert spot.kind is HotKind.FIRE
    assert spot.area_m2 == pytest.approx(truth_m2, rel=0.2)
    assert spot.least_m2 is not None
    assert spot.most_m2 is not None
    assert spot.least_m2 <= truth_m2 <= spot.most_m2


def test_a_glint_does_not_last(config: Config) -> None:
    """Heat seen for one look of a minute, as a reflection that passes, is no fire."""
    looks = [(float(t), FIRE if t == 20 else scene()) for t in range(0, 60, 2)]
    assert judge(config, looks)[1] == []


def test_colours_alone_alert_only_when_asked_and_say_so(config: Config) -> None:
    """A picture without temperatures raises nothing unless the zone allows it; then the alert names no degree and says what it is."""
    looks: list[tuple[float, Degrees | None]] = [(t, None) for t in range(0, 30, 2)]
    assert judge(config, looks)[1] == []
    _, alerts = judge(config, looks, relative_alerts=True)
    assert len(alerts) == 1
    assert "without temperatures" in alerts[0].explanation.label
    assert "peak_c" not in alerts[0].measurement
    assert 0 < alerts[0].measurement["relative_contrast"] <= 1


def test_unreadable_kept_notes_are_forgotten_not_fatal(config: Config) -> None:
    """What an older or newer program kept under the same name does not stop the rule."""
    memory = {"yard": ZoneMemory(kept={"hot points": ["x", [1, 2], {"a": 1}]})}
    assert len(judge(config, [(t, FIRE) for t in range(0, 20, 2)], memory=memory)[1]) == 1


def test_missing_readings_are_no_heat(config: Config) -> None:
    """Dead lines of NaN across a fire leave it found, and NaN alone is nothing."""
    holed = FIRE.copy()
    holed[::7] = np.nan
    assert len(judge(config, [(t, holed) for t in range(0, 20, 2)])[1]) == 1
    assert degrees_of(Frame("gate", START, painted(holed), holed))[0].ref.media_type == "image/tiff"
    nothing = np.full_like(FIRE, np.nan)
    assert find(nothing, np.ones(FIRE.shape, bool), Thresholds()) == []
    assert painted(nothing).max() == 0


def test_the_command_lists_draws_and_goes_on_past_damage(tmp_path: Path) -> None:
    """`patrol-edge hotspots` says what is hot in each picture, draws it, names a damaged file with its remedy, and exits 2 for it."""
    cv2.imwrite(str(tmp_path / "fire.tiff"), FIRE)
    (tmp_path / "broken.tiff").write_bytes(b"II*\0 no")
    files = [str(tmp_path / "broken.tiff"), str(tmp_path / "fire.tiff")]
    run = patrol_edge("hotspots", *files, "--json", "--png", str(tmp_path / "png"))
    assert run.returncode == 2
    assert "broken.tiff" in run.stderr
    picture, summary = (json.loads(line) for line in run.stdout.splitlines())
    assert [spot["kind"] for spot in picture["spots"]] == ["fire"]
    assert summary == {"summary": True, "files": 2, "failed": 1, "fires": 1}
    drawn = cv2.imread(str(tmp_path / "png" / "fire.png"))
    assert drawn is not None
    assert drawn.shape == (SIZE[1], SIZE[0], 3)
    said = patrol_edge("hotspots", files[1], language="zh-CN").stdout
    assert "火情" in said
    assert "无法定位" in said


def test_made_scenes_hold_the_fire_that_they_say() -> None:
    """A made fire covers its true pixels in the picture; the large one alerts on its place, and what is only hot does not."""
    burning = next(s for s in range(0, 40, 2) if (f := thermal_scene(s).fire) is not None and f.area_m2[0] > 4)
    scene = thermal_scene(burning)
    assert scene.fire is not None
    _, size_px = pixels_of(scene.fire, scene.view, BEGINS_S)
    degrees = dict(pictures(burning))
    brightness = glow(degrees[BEGINS_S])
    assert int((brightness > brightness.max() / 2).sum()) == pytest.approx(size_px, rel=0.3)
    alerts = alerts_in(burning)
    assert [is_it(alert, scene, at_s) for at_s, alert in alerts] == [True]
    quiet = next(
        s for s in range(1, 40, 2) if "flues" in thermal_scene(s).kinds and "cars" not in thermal_scene(s).kinds
    )
    assert max(float(d.max()) for d in dict(pictures(quiet)).values()) > 60
    assert alerts_in(quiet) == []
