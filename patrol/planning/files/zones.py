"""No-fly zones and areas from GeoJSON and ED-269 JSON. Raises GeodataUnreadable; nothing is skipped silently."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import inf
from typing import Any

from patrol.errors import GeodataUnreadable
from patrol.geo import LatLon
from patrol.planning.airspace import Circle, Span, Zone

FOOT_M = 0.3048
FORBIDDING = {"PROHIBITED", "REQ_AUTHORISATION", "REQ_AUTHORIZATION"}


def read_areas(text: str, name: str) -> tuple[tuple[tuple[LatLon, ...], ...], ...]:
    """Every polygon of a GeoJSON text as rings, outer first."""
    areas = [rings for _, geometry in _features(text, name) for rings in _polygons(geometry, name)]
    if not areas:
        raise GeodataUnreadable(name=name, cause="it holds no polygon")
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


def read_zones(text: str, name: str) -> tuple[Zone, ...]:
    """Zones of a GeoJSON or ED-269 text.

    GeoJSON properties: id, floor_m, ceiling_m, radius_m (of a point), begins and ends (ISO 8601 with offset).
    """
    document = _json(text, name)
    try:
        if isinstance(document, dict) and any(key in document for key in ("UASZoneList", "features")):
            if "UASZoneList" in document:
                return tuple(z for stored in document["UASZoneList"] for z in _ed269(stored, name))
            return tuple(z for n, f in enumerate(_features(text, name)) for z in _geojson_zone(n, *f, name))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as err:
        raise GeodataUnreadable(name=name, cause=f"{type(err).__name__}: {err}") from err
    raise GeodataUnreadable(name=name, cause="neither GeoJSON nor ED-269")


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as err:
        raise GeodataUnreadable(name=name, cause=f"not JSON: {err}") from err


def _features(text: str, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    document = _json(text, name)
    if not isinstance(document, dict):
        raise GeodataUnreadable(name=name, cause="not a GeoJSON object")
    crs = ((document.get("crs") or {}).get("properties") or {}).get("name", "CRS84")
    if not any(word in str(crs) for word in ("CRS84", "4326", "4490", "4979")):
        raise GeodataUnreadable(name=name, cause=f"coordinate system {crs}; WGS 84 is needed")
    kind = document.get("type")
    if kind == "FeatureCollection":
        found = document.get("features") or []
    else:
        found = [document if kind == "Feature" else {"properties": {}, "geometry": document}]
    pairs = []
    for feature in found:
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict) or "type" not in geometry:
            raise GeodataUnreadable(name=name, cause="a feature without geometry")
        pairs.append((feature.get("properties") or {}, geometry))
    return pairs


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


def _moment(value: Any) -> float | None:
    if value in (None, ""):
        return None
    moment = datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _geojson_zone(n: int, facts: dict[str, Any], geometry: dict[str, Any], name: str) -> list[Zone]:
    begins, ends = _moment(facts.get("begins")), _moment(facts.get("ends"))
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


def _ed269(stored: dict[str, Any], name: str) -> list[Zone]:
    """One UASZone. What needs an authorisation counts as forbidden. Heights above sea count from the ground: safe."""
    if str(stored.get("restriction", "PROHIBITED")).upper() not in FORBIDDING:
        return []
    spans = list[Span]()
    for period in stored.get("applicability") or []:
        begins, ends = _moment(period.get("startDateTime")), _moment(period.get("endDateTime"))
        if str(period.get("permanent", "YES")).upper() == "YES" or (begins is None and ends is None):
            spans = []
            break
        spans.append(Span(begins if begins is not None else -inf, ends if ends is not None else inf))
    zones = []
    for n, part in enumerate(stored["geometry"]):
        unit = FOOT_M if str(part.get("uomDimensions", "M")).upper() in ("FT", "FEET") else 1.0
        above_ground = str(part.get("lowerVerticalReference", "AGL")).upper() == "AGL"
        low = float(part.get("lowerLimit") or 0.0) * unit if above_ground else 0.0
        upper = part.get("upperLimit")
        to_ground = str(part.get("upperVerticalReference", "AGL")).upper() == "AGL"
        high = float(upper) * unit if upper not in (None, "") and to_ground else inf
        shape = part["horizontalProjection"]
        word = str(stored.get("identifier") or stored.get("name") or name)
        word = word if len(stored["geometry"]) == 1 else f"{word}-{n + 1}"
        kind = str(shape["type"]).upper()
        if kind == "CIRCLE":
            centre = shape["center"]
            outline: Circle | tuple[tuple[LatLon, ...], ...] = Circle(
                LatLon(float(centre[1]), float(centre[0])), float(shape["radius"]) * unit
            )
        elif kind == "POLYGON":
            outline = tuple(_ring(r, name) for r in shape["coordinates"])
        else:
            raise GeodataUnreadable(name=name, cause=f"zone {word} has a shape of kind {shape['type']}")
        zones.append(Zone(word, outline, low, high, tuple(spans), str(stored.get("reason", ""))))
    return zones
