"""Broken plans: whatever a brute-force sampler sees in them, the judge names too, at the same item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Span, Zone
from patrol.planning.encode import missions
from patrol.planning.mission import NAV_LAND, NAV_TAKEOFF, NAV_WAYPOINT, Item, Mission, Rally
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.survey import plan_survey
from tests.planning.worlds import DRONES, brute_kinds, world

MUTATIONS = ("move", "raise", "sink", "cut", "rally", "no-rally", "shift")


def mutated(mission: Mission, how: str, rng: np.random.Generator) -> Mission:
    """`mission` with one thing broken."""
    items = list(mission.items)
    frame = LocalFrame(mission.home)
    ways = [n for n, item in enumerate(items) if item.command == NAV_WAYPOINT]
    n = int(rng.choice(ways))

    def moved(item: Item, by: float) -> Item:
        here = frame.to_local(LatLon(item.lat_deg, item.lon_deg))
        east, north = rng.uniform(-by, by, 2)
        there = frame.to_wgs84(EastNorth(here.east_m + east, here.north_m + north))
        return item._replace(lat_deg=there.lat_deg, lon_deg=there.lon_deg)

    if how == "move":
        items[n] = moved(items[n], float(rng.choice([15, 60, 400])))
    elif how == "raise":
        items[n] = items[n]._replace(alt_m=items[n].alt_m + float(rng.uniform(5, 150)))
    elif how == "sink":
        items[n] = items[n]._replace(alt_m=float(rng.uniform(2, items[n].alt_m)))
    elif how == "cut":
        gone = set(ways[ways.index(n) : ways.index(n) + int(rng.integers(1, 8))])
        items = [item for k, item in enumerate(items) if k not in gone]
    elif how == "shift":
        east, north = rng.uniform(-80, 80, 2)
        for k in ways:
            here = frame.to_local(LatLon(items[k].lat_deg, items[k].lon_deg))
            there = frame.to_wgs84(EastNorth(here.east_m + east, here.north_m + north))
            items[k] = items[k]._replace(lat_deg=there.lat_deg, lon_deg=there.lon_deg)
    elif how == "rally":
        extra = Rally(frame.to_wgs84(EastNorth(*rng.uniform(-500, 500, 2))), 60.0)
        return replace(mission, rally=(*mission.rally, extra))
    else:
        return replace(mission, rally=())
    return replace(mission, items=tuple(items))


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000_000), how=st.sampled_from(MUTATIONS))
def test_the_judge_sees_what_samples_see(seed: int, how: str) -> None:
    """Every violation the sampler finds in a mutated plan is among the judge's, kind, item and subject alike."""
    task = world(seed)
    try:
        plan = plan_survey(task.intent, task.setting)
    except PlanRefused:
        return
    mission = mutated(missions(plan)[0], how, np.random.default_rng(seed))
    sampled = brute_kinds(mission, plan.drone, plan.airspace)
    judged = {(v.kind, v.item, v.subject) for v in judge(mission, Rules(plan.drone, plan.airspace, plan.wind))}
    assert sampled <= judged


def good_mission(seed: int = 3) -> tuple[Mission, Rules]:
    """A mission that the judge passes, and its rules."""
    task = world(seed)
    plan = plan_survey(task.intent, task.setting)
    rules = Rules(plan.drone, plan.airspace, plan.wind)
    mission = missions(plan)[0]
    assert not judge(mission, rules)
    return mission, rules


def here(mission: Mission, command: int, frame: int, alt_m: float) -> Item:
    """An item above home."""
    return Item(command, frame, lat_deg=mission.home.lat_deg, lon_deg=mission.home.lon_deg, alt_m=alt_m)


def kinds(mission: Mission, rules: Rules) -> set[str]:
    """The kinds of violation found."""
    return {v.kind for v in judge(mission, rules)}


def test_swapped_coordinates_are_named_as_such() -> None:
    """A waypoint with latitude and longitude exchanged is not only far away: it is called swapped."""
    mission, rules = good_mission()
    n = next(k for k, item in enumerate(mission.items) if item.command == NAV_WAYPOINT)
    item = mission.items[n]
    items = list(mission.items)
    items[n] = item._replace(lat_deg=item.lon_deg % 90, lon_deg=item.lat_deg)
    assert kinds(replace(mission, items=tuple(items)), rules) & {"swapped", "far"}
    tropic = replace(mission, home=LatLon(22.5431, 60.0579))
    exchanged = Item(NAV_WAYPOINT, 3, lat_deg=60.0579, lon_deg=22.5431, alt_m=50.0)
    assert "swapped" in kinds(replace(tropic, items=(mission.items[0], exchanged)), rules)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda m: replace(m, items=m.items[1:]), "no-takeoff"),
        (lambda m: replace(m, items=m.items[:-1]), "no-landing"),
        (lambda m: replace(m, items=(*m.items[:3], here(m, 82, 3, 50.0), *m.items[3:])), "command"),
        (lambda m: replace(m, items=(*m.items[:3], Item(177, 2, 999.0, 1.0), *m.items[3:])), "jump"),
        (lambda m: replace(m, items=(*m.items[:3], Item(177, 2, 2.0, -1.0), *m.items[3:])), "endless"),
        (lambda m: replace(m, items=(*m.items[:3], here(m, 17, 3, 50.0), *m.items[3:])), "endless"),
        (lambda m: replace(m, items=(*m.items[:3], *[m.items[3]] * 3000, *m.items[4:])), "items"),
        (lambda m: replace(m, items=(m.items[0], Item(16, 3, 0, 0, 0, 0, 95.0, 10.0, 50.0), *m.items[1:])), "place"),
        (lambda m: replace(m, items=(m.items[0], here(m, 16, 3, float("nan")))), "parameter"),
        (lambda m: replace(m, items=(m.items[0], here(m, 16, 1, 50.0))), "frame"),
        (lambda m: replace(m, items=()), "empty"),
        (lambda m: replace(m, rally=tuple(Rally(m.home) for _ in range(60))), "rally-size"),
        (lambda m: replace(m, items=(*m.items[:-1], here(m, 19, 3, 50.0)._replace(p1=9000.0), m.items[-1])), "energy"),
        (lambda m: replace(m, autopilot="mystery"), "parameter"),
    ],
)  # fmt: skip
def test_each_fault_has_its_name(change: Callable[[Mission], Mission], kind: str) -> None:
    """One broken thing, one kind of violation that names it; both languages render."""
    mission, rules = good_mission()
    found = judge(change(mission), rules)
    assert kind in {v.kind for v in found}
    for violation in found:
        assert violation.explain("en")
        assert violation.explain("zh-CN") != violation.explain("en")


def test_zones_count_only_while_active() -> None:
    """The same leg through a zone is a violation during the zone's hours and none outside them."""
    home = LatLon(22.5431, 114.0579)
    frame = LocalFrame(home)
    far = frame.to_wgs84(EastNorth(300.0, 0.0))
    zone = Zone("noon", Circle(frame.to_wgs84(EastNorth(150.0, 0.0)), 30.0), active=(Span(1000.0, 2000.0),))
    there = Item(NAV_LAND, lat_deg=far.lat_deg, lon_deg=far.lon_deg)
    items = (Item(NAV_TAKEOFF, alt_m=50.0), there._replace(command=NAV_WAYPOINT, alt_m=50.0), there)  # fmt: skip
    mission = Mission(items, home, rally=(Rally(far),))
    sky = Airspace(zones=(zone,))
    assert "zone" in kinds(mission, Rules(DRONES[0], sky, starts_at_s=980.0))
    assert "zone" in kinds(mission, Rules(DRONES[0], sky))
    assert not kinds(mission, Rules(DRONES[0], sky, starts_at_s=5000.0))
