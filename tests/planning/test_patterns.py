"""Sites, roofs, corridors, fire scenes and re-checks: seen as wanted, in free air, safe by the judge."""

from __future__ import annotations

from math import hypot

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.geo import Camera, EastNorth, LatLon, LocalFrame, Pose, distance_m
from patrol.planning.airspace import Airspace, Circle, Obstacle, Zone
from patrol.planning.corridor import Strip, plan_corridor
from patrol.planning.drone import Wind
from patrol.planning.encode import missions
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.sites import FireScene, Site, plan_orbit, plan_recheck, plan_roofs, plan_sites
from patrol.planning.sites import Pose as EarlierPose
from patrol.planning.stage import Setting
from tests.planning.worlds import DRONES, brute_kinds, world

HOME = LatLon(22.5431, 114.0579)
FRAME = LocalFrame(HOME)


def at(east: float, north: float) -> LatLon:
    """A place by metres from home."""
    return FRAME.to_wgs84(EastNorth(east, north))


def box(east: float, north: float, size: float, height: float, name: str) -> Obstacle:
    """A square building."""
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return Obstacle(name, tuple(at(east + x * size / 2, north + y * size / 2) for x, y in corners), height)


TOWN = Airspace(
    zones=(Zone("school", Circle(at(160, 40), 35.0)),),
    buildings=(box(80, 120, 30, 18, "low"), box(140, 150, 24, 60, "tower"), box(60, 190, 40, 30, "mid")),
    standoff_m=5.0,
)


def safe(plan: FlightPlan) -> None:
    """Assert that judge and sampler find nothing in any sortie."""
    for mission in missions(plan):
        found = judge(mission, Rules(plan.drone, plan.airspace, plan.wind, plan.starts_at_s))
        assert not found, [v.explain("en") for v in found]
        assert not brute_kinds(mission, plan.drone, plan.airspace)


def sees(plan: FlightPlan, place: EastNorth, up_m: float = 0.0) -> bool:
    """Whether some photograph of the plan has the point in its middle third."""
    lens = plan.drone.camera.lens
    for s in plan.shots:
        pixel = Camera(lens, Pose(s.east_m, s.north_m, s.up_m, s.yaw_deg, s.pitch_deg)).project([(*place, up_m)])[0]
        if abs(pixel[0] - lens.cx_px) < lens.width_px / 6 and abs(pixel[1] - lens.cy_px) < lens.height_px / 6:
            return True
    return False


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000_000))
def test_random_sites_are_seen_and_safe(seed: int) -> None:
    """Each random site that is not named as unreachable is in the middle of a photograph; the flight is safe."""
    task, rng = world(seed), np.random.default_rng(seed)
    frame = task.setting.frame
    spots = [EastNorth(*rng.uniform(-400, 400, 2)) for _ in range(int(rng.integers(1, 12)))]
    sites = [
        Site(f"s{n}", frame.to_wgs84(p), float(rng.uniform(15, 110)), float(rng.choice([-90.0, -60.0, -45.0])))
        for n, p in enumerate(spots)
    ]
    try:
        plan = plan_sites(sites, task.setting)
    except PlanRefused as refusal:
        codes = {reason.code for reason in refusal.reasons}
        if codes <= {"site-unreachable", "home-blocked", "home-outside", "battery-too-small"}:
            return
        raise
    safe(plan)
    lost = {n.facts["what"] for n in plan.notes if n.code == "site-unreachable"}
    for site, spot in zip(sites, spots, strict=True):
        assert site.id in lost or sees(plan, spot)


def test_roofs_are_photographed_from_above_and_four_sides() -> None:
    """Every roof of a small town: straight down and four obliques, at the wanted resolution, tall tower or not."""
    setting = Setting(DRONES[0], HOME, TOWN)
    plan = plan_roofs(TOWN.buildings, setting, gsd_m=0.01)
    safe(plan)
    for building in TOWN.buildings:
        shots = [s for s in plan.shots if s.label == building.id]
        assert sum(s.pitch_deg == -90.0 for s in shots) >= 1
        assert len({round(s.yaw_deg) for s in shots if s.pitch_deg == -45.0}) == 4
        for s in shots:
            if s.pitch_deg == -90.0:
                gsd = (s.up_m - building.height_m) / setting.drone.camera.lens.fx_px
                assert gsd == pytest.approx(0.01, rel=0.01)


def test_corridors_are_covered_once_each() -> None:
    """Three roads, one with bends and one wide: covered, each line flown once, safe around the zone."""
    roads = [
        Strip("main", (at(-300, 0), at(-50, 20), at(120, 220), at(300, 230)), 12.0),
        Strip("side", (at(-100, -200), at(-90, 200)), 8.0),
        Strip("wide", (at(-250, -150), at(100, -150)), 70.0),
    ]
    plan = plan_corridor(roads, Setting(DRONES[0], HOME, TOWN), height_m=60.0)
    safe(plan)
    assert plan.coverage is not None
    assert plan.coverage.covered_of_reachable >= 0.995
    lines = [w for s in plan.sorties for w in s.waypoints if any(a.deed == "trigger" for a in w.actions)]
    assert sorted({w.label for w in lines}) == ["main", "side", "wide"]
    assert sum(w.label == "side" for w in lines) == 1


def test_a_fire_is_watched_from_upwind_at_a_distance() -> None:
    """All places lie on the upwind side, no nearer than four flame heights, and look at the flame."""
    wind = Wind(5.0, 300.0)
    plan = plan_orbit(FireScene(at(100, -120), 8.0), Setting(DRONES[0], HOME, TOWN, wind=wind))
    safe(plan)
    for s in plan.shots:
        east, north = s.east_m - 100, s.north_m + 120
        assert hypot(east, north) >= 4 * 8.0
        assert east * -wind.east_ms + north * -wind.north_ms >= -1e-6
    assert len(plan.shots) >= 8
    assert sees(plan, EastNorth(100, -120), 4.0)


def test_a_fire_inside_a_building_is_watched_past_its_own_walls() -> None:
    """A smoke alarm on the ground floor of a building: the building that it is in does not hide it, others still do."""
    plan = plan_orbit(FireScene(at(85, 125), 8.0), Setting(DRONES[0], HOME, TOWN, wind=Wind(5.0, 220.0)))
    safe(plan)
    assert len(plan.shots) >= 6
    assert sees(plan, EastNorth(85, 125), 4.0)


def test_a_re_check_has_the_same_pose() -> None:
    """One waypoint of an earlier flight again: place, height and direction to the centimetre and degree."""
    setting = Setting(DRONES[1], HOME, TOWN)
    first = plan_roofs(TOWN.buildings, setting, gsd_m=0.01).shots[2]
    where = at(first.east_m, first.north_m)
    again = plan_recheck(EarlierPose(where, first.up_m, first.yaw_deg, first.pitch_deg), setting)
    safe(again)
    (shot,) = again.shots
    assert distance_m(FRAME.to_wgs84(EastNorth(shot.east_m, shot.north_m)), where) < 0.01
    assert (shot.up_m, shot.yaw_deg, shot.pitch_deg) == pytest.approx((first.up_m, first.yaw_deg, first.pitch_deg))


def test_a_re_check_inside_a_zone_is_refused_by_name() -> None:
    """A pose that may not be flown is refused with the zone's name, never moved."""
    with pytest.raises(PlanRefused, match="school"):
        plan_recheck(EarlierPose(at(160, 40), 30.0, 0.0, -60.0), Setting(DRONES[0], HOME, TOWN))


def test_deadlines_change_the_order_or_are_refused() -> None:
    """The far site with the earliest deadline is flown first; one that cannot be met is named."""
    setting = Setting(DRONES[0], HOME, Airspace())
    far = [Site("a", at(100, 0)), Site("b", at(200, 0)), Site("c", at(-150, 0), deadline_s=75.0)]
    plan = plan_sites(far, setting)
    assert plan.shots[0].label == "c"
    with pytest.raises(PlanRefused, match="c"):
        plan_sites([*far[:2], Site("c", at(-150, 0), deadline_s=5.0)], setting)
