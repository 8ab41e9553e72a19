"""patrol/center/incidents.py: which alerts are one incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.center.incidents import (
    QUIET_S,
    Known,
    Seen,
    Spot,
    better,
    ended_at,
    fold,
    reach_m,
    search_radius_m,
)
from patrol.events import Hazard, Position
from patrol.geo import EastNorth, LatLon, LocalFrame
from tests.center.boxside import LANE, T0

MERGE_M = 8.0
FRAME = LocalFrame(LatLon(LANE.lat_deg, LANE.lon_deg))
SPOT = Spot("street", "gate", "lane", "lane:3:1")
ELSEWHERE = Spot("yard", "other", "zone", "zone:9:9")
CAR = Seen(Hazard.BLOCKED_FIRE_LANE, False, SPOT, LANE, T0)
MAN = Seen(Hazard.PERIMETER_INTRUSION, False, Spot("street", "fence", "inside", "inside:1:1"), LANE, T0)


def beside(east_m: float, accuracy_m: float = 0.0) -> Position:
    """A position so many metres east of the lane's."""
    point = FRAME.to_wgs84(EastNorth(east_m, 0.0))
    return Position(lat_deg=point.lat_deg, lon_deg=point.lon_deg, accuracy_m=accuracy_m)


def known(seen: Seen, **changes: object) -> Known:
    """An active incident that `seen` started."""
    one = Known("incident-1", seen.hazard, seen.drill, frozenset({seen.spot}), seen.position, T0, None, False)
    return replace(one, **changes)  # type: ignore[arg-type]  # a test names only fields that exist


EXACT = replace(CAR, position=beside(0))


@pytest.mark.parametrize(
    ("why", "seen", "incident", "same"),
    [
        ("the same place", CAR, known(CAR), True),
        ("another camera, near", replace(EXACT, spot=ELSEWHERE, position=beside(7.9)), known(EXACT), True),
        ("another camera, too far", replace(EXACT, spot=ELSEWHERE, position=beside(8.1)), known(EXACT), False),
        (
            "too far but for what the positions may be off",
            replace(CAR, spot=ELSEWHERE, position=beside(12, 3)),
            known(CAR, position=beside(0, 4)),
            True,
        ),
        (
            "hopeless positions do not swallow the neighbourhood",
            replace(CAR, spot=ELSEWHERE, position=beside(40, 500)),
            known(CAR),
            False,
        ),
        ("the same place key, its position jumps", replace(CAR, position=beside(60)), known(CAR), True),
        ("no position: by place key", replace(CAR, position=None), known(CAR), True),
        (
            "no position, another place key",
            replace(CAR, position=None, spot=replace(SPOT, place="lane:9:9")),
            known(CAR),
            False,
        ),
        ("no position, another camera", replace(CAR, position=None, spot=ELSEWHERE), known(CAR), False),
        ("another hazard at the same place", replace(CAR, hazard=Hazard.FLOODING), known(CAR), False),
        (
            "flame seen where another camera measures heat",
            replace(EXACT, hazard=Hazard.FLAME_SMOKE, spot=ELSEWHERE, position=beside(7.9)),
            known(replace(EXACT, hazard=Hazard.FIRE_HOTSPOT)),
            True,
        ),
        (
            "heat measured where another camera sees flame, too far",
            replace(EXACT, hazard=Hazard.FIRE_HOTSPOT, spot=ELSEWHERE, position=beside(8.1)),
            known(replace(EXACT, hazard=Hazard.FLAME_SMOKE)),
            False,
        ),
        (
            "a smoke alarm beside a flame keeps its room",
            replace(EXACT, hazard=Hazard.SMOKE_ALARM, spot=ELSEWHERE),
            known(replace(EXACT, hazard=Hazard.FLAME_SMOKE)),
            False,
        ),
        ("a drill and the real thing", replace(CAR, drill=True), known(CAR), False),
        ("ended, the case is not closed", CAR, known(CAR, ended_at=T0 - timedelta(days=2)), True),
        ("the case is closed", CAR, known(CAR, case_closed=True), False),
        ("intruders at two spots of a zone", replace(MAN, position=beside(80)), known(MAN), True),
        (
            "intruders in two zones, far apart",
            replace(MAN, spot=replace(MAN.spot, zone="roof"), position=beside(80)),
            known(MAN),
            False,
        ),
        ("an intruder comes back at once", MAN, known(MAN, ended_at=T0 - timedelta(seconds=QUIET_S)), True),
        ("an intruder another day", MAN, known(MAN, ended_at=T0 - timedelta(seconds=QUIET_S + 1)), False),
        (
            "an intruder seen by a second box",
            replace(MAN, spot=ELSEWHERE, position=beside(5)),
            known(MAN),
            True,
        ),
        ("an intruder in a closed case", MAN, known(MAN, case_closed=True), False),
    ],
)
def test_one_or_two_incidents(why: str, seen: Seen, incident: Known, same: bool) -> None:
    """Each rule of the module's text, once on either side of its edge."""
    assert (fold(seen, [incident], MERGE_M) == "incident-1") is same, why


def test_the_nearest_wins_then_the_youngest() -> None:
    """Of several incidents that fit, the choice is the nearest by position, then the one opened last."""
    near = known(EXACT, incident_id="near", position=beside(2))
    far = known(EXACT, incident_id="far", position=beside(6), opened_at=T0 + timedelta(hours=1))
    by_name = known(EXACT, incident_id="by-name", position=None, opened_at=T0 + timedelta(hours=2))
    assert fold(EXACT, [far, by_name, near], MERGE_M) == "near"
    assert fold(replace(EXACT, position=None), [near, far, by_name], MERGE_M) == "by-name"


places = st.builds(beside, st.floats(-60, 60), st.floats(0, 30))
incidents = st.builds(
    lambda n, position, hours, closed: known(
        CAR, incident_id=f"incident-{n}", position=position, opened_at=T0 + timedelta(hours=hours), case_closed=closed
    ),
    st.integers(0, 99), st.none() | places, st.integers(0, 3), st.booleans(),
)  # fmt: skip


@given(st.lists(incidents, max_size=6, unique_by=lambda one: one.incident_id), places, st.randoms())
def test_the_order_of_the_database_decides_nothing(several: list[Known], position: Position, dice: object) -> None:
    """Shuffling the known incidents never changes the outcome, and a closed case never takes an alert on."""
    seen = replace(CAR, position=position)
    before = fold(seen, several, MERGE_M)
    shuffled = list(several)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a Random
    assert fold(seen, shuffled, MERGE_M) == before
    assert before not in {one.incident_id for one in several if one.case_closed}


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_reach_is_symmetric_and_inside_the_search_radius(a_m: float, b_m: float) -> None:
    """Whatever the accuracies, neither order matters nor does an incident escape the query's bound."""
    a, b = beside(0, a_m), beside(1, b_m)
    assert reach_m(a, b, MERGE_M) == reach_m(b, a, MERGE_M)
    assert MERGE_M <= reach_m(a, b, MERGE_M) <= search_radius_m(MERGE_M)


def test_an_incident_keeps_its_best_position() -> None:
    """A worse position never replaces a better one, any position beats none, and equals stay put."""
    good, bad = beside(0, 2), beside(5, 9)
    assert better(bad, good) is good
    assert better(good, bad) is good
    assert better(None, bad) is bad
    assert better(bad, None) is bad
    assert better(good, beside(9, 2)) is good
    assert better(None, None) is None


def test_an_incident_ends_with_its_last_alert() -> None:
    """While one alert is active the incident has not ended, whatever ended before."""
    assert ended_at(True, T0) is None
    assert ended_at(False, T0) == T0
