"""Sensors at work: vendors' messages through the desk onto the disk, with the nearest camera's picture, over restarts and floods."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patrol.broker import answers, find_nats_server, free_port, nats_config
from patrol.config import Config
from patrol.config.load import parse
from patrol.config.problems import ConfigProblems
from patrol.config.sensors import SensorConfig, SensorModel
from patrol.events import AlertEnded, AlertRaised, Hazard
from patrol_edge.clock import SteadyClock
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.frame import Frame
from patrol_edge.link import Account, Link, Will
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import Finding
from patrol_edge.reader import Mailbox
from patrol_edge.sensing import NEAR_M, nearest_camera, watched_sensors
from patrol_edge.sensor_desk import MAX_QUEUE, SensorDesk
from tests.brokers import AnyBroker, a_broker
from tests.edge.conftest import ROOT, START, frame_at

NAME = {"zh": "传感器", "en": "sensor"}
MODELS = [
    {"id": "bell", "name": NAME, "votes": 2, "within_s": 60, "clear_s": 30, "silent_s": 600,
     "readings": [{"quantity": "smoke", "path": ["data", "state"], "alarm_words": ["ALARM", "1"]}]},
    {"id": "pile", "name": NAME, "votes": 2, "within_s": 60, "clear_s": 30, "device_path": ["dev"],
     "readings": [{"quantity": "temperature", "path": ["t", 0], "scale": 0.1, "alarm_at": 70, "calm_below": 60},
                  {"quantity": "smoke", "path": ["smoke"], "alarm_words": ["true"]}]},
]  # fmt: skip
BY_THE_GATE = [114.0585, 22.5432]
SENSORS = [
    {"id": "hall", "name": NAME, "box": "street", "model": "bell", "topic": "acme/7/up", "hazard": "smoke-alarm", "at": BY_THE_GATE},
    {"id": "pile-1", "name": NAME, "box": "street", "model": "pile", "topic": "gw/up", "hazard": "charging-pile", "at": [114.0620, 22.5460]},
    {"id": "pile-2", "name": NAME, "box": "street", "model": "pile", "topic": "gw/up", "device": "P2", "hazard": "charging-pile",
     "at": BY_THE_GATE, "camera": "fence"},
]  # fmt: skip
ALARM, CALM = b'{"data": {"state": "ALARM"}}', b'{"data": {"state": "OK"}}'


def with_sensors(config: Config, **changes: object) -> Config:
    """The demo district with these sensors and no others."""
    models = tuple(SensorModel.model_validate(m | changes) for m in MODELS)
    return config.model_copy(
        update={"sensor_models": models, "sensors": tuple(SensorConfig.model_validate(s) for s in SENSORS)}
    )


class Post:
    """A sensor desk with its disk, on a clock that the test moves; a restart makes a new one on the same disk."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._config, self._folder = config, folder
        self.wall, self.steady_s = START, 0.0
        self.told: list[Finding] = []
        self.mailbox = Mailbox()
        self.start()

    def start(self) -> None:
        """A new desk, as after a kill."""
        self.outbox = Outbox(self._folder / "outbox.db")
        clock = SteadyClock(lambda: self.wall, lambda: self.steady_s)
        self.desk = SensorDesk(
            watched_sensors(self._config, "street"), self.outbox, EvidenceFolder(self._folder / "evidence"), clock,
            self.mailbox.newest, self.told.append,
        )  # fmt: skip
        self.desk._begin()

    def restart(self) -> None:
        """Kill it, start it."""
        self.outbox.close()
        self.start()

    def say(self, seconds: float, topic: str, payload: bytes) -> None:
        """So much later a message comes."""
        self.wall += timedelta(seconds=seconds)
        self.steady_s += seconds
        self.desk.offer(topic, payload)
        self.desk.step(0)

    def state(self, sensor: str, refusals: dict[str, str] | None = None) -> str:
        """A sensor's state in the sign of life."""
        return next(line.state for line in self.desk.status(refusals or {}) if line.sensor == sensor)

    @property
    def raised(self) -> list[AlertRaised]:
        """The alerts so far."""
        return [f.data for f in self.told if isinstance(f.data, AlertRaised)]


@pytest.fixture
def post(config: Config, tmp_path: Path) -> Iterator[Post]:
    """A desk with a bell and two piles."""
    made = Post(with_sensors(config), tmp_path)
    yield made
    made.outbox.close()


def test_a_smoke_alarm_raises_once_with_place_and_picture_and_ends(post: Post) -> None:
    """Two alarms within a minute: one alert with the sensor's position and the nearest camera's picture and its age, on disk; calm ends it."""
    post.mailbox.put(frame_at(0))
    post.mailbox.take(post.mailbox.waiting(0)["gate"])
    post.say(3, "acme/7/up", ALARM)
    assert post.raised == []
    for _ in range(5):
        post.say(2, "acme/7/up", ALARM)
    (alert,) = post.raised
    assert (alert.hazard, alert.sensor, alert.camera, alert.place) == (Hazard.SMOKE_ALARM, "hall", "gate", "hall/smoke")
    assert alert.position is not None
    assert (alert.position.lon_deg, alert.position.lat_deg) == tuple(BY_THE_GATE)
    assert (alert.region.width_px, alert.region.x_max_px) == (1280, 1280)
    assert alert.measurement == {"picture_age_s": 5.0}
    assert alert.evidence[0].taken_at == START
    assert alert.explanation.votes == 2
    assert [w.message.event_id for w in post.outbox.waiting(10)] == [alert.alert_id]
    assert post.state("hall") == "alarm"
    for _ in range(5):
        post.say(10, "acme/7/up", CALM)
    assert [type(f.data) for f in post.told] == [AlertRaised, AlertEnded]
    assert post.state("hall") == "heard"


def test_without_a_fresh_picture_the_alert_goes_without(post: Post) -> None:
    """No frame, or one that is too old: the alert stands without picture, its region is one pixel."""
    post.mailbox.put(frame_at(0))
    for seconds in (90, 1):
        post.say(seconds, "acme/7/up", ALARM)
    (alert,) = post.raised
    assert (alert.evidence, alert.thumbnail_jpeg_base64, alert.region.width_px) == ((), None, 1)
    assert alert.measurement == {}


def test_a_gateway_speaks_for_each_pile_apart(post: Post) -> None:
    """On a shared topic each pile hears only messages that name it; degrees are scaled; smoke in a pile is a smoke alarm."""
    for _ in range(2):
        post.say(1, "gw/up", b'{"dev": "P2", "t": [785], "smoke": false}')
    (hot,) = post.raised
    assert (hot.sensor, hot.hazard, hot.camera) == ("pile-2", Hazard.CHARGING_PILE, "fence")
    assert hot.measurement["temperature_c"] == 78.5
    for _ in range(2):
        post.say(1, "gw/up", b'{"dev": "pile-1", "t": [200], "smoke": true}')
    smoke = post.raised[1]
    assert (smoke.sensor, smoke.hazard, smoke.place) == ("pile-1", Hazard.SMOKE_ALARM, "pile-1/smoke")
    assert smoke.camera == "pile-1"  # no camera is near
    lines = {line.sensor: line for line in post.desk.status({})}
    assert (lines["pile-1"].messages, lines["pile-2"].messages) == (2, 2)


def test_a_kill_between_any_two_messages_changes_nothing(config: Config, tmp_path: Path) -> None:
    """With a new process for every message the same alerts come, with the same ids, as without any restart."""
    steps = [(1, ALARM), (3, CALM), (20, ALARM), (5, ALARM), (9, CALM), (31, CALM), (50, ALARM), (1, ALARM)]
    found = []
    for restart in (False, True):
        post = Post(with_sensors(config), tmp_path / str(restart))
        for seconds, payload in steps:
            post.say(seconds, "acme/7/up", payload)
            if restart:
                post.restart()
        found.append([(type(f.data), f.data.alert_id, f.happened_at) for f in post.told])
        post.outbox.close()
    assert found[0] == found[1]
    assert [kind for kind, _, _ in found[0]] == [AlertRaised, AlertEnded, AlertRaised]


def test_what_cannot_be_read_is_counted_and_harms_nothing(post: Post) -> None:
    """Rubbish, other shapes and foreign devices raise nothing; the status counts what the model cannot read."""
    for payload in (b"\xff\xfe", b"[]", b'{"data": 5}', b'{"data": {"state": []}}', b"9" * 70_000):
        post.say(1, "acme/7/up", payload)
    post.say(1, "gw/up", b'{"dev": "somebody"}')
    lines = {line.sensor: line for line in post.desk.status({})}
    assert (lines["hall"].messages, lines["hall"].unreadable, lines["hall"].state) == (5, 5, "waiting")
    assert lines["pile-1"].messages == 0
    assert post.told == []


def test_silence_shows_and_neither_raises_nor_ends(post: Post) -> None:
    """A sensor that has said nothing for its time is silent; one that alarmed last still alarms; a refused topic says so."""
    assert post.state("hall") == "waiting"
    post.say(700, "gw/up", b'{"dev": "pile-1", "t": [200]}')
    assert post.state("hall") == "silent"
    post.say(0, "acme/7/up", ALARM)
    post.say(0, "acme/7/up", ALARM)
    post.say(5000, "gw/up", b"{}")
    assert post.state("hall") == "alarm"
    assert len(post.told) == 1
    (line,) = [one for one in post.desk.status({"acme/7/up": "Not authorized"}) if one.sensor == "hall"]
    assert (line.state, line.detail) == ("refused", "Not authorized")


def test_a_step_of_the_clock_breaks_no_debounce(post: Post) -> None:
    """The wall clock jumps back a day between two alarms: they still count together, and the calm that follows is counted right."""
    post.say(1, "acme/7/up", ALARM)
    post.wall -= timedelta(days=1)
    post.say(2, "acme/7/up", ALARM)
    assert len(post.raised) == 1
    post.wall += timedelta(days=1)
    post.say(1, "acme/7/up", CALM)
    assert len(post.told) == 1
    post.say(31, "acme/7/up", CALM)
    assert isinstance(post.told[-1].data, AlertEnded)


def test_a_flood_is_bounded_and_the_newest_count(post: Post) -> None:
    """More messages than the queue holds: the oldest go, the newest are judged."""
    for _ in range(MAX_QUEUE + 500):
        post.desk.offer("gw/up", b'{"dev": "pile-1", "t": [1]}')
    post.desk.offer("acme/7/up", ALARM)
    post.say(1, "acme/7/up", ALARM)
    assert len(post.raised) == 1
    assert next(line.messages for line in post.desk.status({}) if line.sensor == "pile-1") == MAX_QUEUE - 2


def test_an_alert_of_a_reading_that_is_no_more_is_ended(config: Config, tmp_path: Path) -> None:
    """When a model no longer reads what has alarmed, its alert ends at the next start."""
    post = Post(with_sensors(config), tmp_path)
    for _ in range(2):
        post.say(1, "acme/7/up", ALARM)
    post._config = with_sensors(config, readings=[{"quantity": "cable", "path": ["c"], "alarm_words": ["1"]}])
    post.restart()
    assert [type(f.data) for f in post.told] == [AlertRaised, AlertEnded]
    post.outbox.close()


def test_the_nearest_camera_of_its_box_is_beside_it(config: Config) -> None:
    """By distance among the fixed cameras of the same box; none beyond 60 m; one that is named wins."""
    sensors = with_sensors(config).sensors
    assert nearest_camera(config, sensors[0]) == "gate"
    assert nearest_camera(config, sensors[1]) is None
    assert nearest_camera(config, sensors[0].model_copy(update={"box": "yard"})) is None
    assert [s.camera for s in watched_sensors(with_sensors(config), "street")] == ["gate", None, "fence"]
    assert NEAR_M == 60


@pytest.mark.parametrize(
    "change",
    [{"alarm_words": []}, {"alarm_at": 5}, {"calm_below": 1}, {"alarm_words": [], "alarm_at": 5, "calm_below": 6}, {"path": []}],
    ids=["neither", "both", "calm of words", "calm above alarm", "no path"],
)  # fmt: skip
def test_a_reading_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    """A reading has words or limits, not both, not neither; calm is not above alarm; it stands somewhere."""
    good: dict[str, object] = {"quantity": "smoke", "path": ["s"], "alarm_words": ["1"]}
    model = {"id": "m", "name": NAME, "readings": [good]}
    SensorModel.model_validate(model)
    with pytest.raises(ValidationError):
        SensorModel.model_validate(model | {"readings": [good | change]})


@pytest.mark.parametrize("topic", ["a/+", "#", "patrol/v1/demo/box/x/alert/raised", "$SYS/x", "a b", "/a", "a//b", ""])
def test_a_topic_that_is_no_sensors_is_refused(topic: str) -> None:
    """Wildcards, our own topics, the broker's and broken ones are no sensor's."""
    SensorConfig.model_validate(SENSORS[0])
    with pytest.raises(ValidationError):
        SensorConfig.model_validate(SENSORS[0] | {"topic": topic})


def test_check_config_names_unknown_models_cameras_and_boxes() -> None:
    """A sensor that names what is not there is refused by its line, in both languages."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    bad = json.dumps([SENSORS[0] | {"model": "none", "camera": "nowhere", "box": "attic", "id": "other"}])
    head, found, _ = text.partition("\nsensors:")
    assert found or "sensor_models" not in text
    with pytest.raises(ConfigProblems) as caught:
        parse(head + f"\nsensors: {bad}\n" if found else text + f"\nsensors: {bad}\n", "config.yaml")
    places = {problem.place for problem in caught.value.problems}
    assert {"sensors[0].model", "sensors[0].camera", "sensors[0].box"} <= places


def polled(link: Link, condition: Callable[[], Any], other: Link | None = None) -> None:
    """Poll until something holds, within half a minute of a busy machine."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come"
        link.poll(0.02)
        if other is not None:
            other.poll(0.02)


@pytest.mark.parametrize("kind", ["nats", "mosquitto"])
def test_sensors_are_heard_beside_the_boxs_own_topics_and_kept_messages_are_not(kind: str, tmp_path: Path) -> None:
    """On either broker: a sensor's message goes aside, the box's own into its inbox; a retained one is no reading of now."""
    with a_broker(kind, tmp_path) as broker:
        _aside(broker)


def _aside(broker: AnyBroker) -> None:
    vendor = Link(Account(broker.url, "vendor"), ())
    vendor.connect(Will("vendor/status", b""))
    assert vendor.publish("acme/7/up", b"old", qos=1, retain=True)
    polled(vendor, lambda: vendor._client is not None and not vendor._client._out_messages)  # the broker has it
    box = Link(Account(broker.url, "box"), ("patrol/v1/demo/center/status",), ("acme/7/up",))
    box.connect(Will("box/status", b""))
    polled(box, lambda: not box._aside_asked)
    assert box.refusals == {}
    assert vendor.publish("acme/7/up", b"new", qos=1, retain=False)
    assert vendor.publish("patrol/v1/demo/center/status", b"ours", qos=1, retain=False)
    polled(box, lambda: box.aside_inbox and box.inbox, vendor)
    assert list(box.aside_inbox) == [("acme/7/up", b"new")]
    assert list(box.inbox) == [("patrol/v1/demo/center/status", b"ours")]
    box.close()
    vendor.close()


def test_a_refused_topic_is_named_and_everything_else_goes_on(tmp_path: Path) -> None:
    """A broker that forbids one sensor's topic: the box is up, hears its own and the other sensor, and names the refused one."""
    port, config_path = free_port(), tmp_path / "nats.conf"
    users = [{"user": "box", "password": "p", "permissions": {"subscribe": {"deny": ["forbidden.>"]}}},
             {"user": "vendor", "password": "p"}]  # fmt: skip
    settings = json.loads(nats_config("127.0.0.1", port, tmp_path / "store")) | {"authorization": {"users": users}}
    config_path.write_text(json.dumps(settings))
    with (tmp_path / "nats.log").open("wb") as log:
        server = subprocess.Popen([find_nats_server(), "-c", config_path], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not answers("127.0.0.1", port):
            assert time.monotonic() < end
            time.sleep(0.05)
        url = f"mqtt://127.0.0.1:{port}"
        box = Link(Account(url, "box", "box", "p"), ("patrol/v1/demo/x",), ("forbidden/a", "acme/7/up"))
        box.connect(Will("box/status", b""))
        assert box.is_up
        polled(box, lambda: not box._aside_asked)
        assert set(box.refusals) == {"forbidden/a"}
        vendor = Link(Account(url, "vendor", "vendor", "p"), ())
        vendor.connect(Will("vendor/status", b""))
        for topic in ("forbidden/a", "acme/7/up", "patrol/v1/demo/x"):
            assert vendor.publish(topic, b"1", qos=1, retain=False)
        polled(box, lambda: box.aside_inbox and box.inbox, vendor)
        assert [topic for topic, _ in box.aside_inbox] == ["acme/7/up"]
        box.close()
        vendor.close()
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait(10)


def test_frames_of_the_desk_are_the_newest(config: Config) -> None:
    """A frame that the judge has taken is still the newest of its camera, until the next one comes."""
    del config
    mailbox = Mailbox()
    assert mailbox.newest("gate") is None
    first: Frame = frame_at(0)
    mailbox.put(first)
    mailbox.take(first)
    assert mailbox.newest("gate") is first
    second = frame_at(1)
    mailbox.put(second)
    assert mailbox.newest("gate") is second
