"""The station as a daemon: makes its parts, starts them in order, stops them in order. Decisions are the desk's.

Flying goes by the clock that it is given (real, or stepped in simulations), talking to the broker by real time.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import structlog

from patrol.config import Config
from patrol.config.values import reveal
from patrol.errors import FlightError, FlightRecordUnwritable, LinkError, PatrolError, WireError
from patrol.flight.clock import Bell, Clock, Steady
from patrol.flight.dialect import Signing
from patrol.flight.keep import keep_flight
from patrol.flight.link import Link as DroneLink
from patrol.flight.pilot import Ending, Happening, Phase, Pilot
from patrol.flight.record import Header, Recorder
from patrol.flight.shell import News, Pose
from patrol.flight.station.aircraft import Aircraft, Radio, craft_of
from patrol.flight.station.desk import Desk, Offered
from patrol.flight.station.dispatch import Craft
from patrol.flight.station.errands import Errand
from patrol.flight.station.lock import locked
from patrol.flight.station.sorties import Prepared, Traffic, prepare, without_picture
from patrol.flight.station.store import Kept, Store
from patrol.flight.station.voice import Voice
from patrol.flight.transport import Opener, open_transport, read_address
from patrol.flight.words import state_said
from patrol.mqtt import Account, Incoming, Link, Outgoing
from patrol.planning.intent import airspace_of
from patrol.terminal import language_of
from patrol.topics import ALERT_RAISED, FLIGHT_REQUESTED, WEATHER_WARNED, read
from patrol.waiting import cancelled, happens_within

SOFTWARE = version("sky-ground-patrol")
HEARD = (FLIGHT_REQUESTED, WEATHER_WARNED, ALERT_RAISED)
INBOX = 500
STEP_S = 1.0
STATUS_EVERY_S = 10.0
SAY_RETRY_S = 1.0
POSES = 200  # unsaid poses kept while the broker is away; older ones are of no use
TIDY_EVERY_S = 3600.0
DRAIN_WITHIN_S = 3.0
COME_HOME_WITHIN_S = 900.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Inbox(asyncio.Queue[Incoming]):
    """Rings when something comes, so that a station whose time is stepped hears it without time going on."""

    def __init__(self, size: int, bell: Bell) -> None:
        super().__init__(size)
        self._bell = bell

    def put_nowait(self, item: Incoming) -> None:
        """Take it, and ring."""
        super().put_nowait(item)
        self._bell.ring()


class Service:
    """One station. `opener` opens drone links: sockets, or cables to simulated drones in this process."""

    def __init__(
        self, config: Config, config_dir: Path, environ: Mapping[str, str], *, clock: Clock | None = None,
        wall: Callable[[], datetime] = _utc_now, opener: Opener = open_transport, signing: Signing | None = None,
        dice: random.Random | None = None, lock_dir: Path | None = None, tell: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._config, self._wall, self._tell = config, wall, tell
        self._language = language_of(environ)
        self._clock: Clock = clock or Steady()
        self._dir = config_dir / config.station.state_dir
        self._real = opener is open_transport  # cables are this process's own: nobody else can be on them
        self._lock_dir, self._dice = lock_dir, dice or random.Random()  # noqa: S311 - spreads retries, no secret
        broker = config.broker
        password = None if broker.password is None else reveal(broker.password, environ, "broker.password")
        self._account = Account(
            broker.url, f"patrol-station-{config.district.id}-{config.station.id}", broker.username, password
        )
        links = {drone.id: reveal(drone.link, environ, f"drones.{drone.id}.link") for drone in config.drones}
        self._addresses = sorted(set(links.values()))
        self.radios = {
            text: Radio(DroneLink(read_address(text), signing, self._clock, lambda: wall().timestamp(), opener))
            for text in self._addresses
        }
        self.aircraft = {d.id: Aircraft(d, self.radios[links[d.id]], d.system) for d in config.drones}
        self._bell = Bell()
        self._inbox = Inbox(INBOX, self._bell)
        self._unsaid, self._quiet = asyncio.Event(), asyncio.Event()  # something to say; nothing left to say
        self._poses: deque[Outgoing] = deque(maxlen=POSES)
        self._status: Outgoing | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._go_home = self._shown = ""
        self._log = structlog.get_logger()
        self.link: Link | None = None
        self.desk: Desk | None = None

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Until `stop`. Drones in the air then fly on, and come home by their own failsafe unless a station takes over.

        Raises DroneTaken, StationStateUnusable, and what the tasks could not translate.
        """
        with locked(self._dir, self._addresses if self._real else [], self._lock_dir):
            store = Store(self._dir / "station.db")
            try:
                await self._run(store, stop, ready)
            except BaseExceptionGroup as group:
                known, rest = group.split(PatrolError)
                if rest is not None or known is None:
                    raise
                raise _first(known) from group
            finally:
                store.close()

    async def _run(self, store: Store, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        self._store = store
        voice = self._voice = Voice(self._config, store.begin_session(), SOFTWARE)
        district, now = self._config.district.id, self._wall()
        desk = self.desk = Desk(self._config, store, voice, self, self._wall)
        link = self.link = Link(
            self._account, [row.filter(district) for row in HEARD], voice.status("online", {}, 0, now, 0),
            voice.status("offline", {}, 0, now, 0), self._inbox, self._unsaid.set, self._wall, self._dice,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            works = [link.run(), self._speak(link), *(r.run() for r in self.radios.values())]
            works += [aircraft.run() for aircraft in self.aircraft.values()]
            endless = [group.create_task(work) for work in works]
            desk_work = group.create_task(self._work(desk))
            try:
                ready()
                self._log.info("station works", station=voice.station, session=voice.session, drones=len(self.aircraft))
                await stop.wait()
                link.stop_listening()
                await cancelled([desk_work, *self._tasks])
                self._status = voice.status("offline", {}, 0, self._wall(), self._next())
                self._quiet.clear()
                self._unsaid.set()
                if link.up.is_set():
                    await happens_within(self._quiet, DRAIN_WITHIN_S)
            finally:  # also when a part has failed: the group itself cancels but once
                await cancelled([desk_work, *self._tasks, *endless])
        self._log.info("station stopped", in_the_air=[kept.drone for kept in desk.flights.values()] or None)

    async def come_home(self) -> bool:
        """Let nothing take off any more, call all flights back, and wait for them; whether all are down in time."""
        desk = self.desk
        if desk is None:
            return True
        desk.leaving = True
        for flight_id in list(desk.flights):
            desk.recall(flight_id, ())
        with self._clock.member():
            give_up_at = self._clock.now() + COME_HOME_WITHIN_S
            while desk.flights and self._clock.now() < give_up_at:
                await self._clock.sleep_until(self._clock.now() + STEP_S)
        return not desk.flights

    def crafts(self, flying: set[str]) -> list[Craft]:
        """All drones, as dispatch sees them."""
        return [craft_of(drone, self.aircraft[drone.id], drone.id in flying) for drone in self._config.drones]

    def launch(self, kept: Kept, *, takes_over: bool) -> None:
        """Fly it in a task of its own."""
        task = asyncio.create_task(self._fly(kept, takes_over=takes_over))
        self._tasks.add(task)
        task.add_done_callback(self._landed)

    def recall(self, drone: str) -> None:
        """Order it home."""
        self.aircraft[drone].call_home()

    async def _fly(self, kept: Kept, *, takes_over: bool) -> None:
        assert self.desk is not None  # noqa: S101 - for the type: the desk launches
        pilot = Pilot(kept.prepared.compiled, kept.prepared.demands, takes_over=takes_over)
        with self._clock.member():
            try:
                ending = await self._recorded(kept, pilot)
            except FlightError as err:
                ending = Ending("aborted", err.explain("en"))
            # a pilot that took over, or was relieved when the link ended, has not heard of every photograph
            heard_all = pilot.phase is Phase.ENDED and not takes_over
            missed = without_picture(kept.prepared, pilot.seen.pictures) if heard_all else ()
            self.desk.ended(kept.id, ending, len(pilot.seen.pictures), missed)
        self._unsaid.set()
        self._bell.ring()

    async def _recorded(self, kept: Kept, pilot: Pilot) -> Ending:
        """Fly it, and keep its record in the state folder; a disk that does not take the record changes nothing."""
        aircraft = self.aircraft[kept.drone]
        mission, zones = kept.prepared.mission, airspace_of(self._config).zones
        header = Header(mission, aircraft.system or 0, self._wall().timestamp(), self._clock.now(), zones)
        folder = self._dir / "flights" / kept.drone
        recorder: Recorder | None = None

        def unwritten(err: FlightRecordUnwritable) -> None:
            self._log.error("no flight record", drone=kept.drone, reason=err.explain("en"))

        def tell(news: News) -> None:
            if recorder is not None:
                recorder.hear(news)
            self._news(kept, news)

        with ExitStack() as stack:
            try:
                recorder = stack.enter_context(keep_flight(aircraft.link, pilot, header, folder, unwritten))
            except FlightRecordUnwritable as err:
                unwritten(err)
            return await aircraft.fly(pilot, tell, self._config.station.pose_every_s)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (err := task.exception()) is not None:
            self._log.error("a flight was lost by the program", error=repr(err))

    def _news(self, kept: Kept, news: News) -> None:
        assert self.desk is not None  # noqa: S101 - as above
        if isinstance(news, Happening):
            self.desk.happened(kept.id, news)
            self._unsaid.set()
        elif isinstance(news, Pose):
            self.desk.progressed(kept.id, news.item)
            self._poses.append(self._voice.pose(kept.errand, kept.drone, kept.id, news, self._wall(), self._next()))
            self._unsaid.set()

    async def _work(self, desk: Desk) -> None:
        """The desk's day: hear, let the calendar run, decide, plan, launch; a sign of life now and then."""
        status_at = tidy_at = float("-inf")
        with self._clock.member():
            while True:
                while not self._inbox.empty():
                    self._hear(desk, self._inbox.get_nowait())
                desk.calendar()
                for errand, drones, traffic in desk.decide():
                    made = await asyncio.to_thread(self._prepare, errand, drones, traffic)
                    desk.launch(errand, made)
                now = self._clock.now()
                changed = self._look(desk)
                if changed or now >= status_at:
                    status_at = now + STATUS_EVERY_S
                    self._status = self._sign_of_life(desk)
                if now >= tidy_at:
                    tidy_at = now + TIDY_EVERY_S
                    self._store.tidy(self._wall().timestamp())
                self._unsaid.set()
                await self._clock.sleep_until(self._clock.now() + STEP_S, self._bell)

    def _prepare(self, errand: Errand, drones: Sequence[str], traffic: Sequence[Traffic]) -> list[Offered]:
        """Plan and judge for one drone after the other, until one may fly. Runs in a thread."""
        now_s, found = self._wall().timestamp(), list[Offered]()
        for drone in drones:
            found.append(Offered(drone, prepare(errand, drone, self._config, now_s, traffic)))
            if isinstance(found[-1].answer, Prepared):
                break
        return found

    def _hear(self, desk: Desk, incoming: Incoming) -> None:
        try:
            event = read(incoming.payload, topic=incoming.topic, district=self._config.district.id)
        except WireError as err:
            self._log.warning("message refused", topic=incoming.topic, reason=err.explain("en"))
            return
        desk.hear(event)

    def _look(self, desk: Desk) -> bool:
        """Tell the terminal in one line when something has changed; whether it has."""
        flying = {kept.drone: kept for kept in desk.flights.values()}
        parts = []
        for craft in self.crafts(set(flying)):
            kept = flying.get(craft.id)
            words = [craft.state, kept.errand.patrol or kept.errand.kind, kept.stage] if kept else [craft.state]
            parts.append(f"{craft.id}: {' '.join(state_said(word, self._language) for word in words)}")
        line = " | ".join([*parts, f"{state_said('waiting', self._language)}: {desk.waiting}"])
        if line == self._shown:
            return False
        self._shown = line
        self._tell(line)
        return True

    def _sign_of_life(self, desk: Desk) -> Outgoing:
        flights = {kept.drone: kept.id for kept in desk.flights.values()}
        crafts = {
            craft.id: (craft, self.aircraft[craft.id].seen.at, flights.get(craft.id))
            for craft in self.crafts(set(flights))
        }
        return self._voice.status("online", crafts, desk.waiting, self._wall(), self._next())

    async def _speak(self, link: Link) -> None:
        """Say what is to be said, in order; what is kept in the store until the broker has it."""
        while True:
            await happens_within(self._unsaid, SAY_RETRY_S)
            self._unsaid.clear()
            await link.up.wait()
            try:
                for number, message in self._store.unsaid(100):
                    await link.publish(message)
                    self._store.was_said(number)
                    self._unsaid.set()  # there may be more
                while self._poses:
                    await link.publish(self._poses.popleft())
                status, self._status = self._status, None
                if status is not None:
                    await link.publish(status)
                if not self._store.unsaid(1) and self._status is None:
                    self._quiet.set()
            except LinkError as err:
                self._log.debug("broker does not take it now", reason=err.explain("en"))
                await asyncio.sleep(SAY_RETRY_S)

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def _first(group: BaseExceptionGroup[PatrolError]) -> PatrolError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
