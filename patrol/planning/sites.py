"""Points to look at, roofs, a fire scene, and one waypoint of an earlier flight again: where the camera must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, atan2, cos, degrees, hypot, isfinite, radians, sin, tan

import shapely

from patrol.geo import EastNorth, LatLon
from patrol.planning import checks
from patrol.planning.airspace import Obstacle
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import refuse
from patrol.planning.region import ring_m
from patrol.planning.spots import SETTLE_S, Group, Heights, Spot, plan_spots
from patrol.planning.stage import Setting
from patrol.planning.sweep import Grain, lines

COMPASS = (0.0, 90.0, 180.0, 270.0, 45.0, 135.0, 225.0, 315.0)
ORBIT_STEP_DEG = 15.0
ORBIT_ARC_DEG = 180.0  # the upwind half
HEAT_M = 20.0  # stand-off from a fire: four flame heights and this
OBLIQUE_DEG = -45.0


@dataclass(frozen=True)
class Site:
    """A point to look at. `deadline_s` from take-off; a higher `priority` is kept longer when not all can be done."""

    id: str
    at: LatLon
    height_m: float = 40.0
    pitch_deg: float = -90.0
    yaw_deg: float | None = None
    dwell_s: float = SETTLE_S
    deadline_s: float | None = None
    priority: int = 1
    up_m: float = 0.0  # of the point above the ground: a roof is looked at, not what is under it


def site_group(site: Site, setting: Setting) -> Group:
    """The camera places from which a site is seen at its gimbal angle; any direction will do unless one is given."""
    checks.check_places([site.at], setting.home, site.id)
    height_m = checks.working_height(setting.drone.camera, setting.airspace, site.height_m, None)
    if site.up_m >= height_m:
        raise refuse("height-impossible", height_m=height_m, low_m=site.up_m, high_m=setting.airspace.ceiling_m, gsd_low_m=0.0, gsd_high_m=setting.drone.camera.gsd_m(setting.airspace.ceiling_m))  # fmt: skip
    if not -90.0 <= site.pitch_deg <= -10.0 or not isfinite(site.dwell_s):
        raise refuse("not-a-number", place=f"{site.id}: pitch_deg -90 to -10")
    east, north = setting.frame.to_local(site.at)
    away_m = (height_m - site.up_m) / tan(radians(-site.pitch_deg)) if site.pitch_deg > -89.9 else 0.0
    ways = COMPASS if site.yaw_deg is None and away_m > 0.0 else (site.yaw_deg or 0.0,)
    choices = []
    for yaw in ways:
        at = EastNorth(east - away_m * sin(radians(yaw)), north - away_m * cos(radians(yaw)))
        spot = Spot(at, height_m, yaw, site.pitch_deg, max(site.dwell_s, SETTLE_S), site.id, (east, north, site.up_m))
        choices.append((spot,))
    choices.sort(key=lambda c: round(hypot(*c[0].at), 3))
    return Group(site.id, tuple(choices))


def plan_sites(
    sites: Sequence[Site], setting: Setting, *, name: str = "sites", order: Sequence[str] | None = None
) -> FlightPlan:
    """All sites in the quickest order, or in `order`. Deadlines are checked against the finished plan."""
    if not sites:
        raise refuse("nothing-to-do")
    groups = [site_group(site, setting) for site in sites]
    plan = plan_spots(name, groups, setting, order=order)
    late = missed(plan, sites)
    if late and order is None:
        by_deadline = sorted(sites, key=lambda s: (s.deadline_s if s.deadline_s is not None else 1e12, s.id))
        plan = plan_spots(name, groups, setting, order=[s.id for s in by_deadline])
        late = missed(plan, sites)
    if late:
        raise refuse("deadline-missed", sites=", ".join(late))
    return plan


def missed(plan: FlightPlan, sites: Sequence[Site]) -> list[str]:
    """Ids of sites that the plan reaches after their deadline, all sorties flown without a pause between."""
    reached, begin_s = dict[str, float](), 0.0
    for sortie in plan.sorties:
        for waypoint, instant in zip(sortie.waypoints, sortie.instants, strict=True):
            if waypoint.actions and waypoint.label:
                reached.setdefault(waypoint.label, begin_s + instant.time_s)
        begin_s += sortie.duration_s
    return [s.id for s in sites if s.deadline_s is not None and reached.get(s.id, 0.0) > s.deadline_s]


def plan_roofs(
    buildings: Sequence[Obstacle], setting: Setting, *, gsd_m: float, obliques: bool = True, name: str = "roofs"
) -> FlightPlan:
    """Each roof straight down at `gsd_m` (several photographs where one is too small) and from four sides."""
    if not buildings:
        raise refuse("nothing-to-do")
    groups = [_roof(building, setting, gsd_m, obliques=obliques) for building in buildings]
    targets = tuple(building.ring for building in buildings)
    return plan_spots(name, groups, setting, targets=targets, facts={"gsd_m": gsd_m})


def _roof(building: Obstacle, setting: Setting, gsd_m: float, *, obliques: bool) -> Group:
    camera, airspace, frame = setting.drone.camera, setting.airspace, setting.frame
    checks.check_places(building.ring, setting.home, building.id)
    away_m = max(camera.height_for_gsd(gsd_m) if gsd_m > 0 else 0.0, airspace.clearance_m + 1.5)
    high_m = building.height_m + away_m
    checks.working_height(camera, airspace, high_m, None)
    outline = shapely.Polygon(ring_m(frame, building.ring))
    ring = shapely.get_coordinates(shapely.minimum_rotated_rectangle(outline))
    longest = max(range(len(ring) - 1), key=lambda n: round(hypot(*(ring[n + 1] - ring[n])), 6))
    bearing = degrees(atan2(*(ring[longest + 1] - ring[longest]))) % 180.0
    width, depth = camera.footprint_m(away_m)
    grain = Grain(bearing, width, depth, 0.7 * width, 0.7 * depth)
    spots = list[Spot]()
    for k, line in enumerate(lines(grain.to_sweep(outline), None, grain)):
        count = round((line.x1 - line.x0) / grain.along_m) + 1
        xs = [line.x0 + grain.along_m * n for n in range(count)]
        for x in xs if k % 2 == 0 else xs[::-1]:
            spots.append(Spot(grain.place(x, line.y), high_m, bearing, -90.0, SETTLE_S, building.id))
    if obliques:
        middle = outline.centroid
        slant_m = away_m * sin(radians(-OBLIQUE_DEG))
        low_m = building.height_m + max(slant_m, airspace.clearance_m + 1.5)
        out_m = (low_m - building.height_m) / tan(radians(-OBLIQUE_DEG))
        for side in range(4):
            yaw = (bearing + 90.0 * side) % 360.0
            at = EastNorth(middle.x - out_m * sin(radians(yaw)), middle.y - out_m * cos(radians(yaw)))
            looks_at = (middle.x, middle.y, building.height_m)
            spots.append(Spot(at, low_m, yaw, OBLIQUE_DEG, SETTLE_S, building.id, looks_at))
    return Group(building.id, (tuple(spots),))


@dataclass(frozen=True)
class FireScene:
    """A fire to watch from around."""

    at: LatLon
    flame_m: float = 10.0
    id: str = "fire"


def plan_orbit(scene: FireScene, setting: Setting) -> FlightPlan:
    """Photographs along the upwind half of a circle around a fire, looking at the middle of the flame.

    The radius is the least that gives the heat its distance, the whole flame a place in the picture, and all
    places free air and sight past the buildings; where none does, the one with the most places.
    """
    checks.check_places([scene.at], setting.home, scene.id)
    if not (isfinite(scene.flame_m) and 0.0 < scene.flame_m <= 60.0):
        raise refuse("not-a-number", place="flame_m (0 to 60)")
    lens = setting.drone.camera.lens
    half_view = atan(lens.height_px / 2 / lens.fy_px)
    least_m = max(4 * scene.flame_m + HEAT_M, 0.65 * scene.flame_m / tan(half_view))
    east, north = setting.frame.to_local(scene.at)
    upwind = setting.wind.from_deg
    heights = Heights(setting)
    best: list[Spot] = []
    for step in range(20):
        radius_m = least_m * (1.0 + 0.1 * step)
        height_m = max(scene.flame_m + setting.airspace.clearance_m, radius_m * tan(radians(30.0)))
        if height_m > setting.airspace.ceiling_m:
            break
        pitch = -degrees(atan2(height_m - scene.flame_m / 2, radius_m))
        ring = []
        for k in range(int(ORBIT_ARC_DEG / ORBIT_STEP_DEG) + 1):
            bearing = upwind - ORBIT_ARC_DEG / 2 + k * ORBIT_STEP_DEG
            at = EastNorth(east + radius_m * sin(radians(bearing)), north + radius_m * cos(radians(bearing)))
            looks_at = (east, north, scene.flame_m / 2)
            ring.append(Spot(at, height_m, (bearing + 180.0) % 360.0, pitch, SETTLE_S, scene.id, looks_at))
        free = [s for s in ring if heights.safe(s) and heights.sees(s)]
        if len(free) > len(best):
            best = free
        if len(free) == len(ring):
            break
    if not best:
        raise refuse("stand-off-impossible", what=scene.id, needed_m=least_m)
    radius = hypot(best[0].at[0] - east, best[0].at[1] - north)
    facts = {"radius_m": radius, "height_m": best[0].height_m, "places": float(len(best))}
    return plan_spots("orbit", [Group(scene.id, (tuple(best),))], setting, targets=((scene.at,),), facts=facts)


@dataclass(frozen=True)
class Pose:
    """Where a camera was. Height above the ground there."""

    at: LatLon
    height_m: float
    yaw_deg: float
    pitch_deg: float
    id: str = "re-check"


def plan_recheck(pose: Pose, setting: Setting) -> FlightPlan:
    """One photograph with the same pose as an earlier one. Refused rather than moved when it cannot be had."""
    checks.check_places([pose.at], setting.home, pose.id)
    checks.working_height(setting.drone.camera, setting.airspace, pose.height_m, None)
    if not (isfinite(pose.yaw_deg) and -90.0 <= pose.pitch_deg <= 30.0):
        raise refuse("not-a-number", place="yaw_deg, pitch_deg")
    at = setting.frame.to_local(pose.at)
    spot = Spot(at, pose.height_m, pose.yaw_deg, pose.pitch_deg, SETTLE_S, pose.id)
    return plan_spots("re-check", [Group(pose.id, ((spot,),))], setting, targets=((pose.at,),))
