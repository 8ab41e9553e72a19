"""The centre as a whole: makes its parts, starts them in order, stops them in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import structlog

from patrol.center import api, flight_routes, uploads
from patrol.center.air import Air
from patrol.center.announce import Announcer
from patrol.center.answers import BrokerHealth, QueueHealth
from patrol.center.dispatch import Dispatcher
from patrol.center.evidence import EvidenceFolder
from patrol.center.feed import Feed
from patrol.center.ingest import INBOX, Ingest
from patrol.center.poses import Poses
from patrol.center.store.database import Database, database_url
from patrol.center.store.messages import Rules
from patrol.center.store.reader import Reader
from patrol.center.store.writer import Writer
from patrol.center.understand import HEARD
from patrol.center.web import create_app, listen, make_server
from patrol.config import Config
from patrol.config.values import PLACEHOLDER, reveal
from patrol.errors import DatabaseFromFuture, LinkError, PatrolError, SecretNotSet, StorageError
from patrol.events import CenterStatus, Data, Event, source_of
from patrol.mqtt import Account, Incoming, Link, Outgoing
from patrol.topics import DRONE_POSE
from patrol.waiting import cancelled, happens_within

SOFTWARE = version("sky-ground-patrol")
DRAIN_WITHIN_S = 5.0  # for what has come before the stop; what is left the boxes say again
DATABASE_RETRY_S = 2.0
TIDY_EVERY_S = 3600.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    config: Config, config_dir: Path, environ: Mapping[str, str], stop: asyncio.Event, *,
    ready: Callable[[str], None] | None = None, wall: Callable[[], datetime] = _utc_now, dice: random.Random | None = None,
) -> None:  # fmt: skip
    """Run the centre of one district until `stop`. Database and broker may come, go and come back meanwhile.

    `ready` is called once with the address of the pages, when they can be asked. Relative paths of the
    configuration are relative to `config_dir`, secrets come from `environ`.
    Raises SecretNotSet, PortTaken, DatabaseFromFuture, DatabaseUnusable (an address that is none).
    """
    center = Service(config, config_dir, environ, wall, dice or random.Random())  # noqa: S311 - spreads retries, no secret
    try:
        await center.run(stop, ready)
    except BaseExceptionGroup as group:
        known, rest = group.split(PatrolError)
        if rest is not None or known is None:
            raise
        raise _first(known) from group


def _first(group: BaseExceptionGroup[PatrolError]) -> PatrolError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _token(template: str, environ: Mapping[str, str], field: str) -> str:
    """A box's token. Raises SecretNotSet, also when it is empty: an empty token would let everybody in."""
    token = reveal(template, environ, field)
    if not token.strip():
        match = PLACEHOLDER.search(template)
        raise SecretNotSet(field=field, name=match[1] if match else template)
    return token


class Service:
    """One centre: its parts, and the order in which they start and stop."""

    def __init__(
        self, config: Config, config_dir: Path, environ: Mapping[str, str], wall: Callable[[], datetime], dice: random.Random
    ) -> None:  # fmt: skip
        self._config, self._wall, self._dice = config, wall, dice
        tokens = {box.id: _token(box.token, environ, f"boxes.{box.id}.token") for box in config.boxes}
        broker = config.broker
        password = None if broker.password is None else reveal(broker.password, environ, "broker.password")
        district = config.district.id
        self._account = Account(broker.url, f"patrol-center-{district}", broker.username, password)
        self._database = Database(database_url(config.center.database, config_dir, environ))
        rules = Rules(config, Dispatcher(config))
        self._rules = rules
        self._writer, self._reader = Writer(self._database, rules), Reader(self._database)
        self._folder = EvidenceFolder(config_dir / config.center.evidence_dir)
        self._feed, self._air = Feed(), Air()
        self._uploads = uploads.Uploads(self._folder, self._writer, uploads.Tokens(tokens), self._feed, wall)
        self._inbox: asyncio.Queue[Incoming] = asyncio.Queue(INBOX)
        self._new_case = asyncio.Event()
        self._session: int | None = None
        self._link: Link | None = None
        self._started_at = wall()
        self._log = structlog.get_logger()

    async def run(self, stop: asyncio.Event, ready: Callable[[str], None] | None) -> None:
        """Until `stop`."""
        center = self._config.center
        app = create_app(
            (
                api.routes(self._config, self._reader, self._database.kind, self._feed, self._condition, self._wall),
                flight_routes.routes(self._config, self._reader, self._air, self._wall),
                uploads.routes(self._uploads, self._folder, self._reader),
            ),
            SOFTWARE,
        )
        bound = listen(center.host, center.port)
        server = make_server(app)
        try:
            async with asyncio.TaskGroup() as group:
                pages = group.create_task(server.serve(sockets=[bound]))
                work = group.create_task(self._work(stop))
                if ready is not None:
                    ready(_url(center.host, bound.getsockname()[1]))
                await stop.wait()
                await asyncio.wait({work})
                self._feed.close()
                server.should_exit = True
                await asyncio.wait({pages})
        finally:
            bound.close()
            self._database.close()

    def _condition(self) -> api.Condition:
        link = self._link
        return api.Condition(
            SOFTWARE, self._session, self._started_at,
            BrokerHealth(connected=link is not None and link.up.is_set(), mqtt=None if link is None else link.protocol),
            QueueHealth(
                waiting=self._inbox.qsize(), capacity=self._inbox.maxsize, dropped=0 if link is None else link.dropped
            ),
        )  # fmt: skip

    async def _work(self, stop: asyncio.Event) -> None:
        """Everything but the pages."""
        session = await self._open_database(stop)
        if session is None:
            return
        self._session = session
        district = self._config.district.id
        link = self._link = Link(
            self._account, [row.filter(district) for row in HEARD], greeting=self._status("online"),
            will=self._status("offline"), inbox=self._inbox, connected=self._new_case.set, wall=self._wall,
            dice=self._dice, aside=(DRONE_POSE.filter(district), Poses(self._config, self._air, self._feed).take),
        )  # fmt: skip
        ingest = Ingest(
            self._inbox, self._writer, self._rules, link.publish, self._feed, self._air,
            self._new_case, self._wall, self._dice,
        )  # fmt: skip
        announcer = Announcer(self._writer, link.publish, district, self._new_case, self._wall)
        async with asyncio.TaskGroup() as group:
            endless = [group.create_task(work) for work in (link.run(), announcer.run(), self._keep_tidy())]
            recording = group.create_task(ingest.run(stop))
            try:
                await stop.wait()
                link.stop_listening()
                await asyncio.wait({recording}, timeout=DRAIN_WITHIN_S)
                with suppress(LinkError):
                    await link.publish(self._status("offline"))
            finally:  # also when a part has failed: the group itself cancels but once
                await cancelled([recording, *endless])
        self._log.info("centre stopped", session=session)

    async def _open_database(self, stop: asyncio.Event) -> int | None:
        """Tables and the number of this session; None when stopped first. Raises DatabaseFromFuture."""
        told = False
        while not stop.is_set():
            try:
                await asyncio.to_thread(self._database.open)
                session = await asyncio.to_thread(self._writer.begin_session, self._wall())
                await self._uploads.reconcile()
            except DatabaseFromFuture:
                raise
            except StorageError as err:
                if not told:
                    self._log.error("database gone, trying again", reason=err.explain("en"))
                told = True
                await happens_within(stop, DATABASE_RETRY_S)
            else:
                self._log.info("centre works", session=session, database=self._database.shown_url)
                return session
        return None

    async def _keep_tidy(self) -> None:
        while True:
            try:
                expired = await asyncio.to_thread(self._writer.tidy, self._wall())
                self._log.debug("tidied", expired=expired)
            except StorageError as err:
                self._log.debug("not tidied", reason=err.explain("en"))
            await asyncio.sleep(TIDY_EVERY_S)

    def _status(self, state: str) -> Outgoing:
        """Our own sign of life. The will carries the time of the connect, for nobody knows when we shall die."""
        district, session = self._config.district.id, self._session or 1
        said = CenterStatus.model_validate({"session": session, "state": state, "software": SOFTWARE})
        event = Event[Data].of(
            said, id=f"center-{district[:20]}-{session}-{state}", source=source_of("center", district), time=self._wall(),
            drill=self._config.district.drill,
        )  # fmt: skip
        return Outgoing.of(event, district)


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - only shown
    return f"http://{shown}:{port}"
