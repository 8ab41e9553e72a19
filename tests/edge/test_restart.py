"""A box that is killed and started again in the middle of a dwell: the timer stands, for every rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import cv2
import numpy as np
import pytest

from patrol.config import Config
from patrol.config.shape import CameraConfig
from patrol.config.zones import Zone
from patrol.events import AlertEnded, AlertRaised, Hazard
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher, read_memory, write_memory
from patrol_edge.rules.table import model_of
from tests.edge.conftest import CLASSES, START, Objects, ScriptedDetector

WHOLE = [[0, 0], [640, 0], [640, 480], [0, 480]]
CAR: Objects = [("car", 0.8, (200, 200, 360, 300))]
PERSON: Objects = [("person", 0.8, (200, 200, 240, 300))]
DWELL_S, EVERY_S = 20.0, 1.0
# hazard -> its zone, what the network sees, degrees of a hot square; a fall is over when it is seen, so it has no dwell
RULES: dict[str, tuple[dict[str, object], Objects, float | None]] = {
    "blocked-fire-lane": ({"dwell_s": DWELL_S}, CAR, None),
    "perimeter-intrusion": ({"dwell_s": DWELL_S, "hours": ["00:00-24:00"]}, PERSON, None),
    "fire-hotspot": ({"dwell_s": DWELL_S}, [], 400.0),
    "fire-hotspot, colours only": ({"dwell_s": DWELL_S, "relative_alerts": True}, [], None),
}


def camera(config: Config, name: str) -> CameraConfig:
    """A camera with one zone of this rule over its whole picture."""
    body = config.cameras[0].model_dump(mode="json", exclude={"zones", "pose", "lens"})
    zone = {"id": "zone", "hazard": name.partition(",")[0], "polygon_px": WHOLE, **RULES[name][0]}
    body |= {"lens": {"width_px": 640, "height_px": 480, "hfov_deg": 60}, "zones": [zone]}
    return CameraConfig.model_validate(body | ({"thermal": {}} if name.startswith("fire") else {}))


def frame_of(name: str, second: float) -> Frame:
    """The hazard's frame at a second: the same picture every time."""
    image = np.full((480, 640, 3), 90, np.uint8)
    cv2.rectangle(image, (200, 200), (240, 240), (255, 255, 255), -1)
    hot_c = RULES[name][2]
    celsius = None
    if hot_c is not None:
        celsius = np.full((480, 640), 20, np.float32)
        celsius[200:240, 200:240] = hot_c
    return Frame("gate", START + timedelta(seconds=second), image, celsius)


def alerts_at(
    config: Config, name: str, restarts: Callable[[CameraMemory], CameraMemory], every_s: float
) -> list[tuple[float, str]]:
    """(second, alert id) of what is raised when the box is started anew every `every_s` with what `restarts` gives it back."""
    watcher = Watcher.of(config, camera(config, name))
    pipeline, memory, next_s = (
        Pipeline(watcher, {"street": ScriptedDetector(lambda _: RULES[name][1])}),
        CameraMemory(),
        every_s,
    )
    found: list[tuple[float, str]] = []
    for n in range(60):
        second = n * EVERY_S
        if second >= next_s:
            memory, next_s = restarts(memory), next_s + every_s
            pipeline = Pipeline(watcher, {"street": ScriptedDetector(lambda _: RULES[name][1])})
        memory, findings = pipeline.judge(frame_of(name, second), memory)
        assert not [f for f in findings if isinstance(f.data, AlertEnded)]
        found += [(second, f.data.alert_id) for f in findings if isinstance(f.data, AlertRaised)]
    return found


@pytest.mark.parametrize("every_s", [3.0, 7.0, 19.0])
@pytest.mark.parametrize("name", RULES)
def test_the_timer_stands(config: Config, name: str, every_s: float) -> None:
    """Restarted every few seconds with only what is on the disk, a box raises the same alert, once, at the same second as one that ran through."""
    through = alerts_at(config, name, lambda memory: memory, 1000.0)
    restarted = alerts_at(config, name, lambda memory: read_memory(write_memory(memory)), every_s)
    assert [second for second, _ in through] == [DWELL_S]
    assert restarted == through


@pytest.mark.parametrize("name", RULES)
def test_without_its_memory_it_does_not(config: Config, name: str) -> None:
    """A box that has lost its memory never reaches the dwell when it is restarted more often: so it is the memory that carries the timer."""
    assert alerts_at(config, name, lambda _: CameraMemory(), 10.0) == []


def test_every_rule_with_a_dwell_is_here(config: Config) -> None:
    """Each kind of zone that can be configured is tried above, but for a fall, which is over when it is seen, and for those that
    compare looks with one another before they see anything: flame and smoke, water, and roofs; tests of their own restart them.
    """
    tried = {name.partition(",")[0] for name in RULES}
    kinds = {str(shape.model_fields["hazard"].annotation.__args__[0]) for shape in Zone.__origin__.__args__}  # type: ignore[attr-defined]  # the union's parts
    others = {Hazard.FALLING_OBJECT, Hazard.FLAME_SMOKE, Hazard.FLOODING, Hazard.ROOFTOP_VIOLATION}
    assert kinds - tried == {hazard.value for hazard in others}
    assert {model_of(camera(config, name).zones[0]) for name in RULES} == {"street", None}
    assert {label for _, objects, _ in RULES.values() for label, _, _ in objects} <= set(CLASSES)
