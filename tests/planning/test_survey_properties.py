"""Random areas in random skies: covered, safe by the judge, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.planning.encode import missions
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.survey import plan_survey
from tests.planning.worlds import World, area_of, brute_kinds, brute_seen, world

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
