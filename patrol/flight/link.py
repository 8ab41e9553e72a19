"""One MAVLink link with all vehicles on it, in asyncio: who is heard, how well, and conversations with each.

Thin: bytes are `transport`'s, frames `dialect`'s, decisions those of the exchanges that it carries.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from patrol.errors import DroneSilent
from patrol.flight.dialect import Codec, Frame, Signing
from patrol.flight.exchange import Exchange
from patrol.flight.messages import AUTOPILOT_COMPONENT, GCS_COMPONENT, GCS_SYSTEM, Message
from patrol.flight.quality import Quality
from patrol.flight.transport import Address, Transport, open_transport

HEARTBEAT_EVERY_S = 1.0
QUEUE = 500  # messages of one listener; older ones are dropped, as a radio would
Listener = Callable[[Frame], None]
Ended = TypeVar("Ended")
OUR_HEARTBEAT = Message("HEARTBEAT", {"type": 6, "autopilot": 8, "system_status": 4, "mavlink_version": 3})


class Link:
    """An open link. `monotonic` times waits, `wall` signs frames; both are arguments so that a test can hold them."""

    def __init__(
        self,
        address: Address,
        signing: Signing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.address = address
        self.qualities: dict[tuple[int, int], Quality] = {}
        self.codec = Codec(GCS_SYSTEM, GCS_COMPONENT, signing)
        self._monotonic, self._wall = monotonic, wall
        self._listeners: list[Listener] = []
        self._transport: Transport | None = None
        self._heartbeats: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open it and begin to send heartbeats. Raises DroneLinkUnusable."""
        self.codec.clock(self._wall())
        self._transport = await open_transport(self.address, self._receive)
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
        return self._monotonic()

    def send(self, message: Message, system: int | None = None) -> None:
        """Send it; `system` fills in the address where the message has one."""
        if self._transport is not None:
            addressed = message if system is None else _addressed(message, system)
            self._transport.send(self.codec.encode(addressed))

    def systems(self) -> tuple[int, ...]:
        """The autopilots heard so far."""
        return tuple(sorted(s for s, component in self.qualities if component == AUTOPILOT_COMPONENT))

    @asynccontextmanager
    async def listen(self, system: int | None = None) -> AsyncIterator[asyncio.Queue[Frame]]:
        """A bounded queue of what one system says (or all)."""
        queue: asyncio.Queue[Frame] = asyncio.Queue(QUEUE)

        def put(frame: Frame) -> None:
            if system is not None and frame.system != system:
                return
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(frame)

        self._listeners.append(put)
        try:
            yield queue
        finally:
            self._listeners.remove(put)

    async def converse(self, exchange: Exchange[Ended], system: int) -> Ended:
        """Hold one conversation with one autopilot to its end, which the exchange's own deadlines bring about."""
        async with self.listen(system) as queue:
            self._say(exchange.begin(self.now()), system)
            while (ending := exchange.ending) is None:
                wake_at = exchange.wake_at
                timeout_s = 0.05 if wake_at is None else max(wake_at - self.now(), 0.0)
                try:
                    async with asyncio.timeout(timeout_s):
                        frame = await queue.get()
                except TimeoutError:
                    self._say(exchange.wake(self.now()), system)
                    continue
                if frame.message is not None and frame.component == AUTOPILOT_COMPONENT and _for_us(frame.message):
                    self._say(exchange.hear(frame.message, self.now()), system)
                if exchange.wake_at is not None and self.now() >= exchange.wake_at:
                    self._say(exchange.wake(self.now()), system)
            return ending

    async def first_heartbeat(self, system: int | None, within_s: float) -> Message:
        """The next heartbeat of an autopilot. Raises DroneSilent."""
        try:
            async with asyncio.timeout(within_s), self.listen(system) as queue:
                while True:
                    message = (await queue.get()).message
                    if message is not None and message.name == "HEARTBEAT" and message.component == AUTOPILOT_COMPONENT:
                        return message
        except TimeoutError as err:
            raise DroneSilent(drone=system or "?", seconds=within_s, link=self.address.text) from err

    def _say(self, messages: Iterable[Message], system: int) -> None:
        for message in messages:
            self.send(message, system)

    def _receive(self, data: bytes) -> None:
        now = self.now()
        for frame in self.codec.feed(data):
            quality = self.qualities.setdefault((frame.system, frame.component), Quality())
            quality.frame(frame.sequence, now)
            if frame.message is not None and frame.message.name == "HEARTBEAT":
                quality.heartbeat(now)
            for listener in tuple(self._listeners):
                listener(frame)

    async def _beat(self) -> None:
        while True:
            self.codec.clock(self._wall())
            self.send(OUR_HEARTBEAT)
            await asyncio.sleep(HEARTBEAT_EVERY_S)


def _addressed(message: Message, system: int) -> Message:
    """With target fields. Only messages that have them may be given a system."""
    to = {"target_system": system, "target_component": AUTOPILOT_COMPONENT}
    return Message(message.name, {**to, **message.fields})


def _for_us(message: Message) -> bool:
    """Not an answer to another ground station."""
    return message.is_for(GCS_SYSTEM, GCS_COMPONENT)
