"""A station with the demo district's drones simulated in this process, on a stepped clock and a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from patrol.config import Config, load
from patrol.events import Data, Event, FlightPhase, RequestAnswered
from patrol.flight.clock import Stepped
from patrol.flight.station.service import Service
from patrol.flight.station.simulated import Fleet
from patrol.geo import LatLon
from patrol.topics import read, topic_for

ROOT = Path(__file__).resolve().parents[3]
DAWN = datetime(2026, 6, 1, 22, 29, 30, tzinfo=UTC)  # half a minute before 06:30 in the demo district
PATIENCE_S = 60.0  # real time for anything; a busy machine may be slow, not stuck


def demo_config(url: str, **more: Any) -> Config:
    """The shipped configuration with the test's broker."""
    config = load(ROOT / "config.yaml")
    return config.model_copy(update={"broker": config.broker.model_copy(update={"url": url}), **more})


@dataclass
class Sample:
    """Where a drone truly was."""

    at_s: float
    drone: str
    at: LatLon
    up_m: float
    yaw_deg: float
    armed: bool


@dataclass
class Town:
    """The district, its drones and its clock; stations come and go."""

    config: Config
    folder: Path
    begins: datetime = DAWN
    clock: Stepped = field(default_factory=Stepped)
    samples: list[Sample] = field(default_factory=list)
    heard: list[Event[Data]] = field(default_factory=list)

    def __post_init__(self) -> None:
        links = {drone.id: drone.link for drone in self.config.drones}
        self.fleet = Fleet(self.config, links, self.clock)
        self._changed = asyncio.Event()
        self._observer: aiomqtt.Client | None = None

    def wall(self) -> datetime:
        """The time of day in the simulation."""
        return self.begins + timedelta(seconds=self.clock.now())

    @asynccontextmanager
    async def flying(self) -> AsyncIterator[None]:
        """Drones, their chargers, and somebody who listens on the wire."""
        parts = urlsplit(self.config.broker.url)
        async with aiomqtt.Client(parts.hostname or "", parts.port or 1883, identifier="observer") as client:
            self._observer = client
            await client.subscribe("patrol/v1/#", qos=1)
            works = [self.fleet.charge(), self._sample(), self._listen(client)]
            works += [aloft.run() for aloft in self.fleet.aloft.values()]
            tasks = [asyncio.create_task(work) for work in works]
            try:
                yield
            finally:
                await ended(*tasks)

    @asynccontextmanager
    async def station(self, killed: bool = False) -> AsyncIterator[Service]:
        """A station at work. `killed`: it ends as a killed process does, without a word."""
        service = Service(
            self.config, self.folder, {}, clock=self.clock, wall=self.wall, opener=self.fleet.cables.ground, dice=Random(0),
            lock_dir=self.folder,
        )  # fmt: skip
        stop = asyncio.Event()
        running = asyncio.create_task(service.run(stop))
        try:
            with self.clock.member():  # time begins when the station is on the wire
                await self.until(lambda: (service.link is not None and service.link.up.is_set()) or running.done())
            yield service
        finally:
            if killed:
                await ended(running)
            else:
                stop.set()
                await asyncio.wait_for(running, PATIENCE_S)

    async def publish(self, data: Data, event_id: str, source: str, **names: str) -> None:
        """Say something to the station."""
        assert self._observer is not None
        row = topic_for(type(data))
        event = Event[Data].of(data, id=event_id, source=source, time=self.wall(), drill=True)
        await self._observer.publish(row.path(self.config.district.id, **names), event.to_json(), qos=1)

    async def pass_time(self, seconds: float) -> None:
        """Let that much simulated time go by."""
        with self.clock.member():
            await self.clock.sleep_until(self.clock.now() + seconds)

    async def until(self, holds: Callable[[], object]) -> None:
        """Until something holds, in real time; the clock is the caller's to hold."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what is waited for sets no event of ours
                await asyncio.sleep(0.005)

    async def follow(self, holds: Callable[[], object], limit_s: float = 3000.0) -> None:
        """Let simulated time go by until something holds."""
        with self.clock.member():
            give_up_at = self.clock.now() + limit_s
            while not holds():
                assert self.clock.now() < give_up_at, "it did not come about in simulated time"
                await self.clock.sleep_until(self.clock.now() + 0.5)

    def phases(self, drone: str) -> list[str]:
        """What was said of a drone's flights."""
        return [e.data.phase for e in self.heard if isinstance(e.data, FlightPhase) and e.data.drone == drone]

    def answers(self, request_id: str) -> list[RequestAnswered]:
        """What was answered to a request."""
        return [e.data for e in self.heard if isinstance(e.data, RequestAnswered) and e.data.request_id == request_id]

    async def _sample(self) -> None:
        with self.clock.member():
            while True:
                for name, drone in self.fleet.drones.items():
                    place, up_m = drone.place, drone.body.up_m
                    self.samples.append(
                        Sample(self.clock.now(), name, place, up_m, drone.body.yaw_deg, drone.flying.armed)
                    )
                await self.clock.sleep_until(self.clock.now() + 0.5)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            self.heard.append(read(payload, topic=str(message.topic), district=self.config.district.id))


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel and wait."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run it in a loop of its own, not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * PATIENCE_S):
            await work()

    with suppress(asyncio.CancelledError):
        asyncio.run(bounded())
