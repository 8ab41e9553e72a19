"""From a broker into a database and back: real brokers, real databases, answers only after the commit."""

from __future__ import annotations

import asyncio
import re
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
from sqlalchemy import text

from patrol.center.dispatch import Dispatcher
from patrol.center.store.database import Database, database_url
from patrol.center.store.messages import Rules
from patrol.center.store.writer import Writer
from patrol.center.understand import OF_BOXES, understand
from patrol.config import Config
from patrol.events import CaseOpened, CenterStatus, Data, Event
from patrol.topics import BOX_STATUS, CASE_OPENED, CENTER_STATUS, read
from tests.brokers import AnyBroker
from tests.center.boxside import (
    BoxClient,
    box_client,
    came,
    ended,
    evidence_ref,
    lost,
    place_of,
    raised,
    status,
)
from tests.center.conftest import (
    WITHIN_S,
    Running,
    admin_engine,
    configured,
    own_postgres_database,
    running,
)


def settled(district: str, broker: AnyBroker, database: str) -> Config:
    """The demo district under another name, on this broker and database."""
    return configured(district__id=district, broker__url=broker.url, center__database=database, center__port=0)


@asynccontextmanager
async def center_and_box(config: Config, folder: Path) -> AsyncIterator[tuple[Running, BoxClient]]:
    """A centre that is connected, and a box."""
    async with running(config, folder) as center, box_client(config.broker.url, config.district.id) as box:
        await center.connected()
        yield center, box


@asynccontextmanager
async def listener(url: str, topic: str, identifier: str) -> AsyncIterator[aiomqtt.Client]:
    """Somebody who hears one topic, and keeps a session on the broker."""
    parts = urlsplit(url)
    async with aiomqtt.Client(
        parts.hostname or "", parts.port or 1883, identifier=identifier, clean_session=False, timeout=WITHIN_S
    ) as client:
        await client.subscribe(topic, qos=1)
        yield client


async def hear(client: aiomqtt.Client, district: str) -> Event[Data]:
    """The next message."""
    async with asyncio.timeout(WITHIN_S):
        async for message in client.messages:
            return read(bytes(message.payload), topic=str(message.topic), district=district)
    raise AssertionError("the stream ended")


def test_an_alert_is_answered_after_it_is_stored(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """When the answer comes, the API already has the case; said again it is a duplicate of the same case."""

    async def scene() -> None:
        async with center_and_box(settled(district, nats, database), tmp_path) as (center, box):
            alert = raised()
            await box.say(alert)
            answer = await box.answer()
            (incident,) = (await center.get("/incidents"))["incidents"]
            assert (answer.event_id, answer.outcome, answer.case_number) == (
                alert.id,
                "stored",
                incident["case_number"],
            )
            await box.say(alert, ended(alert.id))
            answers = await box.answers(2)
            again = answers.pop(alert.id)  # two topics: a broker promises no order between them
            (end,) = answers.values()
            assert (again.outcome, again.case_number, end.outcome) == ("duplicate", answer.case_number, "stored")
            (incident,) = (await center.get("/incidents"))["incidents"]
            assert (incident["active"], incident["alert_count"]) == (False, 1)

    asyncio.run(scene())


def test_both_protocols(own_broker: AnyBroker, tmp_path: Path) -> None:
    """On Mosquitto the centre speaks MQTT 5, on NATS 3.1.1, and it says which; it goes with a retained goodbye."""

    async def scene() -> None:
        database = f"sqlite:///{tmp_path}/p.db"
        async with listener(own_broker.url, CENTER_STATUS.path("demo"), "ear") as ear:
            async with center_and_box(settled("demo", own_broker, database), tmp_path) as (center, box):
                spoken = (await center.get("/health"))["broker"]["mqtt"]
                assert spoken == ("3.1.1" if type(own_broker).__name__ == "Broker" else "5")
                await box.say(raised())
                assert (await box.answer()).outcome == "stored"
                hello = (await hear(ear, "demo")).data
            goodbye = (await hear(ear, "demo")).data
            assert isinstance(hello, CenterStatus)
            assert isinstance(goodbye, CenterStatus)
            assert [(s.session, s.state) for s in (hello, goodbye)] == [(1, "online"), (1, "offline")]

    asyncio.run(scene())


def test_what_is_said_while_the_centre_is_away(own_broker: AnyBroker, tmp_path: Path) -> None:
    """A second start finds in its broker session what boxes said meanwhile, answers it, and has a higher number."""

    async def scene() -> None:
        config = settled("demo", own_broker, f"sqlite:///{tmp_path}/p.db")
        async with running(config, tmp_path) as center:
            await center.connected()
        async with box_client(own_broker.url, "demo") as box:
            alerts = [raised(place=f"p{n}", position=None) for n in range(20)]
            await box.say(*alerts)
            async with running(config, tmp_path) as center:
                answers = await box.answers(20)
                assert {answer.outcome for answer in answers.values()} == {"stored"}
                assert set(answers) == {alert.id for alert in alerts}
                assert (await center.get("/health"))["session"] == 2

    asyncio.run(scene())


def test_the_broker_goes_and_comes_back(own_broker: AnyBroker, tmp_path: Path) -> None:
    """The centre says so, keeps serving pages, reconnects by itself, and takes what boxes then say."""

    async def scene() -> None:
        config = settled("demo", own_broker, f"sqlite:///{tmp_path}/p.db")
        async with running(config, tmp_path) as center:
            await center.connected()
            await asyncio.to_thread(own_broker.stop)
            await center.until("/health", lambda health: not health["broker"]["connected"])
            assert (await center.get("/incidents"))["incidents"] == []
            await asyncio.to_thread(own_broker.start)
            await center.connected()
            async with box_client(own_broker.url, "demo") as box:
                await box.say(raised())
                assert (await box.answer()).outcome == "stored"

    asyncio.run(scene())


def test_a_broker_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    """Without a broker the centre starts all the same, says what is missing, and stops when told to."""

    async def scene() -> None:
        config = configured(
            broker__url="mqtt://127.0.0.1:9", center__port=0, center__database=f"sqlite:///{tmp_path}/p.db"
        )
        async with running(config, tmp_path) as center:
            health = await center.until("/health", lambda health: health["session"] == 1)
            assert (health["state"], health["broker"]["connected"]) == ("degraded", False)
            await center.get("/health", status=503)

    asyncio.run(scene())


def test_every_bad_message_on_every_topic(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """Malformed, oversized, future, misplaced and unknown ones become dead letters with a reason; work goes on."""

    async def scene() -> None:
        async with center_and_box(settled(district, nats, database), tmp_path) as (center, box):
            alert = raised(evidence=[evidence_ref("a" * 64)])
            kinds = [alert, ended(alert.id), lost(alert.id, "a" * 64), status(1)]
            assert {type(one.data) for one in kinds} == {row.carries for row in OF_BOXES}
            topics = [place_of(one, district) for one in kinds]
            for one, topic, elsewhere in zip(kinds, topics, topics[1:] + topics[:1], strict=True):
                words = one.to_json()
                await box.say_raw(topic, b"{bad")
                await box.say_raw(topic, re.sub(rb':1\.\d+"', b':9.0"', words, count=1))
                await box.say_raw(topic, words.replace(one.type.encode(), b"patrol.box.haiku", 1))
                await box.say_raw(topic, words + b" " * 300_000)
                await box.say_raw(elsewhere, words)
            letters = (await center.until("/dead-letters?limit=500", lambda body: len(body["dead_letters"]) == 20))[
                "dead_letters"
            ]
            for topic in topics:
                codes = sorted(letter["code"] for letter in letters if letter["topic"] == topic)
                wrong = [
                    "MessageFromFuture",
                    "MessageMalformed",
                    "MessageMisplaced",
                    "MessageOversized",
                    "MessageUnknown",
                ]
                assert codes == wrong
            assert all(letter["reason"]["zh"] and letter["reason"]["en"] and letter["excerpt"] for letter in letters)
            await box.say(raised(place="new", position=None))
            answers = [await box.answer()]
            while answers[-1].outcome != "stored":
                answers.append(await box.answer())
            assert all(answer.reason for answer in answers[:-1])
            refused = {answer.event_id for answer in answers[:-1]}
            assert refused == {one.id for one in kinds}, "each could be told, a status only when it came elsewhere"

    asyncio.run(scene())


class Lockable:
    """A database that a test can take away and give back."""

    def __init__(self, address: str) -> None:
        self._address, self._holder = address, None

    def take_away(self) -> None:
        """SQLite: another program holds the pen and does not let go. PostgreSQL: the server shuts every door of this database."""
        if self._address.startswith("sqlite"):
            self._holder = sqlite3.connect(self._address.removeprefix("sqlite:///"), check_same_thread=False)
            self._holder.execute("BEGIN IMMEDIATE")
            return
        self._admin(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false",
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")  # noqa: S608 - a name of our own  # fmt: skip

    def give_back(self) -> None:
        """It is there again."""
        if self._holder is not None:
            self._holder.close()
            return
        self._admin(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    @property
    def _name(self) -> str:
        return urlsplit(self._address).path.removeprefix("/")

    def _admin(self, *statements: str) -> None:
        engine = admin_engine(self._address.replace(f"/{self._name}?", "/postgres?"))
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    _holder: sqlite3.Connection | None


def test_the_database_goes_and_comes_back(
    nats: AnyBroker, database: str, district: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is gone nothing is answered and the pages say 503; then what waited is stored, once, and answered."""
    monkeypatch.setattr("patrol.center.store.database.BUSY_TIMEOUT_S", 0.2)

    async def scene() -> None:
        taken_away = Lockable(database)
        async with center_and_box(settled(district, nats, database), tmp_path) as (center, box):
            await box.say(first := raised())
            await box.answer()
            await asyncio.to_thread(taken_away.take_away)
            alerts = [raised(place=f"p{n}", position=None) for n in range(5)]
            await box.say(*alerts)
            await asyncio.sleep(0.5)  # time enough to store and answer them, if it could
            assert not box.has_heard()
            health = (await center.client.get("/api/v1/health")).json()
            assert health["database"]["reachable"] is database.startswith("sqlite"), "SQLite can still be read"
            await asyncio.to_thread(taken_away.give_back)
            answers = await box.answers(5)
            assert {answer.outcome for answer in answers.values()} == {"stored"}
            await box.say(first, *alerts)
            assert {answer.outcome for answer in (await box.answers(6)).values()} == {"duplicate"}
            assert (await center.get("/health"))["counts"]["alerts"] == 6

    asyncio.run(scene())


def test_a_database_that_is_gone_at_the_start(postgres: str, nats: AnyBroker, district: str, tmp_path: Path) -> None:
    """The centre starts without it, its pages say 503 with the reason in both languages, and works once it is there."""

    async def scene(database: str) -> None:
        taken_away = Lockable(database)
        await asyncio.to_thread(taken_away.take_away)
        async with running(settled(district, nats, database), tmp_path) as center:
            said = (await center.get("/incidents", status=503))["error"]
            assert (said["code"], "数据库" in said["message"]["zh"]) == ("DatabaseUnusable", True)
            health = await center.get("/health", status=503)
            assert (health["database"]["reachable"], health["session"]) == (False, None)
            await asyncio.to_thread(taken_away.give_back)
            await center.connected()
            assert (await center.get("/incidents"))["incidents"] == []

    for database in own_postgres_database(postgres):
        asyncio.run(scene(database))


def test_a_new_case_is_announced_once_it_stands(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """The case system hears of each new case, of a second alert of it not again, and a drill says so."""

    async def scene() -> None:
        config = settled(district, nats, database)
        async with (
            listener(nats.url, CASE_OPENED.path(district), f"cases-{district}") as ear,
            center_and_box(config, tmp_path) as (_, box),
        ):
            await box.say(raised(), raised(), raised(place="elsewhere", position=None))
            answers = await box.answers(3)
            heard = [await hear(ear, district) for _ in range(2)]
            numbers = [event.data.case_number for event in heard if isinstance(event.data, CaseOpened)]
            assert sorted(numbers) == sorted({answer.case_number for answer in answers.values()})
            assert all(event.drill for event in heard)

    asyncio.run(scene())


def test_a_case_whose_broker_is_gone_is_announced_later(own_broker: AnyBroker, tmp_path: Path) -> None:
    """A case that stands but could not be announced is announced by the next run, under the same id."""

    async def scene() -> None:
        config = settled("demo", own_broker, f"sqlite:///{tmp_path}/p.db")
        database = Database(database_url(config.center.database, tmp_path, {}))
        database.open()
        writer = Writer(database, Rules(config, Dispatcher(config)))
        (taken,) = writer.take([understand(came(raised()), "demo", ())], [], came(raised()).received_at)
        database.close()
        async with (
            listener(own_broker.url, CASE_OPENED.path("demo"), "cases") as ear,
            running(config, tmp_path) as center,
        ):
            event = await hear(ear, "demo")
            assert isinstance(event.data, CaseOpened)
            assert event.data.case_number == taken.case_number
            await center.until("/health", lambda health: health["counts"]["unannounced_cases"] == 0)

    asyncio.run(scene())


def test_boxes_and_their_wills(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """A box that dies is offline by its will; the will of a session that is over does not take a newer one down."""

    async def scene() -> None:
        async with center_and_box(settled(district, nats, database), tmp_path) as (center, box):
            parts = urlsplit(nats.url)
            will = status(2, "offline")
            dying = aiomqtt.Client(
                parts.hostname or "", parts.port or 0, identifier=f"dying-{district}",
                will=aiomqtt.Will(place_of(will, district), will.to_json(), 1, True),
            )  # fmt: skip
            async with dying:
                await box.say(status(2))
                await center.until("/boxes", lambda body: body["boxes"][0]["state"] == "online")
                cable = dying._client.socket()
                assert isinstance(cable, socket.socket)
                cable.shutdown(socket.SHUT_RDWR)  # cut: no goodbye
                await center.until("/boxes", lambda body: body["boxes"][0]["state"] == "offline")
            await box.say(status(3), status(2, "offline"), status(3, waiting=5))
            body = await center.until("/boxes", lambda body: body["boxes"][0]["outbox_waiting"] == 5)
            (street, yard) = body["boxes"]
            assert (street["state"], street["session"], street["cameras"][0]["unwatched_s"]) == ("online", 3, 4.5)
            assert (yard["box"], yard["state"]) == ("yard", "never")

    asyncio.run(scene())


def test_a_status_that_the_broker_kept_does_not_make_a_dead_box_live(
    nats: AnyBroker, district: str, tmp_path: Path
) -> None:
    """A centre that starts hears the retained status of an hour ago, and calls that box stale."""

    async def scene() -> None:
        old = status(1)
        an_hour_ago = old.time.replace(year=old.time.year - 1)
        config = settled(district, nats, f"sqlite:///{tmp_path}/p.db")
        async with box_client(nats.url, district) as box:
            await box.say(status(1, at=an_hour_ago))
        async with running(config, tmp_path) as center:
            body = await center.until("/boxes", lambda body: body["boxes"][0]["state"] != "never")
            assert body["boxes"][0]["state"] == "stale"

    asyncio.run(scene())


def test_the_stream_tells_what_changes(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """A page that listens hears of incidents, boxes and dead letters by id, and the stream ends when the centre stops."""

    async def scene() -> None:
        heard: dict[str, Any] = {}
        async with (
            center_and_box(settled(district, nats, database), tmp_path) as (center, box),
            center.client.stream("GET", "/api/v1/stream") as stream,
        ):
            lines = stream.aiter_lines()
            assert (await anext(lines)).startswith(":")
            await box.say(raised(), status(1))
            await box.say_raw(BOX_STATUS.path(district, box="street"), b"{")
            async with asyncio.timeout(WITHIN_S):
                async for line in lines:
                    if line.startswith("event: "):
                        heard[line.removeprefix("event: ")] = await anext(lines)
                    if len(heard) == 3:
                        break
            center.stop.set()
            async with asyncio.timeout(WITHIN_S):
                rest = [line async for line in lines]
            assert "event: reload" in rest
        assert set(heard) == {"incident", "box", "dead-letter"}
        assert heard["box"] == 'data: {"id": "street"}'

    asyncio.run(scene())


def test_a_flood_is_taken_in_batches(own_broker: AnyBroker, tmp_path: Path) -> None:
    """200 alerts and their ends from one box are all answered and all there; what did not fit at once is said again."""

    async def scene() -> None:
        async with center_and_box(settled("demo", own_broker, f"sqlite:///{tmp_path}/p.db"), tmp_path) as (center, box):
            alerts = [raised(place=f"p{n % 20}", position=None) for n in range(200)]
            await asyncio.gather(*(box.say(alert) for alert in alerts))
            answers = await box.answers(200)
            assert {answer.outcome for answer in answers.values()} == {"stored"}
            await asyncio.gather(*(box.say(ended(alert.id)) for alert in alerts))
            await box.answers(200)
            health = await center.get("/health")
            assert (health["counts"]["alerts"], health["counts"]["incidents"]) == (200, 20)
            assert health["broker"]["connected"]
            assert not any(one["active"] for one in (await center.get("/incidents?limit=500"))["incidents"])

    asyncio.run(scene())
