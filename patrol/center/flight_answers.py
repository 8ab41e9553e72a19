"""The shapes of the API's answers about flights, drones and stations. Words and units are those of the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from patrol.center.answers import Answer, Name, Named
from patrol.events import Moment, Position

PhaseWord = Literal[
    "launching", "flying", "taken-over", "link-lost", "link-back", "recalled", "landed", "returned", "aborted"
]
Presence = Literal["online", "stale", "offline", "never"]


class ReasonAnswer(Answer):
    """One reason."""

    code: str = Field(description="the same for the same kind of reason, for programs")
    text: Name = Field(description="for people")


class PhaseAnswer(Answer):
    """One thing that was said of a flight."""

    phase: PhaseWord = Field(description="where the flight was")
    at: Moment = Field(description="when, by the station's clock")
    reasons: list[ReasonAnswer] = Field(description="why, where there was something to say")


class RequestAnswer(Answer):
    """What became of a request for a flight: the newest that its station has said."""

    request_id: str = Field(description="the request")
    station: str = Field(description="the station that answers")
    state: Literal["waiting", "flying", "done", "refused", "given-up"] = Field(
        description="the last three are ends: flown, never tried, tried or waited in vain"
    )
    at: Moment = Field(description="when that was said, by the station's clock")
    reasons: list[ReasonAnswer] = Field(description="why it waits, is refused or is given up")
    drone: Named | None = Field(description="the drone that flies it")
    flight_id: str | None = Field(description="the flight")
    left: list[Named] = Field(description="targets that have not been seen yet")
    drill: bool = Field(description="an exercise")


class Requests(Answer):
    """A page of requests."""

    requests: list[RequestAnswer] = Field(description="the one answered last first")


class FlightAnswer(Answer):
    """One execution of a plan."""

    flight_id: str = Field(description="id of the flight")
    station: str = Field(description="the station that flies it")
    station_state: Presence = Field(description="whether that station is there; if not, the phase may no longer hold")
    drone: Named = Field(description="the drone")
    patrol: Named | None = Field(description="the patrol it flies; null for a look at one place")
    request_id: str = Field(description="the request it is for")
    request: RequestAnswer | None = Field(description="what its station has last said of that request")
    phase: PhaseWord = Field(description="where it is, or how it ended")
    phase_at: Moment = Field(description="since when")
    reasons: list[ReasonAnswer] = Field(description="why it is in this phase")
    begun_at: Moment = Field(description="when it was first heard of")
    ended_at: Moment | None = Field(description="when it ended; null while no end was said")
    in_air: bool = Field(description="no end was said, and its drone has begun no other flight")
    seen: list[Named] = Field(description="targets it has photographed")
    photographs: int = Field(description="photographs that the drone has reported")
    drill: bool = Field(description="an exercise")
    phases: list[PhaseAnswer] = Field(description="all that was said of it, the oldest first")


class Flights(Answer):
    """A page of flights."""

    flights: list[FlightAnswer] = Field(description="the newest first; ask for more with `before`")


class PoseAnswer(Answer):
    """Where a drone in the air is. Also comes on the stream, as event `drone`."""

    station: str = Field(description="the station that flies it")
    drone: Named = Field(description="the drone")
    flight_id: str = Field(description="the flight")
    at: Moment = Field(description="when it was there, by the station's clock")
    heard_at: Moment = Field(description="when that was heard, by the centre's clock: an old pose no longer holds")
    position: Position = Field(description="where it is")
    height_m: float = Field(description="above its home")
    yaw_deg: float | None = Field(description="where its nose points, clockwise from true north")
    pitch_deg: float | None = Field(description="where its camera points, up from the horizon")
    speed_ms: float | None = Field(description="over ground, metres a second")
    battery: float | None = Field(description="share that is left")
    link_loss: float = Field(description="share of its frames that are lost")
    drill: bool = Field(description="an exercise")


class TrackPoint(Answer):
    """One place on a drone's way."""

    at: Moment = Field(description="when, by the station's clock")
    lat_deg: float = Field(description="latitude, WGS 84")
    lon_deg: float = Field(description="longitude, WGS 84")
    height_m: float = Field(description="above its home")


class DroneAnswer(PoseAnswer):
    """A drone in the air with its way of the last minutes."""

    track: list[TrackPoint] = Field(description="at most the last five minutes, the oldest first")


class Drones(Answer):
    """What is in the air."""

    drones: list[DroneAnswer] = Field(description="drones whose newest pose is at most half an hour old")


class StationDroneAnswer(Answer):
    """How one drone of a station is."""

    drone: Named = Field(description="the drone")
    state: Literal["free", "charging", "flying", "silent", "unfit"] = Field(description="whether it could fly now")
    battery: float | None = Field(description="share that is left")
    flight_id: str | None = Field(description="the flight it is on")
    position: Position | None = Field(description="where it was heard last")


class StationAnswer(Answer):
    """A station and its last sign of life."""

    station: str = Field(description="the station")
    state: Presence = Field(
        description="stale: it said online, but more than 35 s ago; never: it was not heard yet, but drones are configured"
    )
    session: int | None = Field(description="number of its start")
    software: str = Field(description="version of its program")
    said_at: Moment | None = Field(description="when it last spoke, by its own clock")
    heard_at: Moment | None = Field(description="when it was last heard")
    waiting: int = Field(description="requests that wait")
    drones: list[StationDroneAnswer] = Field(description="its drones, as it last said")


class Stations(Answer):
    """All stations that were heard, and the configured one."""

    stations: list[StationAnswer] = Field(description="by name")
