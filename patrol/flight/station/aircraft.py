"""One drone on its link: heard while it stands, flown when it is told to. Thin: pilots decide, `Link` carries.

`Radio` keeps one link open, however often it ends; several aircraft may share it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

import structlog

from patrol.config.shape import DroneConfig
from patrol.errors import DroneLinkLost, FlightError
from patrol.flight.ask import Ask
from patrol.flight.clock import Bell
from patrol.flight.link import Link
from patrol.flight.messages import AUTOPILOT_COMPONENT, Command
from patrol.flight.pilot import Ending, Pilot
from patrol.flight.seen import Seen
from patrol.flight.shell import Flight, News
from patrol.flight.station.dispatch import LEAST_BATTERY, Craft, State

SILENT_S = 6.0
LISTEN_EVERY_S = 0.5
ASK_EVERY_S = 5.0
REOPEN_S = (0.5, 15.0)
# GLOBAL_POSITION_INT, SYS_STATUS, GPS_RAW_INT, EKF_STATUS_REPORT; ArduPilot's heartbeat comes alone until somebody asks
IDLE_HZ = {33: 1.0, 1: 1.0, 24: 0.5, 193: 0.5, 30: 0.2}


class Radio:
    """One link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.open = False
        self.reopened = Bell()

    async def run(self) -> None:
        """Keep it open until cancelled."""
        clock, failures = self.link.clock, 0
        log = structlog.get_logger().bind(link=self.link.address.text)
        with clock.member():
            while True:
                try:
                    await self.link.open()
                    self.open, failures = True, 0
                    try:
                        while True:
                            self.link.check()
                            await clock.sleep_until(clock.now() + LISTEN_EVERY_S)
                    finally:
                        self.open = False
                        await self.link.close()
                except FlightError as err:
                    if not failures:
                        log.warning("drone link down", reason=err.explain("en"))
                    failures += 1
                    first, longest = REOPEN_S
                    await clock.sleep_until(clock.now() + min(first * 2 ** min(failures, 6), longest))


class Aircraft:
    """A drone of the configuration on its radio. `system`: its MAVLink number; None: the only one that is heard."""

    def __init__(self, config: DroneConfig, radio: Radio, system: int | None) -> None:
        self._config, self._radio, self._wanted = config, radio, system
        self._seen = Seen(config.autopilot)
        self._flight: Flight | None = None
        self._asked_at = float("-inf")

    @property
    def id(self) -> str:
        """Its name."""
        return self._config.id

    @property
    def seen(self) -> Seen:
        """What is known of it."""
        return self._seen

    @property
    def link(self) -> Link:
        """The link that it is on."""
        return self._radio.link

    @property
    def system(self) -> int | None:
        """Its number on the link, when it is known."""
        if self._wanted is not None:
            return self._wanted
        systems = self._radio.link.systems()
        return systems[0] if len(systems) == 1 else None

    @property
    def heard(self) -> bool:
        """Whether it was heard within the last seconds."""
        at = self._seen.heard_at
        return at is not None and self._radio.link.now() - at <= SILENT_S

    async def run(self) -> None:
        """Listen until cancelled."""
        link = self._radio.link
        with link.listen() as ear, link.clock.member():
            while True:
                system = self.system
                while ear.frames:
                    frame = ear.frames.popleft()
                    if frame.message is not None and frame.system == system and frame.component == AUTOPILOT_COMPONENT:
                        self._seen.hear(frame.message, link.now())
                if system is not None:
                    self._ask(system)
                await link.clock.sleep_until(link.now() + LISTEN_EVERY_S)

    def _ask(self, system: int) -> None:
        """For its streams, while they do not come."""
        link, seen = self._radio.link, self._seen
        stale = seen.position_at is None or link.now() - seen.position_at > ASK_EVERY_S or isnan(seen.battery)
        if self._flight is None and self.heard and stale and link.now() - self._asked_at > ASK_EVERY_S:
            self._asked_at = link.now()
            for number, rate_hz in IDLE_HZ.items():
                for message in Ask(Command.SET_MESSAGE_INTERVAL, (float(number), 1e6 / rate_hz)).begin(link.now()):
                    link.send(message, system)

    async def fly(self, pilot: Pilot, tell: Callable[[News], None], pose_every_s: float) -> Ending:
        """One flight to its end. A link that ends in mid-flight is waited for, and the drone taken over again."""
        link, system = self._radio.link, self.system
        if system is None:
            return Ending("aborted", "its number on the link is not known")
        try:
            while True:
                self._flight = Flight(link, system, pilot, tell, pose_every_s)
                try:
                    return await self._flight.run()
                except DroneLinkLost as lost:
                    if not pilot.seen.flew and not pilot.takes_over:
                        return Ending("aborted", lost.explain("en"))
                    pilot = Pilot(pilot.compiled, pilot.demands, takes_over=True)
                    await self._until_heard()
        finally:
            self._flight = None
            if pilot.seen.armed is not None:  # newer than what was last listened to
                self._seen.armed = pilot.seen.armed

    async def _until_heard(self) -> None:
        clock = self._radio.link.clock
        with clock.member():
            while not (self._radio.open and self.heard):
                await clock.sleep_until(clock.now() + LISTEN_EVERY_S)

    def call_home(self) -> None:
        """End the flight in hand at home; nothing without one."""
        if self._flight is not None:
            self._flight.order("abort")


def craft_of(config: DroneConfig, aircraft: Aircraft, flying: bool) -> Craft:
    """The drone as dispatch sees it."""
    seen = aircraft.seen
    battery = None if isnan(seen.battery) else seen.battery
    state: State = "free"
    if flying:
        state = "flying"
    elif not aircraft.heard or seen.armed is None:
        state = "silent"
    elif seen.armed:
        state = "unfit"
    elif battery is None or battery < LEAST_BATTERY:
        state = "charging"
    return Craft(config.id, config.home, state, battery)
