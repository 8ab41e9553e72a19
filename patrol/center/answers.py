"""The shapes of the API's answers. Words and units are those of the wire (docs/wire.md)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from patrol.events import Explanation, Hazard, ModelRef, Moment, Position, Region


class Answer(BaseModel):
    """Frozen; fields are only added."""

    model_config = ConfigDict(frozen=True)


class Name(Answer):
    """Something said in both languages."""

    zh: str = Field(description="in Chinese")
    en: str = Field(description="in English")


class Named(Answer):
    """A thing of the configuration; one that the configuration does not know is called by its id."""

    id: str = Field(description="its short name")
    name: Name = Field(description="what people call it")


class SensorNamed(Named):
    """A sensor of the configuration, and where whoever is sent there finds it."""

    room: str = Field(description="room or unit; empty where the configuration names none")


class ErrorAnswer(Answer):
    """Why a request was refused."""

    code: str = Field(description="what happened, for programs")
    message: Name = Field(description="what happened and what to do, for people")


CaseState = Literal["found", "assigned", "handled", "fed_back", "checked", "closed"]
Role = Literal["frame", "marked", "clip"]


class Evidence(Answer):
    """One file that proves something."""

    sha256: str = Field(description="its address")
    media_type: str = Field(description="IANA media type")
    role: Role = Field(description="the picture as taken, the picture with the finding drawn in, or a clip around it")
    taken_at: Moment = Field(description="when the (first) picture was taken")
    size_bytes: int = Field(description="length of the file")
    blurred: bool = Field(description="whether faces and plates are made unrecognisable in it")
    state: Literal["waiting", "stored", "lost"] = Field(description="expected, here, or never coming")
    lost_reason: Literal["missing", "altered", "refused"] | None = Field(
        description="gone from the box, changed since, or not taken by the centre"
    )
    lost_detail: str = Field(description="more, for the engineer")
    url: str | None = Field(description="where to get it, once it is stored")


class AlertAnswer(Answer):
    """One alert of an incident."""

    alert_id: str = Field(description="id of the alert")
    hazard: Hazard = Field(description="what this alert is about; one fire may be seen as flame and as heat")
    sensor: SensorNamed | None = Field(description="the sensor that told it; null: a camera saw it")
    box: str = Field(description="the box that raised it")
    camera: str = Field(description="the camera that saw it")
    zone: str = Field(description="the camera's zone")
    place: str = Field(description="the box's key for the place")
    raised_at: Moment = Field(description="time of the frame that raised it")
    received_at: Moment = Field(description="when it was stored here")
    ended_at: Moment | None = Field(description="when the box was sure that it was gone; null while it lasts")
    late: bool = Field(description="it came later than it should")
    region: Region = Field(description="where it is in the picture")
    explanation: Explanation = Field(description="why the box believes it")
    model: ModelRef | None = Field(description="the network that saw it")
    measurement: dict[str, float] = Field(description="what the rule measured, units in the names")
    evidence: list[str] = Field(description="addresses of its files")


class IncidentAnswer(Answer):
    """One thing at one place, with its case. Region, explanation and picture are those of the newest alert."""

    incident_id: str = Field(description="id of the incident")
    case_number: str = Field(description="the number people use")
    case_state: CaseState = Field(description="how far the case is; `found` has no unit yet")
    hazard: Hazard = Field(description="what is wrong")
    active: bool = Field(description="whether it is still seen")
    position: Position | None = Field(description="where: the most accurate position of its alerts")
    cell: str | None = Field(description="grid cell")
    unit: Named | None = Field(description="the unit that must deal with it")
    first_seen_at: Moment = Field(description="when it was first seen, by the camera's clock")
    last_seen_at: Moment = Field(description="when it was last known to be there")
    found_at: Moment = Field(description="when the case was opened here; deadlines count from then")
    ended_at: Moment | None = Field(description="when the last of its alerts ended; null while it is active")
    due_at: Moment = Field(description="when it must have been dealt with")
    late: bool = Field(description="its first alert came later than it should")
    drill: bool = Field(description="an exercise")
    alert_count: int = Field(description="how many alerts it has")
    box: str = Field(description="the box of the newest alert")
    camera: Named = Field(description="its camera")
    sensor: SensorNamed | None = Field(description="the sensor that told it; null: a camera saw it")
    zone: str = Field(description="its zone in the picture")
    place: str = Field(description="the box's key for the place")
    region: Region = Field(description="where it is in the picture")
    explanation: Explanation = Field(description="why the box believes it")
    model: ModelRef | None = Field(description="the network that saw it")
    measurement: dict[str, float] = Field(description="what the rule measured, units in the names")
    thumbnail: str | None = Field(description="a small picture as a data URL")
    evidence: list[Evidence] = Field(description="files: of the newest alert in lists, of all alerts in the detail")


class IncidentDetail(IncidentAnswer):
    """One incident with all of its alerts."""

    alerts: list[AlertAnswer] = Field(description="the newest first")


class Incidents(Answer):
    """A page of incidents."""

    incidents: list[IncidentAnswer] = Field(description="the newest first; ask for more with `before`")


class CameraAnswer(Answer):
    """How one camera is being watched."""

    camera: str = Field(description="the camera")
    name: Name = Field(description="what people call it")
    state: Literal["starting", "watching", "lost", "ended"] = Field(description="what the box is doing with it")
    since: Moment = Field(description="when this state began")
    last_frame_at: Moment | None = Field(description="time of the newest frame")
    looks: int = Field(description="frames judged in this session")
    unwatched_s: float = Field(description="seconds of this session in which nobody looked in time for its hazards")
    detail: str = Field(description="why it is lost, if it is")


class SensorAnswer(Answer):
    """What is known of one sensor that a box listens to."""

    sensor: str = Field(description="the sensor")
    name: Name = Field(description="what people call it")
    room: str = Field(description="room or unit")
    state: Literal["waiting", "heard", "alarm", "silent", "refused"] = Field(
        description="not heard yet, heard of late, alarming, not heard for too long, or the broker refuses its topic"
    )
    last_heard_at: Moment | None = Field(description="when it was last heard")
    messages: int = Field(description="messages read in this session")
    unreadable: int = Field(description="messages or values in this session that its model cannot read")
    detail: str = Field(description="why it is refused, if it is")


class BoxAnswer(Answer):
    """One box and its last sign of life."""

    box: str = Field(description="the box")
    name: Name = Field(description="what people call it")
    configured: bool = Field(description="false: it speaks, but the centre's configuration does not name it")
    state: Literal["online", "stale", "offline", "never"] = Field(
        description="stale: it said online, but more than 35 s ago; never: it was not heard yet"
    )
    session: int | None = Field(description="number of its start")
    software: str = Field(description="version of its program")
    said_at: Moment | None = Field(description="when it last spoke, by its own clock")
    heard_at: Moment | None = Field(description="when it was last heard")
    cameras: list[CameraAnswer] = Field(description="its cameras")
    sensors: list[SensorAnswer] = Field(description="the sensors that it listens to")
    outbox_waiting: int = Field(description="messages it has that the centre has not acknowledged")
    outbox_refused: int = Field(description="messages the centre could not read; kept on the box")
    evidence_waiting: int = Field(description="files not uploaded yet")


class Boxes(Answer):
    """All boxes: the configured ones and any other that was heard."""

    boxes: list[BoxAnswer] = Field(description="in the order of the configuration")


class DeadLetterAnswer(Answer):
    """A message that could not be read; it is kept."""

    id: int = Field(description="its number")
    topic: str = Field(description="where it came")
    code: str = Field(description="what is wrong with it, for programs")
    reason: Name = Field(description="what is wrong with it and what to do")
    event_id: str | None = Field(description="its id, when that could be made out")
    box: str | None = Field(description="its sender, when that could be made out")
    received_at: Moment = Field(description="when it last came")
    first_at: Moment = Field(description="when it first came")
    times: int = Field(description="how often it came")
    size_bytes: int = Field(description="its length")
    excerpt: str = Field(description="its beginning")


class DeadLetters(Answer):
    """A page of messages that could not be read."""

    dead_letters: list[DeadLetterAnswer] = Field(description="the newest first; ask for more with `before`")


class District(Answer):
    """The district as a GeoJSON FeatureCollection (RFC 7946, WGS 84) with members of ours."""

    type: Literal["FeatureCollection"] = Field(default="FeatureCollection", description="GeoJSON")
    id: str = Field(description="short name")
    name: Name = Field(description="what people call it")
    timezone: str = Field(description="IANA time zone")
    drill: bool = Field(description="everything that happens is an exercise")
    features: list[dict[str, Any]] = Field(
        description="`properties.kind` is boundary, cell, building, road, fire_lane, ponding_point or camera"
    )


class DatabaseHealth(Answer):
    """The database."""

    reachable: bool = Field(description="whether it answered just now")
    kind: str = Field(description="sqlite or postgresql")
    problem: Name | None = Field(description="why not, if not")


class BrokerHealth(Answer):
    """The link to the broker."""

    connected: bool = Field(description="whether there is a connection")
    mqtt: str | None = Field(description="protocol version in use")


class QueueHealth(Answer):
    """The inbox between broker and database."""

    waiting: int = Field(description="messages in it")
    capacity: int = Field(description="messages that fit")
    dropped: int = Field(description="messages that did not fit since the start; their boxes say them again")


class CountsHealth(Answer):
    """How much there is in the database."""

    alerts: int = Field(description="alerts")
    late_alerts: int = Field(description="alerts that came later than they should")
    incidents: int = Field(description="incidents")
    open_cases: int = Field(description="cases that are not closed")
    unannounced_cases: int = Field(description="cases that the broker has not taken yet")
    evidence_waiting: int = Field(description="files that are expected")
    evidence_stored: int = Field(description="files that are here")
    evidence_lost: int = Field(description="files that will never come")
    dead_letters: int = Field(description="messages that could not be read")


class LatencyHealth(Answer):
    """From the frame that raised an alert to the alert in the database, over the newest alerts."""

    alerts: int = Field(description="over how many, at most 1000")
    p50_s: float | None = Field(description="median")
    p95_s: float | None = Field(description="95th percentile")
    max_s: float | None = Field(description="the longest")


class Health(Answer):
    """Whether the centre can do its work, and how well it does."""

    state: Literal["ok", "degraded"] = Field(description="degraded: database or broker are out of reach")
    software: str = Field(description="version of the program")
    session: int | None = Field(description="number of this start; null until the database is there")
    started_at: Moment = Field(description="when this program started")
    database: DatabaseHealth = Field(description="the database")
    broker: BrokerHealth = Field(description="the link to the broker")
    queue: QueueHealth = Field(description="the inbox")
    counts: CountsHealth | None = Field(description="how much there is; null without the database")
    latency: LatencyHealth | None = Field(description="frame to stored; null without the database")
