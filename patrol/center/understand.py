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
from patrol.events import (
    AlertEnded,
    AlertRaised,
    BoxStatus,
    Data,
    DronePose,
    Event,
    EventId,
    EvidenceLost,
    FlightPhase,
    RequestAnswered,
    Slug,
    StationStatus,
    source_of,
)
from patrol.mqtt import Incoming
from patrol.topics import BOX_STATUS, DRONE_POSE, STATION_STATUS, TOPICS, Topic, read

IDENTIFY_MAX_BYTES = 1024 * 1024  # longer ones are not even looked into for an id; brokers rarely pass them on
EXCERPT_BYTES = 4096  # of a message that cannot be read; enough to see what it is
OF_BOXES: tuple[Topic, ...] = tuple(topic for topic in TOPICS if topic.sender == "box" and "center" in topic.readers)
OF_STATIONS: tuple[Topic, ...] = tuple(
    topic for topic in TOPICS if topic.sender == "station" and "center" in topic.readers
)
HEARD = OF_BOXES + OF_STATIONS
_EVENT_ID = TypeAdapter[str](EventId)
_SLUG = TypeAdapter[str](Slug)

Report = AlertRaised | AlertEnded | EvidenceLost  # what a box says until the centre has acknowledged it
StationSays = FlightPhase | RequestAnswered | StationStatus | DronePose


@dataclass(frozen=True)
class Understood:
    """A box's message that can be believed; `box` is its sender."""

    incoming: Incoming
    event: Event[Data]
    box: str


@dataclass(frozen=True)
class Reported:
    """A station's message that can be believed. Stations wait for no answer."""

    incoming: Incoming
    event: Event[Data]
    station: str


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


Item = Understood | Reported | Refusal


def understand(incoming: Incoming, district: str, boxes: Sequence[str]) -> Item:
    """Read one message; `boxes` are the configured ones, tried when the message does not name its box."""
    try:
        event = read(incoming.payload, topic=incoming.topic, district=district)
        if isinstance(event.data, StationSays):
            return Reported(incoming, event, _station(event, event.data, incoming.topic))
        box = _sender(event, incoming.topic)
    except WireError as err:
        return refuse(incoming, err, district, boxes)
    return Understood(incoming, event, box)


def _station(event: Event[Data], data: StationSays, topic: str) -> str:
    """The station that sent it. Raises MessageMisplaced."""
    if event.source != source_of("station", data.station):
        raise MessageMisplaced(sender=event.source, topic=topic)
    return data.station


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
    is_status = _is_sign(incoming, district, box)
    # signs of life are each different and come every ten seconds: one complaint about a box's stands for all
    what = "status" if is_status else event_id or hashlib.sha256(incoming.payload).hexdigest()
    key = hashlib.sha256(f"{incoming.topic}\n{type(reason).__name__}\n{what}".encode()).hexdigest()
    wants_answer = event_id is not None and box is not None and not is_status
    return Refusal(incoming, reason, event_id, box, wants_answer, key)


def _is_sign(incoming: Incoming, district: str, box: str | None) -> bool:
    """Whether it came where signs of life and poses come, of a box or of a station that it names itself."""
    if box is not None:
        return incoming.topic == BOX_STATUS.path(district, box=box)
    _, data = _envelope(incoming.payload)
    station, drone = _valid(_SLUG, data.get("station")), _valid(_SLUG, data.get("drone"))
    if station is None:
        return False
    places = [STATION_STATUS.path(district, station=station)]
    if drone is not None:
        places.append(DRONE_POSE.path(district, station=station, drone=drone))
    return incoming.topic in places


def identify(payload: bytes, topic: str, district: str, boxes: Sequence[str]) -> tuple[str | None, str | None]:
    """Event id and box of a message that cannot be read otherwise; None for what cannot be made out.

    The box must be one that may speak on `topic`. That is tried by building topics, not by taking one apart.
    """
    envelope, data = _envelope(payload)
    named = _valid(_SLUG, data.get("box"))
    candidates = ([named] if named is not None else []) + list(boxes)
    box = next((b for b in candidates if any(row.path(district, box=b) == topic for row in OF_BOXES)), None)
    return _valid(_EVENT_ID, envelope.get("id")), box


def _envelope(payload: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Envelope and data of a message, as far as they are JSON objects."""
    envelope: Any = None
    if len(payload) <= IDENTIFY_MAX_BYTES:
        try:
            envelope = json.loads(payload)
        except (ValueError, RecursionError):
            envelope = None
    envelope = envelope if isinstance(envelope, dict) else {}
    data = envelope.get("data")
    return envelope, data if isinstance(data, dict) else {}


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
