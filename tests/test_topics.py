"""patrol/topics.py: one table, every message in it once, and no message believed on a topic that is not its sender's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import MessageMalformed, MessageMisplaced, MessageOversized
from patrol.events import DATA_TYPES, AlertRaised, Data, Event
from patrol.reference.examples import examples
from patrol.topics import ABSOLUTE_MAX_BYTES, NAMES, PREFIX, TOPICS, Topic, read, topic_for

DISTRICT = "demo"
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
ROWS = pytest.mark.parametrize("row", TOPICS, ids=lambda row: row.carries.type_name)


def path_of(event: Event[Data]) -> str:
    """The topic on which a message must come."""
    return topic_for(type(event.data)).path(DISTRICT, **{name: getattr(event.data, name, "") for name in NAMES})


def everybody(name: str) -> dict[str, str]:
    """The same name for box, station, drone and kind."""
    return dict.fromkeys(NAMES, name)


def matches(subscription: str, topic: str) -> bool:
    """Whether an MQTT subscription with + and # hears a topic (MQTT 3.1.1, section 4.7)."""
    pattern = re.escape(subscription).replace(r"\+", "[^/]*").replace(r"\#", ".*")
    return re.fullmatch(pattern, topic) is not None


def test_every_message_has_exactly_one_row() -> None:
    """The table and the schema name the same messages, each once, on topics that are all different."""
    assert sorted(row.carries.type_name for row in TOPICS) == sorted(t.type_name for t in DATA_TYPES)
    assert len({row.pattern for row in TOPICS}) == len(TOPICS)
    assert all(topic_for(row.carries) is row for row in TOPICS)


@ROWS
def test_rules_that_hold_for_every_row(row: Topic) -> None:
    """What holds until it changes is retained, and nothing else; all but poses are QoS 1; patterns hold no wildcard."""
    assert row.retain == (row.pattern.startswith("weather/") or row.pattern.endswith("status"))
    assert row.qos == (0 if row.pattern.endswith("pose") else 1)
    assert 0 < row.max_bytes <= ABSOLUTE_MAX_BYTES
    assert row.readers
    assert re.fullmatch(r"([a-z]+|\{[a-z]+\})(/([a-z]+|\{[a-z]+\}))*", row.pattern)
    named = set(re.findall(r"\{([a-z]+)\}", row.pattern))
    assert named <= set(NAMES) & set(row.carries.model_fields)
    assert {"box", "station"} & set(row.carries.model_fields) <= named


@ROWS
def test_the_example_is_read_where_it_belongs_and_fits(row: Topic) -> None:
    """Each message, with room to spare, passes on its own topic, and a subscription to all senders hears it."""
    example = examples()[row.carries]
    payload = example.to_json()
    topic = path_of(example)
    assert topic.startswith(f"{PREFIX}/{DISTRICT}/")
    assert read(payload, topic=topic, district=DISTRICT) == example
    assert len(payload) < row.max_bytes
    assert matches(row.filter(DISTRICT), topic)
    assert not matches(row.filter("elsewhere"), topic)


@ROWS
def test_a_message_on_any_other_topic_is_refused(row: Topic) -> None:
    """The same bytes on every other row's topic, another box's, or another district's are refused and name both sides."""
    example = examples()[row.carries]
    others = [other.path(DISTRICT, **everybody("street")) for other in TOPICS if other is not row]
    others += [row.path("elsewhere", **everybody("street")), f"{path_of(example)}/more", ""]
    if "{" in row.pattern:
        others.append(row.path(DISTRICT, **everybody("yard")))
    for topic in others:
        with pytest.raises(MessageMisplaced) as caught:
            read(example.to_json(), topic=topic, district=DISTRICT)
        assert caught.value.facts == {"sender": example.source, "topic": topic}


@ROWS
def test_each_row_has_its_own_limit(row: Topic) -> None:
    """A message one byte over its row's limit is refused as oversized, with both numbers; at the limit it is read."""
    example = examples()[row.carries]
    payload = example.to_json()
    at_limit = payload + b" " * (row.max_bytes - len(payload))
    assert read(at_limit, topic=path_of(example), district=DISTRICT) == example
    with pytest.raises(MessageOversized) as caught:
        read(at_limit + b" ", topic=path_of(example), district=DISTRICT)
    assert (caught.value.facts["size"], caught.value.facts["limit"]) == (row.max_bytes + 1, row.max_bytes)


def test_nothing_is_parsed_beyond_the_absolute_limit() -> None:
    """What is longer than any message is refused by its length alone, even if it is not JSON at all."""
    with pytest.raises(MessageOversized):
        read(b"[" * (ABSOLUTE_MAX_BYTES + 1), topic="x", district=DISTRICT)
    with pytest.raises(MessageMalformed):
        read(b"[" * ABSOLUTE_MAX_BYTES, topic="x", district=DISTRICT)


def test_the_largest_honest_alert_fits() -> None:
    """An alert with every list and text at its permitted maximum still fits its row."""
    example = examples()[AlertRaised]
    assert isinstance(example.data, AlertRaised)
    full = example.data.model_copy(
        update={
            "place": "p" * 500,
            "measurement": {f"a_measurement_with_a_long_name_{n}_m": -1.2345678901234567e-300 for n in range(20)},
            "evidence": example.data.evidence * 16,
            "thumbnail_jpeg_base64": "A" * 32_000,
            "explanation": example.data.explanation.model_copy(update={"label": "l" * 500}),
        }
    )
    payload = Event.of(full, id=example.id, source=example.source, time=example.time, sequence=1).to_json()
    assert len(payload) <= topic_for(AlertRaised).max_bytes
    assert read(payload, topic=path_of(example), district=DISTRICT).data == full


@given(SLUGS, SLUGS)
def test_names_never_leave_their_level(district: str, box: str) -> None:
    """No district or box name can add a level or a wildcard to a topic."""
    for row in TOPICS:
        topic = row.path(district, **everybody(box))
        assert topic.count("/") == f"{PREFIX}/d/{row.pattern}".count("/")
        assert not set("+#") & set(topic)
