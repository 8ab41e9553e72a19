"""Simulated drones on a link, in real, faster or stepped time. Thin: bytes in and out, and the clock; all else is `vehicle`'s."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from random import Random

from patrol.flight.clock import Clock, Steady
from patrol.flight.dialect import Codec, Signing
from patrol.flight.messages import AUTOPILOT_COMPONENT, Message
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import Address, Opener, Peer, Transport, open_transport

TICK_S = 0.02
GONE_S = 60.0  # a ground station that is only slow, on a busy machine, is heard again sooner
LAG_AT_MOST_S = 1.0  # what moved straight on for longer is elsewhere


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
    """One vehicle on one link. Its time is its clock's since it was started; it says what is due each `tick_s`.

    With `lead_s` its time waits for the ground station: it never runs further ahead of what it last heard. However
    fast it flies, a ground station that is kept from running is then not a lost link. One that says nothing for
    `GONE_S` of real time is gone: time goes on without it, the link is lost, and what the vehicle does then is seen.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        address: Address,
        signing: Signing | None = None,
        losses: Losses | None = None,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
        opener: Opener = open_transport,
        tick_s: float = TICK_S,
        lead_s: float | None = None,
    ) -> None:
        self.vehicle, self.address = vehicle, address
        self.losses = losses or Losses()
        self._codec = Codec(vehicle.drone.system, AUTOPILOT_COMPONENT, signing)
        self._clock: Clock = clock or Steady()
        self._wall, self._opener, self._tick_s = wall, opener, tick_s
        self._transport: Transport | None = None
        self._behind_s = 0.0  # the clock's time less the drone's
        self._lead_s, self._until_s, self._heard_s = lead_s, inf, inf

    async def run(self) -> None:
        """Fly until cancelled, or until the link ends. Raises DroneLinkUnusable."""
        self._codec.clock(self._wall())
        self._transport = await self._opener(self.address, self._receive, self._end)
        self._behind_s = self._clock.now() - self.vehicle.drone.now
        try:
            with self._clock.member():
                while self._transport is not None:
                    self._codec.clock(self._wall())
                    self._send(self.vehicle.tick(self._now()))
                    await self._clock.sleep_until(self._clock.now() + self._tick_s)
        finally:
            if self._transport is not None:
                self._transport.close()

    @property
    def lag_s(self) -> float:
        """How far its clock is past the last step of the vehicle: up to a tick while it runs."""
        return min(max(self._clock.now() - self._behind_s - self.vehicle.drone.now, 0.0), LAG_AT_MOST_S)

    def _now(self) -> float:
        if self._wall() - self._heard_s > GONE_S:
            self._until_s = self._heard_s = inf
        now = min(self._clock.now() - self._behind_s, self._until_s)
        self._behind_s = self._clock.now() - now
        return now

    def _end(self, cause: str) -> None:
        del cause
        self._transport = None

    def _receive(self, data: bytes, peer: Peer) -> None:
        del peer  # a vehicle speaks to every ground station
        if self._lead_s is not None:
            self._until_s = self._now() + self._lead_s
            self._heard_s = self._wall()
        for frame in self._codec.feed(data):
            if frame.message is not None and not self.losses.eat(frame.message):
                self._send(self.vehicle.hear(frame.message, self._now()))

    def _send(self, messages: list[Message]) -> None:
        for message in messages:
            if self._transport is not None and not self.losses.eat(message):
                self._transport.send(self._codec.encode(message))
