"""Time that waits for the ground station: it waits for one that is slow, and goes on without one that is gone."""

from __future__ import annotations

import asyncio

from patrol.flight.clock import Stepped
from patrol.flight.dialect import Codec
from patrol.flight.messages import GCS_COMPONENT, GCS_SYSTEM, Message
from patrol.flight.sim.cable import ADDRESS, Cable
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import GONE_S, Aloft
from patrol.flight.sim.vehicle import Vehicle
from tests.flight.conftest import HOME

LEAD_S = 0.5
HEARTBEAT = Message(
    "HEARTBEAT",
    {"type": 6, "autopilot": 8, "base_mode": 0, "custom_mode": 0, "system_status": 4, "mavlink_version": 3},
    GCS_SYSTEM,
    GCS_COMPONENT,
)


def test_time_goes_on_without_a_ground_station_that_is_gone() -> None:
    """It stands while a ground station that was heard is silent, runs again when that is gone, and stands for the next one."""

    async def scene() -> None:
        clock, cable = Stepped(), Cable()
        drone = SimDrone("ardupilot", HOME)
        aloft = Aloft(
            Vehicle(drone), ADDRESS, clock=clock, wall=clock.now, opener=cable.drone, tick_s=0.1, lead_s=LEAD_S
        )
        flying = asyncio.create_task(aloft.run())
        ground = await cable.ground(ADDRESS, lambda *_: None, lambda _: None)
        codec = Codec(GCS_SYSTEM, GCS_COMPONENT, None)
        with clock.member():

            async def passes(seconds: float) -> float:
                await clock.sleep_until(clock.now() + seconds)
                return drone.now

            before = await passes(5.0)
            assert before > 4.0, "nobody was heard yet: it waits for nobody"
            for _ in range(2):
                ground.send(codec.encode(HEARTBEAT))
                stands = await passes(GONE_S - 1.0)
                assert stands <= before + LEAD_S + 0.2
                runs = await passes(30.0)
                assert runs > stands + 25.0
                before = runs
        flying.cancel()
        await asyncio.gather(flying, return_exceptions=True)

    asyncio.run(scene())
