"""A simulated drone as seen from the link: messages in, messages out, time stepped from outside. No IO."""

from __future__ import annotations

from patrol.flight.messages import Message
from patrol.flight.sim import guide, orders, telemetry
from patrol.flight.sim.drone import SimDrone

STEP_S = 0.05  # of the physics; ArduCopter's own loop is faster, the recorded poses are at 4 Hz


class Vehicle:
    """One drone with its voice."""

    def __init__(self, drone: SimDrone) -> None:
        self.drone = drone
        telemetry.begin(drone)

    def hear(self, message: Message, now: float) -> list[Message]:
        """Answer."""
        self._until(now)
        orders.hear(self.drone, message)
        return self._said()

    def tick(self, now: float) -> list[Message]:
        """Fly until `now`, and say what is due."""
        self._until(now)
        telemetry.stream(self.drone)
        return self._said()

    def _until(self, now: float) -> None:
        while self.drone.now + 1e-9 < now:
            guide.step(self.drone, min(STEP_S, now - self.drone.now))
            for answer in self.drone.bay.tick(self.drone.now):
                self.drone.say(answer.name, **answer.fields)

    def _said(self) -> list[Message]:
        said, self.drone.out = self.drone.out, []
        return said
