"""No-fly zones and areas from GeoJSON, ED-269, ED-318 and KML. Raises GeodataUnreadable."""

from __future__ import annotations

import json
from math import inf, isfinite, isnan
from typing import Any

from patrol.errors import GeodataUnreadable, Text
from patrol.geo import LatLon
from patrol.planning.airspace import Circle, Span, Zone
from patrol.planning.files.geozones import ed269_zones, ed318_zones, is_ed318, moment_s
from patrol.planning.files.kml import read_polygons

_EMPTY = Text("it is empty", "它是空的")
_NO_ZONES = Text("it holds no zone: it would forbid nothing", "其中没有任何区域：什么也禁不了")
TRIANGLE = 3  # corners of the smallest ring, its first corner not repeated


def read_areas(text: str, name: str) -> tuple[tuple[tuple[LatLon, ...], ...], ...]:
    """Every polygon of a GeoJSON or KML text as rings, outer first."""
    if _is_xml(text):
        areas = [rings for _, rings in read_polygons(text, name)]
    else:
        areas = [rings for _, geometry in _features(text, name) for rings in _polygons(geometry, name)]
    if not areas:
        raise GeodataUnreadable(name=name, cause="it holds no polygon")
    for n, rings in enumerate(areas, 1):
        _check_shape(rings, f"area {n}", name)
    return tuple(areas)


def read_lines(text: str, name: str) -> tuple[tuple[LatLon, ...], ...]:
    """Every line of a GeoJSON text."""
    lines = []
    for _, geometry in _features(text, name):
        if geometry["type"] == "LineString":
            lines.append(_line(geometry["coordinates"], name))
        elif geometry["type"] == "MultiLineString":
            lines += [_line(part, name) for part in geometry["coordinates"]]
    return tuple(lines)


def read_zones(text: str, name: str, starts_at_s: float | None = None) -> tuple[Zone, ...]:
    """Zones of a GeoJSON, ED-269, ED-318 or KML text.

    GeoJSON properties: id, floor_m, ceiling_m, radius_m (of a point), begins and ends (ISO 8601 with offset). KML
    says nothing of heights and hours that a program could trust: its polygons reach from the ground up, always.
    starts_at_s: when the flight starts, seconds since 1970; zones with daily hours then count only in them.
    A zone that is nowhere on Earth or encloses nothing is refused with its file: it would forbid nothing, unnoticed.
    """
    zones = _zones(text, name, starts_at_s)
    if not zones and _is_without_zones(text, name):
        raise GeodataUnreadable(name=name, cause=_NO_ZONES)
    for zone in zones:
        _check_shape(zone.shape, f"zone {zone.id}", name)
        if isnan(zone.floor_m) or isnan(zone.ceiling_m) or zone.floor_m > zone.ceiling_m:
            raise GeodataUnreadable(
                name=name, cause=f"zone {zone.id}: from {zone.floor_m:g} m up to {zone.ceiling_m:g} m"
            )
    return zones


def _zones(text: str, name: str, starts_at_s: float | None) -> tuple[Zone, ...]:
    if _is_xml(text):
        return tuple(Zone(word, rings) for word, rings in read_polygons(text, name))
    document = _json(text, name)
    try:
        if isinstance(document, dict) and "UASZoneList" in document:
            return tuple(z for stored in document["UASZoneList"] for z in ed269_zones(stored, name, starts_at_s))
        if isinstance(document, dict) and "features" in document:
            _check_crs(document, name)
            zones = []
            for n, feature in enumerate(document["features"]):
                if is_ed318(feature):
                    zones += ed318_zones(feature, name, starts_at_s)
                else:
                    zones += _geojson_zone(n, *_feature(feature, name), name)
            return tuple(zones)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as err:
        raise GeodataUnreadable(name=name, cause=f"{type(err).__name__}: {err}") from err
    raise GeodataUnreadable(name=name, cause="neither GeoJSON, ED-269, ED-318 nor KML")


def _is_without_zones(text: str, name: str) -> bool:
    """Whether there is none at all: not whether none of many counts at the time of the flight."""
    if _is_xml(text):
        return True
    document = _json(text, name)
    return not (document.get("features") or document.get("UASZoneList"))


def _check_shape(shape: Circle | tuple[tuple[LatLon, ...], ...], what: str, name: str) -> None:
    rings = ((shape.centre,),) if isinstance(shape, Circle) else shape
    for at in (corner for ring in rings for corner in ring):
        if not (abs(at.lat_deg) <= 90 and abs(at.lon_deg) <= 180):
            raise GeodataUnreadable(name=name, cause=f"{what}: {at.lat_deg:g} N {at.lon_deg:g} E is not on Earth")
    if isinstance(shape, Circle):
        if not (isfinite(shape.radius_m) and shape.radius_m > 0):
            raise GeodataUnreadable(name=name, cause=f"{what}: a radius of {shape.radius_m:g} m")
    elif not rings or any(len(set(ring)) < TRIANGLE for ring in rings):
        raise GeodataUnreadable(name=name, cause=f"{what}: a ring of fewer than three corners")


def _is_xml(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def _json(text: str, name: str) -> Any:
    if not text.strip("\ufeff \t\r\n"):
        raise GeodataUnreadable(name=name, cause=_EMPTY)
    try:
        return json.loads(text.removeprefix("\ufeff"))  # the mark that some editors write first
    except (ValueError, RecursionError) as err:
        raise GeodataUnreadable(name=name, cause=f"not JSON: {err}") from err


def _features(text: str, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    document = _json(text, name)
    if not isinstance(document, dict):
        raise GeodataUnreadable(name=name, cause="not a GeoJSON object")
    _check_crs(document, name)
    kind = document.get("type")
    if kind == "FeatureCollection":
        return [_feature(feature, name) for feature in document.get("features") or []]
    return [_feature(document if kind == "Feature" else {"properties": {}, "geometry": document}, name)]


def _check_crs(document: dict[str, Any], name: str) -> None:
    crs = ((document.get("crs") or {}).get("properties") or {}).get("name", "CRS84")
    if not any(word in str(crs) for word in ("CRS84", "4326", "4490", "4979")):
        raise GeodataUnreadable(name=name, cause=f"coordinate system {crs}; WGS 84 is needed")


def _feature(feature: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or "type" not in geometry:
        raise GeodataUnreadable(name=name, cause="a feature without geometry")
    return feature.get("properties") or {}, geometry


def _line(points: Any, name: str) -> tuple[LatLon, ...]:
    try:
        return tuple(LatLon(float(p[1]), float(p[0])) for p in points)
    except (TypeError, ValueError, IndexError) as err:
        raise GeodataUnreadable(name=name, cause=f"coordinates: {err}") from err


def _ring(points: Any, name: str) -> tuple[LatLon, ...]:
    ring = _line(points, name)
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring


def _polygons(geometry: dict[str, Any], name: str) -> list[tuple[tuple[LatLon, ...], ...]]:
    if geometry["type"] == "Polygon":
        return [tuple(_ring(r, name) for r in geometry["coordinates"])]
    if geometry["type"] == "MultiPolygon":
        return [tuple(_ring(r, name) for r in part) for part in geometry["coordinates"]]
    return []


def _geojson_zone(n: int, facts: dict[str, Any], geometry: dict[str, Any], name: str) -> list[Zone]:
    begins, ends = moment_s(facts.get("begins")), moment_s(facts.get("ends"))
    active = () if begins is None and ends is None else (Span(begins if begins is not None else -inf, ends if ends is not None else inf),)  # fmt: skip
    low, high = float(facts.get("floor_m", 0.0)), facts.get("ceiling_m")
    top = inf if high is None else float(high)
    word = str(facts.get("id") or facts.get("name") or f"{name}-{n + 1}")
    if geometry["type"] == "Point" and "radius_m" in facts:
        place = geometry["coordinates"]
        return [
            Zone(word, Circle(LatLon(float(place[1]), float(place[0])), float(facts["radius_m"])), low, top, active)
        ]
    polygons = _polygons(geometry, name)
    if not polygons:
        raise GeodataUnreadable(name=name, cause=f"zone {word} is neither a polygon nor a point with radius_m")
    return [Zone(word, rings, low, top, active) for rings in polygons]
