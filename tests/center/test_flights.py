"""Flights at the centre: what is made of a station's words (pure), and from a real broker to database, API and stream."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from patrol.center.air import FORGET_AFTER_S, MAX_DRONES, TRACK_S, Air
from patrol.center.feed import HEARTBEAT
from patrol.center.flights import Known, after, answer_is_news
from patrol.center.store.database import Database, database_url
from patrol.center.store.tables import flight_phases, flights, incidents, requests, schema, stations
from patrol.events import Data, DronePose, Event, FlightPhase, RequestAnswered
from patrol.topics import topic_for
from tests.brokers import AnyBroker
from tests.center.boxside import T0, box_client, place_of, raised
from tests.center.conftest import WITHIN_S, Running, running
from tests.center.stationside import WIND, answered, phase, pose, station_client, station_status
from tests.center.stationside import after as later
from tests.center.test_ingest import settled
from tests.center.test_store import Store

GOLDEN = Path(__file__).parents[1] / "golden" / "wire"
WHOLE = (
    ("launching", 0, (), 0), ("flying", 20, (), 0), ("link-lost", 40, (), 0), ("link-back", 45, (), 0),
    ("recalled", 60, ("ponding-1",), 3), ("returned", 90, ("ponding-1", "ponding-2"), 7),
)  # fmt: skip


def said(event: Event[Data]) -> tuple[FlightPhase, datetime]:
    """What `after` wants of a phase."""
    assert isinstance(event.data, FlightPhase)
    return event.data, event.time


def flown(order: list[int]) -> Known:
    """The flight WHOLE, heard in another order."""
    known = None
    for n in order:
        name, at_s, seen, photographs = WHOLE[n]
        known = after(known, *said(phase(name, at=later(at_s), seen=seen, photographs=photographs)))
    assert known is not None
    return known


@given(st.permutations(range(len(WHOLE))))
def test_any_order_makes_the_same_flight(order: list[int]) -> None:
    """Times decide: whatever the broker says again or late, a flight that has ended stays ended, and nothing seen is lost."""
    known, straight = flown(order), flown(list(range(len(WHOLE))))
    assert set(known.seen) == set(straight.seen) == {"ponding-1", "ponding-2"}
    assert (known.phase, known.phase_at, known.begun_at, known.ended_at, known.photographs) == (
        "returned", later(90), T0, later(90), 7,
    )  # fmt: skip


def test_an_end_is_not_undone() -> None:
    """A phase that claims a later time than the end, of a station whose clock was stepped, does not lift it off again."""
    landed = after(None, *said(phase("landed", at=T0)))
    assert after(landed, *said(phase("link-back", at=later(5)))) == landed
    assert after(landed, *said(phase("aborted", at=later(5)))).phase == "aborted"


@pytest.mark.parametrize(
    ("known", "state", "at_s", "news"),
    [
        (None, "waiting", 0, True),
        (("waiting", T0), "flying", 1, True),
        (("flying", T0), "waiting", 1, True),
        (("done", later(5)), "flying", 1, False),
        (("flying", T0), "done", 0, True),
        (("done", T0), "done", 0, False),
    ],
    ids=["first", "begun", "what is left waits again", "late", "the same moment", "said again"],
)
def test_the_newest_answer_counts(known: tuple[str, datetime] | None, state: str, at_s: float, news: bool) -> None:
    """A request's state follows the station's clock; within one moment an end counts more."""
    data = answered(state).data
    assert isinstance(data, RequestAnswered)
    assert answer_is_news(known, data, later(at_s)) is news


# ---- what is in the air ----


def heard(air: Air, event: Event[Data], heard_at: datetime | None = None) -> bool:
    """Whether the pose was news."""
    assert isinstance(event.data, DronePose)
    return air.heard(event.data, event.time, heard_at or event.time, drill=False) is not None


def test_a_pose_is_news_once_and_never_backwards() -> None:
    """The same or an older pose changes nothing; a flight that has ended is not brought back by a straggler."""
    air = Air()
    assert heard(air, pose(at=later(1)))
    assert not heard(air, pose(at=later(1)))
    assert not heard(air, pose(at=T0))
    air.ended("flight-0001")
    assert air.now(later(2)) == []
    assert not heard(air, pose(at=later(3)))
    assert heard(air, pose(at=later(3), flight="flight-0002"))


def test_the_track_is_of_this_flight_and_of_the_last_minutes() -> None:
    """Poses ten times a second for ten minutes leave a track of five, thinned; the next flight begins a new one."""
    air = Air()
    for n in range(6000):
        heard(air, pose(at=later(n / 10), lon_deg=114.05 + n * 1e-6))
    ((newest, track),) = air.now(later(600))
    assert newest.said_at == later(599.9)
    assert (newest.said_at - track[0].said_at).total_seconds() <= TRACK_S
    assert len(track) > 100
    assert all((b.said_at - a.said_at).total_seconds() >= 2 for a, b in pairwise(track))
    heard(air, pose(at=later(700), flight="flight-0002"))
    ((_, track),) = air.now(later(700))
    assert len(track) == 1


def test_what_is_in_the_air_is_bounded_and_forgotten() -> None:
    """A thousand drones are not kept, the newest are; one that fell silent is gone after half an hour."""
    air = Air()
    for n in range(1000):
        heard(air, pose(drone=f"drone-{n:04d}", flight=f"flight-{n:04d}", at=later(n)))
    kept = air.now(later(1000))
    assert len(kept) == MAX_DRONES
    assert {one.pose.drone for one, _ in kept} == {f"drone-{n:04d}" for n in range(1000 - MAX_DRONES, 1000)}
    assert air.now(later(1000 + FORGET_AFTER_S)) == []


# ---- the database ----


@pytest.fixture
def store(database: str) -> Any:
    """An empty store on each kind of database."""
    one = Store(database)
    yield one
    one.database.close()


def test_a_flight_is_stored_once_and_whole(store: Store) -> None:
    """Said again, in another batch or order, a phase is a duplicate; the flight has its phases in their order."""
    events = [phase(name, at=later(at_s), seen=seen, photographs=n) for name, at_s, seen, n in WHOLE]
    taken = store.take(*reversed(events), *events[:2])
    assert [one.outcome for one in taken] == ["stored"] * 6 + ["duplicate"] * 2
    assert {one.flight for one in taken} == {"flight-0001", None}
    rows = store.reader.flight("flight-0001")
    assert rows is not None
    assert [one["phase"] for one in rows.phases] == [name for name, *_ in WHOLE]
    assert (rows.flight["phase"], rows.flight["photographs"], rows.flight["ended_at"]) == ("returned", 7, later(90))
    assert store.reader.flight("flight-0009") is None


def test_a_flight_belongs_to_its_drone(store: Store) -> None:
    """Another drone that claims a flight is refused as a dead letter, and the flight stays as it was."""
    store.take(phase("flying"))
    (taken,) = store.take(phase("aborted", drone="heron"))
    assert (taken.outcome, store.reader.counts().dead_letters) == ("refused", 1)
    rows = store.reader.flight("flight-0001")
    assert rows is not None
    assert rows.flight["phase"] == "flying"


def test_a_drone_flies_one_flight_at_a_time(store: Store) -> None:
    """A flight of which no end was ever said is in the air no more once its drone has begun the next."""
    store.take(phase("flying"), phase("flying", drone="heron", flight="flight-0002"))
    store.take(phase("launching", flight="flight-0003", at=later(600)))
    assert [one.flight["flight_id"] for one in store.reader.flights("air", 9, None)] == ["flight-0003", "flight-0002"]
    store.take(phase("aborted", at=later(700)))  # it is said at last
    rows = store.reader.flight("flight-0001")
    assert rows is not None
    assert rows.flight["ended_at"] == later(700)


def test_flights_are_paged(store: Store) -> None:
    """The newest first, each once, also those begun in the same moment; an unknown edge gives nothing."""
    store.take(*(phase("landed", flight=f"flight-{n:04d}", at=later(n // 2)) for n in range(7)))
    found: list[str] = []
    before: str | None = None
    while page := store.reader.flights("all", 2, before):
        found += [rows.flight["flight_id"] for rows in page]
        before = found[-1]
    assert found == [f"flight-{n:04d}" for n in reversed(range(7))]
    assert store.reader.flights("all", 2, "flight-9999") == []


def test_a_database_of_the_version_before_is_brought_up(store: Store, database: str) -> None:
    """Tables made before there were flights get them, and keep all that is in them."""
    store.take(raised())
    with store.database.writing() as connection:
        for table in (flight_phases, flights, requests, stations):
            table.drop(connection)
        connection.execute(schema.update().values(version=1))
    again = Database(database_url(database, Path("/"), {}))
    again.open()
    with again.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(incidents)).scalar_one() == 1
        assert connection.execute(sa.select(schema.c.version)).scalars().all() == [2]
    again.close()
    assert [one.outcome for one in store.take(phase("flying"))] == ["stored"]


# ---- the whole way ----


async def golden(broker: AnyBroker, district: str, *names: str) -> None:
    """Say frozen messages, byte for byte, on the topics where a station says them."""
    async with box_client(broker.url, district) as speaker:
        for name in names:
            payload = (GOLDEN / f"{name}-1.0.json").read_bytes()
            await speaker.say_raw(_topic(name, district), payload, retain=name == "patrol.station.status")


def _topic(name: str, district: str) -> str:
    return {
        "patrol.flight.phase": topic_for(FlightPhase).path(district, station="dock"),
        "patrol.drone.pose": topic_for(DronePose).path(district, station="dock", drone="falcon"),
        "patrol.request.answered": topic_for(RequestAnswered).path(district, station="dock"),
    }.get(name, f"patrol/v1/{district}/station/dock/status")


async def until_heard(lines: AsyncIterator[str], *kinds: str) -> dict[str, Any]:
    """Read the lines of the live stream until each of these events has come; what each said last."""
    found: dict[str, Any] = {}
    kind = ""
    async with asyncio.timeout(WITHIN_S):
        async for line in lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found[kind] = json.loads(line.removeprefix("data: "))
                if all(one in found for one in kinds):
                    return found
    raise AssertionError(f"the stream ended with {found}")


def test_frozen_messages_become_flights_drones_stations_and_requests(
    nats: AnyBroker, database: str, district: str, tmp_path: Path
) -> None:
    """A station's frozen words over a real broker: stored, told on the stream, and in the API in both languages."""

    async def scene() -> None:
        async with running(settled(district, nats, database), tmp_path) as center:
            await center.connected()
            async with center.client.stream("GET", "/api/v1/stream") as stream:
                lines = stream.aiter_lines()
                assert await anext(lines) == HEARTBEAT.strip()  # from here on nothing is missed
                await golden(nats, district, "patrol.drone.pose", "patrol.request.answered", "patrol.station.status")
                news = await until_heard(lines, "drone", "request", "station")
            assert news["drone"]["drone"] == {"id": "falcon", "name": {"zh": "一号机", "en": "Falcon"}}
            (drone,) = (await center.get("/drones"))["drones"]
            assert drone.items() >= news["drone"].items()
            assert (drone["height_m"], drone["yaw_deg"], drone["battery"]) == (40.1, 6.8, 0.87)
            assert [(p["lat_deg"], p["height_m"]) for p in drone["track"]] == [(22.5433701, 40.1)]
            (request,) = (await center.get("/requests"))["requests"]
            assert (request["state"], request["reasons"][0]["text"]["zh"]) == ("waiting", "falcon 电量 41%。")
            await golden(nats, district, "patrol.flight.phase")
            flights_now = await center.until("/flights", lambda body: body["flights"])
            (flight,) = flights_now["flights"]
            assert (flight["phase"], flight["in_air"], flight["photographs"]) == ("landed", False, 1)
            assert [one["phase"] for one in flight["phases"]] == ["landed"]
            assert flight["request"] == request
            assert await center.get(f"/flights/{flight['flight_id']}") == flight
            await center.until("/drones", lambda body: body["drones"] == [])
            missing = await center.get("/flights/no-such-flight", status=404)
            assert missing["error"]["message"]["zh"] == "没有这次飞行。"

    asyncio.run(scene())


def only(body: dict[str, Any]) -> dict[str, Any]:
    """The one station."""
    (station,) = body["stations"]
    assert isinstance(station, dict)
    return station


def test_a_station_that_dies_is_offline_and_a_late_will_kills_nobody(
    own_broker: AnyBroker, district: str, tmp_path: Path
) -> None:
    """The broker says the will of a station that dies; its drones stay named; a newer session is not ended by an older will."""
    config = settled(district, own_broker, f"sqlite:///{tmp_path}/p.db")

    async def scene() -> None:
        async with running(config, tmp_path) as center:
            await center.connected()
            assert only(await center.get("/stations"))["state"] == "never"
            async with a_station_that_is_killed(own_broker, district, station_status(7, "offline")):
                async with station_client(own_broker.url, district) as station:
                    await station.say(station_status(7, waiting=2), phase("flying", at=datetime.now(UTC)))
                online = only(await center.until("/stations", lambda body: only(body)["state"] == "online"))
                assert (online["session"], online["waiting"]) == (7, 2)
                flight = (await center.until("/flights?state=air", lambda body: body["flights"]))["flights"][0]
                assert flight["station_state"] == "online"
            dead = only(await center.until("/stations", lambda body: only(body)["state"] == "offline"))
            assert [one["drone"]["id"] for one in dead["drones"]] == ["falcon"]
            (flight,) = (await center.get("/flights?state=air"))["flights"]
            assert flight["station_state"] == "offline"
            async with station_client(own_broker.url, district) as station:
                now = datetime.now(UTC)
                # the same topic: the broker keeps this order
                await station.say(station_status(8), station_status(7, "offline", at=T0))
                await station.say(
                    station_status(8, waiting=5, at=now + timedelta(seconds=1)), phase("taken-over", at=now)
                )
            alive = only(await center.until("/stations", lambda body: only(body)["waiting"] == 5))
            assert (alive["session"], alive["state"]) == (8, "online")
            taken = await center.until("/flights", lambda body: body["flights"][0]["phase"] == "taken-over")
            assert taken["flights"][0]["station_state"] == "online"

    asyncio.run(scene())


WITH_A_WILL = """
import sys, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
host, port, topic, will = sys.argv[1:]
client = Client(CallbackAPIVersion.VERSION2)
client.will_set(topic, will, qos=1, retain=True)
client.on_connect = lambda *_: print("connected", flush=True)
client.connect(host, int(port))
client.loop_forever()
"""


@contextlib.asynccontextmanager
async def a_station_that_is_killed(broker: AnyBroker, district: str, will: Event[Data]) -> AsyncIterator[None]:
    """A process that is connected with a last will, and killed without a goodbye at the end."""
    parts = urlsplit(broker.url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WITH_A_WILL, parts.hostname or "", str(parts.port), place_of(will, district),
        will.to_json().decode(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), WITHIN_S) == b"connected\n"
        yield
    finally:
        process.kill()
        await process.wait()


def test_a_centre_that_starts_anew_knows_its_flights(nats: AnyBroker, district: str, tmp_path: Path) -> None:
    """Flights and requests are on disk; poses are not, and come again within a second."""
    config = settled(district, nats, f"sqlite:///{tmp_path}/p.db")

    async def scene() -> None:
        async with running(config, tmp_path) as center, station_client(nats.url, district) as station:
            await center.connected()
            await station.say(phase("flying", reasons=(WIND,)), answered("flying", flight="flight-0001"), pose())
            await until_all(center)
        async with running(config, tmp_path) as center, station_client(nats.url, district) as station:
            await center.connected()
            assert (await center.get("/drones"))["drones"] == []
            (flight,) = (await center.get("/flights"))["flights"]
            assert flight["reasons"][0]["text"] == {"zh": WIND.zh, "en": WIND.en}
            assert flight["patrol"]["name"]["en"] == "Flood round"
            await station.say(pose())
            await until_all(center)

    asyncio.run(scene())


async def until_all(center: Running) -> None:
    """Wait until the centre has the flight, its request and its drone."""
    for path in ("flights", "requests", "drones"):
        await center.until(f"/{path}", lambda body, path=path: body[path])


def test_poses_pass_while_the_database_is_gone(nats: AnyBroker, district: str, tmp_path: Path) -> None:
    """Nobody loses sight of a drone because nothing can be stored: a bad pose is a dead letter, a good one is shown."""
    config = settled(district, nats, f"sqlite:///{tmp_path}/p.db")

    async def scene() -> None:
        async with (
            running(config, tmp_path) as center,
            station_client(nats.url, district) as station,
            box_client(nats.url, district) as anyone,
        ):
            await center.connected()
            bad = pose()
            await anyone.say_raw(
                place_of(bad, district), bad.to_json().replace(b'"height_m":40.0', b'"height_m":"low"')
            )
            await center.until("/dead-letters", lambda body: len(body["dead_letters"]) == 1)
            other = Database(database_url(config.center.database, tmp_path, {}))
            with other.writing():  # SQLite lets one write at a time: the centre waits
                await station.say(phase("flying"))
                for n in range(50):
                    await station.say(pose(lat_deg=22.54 + n * 1e-5, at=datetime.now(UTC) + timedelta(milliseconds=n)))
                drones = await center.until(
                    "/drones", lambda body: [one["position"]["lat_deg"] for one in body["drones"]] == [22.54 + 49e-5]
                )
                assert len(drones["drones"]) == 1
            other.close()
            await center.until("/flights", lambda body: body["flights"])

    asyncio.run(scene())
