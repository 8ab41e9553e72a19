"""MAVSDK, which knows nothing of us, uploads to, arms and flies the simulated drone over a real socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from math import nan

import pytest

from patrol.broker import free_port
from patrol.flight.clock import Steady
from patrol.flight.compare import Firmware
from patrol.flight.messages import MissionType
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import read_address
from patrol.geo import LatLon

HOME = LatLon(22.5431, 114.0579)
SPEED = 8.0  # times real time


class InTheAir:
    """A simulated drone in a thread of its own, speaking to one port."""

    def __init__(self, firmware: Firmware) -> None:
        self.port = free_port()
        self.drone = SimDrone(firmware, HOME)
        self._aloft = Aloft(Vehicle(self.drone), read_address(f"udpout://127.0.0.1:{self.port}"), clock=Steady(SPEED))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._task = self._loop.create_task(self._aloft.run())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self._loop.close()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5)


@pytest.fixture(params=["px4", "ardupilot"])
def aloft(request: pytest.FixtureRequest) -> Iterator[InTheAir]:
    """A drone of each firmware."""
    flying = InTheAir(request.param)
    flying.start()
    yield flying
    flying.stop()


def wait_for(what: str, seconds: float, met: object) -> None:
    """Wait until `met()`; fail with `what` otherwise."""
    assert callable(met)
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.xdist_group("mavsdk")
def test_mavsdk_flies_the_simulated_drone(aloft: InTheAir) -> None:
    """Upload, arm, start, fly away, come back, land and disarm, all by MAVSDK; the drone was where the mission went."""
    from mavsdk.component_type import ComponentType  # noqa: PLC0415 - loads a native library: only for this test
    from mavsdk.mavsdk import Configuration, Mavsdk  # noqa: PLC0415 - the same
    from mavsdk.plugins.action.action import Action  # noqa: PLC0415 - the same
    from mavsdk.plugins.mission_raw.mission_raw import MissionItem, MissionRaw  # noqa: PLC0415 - the same

    sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    try:
        sdk.add_any_connection(f"udpin://127.0.0.1:{aloft.port}")
        system = sdk.first_autopilot(20.0)
        assert system is not None, "MAVSDK did not see the drone"
        px4 = aloft.drone.firmware == "px4"
        yaw = nan if px4 else 0.0
        legs = [(22, 6, 225431000, 1140579000, 20.0), (16, 6, 225436000, 1140579000, 20.0), (20, 2, 0, 0, 0.0)]
        if not px4:
            legs.insert(0, (16, 0, 225431000, 1140579000, 0.0))
        items = [
            MissionItem(n, f, c, int(n == 0), 1, 0.0, 0.0, 0.0, 0.0 if f == 2 else yaw, x, y, z, 0)
            for n, (c, f, x, y, z) in enumerate(legs)
        ]
        raw, action = MissionRaw(system), Action(system)
        raw.upload_mission(items)
        assert len(aloft.drone.bay.lists[MissionType.MISSION]) == len(items)
        assert len(raw.download_mission()) == len(items)
        action.arm()
        raw.start_mission()
        wait_for("it never flew away", 30, lambda: aloft.drone.body.north_m > 50)
        wait_for("it never came home", 60, lambda: not aloft.drone.flying.armed)
        assert abs(aloft.drone.body.north_m) < 1.5
    finally:
        sdk.destroy()
