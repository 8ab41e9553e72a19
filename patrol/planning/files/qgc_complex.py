"""Complex items of QGroundControl: as stored, or made again from polygon, spacing, angle and height by our sweep."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np
import shapely

from patrol.errors import MissionUnreadable
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.mission import (
    DO_SET_CAM_TRIGG_DIST,
    FRAME_AMSL,
    FRAME_MISSION,
    FRAME_RELATIVE,
    NAV_WAYPOINT,
    Item,
)
from patrol.planning.sweep import Grain, lines

TRANSECTS = {"survey", "CorridorScan"}
COMPLEX_VERSIONS = {"survey": {4, 5}, "CorridorScan": {2, 3}}
TRANSECT_VERSION = 1


def complex_items(
    stored: dict[str, Any], name: str, n: int, simple: Callable[[dict[str, Any]], Item], *, regenerate: bool
) -> list[Item]:
    """The simple items that a complex item stands for. Raises MissionUnreadable for kinds that are not known."""
    kind = stored.get("complexItemType")
    if kind == "StructureScan":
        return _structure(stored)
    if kind not in TRANSECTS:
        raise MissionUnreadable(name=name, cause=f"item {n} is a complex item of unknown kind {kind}")
    if stored.get("version") not in COMPLEX_VERSIONS[kind]:
        raise MissionUnreadable(name=name, cause=f"item {n}: {kind} of version {stored.get('version')} is not known")
    style = stored["TransectStyleComplexItem"]
    if style.get("version") not in (TRANSECT_VERSION, 2):
        raise MissionUnreadable(
            name=name, cause=f"item {n}: transect version {style.get('version')}, known are 1 and 2"
        )
    kept = style.get("Items") or []
    if kept and not regenerate:
        return [simple(item) for item in kept]
    if kind != "survey":
        raise MissionUnreadable(name=name, cause=f"item {n}: a {kind} without its items")
    return _survey(stored, style)


def _survey(stored: dict[str, Any], style: dict[str, Any]) -> list[Item]:
    camera = style["CameraCalc"]
    frame, area = _area(stored["polygon"])
    side, front = float(camera["AdjustedFootprintSide"]), float(camera["AdjustedFootprintFrontal"])
    if side <= 0.0 or front <= 0.0:
        raise ValueError("spacing between lines and photographs must be positive")
    height = float(camera["DistanceToSurface"])
    vertical = FRAME_RELATIVE if camera.get("DistanceToSurfaceRelative", True) else FRAME_AMSL
    overshoot = float(style.get("TurnAroundDistance", 0.0))
    angle = float(stored.get("angle", 0.0))
    passes = [angle, angle + 90.0] if style.get("Refly90Degrees") else [angle]
    items = list[Item]()

    def go(place: EastNorth, trigger: float | None) -> None:
        at = frame.to_wgs84(place)
        items.append(Item(NAV_WAYPOINT, vertical, 0.0, 0.0, 0.0, nan, at.lat_deg, at.lon_deg, height))
        if trigger is not None:
            items.append(Item(DO_SET_CAM_TRIGG_DIST, FRAME_MISSION, trigger, 0.0, 1.0 if trigger else 0.0))

    for bearing in passes:
        grain = Grain(bearing, side, front, side, front)
        for k, line in enumerate(lines(grain.to_sweep(area), None, grain)):
            ends = [(line.x0 - overshoot, line.x0), (line.x1 + overshoot, line.x1)]
            (far0, x0), (far1, x1) = ends if k % 2 == 0 else ends[::-1]
            if overshoot > 0.0:
                go(grain.place(far0, line.y), None)
            go(grain.place(x0, line.y), front)
            go(grain.place(x1, line.y), 0.0)
            if overshoot > 0.0:
                go(grain.place(far1, line.y), None)
    return items


def _structure(stored: dict[str, Any]) -> list[Item]:
    """Rings around a building, one a layer, at the distance of the camera."""
    camera = stored["CameraCalc"]
    frame, area = _area(stored["polygon"])
    distance = float(camera["DistanceToSurface"])
    layers, step = int(stored["Layers"]), float(camera["AdjustedFootprintFrontal"])
    if not 1 <= layers <= 200:
        raise ValueError(f"{layers} layers")
    bottom = float(stored["ScanBottomAlt"])
    heights = [bottom + (k + 0.5) * step for k in range(layers)]
    if stored.get("StartFromTop"):
        heights.reverse()
    ring = shapely.get_coordinates(shapely.convex_hull(area).buffer(distance, join_style="mitre"))
    items = list[Item]()
    for height in heights:
        for n, (lat, lon) in enumerate(frame.many_to_wgs84(ring)):
            items.append(Item(NAV_WAYPOINT, FRAME_RELATIVE, 0.0, 0.0, 0.0, nan, float(lat), float(lon), height))
            if n == 0:
                side = float(camera["AdjustedFootprintSide"])
                items.append(Item(DO_SET_CAM_TRIGG_DIST, FRAME_MISSION, side, 0.0, 1.0))
        items.append(Item(DO_SET_CAM_TRIGG_DIST, FRAME_MISSION, 0.0, 0.0, 0.0))
    return items


def _area(corners: list[list[float]]) -> tuple[LocalFrame, shapely.Polygon]:
    points = np.array(corners, float)
    frame = LocalFrame(LatLon(float(points[0, 0]), float(points[0, 1])))
    area = shapely.Polygon(frame.many_to_local(points[:, 0], points[:, 1]))
    if not area.is_valid or area.area == 0.0:
        raise ValueError("its polygon crosses itself or has no area")
    return frame, area
