"""What a station says, as messages: answers, phases, poses, status. Pure; ids are stable across retries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Literal

from patrol.config import Config
from patrol.events import (
    Data,
    DronePose,
    DroneStatus,
    Event,
    FlightPhase,
    Position,
    RequestAnswered,
    Said,
    StationStatus,
    source_of,
)
from patrol.flight.shell import Pose
from patrol.flight.station.dispatch import Craft
from patrol.flight.station.errands import Errand
from patrol.geo import LatLon
from patrol.mqtt import Outgoing

GPS_M = 3.0  # radius that holds 95 % of the truth for a receiver without corrections
AnswerState = Literal["waiting", "flying", "done", "refused", "given-up"]
PhaseName = Literal[
    "launching", "flying", "taken-over", "link-lost", "link-back", "recalled", "landed", "returned", "aborted"
]


@dataclass(frozen=True)
class Voice:
    """One station in one session. `number` in calls makes ids of repeated kinds of messages differ."""

    config: Config
    session: int
    software: str

    @property
    def station(self) -> str:
        """Its name."""
        return self.config.station.id

    def answer(
        self, errand_id: str, state: AnswerState, now: datetime, number: int, *, drill: bool, reasons: tuple[Said, ...] = (),
        drone: str | None = None, flight_id: str | None = None, left: tuple[str, ...] = (),
    ) -> Outgoing:  # fmt: skip
        """What became of a request."""
        data = RequestAnswered(station=self.station, request_id=errand_id, state=state, reasons=reasons[:20], drone=drone,
                               flight_id=flight_id, left=left[:200])  # fmt: skip
        return self._out(data, f"answer-{self.session}-{number}", now, drill=drill)

    def phase(
        self, errand: Errand, drone: str, flight_id: str, phase: PhaseName, now: datetime, number: int, *,
        reasons: tuple[Said, ...] = (), seen: tuple[str, ...] = (), photographs: int = 0,
    ) -> Outgoing:  # fmt: skip
        """Where a flight is."""
        data = FlightPhase(station=self.station, drone=drone, flight_id=flight_id, request_id=errand.id, phase=phase,
                           reasons=reasons[:20], patrol=errand.patrol, seen=seen[:200], photographs=photographs)  # fmt: skip
        return self._out(data, f"phase-{self.session}-{number}", now, drill=errand.drill)

    def pose(self, errand: Errand, drone: str, flight_id: str, pose: Pose, now: datetime, number: int) -> Outgoing:
        """Where a drone in the air is."""
        data = DronePose(
            station=self.station, drone=drone, flight_id=flight_id, position=_position(pose.at), height_m=pose.up_m,
            yaw_deg=_or_none(pose.heading_deg), pitch_deg=_or_none(pose.gimbal_pitch_deg), speed_ms=_or_none(pose.speed_ms),
            battery=_share(pose.battery), link_loss=min(max(pose.loss, 0.0), 1.0),
        )  # fmt: skip
        return self._out(data, f"pose-{self.session}-{number}", now, drill=errand.drill)

    def status(
        self, state: Literal["online", "offline"], crafts: dict[str, tuple[Craft, LatLon | None, str | None]], waiting: int,
        now: datetime, number: int,
    ) -> Outgoing:  # fmt: skip
        """A sign of life. `crafts`: each drone with where it was heard last and the flight it is on."""
        drones = tuple(
            DroneStatus(drone=name, state=craft.state, battery=craft.battery, flight_id=flight,
                        position=None if at is None else _position(at))
            for name, (craft, at, flight) in crafts.items()
        )  # fmt: skip
        data = StationStatus(station=self.station, session=self.session, state=state, software=self.software, drones=drones,
                             waiting=waiting)  # fmt: skip
        return self._out(data, f"status-{self.session}-{number}-{state}", now, drill=self.config.district.drill)

    def _out(self, data: Data, event_id: str, now: datetime, *, drill: bool) -> Outgoing:
        event = Event[Data].of(
            data, id=f"{self.station[:20]}-{event_id}", source=source_of("station", self.station), time=now,
            drill=drill or self.config.district.drill,
        )  # fmt: skip
        names = {"station": self.station}
        if isinstance(data, DronePose):
            names["drone"] = data.drone
        return Outgoing.of(event, self.config.district.id, **names)


def _position(at: LatLon) -> Position:
    return Position(lat_deg=at.lat_deg, lon_deg=at.lon_deg, accuracy_m=GPS_M)


def _or_none(value: float) -> float | None:
    return None if isnan(value) else value


def _share(value: float) -> float | None:
    return None if isnan(value) else min(max(value, 0.0), 1.0)
