"""What an intent must be before anything is planned: places that are places, areas that are areas, sane numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from patrol.errors import Text
from patrol.geo import LatLon, LocalFrame, distance_m
from patrol.planning.airspace import Airspace
from patrol.planning.drone import SurveyCamera
from patrol.planning.refusals import refuse

REACH_KM = 15.0  # beyond it the local frame is not exact any more, and nothing here flies so far
MAX_AREA_KM2 = 150.0
MAX_OVERLAP = 0.95
MAX_SHOTS = 200_000
AREA = Text("the area", "区域")
LOW_M = 2.0  # nothing is planned lower above ground


def check_places(places: Sequence[LatLon], home: LatLon, what: str | Text) -> None:
    """Raise PlanRefused unless all `places` are degrees within reach of `home`."""
    for place in places:
        if not (isfinite(place.lat_deg) and isfinite(place.lon_deg)):
            raise refuse("not-a-number", place=what)
        if abs(place.lat_deg) > 90.0 or abs(place.lon_deg) > 180.0:
            exchanged = abs(place.lat_deg) <= 180.0 and abs(place.lon_deg) <= 90.0
            if exchanged and distance_m(LatLon(place.lon_deg, place.lat_deg), home) < 1000.0 * REACH_KM:
                raise refuse("swapped", place=what, distance_km="?")
            raise refuse("wrong-crs", place=what, value=f"[{place.lon_deg:g}, {place.lat_deg:g}]")
    for place in places:
        away_km = distance_m(place, home) / 1000.0
        if away_km <= REACH_KM:
            continue
        if abs(place.lon_deg) <= 90.0:
            exchanged_km = distance_m(LatLon(place.lon_deg, place.lat_deg), home) / 1000.0
            if exchanged_km <= REACH_KM:
                raise refuse("swapped", place=what, distance_km=round(away_km))
        raise refuse("far-from-home", place=what, distance_km=round(away_km, 1), limit_km=REACH_KM)


def polygon(rings: Sequence[Sequence[LatLon]], frame: LocalFrame, what: str | Text = AREA) -> BaseGeometry:
    """Outer ring and holes as a valid polygon in the local frame. Raises PlanRefused with the reason."""
    if not rings or not rings[0]:
        raise refuse("area-empty", count=0)
    local = []
    for ring in rings:
        check_places(ring, frame.origin, what)
        corners = np.array([(p.lat_deg, p.lon_deg) for p in ring])
        xy = frame.many_to_local(corners[:, 0], corners[:, 1])
        distinct = len(np.unique(xy.round(3), axis=0))
        if distinct < 3:
            raise refuse("area-empty", count=distinct)
        local.append(xy)
    shape = shapely.Polygon(local[0], local[1:])
    if not shape.is_valid:
        repaired = shapely.Polygon(np.array(local[0]).round(3))  # corners given twice are no crossing
        if len(local) > 1 or not repaired.is_valid or repaired.area == 0.0:
            if shape.area == 0.0 or shapely.Polygon(local[0]).convex_hull.area < 1e-6:
                raise refuse("area-empty", count=len(local[0]))
            where = _crossing(shape, frame)
            raise refuse("area-self-crossing", lat=where.lat_deg, lon=where.lon_deg)
        shape = repaired
    if shape.area < 1e-6:
        raise refuse("area-empty", count=len(local[0]))
    return shape


def _crossing(shape: BaseGeometry, frame: LocalFrame) -> LatLon:
    words = shapely.is_valid_reason(shape).replace("[", " ").replace("]", " ").split()
    numbers = [float(w) for w in words if w.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()]
    if len(numbers) < 2:
        return frame.origin
    (lat_deg, lon_deg), *_ = frame.many_to_wgs84([numbers[-2:]])
    return LatLon(float(lat_deg), float(lon_deg))


def check_size(area: BaseGeometry, least_m2: float) -> None:
    """Raise PlanRefused when the area is smaller than `least_m2` or larger than a plan can be."""
    if area.area < least_m2:
        raise refuse("area-tiny", area_m2=area.area)
    if area.area > MAX_AREA_KM2 * 1e6:
        raise refuse("area-huge", area_km2=area.area / 1e6, limit_km2=MAX_AREA_KM2)


def check_overlaps(front: float, side: float) -> None:
    """Raise PlanRefused unless both are shares that leave something new in each photograph."""
    for axis, value in ((Text("front", "航向"), front), (Text("side", "旁向"), side)):
        if not (isfinite(value) and 0.0 <= value <= MAX_OVERLAP):
            raise refuse("overlap-impossible", value=value, axis=axis)


def working_height(camera: SurveyCamera, airspace: Airspace, height_m: float | None, gsd_m: float | None) -> float:
    """The height above ground from a wanted height or ground sample distance. Raises PlanRefused."""
    if height_m is None:
        if gsd_m is None or not isfinite(gsd_m) or gsd_m <= 0.0:
            raise refuse("gsd-impossible", value=gsd_m)
        height_m = camera.height_for_gsd(gsd_m)
    if not isfinite(height_m) or not LOW_M <= height_m <= airspace.ceiling_m + 1e-9:
        raise refuse(
            "height-impossible",
            height_m=height_m,
            low_m=LOW_M,
            high_m=airspace.ceiling_m,
            gsd_low_m=camera.gsd_m(LOW_M),
            gsd_high_m=camera.gsd_m(airspace.ceiling_m),
        )
    return height_m
