"""One flight, many uses: every place of the map that a drone's frame shows becomes a zone of that frame. Pure.

A place is visible as far as it lies in the picture, is not hidden behind a building, and is neither too far away nor seen
at a glancing angle. What is visible is projected through the frame's pose and judged like a zone of a fixed camera; what
is remembered belongs to the place, not to the picture, so that the next frame, pass or flight goes on with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians, tan

import numpy as np
import shapely

from patrol.config.shape import Building, Config, FireLane, PondingPoint
from patrol.config.zones import FireLaneZone, FlameSmokeZone, FloodingZone, RoofZone
from patrol.geo import Camera, LatLon, Pose, PoseSigma
from patrol_edge.persistence import Persistence
from patrol_edge.rules.fire_lane import aerial_fire_lane_rule
from patrol_edge.rules.flame_smoke import flame_smoke_rule
from patrol_edge.rules.flooding import RainLevel, aerial_flooding_rule
from patrol_edge.rules.rooftop import NO_ROOFS, Roofs, rooftop_rule
from patrol_edge.rules.rooftop_plane import Roof, off_nadir_m, unsuitable
from patrol_edge.rules.sighting import Rule, View
from patrol_edge.rules.table import model_of

LEAST_HEIGHT_M = 8.0  # lower it stands on the ground, takes off or lands: nothing there is a patrol's view
FARTHEST_M = 150.0  # along the line of sight; further away a car is a few pixels
STEEPEST_OFF_DEG = 65.0  # from straight down: a flatter look sees fronts and hides what lies behind
LEAST_VISIBLE = 0.25  # share of a place that must be in sight to be judged
EDGE_STEP_M = 2.0  # outlines are projected in steps, as a lens bends straight lines
SHADOW_REACH = 30.0  # what stands higher than the drone hides the ground behind it as far as this many of its sizes
LOOK_EVERY_S = 2.0
CONFIDENCE = 0.3  # a vehicle is small from above; several looks must agree
KEEP_S = 900.0  # a candidate of one pass is remembered until the next pass of the same round
SQUARE_M = 5.0
SAME_M = 3.0  # two vehicles stand further apart, middle to middle, than the poses of a good receiver are off
LEAST_ROOF_VISIBLE = 0.97  # a roof half hidden is not compared with a whole one
MOST_ROOFS = 2  # of one frame, those nearest below: registering one takes a quarter of a second
SAME_FIRE_M = 12.0  # flames and smoke have no fixed middle
OPEN_FIRE = "open-fire"  # the zone of what may burn anywhere
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]  # stands where a shape wants a polygon of the picture

AerialZone = FireLaneZone | FloodingZone | FlameSmokeZone | RoofZone  # the kinds of zones that a drone can watch


@dataclass(frozen=True)
class Place:
    """A part of the map that is watched from above. `area`: local frame, metres, at `height_m` above the ground; None: everywhere."""

    zone: AerialZone  # its polygon_px says nothing: where the place lies in the picture, every frame says anew
    area: shapely.Polygon | None
    height_m: float = 0.0
    roof: Roof | None = None  # set where the place is a roof


@dataclass(frozen=True)
class Block:
    """A building that hides what lies behind it."""

    footprint: shapely.Polygon
    height_m: float


@dataclass(frozen=True)
class AerialMap:
    """What there is to watch in a district, and what stands in the way."""

    places: tuple[Place, ...]
    blocks: tuple[Block, ...]
    roads: tuple[shapely.LineString, ...] = ()  # middle lines

    @classmethod
    def of(cls, config: Config) -> AerialMap:
        """The map of one district."""

        def ring(points: Sequence[LatLon]) -> shapely.Polygon:
            return shapely.Polygon([config.frame.to_local(p) for p in points])

        blocks = tuple(Block(ring(b.footprint), float(b.height_m)) for b in config.buildings)
        lanes = [Place(_lane_zone(lane), ring(lane.area)) for lane in config.fire_lanes]
        ponds = [
            Place(_pond_zone(pond), shapely.Point(config.frame.to_local(pond.at)).buffer(pond.radius_m))
            for pond in config.ponding_points
        ]
        roofs = [
            Place(_roof_zone(b), ring(b.footprint), float(b.height_m),
                  Roof(b.id, ring(b.footprint), float(b.height_m), tuple(ring(p) for p in b.roof.permitted)))
            for b in config.buildings
            if b.roof is not None
        ]  # fmt: skip
        roads = tuple(shapely.LineString([config.frame.to_local(p) for p in road.line]) for road in config.roads)
        return cls((*lanes, *ponds, *roofs, Place(_fire_zone(), None)), blocks, roads)

    @property
    def models(self) -> frozenset[str]:
        """The networks that its places need."""
        return frozenset(name for place in self.places if (name := model_of(place.zone, aerial=True)))

    @property
    def zones(self) -> frozenset[str]:
        """The ids of all its places."""
        return frozenset(place.zone.id for place in self.places)


@dataclass(frozen=True)
class Shown:
    """A place as one frame shows it: the zone, its plane's height, and the polygon in the picture."""

    zone: AerialZone
    polygon_px: shapely.Polygon
    height_m: float
    roof: Roof | None = None


def _roof_zone(building: Building) -> RoofZone:
    watch = building.roof
    body = {"id": f"roof-{building.id}", "hazard": "rooftop-violation", "building": building.id, "polygon_px": WHOLE,
            "height_m": building.height_m, "look_every_s": LOOK_EVERY_S}  # fmt: skip
    asked = {} if watch is None else watch.model_dump(exclude={"permitted"})
    return RoofZone.model_validate(body | asked)


def _lane_zone(lane: FireLane) -> FireLaneZone:
    body = {"id": lane.id, "hazard": "blocked-fire-lane", "fire_lane": lane.id, "polygon_px": WHOLE,
            "look_every_s": LOOK_EVERY_S, "dwell_s": lane.dwell_s, "clear_s": min(10.0, lane.dwell_s),
            "confidence": CONFIDENCE}  # fmt: skip
    return FireLaneZone.model_validate(body)


def _pond_zone(pond: PondingPoint) -> FloodingZone:
    body = {"id": pond.id, "hazard": "flooding", "polygon_px": WHOLE, "look_every_s": LOOK_EVERY_S, "dwell_s": 2, "clear_s": 10,
            "votes": 3, "share": 0.5}  # fmt: skip
    return FloodingZone.model_validate(body)


def _fire_zone() -> FlameSmokeZone:
    body = {
        "id": OPEN_FIRE,
        "hazard": "flame-smoke",
        "polygon_px": WHOLE,
        "look_every_s": LOOK_EVERY_S,
        "clear_s": 10,
        "votes": 3,
    }
    return FlameSmokeZone.model_validate(body)


def shown_places(world: AerialMap, camera: Camera) -> list[Shown]:
    """The places that a frame taken by `camera` shows well enough to be judged."""
    if camera.pose.up_m < LEAST_HEIGHT_M:
        return []
    found: list[Shown] = []
    roofs = [place.roof for place in world.places if place.roof is not None and unsuitable(camera, place.roof) is None]
    below = sorted(roofs, key=lambda roof: off_nadir_m(camera, roof))[:MOST_ROOFS]
    picture = shapely.box(0, 0, camera.lens.width_px - 1, camera.lens.height_px - 1)
    for place in world.places:
        if place.area is None:
            found.append(Shown(place.zone, picture, place.height_m))
            continue
        if place.roof is not None and place.roof not in below:
            continue
        seen = _in_sight(place.area, place.height_m, world.blocks, camera)
        least = LEAST_VISIBLE if place.roof is None else LEAST_ROOF_VISIBLE
        if seen is not None and seen.area >= least * place.area.area:
            outline = np.array(seen.segmentize(EDGE_STEP_M).exterior.coords)
            pixels = camera.project(np.column_stack([outline, np.full(len(outline), place.height_m)]))
            if np.isfinite(pixels).all():
                polygon = shapely.Polygon(pixels)
                if polygon.is_valid and polygon.area > 1.0:
                    found.append(Shown(place.zone, polygon, place.height_m, place.roof))
    return found


def rule_for(
    shown: Shown, world: AerialMap, camera: Camera, sigma: PoseSigma, rain: RainLevel, roofs: Roofs = NO_ROOFS
) -> Rule:
    """The rule for one place as one frame shows it."""
    view = View(shown.zone.id, shown.polygon_px, camera, sigma, shown.height_m)
    if isinstance(shown.zone, FloodingZone):
        return aerial_flooding_rule(view, shown.zone, world.roads, rain)
    if isinstance(shown.zone, FlameSmokeZone):
        return flame_smoke_rule(view, shown.zone, (), ())
    if isinstance(shown.zone, RoofZone):
        return rooftop_rule(view, shown.zone, shown.roof, roofs)
    return aerial_fire_lane_rule(view, shown.zone.confidence)


def persistence_of(zone: AerialZone) -> Persistence:
    """How long and how surely: by where things stand on the ground, and over the passes of a round."""
    same_m = SAME_FIRE_M if isinstance(zone, FlameSmokeZone) else SAME_M
    return Persistence(zone.dwell_s, zone.clear_s, zone.share, zone.look_every_s, same_m, KEEP_S)


def place_on_ground(zone: str, ground_m: tuple[float, float]) -> str:
    """A key for a spot on the ground: the place, and a square of SQUARE_M in the district's local frame."""
    east, north = (int(v // SQUARE_M) for v in ground_m)
    return f"{zone}/{east}e{north}n"


def _in_sight(
    area: shapely.Polygon, height_m: float, blocks: Sequence[Block], camera: Camera
) -> shapely.Polygon | None:
    """The largest part of an area that is in the picture, near, steep enough below, and not hidden."""
    above_m = camera.pose.up_m - height_m
    if above_m < LEAST_HEIGHT_M / 2:
        return None
    here = shapely.Point(camera.pose.east_m, camera.pose.north_m)
    reach_m = min(above_m * tan(radians(STEEPEST_OFF_DEG)), max(FARTHEST_M**2 - above_m**2, 0.0) ** 0.5)
    if reach_m <= 0 or here.distance(area) >= reach_m:
        return None
    seen = area.intersection(here.buffer(reach_m)).intersection(_picture_on(camera, height_m, reach_m))
    for block in blocks:
        if seen.is_empty:
            return None
        if block.height_m > height_m and block.footprint.distance(here) < reach_m:
            seen = seen.difference(_hidden_by(block, camera.pose, height_m))
    parts = [part for part in shapely.get_parts(seen) if isinstance(part, shapely.Polygon) and part.area > 0]
    return max(parts, key=lambda part: part.area, default=None)


def _picture_on(camera: Camera, height_m: float, reach_m: float) -> shapely.Polygon:
    """The picture's border on a plane. Where it looks further than `reach_m`, or above the horizon: up to there."""
    lens, steps = camera.lens, np.linspace(0.0, 1.0, 9)[:-1]
    right, bottom = lens.width_px - 1.0, lens.height_px - 1.0
    border = np.concatenate([
        np.column_stack([steps * right, np.zeros(8)]), np.column_stack([np.full(8, right), steps * bottom]),
        np.column_stack([(1 - steps) * right, np.full(8, bottom)]), np.column_stack([np.zeros(8), (1 - steps) * bottom]),
    ])  # fmt: skip
    rays = camera.rays(border)
    here, drop_m = camera.pose.centre_m[:2], camera.pose.up_m - height_m
    flat = np.maximum(np.hypot(rays[:, 0], rays[:, 1]), 1e-9)
    out_m = np.where(rays[:, 2] < -1e-6, drop_m * flat / np.maximum(-rays[:, 2], 1e-6), np.inf)
    out_m = np.minimum(out_m, 3.0 * reach_m)
    outline = here + rays[:, :2] / flat[:, None] * out_m[:, None]
    polygon = shapely.Polygon(outline)
    return polygon if polygon.is_valid else polygon.convex_hull


def _hidden_by(block: Block, pose: Pose, height_m: float) -> shapely.Geometry:
    """The part of the plane at `height_m` that a building stands on or hides."""
    corners = np.array(block.footprint.exterior.coords)
    here = pose.centre_m[:2]
    above_roof_m = pose.up_m - block.height_m
    stretch = (pose.up_m - height_m) / above_roof_m if above_roof_m > 0 else SHADOW_REACH
    thrown = here + (corners - here) * min(stretch, SHADOW_REACH)
    return shapely.MultiPoint(np.concatenate([corners, thrown])).convex_hull
