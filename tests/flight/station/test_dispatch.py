"""Who flies what: the most urgent first, the nearest fit drone, others called back only for what is urgent, every errand with an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.config import load
from patrol.events import AlertRaised, Data, Event, FlightRequested, Hazard, Position, WeatherWarned
from patrol.flight.station.dispatch import (
    MOST_TRIES,
    URGENT,
    Craft,
    GiveUp,
    Offer,
    Recall,
    State,
    UnderWay,
    Wait,
    decide,
)
from patrol.flight.station.errands import REASONS, Errand, Refusal, errands_of, of_patrol, said
from patrol.geo import LatLon
from patrol.reference.examples import examples

CONFIG = load(Path(__file__).resolve().parents[3] / "config.yaml")
NOW = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
NOW_S = NOW.timestamp()
WEST, EAST = LatLon(22.5431, 114.0560), LatLon(22.5431, 114.0600)


def craft(name: str, state: State = "free", battery: float | None = 0.9, home: LatLon = WEST) -> Craft:
    """A drone."""
    return Craft(name, home, state, battery)


def errand(name: str, priority: int = 3, **fields: Any) -> Errand:
    """A request."""
    common: dict[str, Any] = {"kind": "orbit", "asked_s": NOW_S, "deadline_s": NOW_S + 600, "at": EAST}
    return Errand(name, priority=priority, **(common | fields))


def test_a_fire_goes_to_the_nearest_fit_drone() -> None:
    """Of two fit drones the nearer is offered first; one that is busy, silent, unknown or empty is not offered."""
    near, far = craft("near", home=EAST), craft("far")
    assert decide(NOW_S, [far, near], [errand("fire")], []) == [Offer(errand("fire"), ("near", "far"))]
    for state in ("flying", "silent", "unfit"):
        assert decide(NOW_S, [far, replace(near, state=state)], [errand("fire")], []) == [
            Offer(errand("fire"), ("far",))
        ]
    for battery in (None, 0.1):
        assert decide(NOW_S, [far, replace(near, battery=battery)], [errand("fire")], []) == [
            Offer(errand("fire"), ("far",))
        ]


def test_the_more_urgent_takes_the_only_drone() -> None:
    """Two wait for one drone: the higher priority flies, then the older; a drill comes after what is real; the other says why it waits."""
    for first, second in (
        (errand("a", 5), errand("b", 3)),
        (errand("b", asked_s=NOW_S - 5), errand("a")),
        (errand("b"), errand("a", drill=True)),
    ):
        decided = decide(NOW_S, [craft("one")], [second, first], [])
        assert decided == [Offer(first, ("one",)), Wait(second, (said("flying", drone="one"),))]


def test_only_the_urgent_calls_back_and_only_the_least_urgent_is_called() -> None:
    """A re-check waits for busy drones; a fire calls back the patrol, not the other fire, and only once."""
    busy = [craft("one", "flying"), craft("two", "flying")]
    flights = [UnderWay("f1", "one", "e1", 8, False), UnderWay("f2", "two", "e2", 3, False)]
    assert isinstance(decide(NOW_S, busy, [errand("x", URGENT - 1)], flights)[0], Wait)
    fire = errand("fire", 8)
    assert decide(NOW_S, busy, [fire], flights) == [Recall("f2", fire)]
    coming = [flights[0], replace(flights[1], recalled=True)]
    assert isinstance(decide(NOW_S, busy, [fire], coming)[0], Wait)
    both = decide(NOW_S, busy, [fire, errand("fire2", 8)], flights)
    assert [type(d) for d in both] == [Recall, Wait]


def test_every_errand_ends() -> None:
    """Past its deadline, tried often enough, or with no drone left that may fly it, it is given up with reasons."""
    for over in (
        errand("late", deadline_s=NOW_S), errand("tried", tries=MOST_TRIES), errand("none", excluded=("one",)),
        errand("foreign", drones=("elsewhere",)),
    ):  # fmt: skip
        (decided,) = decide(NOW_S, [craft("one")], [over], [])
        assert isinstance(decided, GiveUp)
        assert decided.reasons


def test_a_warning_keeps_everything_on_the_ground() -> None:
    """While nothing may take off everything waits with that reason, and what is over its deadline still ends."""
    storm = said("grounded", what="thunderstorm", what_zh="雷暴")
    assert decide(NOW_S, [craft("one")], [errand("fire", 8)], [], storm) == [Wait(errand("fire", 8), (storm,))]
    assert isinstance(decide(NOW_S, [craft("one")], [errand("x", deadline_s=NOW_S)], [], storm)[0], GiveUp)


ERRANDS = st.lists(
    st.builds(
        errand, st.uuids().map(str), st.integers(1, 9), asked_s=st.floats(NOW_S - 900, NOW_S), deadline_s=st.floats(NOW_S - 10, NOW_S + 900),
        drones=st.sampled_from([(), ("d0",), ("d1", "d2")]), tries=st.integers(0, 5),
    ), max_size=12,
)  # fmt: skip
STATES: st.SearchStrategy[State] = st.sampled_from(["free", "charging", "flying", "silent", "unfit"])
FLEETS = st.lists(st.tuples(STATES, st.one_of(st.none(), st.floats(0, 1))), max_size=4)


@given(ERRANDS, FLEETS, st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=4, max_size=4))
def test_decisions_are_never_at_odds(
    errands: list[Errand], fleet: list[tuple[State, float | None]], flown: list[tuple[int, bool]]
) -> None:
    """Each errand gets one decision; no drone is first choice twice; only free, charged, allowed drones are offered; no recall of the more urgent."""
    drones = [craft(f"d{n}", state, battery) for n, (state, battery) in enumerate(fleet)]
    flights = [UnderWay(f"f{n}", d.id, f"e{n}", *flown[n]) for n, d in enumerate(drones) if d.state == "flying"]
    decided = decide(NOW_S, drones, errands, flights)
    assert sorted(d.errand.id for d in decided) == sorted(e.id for e in errands)
    offers = [d for d in decided if isinstance(d, Offer)]
    assert len({o.drones[0] for o in offers}) == len(offers)
    by_id = {d.id: d for d in drones}
    for offer in offers:
        assert offer.errand.deadline_s > NOW_S
        for name in offer.drones:
            assert by_id[name].state in {"free", "charging"}
            assert (by_id[name].battery or 0.0) >= 0.35
            assert not offer.errand.drones or name in offer.errand.drones
    recalls = [d for d in decided if isinstance(d, Recall)]
    assert len({r.flight_id for r in recalls}) == len(recalls)
    for recall in recalls:
        flight = next(f for f in flights if f.flight_id == recall.flight_id)
        assert flight.priority < recall.errand.priority
        assert recall.errand.priority >= URGENT
        assert not flight.recalled


def wired(data: Data, drill: bool = False) -> Event[Data]:
    """On the wire."""
    return Event[Data].of(data, id="0197347e-0000", source="/x", time=NOW, drill=drill)


def fire(**changes: Any) -> AlertRaised:
    """A fire alert."""
    example = examples()[AlertRaised].data
    assert isinstance(example, AlertRaised)
    return example.model_copy(update={"hazard": Hazard.FLAME_SMOKE, **changes})


@pytest.mark.parametrize("hazard", [Hazard.FLAME_SMOKE, Hazard.FIRE_HOTSPOT, Hazard.SMOKE_ALARM])
def test_a_fire_alert_is_an_orbit_of_its_place(hazard: Hazard) -> None:
    """Each of the fire hazards, at its own place or where its camera hangs; without either it is refused with the reason."""
    (here,) = errands_of(wired(fire(hazard=hazard)), CONFIG, NOW)
    assert isinstance(here, Errand)
    assert (here.kind, here.priority, here.at) == ("orbit", 8, LatLon(22.5433701, 114.0585402))
    (camera,) = errands_of(wired(fire(position=None, camera="gate")), CONFIG, NOW)
    assert isinstance(camera, Errand)
    assert camera.at == next(c.pose.at for c in CONFIG.cameras if c.id == "gate" and c.pose)
    (nowhere,) = errands_of(wired(fire(position=None, camera="yard")), CONFIG, NOW)
    assert isinstance(nowhere, Refusal)
    assert [r.code for r in nowhere.reasons] == ["no-place"]
    assert errands_of(wired(fire(hazard=Hazard.BLOCKED_FIRE_LANE)), CONFIG, NOW) == []


def test_an_old_fire_is_not_flown_to() -> None:
    """An alert that a box could tell only after the quarter of an hour is refused as too late; one in time keeps its own deadline."""
    (old,) = errands_of(wired(fire()), CONFIG, NOW + timedelta(minutes=15))
    assert isinstance(old, Refusal)
    assert [r.code for r in old.reasons] == ["too-late"]
    (late,) = errands_of(wired(fire()), CONFIG, NOW + timedelta(minutes=10))
    assert isinstance(late, Errand)
    assert late.deadline_s == NOW_S + 900


def rain(level: str | None, **changes: Any) -> WeatherWarned:
    """A rain warning."""
    span = {"begins_at": NOW - timedelta(hours=1), "ends_at": NOW + timedelta(hours=1)}
    return WeatherWarned.model_validate({"warning_id": "szmb-0001", "kind": "rain", "level": level} | span | changes)


@pytest.mark.parametrize(("level", "flown"), [("blue", 0), ("yellow", 1), ("red", 1), (None, 0)])
def test_a_rain_warning_starts_the_patrols_that_want_it(level: str | None, flown: int) -> None:
    """From the level that the patrol names; lifted, over or of another kind it starts nothing; the same warning has the same id."""
    found = errands_of(wired(rain(level)), CONFIG, NOW)
    assert len(found) == flown
    if found:
        assert isinstance(found[0], Errand)
        assert (found[0].patrol, found[0].priority, len(found[0].targets)) == ("flood-round", 5, 12)
        assert errands_of(wired(rain(level)), CONFIG, NOW + timedelta(minutes=5))[0].id == found[0].id
    assert errands_of(wired(rain(level, ends_at=NOW)), CONFIG, NOW) == []
    assert errands_of(wired(rain(level, kind="wind")), CONFIG, NOW) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "patrol", "patrol": "no-round"}, "no-such-patrol"), ({"kind": "orbit"}, "no-place"),
        ({"kind": "re-check", "position": Position(lat_deg=22.5, lon_deg=114.0, accuracy_m=1)}, "no-pose"),
        ({"kind": "patrol", "patrol": "flood-round", "deadline_at": NOW}, "too-late"),
    ],
)  # fmt: skip
def test_a_request_that_lacks_something_is_refused_with_the_reason(fields: dict[str, Any], code: str) -> None:
    """Unknown patrol, no place, no pose, over its deadline: each is refused in both languages."""
    common = {"request_id": "0197348a-1111", "deadline_at": NOW + timedelta(minutes=9)}
    (refused,) = errands_of(wired(FlightRequested.model_validate(common | fields)), CONFIG, NOW)
    assert isinstance(refused, Refusal)
    assert [r.code for r in refused.reasons] == [code]
    assert refused.reasons[0].en
    assert refused.reasons[0].zh


def test_a_drill_stays_a_drill() -> None:
    """A drill alert in a district that is none makes a drill errand; a real one does not."""
    real = CONFIG.model_copy(update={"district": CONFIG.district.model_copy(update={"drill": False})})
    for drill in (True, False):
        (made,) = errands_of(wired(fire(), drill=drill), real, NOW)
        assert made.drill is drill


@given(
    st.builds(
        Errand, st.text(min_size=1), st.sampled_from(["patrol", "orbit"]), st.integers(1, 9), st.floats(0, 4e9), st.floats(0, 4e9),
        at=st.one_of(st.none(), st.builds(LatLon, st.floats(-90, 90), st.floats(-180, 180))), targets=st.lists(st.text()).map(tuple),
        drones=st.lists(st.text()).map(tuple), yaw_deg=st.one_of(st.none(), st.floats(-360, 360)), drill=st.booleans(),
    )
)  # fmt: skip
def test_an_errand_is_read_as_it_was_written(one: Errand) -> None:
    """What is kept on disk comes back equal."""
    assert Errand.from_text(one.to_text()) == one


def test_reasons_have_the_same_facts_in_both_languages() -> None:
    """Each reason can be said from the facts it names, in English and in Chinese."""
    facts = {"name": "x", "count": 1, "drone": "d", "battery": 0.2, "needed": 0.3, "what": "wind", "what_zh": "大风", "why": "w",
             "why_zh": "因", "when": "t", "seconds": 5.0, "names": "x"}  # fmt: skip
    for code in REASONS:
        reason = said(code, **facts)
        assert "{" not in reason.en + reason.zh
        assert any("\u4e00" <= c <= "\u9fff" for c in reason.zh)


def test_what_is_left_after_a_flight() -> None:
    """The rest of a patrol keeps its drone; a failed orbit goes to others."""
    patrol = of_patrol(CONFIG.patrols[0], "p", NOW_S, 3, drill=True)
    rest = patrol.after(("ponding-2",), NOW_S, 30.0, "falcon")
    assert (rest.targets, rest.excluded, rest.tries, rest.not_before_s) == (("ponding-2",), (), 1, NOW_S + 30.0)
    assert errand("fire").after((), NOW_S, 30.0, "falcon").excluded == ("falcon",)
