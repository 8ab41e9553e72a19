"""Several drones: every site that can be served is, in time, and no two flights ever meet."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Zone
from patrol.planning.encode import missions
from patrol.planning.fleet import FleetPlan, plan_fleet
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.separation import HIGH_M, WIDE_M, conflict, track
from patrol.planning.sites import Site
from patrol.planning.stage import Setting
from tests.planning.worlds import DRONES

HOME = LatLon(22.5431, 114.0579)
FRAME = LocalFrame(HOME)


def at(east: float, north: float) -> LatLon:
    """A place by metres from home."""
    return FRAME.to_wgs84(EastNorth(east, north))


SKY = Airspace(zones=(Zone("z", Circle(at(150, 200), 60.0)),))
DOCKS = (at(-300, 0), at(300, -100), at(0, 400))


def fleet() -> list[Setting]:
    """Three small drones at three docks, each dock a landing point for all."""
    return [Setting(replace(DRONES[0], id=f"d{n}"), dock, SKY, DOCKS) for n, dock in enumerate(DOCKS)]


def sites(seed: int, count: int) -> list[Site]:
    """Random sites, a third of them with a deadline of four hundred seconds."""
    rng = np.random.default_rng(seed)
    return [
        Site(f"s{k}", at(*rng.uniform(-450, 450, 2)), 40.0, deadline_s=400.0 if k % 3 == 0 else None, dwell_s=5.0)
        for k in range(count)
    ]


@pytest.fixture(scope="module")
def planned() -> FleetPlan:
    """Thirty-six sites for three drones."""
    return plan_fleet(sites(4, 36), fleet(), iterations=60)


def test_all_that_can_be_served_is_served_in_time(planned: FleetPlan) -> None:
    """Every site is photographed once, or left out by name; none later than its deadline."""
    seen = [shot.label for flight in planned.flights for shot in flight.plan.shots]
    assert sorted([*seen, *planned.left_out]) == sorted(f"s{k}" for k in range(36))
    assert len(planned.left_out) <= 3
    for flight in planned.flights:
        (sortie,) = flight.plan.sorties
        for waypoint, instant in zip(sortie.waypoints, sortie.instants, strict=True):
            if waypoint.actions and int(waypoint.label[1:]) % 3 == 0:
                assert flight.start_s + instant.time_s <= 400.0


def test_no_two_flights_meet(planned: FleetPlan) -> None:
    """Sampled every second, any two drones in the air are apart over ground or in height."""
    assert len({f.drone_id for f in planned.flights}) >= 2
    tracks = [(f.drone_id, track(f, FRAME)) for f in planned.flights]
    for (name_a, a), (name_b, b) in combinations(tracks, 2):
        times = np.arange(max(a[0, 0], b[0, 0]), min(a[-1, 0], b[-1, 0]), 1.0)
        if not len(times):
            continue
        assert name_a != name_b
        pa, pb = (np.stack([np.interp(times, t[:, 0], t[:, k]) for k in (1, 2, 3)], axis=1) for t in (a, b))
        over, high = np.hypot(*(pa - pb)[:, :2].T), np.abs(pa[:, 2] - pb[:, 2])
        assert ((over >= WIDE_M) | (high >= HIGH_M)).all()


def test_every_flight_passes_the_judge(planned: FleetPlan) -> None:
    """Each flight of the fleet is judged like any other mission."""
    for flight in planned.flights:
        plan = flight.plan
        for mission in missions(plan):
            assert not judge(mission, Rules(plan.drone, plan.airspace, plan.wind))


def test_the_same_task_gives_the_same_flights(planned: FleetPlan) -> None:
    """The solver is counted in iterations, not in seconds: the answer does not depend on the machine's load."""
    again = plan_fleet(sites(4, 36), fleet(), iterations=60)
    assert [(f.drone_id, f.start_s) for f in again.flights] == [(f.drone_id, f.start_s) for f in planned.flights]
    assert [f.plan.shots for f in again.flights] == [f.plan.shots for f in planned.flights]


def test_impossible_deadlines_leave_sites_out_by_name() -> None:
    """A site that nobody reaches in time is named, the rest is flown; when nothing is left it is a refusal."""
    far = Site("far", at(450, 450), 40.0, deadline_s=5.0)
    plan = plan_fleet([far, *sites(1, 4)], fleet(), iterations=20)
    assert plan.left_out == ("far",)
    with pytest.raises(PlanRefused):
        plan_fleet([far], fleet(), iterations=20)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_conflicts_are_exact(seed: int) -> None:
    """The closed form finds every conflict that samples of random tracks show."""
    rng = np.random.default_rng(seed)
    tracks = []
    for _ in range(2):
        times = np.cumsum(rng.uniform(1, 20, 6))
        tracks.append(np.column_stack([times, rng.uniform(-80, 80, (6, 2)), rng.uniform(0, 30, 6)]))
    a, b = tracks
    times = np.linspace(max(a[0, 0], b[0, 0]), min(a[-1, 0], b[-1, 0]), 4000)
    if times[0] >= times[-1]:
        return
    pa, pb = (np.stack([np.interp(times, t[:, 0], t[:, k]) for k in (1, 2, 3)], axis=1) for t in tracks)
    over, high = np.hypot(*(pa - pb)[:, :2].T), np.abs(pa[:, 2] - pb[:, 2])
    if ((over < WIDE_M - 0.1) & (high < HIGH_M - 0.1)).any():
        assert conflict(a, b) is not None
    if conflict(a, b) is not None:
        assert ((over < WIDE_M + 0.5) & (high < HIGH_M + 0.5)).any()
