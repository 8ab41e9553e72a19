"""Simulated drones on real sockets, in real or faster time. Thin: bytes in and out, and the clock; all else is `vehicle`'s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from patrol.flight.dialect import Codec, Signing
from patrol.flight.messages import AUTOPILOT_COMPONENT, Message
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import Address, Transport, open_transport

TICK_S = 0.02


@dataclass
class Losses:
    """Frames that a bad link eats. `only` says which may be lost; all when None."""

    share: float = 0.0
    only: Callable[[Message], bool] | None = None
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - a simulation wants to be repeatable
    down: bool = False  # the link is gone altogether
    eaten: int = 0

    def eat(self, message: Message) -> bool:
        """Whether this one is lost."""
        lost = self.down or (
            self.share > 0 and (self.only is None or self.only(message)) and self.random.random() < self.share
        )
        self.eaten += lost
        return lost


def of_missions(message: Message) -> bool:
    """The frames of mission, fence and rally transfers."""
    return message.name.startswith("MISSION_") and message.name not in {"MISSION_CURRENT", "MISSION_ITEM_REACHED"}


class Aloft:
    """One vehicle on one link."""

    def __init__(
        self,
        vehicle: Vehicle,
        address: Address,
        signing: Signing | None = None,
        losses: Losses | None = None,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.vehicle, self.address = vehicle, address
        self.losses = losses or Losses()
        self._codec = Codec(vehicle.drone.system, AUTOPILOT_COMPONENT, signing)
        self._speed, self._monotonic, self._wall = speed, monotonic, wall
        self._transport: Transport | None = None
        self._began = 0.0
        self._began_at = vehicle.drone.now

    async def run(self) -> None:
        """Fly until cancelled. Raises DroneLinkUnusable."""
        self._codec.clock(self._wall())
        self._transport = await open_transport(self.address, self._receive)
        self._began = self._monotonic()
        try:
            while True:
                self._codec.clock(self._wall())
                self._send(self.vehicle.tick(self._now()))
                await asyncio.sleep(TICK_S)
        finally:
            self._transport.close()

    def _now(self) -> float:
        return self._began_at + (self._monotonic() - self._began) * self._speed

    def _receive(self, data: bytes) -> None:
        for frame in self._codec.feed(data):
            if frame.message is not None and not self.losses.eat(frame.message):
                self._send(self.vehicle.hear(frame.message, self._now()))

    def _send(self, messages: list[Message]) -> None:
        for message in messages:
            if self._transport is not None and not self.losses.eat(message):
                self._transport.send(self._codec.encode(message))
