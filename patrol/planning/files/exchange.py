"""A plan for maps and tables: GeoJSON, KML, CSV of photographs."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from patrol.geo import LatLon
from patrol.planning.airspace import Circle
from patrol.planning.plan import FlightPlan, Sortie


def write_geojson(plan: FlightPlan) -> str:
    """Route of each sortie, photographs, areas and zones; [longitude, latitude, height above sea or home]."""
    features = [
        _feature("LineString", _route(plan, sortie), {"kind": "route", "sortie": n, "duration_s": sortie.duration_s})
        for n, sortie in enumerate(plan.sorties, 1)
    ]
    for n, sortie in enumerate(plan.sorties, 1):
        where = plan.frame.many_to_wgs84([(s.east_m, s.north_m) for s in sortie.shots] or [(0.0, 0.0)])
        for (lat, lon), shot in zip(where, sortie.shots, strict=False):
            seen = {"kind": "photo", "sortie": n, "yaw_deg": shot.yaw_deg, "pitch_deg": shot.pitch_deg}
            features.append(_feature("Point", [float(lon), float(lat), _up(plan, shot.up_m)], seen))
    features += [_feature("Polygon", [_closed(ring)], {"kind": "target"}) for ring in plan.targets if len(ring) > 2]
    for zone in plan.airspace.zones:
        facts: dict[str, Any] = {"kind": "zone", "id": zone.id, "floor_m": zone.floor_m}
        if isinstance(zone.shape, Circle):
            centre = zone.shape.centre
            facts["radius_m"] = zone.shape.radius_m
            features.append(_feature("Point", [centre.lon_deg, centre.lat_deg], facts))
        else:
            features.append(_feature("Polygon", [_closed(ring) for ring in zone.shape], facts))
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1) + "\n"


def _feature(kind: str, coordinates: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def _up(plan: FlightPlan, up_m: float) -> float:
    return round(up_m + plan.home_amsl_m, 3)


def _route(plan: FlightPlan, sortie: Sortie) -> list[list[float]]:
    where = plan.frame.many_to_wgs84([(w.east_m, w.north_m) for w in sortie.waypoints])
    return [[float(lon), float(lat), _up(plan, w.up_m)] for (lat, lon), w in zip(where, sortie.waypoints, strict=True)]


def _closed(ring: tuple[LatLon, ...]) -> list[list[float]]:
    corners = [[p.lon_deg, p.lat_deg] for p in ring]
    return corners if corners[0] == corners[-1] else [*corners, corners[0]]


def write_csv(plan: FlightPlan) -> str:
    """One row a photograph: number, sortie, place, height above home, direction."""
    rows = ["photo,sortie,latitude_deg,longitude_deg,height_above_home_m,yaw_deg,pitch_deg,label"]
    number = 0
    for n, sortie in enumerate(plan.sorties, 1):
        where = plan.frame.many_to_wgs84([(s.east_m, s.north_m) for s in sortie.shots] or [(0.0, 0.0)])
        for (lat, lon), s in zip(where, sortie.shots, strict=False):
            number += 1
            label = s.label.replace('"', "'")
            rows.append(
                f'{number},{n},{lat:.9f},{lon:.9f},{s.up_m:.2f},{s.yaw_deg % 360.0:.1f},{s.pitch_deg:.1f},"{label}"'
            )
    return "\n".join(rows) + "\n"


def write_kml(plan: FlightPlan) -> str:
    """Routes as lines in the air, areas and zones on the ground; opens in any earth viewer."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>',
        f"<name>{escape(plan.name)}</name>",
    ]
    for n, sortie in enumerate(plan.sorties, 1):
        where = plan.frame.many_to_wgs84([(w.east_m, w.north_m) for w in sortie.waypoints])
        line = " ".join(
            f"{lon:.9f},{lat:.9f},{w.up_m:.2f}" for (lat, lon), w in zip(where, sortie.waypoints, strict=True)
        )
        parts.append(
            f"<Placemark><name>{escape(plan.name)} {n}</name><LineString><altitudeMode>relativeToGround</altitudeMode>"
            f"<coordinates>{line}</coordinates></LineString></Placemark>"
        )
    rings = [("target", ring) for ring in plan.targets if len(ring) > 2]
    rings += [(escape(z.id), z.shape[0]) for z in plan.airspace.zones if not isinstance(z.shape, Circle)]
    parts += [f"<Placemark><name>{name}</name>{_kml_polygon(ring)}</Placemark>" for name, ring in rings]
    return "\n".join([*parts, "</Document></kml>"]) + "\n"


def _kml_polygon(ring: tuple[LatLon, ...]) -> str:
    corners = " ".join(f"{lon:.9f},{lat:.9f}" for lon, lat in _closed(ring))
    return (
        f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{corners}</coordinates></LinearRing>"
        "</outerBoundaryIs></Polygon>"
    )
