"""Delivery through a real broker: what leaves the outbox, when it is said again, and what a death leaves behind."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.broker import Broker
from patrol.errors import BrokerUnreachable
from patrol.events import Acknowledgement, AlertEnded, BoxStatus, CenterStatus, Data, Event
from patrol.topics import ABSOLUTE_MAX_BYTES, ACKNOWLEDGEMENT, ALERT_ENDED, BOX_STATUS, CENTER_STATUS, read
from patrol_edge.delivery import (
    RESEND_MAX_S,
    RESEND_S,
    Attempt,
    Courier,
    Sender,
    envelope,
    is_due,
    reconnect_after_s,
    subscriptions,
)
from patrol_edge.link import Account, Link, Will
from patrol_edge.outbox import Outbox, Outgoing, Waiting
from tests.brokers import AnyBroker, a_broker
from tests.edge.conftest import START

DEADLINE_S = 10.0
SENDER = Sender("demo", "street", drill=True, software="test", session=3)


def ended(name: str) -> Outgoing:
    """Something small to say."""
    data = AlertEnded(alert_id=name, box="street", camera="gate", last_seen_at=START, cleared_at=START)
    return Outgoing(f"{name}-e", name, data.type_name, START, data.model_dump_json())


class Listener:
    """The other side of the broker: hears everything of the district, and answers when told to."""

    def __init__(self, url: str) -> None:
        self._link = Link(Account(url, f"listener-{random.randrange(10**9)}"), ("patrol/v1/demo/#",))
        self._link.connect(Will("patrol/v1/demo/listener", b""))
        self.heard: list[tuple[str, Event[Data]]] = []

    def listen(self, seconds: float = 0.05) -> None:
        """Take in what has come."""
        self._link.poll(seconds)
        while self._link.inbox:
            topic, payload = self._link.inbox.popleft()
            if payload:
                self.heard.append((topic, read(payload, topic=topic, district="demo")))

    def of(self, kind: type[Data]) -> list[Event[Data]]:
        """What was heard of one kind."""
        return [event for _, event in self.heard if isinstance(event.data, kind)]

    def say(self, topic: str, payload: bytes) -> None:
        """Publish."""
        assert self._link.publish(topic, payload, qos=1, retain=False)
        self._link.poll(0.05)

    def acknowledge(self, event_id: str) -> None:
        """The centre's word."""
        data = Acknowledgement(box="street", event_id=event_id, outcome="stored", case_number="C-7")
        event = Event[Data].of(data, id=f"ack-{event_id}", source="/center/demo", time=START)
        self.say(ACKNOWLEDGEMENT.path("demo", box="street"), event.to_json())

    def close(self) -> None:
        """Leave."""
        self._link.close()


class Bench:
    """A courier with its outbox on a real broker; its monotonic clock is the test's."""

    def __init__(self, url: str, folder: Path) -> None:
        self.outbox = Outbox(folder / "outbox.db")
        self.link = Link(Account(url, "box-demo-street"), subscriptions("demo", "street"))
        self.now_s = 1000.0
        self.wall = START + timedelta(seconds=1)
        status = BoxStatus(box="street", session=SENDER.session, state="online", software="test")
        self.courier = Courier(
            SENDER, self.outbox, self.link, lambda: status, lambda: self.wall, lambda: self.now_s, random.Random(1)
        )

    def connect(self) -> None:
        """As the courier's own loop does it."""
        self.link.connect(self.courier._will())

    def until(self, listener: Listener, condition: Callable[[], bool]) -> None:
        """Step both sides until the condition holds, within a deadline of real time."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, f"not within {DEADLINE_S} s; heard {listener.heard}"
            self.courier.step(0.02)
            listener.listen(0.02)


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyBroker]:
    """A real broker: NATS, which speaks MQTT 3.1.1, and Mosquitto, which speaks 5."""
    with a_broker(request.param, tmp_path) as server:
        yield server


@pytest.fixture
def listener(broker: AnyBroker) -> Iterator[Listener]:
    """Somebody who hears everything."""
    other = Listener(broker.url)
    yield other
    other.close()


@pytest.fixture
def bench(broker: AnyBroker, tmp_path: Path) -> Iterator[Bench]:
    """A connected courier."""
    made = Bench(broker.url, tmp_path)
    made.connect()
    yield made
    made.link.close()
    made.outbox.close()


def test_a_message_leaves_only_by_the_centres_word(bench: Bench, listener: Listener) -> None:
    """The broker's own acknowledgement changes nothing: the message waits until the centre has acknowledged it."""
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 1)
    for _ in range(10):
        bench.courier.step(0.02)
    assert bench.outbox.counts().waiting == 1
    listener.acknowledge("alert-001-e")
    bench.until(listener, lambda: bench.outbox.counts().waiting == 0)


def test_silence_is_answered_by_saying_it_again_with_the_same_id(bench: Bench, listener: Listener) -> None:
    """Without an answer the message is said again after the resend time: same id, number and time, so that it is known as the same."""
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 1)
    bench.now_s += RESEND_S / 2
    for _ in range(5):
        bench.courier.step(0.02)
        listener.listen(0.02)
    assert len(listener.of(AlertEnded)) == 1
    bench.now_s += RESEND_S
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 2)
    first, second = listener.of(AlertEnded)
    assert (first.id, first.sequence, first.time) == (second.id, second.sequence, second.time)


def test_a_restarted_centre_hears_everything_at_once(bench: Bench, listener: Listener) -> None:
    """When the centre says that it has started, nothing waits for its resend time."""
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 1)
    data = CenterStatus(session=9, state="online", software="test")
    listener.say(
        CENTER_STATUS.path("demo"), Event[Data].of(data, id="center-9-1", source="/center/demo", time=START).to_json()
    )
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 2)


def test_what_waited_through_an_outage_goes_over_one_connection(bench: Bench, listener: Listener) -> None:
    """Two hundred messages that waited reach the centre without the broker hanging up on too many at once."""
    names = [f"alert-{n:03d}" for n in range(200)]
    bench.outbox.put([(ended(name), []) for name in names], "gate", "{}")
    settled = set[str]()

    def all_settled() -> bool:
        for event in listener.of(AlertEnded):
            if event.id not in settled:
                settled.add(event.id)
                listener.acknowledge(event.id)
        return bench.outbox.counts().waiting == 0

    bench.until(listener, all_settled)
    assert settled == {f"{name}-e" for name in names}


def test_each_broker_is_spoken_to_in_the_newest_protocol_it_knows(bench: Bench, broker: AnyBroker) -> None:
    """The protocol is decided at connect: 5 with Mosquitto, 3.1.1 with NATS."""
    assert bench.link.protocol == ("3.1.1" if isinstance(broker, Broker) else "5")


def test_late_messages_say_so_and_keep_their_time(bench: Bench, listener: Listener) -> None:
    """A message said an hour after it happened carries its true time and `late`; drill goes along."""
    bench.wall = START + timedelta(hours=1)
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 1)
    event = listener.of(AlertEnded)[0]
    assert (event.late, event.drill, event.time) == (True, True, START)


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\x00", b"{}", b'{"type": "patrol.acknowledgement"}', b"[" * 100_000, b"x" * (ABSOLUTE_MAX_BYTES + 1)],
    ids=["empty", "bytes", "object", "half", "deep", "oversized"],
)  # fmt: skip
def test_nonsense_from_the_wire_changes_nothing(bench: Bench, listener: Listener, payload: bytes) -> None:
    """Whatever is published to the box's acknowledgement topic, the courier goes on and settles the next real one."""
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    bench.until(listener, lambda: len(listener.of(AlertEnded)) == 1)
    listener._link.publish(ACKNOWLEDGEMENT.path("demo", box="street"), payload, qos=1, retain=False)
    listener.acknowledge("alert-001-e")
    end = time.monotonic() + DEADLINE_S
    while bench.outbox.counts().waiting:
        assert time.monotonic() < end
        bench.courier.step(0.02)
        listener._link.poll(0.02)


def step_often(courier: Courier) -> None:
    """Enough rounds for a broken connection to show."""
    for _ in range(50):
        courier.step(0.05)


def test_a_broker_that_goes_and_returns(broker: AnyBroker, tmp_path: Path) -> None:
    """While the broker is away the courier says so and keeps everything; when it is back everything is said."""
    bench = Bench(broker.url, tmp_path)
    bench.connect()
    broker.stop()
    bench.outbox.put([(ended("alert-001"), [])], "gate", "{}")
    with pytest.raises(BrokerUnreachable):
        step_often(bench.courier)
    with pytest.raises(BrokerUnreachable, match="patrol broker"):
        bench.connect()
    broker.start()
    listener = Listener(broker.url)
    bench.connect()
    bench.until(listener, lambda: len(listener.of(AlertEnded)) >= 1)
    listener.close()
    bench.link.close()
    bench.outbox.close()


def test_a_dead_box_leaves_its_will(broker: AnyBroker, listener: Listener, tmp_path: Path) -> None:
    """A box that dies without a word is reported offline by the broker, with its session number; a status is retained."""
    bench = Bench(broker.url, tmp_path)
    bench.connect()
    bench.until(listener, lambda: len(listener.of(BoxStatus)) == 1)
    client = bench.link._client
    assert client is not None
    sock = client.socket()
    assert sock is not None
    sock.close()  # as a power cut would
    end = time.monotonic() + DEADLINE_S
    while len(listener.of(BoxStatus)) < 2:
        assert time.monotonic() < end
        listener.listen()
    data = listener.of(BoxStatus)[-1].data
    assert isinstance(data, BoxStatus)
    assert (data.state, data.session) == ("offline", 3)
    late_listener = Listener(broker.url)
    late_listener.listen(0.3)
    late_listener.listen(0.1)
    assert len(late_listener.of(BoxStatus)) == 1
    late_listener.close()
    bench.link._client = None
    bench.outbox.close()


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_resending_always_comes_and_never_storms(count: int, since_s: float) -> None:
    """However often a message was sent, it is due again after the longest wait and never before the shortest."""
    assert is_due(Attempt(0.0, count), RESEND_MAX_S)
    assert not is_due(Attempt(since_s, count), since_s + RESEND_S * 0.99)


@given(st.integers(0, 100_000), st.floats(0, 0.999))
def test_reconnecting_is_bounded(failures: int, dice: float) -> None:
    """The wait between connection attempts stays between a quarter of a second and fifteen."""
    assert 0.25 <= reconnect_after_s(failures, dice) <= 15


@given(st.integers(1, 10**9), st.floats(-1e8, 1e9))
def test_an_envelope_is_a_function_of_the_row(sequence: int, after_s: float) -> None:
    """The same row makes the same message, whenever it is sent, but for `late`."""
    row = Waiting(sequence, ended("alert-001"))
    one, two = (envelope(row, "street", True, START + timedelta(seconds=s)) for s in (after_s, 0))
    assert one.model_dump(exclude={"late"}) == two.model_dump(exclude={"late"})
    assert len(one.to_json()) < ALERT_ENDED.max_bytes
    assert BOX_STATUS.retain
