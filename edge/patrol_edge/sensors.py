"""Smoke alarms and charging piles: a vendor's payload becomes readings, and readings that persist become changes. Pure.

Nothing here listens or sends (`sensing` does). `read_payload` takes any bytes; `hear` is the whole debounce of one reading of one sensor,
and its state is plain JSON so that a restart changes nothing. A sensor that says nothing proves nothing: silence neither
raises nor clears, it makes the sensor unwatched (`attention.Attention` with the heartbeat as its time between looks).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict

from patrol.config.sensors import SensorModel, SensorReading
from patrol.events import Hazard

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_VOTES = 100  # no rule may ask for more readings than this, so that memory stays bounded
Quantity = Literal["smoke", "temperature", "current", "cable"]


@dataclass(frozen=True)
class Mapped:
    """Where one reading stands in a vendor's payload, and when it is an alarm.

    `at`: keys and list indices from the outside in, e.g. ("data", "temps", 0). A reading is a word or a number: with
    `alarm_words` it alarms when its text is one of them; otherwise number * `scale` + `offset` (degrees Celsius,
    amperes) alarms at `alarm_at` and more, and is calm again only below `calm_below`.
    """

    quantity: Quantity
    at: tuple[str | int, ...]
    alarm_words: frozenset[str] = frozenset()
    scale: float = 1.0
    offset: float = 0.0
    alarm_at: float = 1.0
    calm_below: float = 1.0


@dataclass(frozen=True)
class Debounce:
    """`votes` alarming readings within `within_s` raise; readings that stay calm for `clear_s` end it."""

    votes: int = 2
    within_s: float = 60.0
    clear_s: float = 60.0


@dataclass(frozen=True)
class Reading:
    """One value of one message. Neither `alarms` nor `is_calm`: between the two limits. `value`: None for a word."""

    quantity: Quantity
    alarms: bool
    is_calm: bool
    value: float | None


@dataclass(frozen=True)
class Heard:
    """A payload that could be read: readings that it held, and how many mapped ones were there but unusable."""

    readings: tuple[Reading, ...]
    unusable: int


class ReadingState(BaseModel):
    """What is remembered of one reading of one sensor. Kept on disk."""

    model_config = ConfigDict(frozen=True)

    votes: tuple[AwareDatetime, ...] = ()
    calm_since: AwareDatetime | None = None
    last_alarm_at: AwareDatetime | None = None
    alert_id: str | None = None

    def shifted(self, by: timedelta) -> ReadingState:
        """The same state after the clock was set by `by`."""
        return ReadingState(
            votes=tuple(vote + by for vote in self.votes),
            calm_since=None if self.calm_since is None else self.calm_since + by,
            last_alarm_at=None if self.last_alarm_at is None else self.last_alarm_at + by,
            alert_id=self.alert_id,
        )


@dataclass(frozen=True)
class Change:
    """An alert is due, or is over. `first_at` and `last_at`: the oldest vote that counted and the newest alarm."""

    kind: Literal["raised", "ended"]
    alert_id: str
    first_at: datetime
    last_at: datetime
    votes: int


def mapping_of(model: SensorModel) -> tuple[Mapped, ...]:
    """A configured model as the table that `read_payload` goes by."""

    def mapped(one: SensorReading) -> Mapped:
        if one.alarm_at is None:
            return Mapped(one.quantity, one.path, frozenset(one.alarm_words))
        calm_below = one.alarm_at if one.calm_below is None else one.calm_below
        return Mapped(one.quantity, one.path, frozenset(), one.scale, one.offset, one.alarm_at, calm_below)

    return tuple(mapped(one) for one in model.readings)


def hazard_of(sensor: Hazard, quantity: Quantity) -> Hazard:
    """Smoke is a smoke alarm also inside a charging pile: that hazard is what sends a station's drone."""
    return Hazard.SMOKE_ALARM if quantity == "smoke" else sensor


def document_of(payload: bytes) -> tuple[bool, object]:
    """Whether a payload is a JSON document of a sane size, and the document. Never raises, whatever the bytes."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return False, None
    try:
        return True, json.loads(payload)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return False, None


def read_payload(payload: bytes, mapping: Sequence[Mapped]) -> Heard | None:
    """What a payload says; None when it is no JSON document of a sane size. Never raises, whatever the bytes."""
    is_json, document = document_of(payload)
    return read_document(document, mapping) if is_json else None


def read_document(document: object, mapping: Sequence[Mapped]) -> Heard:
    """The mapped readings of a JSON document."""
    readings: list[Reading] = []
    unusable = 0
    for mapped in mapping:
        found, value = value_at(document, mapped.at)
        if not found:
            continue  # vendors leave out what has not changed
        reading = _reading(value, mapped)
        if reading is None:
            unusable += 1
        else:
            readings.append(reading)
    return Heard(tuple(readings), unusable)


def value_at(document: object, path: Sequence[str | int]) -> tuple[bool, object]:
    """Whether something stands at `path` of a JSON document, and what."""
    here = document
    for step in path:
        in_object = isinstance(here, dict) and isinstance(step, str) and step in here
        in_list = isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here)
        if not (in_object or in_list):
            return False, None
        here = here[step]  # type: ignore[index]  # one of the two holds
    return True, here


def text_of(value: object) -> str:
    """A value as JSON writes it: true, 1, 1.5; a text as it stands."""
    return value if isinstance(value, str) else json.dumps(value)


def _reading(value: object, mapped: Mapped) -> Reading | None:
    if mapped.alarm_words:
        if not isinstance(value, (str, int, float)):
            return None
        alarms = text_of(value) in mapped.alarm_words
        return Reading(mapped.quantity, alarms, not alarms, None)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        measured = float(value) * mapped.scale + mapped.offset
    except (ValueError, OverflowError):
        return None
    if not isfinite(measured):
        return None
    alarms = measured >= mapped.alarm_at
    return Reading(mapped.quantity, alarms, not alarms and measured < mapped.calm_below, measured)


def hear(
    state: ReadingState, reading: Reading, now: datetime, rule: Debounce, identity: str
) -> tuple[ReadingState, Change | None]:
    """One reading that came at `now`, the box's own clock: vendors' clocks are not to be trusted.

    `identity` names district, box and sensor. An alert's id is made from it, so that a reading judged again after a
    failed write gives the same alert, not a second one.
    """
    if state.alert_id is None:
        return _waiting(state, reading, now, rule, identity)
    begun = state.votes[0] if state.votes else now
    last = state.last_alarm_at or begun
    if reading.alarms:
        return state.model_copy(update={"last_alarm_at": now, "calm_since": None}), None
    if not reading.is_calm:
        return state.model_copy(update={"calm_since": None}), None
    calm_since = state.calm_since or now
    if (now - calm_since).total_seconds() < rule.clear_s:
        return state.model_copy(update={"calm_since": calm_since}), None
    return ReadingState(), Change("ended", state.alert_id, begun, last, len(state.votes))


def _waiting(
    state: ReadingState, reading: Reading, now: datetime, rule: Debounce, identity: str
) -> tuple[ReadingState, Change | None]:
    recent = tuple(vote for vote in state.votes if 0 <= (now - vote).total_seconds() <= rule.within_s)
    if not reading.alarms:
        return ReadingState(votes=recent), None
    votes = (*recent, now)[-MAX_VOTES:]
    if len(votes) < min(rule.votes, MAX_VOTES):
        return ReadingState(votes=votes), None
    alert_id = str(uuid5(NAMESPACE_URL, f"{identity}/{reading.quantity}/{votes[0].isoformat()}"))
    raised = ReadingState(votes=votes, last_alarm_at=now, alert_id=alert_id)
    return raised, Change("raised", alert_id, votes[0], now, len(votes))
