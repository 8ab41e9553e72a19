"""Readings of smoke alarms and charging piles: any bytes are survived, and only what persists becomes a change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.events import Hazard
from patrol.flight.station.errands import FIRE
from patrol_edge.sensors import (
    MAX_PAYLOAD_BYTES,
    Change,
    Debounce,
    Mapped,
    Reading,
    ReadingState,
    hazard_of,
    hear,
    read_payload,
)
from tests.edge.conftest import START

SMOKE = Mapped("smoke", ("data", "alarm"), alarm_words=frozenset({"1", "true", "ALARM"}))
HEAT = Mapped("temperature", ("data", "temps", 0), scale=0.1, alarm_at=70, calm_below=60)
BOTH = (SMOKE, HEAT)
RULE = Debounce(votes=3, within_s=60, clear_s=30)
LEVELS = {"alarm": (True, False), "between": (False, False), "calm": (False, True)}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "alarm", "temps"]), inner),
    max_leaves=6,
)


def run(steps: Sequence[tuple[float, str]], *, restart: bool = False) -> list[tuple[float, Change]]:
    """Changes by second; with `restart` the state goes through the disk's form after every reading."""
    state, at_s, found = ReadingState(), 0.0, list[tuple[float, Change]]()
    for after_s, level in steps:
        at_s += after_s
        alarms, calm = LEVELS[level]
        now = START + timedelta(seconds=at_s)
        state, change = hear(state, Reading("smoke", alarms, calm, None), now, RULE, "demo/street/hall")
        if restart:
            state = ReadingState.model_validate_json(state.model_dump_json())
        if change is not None:
            found.append((at_s, change))
    return found


@given(st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_survived(payload: bytes) -> None:
    """Whatever a vendor sends, reading it ends with readings or with nothing, never with an error."""
    heard = read_payload(payload, BOTH)
    assert heard is None or len(heard.readings) + heard.unusable <= len(BOTH)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[" * 60_000, b"9" * 5000, b" " * MAX_PAYLOAD_BYTES + b"1"])
def test_what_is_no_document_is_nothing(payload: bytes) -> None:
    """Empty, binary, bottomless, endless and oversized payloads are told apart from messages."""
    assert read_payload(payload, BOTH) is None


@pytest.mark.parametrize("raw", ['"hot"', "null", "true", "NaN", "1e999", "1" + "0" * 400, "{}"])
def test_a_value_that_is_no_number_is_unusable(raw: str) -> None:
    """Nonsense where a temperature should be is counted and leaves the other reading of the message alone."""
    heard = read_payload(f'{{"data": {{"alarm": 1, "temps": [{raw}]}}}}'.encode(), BOTH)
    assert heard is not None
    assert heard.unusable == 1
    assert heard.readings == (Reading("smoke", True, False, None),)


@pytest.mark.parametrize(
    ("raw", "alarms", "calm"), [("700", True, False), ("699", False, False), ('"650"', False, False), ("599", False, True)]
)  # fmt: skip
def test_units_and_the_two_limits(raw: str, alarms: bool, calm: bool) -> None:
    """Tenths of a degree become degrees; from 70 on it alarms, below 60 it is calm, between the two it is neither."""
    heard = read_payload(f'{{"data": {{"temps": [{raw}]}}}}'.encode(), BOTH)
    assert heard is not None
    (reading,) = heard.readings
    assert (reading.alarms, reading.is_calm) == (alarms, calm)
    assert reading.value == pytest.approx(float(raw.strip('"')) / 10)


STEPS = st.lists(st.tuples(st.integers(0, 100), st.sampled_from(list(LEVELS))), max_size=40)


@given(STEPS)
def test_every_alert_has_its_votes_and_its_end(steps: Sequence[tuple[float, str]]) -> None:
    """Raised and ended take turns; a raise has enough votes within its time; an end has had nothing but calm for its time."""
    found = run(steps)
    assert [change.kind for _, change in found] == [("raised", "ended")[n % 2] for n in range(len(found))]
    for at_s, change in found:
        if change.kind == "raised":
            assert change.votes == RULE.votes
            assert (change.last_at - change.first_at).total_seconds() <= RULE.within_s
        else:
            assert at_s - (change.last_at - START).total_seconds() >= RULE.clear_s


@given(STEPS)
def test_a_restart_changes_nothing(steps: Sequence[tuple[float, str]]) -> None:
    """A box that is restarted after every single reading finds the same changes, ids included, at the same seconds."""
    assert run(steps, restart=True) == run(steps)


def test_a_blip_is_no_alert_and_silence_ends_none() -> None:
    """Two alarms and an hour's pause raise nothing; a raised alert outlives silence and a single calm reading after it."""
    assert run([(0, "alarm"), (1, "alarm"), (3600, "alarm")]) == []
    burst = [(0.0, "alarm"), (1.0, "alarm"), (1.0, "alarm")]
    assert [change.kind for _, change in run([*burst, (3600.0, "calm")])] == ["raised"]
    assert [change.kind for _, change in run([*burst, (3600.0, "calm"), (30.0, "calm")])] == ["raised", "ended"]
    assert [change.kind for _, change in run([*burst, (1.0, "calm"), (29.0, "between"), (1.0, "calm")])] == ["raised"]


@given(STEPS, st.integers(-(10**6), 10**6))
def test_a_clock_that_is_set_moves_the_memory_along(steps: Sequence[tuple[float, str]], step_s: int) -> None:
    """State shifted by the step of the clock judges the next reading as if the clock had not been set."""
    by, state, now = timedelta(seconds=step_s), ReadingState(), START
    for after_s, level in steps:
        now += timedelta(seconds=after_s)
        reading = Reading("smoke", *LEVELS[level], None)
        after, change = hear(state, reading, now, RULE, "x")
        moved, moved_change = hear(state.shifted(by), reading, now + by, RULE, "x")
        assert (moved_change is None) == (change is None)
        assert len(moved.votes) == len(after.votes)
        state = after


def test_smoke_in_a_pile_is_what_the_station_flies_to() -> None:
    """Smoke of either kind of sensor is a hazard that the station answers with a flight; a hot or loose pile is not."""
    assert hazard_of(Hazard.SMOKE_ALARM, "smoke") in FIRE
    assert hazard_of(Hazard.CHARGING_PILE, "smoke") in FIRE
    assert hazard_of(Hazard.CHARGING_PILE, "temperature") not in FIRE
