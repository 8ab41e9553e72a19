"""What is said about flights: requests and warnings to a station; its answers, phases, poses and status. Frozen; see events.py."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from patrol.vocabulary import Data, EventId, Frozen, Line, Moment, Position, Said, Slug

RequestKind = Literal["patrol", "orbit", "re-check", "verification"]
WarningLevel = Literal["blue", "yellow", "orange", "red"]


class FlightRequested(Data):
    """Somebody wants a flight. A station answers every request, and each comes to an end by its deadline."""

    type_name: ClassVar[str] = "patrol.flight.requested"
    version: ClassVar[tuple[int, int]] = (1, 0)

    request_id: EventId = Field(description="id of the request; equals the event's id")
    kind: RequestKind = Field(
        description="a configured patrol, a circle around a place, an earlier pose again, or one look at a place"
    )
    patrol: Slug | None = Field(default=None, description="which patrol, for that kind")
    position: Position | None = Field(default=None, description="the place to see; of the drone itself for a re-check")
    height_m: float | None = Field(default=None, ge=2, le=500, description="for a re-check: height above ground")
    yaw_deg: float | None = Field(
        default=None, ge=-360, le=360, description="for a re-check: clockwise from true north"
    )
    pitch_deg: float | None = Field(default=None, ge=-90, le=30, description="for a re-check: up from the horizon")
    case_number: Line = Field(default="", description="the case it is for")
    priority: int = Field(default=4, ge=1, le=9, description="9 is the most urgent; from 7 on it may call others back")
    deadline_at: Moment = Field(description="when it is given up unless a drone has taken off for it")
    asked_by: Line = Field(default="", description="who asked, for people")


class WeatherWarned(Data):
    """The weather service warns, or lifts its warning. One message a kind stays on the wire."""

    type_name: ClassVar[str] = "patrol.weather.warned"
    version: ClassVar[tuple[int, int]] = (1, 0)

    warning_id: EventId = Field(description="the same while it is the same warning")
    kind: Literal["rain", "wind", "thunderstorm"] = Field(description="what is coming")
    level: WarningLevel | None = Field(description="how bad, red is worst; null: lifted")
    begins_at: Moment = Field(description="from when it holds")
    ends_at: Moment = Field(description="until when it holds")
    text: Line = Field(default="", description="the warning in its own words")


class RequestAnswered(Data):
    """What became of a request: said when it is taken, refused, begun and ended."""

    type_name: ClassVar[str] = "patrol.request.answered"
    version: ClassVar[tuple[int, int]] = (1, 0)

    station: Slug = Field(description="the station that answers")
    request_id: EventId = Field(description="the request")
    state: Literal["waiting", "flying", "done", "refused", "given-up"] = Field(
        description="the last three are ends: flown, never tried, tried or waited in vain"
    )
    reasons: tuple[Said, ...] = Field(default=(), max_length=20, description="why it waits, is refused or is given up")
    drone: Slug | None = Field(default=None, description="the drone that flies it")
    flight_id: EventId | None = Field(default=None, description="the flight")
    left: tuple[Slug, ...] = Field(default=(), max_length=200, description="targets that have not been seen yet")


class FlightPhase(Data):
    """Where a flight is. Every flight ends with exactly one of landed, returned, aborted."""

    type_name: ClassVar[str] = "patrol.flight.phase"
    version: ClassVar[tuple[int, int]] = (1, 0)

    station: Slug = Field(description="the station that flies it")
    drone: Slug = Field(description="the drone")
    flight_id: EventId = Field(description="the flight")
    request_id: EventId = Field(description="the request it is for")
    phase: Literal[
        "launching", "flying", "taken-over", "link-lost", "link-back", "recalled", "landed", "returned", "aborted"
    ] = Field(
        description="taken-over: by a station that was started anew; recalled: ordered home; the last three are ends"
    )
    reasons: tuple[Said, ...] = Field(default=(), max_length=20, description="why, where there is something to say")
    patrol: Slug | None = Field(default=None, description="the patrol it flies")
    seen: tuple[Slug, ...] = Field(default=(), max_length=200, description="targets it has photographed")
    photographs: int = Field(default=0, ge=0, description="photographs that the drone has reported")


class DronePose(Data):
    """Where a drone in the air is. Lost ones are not said again: the next comes soon."""

    type_name: ClassVar[str] = "patrol.drone.pose"
    version: ClassVar[tuple[int, int]] = (1, 0)

    station: Slug = Field(description="the station that flies it")
    drone: Slug = Field(description="the drone")
    flight_id: EventId = Field(description="the flight")
    position: Position = Field(description="where it is")
    height_m: float = Field(description="above its home")
    yaw_deg: float | None = Field(description="where its nose points, clockwise from true north")
    pitch_deg: float | None = Field(description="where its camera points, up from the horizon")
    speed_ms: float | None = Field(description="over ground, metres a second")
    battery: float | None = Field(ge=0, le=1, description="share that is left")
    link_loss: float = Field(ge=0, le=1, description="share of its frames that are lost")


class DroneStatus(Frozen):
    """How one drone of a station is."""

    drone: Slug = Field(description="the drone")
    state: Literal["free", "charging", "flying", "silent", "unfit"] = Field(description="whether it could fly now")
    battery: float | None = Field(default=None, ge=0, le=1, description="share that is left")
    flight_id: EventId | None = Field(default=None, description="the flight it is on")
    position: Position | None = Field(default=None, description="where it was heard last")


class StationStatus(Data):
    """A station's sign of life: retained, and left behind as a last will when it dies."""

    type_name: ClassVar[str] = "patrol.station.status"
    version: ClassVar[tuple[int, int]] = (1, 0)

    station: Slug = Field(description="the station")
    session: int = Field(ge=1, description="grows with every start; a status of an older session is stale")
    state: Literal["online", "offline"] = Field(description="offline comes from the last will or a clean stop")
    software: Line = Field(description="version of the program")
    drones: tuple[DroneStatus, ...] = Field(default=(), max_length=64, description="one entry a drone")
    waiting: int = Field(default=0, ge=0, description="requests that wait")
