"""Random areas in random skies: covered, safe by the judge, and the same each time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.geo import EastNorth, LatLon, LocalFrame, distance_m
from patrol.planning.airspace import Airspace
from patrol.planning.drone import Wind
from patrol.planning.encode import missions
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey, plan_survey
from tests.planning.worlds import DRONES, World, area_of, brute_kinds, brute_seen, world

MAY_REFUSE = {"nothing-reachable", "home-blocked", "home-outside", "camera-too-slow", "battery-too-small", "wind-too-strong"}  # fmt: skip


def plan_or_refusal(task: World) -> FlightPlan | None:
    """The plan, or None when the refusal is one that such a world may earn."""
    try:
        return plan_survey(task.intent, task.setting)
    except PlanRefused as refusal:
        if {reason.code for reason in refusal.reasons} <= MAY_REFUSE:
            return None
        raise


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000_000))
def test_random_areas_are_covered_and_safe(seed: int) -> None:
    """What can be reached is covered to 99.5 %, and the judge and the sampler find no violation in any sortie."""
    task = world(seed)
    plan = plan_or_refusal(task)
    if plan is None:
        return
    assert plan.coverage is not None
    assert plan.coverage.covered_of_reachable >= 0.995
    rules = Rules(plan.drone, plan.airspace, plan.wind, plan.starts_at_s)
    for mission in missions(plan):
        found = judge(mission, rules)
        assert not found, [v.explain("en") for v in found]
        assert not brute_kinds(mission, plan.drone, plan.airspace)


@pytest.mark.parametrize("seed", range(6))
def test_claimed_coverage_is_what_projecting_points_shows(seed: int) -> None:
    """The share that the plan claims agrees with random points projected into every photograph."""
    task = world(seed)
    plan = plan_or_refusal(task)
    if plan is None or plan.coverage is None:
        pytest.skip("this world is refused")
    area = area_of(task.intent, plan.frame)
    x0, y0, x1, y1 = area.bounds
    points = np.random.default_rng(seed).uniform((x0, y0), (x1, y1), (30_000, 2))
    points = points[shapely.contains_xy(area, points)]
    assert brute_seen(plan, points).mean() == pytest.approx(plan.coverage.covered, abs=0.012)


@pytest.mark.parametrize("seed", [3, 17, 40])
def test_the_same_intent_gives_the_same_plan(seed: int) -> None:
    """Planning is deterministic to the last bit."""
    assert plan_or_refusal(world(seed)) == plan_or_refusal(world(seed))


@pytest.mark.parametrize("seed", [1, 4, 9, 23, 31])
def test_the_chosen_bearing_is_about_the_quickest(seed: int) -> None:
    """In the given wind no bearing of a fine fan gives a flight that is quicker by more than a twentieth."""
    task = world(seed)
    setting = replace(task.setting, airspace=Airspace(), landing_points=(), wind=Wind(6.0, 40.0 * seed))
    intent = replace(task.intent, bearing_deg=None, cross=False)
    chosen = plan_survey(intent, setting).duration_s
    others = [plan_survey(replace(intent, bearing_deg=float(b)), setting).duration_s for b in range(0, 180, 9)]
    assert chosen <= 1.05 * min(others)


@pytest.mark.parametrize("lat_deg", [0.0, 35.7, 60.0])
def test_lines_keep_their_distance_on_the_ellipsoid(lat_deg: float) -> None:
    """Neighbouring lines lie exactly the wanted distance apart, measured by geodesics, at every latitude."""
    home = LatLon(lat_deg, 114.0)
    frame = LocalFrame(home)
    ring = tuple(frame.to_wgs84(EastNorth(*c)) for c in ((-400, -300), (400, -300), (400, 300), (-400, 300)))
    plan = plan_survey(AreaSurvey(((ring,),), height_m=80.0, bearing_deg=90.0), Setting(DRONES[1], home))
    places = plan.frame.many_to_wgs84([(s.east_m, s.north_m) for s in plan.shots if abs(s.east_m) < plan.facts["along_m"]])  # fmt: skip
    lats = sorted({round(float(p[0]), 7) for p in places})
    gaps = [distance_m(LatLon(a, 114.0), LatLon(b, 114.0)) for a, b in pairwise(lats)]
    wide = [gap for gap in gaps if gap > 1.0]
    assert wide == pytest.approx([plan.facts["across_m"]] * len(wide), rel=0.001)
