"""Where a plan may fly: inside the boundary, clear of zones and buildings, with a safe straight way home.

An autopilot that gives up flies straight to the nearest of home and landing points. So a place is
allowed only if that straight line is clear too; what lies in the shadow of a zone, seen from the landing point
that would be chosen there, is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, pi

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from patrol.errors import Text, listed
from patrol.geo import EastNorth, Floats, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Zone
from patrol.planning.refusals import Reason, refuse

ARC = 4  # segments of a quarter circle in buffers; GROW makes a polygon contain the true round shape
GROW = 1.0 / cos(pi / (4 * ARC))
SLACK_M = 1.0  # the planner keeps this much more distance than the rules want: rounding, and the judge's own geometry
TIE_M = 3.0  # near the line between two landing points both must be reachable: the autopilot may choose either
REACH_M = 15_000.0  # the local frame is exact to 1e-6 this far


def grown(shape: BaseGeometry, by_m: float) -> BaseGeometry:
    """Everything within `by_m` of `shape` (a little more where corners are round)."""
    return shape.buffer(by_m * GROW, quad_segs=ARC) if by_m > 0 else shape


def shrunk(shape: BaseGeometry, by_m: float) -> BaseGeometry:
    """Everything in `shape` at least `by_m` from its edge."""
    return shape.buffer(-by_m * GROW, quad_segs=ARC) if by_m > 0 else shape


def ring_m(frame: LocalFrame, ring: tuple[LatLon, ...]) -> Floats:
    """(n, 2) of a ring."""
    array = np.array([(p.lat_deg, p.lon_deg) for p in ring], float).reshape(-1, 2)
    local = frame.many_to_local(array[:, 0], array[:, 1])
    return local.reshape(-1, 2)


def zone_shape(zone: Zone, frame: LocalFrame) -> BaseGeometry:
    """The zone's outline in the local frame; a circle as a polygon around it."""
    if isinstance(zone.shape, Circle):
        centre = frame.to_local(zone.shape.centre)
        return shapely.Point(*centre).buffer(zone.shape.radius_m / cos(pi / 64), quad_segs=16)
    outer, *holes = (ring_m(frame, ring) for ring in zone.shape)
    return shapely.make_valid(shapely.Polygon(outer, holes))


@dataclass(frozen=True)
class Barrier:
    """Something to keep out of, already grown by its stand-off."""

    name: str
    shape: BaseGeometry


@dataclass(frozen=True)
class Region:
    """The allowed region for heights `low_m` to `high_m` above ground, and what limits it."""

    frame: LocalFrame
    barriers: tuple[Barrier, ...]
    fence: BaseGeometry | None
    landings: tuple[EastNorth, ...]
    notes: tuple[Reason, ...]

    @cached_property
    def open(self) -> BaseGeometry:
        """Inside the fence and clear of every barrier."""
        field = self.fence if self.fence is not None else shapely.box(-REACH_M, -REACH_M, REACH_M, REACH_M)
        if not self.barriers:
            return field
        return field.difference(shapely.union_all([b.shape for b in self.barriers]))

    @cached_property
    def safe(self) -> BaseGeometry:
        """The part of `open` that has a safe straight way to land, whether or not it can be flown to at this height."""
        return self._with_way_home(self.open)

    @cached_property
    def allowed(self) -> BaseGeometry:
        """The part of `safe` that hangs together with home."""
        here = shapely.Point(0, 0)
        for part in shapely.get_parts(self.safe):
            if part.covers(here) or part.distance(here) < 1e-6:
                return part
        return shapely.Polygon()

    @cached_property
    def near_allowed(self) -> BaseGeometry:
        """`allowed` and a hand's breadth: against it legs are tested whose ends lie on its edge."""
        shape = self.allowed.buffer(0.3 * SLACK_M)
        shapely.prepare(shape)
        return shape

    def clear(self, starts_m: Floats, ends_m: Floats) -> NDArray[np.bool_]:
        """(n, 2) starts and ends to (n,) whether the straight leg stays in the allowed region."""
        legs = shapely.linestrings(np.stack([np.atleast_2d(starts_m), np.atleast_2d(ends_m)], axis=1))
        return np.asarray(shapely.covers(self.near_allowed, legs))

    def why(self, place: BaseGeometry) -> Text:
        """What keeps flights away from `place`, in the names of zones and buildings."""
        names = [Text(b.name, b.name) for b in self.barriers if b.shape.intersects(place)]
        if self.fence is not None and not self.fence.covers(place):
            names.append(Text("the boundary", "边界"))
        if self.open.intersects(place) and not self.allowed.covers(place):
            names.append(Text("no clear straight way home", "无法直线返航"))
        return listed(tuple(dict.fromkeys(names)) or (Text("the distance", "距离过远"),))

    def _with_way_home(self, field: BaseGeometry) -> BaseGeometry:
        bad = []
        for landing in self.landings:
            cell = self._cell(landing)
            hidden = self._shadows(landing)
            if hidden is not None:
                bad.append(hidden if cell is None else hidden.intersection(cell))
        return field.difference(shapely.union_all(bad)) if bad else field

    def _cell(self, landing: EastNorth) -> BaseGeometry | None:
        """Where `landing` is the nearest, or nearly."""
        others = [other for other in self.landings if other != landing]
        if not others:
            return None
        cell = shapely.box(-2 * REACH_M, -2 * REACH_M, 2 * REACH_M, 2 * REACH_M)
        here, far = np.array(landing), 8 * REACH_M
        for other in others:
            towards = np.array(other) - here
            length = float(np.hypot(*towards))
            unit = towards / length
            side = np.array([-unit[1], unit[0]])
            middle = here + unit * (length / 2 + TIE_M)
            half = [
                middle + side * far,
                middle - side * far,
                middle - (side + unit) * far,
                middle + (side - unit) * far,
            ]
            cell = cell.intersection(shapely.Polygon(half))
        return cell

    def _shadows(self, landing: EastNorth) -> BaseGeometry | None:
        """What cannot be reached in a straight line from `landing`."""
        shapes = [b.shape for b in self.barriers]
        edges = []
        for shape in shapes:
            edges += [shapely.get_coordinates(part) for part in _rings(shape)]
        if self.fence is not None:
            edges += [shapely.get_coordinates(part) for part in _rings(self.fence)]
        if not edges:
            return None
        eye = np.array(landing)
        a = np.concatenate([ring[:-1] for ring in edges])
        b = np.concatenate([ring[1:] for ring in edges])
        far = 4 * REACH_M
        da, db = a - eye, b - eye
        la, lb = np.hypot(*da.T), np.hypot(*db.T)
        cross = da[:, 0] * db[:, 1] - da[:, 1] * db[:, 0]
        keep = (np.abs(cross) > 1e-9) & (la > 1e-9) & (lb > 1e-9)
        a, b, da, db, la, lb = a[keep], b[keep], da[keep], db[keep], la[keep], lb[keep]
        quads = np.stack([a, b, eye + db / lb[:, None] * far, eye + da / la[:, None] * far, a], axis=1)
        shadows = shapely.make_valid(shapely.polygons(quads))
        return shapely.union_all(shadows)


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    return [
        ring
        for part in shapely.get_parts(shape)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]


def make_region(
    frame: LocalFrame,
    airspace: Airspace,
    landing_points: tuple[LatLon, ...],
    low_m: float,
    high_m: float,
    span_s: tuple[float, float] | None,
) -> Region:
    """The region for flights that work between `low_m` and `high_m` above ground during `span_s`.

    Take-off, landing and the way home use the air from the ground to `high_m`, so home and landing
    points keep clear of zones of any height up to there. Raises PlanRefused when home does not.
    """
    begins_s, ends_s = span_s if span_s is not None else (None, None)
    keep_m = airspace.standoff_m + SLACK_M
    barriers, columns = list[Barrier](), list[Barrier]()
    for zone in airspace.zones:
        if not zone.holds_during(begins_s, ends_s) or zone.floor_m - airspace.clearance_m > high_m:
            continue
        barrier = Barrier(zone.id, grown(zone_shape(zone, frame), keep_m))
        columns.append(barrier)
        if zone.ceiling_m + airspace.clearance_m > low_m:
            barriers.append(barrier)
    for building in airspace.buildings:
        barrier = Barrier(building.id, grown(shapely.make_valid(shapely.Polygon(ring_m(frame, building.ring))), keep_m))
        columns.append(barrier)
        if building.height_m + airspace.clearance_m > low_m:
            barriers.append(barrier)
    fence = None
    if airspace.boundary:
        fence = shrunk(shapely.make_valid(shapely.Polygon(ring_m(frame, airspace.boundary))), keep_m)
    _check_home(columns, fence, airspace.standoff_m)
    landings, notes = [EastNorth(0.0, 0.0)], list[Reason]()
    for point in landing_points:
        place = frame.to_local(point)
        spot = shapely.Point(*place)
        blocked = [c.name for c in columns if c.shape.intersects(spot)]
        if fence is not None and not fence.covers(spot):
            blocked.append("boundary / 边界")
        if blocked:
            facts = {"lat": point.lat_deg, "lon": point.lon_deg, "zone": ", ".join(blocked)}
            notes.append(Reason("landing-point-unusable", facts))
        elif min(np.hypot(place.east_m - o.east_m, place.north_m - o.north_m) for o in landings) > 1.0:
            landings.append(place)
    return Region(frame, tuple(barriers), fence, tuple(landings), tuple(notes))


def _check_home(columns: list[Barrier], fence: BaseGeometry | None, standoff_m: float) -> None:
    here = shapely.Point(0, 0)
    for barrier in columns:
        if barrier.shape.intersects(here):
            raise refuse("home-blocked", zone=barrier.name, standoff_m=standoff_m)
    if fence is not None and not fence.covers(here):
        raise refuse("home-outside", standoff_m=standoff_m)
