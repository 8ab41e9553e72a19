"""What a station keeps: written whole or not at all, read back as it was, and one station for each drone."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from patrol.config import load
from patrol.errors import DroneTaken, StationStateUnusable
from patrol.events import WeatherWarned
from patrol.flight.compile import Compiled
from patrol.flight.station.errands import Errand, of_patrol, said
from patrol.flight.station.lock import locked
from patrol.flight.station.sorties import Hindered, Prepared, Traffic, clear_in, prepare, targets_seen
from patrol.flight.station.store import Kept, Store
from patrol.geo import LatLon
from patrol.mqtt import Outgoing

CONFIG = load(Path(__file__).resolve().parents[3] / "config.yaml")
NOW_S = datetime(2026, 6, 2, 9, 30, tzinfo=UTC).timestamp()
PATROL = of_patrol(CONFIG.patrols[0], "flood-round-x", NOW_S, 3, drill=True)


def flight(drone: str = "falcon", errand: Errand = PATROL) -> Kept:
    """A planned flight, ready to be kept."""
    prepared = prepare(errand, drone, CONFIG, NOW_S, [])
    assert isinstance(prepared, Prepared)
    return Kept("0f9d2c4e-flight", errand, prepared, NOW_S, 0, "launching")


def lists_of(compiled: Compiled) -> str:
    """Comparable, NaN included."""
    return repr(sorted(compiled.lists.items()))


@pytest.mark.parametrize("drone", ["falcon", "heron"])
def test_a_flight_comes_back_as_it_was(tmp_path: Path, drone: str) -> None:
    """For both autopilots, another process reads the same mission, fence, rally points, demands, marks and way."""
    kept, store = flight(drone), Store(tmp_path / "s.db")
    with store.change():
        store.keep_errand(PATROL, "flying", NOW_S)
        store.keep_flight(kept)
    store.progress(kept.id, 17, "flying")
    store.close()
    (back,) = Store(tmp_path / "s.db").under_way()
    assert (back.id, back.errand, back.item, back.stage, back.begun_s) == (kept.id, PATROL, 17, "flying", NOW_S)
    ours, theirs = kept.prepared, back.prepared
    assert lists_of(ours.compiled) == lists_of(theirs.compiled)
    assert ours.compiled.digest == theirs.compiled.digest
    assert (ours.demands, ours.marks, ours.drone) == (theirs.demands, theirs.marks, theirs.drone)
    assert (ours.way == theirs.way).all()
    assert len(ours.mission.items) == len(theirs.mission.items)
    assert ours.mission.home == pytest.approx(theirs.mission.home)


def test_a_change_is_whole_or_nothing(tmp_path: Path) -> None:
    """An error in the middle leaves nothing of it behind, what is to be said included."""
    store = Store(tmp_path / "s.db")

    def half() -> None:
        with store.change():
            store.keep_errand(PATROL, "waiting", NOW_S)
            store.say(Outgoing("t", b"x", 1, False))
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert store.waiting() == []
    assert store.unsaid(10) == []


def test_a_killed_process_loses_nothing_it_has_written(tmp_path: Path) -> None:
    """A process that dies by SIGKILL right after a change: the next one finds it."""
    code = (
        "import os, signal, sys; from pathlib import Path; from patrol.flight.station.store import Store\n"
        "from patrol.mqtt import Outgoing; s = Store(Path(sys.argv[1]))\n"
        "with s.change(): s.say(Outgoing('t', b'x', 1, False)); s.refused('abc', 1.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.db")], check=False, timeout=60)
    assert ended.returncode == -9
    store = Store(tmp_path / "s.db")
    assert [message.payload for _, message in store.unsaid(10)] == [b"x"]
    assert store.knows("abc")


def test_sessions_grow_and_old_things_are_forgotten(tmp_path: Path) -> None:
    """Each start has the next number; what ended a month ago is gone, what waits stays."""
    store = Store(tmp_path / "s.db")
    assert [store.begin_session(), store.begin_session()] == [1, 2]
    store.keep_errand(PATROL, "waiting", 0.0)
    store.refused("old", 0.0)
    store.tidy(NOW_S)
    assert not store.knows("old")
    assert [e.id for e in store.waiting()] == [PATROL.id]


def test_what_is_to_be_said_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker the oldest go first when there are too many."""
    monkeypatch.setattr("patrol.flight.station.store.OUTBOX_MOST", 5)
    store = Store(tmp_path / "s.db")
    for n in range(9):
        store.say(Outgoing("t", str(n).encode(), 1, False))
    assert [message.payload for _, message in store.unsaid(10)] == [b"4", b"5", b"6", b"7", b"8"]


def test_a_warning_is_kept_until_the_next_of_its_kind(tmp_path: Path) -> None:
    """After a start the station still knows which warnings hold."""
    store = Store(tmp_path / "s.db")
    for level in ("yellow", "red"):
        store.keep_weather(WeatherWarned.model_validate({
            "warning_id": "szmb-0001", "kind": "wind", "level": level, "begins_at": "2026-06-02T00:00:00Z",
            "ends_at": "2026-06-03T00:00:00Z"}))  # fmt: skip
    assert [w.level for w in Store(tmp_path / "s.db").weather()] == ["red"]


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    """A damaged file is an error with its path, and is left as it is."""
    path = tmp_path / "s.db"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(StationStateUnusable, match=r"s\.db"):
        Store(path)
    assert path.read_bytes().startswith(b"not a database")


def test_two_stations_on_one_drone(tmp_path: Path) -> None:
    """The second is refused with the first one's process, also with a state folder of its own; afterwards the drone is free."""
    link = f"udp://{tmp_path.name}:1"
    with locked(tmp_path / "a", [link], tmp_path):
        for folder, links in (("b", [link]), ("a", ["udp://other:1"])):
            with pytest.raises(DroneTaken, match="pid"), locked(tmp_path / folder, links, tmp_path):
                pass
    with locked(tmp_path / "b", [link], tmp_path):
        pass


def test_every_target_has_its_mark() -> None:
    """Past the photograph of a target it is seen, before it is not; past the last all twelve are, for both autopilots."""
    for drone in ("falcon", "heron"):
        marks = flight(drone).prepared.marks
        assert {m.target for m in marks} == set(PATROL.targets)
        last = max(m.item for m in marks)
        assert len(targets_seen(marks, last + 1)) == 12
        assert len(targets_seen(marks, last)) == 11
        assert targets_seen(marks, 0) == ()


def test_flights_keep_apart_and_the_wait_is_said() -> None:
    """A fire beside the patrol's way waits until the way is clear, no longer than needed, and not at all when it is far away."""
    way = flight().prepared.way.copy()
    way[:, 0] += NOW_S - 20.0
    fire = Errand("fire", "orbit", 8, NOW_S, NOW_S + 900, at=LatLon(22.5431, 114.0585))
    hindered = prepare(fire, "heron", CONFIG, NOW_S, [Traffic("falcon", way)])
    assert isinstance(hindered, Hindered)
    assert hindered.wait_s is not None
    assert 0 < hindered.wait_s < 180
    later = prepare(fire, "heron", CONFIG, NOW_S + hindered.wait_s, [Traffic("falcon", way)])
    assert isinstance(later, Prepared)
    assert clear_in(later.way + np.array([NOW_S + 3600.0, 0, 0, 0]), [way]) == 0.0


def test_what_the_planner_refuses_is_said_in_both_languages() -> None:
    """A place outside the district is refused with the planner's reason."""
    outside = Errand("far", "verification", 4, NOW_S, NOW_S + 900, at=LatLon(22.5500, 114.0700))
    hindered = prepare(outside, "falcon", CONFIG, NOW_S, [])
    assert isinstance(hindered, Hindered)
    assert hindered.wait_s is None
    assert hindered.reasons
    assert all(reason.en and reason.zh for reason in hindered.reasons)
    assert said("leaving").code == "leaving"
