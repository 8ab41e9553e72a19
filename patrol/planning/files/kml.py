"""Polygons of a KML text (OGC 07-147r2). Raises GeodataUnreadable."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from patrol.errors import GeodataUnreadable
from patrol.geo import LatLon

Rings = tuple[tuple[LatLon, ...], ...]
CORNERS = 4  # of the smallest closed ring: a triangle, its first corner twice


def read_polygons(text: str, name: str) -> list[tuple[str, Rings]]:
    """Name and rings (outer first) of every polygon. A closed line is a polygon; points and open lines are labels."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise GeodataUnreadable(name=name, cause="a KML with entities of its own is not read")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities, the danger of XML, are refused above
    except ET.ParseError as err:
        raise GeodataUnreadable(name=name, cause=f"not KML: {err}") from err
    if _tag(root) != "kml":
        raise GeodataUnreadable(name=name, cause=f"not KML: its root is {_tag(root)}")
    found = []
    for n, placemark in enumerate(_all(root, "Placemark"), 1):
        word = next((" ".join((e.text or "").split()) for e in placemark if _tag(e) == "name"), "") or f"{name}-{n}"
        shapes = [_polygon(e, name) for e in _all(placemark, "Polygon")]
        lines = [_ring(e, name) for e in _all(placemark, "LineString")]
        shapes += [(line[:-1],) for line in lines if len(line) >= CORNERS and line[0] == line[-1]]
        found += [(word if len(shapes) == 1 else f"{word}-{k}", rings) for k, rings in enumerate(shapes, 1)]
    if not found:
        raise GeodataUnreadable(name=name, cause="it holds no polygon")
    return found


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ET.Element, tag: str) -> Iterator[ET.Element]:
    return (e for e in element.iter() if _tag(e) == tag)


def _polygon(element: ET.Element, name: str) -> Rings:
    sides = [e for side in ("outerBoundaryIs", "innerBoundaryIs") for e in _all(element, side)]
    rings = [_ring(side, name) for side in sides]
    if not rings or _tag(sides[0]) != "outerBoundaryIs":
        raise GeodataUnreadable(name=name, cause="a polygon without outer boundary")
    return tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring for ring in rings)


def _ring(element: ET.Element, name: str) -> tuple[LatLon, ...]:
    words = next((e.text or "" for e in _all(element, "coordinates")), "")
    try:
        places = [[float(number) for number in tuple_.split(",")[:2]] for tuple_ in words.split()]
        return tuple(LatLon(lat, lon) for lon, lat in places)
    except ValueError as err:
        raise GeodataUnreadable(name=name, cause=f"coordinates: {err}") from err
