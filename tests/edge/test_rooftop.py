"""Rooftop violations: pictures that fit, what is built and what only looks like it, and what is kept over the months."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely

from patrol.config import Config, load
from patrol.config.shape import DroneCamera
from patrol.config.zones import RoofZone
from patrol.events import AlertEnded, AlertRaised, Hazard
from patrol.geo import Camera, EastNorth, Pose, PoseSigma
from patrol_edge.frame import Detections, Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher
from patrol_edge.roof_network import roofs_of
from patrol_edge.roof_shelf import RoofShelf
from patrol_edge.rules.rooftop import SAID, Roofs, rooftop_rule
from patrol_edge.rules.rooftop_height import Look, height_of
from patrol_edge.rules.rooftop_judgement import Judgement, judged
from patrol_edge.rules.rooftop_plane import GSD_M, Raster, Refusal, RoofPicture, parallax_px, seen_roof
from patrol_edge.rules.rooftop_registration import register
from patrol_edge.rules.sighting import Memory, Sighting, View
from tests.edge.conftest import ROOT, START
from tests.edge.roof_photos import BLUE, FOOTPRINT, LENS, ROOF, ROOF_M, SHED, above, built, painted, photo, shaded, told
from tests.edge.test_watch import patrol_edge

PLAIN = painted()
ZONE = RoofZone(
    id="roof-b7", hazard="rooftop-violation", polygon_px=((0, 0), (1, 0), (1, 1)), height_m=ROOF_M, building="b7"
)
MONTH = timedelta(days=30)


def look(
    shelf: RoofShelf, texture: np.ndarray, pose: Pose, now: datetime, memory: Memory | None = None, *, told_at: Camera | None = None,
    gain: float = 1.0, permitted: tuple[shapely.Polygon, ...] = (),
) -> list[Sighting]:  # fmt: skip
    """One look of the rule at the painted roof from a pose."""
    camera = told_at or Camera(LENS, pose)
    view = View(ZONE.id, FOOTPRINT, camera, PoseSigma(1.5, 1.5, 2, 1), ROOF_M)
    rule = rooftop_rule(view, ZONE, replace(ROOF, permitted=permitted), Roofs(shelf))
    frame = Frame("falcon", now, photo(texture, pose, gain, seed=int(now.timestamp()) % 1000), pose=pose)
    return rule(frame, Detections.none(), memory or Memory(), now)


def test_two_poses_errors_are_taken_out() -> None:
    """Poses off by metres and degrees, another gain and a neighbour's shadow: the pictures still fit to a decimetre."""
    first, second = above(20), above(200, off_m=8, way_deg=70)
    told_first, told_second = told(first, 1.2, -0.8, 1.5), told(second, -1.0, 1.1, -2.0)
    before = seen_roof(photo(PLAIN, first), told_first, ROOF)
    after = seen_roof(photo(shaded(PLAIN), second, 0.8, 1), told_second, ROOF)
    assert isinstance(before, RoofPicture)
    assert isinstance(after, RoofPicture)
    raster = Raster.of(ROOF)
    fit = register(before, after, raster.mask(FOOTPRINT), parallax_px(ROOF, told_first, told_second))
    assert fit is not None
    points = np.array([(x, y) for x in (-8.0, 0.0, 8.0) for y in (-6.0, 6.0)])
    world = np.column_stack([points, np.full(len(points), ROOF_M)])
    old = raster.to_pixels(told_first.to_plane(Camera(LENS, first).project(world), ROOF_M))
    new = raster.to_pixels(told_second.to_plane(Camera(LENS, second).project(world), ROOF_M))
    assert np.linalg.norm(old @ fit.matrix[:, :2].T + fit.matrix[:, 2] - new, axis=1).max() * GSD_M < 0.15
    assert fit.shift_m > 1.0


def test_another_roof_does_not_fit() -> None:
    """A picture of another roof is refused, not forced over the baseline."""
    camera = Camera(LENS, above())
    turn = cv2.getRotationMatrix2D((640, 640), 40, 1.0)
    other = np.asarray(cv2.warpAffine(painted(2), turn, (1280, 1280), borderMode=cv2.BORDER_REFLECT), np.float32)
    before, after = (seen_roof(photo(texture, above()), camera, ROOF) for texture in (PLAIN, other))
    assert isinstance(before, RoofPicture)
    assert isinstance(after, RoofPicture)
    assert register(before, after, Raster.of(ROOF).mask(FOOTPRINT)) is None


def test_a_shed_is_found_measured_and_stays_the_same_place(tmp_path: Path) -> None:
    """A shed is seen from any side, months later too, as the same place; its area within a third; the baseline stays without it."""
    shelf = RoofShelf(tmp_path)
    assert look(shelf, PLAIN, above(), START) == []
    for n, pose in enumerate((above(40), above(200, 9, 60), above(310, 12, 250))):
        at = START + (n + 1) * MONTH
        found = look(shelf, built(PLAIN), pose, at, told_at=told(pose, 1.1, -0.9, 1.0), gain=0.85)
        assert len(found) == 1
        assert found[0].hazard is Hazard.ROOFTOP_VIOLATION
        assert found[0].place == "b7"
        assert 14 <= found[0].measurement["area_m2"] <= 27
        assert found[0].measurement["baseline_age_days"] == pytest.approx(30 * (n + 1))
        corners = np.column_stack([np.array(SHED.exterior.coords)[:-1], np.full(4, ROOF_M)])
        seen = Camera(LENS, pose).project(corners)
        truth = shapely.box(*seen.min(axis=0), *seen.max(axis=0))
        box = shapely.box(*found[0].box_px)
        assert box.intersection(truth).area > 0.5 * box.union(truth).area
        assert found[0].picture is not None
        assert found[0].picture.shape == (LENS.height_px, LENS.width_px, 3)
    baseline = RoofShelf(tmp_path).baseline("b7")
    assert baseline is not None
    assert baseline.taken_at == START


@pytest.mark.parametrize(
    ("texture", "gain"),
    [(PLAIN, 1.0), (PLAIN, 0.55), (shaded(PLAIN), 1.0), (built(PLAIN, shapely.box(2, 0, 3.2, 1.1), BLUE), 1.0)],
    ids=["as it was", "darker day", "shade and wet", "a tank"],
)
def test_light_and_small_things_are_no_structure(tmp_path: Path, texture: np.ndarray, gain: float) -> None:
    """Another day's light, a neighbour's shadow with a wet patch, and something of a square metre raise nothing."""
    shelf = RoofShelf(tmp_path)
    look(shelf, PLAIN, above(), START)
    memory = Memory()
    assert look(shelf, texture, above(120, 7, 30), START + MONTH, memory, gain=gain) == []
    assert not memory.unjudged


def test_permitted_structures_are_silent_and_what_grows_out_of_them_is_not(tmp_path: Path) -> None:
    """What lies in a permitted outline never alerts; a shed twice as long as permitted does, for the part that is too much."""
    shelf = RoofShelf(tmp_path)
    look(shelf, PLAIN, above(), START)
    assert look(shelf, built(PLAIN), above(30), START + MONTH, permitted=(SHED,)) == []
    long = built(PLAIN, shapely.box(-4, -1.5, 6, 2.5))
    found = look(shelf, long, above(30), START + MONTH, permitted=(SHED,))
    assert len(found) == 1
    assert found[0].measurement["area_m2"] < 24


@pytest.mark.parametrize(
    ("camera", "reason"),
    [
        (None, Refusal.NO_POSE),
        (Camera(LENS, above(up_m=18)), Refusal.TOO_LOW),
        (Camera(LENS, above(up_m=250)), Refusal.TOO_HIGH),
        (Camera(LENS, above(off_m=45, way_deg=180, pitch_deg=-45)), Refusal.TOO_OBLIQUE),
        (Camera(LENS, above(off_m=30, way_deg=90)), Refusal.CUT),
    ],
)
def test_what_cannot_be_judged_says_why(camera: Camera | None, reason: Refusal) -> None:
    """Without a pose, too low, too high, too oblique, or cut by the edge: no finding, and the reason in both languages."""
    image = photo(built(PLAIN), above())
    assert judged(image, camera, ROOF, None, None, 4.0) == Judgement(reason)
    assert reason.value.en
    assert reason.value.zh


def test_the_dark_and_the_unknown_are_refused(tmp_path: Path) -> None:
    """By night, and on a first picture without a network, the look does not count and the memory tells the reason."""
    memory = Memory()
    look(RoofShelf(tmp_path), PLAIN, above(), START, memory)
    assert (memory.unjudged, memory.kept[SAID]) == (True, Refusal.UNSURE.value.en)
    look(RoofShelf(tmp_path), PLAIN, above(), START + MONTH, memory, gain=0.05)
    assert (memory.unjudged, memory.kept[SAID]) == (True, Refusal.TOO_DARK.value.en)


def test_an_unchanged_roof_renews_its_baseline_but_not_within_a_flight(tmp_path: Path) -> None:
    """The next picture of a flight changes nothing; next month's picture of the same roof takes the baseline's place."""
    shelf = RoofShelf(tmp_path)
    for at in (START, START + timedelta(minutes=5)):
        look(shelf, PLAIN, above(), at)
    first = shelf.baseline("b7")
    assert first is not None
    assert first.taken_at == START
    look(shelf, PLAIN, above(90), START + MONTH)
    second = shelf.baseline("b7")
    assert second is not None
    assert second.taken_at == START + MONTH


def test_a_person_may_accept_what_was_built(tmp_path: Path) -> None:
    """Accepted with the command, the newest picture becomes the baseline, of a running box too, and the shed is silent; only once."""
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    box = load(config).boxes[0]
    asked = ["--config", str(config), "accept-roof", "b7", "--box", box.id]
    shelf = RoofShelf(tmp_path / box.state_dir / "roofs")
    look(shelf, PLAIN, above(), START)
    refused = patrol_edge(*asked)
    assert refused.returncode == 2
    assert "b7" in refused.stderr
    assert look(shelf, built(PLAIN), above(30), START + MONTH)
    assert patrol_edge(*asked).returncode == 0
    assert look(shelf, built(PLAIN), above(200), START + 2 * MONTH) == []
    assert not shelf.accept("b7")


def test_a_damaged_baseline_is_none(tmp_path: Path) -> None:
    """A cut picture, a wrong one and an unreadable entry are no baseline, and nothing breaks."""
    look(RoofShelf(tmp_path), PLAIN, above(), START)
    picture, entry = next(tmp_path.glob("*.png")), tmp_path / "b7.json"
    whole, index = picture.read_bytes(), entry.read_text(encoding="utf-8")
    for content, text in ((whole[: len(whole) // 2], index), (b"", index), (whole, index[:40]), (whole, "[]")):
        picture.write_bytes(content)
        entry.write_text(text, encoding="utf-8")
        assert RoofShelf(tmp_path).baseline("b7") is None
    picture.write_bytes(whole)
    entry.write_text(index, encoding="utf-8")
    assert RoofShelf(tmp_path).baseline("b7") is not None


def test_height_follows_from_two_looks() -> None:
    """A top that moves over the roof between two looks by what its height makes it move is measured within half a metre."""
    high_m, above_m = 3.0, 50.0
    roof = replace(ROOF, height_m=ROOF_M)
    raster = Raster.of(roof)
    dice = np.random.default_rng(5)
    fits = []
    poses = [above(off_m=6, way_deg=270, up_m=ROOF_M + above_m), above(off_m=6, way_deg=90, up_m=ROOF_M + above_m)]
    ground = np.asarray(dice.integers(90, 110, (raster.height_px, raster.width_px, 3)), np.uint8)
    top = cv2.GaussianBlur(dice.integers(0, 255, (30, 38, 3), dtype=np.uint8), (0, 0), 2.0)
    for pose in poses:
        shift_px = high_m / (above_m - high_m) * -pose.east_m / GSD_M
        image = ground.copy()
        x = round(70 + shift_px)
        image[60:90, x : x + 38] = top
        picture = RoofPicture(image, np.ones(image.shape[:2], bool))
        fit = register(picture, picture, raster.mask(FOOTPRINT))
        assert fit is not None
        fits.append(Look(Camera(LENS, pose), replace(fit, picture=picture)))
    ring = shapely.box(75, 60, 115, 90)
    measured = height_of(fits[0], fits[1], ring, roof)
    assert measured == pytest.approx(high_m, abs=0.6)
    assert height_of(fits[0], fits[0], ring, roof) is None


def flown(config: Config, tmp_path: Path, roofs: Roofs | None = None) -> Pipeline:
    """The pipeline of a drone over a district with one watched roof; a box of its own."""
    corners = [config.frame.to_wgs84(EastNorth(x, y)) for x, y in list(FOOTPRINT.exterior.coords)[:-1]]
    ring = [[p.lon_deg, p.lat_deg] for p in corners]
    live = {
        "box": config.boxes[0].id,
        "source": "http://127.0.0.1:9/x",
        "lens": {"width_px": 600, "height_px": 450, "hfov_deg": 62},
    }
    building = type(config.buildings[0]).model_validate({"id": "b7", "footprint": ring, "height_m": ROOF_M, "roof": {}})
    drone = config.drones[0].model_copy(update={"camera": DroneCamera.model_validate(live)})
    district = config.model_copy(
        update={"buildings": (building,), "fire_lanes": (), "ponding_points": (), "drones": (drone,)}
    )
    watcher = Watcher.of_drone(district, drone)
    view = watcher.aerial
    assert view is not None
    places = tuple(p for p in view.map.places if p.roof is not None)
    only = replace(watcher, aerial=replace(view, map=replace(view.map, places=places)))
    return Pipeline(only, {}, roofs=roofs or Roofs(RoofShelf(tmp_path)))


def test_a_flight_raises_one_alert_and_looks_that_show_nothing_do_not_end_it(config: Config, tmp_path: Path) -> None:
    """Through the real pipeline: one alert with its pair of pictures; dark frames do not end it; the roof taken down does."""
    pipeline, memory = flown(config, tmp_path), CameraMemory()
    said: list[AlertRaised | AlertEnded] = []

    def fly(at: datetime, texture: np.ndarray, seconds: int, gain: float = 1.0) -> None:
        nonlocal memory
        for second in range(0, seconds, 2):
            pose = above(30, second / 3, 90)
            frame = Frame("falcon", at + timedelta(seconds=second), photo(texture, pose, gain, second), pose=pose)
            memory, findings = pipeline.judge(frame, memory)
            said.extend(f.data for f in findings)

    fly(START, PLAIN, 4)
    fly(START + MONTH, built(PLAIN), 6)
    fly(START + 2 * MONTH, built(PLAIN), 14, gain=0.04)
    fly(START + 2 * MONTH + timedelta(hours=1), built(PLAIN), 4)
    assert [type(s) for s in said] == [AlertRaised]
    alert = said[0]
    assert isinstance(alert, AlertRaised)
    assert alert.place == "b7"
    assert alert.position is not None
    assert {ref.role for ref in alert.evidence} == {"frame", "marked"}
    fly(START + 3 * MONTH, PLAIN, 16)
    assert [type(s) for s in said] == [AlertRaised, AlertEnded]


def test_the_network_is_asked_where_it_is_registered(tmp_path: Path) -> None:
    """Where roofs are watched the registered network is opened and answers for a pair of any size; else, or where none is registered, the cues stand alone."""
    shelf = RoofShelf(tmp_path)
    assert roofs_of(shelf, ROOT / "models", watched=False) == Roofs(shelf)
    (tmp_path / "registry.yaml").write_text("models: {}\n", encoding="utf-8")
    assert roofs_of(shelf, tmp_path, watched=True) == Roofs(shelf)
    roofs = roofs_of(shelf, ROOT / "models", watched=True)
    assert roofs.network is not None
    assert roofs.ref is not None
    camera = Camera(LENS, above())
    before, after = (seen_roof(photo(texture, above()), camera, ROOF) for texture in (PLAIN, built(PLAIN)))
    assert isinstance(before, RoofPicture)
    assert isinstance(after, RoofPicture)
    said = roofs.network(before.image, after.image)
    assert said.shape == before.image.shape[:2]
    shed = Raster.of(ROOF).mask(SHED)
    assert said[shed].mean() > 4 * said[Raster.of(ROOF).mask(FOOTPRINT) & ~shed].mean()
