"""What the centre writes down. Every method is one transaction: when it returns, it is on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from patrol.center.store.database import Database, Unstorable
from patrol.center.store.messages import Rules, record
from patrol.center.store.reports import record_report
from patrol.center.store.tables import alerts, cases, dead_letters, early, evidence, received, sessions
from patrol.center.store.taken import Taken
from patrol.center.understand import EXCERPT_BYTES, Item, Refusal, Reported, printable, refuse
from patrol.errors import MessageMalformed, Text, WireError
from patrol.mqtt import Incoming

MAX_DEAD_LETTERS = 10_000  # the oldest go: a broken sender must not fill the disk
EARLY_DAYS = 30  # how long something said about an alert waits for the alert itself
HOUSEKEEPING_BATCH = 500
_UNSTORABLE = Text("it holds a value that cannot be stored: {cause}", "其中有无法存储的值：{cause}")
_NO_ALERT = Text("the alert it is about never came", "它所说的警报一直没有来")


@dataclass(frozen=True)
class Claim:
    """One alert's reference to a file: who may upload it, and how far that is."""

    box: str
    alert_id: str
    incident_id: str
    size_bytes: int
    media_type: str
    state: str


class Writer:
    """Safe to use from several threads; the database lets one write at a time."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database, self._rules = database, rules

    def begin_session(self, now: datetime) -> int:
        """The number of this start; it grows with every start of a centre on this database. Raises StorageError."""
        with self._database.writing() as connection:
            return _number(connection.execute(sessions.insert().values(started_at=now)))

    def take(self, items: Sequence[Item], answered: Iterable[str], now: datetime) -> list[Taken]:
        """Record messages in their order, and which earlier ones were `answered`; all in one transaction.

        When the database cannot hold a value in one of them, each is recorded by itself, so that one bad
        message does not keep the others out; that one becomes a dead letter. Raises StorageError.
        """
        answered = list(answered)
        try:
            with self._database.writing() as connection:
                _note_answers(connection, answered, now)
                return [self._one(connection, item, now) for item in items]
        except Unstorable:
            return [self._alone(item, now) for item in items]

    def _alone(self, item: Item, now: datetime) -> Taken:
        try:
            with self._database.writing() as connection:
                return self._one(connection, item, now)
        except Unstorable as err:
            cause = Text(
                *(template.format(cause=str(err).replace("{", "(").replace("}", ")")) for template in _UNSTORABLE)
            )
            reason = MessageMalformed(topic=item.incoming.topic, cause=cause)
            with self._database.writing() as connection:
                return self._refused(connection, self._refusal(item.incoming, reason), now)

    def _one(self, connection: Connection, item: Item, now: datetime) -> Taken:
        if isinstance(item, Refusal):
            return self._refused(connection, item, now)
        try:
            if isinstance(item, Reported):
                return record_report(connection, item, self._rules, now)
            return record(connection, item, self._rules, now)
        except WireError as err:
            return self._refused(connection, self._refusal(item.incoming, err), now)

    def _refusal(self, incoming: Incoming, reason: WireError) -> Refusal:
        return refuse(incoming, reason, self._rules.config.district.id, self._rules.boxes)

    def _refused(self, connection: Connection, refusal: Refusal, now: datetime) -> Taken:
        number = _keep_dead_letter(connection, refusal, now)
        reason = printable(refusal.reason.explain("en"))[:500]
        return Taken(refusal, "refused", reason=reason, dead_letter=number)

    def unannounced(self, limit: int) -> list[tuple[str, str]]:
        """Cases that the broker has not been told of, oldest first: (number, the message). Raises StorageError."""
        query = (
            sa.select(cases.c.case_number, cases.c.announcement)
            .where(cases.c.announced_at.is_(None))
            .order_by(cases.c.case_number)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [(row.case_number, row.announcement) for row in connection.execute(query)]

    def announced(self, case_numbers: Sequence[str], now: datetime) -> None:
        """The broker has taken these. Raises StorageError."""
        if case_numbers:
            with self._database.writing() as connection:
                connection.execute(cases.update().where(cases.c.case_number.in_(case_numbers)).values(announced_at=now))

    def claims(self, sha256: str) -> list[Claim]:
        """Every alert that refers to this file. Raises StorageError."""
        query = (
            sa.select(evidence, alerts.c.incident_id)
            .join(alerts, alerts.c.event_id == evidence.c.alert_id)
            .where(evidence.c.sha256 == sha256)
        )
        with self._database.reading() as connection:
            return [
                Claim(row.box, row.alert_id, row.incident_id, row.size_bytes, row.media_type, row.state)
                for row in connection.execute(query)
            ]

    def evidence_stored(self, sha256: str, now: datetime) -> None:
        """The whole file is here, for every alert that refers to it. Raises StorageError."""
        mine = sa.and_(evidence.c.sha256 == sha256, evidence.c.state != "stored")
        with self._database.writing() as connection:
            connection.execute(
                evidence.update().where(mine).values(state="stored", stored_at=now, lost_reason=None, lost_detail=None)
            )

    def evidence_waiting(self) -> list[str]:
        """Files that are expected, each once. Raises StorageError."""
        query = sa.select(evidence.c.sha256).where(evidence.c.state == "waiting").distinct()
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def tidy(self, now: datetime) -> int:
        """Turn what waited too long for its alert into dead letters; drop the oldest dead letters. Raises StorageError.

        Returns how many dead letters there are new.
        """
        with self._database.writing() as connection:
            old = sa.select(early).where(early.c.stored_at < now - timedelta(days=EARLY_DAYS)).limit(HOUSEKEEPING_BATCH)
            rows = connection.execute(old).mappings().all()
            for row in rows:
                incoming = Incoming(row["type_name"], json.dumps(row["data"]).encode(), False, row["stored_at"])
                reason = MessageMalformed(topic=incoming.topic, cause=_NO_ALERT)
                _keep_dead_letter(
                    connection, Refusal(incoming, reason, row["event_id"], row["box"], False, row["event_id"]), now
                )
                connection.execute(early.delete().where(early.c.event_id == row["event_id"]))
            beyond = sa.select(dead_letters.c.id).order_by(dead_letters.c.last_at.desc()).offset(MAX_DEAD_LETTERS)
            beyond = beyond.limit(HOUSEKEEPING_BATCH)
            connection.execute(dead_letters.delete().where(dead_letters.c.id.in_(beyond)))
            return len(rows)


def _note_answers(connection: Connection, answered: Sequence[str], now: datetime) -> None:
    if answered:
        connection.execute(
            received.update()
            .where(received.c.event_id.in_(set(answered)))
            .values(acknowledged_at=sa.func.coalesce(received.c.acknowledged_at, now), answers=received.c.answers + 1)
        )


def _keep_dead_letter(connection: Connection, refusal: Refusal, now: datetime) -> int:
    """Its number; the same complaint again is counted."""
    mine = dead_letters.c.key == refusal.key
    payload = refusal.incoming.payload
    row = connection.execute(sa.select(dead_letters.c.id, dead_letters.c.times).where(mine)).first()
    values = {
        "reason_en": printable(refusal.reason.explain("en")), "reason_zh": printable(refusal.reason.explain("zh-CN")),
        "size_bytes": len(payload), "payload": payload[:EXCERPT_BYTES], "last_at": now,
    }  # fmt: skip
    if row is not None:
        connection.execute(dead_letters.update().where(mine).values(times=row.times + 1, **values))
        return int(row.id)
    new = dead_letters.insert().values(
        key=refusal.key, topic=printable(refusal.incoming.topic), code=type(refusal.reason).__name__,
        event_id=refusal.event_id, box=refusal.box, first_at=now, times=1, **values,
    )  # fmt: skip
    return _number(connection.execute(new))


def _number(inserted: sa.CursorResult[*tuple[Any, ...]]) -> int:
    key = inserted.inserted_primary_key
    assert key is not None, "one row was inserted"  # noqa: S101 - SQLAlchemy types it for inserts of many rows too
    return int(key[0])
