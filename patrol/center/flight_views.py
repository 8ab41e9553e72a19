"""From rows and poses to the API's answers about flights. Pure: rows, configuration and `now` in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from patrol.center.air import Airborne, Point
from patrol.center.answers import Name
from patrol.center.boxes import Sign, presence
from patrol.center.flight_answers import (
    DroneAnswer,
    FlightAnswer,
    PhaseAnswer,
    PoseAnswer,
    Presence,
    ReasonAnswer,
    RequestAnswer,
    StationAnswer,
    StationDroneAnswer,
    TrackPoint,
)
from patrol.center.store.reader import FlightRows, Row
from patrol.center.views import Names
from patrol.events import RequestAnswered, StationStatus


def stations(rows: Sequence[Row], configured: str | None, names: Names, now: datetime) -> list[StationAnswer]:
    """Every station that was heard; the `configured` one also when it was not (None: there are no drones)."""
    heard = {row["station"]: row for row in rows}
    known = sorted({*heard, *([] if configured is None else [configured])})
    return [_station(station, heard.get(station), names, now) for station in known]


def station_states(rows: Sequence[Row], now: datetime) -> dict[str, Presence]:
    """Whether each station is there."""
    return {row["station"]: presence(_sign(row), now) for row in rows}


def _sign(row: Row) -> Sign:
    return Sign(row["event_id"], row["session"], row["state"], row["said_at"], row["heard_at"])


def _station(station: str, row: Row | None, names: Names, now: datetime) -> StationAnswer:
    if row is None:
        return StationAnswer(
            station=station, state="never", session=None, software="", said_at=None, heard_at=None, waiting=0, drones=[]
        )
    status = StationStatus.model_validate(row["data"])
    drones = [
        StationDroneAnswer(
            drone=names.drone(one.drone), state=one.state, battery=one.battery, flight_id=one.flight_id, position=one.position
        )
        for one in status.drones
    ]  # fmt: skip
    return StationAnswer(
        station=station, state=presence(_sign(row), now), session=row["session"], software=status.software,
        said_at=row["said_at"], heard_at=row["heard_at"], waiting=status.waiting, drones=drones,
    )  # fmt: skip


def flight(rows: FlightRows, states: Mapping[str, Presence], names: Names) -> FlightAnswer:
    """One flight; `states` says which stations are there."""
    row = rows.flight
    phases = [
        PhaseAnswer(phase=one["phase"], at=one["said_at"], reasons=_reasons(one["reasons"])) for one in rows.phases
    ]
    reasons = next((one.reasons for one in reversed(phases) if one.phase == row["phase"]), [])
    return FlightAnswer(
        flight_id=row["flight_id"], station=row["station"], station_state=states.get(row["station"], "never"),
        drone=names.drone(row["drone"]), patrol=names.patrol(row["patrol"]), request_id=row["request_id"],
        request=None if rows.request is None else request(rows.request, names), phase=row["phase"],
        phase_at=row["phase_at"], reasons=reasons, begun_at=row["begun_at"], ended_at=row["ended_at"],
        in_air=row["ended_at"] is None and row["silent_since"] is None,
        seen=[names.target(target) for target in row["seen"]], photographs=row["photographs"], drill=row["drill"],
        phases=phases,
    )  # fmt: skip


def request(row: Row, names: Names) -> RequestAnswer:
    """What became of one request."""
    said = RequestAnswered.model_validate(row["data"])
    return RequestAnswer(
        request_id=said.request_id, station=said.station, state=said.state, at=row["said_at"],
        reasons=_reasons([reason.model_dump() for reason in said.reasons]),
        drone=None if said.drone is None else names.drone(said.drone), flight_id=said.flight_id,
        left=[names.target(target) for target in said.left], drill=row["drill"],
    )  # fmt: skip


def _reasons(said: Sequence[Mapping[str, Any]]) -> list[ReasonAnswer]:
    return [ReasonAnswer(code=one["code"], text=Name(zh=one["zh"], en=one["en"])) for one in said]


def pose(seen: Airborne, names: Names) -> PoseAnswer:
    """Where one drone is."""
    return PoseAnswer.model_validate(_pose(seen, names))


def drone(seen: Airborne, track: Sequence[Point], names: Names) -> DroneAnswer:
    """The same with its way."""
    points = [TrackPoint(at=p.said_at, lat_deg=p.lat_deg, lon_deg=p.lon_deg, height_m=p.height_m) for p in track]
    return DroneAnswer.model_validate({**_pose(seen, names), "track": points})


def _pose(seen: Airborne, names: Names) -> dict[str, Any]:
    said = seen.pose
    return {
        "station": said.station, "drone": names.drone(said.drone), "flight_id": said.flight_id, "at": seen.said_at,
        "heard_at": seen.heard_at, "position": said.position, "height_m": said.height_m, "yaw_deg": said.yaw_deg,
        "pitch_deg": said.pitch_deg, "speed_ms": said.speed_ms, "battery": said.battery, "link_loss": said.link_loss,
        "drill": seen.drill,
    }  # fmt: skip
