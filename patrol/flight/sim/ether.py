"""A radio link in simulated time: frames are lost, late, doubled and overtaken as it is told. Seeded; no IO, no sleeping.

It carries messages between one vehicle and whoever talks to it on the ground, and turns the clock from one
thing that happens to the next.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Protocol, TypeVar

from patrol.flight.exchange import Exchange
from patrol.flight.messages import AUTOPILOT_COMPONENT, GCS_COMPONENT, GCS_SYSTEM, Message

Ended = TypeVar("Ended")


class Hearer(Protocol):
    """A vehicle, or the part of one that answers."""

    def hear(self, message: Message, now: float) -> list[Message]:
        """Answer."""

    def tick(self, now: float) -> list[Message]:
        """Speak by itself."""


@dataclass(frozen=True)
class Weather:
    """How bad the link is. Shares of frames; seconds.

    loss(up), loss(down): share of frames to and from the vehicle that vanish
    delay_s, spread_s:    each frame takes delay_s plus up to spread_s more, so that frames overtake each other
    doubled:              share of frames that arrive twice
    """

    loss_up: float = 0.0
    loss_down: float = 0.0
    delay_s: float = 0.003
    spread_s: float = 0.0
    doubled: float = 0.0


@dataclass
class Ether:
    """The link and its clock. `dropped` decides frame by frame when given, instead of chance."""

    weather: Weather = Weather()
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - a simulation wants to be repeatable
    dropped: Callable[[Message, bool], bool] | None = None
    now: float = 0.0
    step_s: float = 0.02
    lost: int = 0
    carried: int = 0

    def converse(
        self, exchange: Exchange[Ended], vehicle: Hearer, system: int = 1, limit_s: float = 4000.0
    ) -> Ended | None:
        """Hold one conversation to its end. None when it has not ended after `limit_s` of simulated time."""
        order, queue = count(), list[tuple[float, int, bool, Message]]()
        stop_at, tick_at = self.now + limit_s, self.now

        def send(messages: Iterable[Message], up: bool) -> None:
            for message in messages:
                addressed = _addressed(message, system) if up else _signed(message, system)
                for at in self._arrivals(addressed, up):
                    heapq.heappush(queue, (at, next(order), up, addressed))

        send(exchange.begin(self.now), up=True)
        while exchange.ending is None and self.now < stop_at:
            wake_at = exchange.wake_at
            self.now = max(
                self.now, min(tick_at, queue[0][0] if queue else tick_at, tick_at if wake_at is None else wake_at)
            )
            while queue and queue[0][0] <= self.now:
                _, _, up, message = heapq.heappop(queue)
                if up:
                    send(vehicle.hear(message, self.now), up=False)
                else:
                    send(exchange.hear(message, self.now), up=True)
            if self.now >= tick_at:
                send(vehicle.tick(self.now), up=False)
                tick_at = self.now + self.step_s
            if wake_at is not None and self.now >= wake_at:
                send(exchange.wake(self.now), up=True)
        return exchange.ending

    def _arrivals(self, message: Message, up: bool) -> list[float]:
        weather, chance = self.weather, self.random
        loss = weather.loss_up if up else weather.loss_down
        gone = chance.random() < loss if self.dropped is None else self.dropped(message, up)
        if gone:
            self.lost += 1
            return []
        self.carried += 1
        times = 1 + (chance.random() < weather.doubled)
        return [self.now + weather.delay_s + chance.random() * weather.spread_s for _ in range(times)]


def _addressed(message: Message, system: int) -> Message:
    to = {"target_system": system, "target_component": AUTOPILOT_COMPONENT}
    return Message(message.name, {**to, **message.fields}, GCS_SYSTEM, GCS_COMPONENT)


def _signed(message: Message, system: int) -> Message:
    return Message(message.name, message.fields, system, AUTOPILOT_COMPONENT)
