"""The district as GeoJSON (RFC 7946): what the page's map is drawn from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patrol.center.answers import District, Name
from patrol.config import Config
from patrol.geo import LatLon

Feature = dict[str, Any]


def district(config: Config) -> District:
    """Boundary, cells, buildings, roads, fire lanes, ponding points and cameras of a configuration."""
    return District(
        id=config.district.id,
        name=Name(zh=config.district.name.zh, en=config.district.name.en),
        timezone=config.district.timezone,
        drill=config.district.drill,
        features=list(_features(config)),
    )


def _features(config: Config) -> Iterable[Feature]:
    yield _feature("boundary", config.district.id, config.district.name, _polygon(config.district.boundary))
    for cell in config.grid:
        yield _feature("cell", cell.id, None, _polygon(cell.area), unit=cell.unit)
    for building in config.buildings:
        outline = _polygon(building.footprint)
        yield _feature("building", building.id, building.name, outline, height_m=building.height_m)
    for road in config.roads:
        line = {"type": "LineString", "coordinates": [_pair(point) for point in road.line]}
        yield _feature("road", road.id, road.name, line, width_m=road.width_m)
    for lane in config.fire_lanes:
        yield _feature("fire_lane", lane.id, lane.name, _polygon(lane.area), building=lane.building)
    for point in config.ponding_points:
        yield _feature("ponding_point", point.id, point.name, _point(point.at))
    for camera in config.cameras:
        pose = camera.pose
        yield _feature(
            "camera", camera.id, camera.name, None if pose is None else _point(pose.at), box=camera.box,
            yaw_deg=None if pose is None else pose.yaw_deg, hfov_deg=camera.lens.hfov_deg,
        )  # fmt: skip


def _feature(kind: str, name_id: str, name: Any, geometry: Feature | None, **properties: object) -> Feature:
    said = None if name is None else {"zh": name.zh, "en": name.en}
    about = {"kind": kind, "id": name_id, "name": said, **properties}
    return {"type": "Feature", "id": f"{kind}/{name_id}", "geometry": geometry, "properties": about}


def _pair(point: LatLon) -> list[float]:
    return [point.lon_deg, point.lat_deg]


def _point(point: LatLon) -> Feature:
    return {"type": "Point", "coordinates": _pair(point)}


def _polygon(ring: Sequence[LatLon]) -> Feature:
    """A ring of RFC 7946: closed, and counter-clockwise."""
    corners = [_pair(point) for point in ring]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    if area < 0:
        corners.reverse()
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
