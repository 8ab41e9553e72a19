"""The desk's books: what it takes, refuses and remembers, and what it says about it; a real store, drones that only stand there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from patrol.config import load
from patrol.events import Data, Event, FlightRequested
from patrol.flight.pilot import Ending, Happening
from patrol.flight.station.desk import Desk, Offered
from patrol.flight.station.dispatch import Craft, State
from patrol.flight.station.sorties import prepare
from patrol.flight.station.store import Kept, Store
from patrol.flight.station.voice import Voice

CONFIG = load(Path(__file__).resolve().parents[3] / "config.yaml")
DAWN = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)


@dataclass
class Ground:
    """A crew that writes down what it was told, and a clock that is set."""

    now: datetime = DAWN
    states: dict[str, State] = field(default_factory=lambda: {"falcon": "free", "heron": "free"})
    launched: list[tuple[Kept, bool]] = field(default_factory=list)
    recalled: list[str] = field(default_factory=list)

    def wall(self) -> datetime:
        """The time."""
        return self.now

    def crafts(self, flying: set[str]) -> list[Craft]:
        """Two drones."""
        drones = CONFIG.drones
        return [Craft(d.id, d.home, "flying" if d.id in flying else self.states[d.id], 0.95) for d in drones]

    def launch(self, kept: Kept, *, takes_over: bool) -> None:
        """Noted."""
        self.launched.append((kept, takes_over))

    def recall(self, drone: str) -> None:
        """Noted."""
        self.recalled.append(drone)


def a_desk(folder: Path, ground: Ground, queue_max: int = 50) -> tuple[Desk, Store]:
    """A desk on a store in `folder`."""
    station = CONFIG.station.model_copy(update={"queue_max": queue_max})
    config = CONFIG.model_copy(update={"station": station})
    store = Store(folder / "station.db")
    return Desk(config, store, Voice(config, store.begin_session(), "0"), ground, ground.wall), store


def told(store: Store, kind: str) -> list[dict[str, Any]]:
    """What waits to be said, of one kind."""
    messages = [json.loads(message.payload) for _, message in store.unsaid(500)]
    return [m["data"] for m in messages if m["type"] == kind]


def answers(store: Store) -> list[tuple[str, str, list[str]]]:
    """(request, state, codes of the reasons) of each answer."""
    found = told(store, "patrol.request.answered")
    return [(a["request_id"], a["state"], [r["code"] for r in a["reasons"]]) for a in found]


def look(ground: Ground, request_id: str) -> Event[Data]:
    """A request to look at a place."""
    data = FlightRequested.model_validate({
        "request_id": request_id, "kind": "verification", "deadline_at": ground.now + timedelta(minutes=20),
        "position": {"lat_deg": 22.5436, "lon_deg": 114.0572, "accuracy_m": 1}})  # fmt: skip
    return Event[Data].of(data, id=request_id, source="/center/demo", time=ground.now)


def start(desk: Desk, ground: Ground) -> None:
    """Plan and launch whatever is to be launched."""
    for errand, drones, traffic in desk.decide():
        found = [Offered(d, prepare(errand, d, CONFIG, ground.now.timestamp(), traffic)) for d in drones]
        desk.launch(errand, found)


def test_the_queue_is_bounded_and_repetitions_are_one(tmp_path: Path) -> None:
    """More requests than may wait are refused with that reason; one that comes again is neither queued nor answered twice."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground, queue_max=2)
    for request in ("request-1", "request-2", "request-1", "request-3"):
        desk.hear(look(ground, request))
    assert desk.waiting == 2
    assert answers(store) == [
        ("request-1", "waiting", []), ("request-2", "waiting", []), ("request-3", "refused", ["queue-full"])]  # fmt: skip


def test_missed_runs_are_said(tmp_path: Path) -> None:
    """After two days without a station every run of the calendar that was missed is answered as refused, with why and when."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.calendar()
    store.close()
    ground.now += timedelta(days=2)
    desk, store = a_desk(tmp_path, ground)
    desk.calendar()
    missed = [a for a in told(store, "patrol.request.answered") if a["request_id"].startswith("flood-round")]
    assert [(a["state"], a["reasons"][0]["code"]) for a in missed] == [("refused", "missed")] * 2
    assert "2026-06-02 06:30" in missed[0]["reasons"][0]["en"]
    assert "机场停机" in missed[0]["reasons"][0]["zh"]


def test_what_is_written_down_before_a_launch_is_found_after_a_start(tmp_path: Path) -> None:
    """A station that dies between writing and launching finds the drone on the ground and lets the request wait again."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.hear(look(ground, "request-1"))
    start(desk, ground)
    assert [(kept.stage, over) for kept, over in ground.launched] == [("launching", False)]
    store.close()
    desk, store = a_desk(tmp_path, ground)
    ground.states = {"falcon": "silent", "heron": "silent"}
    desk.decide()
    assert len(desk.flights) == 1, "nothing is decided about a drone that is not heard"
    ground.states = {"falcon": "free", "heron": "free"}
    desk.decide()
    assert desk.flights == {}
    assert desk.waiting == 1
    assert told(store, "patrol.flight.phase")[-1]["phase"] == "aborted"


def test_a_drone_in_the_air_is_taken_over_and_still_called_back(tmp_path: Path) -> None:
    """Called back, then killed: the next station takes over, and calls it back again as soon as it follows the flight."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.hear(look(ground, "request-1"))
    start(desk, ground)
    flight = ground.launched[0][0]
    desk.recall(flight.id, ())
    assert ground.recalled == [], "half a start is not called back"
    desk.happened(flight.id, Happening(0.0, "phase", "flying"))
    assert ground.recalled == [flight.drone]
    store.close()
    desk, store = a_desk(tmp_path, ground)
    ground.states[flight.drone] = "unfit"  # armed
    desk.decide()
    assert ground.launched[-1][1] is True
    desk.happened(flight.id, Happening(0.0, "phase", "flying"))
    assert ground.recalled == [flight.drone] * 2
    desk.ended(flight.id, Ending("aborted", "by order, landed at home"), 0)
    assert [p["phase"] for p in told(store, "patrol.flight.phase")] == [
        "launching",
        "recalled",
        "taken-over",
        "aborted",
    ]
    assert desk.waiting == 1


def test_a_drone_that_fails_is_not_asked_again(tmp_path: Path) -> None:
    """An aborted look goes to the other drone; when both have failed it is given up, each step said with its reason."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.hear(look(ground, "request-1"))
    for _ in range(2):
        start(desk, ground)
        desk.ended(ground.launched[-1][0].id, Ending("aborted", "arming refused"), 0)
        ground.now += timedelta(seconds=60)
    start(desk, ground)
    assert sorted(kept.drone for kept, _ in ground.launched) == ["falcon", "heron"]
    assert answers(store)[-1][:2] == ("request-1", "given-up")
    assert desk.waiting == 0
