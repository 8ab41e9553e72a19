"""A message from the wire: what it says, or why it cannot be believed. Pure.

A message that cannot be read may still say whose it is and which it is; then its sender can be told that
it is refused, instead of sending it for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from patrol.errors import MessageMalformed, MessageMisplaced, WireError
from patrol.events import AlertEnded, AlertRaised, BoxStatus, Data, Event, EventId, EvidenceLost, Slug, source_of
from patrol.mqtt import Incoming
from patrol.topics import BOX_STATUS, TOPICS, Topic, read

IDENTIFY_MAX_BYTES = 1024 * 1024  # longer ones are not even looked into for an id; brokers rarely pass them on
EXCERPT_BYTES = 4096  # of a message that cannot be read; enough to see what it is
HEARD: tuple[Topic, ...] = tuple(topic for topic in TOPICS if topic.sender == "box" and "center" in topic.readers)
_EVENT_ID = TypeAdapter[str](EventId)
_SLUG = TypeAdapter[str](Slug)

Report = AlertRaised | AlertEnded | EvidenceLost  # what a box says until the centre has acknowledged it


@dataclass(frozen=True)
class Understood:
    """A message that can be believed; `box` is its sender."""

    incoming: Incoming
    event: Event[Data]
    box: str


@dataclass(frozen=True)
class Refusal:
    """A message that cannot, why, and as much of its identity as could be made out.

    `key` is equal for messages that are the same complaint again: they are counted, not piled up.
    """

    incoming: Incoming
    reason: WireError
    event_id: str | None
    box: str | None
    wants_answer: bool  # its sender waits for an acknowledgement, and one can be addressed
    key: str


def understand(incoming: Incoming, district: str, boxes: Sequence[str]) -> Understood | Refusal:
    """Read one message; `boxes` are the configured ones, tried when the message does not name its box."""
    try:
        event = read(incoming.payload, topic=incoming.topic, district=district)
        box = _sender(event, incoming.topic)
    except WireError as err:
        return refuse(incoming, err, district, boxes)
    return Understood(incoming, event, box)


def _sender(event: Event[Data], topic: str) -> str:
    """The box that sent it. Raises MessageMisplaced, MessageMalformed."""
    data = event.data
    if not isinstance(data, (AlertRaised, AlertEnded, EvidenceLost, BoxStatus)):
        raise MessageMisplaced(sender=event.source, topic=topic)
    if event.source != source_of("box", data.box):
        raise MessageMisplaced(sender=event.source, topic=topic)
    if isinstance(data, AlertRaised) and data.alert_id != event.id:
        raise MessageMalformed(topic=topic, cause="data.alert_id is not the id of the event")
    return data.box


def refuse(incoming: Incoming, reason: WireError, district: str, boxes: Sequence[str]) -> Refusal:
    """The dead letter of a message that cannot be believed because of `reason`."""
    event_id, box = identify(incoming.payload, incoming.topic, district, boxes)
    is_status = box is not None and incoming.topic == BOX_STATUS.path(district, box=box)
    # signs of life are each different and come every ten seconds: one complaint about a box's stands for all
    what = "status" if is_status else event_id or hashlib.sha256(incoming.payload).hexdigest()
    key = hashlib.sha256(f"{incoming.topic}\n{type(reason).__name__}\n{what}".encode()).hexdigest()
    wants_answer = event_id is not None and box is not None and not is_status
    return Refusal(incoming, reason, event_id, box, wants_answer, key)


def identify(payload: bytes, topic: str, district: str, boxes: Sequence[str]) -> tuple[str | None, str | None]:
    """Event id and box of a message that cannot be read otherwise; None for what cannot be made out.

    The box must be one that may speak on `topic`. That is tried by building topics, not by taking one apart.
    """
    envelope: Any = None
    if len(payload) <= IDENTIFY_MAX_BYTES:
        try:
            envelope = json.loads(payload)
        except (ValueError, RecursionError):
            envelope = None
    envelope = envelope if isinstance(envelope, dict) else {}
    data = envelope.get("data")
    named = _valid(_SLUG, data.get("box") if isinstance(data, dict) else None)
    candidates = ([named] if named is not None else []) + list(boxes)
    box = next((b for b in candidates if any(row.path(district, box=b) == topic for row in HEARD)), None)
    return _valid(_EVENT_ID, envelope.get("id")), box


def _valid(shape: TypeAdapter[str], value: object) -> str | None:
    try:
        return shape.validate_python(value, strict=True)
    except ValidationError:
        return None


def printable(text: str) -> str:
    """`text` without what a database or the wire cannot hold: NUL becomes `�`, half a surrogate pair `?`."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def excerpt(payload: bytes) -> str:
    """The beginning of a message, for people."""
    return printable(payload[:EXCERPT_BYTES].decode("utf-8", "replace"))
