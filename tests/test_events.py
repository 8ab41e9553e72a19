"""patrol/events.py: what goes onto the wire, what comes off it, and what older and newer readers make of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from patrol.errors import MessageFromFuture, MessageMalformed, MessageOversized, MessageUnknown, WireError
from patrol.events import (
    DATA_TYPES,
    SCHEMA_PREFIX,
    Acknowledgement,
    AlertEnded,
    AlertRaised,
    Data,
    Event,
    parse,
    schema_name,
    source_of,
)
from patrol.reference.examples import examples

GOLDEN = Path(__file__).parent / "golden" / "wire"
GOLDEN_PAYLOADS = sorted(path for path in GOLDEN.glob("*.json") if not path.name.endswith(".schema.json"))
LIMIT = 64 * 1024


def read(payload: bytes) -> Event[Data]:
    """Parse with a roomy limit."""
    return parse(payload, topic="t", max_bytes=LIMIT)


def changed(data_type: type[Data], **changes: Any) -> bytes:
    """The example of a message with some of its envelope's fields replaced (None removes one)."""
    envelope: dict[str, Any] = json.loads(examples()[data_type].to_json())
    for name, value in changes.items():
        if value is None:
            del envelope[name]
        else:
            envelope[name] = value
    return json.dumps(envelope).encode()


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda t: t.type_name)
def test_round_trip(data_type: type[Data]) -> None:
    """What is written is read again as the same thing, for every kind of message."""
    example = examples()[data_type]
    again = read(example.to_json())
    assert type(again.data) is data_type
    assert again.data == example.data
    assert again.model_dump() == example.model_dump()


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda t: t.type_name)
@pytest.mark.parametrize("envelope", [Event, Event[Data]], ids=["Event", "Event[Data]"])
def test_the_data_is_written_whole_however_the_event_is_typed(
    envelope: type[Event[Data]], data_type: type[Data]
) -> None:
    """An event typed by the general `Data` writes the fields of the message it holds (it once wrote `{}`)."""
    example = examples()[data_type]
    written = json.loads(envelope.of(example.data, id=example.id, source="/box/a", time=example.time).to_json())
    assert written["data"] == json.loads(example.to_json())["data"]
    assert set(written["data"]) == set(data_type.model_fields)


@pytest.mark.parametrize("payload_file", GOLDEN_PAYLOADS, ids=lambda p: p.stem)
def test_frozen_payloads_are_still_read(payload_file: Path) -> None:
    """A message that an older program of this major version wrote, byte for byte, means what it meant."""
    payload = payload_file.read_bytes()
    event = read(payload)
    written = json.loads(payload)["data"]
    kept = json.loads(event.to_json())["data"]
    assert {name: kept[name] for name in written} == written


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda t: t.type_name)
def test_every_version_has_its_frozen_payload_and_schema(data_type: type[Data]) -> None:
    """A new message or version cannot be released without the files that later readers are held to."""
    major, minor = data_type.version
    for number in range(minor + 1):
        stem = f"{data_type.type_name}-{major}.{number}"
        assert (GOLDEN / f"{stem}.json").is_file(), f"freeze {stem}: tests/golden/wire/README.md"
        assert (GOLDEN / f"{stem}.schema.json").is_file(), f"freeze {stem}: tests/golden/wire/README.md"


@pytest.mark.parametrize("schema_file", sorted(GOLDEN.glob("*.schema.json")), ids=lambda p: p.name[:-12])
def test_an_older_reader_accepts_what_we_write_today(schema_file: Path) -> None:
    """Today's message satisfies the frozen schema of every earlier minor version: fields were only added."""
    schema = json.loads(schema_file.read_text())
    type_name = schema_file.name.rsplit("-", 1)[0]
    data_type = next(t for t in DATA_TYPES if t.type_name == type_name)
    envelope = json.loads(examples()[data_type].to_json())
    jsonschema.Draft202012Validator(schema).validate(envelope)
    bare = jsonschema.Draft202012Validator(schema).iter_errors({**envelope, "data": {}})
    assert any("required" in str(fault.validator) for fault in bare), "the frozen schema must be able to refuse"


def properties(schema: dict[str, Any], node: dict[str, Any] | None = None, path: str = "") -> dict[str, Any]:
    """Dotted path -> what is allowed there, for every field of a schema; names and words left out."""
    node = schema if node is None else node
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    words = {"description", "title", "default", "properties", "required", "$defs"}
    found: dict[str, Any] = {path: {k: v for k, v in node.items() if k not in words and k not in ("items", "anyOf")}}
    for name, field in node.get("properties", {}).items():
        found |= properties(schema, field, f"{path}.{name}")
    for n, choice in enumerate(node.get("anyOf", [])):
        found |= properties(schema, choice, f"{path}|{n}")
    if isinstance(node.get("items"), dict):
        found |= properties(schema, node["items"], f"{path}[]")
    return found


@pytest.mark.parametrize("schema_file", sorted(GOLDEN.glob("*.schema.json")), ids=lambda p: p.name[:-12])
def test_fields_are_only_added(schema_file: Path) -> None:
    """No field of a released version was removed, renamed, retyped, or given values that an older reader refuses."""
    data_type = next(t for t in DATA_TYPES if t.type_name == schema_file.name.rsplit("-", 1)[0])
    today = properties(Event[data_type].model_json_schema())  # type: ignore[valid-type]  # the type is chosen at run time
    frozen = properties(json.loads(schema_file.read_text()))
    assert {path: today.get(path) for path in frozen} == frozen


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda t: t.type_name)
def test_a_newer_minor_version_is_read_and_its_new_fields_ignored(data_type: type[Data]) -> None:
    """Fields of a newer minor version, in the envelope and in the data, disturb nobody."""
    example = json.loads(examples()[data_type].to_json())
    major, minor = data_type.version
    newer = changed(
        data_type,
        dataschema=f"{SCHEMA_PREFIX}{data_type.type_name}:{major}.{minor + 7}",
        traceparent="00-ab-cd-01",
        data={**example["data"], "mood": {"of": ["the", "box"]}},
    )
    assert read(newer).data == examples()[data_type].data


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda t: t.type_name)
def test_a_newer_major_version_is_refused(data_type: type[Data]) -> None:
    """A future major version is refused by name, whatever its data looks like."""
    future = f"{SCHEMA_PREFIX}{data_type.type_name}:{data_type.version[0] + 1}.0"
    with pytest.raises(MessageFromFuture) as caught:
        read(changed(data_type, dataschema=future, data={"all": "new"}))
    assert caught.value.facts["found"] == future.rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("payload", "error", "said"),
    [
        (b"", MessageMalformed, "not JSON"),
        (b"\xff\xfe", MessageMalformed, "not JSON"),
        (b"[" * 60_000, MessageMalformed, "not JSON"),
        (b"null", MessageMalformed, "CloudEvent"),
        (b"[]", MessageMalformed, "CloudEvent"),
        (b'{"type": 3}', MessageMalformed, "CloudEvent"),
        (b'{"type": "patrol.moon.phase"}', MessageUnknown, "patrol.moon.phase"),
        (b" " * (LIMIT + 1), MessageOversized, str(LIMIT)),
        (changed(AlertEnded, dataschema=None), MessageMalformed, "dataschema should look like"),
        (changed(AlertEnded, dataschema=schema_name(Acknowledgement)), MessageMalformed, "dataschema"),
        (changed(AlertEnded, dataschema="urn:x:99999.0"), MessageMalformed, "dataschema"),
        (changed(AlertEnded, id=None), MessageMalformed, "id: "),
        (changed(AlertEnded, id="short"), MessageMalformed, "id: "),
        (changed(AlertEnded, time="2025-06-03T09:44:30"), MessageMalformed, "time: "),
        (changed(AlertEnded, time="1970-01-01T00:00:03Z"), MessageMalformed, "before 2000"),
        (changed(AlertEnded, specversion="0.3"), MessageMalformed, "specversion"),
        (changed(AlertEnded, sequence="12"), MessageMalformed, "sequence"),
        (changed(AlertEnded, data={}), MessageMalformed, "more)"),
        (changed(AlertEnded, data=None), MessageMalformed, "data"),
    ],
)
def test_what_cannot_be_believed(payload: bytes, error: type[WireError], said: str) -> None:
    """Each way of being wrong has its own error, which names the fault in both languages."""
    with pytest.raises(error) as caught:
        read(payload)
    assert said in caught.value.explain("en")
    ours = {"not JSON": "不是 JSON", "dataschema should look like": "dataschema 应形如"}
    assert ours.get(said, said) in caught.value.explain("zh-CN")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_infinite_numbers(number: str) -> None:
    """JSON from careless senders that holds NaN or infinity is refused, not passed on to geometry."""
    payload = changed(AlertRaised).replace(b'"lat_deg": 22.5433701', f'"lat_deg": {number}'.encode())
    assert number.encode() in payload
    with pytest.raises(MessageMalformed):
        read(payload)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def read_or_refuse(payload: bytes) -> None:
    """The only two things that may happen to a message."""
    refusal: WireError | None = None
    try:
        assert read(read(payload).to_json()) == read(payload)
    except WireError as err:
        refusal = err
    assert refusal is None or (refusal.explain("en") and refusal.explain("zh-CN"))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(payload: bytes) -> None:
    """No bytes whatever make `parse` raise anything but a WireError."""
    read_or_refuse(payload)


@settings(max_examples=300)
@given(data=st.data())
def test_mutated_messages_are_read_or_refused(data: st.DataObject) -> None:
    """Nor does a real message in which anything has been replaced by anything."""
    envelope = json.loads(examples()[data.draw(st.sampled_from(DATA_TYPES))].to_json())
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = envelope
        while isinstance(here, (dict, list)) and here:
            key: Any = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
            if not isinstance(here[key], (dict, list)) or data.draw(st.booleans()):
                here[key] = data.draw(JSON_VALUES | st.sampled_from(["1e400", "2025-02-30T00:00:00Z", "\ud800", 2**80]))
                break
            here = here[key]
    read_or_refuse(json.dumps(envelope).encode())


def test_times_are_written_in_utc() -> None:
    """A time of any zone goes out as the same moment in UTC with milliseconds; one without a zone never does."""
    example = examples()[AlertEnded]
    china = timezone(timedelta(hours=8))
    event = Event.of(
        example.data, id=example.id, source="/box/a", time=datetime(2025, 6, 3, 17, 44, 30, 250_900, china)
    )
    assert json.loads(event.to_json())["time"] == "2025-06-03T09:44:30.250Z"
    with pytest.raises(ValidationError):
        Event.of(example.data, id=example.id, source="/box/a", time=datetime(2025, 6, 3))  # noqa: DTZ001 - the naive time is what must fail


def test_events_do_not_change() -> None:
    """Neither an event nor the data in it can be altered after it was made."""
    event = examples()[AlertRaised]
    with pytest.raises(ValidationError):
        event.late = True
    with pytest.raises(ValidationError):
        event.data.box = "other"  # type: ignore[attr-defined]  # the point of the test


def test_sequence_sorts_as_text() -> None:
    """Sequence numbers are padded, so that they sort as text, as CloudEvents asks."""
    example = examples()[AlertEnded]
    written = [
        Event.of(
            example.data, id=example.id, source=source_of("box", "a"), time=datetime(2025, 1, 1, tzinfo=UTC), sequence=n
        )
        for n in (9, 10, 999_999_999_999)
    ]
    assert [event.sequence for event in written] == sorted(str(event.sequence) for event in written)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_has_no_utc_is_malformed(moment: str) -> None:
    """A time at the edge of the calendar is refused on reading: it could not be written or stored again."""
    envelope = json.loads(examples()[AlertEnded].to_json())
    envelope["data"]["cleared_at"] = moment
    with pytest.raises(MessageMalformed, match="cleared_at"):
        read(json.dumps(envelope).encode())
