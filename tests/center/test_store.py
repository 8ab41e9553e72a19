"""patrol/center/store: what is written is there, once, whole; the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from patrol.center.dispatch import Dispatcher
from patrol.center.store import writer as writer_module
from patrol.center.store.database import Database, database_url
from patrol.center.store.messages import Rules
from patrol.center.store.reader import Reader
from patrol.center.store.tables import cases, schema
from patrol.center.store.taken import Taken
from patrol.center.store.writer import Writer
from patrol.center.understand import understand
from patrol.errors import DatabaseFromFuture, DatabaseUnusable, SecretNotSet
from patrol.events import CaseOpened, Data, Event, Hazard, parse
from patrol.mqtt import Incoming
from tests.center.boxside import LANE, T0, came, ended, evidence_ref, lost, raised, status
from tests.center.conftest import configured

NOW = datetime(2025, 6, 3, 16, 30, tzinfo=UTC)  # half past midnight in Shenzhen
REAL = configured(district__drill=False)
FILE = evidence_ref("a" * 64)


class Store:
    """A database of the test's own, with short words for what tests do to it."""

    def __init__(self, address: str, config: Any = REAL) -> None:
        self.database = Database(database_url(address, Path("/"), {}))
        self.database.open()
        self.rules = Rules(config, Dispatcher(config))
        self.writer, self.reader = Writer(self.database, self.rules), Reader(self.database)

    def take(self, *events: Event[Data], now: datetime = NOW, retained: bool = False) -> list[Taken]:
        """Record events as they come from the broker."""
        return self.take_raw(*(came(event, retained=retained, at=now) for event in events), now=now)

    def take_raw(self, *incoming: Incoming, now: datetime = NOW) -> list[Taken]:
        """Record messages."""
        return self.writer.take([understand(one, "demo", self.rules.boxes) for one in incoming], [], now)

    def close_case(self, number: str) -> None:
        """What the case system will do one day."""
        with self.database.writing() as connection:
            connection.execute(cases.update().where(cases.c.case_number == number).values(state="closed"))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store on each kind of database."""
    one = Store(database)
    yield one
    one.database.close()


def outcomes(taken: list[Taken]) -> list[str]:
    """In the order of the messages."""
    return [one.outcome for one in taken]


def test_a_message_counts_once(store: Store) -> None:
    """Said again in the same batch or later, it is a duplicate with the same case number, and nothing is added."""
    alert, sign = raised(), status(1)
    assert outcomes(store.take(alert, alert, sign, sign)) == ["stored", "duplicate", "stored", "duplicate"]
    again = store.take(alert)[0]
    assert (again.outcome, again.case_number) == ("duplicate", "DEMO-20250604-0001")
    end = ended(alert.id)
    assert outcomes(store.take(end, end)) == ["stored", "duplicate"]
    counts = store.reader.counts()
    assert (counts.alerts, counts.incidents, counts.dead_letters) == (1, 1, 0)


def test_a_new_alert_becomes_a_case(store: Store) -> None:
    """With number, cell, unit and deadline; the day of the number is the district's, the deadline counts from now."""
    taken = store.take(raised())[0]
    assert taken.case_number == "DEMO-20250604-0001"
    rows = store.reader.incident(taken.incident_id or "")
    assert rows is not None
    assert (rows.case["cell"], rows.case["unit"], rows.case["state"]) == ("demo-002", "grid-mid", "assigned")
    assert rows.case["due_at"] == NOW + timedelta(minutes=60)
    assert rows.incident["first_seen_at"] == T0 - timedelta(seconds=121)
    assert rows.incident["ended_at"] is None


def test_the_same_place_is_the_same_case(store: Store) -> None:
    """A second box at the same spot, and the next day a car at the same spot, join the case while it is not closed."""
    first = raised()
    second = raised(box="yard", camera="yard", place="x", at=T0 + timedelta(seconds=9))
    third = raised(at=T0 + timedelta(days=1))
    one, two = store.take(first, second)
    store.take(ended(first.id), ended(second.id, box="yard", camera="yard"))
    three = store.take(third)[0]
    assert {one.case_number, two.case_number, three.case_number} == {"DEMO-20250604-0001"}
    rows = store.reader.incident(one.incident_id or "")
    assert rows is not None
    assert (rows.incident["alert_count"], rows.incident["ended_at"]) == (3, None)
    assert [alert["event_id"] for alert in rows.alerts] == [third.id, second.id, first.id], "the newest first"


def test_a_fire_seen_as_flame_and_measured_as_heat_is_one_case(store: Store) -> None:
    """Flame on one box's camera and heat on another's, at one place: one case with both alerts, over when both are; a smoke alarm there is its own."""
    flame = raised(hazard=Hazard.FLAME_SMOKE, zone="yard", place="yard")
    heat = raised(
        box="yard",
        camera="thermal",
        hazard=Hazard.FIRE_HOTSPOT,
        zone="roof",
        place="roof",
        at=T0 + timedelta(seconds=4),
    )
    alarm = raised(camera="hall", hazard=Hazard.SMOKE_ALARM, zone="hall", place="hall/smoke")
    one, two, three = store.take(flame, heat, alarm)
    assert one.case_number == two.case_number != three.case_number
    store.take(ended(flame.id))
    rows = store.reader.incident(one.incident_id or "")
    assert rows is not None
    assert {row["hazard"] for row in rows.alerts} == {"flame-smoke", "fire-hotspot"}
    assert rows.incident["ended_at"] is None
    store.take(ended(heat.id, box="yard", camera="thermal"))
    over = store.reader.incident(one.incident_id or "")
    assert over is not None
    assert over.incident["ended_at"] is not None


def test_a_closed_case_stays_closed(store: Store) -> None:
    """Seen again after its case was closed, it is another incident with another number."""
    first = store.take(raised())[0]
    store.close_case(first.case_number)
    second = store.take(raised())[0]
    assert second.case_number == "DEMO-20250604-0002"
    assert second.incident_id != first.incident_id
    assert [rows.case["case_number"] for rows in store.reader.incidents("open", 9, None)] == [second.case_number]
    assert len(store.reader.incidents("all", 9, None)) == 2


def test_two_intruders_are_one_case_while_it_lasts(store: Store) -> None:
    """Persons at different spots of one zone share a case; ten quiet minutes later it is a new one."""

    def man(place: str, at: datetime) -> Event[Data]:
        return raised(
            hazard=Hazard.PERIMETER_INTRUSION, camera="fence", zone="inside", place=place, position=None, at=at
        )

    first, second = man("inside:1:1", T0), man("inside:9:9", T0 + timedelta(minutes=3))
    one, two = store.take(first, second)
    assert one.case_number == two.case_number
    end = T0 + timedelta(minutes=4)
    store.take(ended(first.id, camera="fence", at=end), ended(second.id, camera="fence", at=end))
    assert store.take(man("inside:1:1", end + timedelta(minutes=11)))[0].case_number != one.case_number


def test_drill_and_reality_do_not_mix(store: Store) -> None:
    """An exercise at the same spot is a case of its own, with a number that says so and a row of its own."""
    numbers = [one.case_number for one in store.take(raised(), raised(drill=True), raised(drill=True))]
    assert numbers == ["DEMO-20250604-0001", "DEMO-20250604-0001-DRILL", "DEMO-20250604-0001-DRILL"]
    announced = [parse(words.encode(), topic="", max_bytes=9999) for _, words in store.writer.unannounced(9)]
    assert [event.drill for event in announced] == [False, True]


def test_a_district_in_drill_makes_drills_only(database: str) -> None:
    """With district.drill an alert that does not say so itself is an exercise all the same."""
    store = Store(database, configured())
    assert store.take(raised())[0].case_number.endswith("-DRILL")
    store.database.close()


def test_an_incident_ends_with_its_last_alert(store: Store) -> None:
    """The end of one of two alerts changes nothing; that of the second ends the incident at its time."""
    first, second = raised(), raised(place="lane:3:2")
    incident_id = store.take(first, second)[0].incident_id or ""
    store.take(ended(first.id, at=T0 + timedelta(hours=1)))
    rows = store.reader.incident(incident_id)
    assert rows is not None
    assert rows.incident["ended_at"] is None
    store.take(ended(second.id, at=T0 + timedelta(minutes=30)))
    rows = store.reader.incident(incident_id)
    assert rows is not None
    assert rows.incident["ended_at"] == T0 + timedelta(hours=1)


def test_what_comes_before_its_alert_waits_for_it(store: Store) -> None:
    """An end and a lost file that overtook their alert are kept, acknowledged, and applied when it comes."""
    alert = raised(evidence=[FILE])
    assert outcomes(store.take(ended(alert.id, at=T0), lost(alert.id, FILE.sha256))) == ["stored", "stored"]
    taken = store.take(alert)[0]
    rows = store.reader.incident(taken.incident_id or "")
    assert rows is not None
    assert rows.incident["ended_at"] == T0
    assert (rows.evidence[0]["state"], rows.evidence[0]["lost_reason"]) == ("lost", "altered")


def test_another_box_cannot_speak_about_an_alert_in_advance(store: Store) -> None:
    """An end that another box said before the alert came is not applied to it."""
    alert = raised()
    store.take(ended(alert.id, box="yard", camera="yard"))
    rows = store.reader.incident(store.take(alert)[0].incident_id or "")
    assert rows is not None
    assert rows.incident["ended_at"] is None


def test_what_waits_for_ever_becomes_a_dead_letter(store: Store) -> None:
    """An end whose alert does not come within 30 days is visible, not forgotten."""
    store.take(ended("never-comes"))
    assert store.writer.tidy(NOW + timedelta(days=29)) == 0
    assert store.writer.tidy(NOW + timedelta(days=31)) == 1
    letter = store.reader.dead_letters(9, None)[0]
    assert "never came" in letter["reason_en"]
    assert "一直没有来" in letter["reason_zh"]


@pytest.mark.parametrize("what", ["end", "file", "other file", "same id"])
def test_a_box_speaks_for_itself_only(store: Store, what: str) -> None:
    """About another box's alert, about a file that an alert does not have, or under a taken id: refused, with a reason."""
    alert = raised(evidence=[FILE])
    store.take(alert)
    said = {
        "end": ended(alert.id, box="yard", camera="yard"),
        "file": lost(alert.id, FILE.sha256, box="yard"),
        "other file": lost(alert.id, "b" * 64),
        "same id": raised(alert_id=alert.id, box="yard", camera="yard"),
    }[what]
    taken = store.take(said)[0]
    assert (taken.outcome, taken.item.box) == ("refused", said.data.box)  # type: ignore[attr-defined,union-attr]  # each of them has a box
    assert taken.reason
    rows = store.reader.incident(store.reader.incidents("all", 1, None)[0].incident["incident_id"])
    assert rows is not None
    assert (rows.incident["ended_at"], rows.evidence[0]["state"], len(rows.alerts)) == (None, "waiting", 1)


def test_a_case_without_a_place_gets_its_unit_later(store: Store) -> None:
    """An alert without a position has no unit; the next one of the same place that has one names it, and it stays."""
    first = store.take(raised(position=None))[0]
    rows = store.reader.incident(first.incident_id or "")
    assert rows is not None
    assert (rows.case["state"], rows.case["unit"]) == ("found", None)
    store.take(raised(), raised(position=LANE.model_copy(update={"lon_deg": 114.0600, "accuracy_m": 0.1})))
    rows = store.reader.incident(first.incident_id or "")
    assert rows is not None
    assert (rows.case["state"], rows.case["unit"], rows.incident["alert_count"]) == ("assigned", "grid-mid", 3)
    assert rows.incident["accuracy_m"] == 0.1, "the best position is kept"


def test_numbers_are_unique_under_concurrency(database: str) -> None:
    """Four centres on one database that open cases at the same time give every number once, without a gap."""
    stores = [Store(database) for _ in range(4)]

    def open_cases(n: int) -> list[str]:
        alerts = [raised(place=f"lane:{n}:{i}", position=None) for i in range(5)]
        return [taken.case_number for alert in alerts for taken in stores[n].take(alert)]

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(number for some in pool.map(open_cases, range(4)) for number in some)
    assert numbers == [f"DEMO-20250604-{n:04d}" for n in range(1, 21)]
    for store in stores:
        store.database.close()


def test_two_centres_at_once_fold_into_one_incident(database: str) -> None:
    """The same thing seen by eight boxes whose messages are recorded by four centres at once is one case."""
    stores = [Store(database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: stores[n % 4].take(raised(box=f"box-{n}", place=f"p{n}")), range(8)))
    counts = stores[0].reader.counts()
    assert (counts.alerts, counts.incidents) == (8, 1)
    for store in stores:
        store.database.close()


def test_one_unstorable_message_does_not_hold_up_the_others(store: Store) -> None:
    """A number beyond the database's range (or a NUL where it takes none) becomes a dead letter; its batch is stored."""
    huge = json.loads(status(1).to_json())
    huge["data"]["session"] = 10**30
    bad = Incoming(came(status(1)).topic, json.dumps(huge).encode(), False, NOW)
    good, odd, after = raised(), raised(place="lane\x00", position=None), raised(place="lane:7:7", position=None)
    taken = store.take_raw(came(good), bad, came(odd), came(after))
    assert [outcomes(taken)[n] for n in (0, 1, 3)] == ["stored", "refused", "stored"]
    assert store.reader.counts().alerts == (3 if taken[2].outcome == "stored" else 2)
    letters = store.reader.dead_letters(9, None)
    assert any("cannot be stored" in letter["reason_en"] and "无法存储" in letter["reason_zh"] for letter in letters)
    assert outcomes(store.take(good)) == ["duplicate"]


def test_the_same_complaint_is_counted_not_piled_up(store: Store) -> None:
    """A bad message that comes three times is one dead letter, with its first and last time."""
    bad = Incoming("patrol/v1/demo/box/street/alert/raised", b"\x00\xff{", False, NOW)
    for minutes in range(3):
        store.take_raw(bad, now=NOW + timedelta(minutes=minutes))
    (letter,) = store.reader.dead_letters(9, None)
    assert (letter["times"], letter["payload"], letter["code"]) == (3, bad.payload, "MessageMalformed")
    assert (letter["first_at"], letter["last_at"]) == (NOW, NOW + timedelta(minutes=2))


def test_dead_letters_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender gone mad does not fill the disk: the newest are kept, each cut to its beginning."""
    monkeypatch.setattr(writer_module, "MAX_DEAD_LETTERS", 3)
    for n in range(5):
        store.take_raw(Incoming("t", bytes([n]) * 300_000, False, NOW), now=NOW + timedelta(seconds=n))
    store.writer.tidy(NOW)
    letters = store.reader.dead_letters(9, None)
    assert [letter["payload"][:1] for letter in letters] == [b"\x04", b"\x03", b"\x02"]
    assert all((letter["size_bytes"], len(letter["payload"])) == (300_000, 4096) for letter in letters)


def test_evidence_of_one_file_in_two_alerts(store: Store) -> None:
    """A file that is here is here for every alert that refers to it, before and after; lost only when it never came."""
    first, second, third = (raised(evidence=[FILE]) for _ in range(3))
    store.take(first, second)
    store.take(lost(first.id, FILE.sha256))
    assert {claim.alert_id: claim.state for claim in store.writer.claims(FILE.sha256)} == {
        first.id: "lost",
        second.id: "waiting",
    }
    assert store.writer.evidence_waiting() == [FILE.sha256]
    store.writer.evidence_stored(FILE.sha256, NOW)
    store.take(third, lost(second.id, FILE.sha256))
    assert {claim.state for claim in store.writer.claims(FILE.sha256)} == {"stored"}
    assert store.reader.media_type(FILE.sha256) == "image/jpeg"


def test_an_alert_that_names_a_file_twice(store: Store) -> None:
    """A careless box's double reference is one file, not an error."""
    assert outcomes(store.take(raised(evidence=[FILE, FILE]))) == ["stored"]


def test_a_case_is_announced_until_it_is_taken_in_the_same_words(store: Store) -> None:
    """Unannounced cases are offered again and again, word for word and under the same id, until they are noted."""
    taken = store.take(raised())[0]
    ((number, words),) = store.writer.unannounced(9)
    assert store.writer.unannounced(9) == [(number, words)]
    event = parse(words.encode(), topic="", max_bytes=9999)
    assert isinstance(event.data, CaseOpened)
    assert (event.data.case_number, event.data.incident_id) == (taken.case_number, taken.incident_id)
    store.writer.announced([number], NOW)
    assert store.writer.unannounced(9) == []


def test_a_late_will_is_ignored(store: Store) -> None:
    """The will of session 1 that comes after session 2 has begun changes nothing; that of session 2 keeps the cameras."""
    store.take(status(1), status(2))
    assert outcomes(store.take(status(1, "offline"))) == ["duplicate"]
    assert store.reader.boxes()[0]["state"] == "online"
    store.take(status(2, "offline"))
    (box,) = store.reader.boxes()
    assert (box["state"], len(box["data"]["cameras"])) == ("offline", 1)


def test_a_retained_status_is_not_fresh(store: Store) -> None:
    """What the broker had kept for an hour was heard an hour ago."""
    store.take(status(1, at=NOW - timedelta(hours=1)), retained=True)
    assert store.reader.boxes()[0]["heard_at"] == NOW - timedelta(hours=1)


def test_answers_are_noted(store: Store) -> None:
    """How often a message was answered is in the books, with the time of the first answer."""
    alert = raised()
    store.take(alert)
    for minutes in (1, 2):
        store.writer.take([], [alert.id], NOW + timedelta(minutes=minutes))
    with store.database.reading() as connection:
        row = connection.execute(sa.text("SELECT answers FROM received")).one()
    assert row.answers == 2


def test_pages_of_incidents(store: Store) -> None:
    """Page by page, every incident comes once, the newest first, also those of the same moment."""
    for n in range(7):
        store.take(raised(place=f"p{n}", position=None), now=NOW + timedelta(seconds=n // 3))
    found: list[str] = []
    before: str | None = None
    while page := store.reader.incidents("all", 2, before):
        found += [rows.incident["incident_id"] for rows in page]
        before = found[-1]
    assert len(found) == len(set(found)) == 7
    assert store.reader.incidents("all", 9, "no-such-incident") == []


def test_sessions_grow(store: Store, database: str) -> None:
    """Every start has a higher number than all before it, also after the database was closed."""
    first = store.writer.begin_session(NOW)
    again = Store(database)
    assert again.writer.begin_session(NOW) > first
    again.database.close()


def test_a_newer_schema_is_refused(store: Store, database: str) -> None:
    """Tables of a newer program are left alone, with an error that says what to do."""
    with store.database.writing() as connection:
        connection.execute(schema.update().values(version=99))
    with pytest.raises(DatabaseFromFuture, match=r"version 99.*Update this program"):
        Store(database)


def test_a_database_that_is_no_database(tmp_path: Path) -> None:
    """A file that is something else, a folder, and a server that is not there: one error that names the address."""
    (tmp_path / "letter.db").write_text("Dear database, " * 100)
    for address in (f"sqlite:///{tmp_path}/letter.db", f"sqlite:///{tmp_path}", f"postgresql:///x?host={tmp_path}"):
        with pytest.raises(DatabaseUnusable, match="cannot be used"):
            Store(address)


def test_addresses_and_their_secrets() -> None:
    """Secrets may hold any character, a whole address may be one; what is no database is refused, passwords stay hidden."""
    environ = {"PW": "p@ss/w:rd#", "URL": "postgresql://u:pw@h/name"}
    url = database_url("postgresql://u:${PW}@h/name", Path("/x"), environ)
    assert (url.drivername, url.password, url.host) == ("postgresql+psycopg", "p@ss/w:rd#", "h")
    assert "pw" not in Database(database_url("${URL}", Path("/x"), environ)).shown_url
    assert database_url("sqlite:///var/a.db", Path("/x"), {}).database == "/x/var/a.db"
    assert database_url("sqlite:////var/a.db", Path("/x"), {}).database == "/var/a.db"
    with pytest.raises(SecretNotSet, match="NAME"):
        database_url("postgresql://u:${NAME}@h/name", Path("/x"), {})
    for wrong in ("mysql://h/name", "what", "postgresql://h:port/x"):
        with pytest.raises(DatabaseUnusable):
            database_url(wrong, Path("/x"), {})
