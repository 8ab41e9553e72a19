"""UAS geographical zones of an authority: ED-269 JSON and its successor ED-318 (a GeoJSON profile).

Whatever a zone does not plainly allow counts as forbidden: PROHIBITED, an authorisation that is needed, conditions
that a person must read, and any word unknown here. Heights above sea or ellipsoid count from the ground up and
without limit. Daily hours count when the start of the flight is known; hours tied to sunrise or sunset are the whole day.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from math import inf
from typing import Any

from patrol.errors import GeodataUnreadable
from patrol.geo import LatLon
from patrol.planning.airspace import Circle, Span, Zone
from patrol.planning.periods import Daily, active_spans

FOOT_M = 0.3048
ALLOWING = {"NO_RESTRICTION"}
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
Outline = Circle | tuple[tuple[LatLon, ...], ...]


def ed269_zones(stored: dict[str, Any], name: str, starts_at_s: float | None) -> list[Zone]:
    """The volumes of one UASZone."""
    word = str(stored.get("identifier") or _text(stored.get("name")) or name)
    if str(stored.get("restriction", "PROHIBITED")).upper() in ALLOWING:
        return []
    zones = []
    for part in stored["geometry"]:
        shape = part["horizontalProjection"]
        kind, unit = str(shape["type"]).upper(), _unit(part.get("uomDimensions"))
        if kind == "CIRCLE":
            lon, lat = shape["center"][:2]
            outline: Outline = Circle(LatLon(float(lat), float(lon)), float(shape["radius"]) * unit)
        elif kind == "POLYGON":
            outline = _rings(shape["coordinates"])
        else:
            raise GeodataUnreadable(name=name, cause=f"zone {word} has a shape of kind {shape['type']}")
        low_m = _height(part.get("lowerLimit"), part.get("lowerVerticalReference"), unit, 0.0)
        high_m = _height(part.get("upperLimit"), part.get("upperVerticalReference"), unit, inf)
        zones.append((outline, low_m, high_m))
    return _active(word, zones, stored.get("applicability"), stored.get("reason"), starts_at_s)


def is_ed318(feature: Any) -> bool:
    """Whether a GeoJSON feature is a zone of ED-318: its geometry has a layer of heights."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and any("layer" in part for part in _parts(geometry))


def ed318_zones(feature: dict[str, Any], name: str, starts_at_s: float | None) -> list[Zone]:
    """The volumes of one zone feature."""
    facts = feature["properties"]
    word = str(facts.get("identifier") or _text(facts.get("name")) or name)
    if str(facts.get("type", "PROHIBITED")).upper() in ALLOWING:
        return []
    zones = []
    for part in _parts(feature["geometry"]):
        layer = part.get("layer") or {}
        unit = _unit(layer.get("uom"))
        extent = part.get("extent") or {}
        if part["type"] == "Point" and str(extent.get("subType", "")).upper() == "CIRCLE":
            lon, lat = part["coordinates"][:2]
            outline: Outline = Circle(LatLon(float(lat), float(lon)), float(extent["radius"]))
        elif part["type"] == "Polygon":
            outline = _rings(part["coordinates"])
        else:
            raise GeodataUnreadable(name=name, cause=f"zone {word} has a shape of kind {part['type']}")
        low_m = _height(layer.get("lower"), layer.get("lowerReference"), unit, 0.0)
        high_m = _height(layer.get("upper"), layer.get("upperReference"), unit, inf)
        zones.append((outline, low_m, high_m))
    return _active(word, zones, facts.get("limitedApplicability"), facts.get("reason"), starts_at_s)


def moment_s(value: Any) -> float | None:
    """Seconds since 1970 of an ISO 8601 text, UTC where it names no offset; None for nothing."""
    if value in (None, ""):
        return None
    moment = datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _parts(geometry: dict[str, Any]) -> list[dict[str, Any]]:
    if geometry.get("type") == "GeometryCollection":
        return list(geometry.get("geometries") or [])
    return [geometry]


def _active(
    word: str, parts: list[tuple[Outline, float, float]], periods: Any, reason: Any, starts_at_s: float | None
) -> list[Zone]:
    spans = _spans(periods or [], starts_at_s)
    if spans is None:
        return []
    why = reason if isinstance(reason, str) else ", ".join(str(one) for one in reason or [])
    names = [word] if len(parts) == 1 else [f"{word}-{n}" for n in range(1, len(parts) + 1)]
    return [Zone(one, *part, spans, why) for one, part in zip(names, parts, strict=True)]


def _spans(periods: list[dict[str, Any]], starts_at_s: float | None) -> tuple[Span, ...] | None:
    """When it is active: `()` always, None never near the flight."""
    found: list[Span] = []
    for period in periods:
        begins_s, ends_s = moment_s(period.get("startDateTime")), moment_s(period.get("endDateTime"))
        permanent = str(period.get("permanent", "NO")).upper() == "YES"
        bounds = (-inf, inf) if permanent else (begins_s, ends_s)
        whole = Span(-inf if bounds[0] is None else bounds[0], inf if bounds[1] is None else bounds[1])
        dailies = [d for one in period.get("schedule") or period.get("dailyPeriod") or [] for d in _dailies(one)]
        spans = active_spans(whole, dailies, starts_at_s)
        if spans == ():
            return ()
        found += spans or ()
    return tuple(found) or (None if periods else ())


def _dailies(period: dict[str, Any]) -> list[Daily]:
    """Hours of one period; a side that has none, or an event of the sun instead, is midnight."""
    begins, ends = _time(period.get("startTime")), _time(period.get("endTime"))
    given = period.get("day") or []
    words = {str(day).upper()[:3] for day in (given if isinstance(given, list) else [given])}
    days = frozenset() if not words or "ANY" in words else frozenset(WEEKDAYS.index(word) for word in words)
    zone = begins.tzinfo or ends.tzinfo or UTC
    return [Daily(begins.replace(tzinfo=None), ends.replace(tzinfo=None), zone, days)]


def _time(value: Any) -> time:
    return time.min if value in (None, "") else time.fromisoformat(str(value))


def _height(value: Any, reference: Any, unit: float, otherwise: float) -> float:
    if value in (None, "") or str(reference or "AGL").upper() != "AGL":
        return otherwise
    return float(value) * unit


def _unit(word: Any) -> float:
    return FOOT_M if str(word or "M").upper() in ("FT", "FEET") else 1.0


def _text(value: Any) -> str:
    """A text, or the first of several languages'."""
    if isinstance(value, list):
        return next((str(one.get("text", "")) for one in value if isinstance(one, dict)), "")
    return str(value or "")


def _rings(rings: Any) -> tuple[tuple[LatLon, ...], ...]:
    found = []
    for ring in rings:
        corners = tuple(LatLon(float(p[1]), float(p[0])) for p in ring)
        found.append(corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners)
    return tuple(found)
