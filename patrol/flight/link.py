"""One MAVLink link with all vehicles on it, in asyncio: who is heard, how well, and conversations with each.

Thin: bytes are `transport`'s, frames `dialect`'s, decisions those of the exchanges that it carries. All waiting
is on its clock, so that simulated time serves as well as real time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from patrol.errors import DroneForeign, DroneLinkLost, DroneSilent, DronesSeveral, Text
from patrol.flight.clock import Bell, Clock, Followed, Steady
from patrol.flight.compare import Firmware
from patrol.flight.dialect import Codec, Frame, Signing
from patrol.flight.exchange import Exchange
from patrol.flight.messages import AUTOPILOT_COMPONENT, GCS_COMPONENT, GCS_SYSTEM, Message
from patrol.flight.quality import Quality
from patrol.flight.transport import Address, Opener, Peer, Transport, open_transport

HEARTBEAT_EVERY_S = 1.0
QUEUE = 500  # frames of one listener; older ones are dropped, as a radio would
OTHERS_S = 1.5  # how long to listen for a second vehicle: every one sends a heartbeat a second
SHORTEST_S = 0.001  # of a sleep: a conversation that wants to be woken in the past must not stop a stepped clock
AUTOPILOTS: dict[int, Firmware] = {3: "ardupilot", 12: "px4"}
Ended = TypeVar("Ended")
Tap = Callable[[int | None, bytes], None]
OUR_HEARTBEAT = Message("HEARTBEAT", {"type": 6, "autopilot": 8, "system_status": 4, "mavlink_version": 3})


@dataclass
class Ear:
    """What one listener has not yet taken. `system` None: of everybody."""

    system: int | None
    frames: deque[Frame] = field(default_factory=lambda: deque(maxlen=QUEUE))
    bell: Bell = field(default_factory=Bell)


@dataclass(frozen=True)
class Found:
    """A vehicle that was heard."""

    system: int
    firmware: Firmware


class Link:
    """An open link. `clock` times waits, `wall` signs frames; both are arguments so that a test can hold them.

    `taps` see every frame of a vehicle and to it, with its system id (None: to all), for the record.
    """

    def __init__(
        self,
        address: Address,
        signing: Signing | None = None,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
        opener: Opener = open_transport,
    ) -> None:
        self.address = address
        self.clock: Clock = clock or Steady()
        self.qualities: dict[tuple[int, int], Quality] = {}
        self.codec = Codec(GCS_SYSTEM, GCS_COMPONENT, signing)
        self.taps: list[Tap] = []
        self._wall, self._opener = wall, opener
        self._ears: list[Ear] = []
        self._peers: dict[int, Peer] = {}
        self._transport: Transport | None = None
        self._heartbeats: asyncio.Task[None] | None = None
        self._lost: str | None = None

    async def open(self) -> None:
        """Open it and begin to send heartbeats. Raises DroneLinkUnusable."""
        self.codec.clock(self._wall())
        self._lost = None
        self._transport = await self._opener(self.address, self._receive, self._end)
        self._heartbeats = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Stop and close."""
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.gather(self._heartbeats, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    def now(self) -> float:
        """This link's clock, for exchanges."""
        return self.clock.now()

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall()

    def send(self, message: Message, system: int | None = None) -> None:
        """Send it to where `system` was heard, addressed where the message has an address; to everybody without one."""
        if self._transport is not None:
            data = self.codec.encode(message if system is None else _addressed(message, system))
            for tap in self.taps:
                tap(system, data)
            self._transport.send(data, None if system is None else self._peers.get(system))

    def systems(self) -> tuple[int, ...]:
        """The autopilots heard so far."""
        return tuple(sorted(s for s, component in self.qualities if component == AUTOPILOT_COMPONENT))

    def check(self) -> None:
        """Raises DroneLinkLost when the link has ended."""
        if self._lost is not None:
            raise DroneLinkLost(link=self.address.text, cause=self._lost)

    @contextmanager
    def listen(self, system: int | None = None) -> Iterator[Ear]:
        """What one system says (or all) from now on."""
        ear = Ear(system)
        self._ears.append(ear)
        try:
            yield ear
        finally:
            self._ears.remove(ear)

    async def converse(self, exchange: Exchange[Ended], system: int) -> Ended:
        """Hold one conversation with one autopilot to its end, which the exchange's own deadlines bring about."""
        return await Talk(self, exchange, system).run()

    async def first_heartbeat(self, system: int | None, within_s: float) -> Message:
        """The next heartbeat of an autopilot. Raises DroneSilent, DroneLinkLost."""
        give_up_at = self.now() + within_s
        with self.listen(system) as ear, self.clock.member():
            while True:
                self.check()
                while ear.frames:
                    message = ear.frames.popleft().message
                    if message is not None and message.name == "HEARTBEAT" and message.component == AUTOPILOT_COMPONENT:
                        return message
                if self.now() >= give_up_at:
                    raise DroneSilent(drone=called(system), seconds=f"{within_s:g}", link=self.address.text)
                await self.clock.sleep_until(give_up_at, ear.bell)

    async def find(self, system: int | None, within_s: float = 10.0) -> Found:
        """The vehicle `system`, or the only one. Raises DroneSilent, DronesSeveral, DroneForeign, DroneLinkLost."""
        heartbeat = await self.first_heartbeat(system, within_s)
        if system is None:
            with self.clock.member():
                await self.clock.sleep_until(self.now() + OTHERS_S)
            if len(self.systems()) > 1:
                systems = self.systems()
                raise DronesSeveral(count=len(systems), link=self.address.text, systems=", ".join(map(str, systems)))
        autopilot = int(heartbeat["autopilot"])
        if autopilot not in AUTOPILOTS:
            raise DroneForeign(drone=heartbeat.system, link=self.address.text, autopilot=autopilot)
        return Found(heartbeat.system, AUTOPILOTS[autopilot])

    def _receive(self, data: bytes, peer: Peer) -> None:
        now = self.now()
        for frame in self.codec.feed(data):
            self._peers[frame.system] = peer
            quality = self.qualities.setdefault((frame.system, frame.component), Quality())
            quality.frame(frame.sequence, now)
            if frame.message is not None and frame.message.name == "HEARTBEAT":
                quality.heartbeat(now)
            elif frame.message is not None and frame.message.name == "TIMESYNC":
                self._hear_time(frame.message)
            for tap in self.taps:
                tap(frame.system, frame.raw)
            for ear in self._ears:
                if ear.system is None or ear.system == frame.system:
                    ear.frames.append(frame)
                    ear.bell.ring()

    def _end(self, cause: str) -> None:
        self._lost = cause
        for ear in self._ears:
            ear.bell.ring()

    def _hear_time(self, message: Message) -> None:
        if isinstance(self.clock, Followed) and int(message["tc1"]):
            self.clock.heard(int(message["tc1"]) / 1e9)

    async def _beat(self) -> None:
        with self.clock.member():
            beat_at = self.now()
            while True:
                if self.now() >= beat_at:
                    beat_at = self.now() + HEARTBEAT_EVERY_S
                    self.codec.clock(self._wall())
                    self.send(OUR_HEARTBEAT)
                if isinstance(self.clock, Followed):
                    self.send(Message("TIMESYNC", {"ts1": 1}))
                    await asyncio.sleep(self.clock.POLL_S)
                else:
                    await self.clock.sleep_until(beat_at)


class Talk(Generic[Ended]):
    """One conversation with one autopilot. `after` is called when it has heard something or was woken."""

    def __init__(
        self, link: Link, exchange: Exchange[Ended], system: int, after: Callable[[], None] = lambda: None
    ) -> None:
        self._link, self._exchange, self._system, self._after = link, exchange, system, after
        self._bell: Bell | None = None

    async def run(self) -> Ended:
        """To the end. Raises DroneLinkLost."""
        link, exchange = self._link, self._exchange
        with link.listen(self._system) as ear, link.clock.member():
            self._bell = ear.bell
            self._send(exchange.begin(link.now()))
            while (ending := exchange.ending) is None:
                link.check()
                if ear.frames:
                    self._hear(ear.frames.popleft())
                else:
                    wake_at = exchange.wake_at
                    soonest = link.now() + SHORTEST_S
                    await link.clock.sleep_until(soonest if wake_at is None else max(wake_at, soonest), ear.bell)
                if exchange.wake_at is not None and link.now() >= exchange.wake_at:
                    self._send(exchange.wake(link.now()))
                self._after()
            self._bell = None
            return ending

    def say(self, messages: Iterable[Message]) -> None:
        """Send something in this conversation, as orders are; its next waking is looked up again."""
        self._send(messages)
        if self._bell is not None:
            self._bell.ring()

    def _send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._link.send(message, self._system)

    def _hear(self, frame: Frame) -> None:
        message = frame.message
        if message is not None and frame.component == AUTOPILOT_COMPONENT and _for_us(message):
            self._send(self._exchange.hear(message, self._link.now()))


def _addressed(message: Message, system: int) -> Message:
    """With target fields. Only messages that have them may be given a system."""
    to = {"target_system": system, "target_component": AUTOPILOT_COMPONENT}
    return Message(message.name, {**to, **message.fields})


def _for_us(message: Message) -> bool:
    """Not an answer to another ground station."""
    return message.is_for(GCS_SYSTEM, GCS_COMPONENT)


def called(system: int | None) -> Text:
    """A drone by its number on the link; any, where none was named."""
    return Text("any drone", "任何无人机") if system is None else Text(f"drone {system}", f"无人机 {system} ")
