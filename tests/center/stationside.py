"""What a station says, for tests: its messages, and a plain MQTT client that says them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

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
from patrol.topics import topic_for
from tests.center.boxside import T0, new_id, place_of

WIND = Said(code="wind", en="The wind is 14 m/s.", zh="风速 14 米/秒。")
_POSES = count(1)


def phase(
    name: Any, *, flight: str = "flight-0001", at: datetime = T0, drone: str = "falcon", station: str = "dock",
    request: str = "request-0001", patrol: str | None = "flood-round", reasons: tuple[Said, ...] = (),
    seen: tuple[str, ...] = (), photographs: int = 0, drill: bool = False, event_id: str | None = None,
) -> Event[Data]:  # fmt: skip
    """Where a flight is."""
    data = FlightPhase(
        station=station, drone=drone, flight_id=flight, request_id=request, phase=name, reasons=reasons, patrol=patrol,
        seen=seen, photographs=photographs,
    )  # fmt: skip
    return Event[Data].of(data, id=event_id or new_id(), source=source_of("station", station), time=at, drill=drill)


def pose(
    *, flight: str = "flight-0001", at: datetime | None = None, drone: str = "falcon", station: str = "dock",
    lat_deg: float = 22.5433, lon_deg: float = 114.0585, height_m: float = 40.0, yaw_deg: float | None = 90.0,
    battery: float | None = 0.72, link_loss: float = 0.02,
) -> Event[Data]:  # fmt: skip
    """Where a drone is."""
    data = DronePose(
        station=station, drone=drone, flight_id=flight, position=Position(lat_deg=lat_deg, lon_deg=lon_deg, accuracy_m=3),
        height_m=height_m, yaw_deg=yaw_deg, pitch_deg=-60, speed_ms=8, battery=battery, link_loss=link_loss,
    )  # fmt: skip
    return Event[Data].of(
        data, id=f"pose-{next(_POSES):08d}", source=source_of("station", station), time=at or datetime.now(UTC)
    )


def answered(
    state: Any, *, request: str = "request-0001", at: datetime = T0, station: str = "dock", reasons: tuple[Said, ...] = (),
    flight: str | None = None, left: tuple[str, ...] = (),
) -> Event[Data]:  # fmt: skip
    """What became of a request."""
    data = RequestAnswered(
        station=station, request_id=request, state=state, reasons=reasons, drone=None if flight is None else "falcon",
        flight_id=flight, left=left,
    )  # fmt: skip
    return Event[Data].of(data, id=new_id(), source=source_of("station", station), time=at)


def station_status(
    session: int, state: Any = "online", *, at: datetime | None = None, station: str = "dock", waiting: int = 0,
    drones: tuple[DroneStatus, ...] = (DroneStatus(drone="falcon", state="flying", battery=0.7),),
) -> Event[Data]:  # fmt: skip
    """A station's sign of life; its last will names no drones."""
    data = StationStatus(
        station=station, session=session, state=state, software="0.1.0", waiting=waiting,
        drones=drones if state == "online" else (),
    )  # fmt: skip
    return Event[Data].of(data, id=new_id(), source=source_of("station", station), time=at or datetime.now(UTC))


def after(seconds: float) -> datetime:
    """A moment after T0."""
    return T0 + timedelta(seconds=seconds)


class StationClient:
    """Says a station's messages."""

    def __init__(self, client: aiomqtt.Client, district: str) -> None:
        self._client, self._district = client, district

    async def say(self, *events: Event[Data]) -> None:
        """Publish as the wire table says, one after the other."""
        for event in events:
            row = topic_for(type(event.data))
            await self._client.publish(place_of(event, self._district), event.to_json(), qos=row.qos, retain=row.retain)


@contextlib.asynccontextmanager
async def station_client(url: str, district: str) -> AsyncIterator[StationClient]:
    """A station on the broker at `url`."""
    parts = urlsplit(url)
    async with aiomqtt.Client(parts.hostname or "", parts.port or 1883, identifier=new_id(), timeout=20) as client:
        yield StationClient(client, district)
