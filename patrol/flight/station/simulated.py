"""Simulated drones for a station: one for each drone of the configuration, in its dock, with the dock's charger.

They are set up as a district would set up real ones: returning on a lost link, on a low battery and at the fence, at
the model's own return height.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from patrol.config import Config
from patrol.config.shape import DroneConfig
from patrol.flight.clock import Clock
from patrol.flight.sim.cable import Cable
from patrol.flight.sim.camera import ELSEWHERE, Cameras, Mounted, place_of_source, renderer_of
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import Address, Lost, Sink, Transport, read_address
from patrol.geo import LocalFrame

CHARGE_S = 1800.0  # from empty to full in the dock
AT_DOCK_M = 5.0
SWAPPED = 0.3  # share from which the autopilot has forgotten a battery failsafe
TICK_S = 0.1


class Cables:
    """Links in memory, one for each address."""

    def __init__(self) -> None:
        self._cables: dict[str, Cable] = {}

    def at(self, text: str) -> Cable:
        """The one for an address."""
        return self._cables.setdefault(text, Cable())

    async def ground(self, address: Address, receive: Sink, lost: Lost) -> Transport:
        """Open the station's end."""
        return await self.at(address.text).ground(address, receive, lost)


class Fleet:
    """Simulated drones of a configuration, on cables. `links`: the address of each, secrets filled in."""

    def __init__(self, config: Config, links: Mapping[str, str], clock: Clock) -> None:
        self.cables, self._clock = Cables(), clock
        self.drones, self.aloft = dict[str, SimDrone](), dict[str, Aloft]()
        for number, drone in enumerate(config.drones, 1):
            address = read_address(links[drone.id])
            sim = self.drones[drone.id] = set_up(config, drone, drone.system or number)
            cable, vehicle = self.cables.at(address.text), Vehicle(sim)
            for name in sim.intervals_s:  # what it sends unasked is set up for a radio, not for a cable
                sim.intervals_s[name] = max(sim.intervals_s[name], 1.0)
            self.aloft[drone.id] = Aloft(vehicle, address, clock=clock, opener=cable.drone, tick_s=TICK_S)

    def cameras(self, config: Config, sources: Mapping[str, str], tell: Callable[[str], None]) -> Cameras | None:
        """The drones' cameras, each shown where its box looks for it; `sources`: the address of each, secrets filled in.

        None when no drone has one. An address of another machine is told and left out. Raises ProgramMissing.
        """
        mounted = list[Mounted]()
        for drone in config.drones:
            if drone.camera is None:
                continue
            place = place_of_source(sources[drone.id])
            if place is None:
                tell(ELSEWHERE.format(drone=drone.id, source=drone.camera.source))
                continue
            host, port, name = place
            delay_s, lens = float(drone.camera.delay_s), drone.camera.lens.geo
            mounted.append(Mounted(name, self.aloft[drone.id], lens, host, port, delay_s))
        if not mounted:
            return None
        return Cameras(mounted, LocalFrame(config.district.origin), renderer_of(config), self._clock, tell)

    async def charge(self) -> None:
        """Fill the batteries of those that stand in their docks, until cancelled."""
        with self._clock.member():
            while True:
                for sim in self.drones.values():
                    at_dock = not sim.flying.armed and sim.body.distance_m(0.0, 0.0) < AT_DOCK_M
                    if at_dock:
                        sim.battery.remaining = min(1.0, sim.battery.remaining + 1.0 / CHARGE_S)
                        if sim.battery.remaining > SWAPPED:  # as after a change of batteries: it starts anew
                            sim.watch.battery_stage, sim.watch.low_since, sim.watch.critical_since = 0, None, None
                await self._clock.sleep_until(self._clock.now() + 1.0)


def set_up(config: Config, drone: DroneConfig, system: int) -> SimDrone:
    """One drone at its dock, as its model says."""
    model = next((m for m in config.drone_models if m.id == drone.model), None)
    return_m = 60.0 if model is None else float(model.rtl_altitude_m)
    ceiling_m = max(config.airspace.ceiling_m, return_m)
    sim = SimDrone(drone.autopilot, drone.home, system=system)
    settings: dict[str, float] = (
        {"FS_GCS_ENABLE": 1, "BATT_FS_LOW_ACT": 2, "BATT_LOW_VOLT": 10.7, "FENCE_ENABLE": 1, "FENCE_TYPE": 5,
         "FENCE_ALT_MAX": ceiling_m + 5.0, "RTL_ALT": return_m * 100.0}
        if drone.autopilot == "ardupilot"
        else {"NAV_DLL_ACT": 2, "COM_LOW_BAT_ACT": 2, "BAT_CRIT_THR": 0.2, "BAT_LOW_THR": 0.25, "GF_ACTION": 3,
              "RTL_RETURN_ALT": return_m, "MPC_Z_VEL_MAX_DN": 1.5}
    )  # fmt: skip
    for name, value in settings.items():
        sim.settings.set(name, value)
    return sim
