"""The wire table: every topic, what it carries, who sends it and who reads it. docs/wire.md is made from it.

Topics are never taken apart to learn something: what a message is about stands in the message, and
`check_place` compares it with the topic it came on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patrol.errors import MessageMisplaced
from patrol.events import (
    Acknowledgement,
    AlertEnded,
    AlertRaised,
    BoxStatus,
    CaseOpened,
    CenterStatus,
    Data,
    DronePose,
    Event,
    EvidenceLost,
    FlightPhase,
    FlightRequested,
    RequestAnswered,
    StationStatus,
    WeatherWarned,
    parse,
)

Program = Literal["box", "center", "station", "case system", "weather service", "anyone"]
NAMES = ("box", "station", "drone", "kind")  # what may stand in braces in a pattern: fields of the message
PREFIX = "patrol/v1"
ABSOLUTE_MAX_BYTES = 256 * 1024  # no message of any kind is longer; larger ones are refused unread


@dataclass(frozen=True)
class Topic:
    """One row of the wire table."""

    pattern: str  # below patrol/v1/<district>/, with {box}, {station}, {drone}, {kind} where such a name stands
    carries: type[Data]
    qos: Literal[0, 1]
    retain: bool
    sender: Program
    readers: tuple[Program, ...]
    rate: str  # how often to expect it, for people
    max_bytes: int

    def path(self, district: str, **names: str) -> str:
        """The topic of one sender, e.g. `BOX_STATUS.path("demo", box="gate")`."""
        return f"{PREFIX}/{district}/{self.pattern.format(**names)}"

    def filter(self, district: str) -> str:
        """The subscription that hears all senders of one district."""
        return self.path(district, **dict.fromkeys(NAMES, "+"))


ALERT_RAISED = Topic(
    "box/{box}/alert/raised", AlertRaised, 1, False, "box", ("center", "station"), "when a hazard is found", 64 * 1024
)
ALERT_ENDED = Topic("box/{box}/alert/ended", AlertEnded, 1, False, "box", ("center",), "when it is gone", 8 * 1024)
EVIDENCE_LOST = Topic(
    "box/{box}/evidence/lost", EvidenceLost, 1, False, "box", ("center",), "never, on a good day", 8 * 1024
)
BOX_STATUS = Topic("box/{box}/status", BoxStatus, 1, True, "box", ("center",), "every 10 s and on change", 64 * 1024)
ACKNOWLEDGEMENT = Topic(
    "box/{box}/acknowledgement",
    Acknowledgement,
    1,
    False,
    "center",
    ("box",),
    "one for each message of a box",
    8 * 1024,
)
CASE_OPENED = Topic(
    "case/opened", CaseOpened, 1, False, "center", ("case system", "anyone"), "one for each new case", 8 * 1024
)
CENTER_STATUS = Topic(
    "center/status", CenterStatus, 1, True, "center", ("box", "station"), "on start and stop", 8 * 1024
)
FLIGHT_REQUESTED = Topic(
    "flight/requested", FlightRequested, 1, False, "center", ("station",), "when somebody wants a flight", 8 * 1024
)
WEATHER_WARNED = Topic(
    "weather/{kind}",
    WeatherWarned,
    1,
    True,
    "weather service",
    ("station", "center", "box"),
    "when a warning changes",
    8 * 1024,
)
REQUEST_ANSWERED = Topic(
    "station/{station}/request/answered",
    RequestAnswered,
    1,
    False,
    "station",
    ("center", "case system"),
    "two or more for each request",
    64 * 1024,
)
FLIGHT_PHASE = Topic(
    "station/{station}/flight/phase",
    FlightPhase,
    1,
    False,
    "station",
    ("center", "box"),
    "three or more a flight",
    64 * 1024,
)
DRONE_POSE = Topic(
    "station/{station}/drone/{drone}/pose",
    DronePose,
    0,
    False,
    "station",
    ("center", "box"),
    "every second in the air",
    4 * 1024,
)
STATION_STATUS = Topic(
    "station/{station}/status",
    StationStatus,
    1,
    True,
    "station",
    ("center",),
    "every 10 s and on change",
    64 * 1024,
)

TOPICS: tuple[Topic, ...] = (
    ALERT_RAISED,
    ALERT_ENDED,
    EVIDENCE_LOST,
    BOX_STATUS,
    ACKNOWLEDGEMENT,
    CASE_OPENED,
    CENTER_STATUS,
    FLIGHT_REQUESTED,
    WEATHER_WARNED,
    REQUEST_ANSWERED,
    FLIGHT_PHASE,
    DRONE_POSE,
    STATION_STATUS,
)
_BY_DATA = {topic.carries: topic for topic in TOPICS}


def topic_for(data_type: type[Data]) -> Topic:
    """The one topic that carries this kind of message."""
    return _BY_DATA[data_type]


def read(payload: bytes, *, topic: str, district: str) -> Event[Data]:
    """Parse a message and check that it came where its sender may speak.

    Raises: any WireError.
    """
    event = parse(payload, topic=topic, max_bytes=ABSOLUTE_MAX_BYTES)
    row = topic_for(type(event.data))
    if len(payload) > row.max_bytes:
        parse(payload, topic=topic, max_bytes=row.max_bytes)
    names = {name: str(getattr(event.data, name, "")) for name in NAMES}
    if topic != row.path(district, **names):
        raise MessageMisplaced(sender=event.source, topic=topic)
    return event
