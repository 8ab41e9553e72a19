"""The outbox: nothing leaves it but by the centre's word, and nothing in it is lost by a death."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from patrol.errors import DiskFull, OutboxUnusable
from patrol.events import Acknowledgement, EvidenceRef
from patrol_edge.outbox import Outbox, Outgoing
from tests.edge.conftest import START


def message(name: str, alert: str | None = None) -> Outgoing:
    """A message of one alert."""
    return Outgoing(name, alert or name, "patrol.alert.raised", START, "{}")


def evidence(letter: str) -> EvidenceRef:
    """A reference to a file."""
    return EvidenceRef(
        sha256=letter * 64, media_type="image/jpeg", size_bytes=5, role="frame", taken_at=START, blurred=False
    )


def ack(name: str, outcome: str = "stored") -> Acknowledgement:
    """The centre's word about a message."""
    return Acknowledgement.model_validate({"box": "street", "event_id": name, "outcome": outcome, "case_number": "C-1"})


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An empty one."""
    opened = Outbox(tmp_path / "outbox.db")
    yield opened
    opened.close()


def test_what_is_put_waits_until_it_is_acknowledged(outbox: Outbox) -> None:
    """A message stays in the queue, in order and with a growing number, until the centre's word comes."""
    outbox.put([(message("alert-001"), []), (message("alert-002"), [])], "gate", "{}")
    first = outbox.waiting(10)
    assert [w.message.event_id for w in first] == ["alert-001", "alert-002"]
    assert first[0].sequence < first[1].sequence
    assert outbox.settle([ack("alert-001")], START) == 1
    assert [w.message.event_id for w in outbox.waiting(10)] == ["alert-002"]


def test_saying_it_again_is_no_new_message(outbox: Outbox) -> None:
    """The same event id put twice, even after it was acknowledged, is not sent a second time."""
    outbox.put([(message("alert-001"), [])], "gate", "{}")
    outbox.settle([ack("alert-001")], START)
    outbox.put([(message("alert-001"), [])], "gate", "{}")
    assert outbox.waiting(10) == []


def test_the_end_waits_for_the_beginning(outbox: Outbox) -> None:
    """Messages about one alert go out one after the other; other alerts do not wait for them."""
    outbox.put(
        [(message("alert-001"), []), (message("ended-001", "alert-001"), []), (message("alert-002"), [])], "gate", "{}"
    )
    assert [w.message.event_id for w in outbox.waiting(10)] == ["alert-001", "alert-002"]
    outbox.settle([ack("alert-001", "duplicate")], START)
    assert [w.message.event_id for w in outbox.waiting(10)] == ["ended-001", "alert-002"]


def test_a_refused_beginning_makes_its_end_moot(outbox: Outbox) -> None:
    """What the centre cannot read is kept as refused, and nothing more is said about that alert."""
    outbox.put([(message("alert-001"), []), (message("ended-001", "alert-001"), [])], "gate", "{}")
    outbox.settle([ack("alert-001", "refused")], START)
    assert outbox.waiting(10) == []
    assert outbox.counts().refused == 1


def test_evidence_follows_its_alert(outbox: Outbox) -> None:
    """A file is offered for upload once its alert is acknowledged, and not after it is uploaded; lost files say so."""
    outbox.put([(message("alert-001"), [evidence("a"), evidence("b")])], "gate", "{}")
    assert outbox.evidence_to_upload(10) == []
    outbox.settle([ack("alert-001")], START)
    assert [e[0][0] for e in outbox.evidence_to_upload(10)] == ["a", "b"]
    outbox.uploaded("a" * 64, START)
    outbox.lost("b" * 64, message("lost-0001", "alert-001"), START)
    assert outbox.evidence_to_upload(10) == []
    assert [w.message.event_id for w in outbox.waiting(10)] == ["lost-0001"]


def test_one_picture_of_two_alerts_is_uploaded_once_and_pruned_last(outbox: Outbox) -> None:
    """A file shared by two alerts is settled for both by one upload, and only then may leave the box."""
    outbox.put([(message("alert-001"), [evidence("a")]), (message("alert-002"), [evidence("a")])], "gate", "{}")
    outbox.settle([ack("alert-001"), ack("alert-002")], START)
    assert outbox.prunable(START + timedelta(days=99)) == []
    outbox.uploaded("a" * 64, START)
    assert outbox.counts().evidence_waiting == 0
    assert outbox.prunable(START + timedelta(days=1)) == ["a" * 64]
    outbox.pruned(["a" * 64])
    assert outbox.prunable(START + timedelta(days=1)) == []


def test_sessions_and_memory_survive(tmp_path: Path) -> None:
    """Every start has a higher number, and what a camera remembered is there again."""
    first = Outbox(tmp_path / "o.db")
    number = first.begin_session(START)
    first.remember("gate", '{"lane": 1}')
    first.close()
    second = Outbox(tmp_path / "o.db")
    assert second.begin_session(START) > number
    assert second.memory("gate") == '{"lane": 1}'
    assert second.memory("other") is None
    second.close()


def test_a_damaged_file_is_named_and_not_touched(tmp_path: Path) -> None:
    """A file that is no outbox is refused with its name, and its bytes stay."""
    path = tmp_path / "outbox.db"
    path.write_bytes(b"this is not a database, it is something else entirely" * 20)
    with pytest.raises(OutboxUnusable, match=r"outbox\.db"):
        Outbox(path)
    assert path.read_bytes().startswith(b"this is not")


def test_a_full_disk_is_said_and_loses_nothing(outbox: Outbox) -> None:
    """When SQLite finds no room the transaction is refused whole, and what was there stays readable."""
    outbox.put([(message("alert-001"), [])], "gate", "{}")
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    big = Outgoing("alert-002", "alert-002", "patrol.alert.raised", START, "x" * 100_000)
    with pytest.raises(DiskFull):
        outbox.put([(big, [evidence("a")])], "gate", "{}")
    assert [w.message.event_id for w in outbox.waiting(10)] == ["alert-001"]
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    outbox.put([(big, [evidence("a")])], "gate", "{}")
    assert len(outbox.waiting(10)) == 2


WRITER = """
import sys
from pathlib import Path
from patrol_edge.outbox import Outbox, Outgoing
from tests.edge.test_outbox import evidence, message
outbox = Outbox(Path(sys.argv[1]))
n = int(sys.argv[2])
while True:
    n += 1
    outbox.put([(message(f"alert-{n:05d}"), [evidence("abcdef"[n % 6])])], "gate", str(n))
    print(n, flush=True)
"""


@pytest.mark.slow
def test_kill_9_while_writing_keeps_message_evidence_and_memory_together(tmp_path: Path) -> None:
    """Killed at any moment, the outbox holds every message it said it had, each with its evidence record and memory."""
    path, confirmed = tmp_path / "outbox.db", 0
    for round_number in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(confirmed)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(3 + 7 * round_number):
            confirmed = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        confirmed = int(rest[-1]) if rest else confirmed
        with closing(sqlite3.connect(path)) as db:
            messages = [r[0] for r in db.execute("SELECT event_id FROM message ORDER BY sequence")]
            records = {r[0] for r in db.execute("SELECT alert_id FROM evidence")}
            memory = int(db.execute("SELECT body_json FROM memory").fetchone()[0])
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert messages == [f"alert-{n:05d}" for n in range(1, len(messages) + 1)]
        assert confirmed <= len(messages) <= confirmed + 1
        assert records == set(messages)
        assert memory == len(messages)
        confirmed = len(messages)
