"""Flame and smoke: what flickers like a flame and never rests like smoke alerts, once; lamps, walls and people do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patrol.config import Config
from patrol.config.shape import CameraConfig
from patrol.events import AlertRaised, Hazard
from patrol.geo import Pose
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher, read_memory, write_memory
from patrol_edge.rules.burning import (
    LEAST_CHANGING,
    WORKING_PX,
    changing_share,
    flame_signs,
    glow,
    never_at_rest,
    working_picture,
)
from patrol_edge.rules.flame_smoke import LOOKS, MOST_LOOKS, STILL_SCORE
from patrol_edge.rules.sighting import Box, Memory
from patrol_edge.rules.table import zone_rules
from tests.edge.conftest import ROOT, START, ScriptedDetector

SIZE = (320, 180)
EVERYTHING = np.ones((SIZE[1], SIZE[0]), bool)
FIRE_BOX: Box = (140, 60, 180, 120)
SMOKE_BOX: Box = (100, 20, 220, 120)
Draw = Callable[[Image, float, np.random.Generator], None]
Say = Callable[[float], list[tuple[str, float, Box]]]


def yard(seed: int = 0) -> Image:
    """A textured grey-green yard."""
    dice = np.random.default_rng(seed)
    coarse = cv2.resize(dice.normal(0, 14, (9, 16, 3)), SIZE, interpolation=cv2.INTER_CUBIC)
    return np.clip(np.array([85, 100, 95]) + coarse + dice.normal(0, 6, (SIZE[1], SIZE[0], 3)), 0, 255).astype(np.uint8)


def clouds(dice: np.random.Generator, shape: tuple[int, int], grain: int) -> NDArray[np.float64]:
    """Smooth noise from 0 to 1."""
    rough = dice.random((max(2, shape[0] // grain), max(2, shape[1] // grain)))
    return np.clip(cv2.resize(rough, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), 0, 1)


def flame(image: Image, _: float, dice: np.random.Generator) -> None:
    """Tongues whose outline is another one at each look; its foot stays."""
    x0, y0, x1, y1 = (int(v) for v in FIRE_BOX)
    height = np.linspace(0.15, 1.1, y1 - y0)[:, None]
    burning = clouds(dice, (y1 - y0, x1 - x0), 8) < height * 0.75
    image[y0:y1, x0:x1][burning] = (40, 150, 245)


def lamp(image: Image, _: float, dice: np.random.Generator) -> None:
    """An orange lamp that burns steadily, with a sensor's noise."""
    cv2.circle(image, (160, 90), 12, tuple(int(v) for v in dice.normal((50, 140, 240), 4).clip(0, 255)), -1)


def blinker(image: Image, at_s: float, dice: np.random.Generator) -> None:
    """The same lamp, on and off."""
    if at_s % 1.0 < 0.5:
        lamp(image, at_s, dice)


def wigwag(image: Image, at_s: float, dice: np.random.Generator) -> None:
    """Two lamps that shine in turn, as at a level crossing."""
    middle = (150, 90) if at_s % 1.0 < 0.5 else (170, 90)
    cv2.circle(image, middle, 8, (40, 60, 250), -1)
    del dice


def tail_light(image: Image, at_s: float, dice: np.random.Generator) -> None:
    """A red light that drives through."""
    cv2.circle(image, (int(142 + 9 * at_s), 90), 6, (60, 80, 255), -1)
    del dice


def sunset(image: Image, at_s: float, dice: np.random.Generator) -> None:
    """A sky that glows and grows slowly brighter."""
    rows = np.linspace(0, 1, 60)[:, None, None]
    image[60:120] = np.clip(np.array([90, 140, 215]) + 30 * rows + at_s, 0, 255).astype(np.uint8)
    del dice


def plume(image: Image, _: float, dice: np.random.Generator) -> None:
    """Grey smoke before the yard, thicker here and there, elsewhere at each look."""
    x0, y0, x1, y1 = (int(v) for v in SMOKE_BOX)
    veil = clouds(dice, (y1 - y0, x1 - x0), 16)[..., None]
    part = image[y0:y1, x0:x1]
    part[:] = (part * (1 - veil) + 190 * veil).astype(np.uint8)


def walker(image: Image, at_s: float, _: np.random.Generator) -> None:
    """A person who crosses the picture."""
    left = int(95 + 20 * at_s)
    image[60:118, left : left + 14] = (40, 30, 35)


def fog(image: Image, _: float, __: np.random.Generator) -> None:
    """A standing veil: it hides, and does not change."""
    image[:] = (0.4 * image + 0.6 * 190).astype(np.uint8)


def gloom(image: Image, at_s: float, _: np.random.Generator) -> None:
    """The light as a whole goes up and down: exposure, clouds before the sun."""
    image[:] = np.clip(image * (1 + 0.3 * np.sin(2 * at_s)), 0, 255).astype(np.uint8)


def pictures(draw: Draw, seed: int = 1, looks: int = 14, every_s: float = 0.25) -> list[Image]:
    """Looks at something that happens in a yard, each with noise of its own."""
    dice, ground, found = np.random.default_rng(seed), yard(), []
    for n in range(looks):
        image = ground.copy()
        draw(image, n * every_s, dice)
        found.append(np.clip(image + dice.normal(0, 2, image.shape), 0, 255).astype(np.uint8))
    return found


def region(box: Box) -> tuple[int, int, int, int]:
    """A box as the working picture's region."""
    x0, y0, x1, y1 = (int(v) for v in box)
    return x0, y0, x1, y1


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_a_flame_shows_by_its_changing_outline_and_no_lamp_does(seed: int) -> None:
    """Whatever the seed: tongues of flame burn; a steady, a blinking, two alternating, a driving lamp and a sunset do not."""
    assert flame_signs(pictures(flame, seed), region(FIRE_BOX), EVERYTHING).burns
    for draw in (lamp, blinker, wigwag, tail_light, sunset):
        signs = flame_signs(pictures(draw, seed), region(FIRE_BOX), EVERYTHING)
        assert signs.glow_px > 0
        assert not signs.burns, (draw.__name__, signs)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_smoke_never_rests_and_all_else_does(seed: int) -> None:
    """Whatever the seed: a plume keeps its whole region changing; a wall, a walker, fog and changing light do not."""
    assert changing_share(never_at_rest(pictures(plume, seed)), region(SMOKE_BOX), EVERYTHING) >= LEAST_CHANGING
    for draw in (walker, fog, gloom):
        share = changing_share(never_at_rest(pictures(draw, seed)), region(SMOKE_BOX), EVERYTHING)
        assert share < LEAST_CHANGING / 2, (draw.__name__, share)


def test_only_what_is_red_and_bright_glows() -> None:
    """Flame colours glow; white paint, blue sky, a green sign and a dark red coat do not."""
    colours = {(40, 150, 245): True, (60, 80, 255): True, (250, 250, 250): False, (240, 180, 90): False,
               (60, 220, 80): False, (30, 30, 120): False}  # fmt: skip
    for colour, expected in colours.items():
        assert glow(np.full((2, 2, 3), colour, np.uint8)).all() == expected, colour


def camera(config: Config, **zone: object) -> CameraConfig:
    """A camera 8 m up that looks down at 20 degrees; its whole picture is one zone."""
    ring = [[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1]], [0, SIZE[1]]]
    body = config.cameras[0].model_dump(mode="json", exclude={"zones", "pose", "lens"})
    body["pose"] = {"at": [114.0579, 22.5431], "height_m": 8, "yaw_deg": 0, "pitch_deg": -20}
    body["lens"] = {"width_px": SIZE[0], "height_px": SIZE[1], "hfov_deg": 45}
    return CameraConfig.model_validate(
        {**body, "zones": [{"id": "yard", "hazard": "flame-smoke", "polygon_px": ring, **zone}]}
    )


class Saying(ScriptedDetector):
    """A scripted network of this rule's classes."""

    def detect(self, image: Image) -> Detections:
        """The script's objects."""
        del image
        objects = self._script(self.calls)
        self.calls += 1
        return said(objects)


def said(objects: Sequence[tuple[str, float, Box]]) -> Detections:
    """Detections of fire and smoke."""
    if not objects:
        return Detections.none(("fire", "smoke"))
    boxes, scores = np.array([o[2] for o in objects], np.float32), np.array([o[1] for o in objects], np.float32)
    return Detections(boxes, scores, np.array([o[0] == "smoke" for o in objects], np.int64), ("fire", "smoke"))


def judge(
    config: Config, images: Sequence[Image], objects: list[tuple[str, float, Box]], every_s: float = 0.25,
    memory: CameraMemory | None = None, begins_s: float = 0.0, **zone: object,
) -> tuple[CameraMemory, list[tuple[float, AlertRaised]]]:  # fmt: skip
    """Looks in a row through the real pipeline, with a network that says the same of each."""
    pipeline = Pipeline(Watcher.of(config, camera(config, **zone)), {"fire_smoke": Saying(lambda _: objects)})
    memory, alerts = memory or {}, []
    for n, image in enumerate(images):
        at_s = begins_s + n * every_s
        memory, findings = pipeline.judge(Frame("gate", START + timedelta(seconds=at_s), image), memory)
        alerts += [(at_s, f.data) for f in findings if isinstance(f.data, AlertRaised)]
    return memory, alerts


FIRE = [("fire", 0.4, FIRE_BOX)]
SMOKE = [("smoke", 0.5, SMOKE_BOX)]


def test_a_fire_alerts_once_with_what_was_measured(config: Config) -> None:
    """Flame and smoke that go on alert once, within five seconds, as one thing with both names, measures, place and network."""

    def both(image: Image, at_s: float, dice: np.random.Generator) -> None:
        plume(image, at_s, dice)
        flame(image, at_s, dice)

    _, alerts = judge(config, pictures(both, looks=60), FIRE + SMOKE)
    ((at_s, alert),) = alerts
    assert 3 <= at_s <= 5
    assert alert.hazard is Hazard.FLAME_SMOKE
    assert alert.explanation.label == "flame and smoke"
    assert alert.model is not None
    assert alert.position is not None
    assert alert.measurement["flicker_share"] > 0.08
    assert alert.measurement["changing_share"] > 0.3
    assert len(alert.evidence) == 2


@pytest.mark.parametrize("draw", [lamp, blinker, wigwag, tail_light, sunset, walker, fog, gloom])
def test_what_the_network_insists_on_stays_silent_when_it_does_not_behave_so(config: Config, draw: Draw) -> None:
    """A network that calls a lamp fire and a wall smoke at every look, surely, raises nothing."""
    sure = [("fire", 0.95, FIRE_BOX), ("smoke", 0.95, SMOKE_BOX)]
    assert judge(config, pictures(draw, looks=32), sure)[1] == []


def test_what_flickers_is_nothing_without_the_network(config: Config) -> None:
    """A flame that the network does not propose raises nothing: the pixels alone are no proof."""
    assert judge(config, pictures(flame, looks=60), [])[1] == []


def test_known_steam_and_lights_are_silent_and_hide_nothing_beside_them(config: Config) -> None:
    """Smoke inside known steam and flame inside known light are silent; the other kind in the same place is not."""
    around = [[90, 10], [230, 10], [230, 130], [90, 130]]
    burning, smoking = pictures(flame, looks=40), pictures(plume, looks=40)
    assert judge(config, smoking, SMOKE, known_steam_px=[around])[1] == []
    assert judge(config, burning, FIRE, known_light_px=[around])[1] == []
    assert len(judge(config, burning, FIRE, known_steam_px=[around])[1]) == 1
    assert len(judge(config, smoking, SMOKE, known_light_px=[around])[1]) == 1
    elsewhere = [[0, 0], [60, 0], [60, 180], [0, 180]]
    assert judge(config, burning, FIRE, polygon_px=elsewhere)[1] == []


def test_single_pictures_need_a_sure_network_and_twice_the_votes_and_say_so(config: Config) -> None:
    """Pictures five seconds apart: an unsure network raises nothing, a sure one after twelve pictures, labelled as single ones."""
    images = pictures(lamp, looks=20)
    unsure = [("fire", STILL_SCORE["fire"] - 0.01, FIRE_BOX)]
    assert judge(config, images, unsure, 5.0, look_every_s=5)[1] == []
    ((at_s, alert),) = judge(config, images, [("fire", 0.7, FIRE_BOX)], 5.0, look_every_s=5)[1]
    assert at_s >= 11 * 5.0
    assert "single pictures" in alert.explanation.label
    assert alert.explanation.votes == 12
    assert alert.measurement["single_picture"] == 1


def test_single_pictures_are_judged_by_the_released_networks_thresholds() -> None:
    """What decides alone are the operating thresholds that stand in the released file of `fire_smoke`."""
    session = onnxruntime.InferenceSession(ROOT / "models/fire_smoke/model.onnx", providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["thresholds"]) == STILL_SCORE


def test_a_moving_cameras_frames_are_single_pictures(config: Config) -> None:
    """With a pose of its own a frame is judged alone, and each thing stands for itself on the ground."""
    shape = camera(config)
    ((_, rule),) = zone_rules(shape, config.frame, config.local_time, SIZE)
    memory, frame = Memory(), Frame("gate", START, yard())
    sure = said([("fire", 0.7, (40, 100, 60, 120)), ("fire", 0.7, FIRE_BOX), ("smoke", 0.3, SMOKE_BOX)])
    seen = rule(replace(frame, pose=Pose(0, 0, 60, 0, -60, 0)), sure, memory, START)
    assert [(s.place, s.least_votes) for s in seen] == [(None, 12), (None, 12)]
    assert memory.live == {}


def test_a_restart_in_the_middle_changes_nothing(config: Config) -> None:
    """Killed after the votes of two seconds and started anew from the disk, the box raises one alert, from the first vote on."""
    images = pictures(flame, looks=60)
    half, none = judge(config, images[:14], FIRE)
    assert none == []
    kept = read_memory(write_memory(half))
    _, alerts = judge(config, images[14:], FIRE, memory=kept, begins_s=14 * 0.25)
    ((_, alert),) = alerts
    assert alert.explanation.first_seen_at <= START + timedelta(seconds=1)


def test_what_is_remembered_is_bounded(config: Config) -> None:
    """A large camera at 25 pictures a second for a long time: so many small pictures and no more; a step of the clock clears them."""
    shape = camera(config)
    ((_, rule),) = zone_rules(shape, config.frame, config.local_time, (1920, 1080))
    memory, image = Memory(), np.zeros((1080, 1920, 3), np.uint8)
    for n in range(100):
        at = START + timedelta(seconds=n / 25)
        rule(Frame("gate", at, image), said([]), memory, at)
    looks = memory.live[LOOKS]
    assert isinstance(looks, list)
    assert len(looks) == MOST_LOOKS
    assert max(looks[0].picture.shape) == WORKING_PX
    assert working_picture(image).nbytes * MOST_LOOKS < 5e6
    rule(Frame("gate", START, image), said([]), memory, START)
    assert isinstance(looks := memory.live[LOOKS], list)
    assert len(looks) == 1
