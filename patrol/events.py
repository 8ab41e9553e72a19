"""The wire schema: every message as a frozen type inside a CloudEvent 1.0 (structured JSON).

Producers are exact, consumers ignore what they don't know, fields are only added. Within a major
version an older reader can always read a newer message; `dataschema` carries `major.minor`.

CloudEvents: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md; `sequence` is its
registered extension, `late` and `drill` are ours.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError, field_validator

from patrol.errors import MessageFromFuture, MessageMalformed, MessageOversized, MessageUnknown
from patrol.flight_events import (
    DronePose,
    DroneStatus,
    FlightPhase,
    FlightRequested,
    RequestAnswered,
    StationStatus,
    WeatherWarned,
)
from patrol.vocabulary import Data, EventId, Frozen, Hazard, Line, Moment, Position, Said, Sha256, Slug

__all__ = [  # what stands in other files and is read from here
    "Data",
    "DronePose",
    "DroneStatus",
    "EventId",
    "FlightPhase",
    "FlightRequested",
    "Frozen",
    "Hazard",
    "Line",
    "Moment",
    "Position",
    "RequestAnswered",
    "Said",
    "Sha256",
    "Slug",
    "StationStatus",
    "WeatherWarned",
]

SCHEMA_PREFIX = "urn:sky-ground-patrol:"


class Region(Frozen):
    """A rectangle in a picture, pixels of that picture, top left corner first."""

    x_min_px: float = Field(description="left edge")
    y_min_px: float = Field(description="top edge")
    x_max_px: float = Field(description="right edge")
    y_max_px: float = Field(description="bottom edge")
    width_px: int = Field(gt=0, description="width of the whole picture")
    height_px: int = Field(gt=0, description="height of the whole picture")


class EvidenceRef(Frozen):
    """One file that proves something; the file itself travels by upload."""

    sha256: Sha256 = Field(description="SHA-256 of the file's bytes, and its address at the centre")
    media_type: Literal["image/jpeg", "video/mp4", "image/tiff"] = Field(description="IANA media type")
    size_bytes: int = Field(ge=1, description="length of the file")
    role: Literal["frame", "marked", "clip"] = Field(
        description="the picture as taken, the picture with the finding drawn in, or a clip around it"
    )
    taken_at: Moment = Field(description="when the (first) picture was taken")
    blurred: bool = Field(description="whether faces and plates are made unrecognisable in it")


class ModelRef(Frozen):
    """Which network saw it."""

    name: Slug = Field(description="name in models/registry.yaml")
    version: Line = Field(description="its version there")
    sha256: Sha256 = Field(description="SHA-256 of its file")


class Explanation(Frozen):
    """Why the box believes it: enough to repeat the decision by hand."""

    rule: Slug = Field(description="the rule that decided")
    zone: Slug = Field(description="the camera's zone in which it was seen")
    label: Line = Field(description="the class of object, as the model names it")
    first_seen_at: Moment = Field(description="when it was first seen at this place")
    last_seen_at: Moment = Field(description="when it was last seen before this message")
    dwell_s: float = Field(ge=0, description="how long it has been seen there, seconds of the frames' own time")
    needed_dwell_s: float = Field(ge=0, description="how long was needed")
    looks: int = Field(ge=1, description="frames judged since it was first seen")
    votes: int = Field(ge=1, description="frames of those that saw it")
    needed_share: float = Field(ge=0, le=1, description="share of looks that had to see it")
    confidence: float = Field(ge=0, le=1, description="median confidence of the votes")
    threshold: float = Field(ge=0, le=1, description="confidence that counted as a vote")


class AlertRaised(Data):
    """A hazard was seen for long enough. Sent once for one thing at one place, again only after it ended."""

    type_name: ClassVar[str] = "patrol.alert.raised"
    version: ClassVar[tuple[int, int]] = (1, 1)

    alert_id: EventId = Field(description="id of the alert; equals the event's id")
    box: Slug = Field(description="the box that raised it")
    camera: Slug = Field(description="the camera that saw it")
    hazard: Hazard = Field(description="what is wrong")
    place: Line = Field(description="the box's key for this place; equal keys of one camera mean the same place")
    position: Position | None = Field(description="where it is on the ground; null when the camera has no pose")
    region: Region = Field(description="where it is in the picture")
    measurement: dict[str, float] = Field(
        default={}, max_length=20, description="what the rule measured, units in the names"
    )
    explanation: Explanation = Field(description="why the box believes it")
    model: ModelRef | None = Field(description="the network that saw it; null for rules without one")
    evidence: tuple[EvidenceRef, ...] = Field(max_length=16, description="files that prove it, uploaded apart")
    thumbnail_jpeg_base64: str | None = Field(
        default=None, max_length=32_000, description="a small picture for the first glance"
    )
    sensor: Slug | None = Field(
        default=None,
        description="the sensor that told it; `camera` is then the one nearest to it, or its own id where none is near, "
        "and `region` the whole of that camera's picture, or 1 x 1 where there is none",
    )


class AlertEnded(Data):
    """What an alert was about is no longer there (or the camera's task changed)."""

    type_name: ClassVar[str] = "patrol.alert.ended"
    version: ClassVar[tuple[int, int]] = (1, 0)

    alert_id: EventId = Field(description="the alert that ended")
    box: Slug = Field(description="the box that raised it")
    camera: Slug = Field(description="the camera that saw it")
    last_seen_at: Moment = Field(description="when it was last seen")
    cleared_at: Moment = Field(description="when the box was sure that it was gone")


class EvidenceLost(Data):
    """A file that an alert refers to cannot be uploaded any more; the alert stands."""

    type_name: ClassVar[str] = "patrol.evidence.lost"
    version: ClassVar[tuple[int, int]] = (1, 0)

    alert_id: EventId = Field(description="the alert it belongs to")
    box: Slug = Field(description="the box that had it")
    sha256: Sha256 = Field(description="the address it should have had")
    reason: Literal["missing", "altered", "refused"] = Field(
        description="gone, changed since, or not taken by the centre"
    )
    detail: Line = Field(description="more, for the engineer")


class CameraStatus(Frozen):
    """How one camera is being watched."""

    camera: Slug = Field(description="the camera")
    state: Literal["starting", "watching", "lost", "ended"] = Field(description="what the box is doing with it")
    since: Moment = Field(description="when this state began")
    last_frame_at: Moment | None = Field(description="time of the newest frame")
    looks: int = Field(ge=0, description="frames judged in this session")
    unwatched_s: float = Field(
        ge=0, description="seconds of this session in which nobody looked in time for its hazards"
    )
    detail: Line = Field(default="", description="why it is lost, if it is")


class SensorStatus(Frozen):
    """What is known of one sensor that a box listens to."""

    sensor: Slug = Field(description="the sensor")
    state: Literal["waiting", "heard", "alarm", "silent", "refused"] = Field(
        description="not heard yet, heard of late, alarming, not heard for too long, or the broker refuses its topic"
    )
    last_heard_at: Moment | None = Field(description="when it was last heard")
    messages: int = Field(ge=0, description="messages read in this session")
    unreadable: int = Field(ge=0, description="messages or values in this session that its model cannot read")
    detail: Line = Field(default="", description="why it is refused, if it is")


class BoxStatus(Data):
    """A box's sign of life: retained, and left behind as a last will when it dies."""

    type_name: ClassVar[str] = "patrol.box.status"
    version: ClassVar[tuple[int, int]] = (1, 1)

    box: Slug = Field(description="the box")
    session: int = Field(ge=1, description="grows with every start; a status of an older session is stale")
    state: Literal["online", "offline"] = Field(description="offline comes from the last will or a clean stop")
    software: Line = Field(description="version of the program")
    cameras: tuple[CameraStatus, ...] = Field(default=(), max_length=64, description="one entry a camera")
    outbox_waiting: int = Field(default=0, ge=0, description="messages the centre has not acknowledged yet")
    outbox_refused: int = Field(default=0, ge=0, description="messages the centre could not read; kept on the box")
    evidence_waiting: int = Field(default=0, ge=0, description="files not uploaded yet")
    sensors: tuple[SensorStatus, ...] = Field(
        default=(), max_length=256, description="one entry a sensor; of more, those with trouble first"
    )


class Acknowledgement(Data):
    """The centre has stored a box's message (or will never): the box may take it out of its outbox."""

    type_name: ClassVar[str] = "patrol.acknowledgement"
    version: ClassVar[tuple[int, int]] = (1, 0)

    box: Slug = Field(description="whose message it was")
    event_id: EventId = Field(description="id of the message that is acknowledged")
    outcome: Literal["stored", "duplicate", "refused"] = Field(
        description="stored now, stored before, or unreadable and kept as a dead letter"
    )
    reason: Line = Field(default="", description="why it was refused")
    case_number: Line = Field(default="", description="the case it belongs to")


class CaseOpened(Data):
    """A new incident has become a case; for the case system and for whoever wants to know."""

    type_name: ClassVar[str] = "patrol.case.opened"
    version: ClassVar[tuple[int, int]] = (1, 0)

    case_number: Line = Field(description="the number people use")
    incident_id: EventId = Field(description="the incident under handling")
    alert_id: EventId = Field(description="the alert that started it")
    hazard: Hazard = Field(description="what is wrong")
    position: Position | None = Field(description="where")
    cell: Slug | None = Field(description="grid cell, null when the position is unknown or outside the grid")
    unit: Slug | None = Field(description="unit that must deal with it")
    found_at: Moment = Field(description="when it was first seen")
    due_at: Moment = Field(description="when it must have been dealt with")


class CenterStatus(Data):
    """The centre's sign of life: retained, with a last will."""

    type_name: ClassVar[str] = "patrol.center.status"
    version: ClassVar[tuple[int, int]] = (1, 0)

    session: int = Field(ge=1, description="grows with every start")
    state: Literal["online", "offline"] = Field(description="offline comes from the last will or a clean stop")
    software: Line = Field(description="version of the program")


D = TypeVar("D", bound=Data)

DATA_TYPES: tuple[type[Data], ...] = (
    AlertRaised,
    AlertEnded,
    EvidenceLost,
    BoxStatus,
    Acknowledgement,
    CaseOpened,
    CenterStatus,
    FlightRequested,
    WeatherWarned,
    RequestAnswered,
    FlightPhase,
    DronePose,
    StationStatus,
)
_BY_TYPE = {data_type.type_name: data_type for data_type in DATA_TYPES}


class Event(Frozen, Generic[D]):
    """A CloudEvent around one `Data`."""

    specversion: Literal["1.0"] = Field(default="1.0", description="version of CloudEvents")
    id: EventId = Field(description="the same across retries: the key against duplicates")
    source: str = Field(
        min_length=1, max_length=200, description="who sent it: /box/NAME, /center/DISTRICT or /station/NAME"
    )
    type: str = Field(description="the kind of message")
    time: Moment = Field(description="when it happened, not when it was sent")
    dataschema: str = Field(description="type and version, urn:sky-ground-patrol:TYPE:MAJOR.MINOR")
    datacontenttype: Literal["application/json"] = Field(default="application/json", description="form of `data`")
    sequence: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="number of this message among its sender's, so that a gap shows",
    )
    late: bool = Field(default=False, description="it comes later than it should; `time` is still true")
    drill: bool = Field(default=False, description="an exercise: must never reach a real dispatch")
    # SerializeAsAny: an Event[Data] that holds an AlertRaised writes the alert, not the empty `Data`
    data: SerializeAsAny[D] = Field(description="what the message says")

    @field_validator("time")
    @classmethod
    def _within_reason(cls, moment: datetime) -> datetime:
        if moment.year < 2000:
            raise ValueError("a clock that was never set: the year is before 2000")
        return moment

    @classmethod
    def of(
        cls,
        data: D,
        *,
        id: str,  # noqa: A002 - the CloudEvents attribute is called so
        source: str,
        time: datetime,
        sequence: int | None = None,
        late: bool = False,
        drill: bool = False,
    ) -> Self:
        """Wrap `data`. `time` is when it happened, not when it is sent; `id` stays the same across retries."""
        return cls(
            id=id,
            source=source,
            type=data.type_name,
            time=time,
            dataschema=schema_name(type(data)),
            data=data,
            late=late,
            drill=drill,
            sequence=None if sequence is None else f"{sequence:012d}",
        )

    def to_json(self) -> bytes:
        """The message as it goes onto the wire."""
        return self.model_dump_json(exclude_none=False).encode()


def schema_name(data_type: type[Data]) -> str:
    """The `dataschema` of a message: a URN with type and `major.minor`."""
    major, minor = data_type.version
    return f"{SCHEMA_PREFIX}{data_type.type_name}:{major}.{minor}"


def source_of(program: Literal["box", "center", "station"], name: str) -> str:
    """The CloudEvents `source` of a sender."""
    return f"/{program}/{name}"


def parse(payload: bytes, *, topic: str, max_bytes: int) -> Event[Data]:
    """Read one message from the wire. Every way in which it can be wrong is a WireError that says so.

    Raises: MessageOversized, MessageMalformed, MessageUnknown, MessageFromFuture.
    """
    if len(payload) > max_bytes:
        raise MessageOversized(topic=topic, size=len(payload), limit=max_bytes)
    try:
        envelope = json.loads(payload)
    except (ValueError, RecursionError) as err:
        raise MessageMalformed(topic=topic, cause=f"not JSON: {err}"[:300]) from err
    if not isinstance(envelope, dict) or not isinstance(envelope.get("type"), str):
        raise MessageMalformed(topic=topic, cause="not a CloudEvent: it has no 'type'")
    data_type = _BY_TYPE.get(envelope["type"])
    if data_type is None:
        raise MessageUnknown(topic=topic, type=envelope["type"][:100])
    _check_version(envelope.get("dataschema"), data_type, topic)
    try:
        return Event[data_type].model_validate_json(payload)  # type: ignore[valid-type]  # the type is chosen at run time
    except ValidationError as err:
        raise MessageMalformed(topic=topic, cause=_first_fault(err)) from err


def _check_version(dataschema: object, data_type: type[Data], topic: str) -> None:
    pattern = re.escape(SCHEMA_PREFIX + data_type.type_name) + r":(\d{1,4})\.(\d{1,4})"
    match = re.fullmatch(pattern, dataschema) if isinstance(dataschema, str) else None
    if match is None:
        raise MessageMalformed(topic=topic, cause=f"dataschema should look like {schema_name(data_type)}")
    if int(match[1]) > data_type.version[0]:
        raise MessageFromFuture(
            topic=topic, type=data_type.type_name, found=f"{match[1]}.{match[2]}", known=f"{data_type.version[0]}.x"
        )


def _first_fault(err: ValidationError) -> str:
    faults = err.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in faults[0]["loc"]) or "the message"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{where}: {faults[0]['msg']}{more}"[:300]
