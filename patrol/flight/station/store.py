"""What a station must not forget, in SQLite: errands, flights under way, the calendar, warnings, and what is still to be said.

Everything is written before it is acted upon, what is said in one transaction with what it is about; a station that
is killed finds its flights here and goes on. One writer, one process (`lock` sees to that).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from patrol.errors import StationStateUnusable
from patrol.events import WeatherWarned
from patrol.flight.compile import Compiled
from patrol.flight.items import Params, WireItem
from patrol.flight.messages import MissionType
from patrol.flight.preflight import Demands
from patrol.flight.station.errands import Errand
from patrol.flight.station.sorties import Mark, Prepared
from patrol.geo import LatLon
from patrol.mqtt import Outgoing
from patrol.planning.files.qgc import read_plan, write_plan

VERSION = 1
OUTBOX_MOST = 20_000  # days of flying without a broker; the oldest go first then
KEPT_S = 30 * 86_400.0
TABLES = """
create table if not exists about (name text primary key, value integer not null);
create table if not exists errands (id text primary key, body text not null, state text not null, changed_s real not null);
create table if not exists flights (id text primary key, errand text not null, drone text not null, body text not null,
  begun_s real not null, item integer not null default 0, stage text not null, ended_s real);
create table if not exists calendar (patrol text primary key, handled_s real not null);
create table if not exists weather (kind text primary key, body text not null);
create table if not exists outbox (n integer primary key autoincrement, topic text not null, payload blob not null,
  qos integer not null, retain integer not null);
"""


@dataclass(frozen=True)
class Kept:
    """A flight that is not over. `stage`: launching, flying or recalled. `begun_s`: seconds since 1970."""

    id: str
    errand: Errand
    prepared: Prepared
    begun_s: float
    item: int
    stage: str

    @property
    def drone(self) -> str:
        """Who flies it."""
        return self.prepared.drone


class Store:
    """The file of one station. Raises StationStateUnusable from every method when the disk does not do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(TABLES)
            found = self._number("version", VERSION)
        if found != VERSION:
            raise StationStateUnusable(path=path, cause=f"version {found}, this program knows {VERSION}")

    def close(self) -> None:
        """Close it."""
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction around everything that belongs together. Must not be nested."""
        with self._told():
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def begin_session(self) -> int:
        """The number of this start, one more than the last."""
        session = self._number("session", 0) + 1
        with self._told():
            self._db.execute("insert or replace into about values ('session', ?)", (session,))
        return session

    def keep_errand(self, errand: Errand, state: str, now_s: float) -> None:
        """Write it down, new or changed."""
        with self._told():
            self._db.execute(
                "insert into errands values (?, ?, ?, ?) on conflict (id) do update set body = excluded.body, state = excluded.state,"
                " changed_s = excluded.changed_s",
                (errand.id, errand.to_text(), state, now_s),
            )

    def knows(self, errand_id: str) -> bool:
        """Whether it was heard of before: the same cause never flies twice."""
        return bool(self._rows("select 1 from errands where id = ?", errand_id))

    def refused(self, errand_id: str, now_s: float) -> None:
        """Remember one that was refused, so that it is answered once."""
        with self._told():
            self._db.execute("insert or ignore into errands values (?, '', 'refused', ?)", (errand_id, now_s))

    def waiting(self) -> list[Errand]:
        """Those that wait for a drone, oldest first."""
        return [
            Errand.from_text(body)
            for (body,) in self._rows("select body from errands where state = 'waiting' order by rowid")
        ]

    def keep_flight(self, kept: Kept) -> None:
        """Write down a flight before it is launched."""
        with self._told():
            self._db.execute(
                "insert into flights values (?, ?, ?, ?, ?, 0, ?, null)",
                (kept.id, kept.errand.id, kept.drone, _prepared_text(kept.prepared), kept.begun_s, kept.stage),
            )

    def progress(self, flight_id: str, item: int, stage: str) -> None:
        """How far it is."""
        with self._told():
            self._db.execute("update flights set item = ?, stage = ? where id = ?", (item, stage, flight_id))

    def end_flight(self, flight_id: str, stage: str, now_s: float) -> None:
        """It is over."""
        with self._told():
            self._db.execute("update flights set stage = ?, ended_s = ? where id = ?", (stage, now_s, flight_id))

    def under_way(self) -> list[Kept]:
        """Flights that are not over."""
        rows = self._rows(
            "select f.id, e.body, f.body, f.begun_s, f.item, f.stage from flights f join errands e on e.id = f.errand"
            " where f.ended_s is null order by f.begun_s"
        )
        return [Kept(i, Errand.from_text(e), _prepared(p), begun, item, stage) for i, e, p, begun, item, stage in rows]

    def handled_until(self, patrol: str) -> datetime | None:
        """Up to when the calendar of a patrol has been decided."""
        rows = self._rows("select handled_s from calendar where patrol = ?", patrol)
        return datetime.fromtimestamp(rows[0][0], UTC) if rows else None

    def keep_handled(self, patrol: str, until: datetime) -> None:
        """The calendar of a patrol is decided up to then."""
        with self._told():
            self._db.execute("insert or replace into calendar values (?, ?)", (patrol, until.timestamp()))

    def keep_weather(self, warning: WeatherWarned) -> None:
        """The newest warning of its kind."""
        with self._told():
            self._db.execute("insert or replace into weather values (?, ?)", (warning.kind, warning.model_dump_json()))

    def weather(self) -> list[WeatherWarned]:
        """The newest warning of each kind."""
        return [
            WeatherWarned.model_validate_json(body) for (body,) in self._rows("select body from weather order by kind")
        ]

    def say(self, message: Outgoing) -> None:
        """To be said as soon as the broker takes it."""
        with self._told():
            self._db.execute(
                "insert into outbox (topic, payload, qos, retain) values (?, ?, ?, ?)",
                (message.topic, message.payload, message.qos, int(message.retain)),
            )
            self._db.execute("delete from outbox where n <= (select max(n) from outbox) - ?", (OUTBOX_MOST,))

    def unsaid(self, most: int) -> list[tuple[int, Outgoing]]:
        """What waits to be said, oldest first."""
        rows = self._rows("select n, topic, payload, qos, retain from outbox order by n limit ?", most)
        return [(n, Outgoing(topic, payload, qos, bool(retain))) for n, topic, payload, qos, retain in rows]

    def was_said(self, number: int) -> None:
        """The broker has it."""
        with self._told():
            self._db.execute("delete from outbox where n = ?", (number,))

    def tidy(self, now_s: float) -> None:
        """Forget what ended long ago."""
        with self.change():
            self._db.execute("delete from flights where ended_s < ?", (now_s - KEPT_S,))
            self._db.execute(
                "delete from errands where state not in ('waiting', 'flying') and changed_s < ?"
                " and id not in (select errand from flights)", (now_s - KEPT_S,)
            )  # fmt: skip

    def _number(self, name: str, default: int) -> int:
        with self._told():
            self._db.execute("insert or ignore into about values (?, ?)", (name, default))
        return int(self._rows("select value from about where name = ?", name)[0][0])

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._told():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as err:
            raise StationStateUnusable(path=self._path, cause=str(err)) from err


def _prepared_text(p: Prepared) -> str:
    d = p.demands
    lists = {
        kind.name: [(i.command, i.frame, tuple(i.params), i.x, i.y, i.z) for i in items]
        for kind, items in p.compiled.lists.items()
    }
    return json.dumps({
        "drone": p.drone, "plan": write_plan(p.mission), "firmware": p.compiled.firmware, "lists": lists, "marks": [(m.item, m.target) for m in p.marks],
        "demands": [tuple(d.home), d.battery, d.highest_m, d.return_above_m, d.fenced, d.max_wind_ms],
        "way": p.way.tolist(), "duration_s": p.duration_s,
    })  # fmt: skip


def _prepared(text: str) -> Prepared:
    v: dict[str, Any] = json.loads(text)
    lists = {
        MissionType[kind]: tuple(WireItem(c, f, Params(*params), x, y, z) for c, f, params, x, y, z in items)
        for kind, items in v["lists"].items()
    }
    home, *rest = v["demands"]
    return Prepared(
        v["drone"], read_plan(v["plan"], v["drone"]), Compiled(v["firmware"], lists), Demands(LatLon(*home), *rest),
        tuple(Mark(item, target) for item, target in v["marks"]), np.array(v["way"]), v["duration_s"],
    )  # fmt: skip


def with_item(kept: Kept, item: int, stage: str) -> Kept:
    """The same flight, further on."""
    return replace(kept, item=item, stage=stage)
