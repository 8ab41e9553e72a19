"""The outbox: what a box has to say, on disk before it is said, until the centre has acknowledged it.

One SQLite file in WAL mode with full durability. An alert enters in one transaction with its evidence
records and with the memory of the zone that raised it, so that after any death the three agree.
A message leaves the queue only by the centre's acknowledgement; the row stays as a record until it is
pruned. Messages about one alert go out in order: the end waits until the beginning is acknowledged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from patrol.errors import DiskFull, OutboxUnusable
from patrol.events import Acknowledgement, EvidenceRef

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    alert_id TEXT NOT NULL,
    type_name TEXT NOT NULL,
    happened_at TEXT NOT NULL,
    data_json TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'acknowledged', 'refused', 'moot')),
    reason TEXT NOT NULL DEFAULT '',
    case_number TEXT NOT NULL DEFAULT '',
    settled_at TEXT
);
CREATE INDEX IF NOT EXISTS message_waiting ON message (state, sequence);
CREATE INDEX IF NOT EXISTS message_alert ON message (alert_id, sequence);
CREATE TABLE IF NOT EXISTS evidence (
    sha256 TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    taken_at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'uploaded', 'lost', 'pruned')),
    settled_at TEXT,
    PRIMARY KEY (sha256, alert_id)
);
CREATE INDEX IF NOT EXISTS evidence_waiting ON evidence (state);
CREATE TABLE IF NOT EXISTS memory (camera TEXT PRIMARY KEY, body_json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY AUTOINCREMENT, started_at TEXT NOT NULL);
"""
BUSY_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Outgoing:
    """A message to say. `data_json` is the event's data; the envelope is made when it is sent."""

    event_id: str
    alert_id: str
    type_name: str
    happened_at: datetime
    data_json: str


@dataclass(frozen=True)
class Waiting:
    """A message in the queue with its number."""

    sequence: int
    message: Outgoing


@dataclass(frozen=True)
class Counts:
    """How full the outbox is."""

    waiting: int
    refused: int
    evidence_waiting: int


class Outbox:
    """The queue of one box. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises OutboxUnusable."""
        self._path = path
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(SCHEMA)
            except sqlite3.Error:
                self._db.close()
                raise
        except (OSError, sqlite3.Error) as err:
            raise OutboxUnusable(path=path, cause=err) from err

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it returns. Raises DiskFull, OutboxUnusable."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as err:
                if "full" in str(err):
                    raise DiskFull(path=self._path) from err
                raise OutboxUnusable(path=self._path, cause=err) from err
            finally:
                if self._db.in_transaction:  # SQLite may have rolled back by itself, on a full disk for example
                    self._db.execute("ROLLBACK")

    def begin_session(self, now: datetime) -> int:
        """The number of this start; it grows with every start of this box."""
        with self._transaction() as db:
            return int(db.execute("INSERT INTO session (started_at) VALUES (?)", (_text(now),)).lastrowid or 0)

    def remember(self, camera: str, body_json: str) -> None:
        """Keep a camera's memory."""
        with self._transaction() as db:
            _remember(db, camera, body_json)

    def memory(self, camera: str) -> str | None:
        """What was remembered of a camera, if anything."""
        with self._transaction() as db:
            row = db.execute("SELECT body_json FROM memory WHERE camera = ?", (camera,)).fetchone()
            return None if row is None else str(row[0])

    def put(self, messages: Sequence[tuple[Outgoing, Sequence[EvidenceRef]]], camera: str, memory_json: str) -> None:
        """Messages, their evidence records and the memory that goes with them, in one transaction.

        A message whose id is already there is left as it is: saying a thing again is no new thing.
        """
        with self._transaction() as db:
            for message, evidence in messages:
                _insert(db, message)
                db.executemany(
                    "INSERT OR IGNORE INTO evidence (sha256, alert_id, media_type, size_bytes, taken_at) VALUES (?, ?, ?, ?, ?)",
                    [(e.sha256, message.alert_id, e.media_type, e.size_bytes, _text(e.taken_at)) for e in evidence],
                )
            _remember(db, camera, memory_json)

    def waiting(self, limit: int) -> list[Waiting]:
        """The oldest messages that may be sent now, at most one an alert."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT sequence, event_id, alert_id, type_name, happened_at, data_json FROM message AS m WHERE state = 'waiting' AND "
                "NOT EXISTS (SELECT 1 FROM message AS e WHERE e.alert_id = m.alert_id AND e.sequence < m.sequence AND e.state = 'waiting') "
                "ORDER BY sequence LIMIT ?",
                (limit,),
            ).fetchall()
        return [Waiting(int(r[0]), Outgoing(r[1], r[2], r[3], datetime.fromisoformat(r[4]), r[5])) for r in rows]

    def settle(self, acknowledgements: Sequence[Acknowledgement], now: datetime) -> int:
        """Take what the centre has acknowledged out of the queue; returns how many that were.

        When a beginning is refused, what else was to be said about that alert is moot.
        """
        settled = 0
        with self._transaction() as db:
            for ack in acknowledgements:
                state = "refused" if ack.outcome == "refused" else "acknowledged"
                settled += db.execute(
                    "UPDATE message SET state = ?, reason = ?, case_number = ?, settled_at = ? WHERE event_id = ? AND state = 'waiting'",
                    (state, ack.reason, ack.case_number, _text(now), ack.event_id),
                ).rowcount
                if state == "refused":
                    db.execute(
                        "UPDATE message SET state = 'moot', settled_at = ? WHERE alert_id = ? AND state = 'waiting'",
                        (_text(now), ack.event_id),
                    )
        return settled

    def evidence_to_upload(self, limit: int) -> list[tuple[str, str, str]]:
        """Files of acknowledged alerts that are not uploaded yet: (sha256, alert id, media type), oldest first."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT e.sha256, e.alert_id, e.media_type FROM evidence AS e JOIN message AS m ON m.event_id = e.alert_id "
                "WHERE e.state = 'waiting' AND m.state = 'acknowledged' ORDER BY m.sequence LIMIT ?",
                (limit,),
            ).fetchall()
        return [(str(r[0]), str(r[1]), str(r[2])) for r in rows]

    def uploaded(self, sha256: str, now: datetime) -> None:
        """The centre has the whole file, for every alert that refers to it."""
        with self._transaction() as db:
            db.execute(
                "UPDATE evidence SET state = 'uploaded', settled_at = ? WHERE sha256 = ? AND state = 'waiting'",
                (_text(now), sha256),
            )

    def lost(self, sha256: str, notice: Outgoing, now: datetime) -> None:
        """The file will never be uploaded for the alert of `notice`, which tells the centre so."""
        with self._transaction() as db:
            db.execute(
                "UPDATE evidence SET state = 'lost', settled_at = ? WHERE sha256 = ? AND alert_id = ?",
                (_text(now), sha256, notice.alert_id),
            )
            _insert(db, notice)

    def prunable(self, before: datetime) -> list[str]:
        """Files uploaded before `before` that no waiting record needs."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT DISTINCT sha256 FROM evidence AS e WHERE state = 'uploaded' AND settled_at < ? AND NOT EXISTS "
                "(SELECT 1 FROM evidence AS o WHERE o.sha256 = e.sha256 AND (o.state = 'waiting' OR o.settled_at >= ?))",
                (_text(before), _text(before)),
            ).fetchall()
        return [str(r[0]) for r in rows]

    def pruned(self, sha256s: Sequence[str]) -> None:
        """These files are gone from the disk on purpose."""
        with self._transaction() as db:
            db.executemany("UPDATE evidence SET state = 'pruned' WHERE sha256 = ?", [(s,) for s in sha256s])

    def known_evidence(self) -> frozenset[str]:
        """Every file that some alert refers to."""
        with self._transaction() as db:
            return frozenset(str(r[0]) for r in db.execute("SELECT sha256 FROM evidence WHERE state != 'pruned'"))

    def counts(self) -> Counts:
        """How many messages wait, were refused, and files wait."""
        with self._transaction() as db:
            by_state = dict(db.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
            files = db.execute("SELECT count(*) FROM evidence WHERE state = 'waiting'").fetchone()[0]
        return Counts(int(by_state.get("waiting", 0)), int(by_state.get("refused", 0)), int(files))


def _insert(db: sqlite3.Connection, message: Outgoing) -> None:
    db.execute(
        "INSERT OR IGNORE INTO message (event_id, alert_id, type_name, happened_at, data_json) VALUES (?, ?, ?, ?, ?)",
        (message.event_id, message.alert_id, message.type_name, _text(message.happened_at), message.data_json),
    )


def _remember(db: sqlite3.Connection, camera: str, body_json: str) -> None:
    db.execute(
        "INSERT INTO memory VALUES (?, ?) ON CONFLICT (camera) DO UPDATE SET body_json = excluded.body_json",
        (camera, body_json),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
