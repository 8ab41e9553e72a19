"""Which rule judges which kind of zone, and which network it looks at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import shapely

from patrol.config.shape import CameraConfig
from patrol.config.zones import FallingZone, FireLaneZone, FlameSmokeZone, FloodingZone, HotspotZone, RoofZone, Zone
from patrol.geo import Camera, LocalFrame
from patrol_edge.rules.falling_object import facade_of, falling_rule
from patrol_edge.rules.fire_hotspot import hotspot_rule
from patrol_edge.rules.fire_lane import VEHICLES, fire_lane_rule
from patrol_edge.rules.flame_smoke import CLASSES as BURNING
from patrol_edge.rules.flame_smoke import flame_smoke_rule
from patrol_edge.rules.flooding import WATER, RainLevel, flooding_rule, nobody_says
from patrol_edge.rules.perimeter import PEOPLE, perimeter_rule
from patrol_edge.rules.rooftop import NO_ROOFS, Roofs, roof_of, rooftop_rule
from patrol_edge.rules.sighting import Rule, View

ZoneRule = tuple[Zone, Rule]
Points = tuple[tuple[float, float], ...]

# What the rules look for in each network's answers: a network that lacks one of these is not the right one.
CLASSES_OF: dict[str, frozenset[str]] = {
    "street": VEHICLES | PEOPLE,
    "aerial_vehicle": VEHICLES - {"motorcycle", "bicycle"},
    "fire_smoke": BURNING,
    "water": frozenset({WATER}),
}


def model_of(zone: Zone, *, aerial: bool = False) -> str | None:
    """The network whose detections the zone's rule looks at; None for a rule that needs none. `aerial`: from a drone."""
    if isinstance(zone, (HotspotZone, FallingZone, RoofZone)):
        return None
    if isinstance(zone, FlameSmokeZone):
        return "fire_smoke"
    if isinstance(zone, FloodingZone):
        return "water"
    return "aerial_vehicle" if aerial else "street"


def zone_rules(
    config: CameraConfig,
    frame: LocalFrame,
    local_time: Callable[[datetime], datetime],
    size_px: tuple[int, int],
    rain: RainLevel = nobody_says,
    roofs: Roofs = NO_ROOFS,
) -> list[ZoneRule]:
    """The camera's zones and rules, stretched to the size (width, height) of the pictures that really come."""
    sx, sy = size_px[0] / config.lens.width_px, size_px[1] / config.lens.height_px
    camera = config.geo(frame)
    if camera is not None:
        camera = Camera(camera.lens.scaled_to(*size_px), camera.pose)
    sigma = None if config.pose is None else config.pose.sigma

    def polygon(points: Points) -> shapely.Polygon:
        return shapely.Polygon([(x * sx, y * sy) for x, y in points])

    def rule_of(zone: Zone) -> Rule:
        view = View(zone.id, polygon(zone.polygon_px), camera, sigma)
        if isinstance(zone, FireLaneZone):
            return fire_lane_rule(view, zone.confidence, things=zone.things)
        if isinstance(zone, FallingZone):
            return falling_rule(view, zone.confidence, facade_of(zone.facade, (sx, sy)))
        if isinstance(zone, HotspotZone):
            return hotspot_rule(view, zone, [polygon(points) for points in zone.known_hot_px])
        if isinstance(zone, FlameSmokeZone):
            steam, light = ([polygon(p) for p in known] for known in (zone.known_steam_px, zone.known_light_px))
            return flame_smoke_rule(view, zone, steam, light)
        if isinstance(zone, FloodingZone):
            marks = [(mark.at_px[0] * sx, mark.at_px[1] * sy, mark.level_m) for mark in zone.gauge]
            return flooding_rule(view, zone, [polygon(points) for points in zone.known_water_px], marks, rain)
        if isinstance(zone, RoofZone):
            return rooftop_rule(
                view, zone, roof_of(view, zone, [polygon(points) for points in zone.permitted_px]), roofs
            )
        ends = None if zone.line_px is None else [(x * sx, y * sy) for x, y in zone.line_px]
        heights = (zone.least_height_m or 0.0, zone.most_height_m or float("inf"))
        return perimeter_rule(view, zone.confidence, zone.hours, local_time, ends, heights)

    return [(zone, rule_of(zone)) for zone in config.zones]
