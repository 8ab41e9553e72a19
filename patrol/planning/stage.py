"""What every pattern needs before it begins: the drone in this wind, the region, the ways, the ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np
import shapely

from patrol.errors import Text
from patrol.geo import Floats, LatLon, LocalFrame
from patrol.planning.airspace import Airspace
from patrol.planning.checks import check_places
from patrol.planning.drone import CALM, Drone, Wind
from patrol.planning.flight_time import Flier
from patrol.planning.ground import Ground
from patrol.planning.order import Costs
from patrol.planning.refusals import Reason, refuse
from patrol.planning.region import Region, make_region, ring_m
from patrol.planning.routing import Router
from patrol.planning.tour import Stage

OPEN_SKY = Airspace()
SLOWEST_MS = 0.5
LONGEST_DAY_S = 36_000.0  # a plan with a start time is judged against zones of the ten hours after it


@dataclass(frozen=True)
class Setting:
    """Who flies, from where, in which sky and weather. `starts_at_s`: seconds since 1970, None when not known."""

    drone: Drone
    home: LatLon
    airspace: Airspace = OPEN_SKY
    landing_points: tuple[LatLon, ...] = ()
    wind: Wind = CALM
    starts_at_s: float | None = None

    @cached_property
    def frame(self) -> LocalFrame:
        """The local frame around home."""
        return LocalFrame(self.home)


def set_up(setting: Setting, low_m: float, high_m: float, takeoff_m: float | None = None) -> tuple[Stage, list[Reason]]:
    """The stage for work between `low_m` and `high_m` above ground, and notes for the pilot.

    Raises PlanRefused: home blocked, wind too strong, way home too low for a building or too high for the rules.
    """
    check_places([setting.home], setting.home, Text("home", "起飞点"))
    check_places(setting.landing_points, setting.home, Text("a landing point", "某个降落点"))
    drone, airspace, frame = setting.drone, setting.airspace, setting.frame
    ground = Ground(frame, airspace.terrain)
    flier = Flier(drone, setting.wind, ground.home_amsl_m)
    takeoff_m = max(high_m if takeoff_m is None else takeoff_m, low_m)
    span = None if setting.starts_at_s is None else (setting.starts_at_s, setting.starts_at_s + LONGEST_DAY_S)
    high_m = max(high_m, takeoff_m)
    top_m = max(high_m, drone.rtl_altitude_m)
    region = make_region(frame, airspace, setting.landing_points, low_m, top_m, span)
    _check_return(setting, ground, region)
    notes = list(region.notes)
    if airspace.terrain is None:
        notes.append(Reason("flat-ground"))
    cruise_ms = drone.cruise_ms
    stage = Stage(drone, flier, Router(region), ground, cruise_ms, takeoff_m, airspace.ceiling_m, airspace.clearance_m)
    return stage, notes


def _check_return(setting: Setting, ground: Ground, region: Region) -> None:
    """The way home at its own height above home: clear of hills and roofs under it, and not above the ceiling."""
    airspace, rtl_m = setting.airspace, setting.drone.rtl_altitude_m
    if rtl_m > airspace.ceiling_m:
        raise refuse("return-too-high", rtl_m=rtl_m, above_m=rtl_m, ceiling_m=airspace.ceiling_m)
    allowed = region.allowed
    if airspace.terrain is None or allowed.is_empty:
        return
    for building in airspace.buildings:
        ring = ring_m(setting.frame, building.ring)
        outline = shapely.Polygon(ring)
        top_m = float(np.max(ground.relative_m(ring))) + building.height_m
        if rtl_m < top_m + airspace.clearance_m and allowed.intersects(outline):
            raise refuse("return-too-low", rtl_m=rtl_m, what=building.id, needed_m=top_m + airspace.clearance_m)


def limited_speed(stage: Stage, along_m: float, height_m: float, wanted_ms: float | None = None) -> Stage:
    """The stage with a speed over ground as wanted, but not faster than the camera, nor so that a pixel smears."""
    wanted = stage.drone.cruise_ms if wanted_ms is None else wanted_ms
    if not (isfinite(wanted) and wanted > 0.0):
        raise refuse("not-a-number", place="speed_ms")
    camera = stage.drone.camera
    speed = min(wanted, along_m / camera.interval_s, camera.gsd_m(height_m) / camera.exposure_s)
    if speed < SLOWEST_MS:
        raise refuse("camera-too-slow", interval_s=camera.interval_s, spacing_m=along_m, speed_ms=speed)
    return replace(stage, cruise_ms=speed)


def leg_costs(stage: Stage) -> Costs:
    """Seconds between places: straight, and more where something lies between. The true way is looked for later."""
    region, speed = stage.router.region, stage.cruise_ms

    def costs(starts: Floats, ends: Floats) -> Floats:
        apart = np.hypot(starts[:, None, 0] - ends[None, :, 0], starts[:, None, 1] - ends[None, :, 1])
        if len(starts) * len(ends) <= 40_000:
            a = np.repeat(starts, len(ends), axis=0)
            b = np.tile(ends, (len(starts), 1))
            blocked = ~region.clear(a, b).reshape(apart.shape)
            apart = np.where(blocked, 1.5 * apart + 20.0, apart)
        return np.asarray(apart / speed)

    return costs
