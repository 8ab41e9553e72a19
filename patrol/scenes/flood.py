"""Standing water: irregular pools whose area is known, on a world's ground. Pure: places, area and seed decide all.

Water gathers along the kerb and ends in lobes: an outline is an ellipse along the nearest road whose radius is varied
by a few harmonics. What a building stands on is cut out of it; `area_m2` is the area of what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atan2, cos, pi, sin, sqrt

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry as Geometry

from patrol.config import Config
from patrol.scenes.district import local, local_frame
from patrol.scenes.world import Area, Point, World

CORNERS = 72
HARMONICS = 7
LEVEL_M = 0.012  # over the ground: above all paint, below everything that stands
SMALLEST_M2, LARGEST_M2 = 60.0, 200.0
WET_PLACES = ("ponding-1", "ponding-3", "ponding-10")  # of the shipped district: two on roads, one on a lawn
PLACES = 3


@dataclass(frozen=True)
class Pond:
    """Standing water at `place_id`. outline: its simple polygon, east and north in metres; area_m2: of the outline."""

    place_id: str
    outline: tuple[Point, ...]
    area_m2: float
    seed: int = 0

    @property
    def area(self) -> Area:
        """As a surface of a world."""
        return Area("water", self.outline, self.seed, LEVEL_M)


def pond(place_id: str, at: Point, area_m2: float, seed: int, world: World) -> Pond:
    """Water of about `area_m2` around a point: exactly so much unless a building of the world stands in it."""
    rng = np.random.default_rng([seed, 811])
    turn = np.linspace(0.0, 2 * pi, CORNERS, endpoint=False)
    radius = np.ones(CORNERS)
    for k in range(2, 2 + HARMONICS):
        radius += float(rng.normal(0.0, 0.32 / k)) * np.cos(k * turn + float(rng.uniform(0.0, 2 * pi)))
    radius = np.maximum(radius, 0.35)
    longer = sqrt(float(rng.uniform(1.0, 2.8)))
    bearing = _road_bearing(world, at) + float(rng.normal(0.0, 0.12))
    along, across = radius * np.cos(turn) * longer, radius * np.sin(turn) / longer
    east, north = along * sin(bearing) + across * cos(bearing), along * cos(bearing) - across * sin(bearing)
    shape = shapely.Polygon(np.stack([east, north], -1))
    grow = sqrt(area_m2 / shape.area)
    shape = affinity.translate(affinity.scale(shape, grow, grow, origin=(0, 0)), *at)
    for building in world.buildings:
        shape = shape.difference(shapely.Polygon(building.footprint))
    piece = _in_one_ring(shape)
    outline = tuple((float(x), float(y)) for x, y in piece.exterior.coords[:-1])
    return Pond(place_id, outline, float(shapely.Polygon(outline).area), seed)


def _in_one_ring(shape: Geometry) -> shapely.Polygon:
    """The largest part without holes: where a building stands in the middle, the water on one side of it."""
    piece: shapely.Polygon = max(shapely.get_parts(shape), key=lambda part: float(part.area))
    while piece.interiors:
        middle, (west, south, east, north) = piece.interiors[0].centroid.x, piece.bounds
        halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
        parts = [part for half in halves for part in shapely.get_parts(piece.intersection(half)) if part.area > 0]
        piece = max(parts, key=lambda part: float(part.area))
    return piece


def flooded(world: World, ponds: Sequence[Pond]) -> World:
    """The world with water standing on it."""
    return replace(world, areas=(*world.areas, *(p.area for p in ponds)))


def demo_ponds(config: Config, seed: int, world: World, places: Sequence[str] | None = None) -> tuple[Pond, ...]:
    """Water of 60 to 200 m2 at ponding points of a configuration, one for each of `places` that it has.

    By default three places: those of the shipped district, or else the first three of the configuration.
    """
    frame = local_frame(config)
    ids = [p.id for p in config.ponding_points]
    wanted = places if places is not None else [p for p in WET_PLACES if p in ids] or ids[:PLACES]
    points = local(frame, [p.at for p in config.ponding_points])
    ponds = []
    for k, (place_id, at) in enumerate(zip(ids, points, strict=True)):
        size = float(np.random.default_rng([seed, k, 809]).uniform(SMALLEST_M2, LARGEST_M2))
        if place_id in wanted:
            ponds.append(pond(place_id, at, size, seed * 1009 + k, world))
    return tuple(ponds)


def _road_bearing(world: World, at: Point) -> float:
    """Direction of the road nearest to a point, radians clockwise from north; 0 without roads."""
    best, least = 0.0, float("inf")
    for road in world.roads:
        for a, b in zip(road.centreline[:-1], road.centreline[1:], strict=True):
            away = shapely.LineString([a, b]).distance(shapely.Point(at))
            if away < least:
                best, least = atan2(b[0] - a[0], b[1] - a[1]), away
    return best
