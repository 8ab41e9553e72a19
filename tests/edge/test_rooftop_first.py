"""The first visit to a roof: one picture, no baseline, and a network that was trained on single pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely

from patrol.config import Config
from patrol.config.zones import RoofZone
from patrol.events import AlertEnded, AlertRaised, ModelRef
from patrol.geo import Camera, Pose, PoseSigma
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.pipeline import CameraMemory, Pipeline
from patrol_edge.roof_network import roofs_of
from patrol_edge.roof_shelf import RoofShelf
from patrol_edge.rules.rooftop import Roofs, rooftop_rule
from patrol_edge.rules.rooftop_first import MOST_ASKED, SIDE_PX, SingleNetwork, first_found
from patrol_edge.rules.sighting import Memory, Sighting, View
from tests.edge.conftest import ROOT, START
from tests.edge.roof_photos import FOOTPRINT, LENS, ROOF, ROOF_M, SHED, above, built, painted, photo
from tests.edge.test_rooftop import MONTH, ZONE, flown

PLAIN = painted()
REF = ModelRef(name="roof", version="1", sha256="0" * 64)


def blue(image: Image) -> Detections:
    """A network that knows one kind of structure, those of blue sheet, and is as sure of each as 0.8."""
    mask = (image[..., 0].astype(int) - image[..., 2] > 60).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:count] if area > 100]
    rows = len(boxes)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(rows, 0.8, np.float32), np.zeros(rows, np.int64), ("structure",))  # fmt: skip


def look(
    folder: Path, texture: np.ndarray, pose: Pose, now: datetime, find: Callable[[Image], Detections] = blue,
    zone: RoofZone = ZONE, permitted: tuple[shapely.Polygon, ...] = (),
) -> list[Sighting]:  # fmt: skip
    """One look of the rule, its shelf opened anew."""
    view = View(zone.id, FOOTPRINT, Camera(LENS, pose), PoseSigma(1.5, 1.5, 2, 1), ROOF_M)
    roofs = Roofs(RoofShelf(folder), single=SingleNetwork(find, REF))
    frame = Frame("falcon", now, photo(texture, pose, seed=int(now.timestamp()) % 1000), pose=pose)
    return rooftop_rule(view, zone, replace(ROOF, permitted=permitted), roofs)(frame, Detections.none(), Memory(), now)


def test_a_structure_on_the_first_picture_is_named_with_its_network_and_stays(tmp_path: Path) -> None:
    """The first picture's find says which network, its own threshold and that there was no baseline; two looks bear it out for months."""
    first = look(tmp_path, built(PLAIN), above(), START)
    assert [(s.place, s.model, s.threshold) for s in first] == [("b7", REF, ZONE.first_confidence)]
    assert first[0].label == "structure on a roof without a baseline"
    assert first[0].measurement["area_m2"] == pytest.approx(SHED.area, rel=0.15)
    assert look(tmp_path, built(PLAIN), above(30), START + timedelta(seconds=2))[0].model == REF
    months_later = look(tmp_path, built(PLAIN), above(70), START + MONTH, lambda _: Detections.none(("structure",)))
    assert [s.place for s in months_later] == ["b7"]
    assert look(tmp_path, PLAIN, above(70), START + 2 * MONTH) == []


def test_what_no_second_look_finds_is_no_vote_and_is_forgotten(tmp_path: Path) -> None:
    """A find of one picture alone votes once; after enough looks without it the roof has an ordinary baseline."""
    nothing = Detections.none(("structure",))
    assert len(look(tmp_path, built(PLAIN), above(), START)) == 1
    for n in range(1, MOST_ASKED):
        assert look(tmp_path, built(PLAIN), above(10 * n), START + timedelta(seconds=2 * n), lambda _: nothing) == []
    baseline = RoofShelf(tmp_path).baseline("b7")
    assert baseline is not None
    assert baseline.known == ()
    assert look(tmp_path, built(PLAIN), above(80), START + timedelta(seconds=60)) == []


def test_permitted_structures_and_zones_that_want_no_first_visit_are_silent(tmp_path: Path) -> None:
    """What is permitted raises nothing on the first picture either; where the first visit is turned off the look does not count."""
    assert look(tmp_path / "a", built(PLAIN), above(), START, permitted=(SHED,)) == []
    off = ZONE.model_copy(update={"first_visit": False})
    assert look(tmp_path / "b", built(PLAIN), above(), START, zone=off) == []
    surer = ZONE.model_copy(update={"first_confidence": 0.9})
    assert look(tmp_path / "c", built(PLAIN), above(), START, zone=surer) == []


def test_baselines_of_older_programs_keep_what_was_reported(tmp_path: Path) -> None:
    """An entry written before candidates were counted is read as borne out: its structure still stands."""
    look(tmp_path, built(PLAIN), above(), START)
    entry = tmp_path / "b7.json"
    body = json.loads(entry.read_text(encoding="utf-8"))
    assert body.pop("looks") == [[1, 1]]
    entry.write_text(json.dumps(body), encoding="utf-8")
    again = look(tmp_path, built(PLAIN), above(40), START + MONTH, lambda _: Detections.none(("structure",)))
    assert [s.place for s in again] == ["b7"]


def test_a_roof_larger_than_the_networks_picture_is_shown_to_it_in_parts() -> None:
    """Every part of a long roof is shown at the network's scale, and what two parts show is one structure."""
    long_roof = replace(ROOF, footprint=shapely.box(-60, -7, 60, 7))
    camera = Camera(LENS, above(up_m=150))
    asked: list[tuple[int, ...]] = []
    mark = np.full((450, 600, 3), 100, np.uint8)
    spots = camera.project(np.array([[x, 0.0, ROOF_M] for x in (-45.0, 0.0, 45.0)]))
    for x, y in spots:
        cv2.rectangle(mark, (int(x) - 6, int(y) - 6), (int(x) + 6, int(y) + 6), (220, 60, 60), -1)

    def find(image: Image) -> Detections:
        asked.append(image.shape)
        return blue(image)

    found = first_found(mark, camera, long_roof, SingleNetwork(find, REF), 0.3, 4.0)
    assert len(found) == 3
    assert set(asked) == {(SIDE_PX, SIDE_PX, 3)}
    assert len(asked) > 1


def test_first_visit_and_later_change_are_one_incident(config: Config, tmp_path: Path) -> None:
    """Through the pipeline: the first visit alerts with its network, and what is built months later is the same place, no second alert."""
    pipeline = flown(config, tmp_path, Roofs(RoofShelf(tmp_path), single=SingleNetwork(blue, REF)))
    memory, said = CameraMemory(), list[AlertRaised | AlertEnded]()

    def fly(at: datetime, texture: np.ndarray) -> None:
        nonlocal memory
        for second in range(0, 6, 2):
            pose = above(30, second / 3, 90)
            frame = Frame("falcon", at + timedelta(seconds=second), photo(texture, pose, 1.0, second), pose=pose)
            memory, findings = pipeline.judge(frame, memory)
            said.extend(f.data for f in findings)

    fly(START, built(PLAIN))
    fly(START + MONTH, built(built(PLAIN), shapely.box(-7, -5, -2, -1), (60, 60, 170)))
    assert [type(s) for s in said] == [AlertRaised]
    alert = said[0]
    assert isinstance(alert, AlertRaised)
    assert (alert.place, alert.model, alert.explanation.threshold) == ("b7", REF, ZONE.first_confidence)
    assert {ref.role for ref in alert.evidence} == {"frame", "marked"}


def test_the_registered_network_is_shown_a_roof(tmp_path: Path) -> None:
    """The registered network for single pictures opens, answers for a roof's map, and every find lies on the roof."""
    single = roofs_of(RoofShelf(tmp_path), ROOT / "models", watched=True).single
    assert single is not None
    assert single.ref.name == "roof"
    camera = Camera(LENS, above())
    found = first_found(photo(built(PLAIN), above()), camera, ROOF, single, 0.1, 4.0)
    assert all(0.1 <= f.confidence <= 1 and f.area_m2 >= 4.0 for f in found)


def test_pipelines_without_roof_networks_still_take_baselines(config: Config, tmp_path: Path) -> None:
    """Without any network the first picture is a baseline nobody judged: no alert, no vote."""
    pipeline: Pipeline = flown(config, tmp_path)
    pose = above()
    _, findings = pipeline.judge(Frame("falcon", START, photo(built(PLAIN), pose), pose=pose), CameraMemory())
    assert findings == []
    assert RoofShelf(tmp_path).baseline("b7") is not None
