"""Simulated drones and a ground station in one process, on one cable and one stepped clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from patrol.flight.clock import Stepped
from patrol.flight.compare import Firmware
from patrol.flight.link import Link
from patrol.flight.pilot import Pilot
from patrol.flight.shell import Flight, News
from patrol.flight.sim.cable import ADDRESS, Cable
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from tests.flight.conftest import DEMANDS, HOME, SAFE, a_plan

BEGAN_S = 1_790_000_000.0  # what the wall clock says when simulated time begins


@dataclass
class Sky:
    """Simulated drones on one cable and one stepped clock, and the ground's link to them."""

    firmwares: tuple[Firmware, ...]
    clock: Stepped = field(default_factory=Stepped)
    cable: Cable = field(default_factory=Cable)

    def __post_init__(self) -> None:
        self.drones = [SimDrone(f, HOME, system=n) for n, f in enumerate(self.firmwares, 1)]
        for drone in self.drones:
            for name, value in SAFE[drone.firmware].items():
                drone.settings.set(name, value)
        self.aloft = [
            Aloft(Vehicle(d), ADDRESS, clock=self.clock, opener=self.cable.drone, tick_s=0.1) for d in self.drones
        ]
        self.link = Link(ADDRESS, clock=self.clock, opener=self.cable.ground, wall=self.wall)

    async def play(self, ground: Callable[[Sky], Awaitable[None]]) -> None:
        """Run the drones while `ground` does what it does."""
        running = [asyncio.create_task(aloft.run()) for aloft in self.aloft]
        await self.link.open()
        try:
            async with asyncio.timeout(60):
                await ground(self)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self.link.close()

    def flight(self, system: int, tell: Callable[[News], None] = lambda _: None, takes_over: bool = False) -> Flight:
        """A flight of one of them."""
        firmware = self.drones[system - 1].firmware
        return Flight(self.link, system, Pilot(a_plan(firmware), DEMANDS, takes_over), tell)

    def wall(self) -> float:
        """Seconds since 1970, simulated."""
        return BEGAN_S + self.clock.now()
