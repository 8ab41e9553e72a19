"""What no single field can know: duplicate ids, references, zones and pictures, places far away.

These checks read the raw document, not the parsed one, so that they find their problems even while
other parts of the file are wrong. They look only at what is well-formed; the shape reports the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patrol.config.lines import Lines, Path, dotted
from patrol.config.problems import Problem
from patrol.errors import Text
from patrol.geo import LatLon, distance_m

MAX_DISTANCE_M = 60_000
SECTIONS = (
    "units",
    "grid",
    "buildings",
    "roads",
    "fire_lanes",
    "ponding_points",
    "boxes",
    "cameras",
    "sensor_models",
    "sensors",
    "drone_models",
    "drones",
    "patrols",
)
# a patrol names its targets by these ids, and a drone's box remembers by them
MAPPED = ("buildings", "roads", "fire_lanes", "ponding_points")
WATCHED_FROM_ABOVE = ("fire_lanes", "ponding_points")  # by their own ids; roofs are watched as roof-ID
OPEN_FIRE = "open-fire"  # a box's own name for what burns anywhere below a drone
# field of a section -> the sections whose ids it may name
REFERENCES = {
    ("units", "parent"): ("units",),
    ("grid", "unit"): ("units",),
    ("fire_lanes", "building"): ("buildings",),
    ("cameras", "box"): ("boxes",),
    ("sensors", "box"): ("boxes",),
    ("sensors", "model"): ("sensor_models",),
    ("sensors", "camera"): ("cameras",),
    ("drones", "model"): ("drone_models",),
    ("patrols", "drone"): ("drones",),
    ("patrols", "targets"): ("ponding_points", "fire_lanes", "buildings", "roads"),
}
POSITION_FIELDS = {"at", "home", "origin"}
RING_FIELDS = {"boundary", "area", "footprint", "line"}


def check_document(document: dict[str, Any], lines: Lines) -> list[Problem]:
    """Everything that is wrong between the parts of a configuration."""
    return [
        *_duplicates(document, lines),
        *_references(document, lines),
        *_zones(document, lines),
        *_far_away(document, lines),
    ]


def _items(document: dict[str, Any], section: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    items = document.get(section)
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield (section, index), item


def _ids(document: dict[str, Any], sections: tuple[str, ...]) -> list[str]:
    return [item["id"] for s in sections for _, item in _items(document, s) if isinstance(item.get("id"), str)]


def _repeated(things: Iterator[tuple[Path, dict[str, Any]]], kind: str, lines: Lines) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for path, item in things:
        name, line = item.get("id"), lines.of((*path, "id"))
        if not isinstance(name, str):
            continue
        if name in first:
            facts = {"value": name, "kind": kind, "first_line": first[name]}
            yield Problem("duplicate-id", line, dotted((*path, "id")), facts)
        first.setdefault(name, line)


def _camera_zones(document: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any], list[tuple[Path, dict[str, Any]]]]]:
    for path, camera in _items(document, "cameras"):
        zones = camera.get("zones")
        listed = [
            ((*path, "zones", n), z)
            for n, z in enumerate(zones if isinstance(zones, list) else [])
            if isinstance(z, dict)
        ]
        yield path, camera, listed


def _drones_with_camera(document: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, drone) for path, drone in _items(document, "drones") if isinstance(drone.get("camera"), dict)]


def _duplicates(document: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    for section in SECTIONS:
        yield from _repeated(_items(document, section), section, lines)
    for path, _, zones in _camera_zones(document):
        yield from _repeated(iter(zones), f"{dotted(path)}.zones", lines)
    yield from _shared_on_the_map(document, lines)
    cameras = {name: path for path, camera in _items(document, "cameras") if isinstance(name := camera.get("id"), str)}
    for path, drone in _drones_with_camera(document):
        name = drone.get("id")
        if isinstance(name, str) and name in cameras:  # alerts name a drone's camera by the drone
            first_line = lines.of((*cameras[name], "id"))
            facts = {"value": name, "kind": "cameras, drones", "first_line": first_line}
            yield Problem("duplicate-id", lines.of((*path, "id")), dotted((*path, "id")), facts)


def _shared_on_the_map(document: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    """Two things of the map of one name: a target would mean either, and on a drone's box they would share what is remembered."""
    taken = {OPEN_FIRE: Text("what may burn anywhere below a drone", "无人机下方任何可能起火处")}
    for _, building in _items(document, "buildings"):
        if isinstance(name := building.get("id"), str) and isinstance(building.get("roof"), dict):
            taken[f"roof-{name}"] = Text(f"the roof of {name}", f"{name} 的屋顶")
    first: dict[str, tuple[str, int]] = {}
    for section in MAPPED:
        for path, item in _items(document, section):
            name, line = item.get("id"), lines.of((*path, "id"))
            if not isinstance(name, str):
                continue
            kind, first_line = first.setdefault(name, (section, line))
            if kind != section:
                facts = {"value": name, "kind": f"{kind}, {section}", "first_line": first_line}
                yield Problem("duplicate-id", line, dotted((*path, "id")), facts)
            elif name in taken and section in WATCHED_FROM_ABOVE:
                yield Problem("reserved-id", line, dotted((*path, "id")), {"value": name, "meaning": taken[name]})


def _references(document: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    def unknown(value: object, path: Path, sections: tuple[str, ...]) -> Iterator[Problem]:
        known = _ids(document, sections)
        if isinstance(value, str) and value not in known:
            facts = {"value": value, "kind": ", ".join(sections), "known": ", ".join(known[:12]) or "-"}
            yield Problem("unknown-reference", lines.of(path), dotted(path), facts)

    for (section, field), sections in REFERENCES.items():
        for path, item in _items(document, section):
            value = item.get(field)
            for n, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
                yield from unknown(one, (*path, field) if n is None else (*path, field, n), sections)
    for _, _, zones in _camera_zones(document):
        for path, zone in zones:
            yield from unknown(zone.get("fire_lane"), (*path, "fire_lane"), ("fire_lanes",))
    for path, drone in _drones_with_camera(document):
        yield from unknown(drone["camera"].get("box"), (*path, "camera", "box"), ("boxes",))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(v) for v in value)


def _zones(document: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    for _, camera, zones in _camera_zones(document):
        lens = camera.get("lens")
        width, height = (lens.get("width_px"), lens.get("height_px")) if isinstance(lens, dict) else (None, None)
        if not (_is_number(width) and _is_number(height)):
            continue
        for path, zone in zones:
            corners = zone.get("polygon_px")
            for n, corner in enumerate(corners if isinstance(corners, list) else []):
                if _is_pair(corner) and not (0 <= corner[0] <= width and 0 <= corner[1] <= height):
                    facts = {"x": corner[0], "y": corner[1], "width": width, "height": height}
                    where = (*path, "polygon_px", n)
                    yield Problem("zone-outside-image", lines.of(where), dotted(where), facts)
                    break  # one corner shows it; the others usually follow from the same mistake


def _positions(value: Any, path: Path, named: bool) -> Iterator[tuple[Path, list[float]]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _positions(child, (*path, key), named=key in POSITION_FIELDS or key in RING_FIELDS)
    elif named and _is_pair(value):
        yield path, value
    elif isinstance(value, list):
        for n, child in enumerate(value):
            yield from _positions(child, (*path, n), named)


def _far_away(document: dict[str, Any], lines: Lines) -> Iterator[Problem]:
    district = document.get("district")
    origin = district.get("origin") if isinstance(district, dict) else None
    if not isinstance(origin, list) or not _is_pair(origin) or abs(origin[0]) > 180 or abs(origin[1]) > 90:
        return
    middle, reported = LatLon(origin[1], origin[0]), set[Path]()
    for path, (x, y) in _positions(document, (), named=False):
        field = path[:-1] if isinstance(path[-1], int) else path
        if abs(x) > 180 or abs(y) > 90 or field in reported:
            continue  # the shape reports these; one corner of a polygon is enough of what is far away
        away_m = distance_m(middle, LatLon(y, x))
        if away_m <= MAX_DISTANCE_M:
            continue
        reported.add(field)
        if abs(x) <= 90 and distance_m(middle, LatLon(x, y)) <= MAX_DISTANCE_M:
            yield Problem("swapped", lines.of(path), dotted(path), {"value": [x, y]})
        else:
            facts = {"value": [x, y], "distance_km": round(away_m / 1000)}
            yield Problem("far-away", lines.of(path), dotted(path), facts)
