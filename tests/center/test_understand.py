"""patrol/center/understand.py: messages that can be believed, and what is made of those that cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.center.understand import (
    EXCERPT_BYTES,
    HEARD,
    OF_BOXES,
    Refusal,
    Reported,
    Understood,
    excerpt,
    printable,
    understand,
)
from patrol.events import Data, DronePose, Event, FlightPhase, RequestAnswered, StationStatus, source_of
from patrol.mqtt import Incoming
from patrol.reference.examples import examples
from patrol.topics import ABSOLUTE_MAX_BYTES, ACKNOWLEDGEMENT, ALERT_RAISED, BOX_STATUS, CASE_OPENED
from tests.center.boxside import T0, came, ended, lost, raised, status

BOXES = ("street", "yard")
ONE_OF_EACH = {type(e.data): e for e in (raised(), ended("alert-00"), lost("alert-00", "a" * 64), status(1))}

OF_A_STATION: dict[type[Data], Event[Data]] = {
    t: examples()[t] for t in (FlightPhase, DronePose, StationStatus, RequestAnswered)
}


def asked(incoming: Incoming) -> Understood | Reported | Refusal:
    """What the centre of the demo district makes of it."""
    return understand(incoming, "demo", BOXES)


def refused(incoming: Incoming) -> Refusal:
    """The same, when it must be a refusal."""
    result = asked(incoming)
    assert isinstance(result, Refusal)
    return result


def spoiled(event: Event[Data], **changes: Any) -> Incoming:
    """`event` with envelope fields replaced; `data__x` replaces one of its data."""
    envelope = json.loads(event.to_json())
    for name, value in changes.items():
        target = envelope["data"] if name.startswith("data__") else envelope
        target[name.removeprefix("data__")] = value
    return replace(came(event), payload=json.dumps(envelope).encode())


def test_the_centre_hears_what_the_wire_table_says() -> None:
    """Everything that boxes and stations send to the centre is subscribed, and nothing that it says itself."""
    assert {row.carries for row in OF_BOXES} == set(ONE_OF_EACH)
    assert {row.carries for row in HEARD} - set(ONE_OF_EACH) == set(OF_A_STATION)
    assert ACKNOWLEDGEMENT not in HEARD


@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=lambda t: t.type_name)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dataschema": "urn:sky-ground-patrol:{type}:2.0"}, "MessageFromFuture"),
        ({"type": "patrol.box.haiku"}, "MessageUnknown"),
        ({"type": "patrol.\ud800\x00"}, "MessageUnknown"),
        ({"time": "yesterday"}, "MessageMalformed"),
        ({"time": "9999-12-31T23:59:59-12:00"}, "MessageMalformed"),
        ({"data": None}, "MessageMalformed"),
        ({"source": "/box/yard"}, "MessageMisplaced"),
        ({"data__box": "yard"}, "MessageMisplaced"),
        ({"padding": "x" * ABSOLUTE_MAX_BYTES}, "MessageOversized"),
        ({"padding": "x" * 65_000}, "MessageOversized"),
    ],
    ids=["future", "unknown", "unspeakable", "no time", "no utc", "no data", "other source", "other box", "256 KiB", "64 KiB"],
)  # fmt: skip
def test_every_way_to_be_wrong_on_every_topic(kind: type[Data], changes: dict[str, Any], code: str) -> None:
    """Each becomes a refusal that names its reason in both languages, and is answered unless it is a sign of life."""
    event = ONE_OF_EACH[kind]
    changes = {k: v.replace("{type}", event.type) if isinstance(v, str) else v for k, v in changes.items()}
    result = refused(spoiled(event, **changes))
    assert type(result.reason).__name__ == code
    assert printable(result.reason.explain("zh-CN")) != printable(result.reason.explain("en"))
    assert (result.event_id, result.box) == (event.id, "street")
    assert result.wants_answer is (kind is not BOX_STATUS.carries)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type": 7}', b"[" * 100_000, b"9" * 5000]
)
def test_what_is_no_message_at_all(payload: bytes) -> None:
    """Its sender is known from the topic alone, by building topics; its id is not, so nothing is answered."""
    result = refused(Incoming(ALERT_RAISED.path("demo", box="yard"), payload, False, T0))
    assert (result.event_id, result.box, result.wants_answer) == (None, "yard", False)


def test_what_may_not_be_said_to_the_centre() -> None:
    """The centre's own kinds of message are refused when a box says them, on any topic."""
    opened = Event[Data].of(raised().data, id="event-x1", source=source_of("center", "demo"), time=T0)
    assert type(refused(came(opened)).reason).__name__ == "MessageMisplaced"
    on_a_wrong_topic = replace(came(raised()), topic=CASE_OPENED.path("demo"))
    result = refused(on_a_wrong_topic)
    assert (type(result.reason).__name__, result.box, result.wants_answer) == ("MessageMisplaced", None, False)


def test_an_alert_is_its_event() -> None:
    """Evidence and ends refer to the alert's id; if it were not the event's, they would refer to nothing."""
    assert type(refused(spoiled(raised(), data__alert_id="another-id")).reason).__name__ == "MessageMalformed"


def test_an_unconfigured_box_can_be_answered() -> None:
    """A box that the configuration does not name is told by its own words, when they fit the topic."""
    event = raised(box="new-box")
    assert isinstance(asked(came(event)), Understood)
    assert refused(spoiled(event, time="never")).box == "new-box"


def test_complaints_about_signs_of_life_do_not_pile_up() -> None:
    """Each is different and they come every ten seconds; they share one dead letter, while alerts do not."""
    first, second = (refused(spoiled(status(n), time="never")) for n in (1, 2))
    assert first.key == second.key
    first, second = (refused(spoiled(raised(), time="never")) for _ in range(2))
    assert first.key != second.key


@pytest.mark.parametrize("kind", OF_A_STATION, ids=lambda t: t.type_name)
def test_a_station_speaks_for_itself_and_nobody_else(kind: type[Data]) -> None:
    """Its messages are believed where it may speak; from another source or place they are refused, and never answered."""
    event = OF_A_STATION[kind]
    result = asked(came(event))
    assert isinstance(result, Reported)
    assert result.station == "dock"
    for wrong in ({"source": "/station/other"}, {"data__station": "other"}):
        refusal = refused(spoiled(event, **wrong))
        assert type(refusal.reason).__name__ == "MessageMisplaced"
        assert (refusal.event_id, refusal.box, refusal.wants_answer) == (event.id, None, False)


@pytest.mark.parametrize("kind", [DronePose, StationStatus], ids=lambda t: t.type_name)
def test_complaints_about_a_stations_signs_do_not_pile_up(kind: type[Data]) -> None:
    """Poses and signs of life that cannot be read share one dead letter for each drone and station; phases do not."""
    one = OF_A_STATION[kind]
    first, second = (refused(spoiled(one, time="never", id=f"event-{n:04d}")) for n in (1, 2))
    assert first.key == second.key
    phase = OF_A_STATION[FlightPhase]
    first, second = (refused(spoiled(phase, time="never", id=f"event-{n:04d}")) for n in (1, 2))
    assert first.key != second.key


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode), st.text(max_size=60))
def test_nothing_that_comes_can_break_it(payload: bytes, topic: str) -> None:
    """Any bytes on any topic end as a refusal that can be stored and shown."""
    result = refused(Incoming(topic, payload, False, T0))
    printable(result.reason.explain("zh-CN")).encode()
    excerpt(payload).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda v: st.lists(v, max_size=3), max_leaves=4
)  # fmt: skip


@given(st.sampled_from(sorted(ONE_OF_EACH, key=lambda t: t.type_name)), st.data())
def test_no_field_can_break_it(kind: type[Data], data: st.DataObject) -> None:
    """A real message with any one field replaced by anything is believed or refused, never a crash."""
    event = ONE_OF_EACH[kind]
    envelope = json.loads(event.to_json())
    fields = [*envelope, *(f"data__{name}" for name in envelope["data"])]
    result = asked(spoiled(event, **{data.draw(st.sampled_from(fields)): data.draw(json_values)}))
    if isinstance(result, Understood):
        result.event.to_json()


def test_an_excerpt_is_short() -> None:
    """What is shown of a bad message is bounded, and cut letters do no harm."""
    assert len(excerpt("字".encode() * EXCERPT_BYTES)) <= EXCERPT_BYTES
