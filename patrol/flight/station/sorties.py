"""An errand into one judged flight that keeps apart from those in the air. Pure: planning and judging, no IO.

The first sortie of a plan is flown; what one battery does not reach is left for the next flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from patrol.config import Config
from patrol.events import Said
from patrol.flight.compile import Compiled, compile_mission
from patrol.flight.demands import demands_of
from patrol.flight.preflight import Demands
from patrol.flight.seen import Picture
from patrol.flight.station.errands import Errand, said
from patrol.geo import Floats, LatLon, distance_m
from patrol.planning.encode import encode
from patrol.planning.intent import SiteIntent, SitesIntent, plan_intent, setting_of
from patrol.planning.mission import IMAGE_START_CAPTURE, NAV_WAYPOINT, Mission
from patrol.planning.plan import FlightPlan, Sortie
from patrol.planning.refusals import PlanRefused, Reason
from patrol.planning.safety import Rules, judge
from patrol.planning.separation import Flight, conflict, track
from patrol.planning.sites import FireScene, Pose, Site, plan_orbit, plan_recheck, plan_sites
from patrol.planning.stage import Setting

LOOK_FROM_M, LOOK_PITCH_DEG = 60.0, -60.0  # at a place where no orbit is possible
ROOF_ABOVE_M = 25.0
ROAD_EVERY_M = 60.0
EARLY_S, LATE_S, SLACK_STEP_S = 20.0, 40.0, 10.0  # how far a flight in the air may be from its plan's times
WAIT_STEP_S = 5.0
PICTURE_NEAR_M = 10.0  # from where it was to be taken: a gust, and a receiver without corrections
MORE_BATTERY, MOST_BATTERY = 0.05, 0.95  # beyond what the plan needs; what a charged battery surely has


@dataclass(frozen=True)
class Mark:
    """A target's photograph: done when the vehicle is past this item (counted as the vehicle does)."""

    item: int
    target: str


@dataclass(frozen=True)
class Prepared:
    """A flight ready to be launched. `way`: (n, 4) seconds from take-off, east, north, up around the district's origin."""

    drone: str
    mission: Mission
    compiled: Compiled
    demands: Demands
    marks: tuple[Mark, ...]
    way: Floats
    duration_s: float


@dataclass(frozen=True)
class Hindered:
    """Why a drone may not fly it. `wait_s`: in how long it may as far as others in the air go; None: waiting does not help."""

    reasons: tuple[Said, ...]
    wait_s: float | None = None


@dataclass(frozen=True)
class Traffic:
    """A flight in the air: its way with times as seconds since 1970."""

    drone: str
    way: Floats


def prepare(
    errand: Errand, drone_id: str, config: Config, now_s: float, traffic: Sequence[Traffic]
) -> Prepared | Hindered:
    """The flight, or why not. PlanRefused of the planner becomes its reasons, each in both languages."""
    setting = setting_of(config, drone_id, starts_at_s=now_s)
    try:
        plan = _plan(errand, config, setting)
    except PlanRefused as refused:
        return Hindered(tuple(_of_planner(reason) for reason in refused.reasons[:10]))
    sortie = plan.sorties[0]
    mission = encode(plan, sortie, plan.name)
    violations = judge(mission, Rules(setting.drone, setting.airspace, setting.wind, setting.starts_at_s))
    if violations:
        worst = violations[0]
        why, why_zh = worst.explain("en").rstrip("."), worst.explain("zh-CN").rstrip("。")
        return Hindered((said("unsafe", drone=drone_id, why=why, why_zh=why_zh),))
    way = track(Flight(drone_id, 0.0, _only(plan, sortie)), config.frame)
    wait_s = clear_in(way + np.array([now_s, 0, 0, 0]), [other.way for other in traffic])
    if wait_s > 0.0:
        return Hindered((said("too-near", drone=drone_id, seconds=wait_s),), wait_s)
    compiled = compile_mission(mission)
    demands = demands_of(mission, setting.drone, setting.wind)
    demands = replace(demands, battery=min(demands.battery + MORE_BATTERY, MOST_BATTERY))
    return Prepared(drone_id, mission, compiled, demands, _marks(mission, sortie), way, sortie.duration_s)


def clear_in(way: Floats, others: Sequence[Floats]) -> float:
    """How long to wait with a flight until it keeps apart from all others; at most until the last of them has landed."""
    last_s = max((other[-1, 0] for other in others), default=0.0) + LATE_S
    wait_s = 0.0
    while way[0, 0] + wait_s < last_s + EARLY_S:
        moved = way + np.array([wait_s, 0, 0, 0])
        if not any(too_near(moved, other) for other in others):
            return wait_s
        wait_s += WAIT_STEP_S
    return wait_s


def too_near(way: Floats, other: Floats) -> bool:
    """Whether two flights come too near although each may be a little early or late."""
    shifts = np.arange(-LATE_S, EARLY_S + 1.0, SLACK_STEP_S)
    return any(conflict(way + np.array([shift, 0, 0, 0]), other) is not None for shift in shifts)


def _only(plan: FlightPlan, sortie: Sortie) -> FlightPlan:
    return FlightPlan(
        plan.name, plan.drone, plan.home, plan.home_amsl_m, plan.landing_points, plan.airspace, (sortie,), plan.wind
    )


def _of_planner(reason: Reason) -> Said:
    return Said(code=reason.code, en=reason.explain("en")[:500], zh=reason.explain("zh-CN")[:500])


def _plan(errand: Errand, config: Config, setting: Setting) -> FlightPlan:
    if errand.kind == "patrol":
        return _plan_patrol(errand, config, setting)
    at = errand.at or setting.home
    if errand.kind == "re-check":
        pose = Pose(at, errand.height_m or 0.0, errand.yaw_deg or 0.0, errand.pitch_deg or 0.0, "re-check")
        return plan_recheck(pose, setting)
    if errand.kind == "orbit":
        try:
            return plan_orbit(FireScene(at, config.station.flame_m, "fire"), setting)
        except PlanRefused as refused:
            if {reason.code for reason in refused.reasons} != {"stand-off-impossible"}:
                raise
    height_m = min(LOOK_FROM_M, config.airspace.ceiling_m)
    return plan_sites([Site("place", at, height_m, LOOK_PITCH_DEG, None, 6.0)], setting, name=errand.kind)


def _plan_patrol(errand: Errand, config: Config, setting: Setting) -> FlightPlan:
    patrol = next(p for p in config.patrols if p.id == errand.patrol)
    heights = {b.id: max(patrol.height_m, b.height_m + ROOF_ABOVE_M) for b in config.buildings}
    roads = {road.id: road.line for road in config.roads}
    sites = list[SiteIntent | str]()
    for target in errand.targets:
        if target in roads:
            sites += [SiteIntent(id=target, at=(p.lon_deg, p.lat_deg)) for p in _along(config, roads[target])]
        else:
            sites.append(SiteIntent(id=target, height_m=heights.get(target)))
    intent = SitesIntent(kind="sites", drone=setting.drone.id, name=patrol.id, sites=tuple(sites), height_m=patrol.height_m,
                         pitch_deg=patrol.pitch_deg, dwell_s=patrol.dwell_s)  # fmt: skip
    return plan_intent(intent, config, setting, {})


def _along(config: Config, line: Sequence[LatLon]) -> list[LatLon]:
    """Places along a road, so near that nothing between them is out of sight; only those inside the district."""
    import shapely  # noqa: PLC0415 - roads are rare among targets

    local = shapely.LineString([config.frame.to_local(p) for p in line])
    inside = shapely.Polygon([config.frame.to_local(p) for p in config.district.boundary]).buffer(-60.0)
    spots = [local.interpolate(d) for d in np.arange(ROAD_EVERY_M / 2, local.length, ROAD_EVERY_M)]
    frame = config.frame
    places = frame.many_to_wgs84([(p.x, p.y) for p in spots if inside.contains(p)])
    return [LatLon(float(lat), float(lon)) for lat, lon in places]


def _marks(mission: Mission, sortie: Sortie) -> tuple[Mark, ...]:
    """The last photograph of each target, in the vehicle's count of items."""
    first = 1 if mission.autopilot == "ardupilot" else 0  # ArduPilot's item 0 is home
    labels = [w for w in sortie.waypoints[1:] if w.label and any(a.deed == "photo" for a in w.actions)]
    last, label = dict[str, int](), -1
    near = iter(labels)
    here: str | None = None
    for n, item in enumerate(mission.items):
        if item.command == NAV_WAYPOINT:
            here = None
        elif item.command == IMAGE_START_CAPTURE:
            if here is None:
                here = next(near).label
                label += 1
            last[here] = n + first
    return tuple(Mark(item, target) for target, item in last.items())


def without_picture(prepared: Prepared, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Targets near whose place no photograph was reported, of a camera that does report. None of one that reports nothing."""
    if not pictures:
        return ()
    first = 1 if prepared.mission.autopilot == "ardupilot" else 0
    missing = list[str]()
    for mark in prepared.marks:
        before = reversed(prepared.mission.items[: mark.item - first])
        stop = next(item for item in before if item.command == NAV_WAYPOINT)
        place = LatLon(stop.lat_deg, stop.lon_deg)
        if all(distance_m(place, picture.at) > PICTURE_NEAR_M for picture in pictures):
            missing.append(mark.target)
    return tuple(missing)


def targets_seen(marks: Sequence[Mark], item: int) -> tuple[str, ...]:
    """Targets whose photographs have been taken when the vehicle is at `item`."""
    return tuple(mark.target for mark in marks if item > mark.item)
