"""Where flying is allowed: boundary, zones, buildings, heights; and the ground below. Values only, WGS 84.

The planner and the judge each make their own geometry from these; they share the facts, not the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import cos, inf, radians

import numpy as np
from numpy.typing import NDArray

from patrol.geo import LatLon

SHORTEST_DEGREE_M = 110_500.0  # of latitude, at the equator


@dataclass(frozen=True)
class Circle:
    """A circle on the ground."""

    centre: LatLon
    radius_m: float


@dataclass(frozen=True)
class Span:
    """A time span, seconds since 1970 UTC."""

    begins_s: float = -inf
    ends_s: float = inf


@dataclass(frozen=True)
class Zone:
    """Where nobody may fly between `floor_m` and `ceiling_m` above ground while one of `active` lasts.

    `rings` is an outer ring followed by holes in it. An empty `active` means always.
    """

    id: str
    shape: Circle | tuple[tuple[LatLon, ...], ...]
    floor_m: float = 0.0
    ceiling_m: float = inf
    active: tuple[Span, ...] = ()
    reason: str = ""

    def holds_during(self, begins_s: float | None, ends_s: float | None) -> bool:
        """Whether it may be active in the span; an unknown time counts as active."""
        if begins_s is None or ends_s is None or not self.active:
            return True
        return any(span.begins_s <= ends_s and begins_s <= span.ends_s for span in self.active)


def zones_near(zones: Iterable[Zone], place: LatLon, within_m: float) -> tuple[Zone, ...]:
    """Zones whose bounding box comes within `within_m` of `place`: a country's file has hundreds that are far away."""
    return tuple(zone for zone in zones if _near(zone, place, within_m))


def _near(zone: Zone, place: LatLon, within_m: float) -> bool:
    """On a sphere with the shortest degree of latitude, so that none is left out by rounding."""
    circle = zone.shape if isinstance(zone.shape, Circle) else None
    corners = zone.shape[0] if not isinstance(zone.shape, Circle) else (zone.shape.centre,)
    more_m = 0.0 if circle is None else circle.radius_m
    reach_deg = (within_m + more_m) / SHORTEST_DEGREE_M
    north = [corner.lat_deg - place.lat_deg for corner in corners]
    if min(north) > reach_deg or max(north) < -reach_deg:
        return False
    widest_deg = reach_deg / max(cos(radians(min(90.0, abs(place.lat_deg) + reach_deg))), 1e-9)
    east = [(corner.lon_deg - place.lon_deg + 180.0) % 360.0 - 180.0 for corner in corners]
    across = max(east) - min(east) > 180.0  # the meridian opposite to the place, or around a pole
    return across or (min(east) <= widest_deg and max(east) >= -widest_deg)


@dataclass(frozen=True)
class Obstacle:
    """A building: its outline and the height of its roof above the ground."""

    id: str
    ring: tuple[LatLon, ...]
    height_m: float


@dataclass(frozen=True)
class Terrain:
    """Ground heights above mean sea level on a regular grid of latitude and longitude.

    `heights_m[row, column]` is at latitude `north_deg - row * step_lat_deg` and longitude
    `west_deg + column * step_lon_deg`; NaN is unknown.
    """

    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    heights_m: NDArray[np.float64] = field(repr=False)
    name: str = "terrain"


@dataclass(frozen=True)
class Airspace:
    """The rules of the sky over a district.

    boundary    outer ring of where flights stay inside; empty: no fence
    ceiling_m   highest flight above ground
    standoff_m  horizontal distance kept from zones, boundary and buildings that are higher than the flight
    clearance_m vertical distance kept above buildings and from floors and ceilings of zones
    """

    boundary: tuple[LatLon, ...] = ()
    zones: tuple[Zone, ...] = ()
    buildings: tuple[Obstacle, ...] = ()
    ceiling_m: float = 120.0
    standoff_m: float = 10.0
    clearance_m: float = 10.0
    terrain: Terrain | None = None
