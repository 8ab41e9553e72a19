"""What every message and every position passes through: parsing, grid cells, geodesics, pixels on the ground."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import jsonschema
import numpy as np
import shapely
from geographiclib.geodesic import Geodesic

from patrol.events import AlertRaised, Event, parse
from patrol.geo import Camera, EastNorth, LatLon, Lens, LocalFrame, Pose, distance_m
from patrol.grid import Grid
from patrol.reference.examples import examples

ALERT = examples()[AlertRaised].to_json()
VALIDATOR = jsonschema.Draft202012Validator(Event[AlertRaised].model_json_schema())
HERE, THERE = LatLon(22.5431, 114.0579), LatLon(22.5712, 114.1021)
FRAME = LocalFrame(HERE)
CELLS = {
    f"cell-{x}-{y}": [
        FRAME.to_wgs84(EastNorth((x + dx) * 100.0, (y + dy) * 100.0)) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]
    for x in range(59)
    for y in range(13)
}
GRID = Grid(CELLS)
POLYGONS = {name: shapely.Polygon([(p.lon_deg, p.lat_deg) for p in ring]) for name, ring in CELLS.items()}
MIDDLE = FRAME.to_wgs84(EastNorth(2950.0, 650.0))
LENS = Lens(1280, 720, 900, 900, 639.5, 359.5, k1=-0.2, k2=0.03)
CAMERA = Camera(LENS, Pose(0, 0, 8, 30, -20))
PIXELS = np.random.default_rng(1).uniform((0, 300), (1279, 719), (100, 2))
MATRIX = np.array([[900, 0, 639.5], [0, 900, 359.5], [0, 0, 1.0]])
DISTORTION = np.array([-0.2, 0.03, 0, 0, 0])


def _search_every_cell() -> str | None:
    point = shapely.Point(MIDDLE.lon_deg, MIDDLE.lat_deg)
    return next((name for name, polygon in POLYGONS.items() if polygon.intersects(point)), None)


CASES: dict[str, dict[str, Callable[[], object]]] = {
    "one alert from the wire, checked": {
        "patrol.events.parse": lambda: parse(ALERT, topic="t", max_bytes=65536),
        "json.loads and jsonschema": lambda: VALIDATOR.validate(json.loads(ALERT)),
        "json.loads, unchecked": lambda: json.loads(ALERT),
    },
    "the cell of a point, among 767": {
        "patrol.grid.Grid": lambda: GRID.cell_at(MIDDLE),
        "shapely, every cell in turn": _search_every_cell,
    },
    "a geodesic of 5 km": {
        "patrol.geo.distance_m (PROJ)": lambda: distance_m(HERE, THERE),
        "GeographicLib": lambda: Geodesic.WGS84.Inverse(*HERE, *THERE)["s12"],
    },
    "100 pixels of a distorted lens to rays": {
        "patrol.geo.Lens.rays": lambda: LENS.rays(PIXELS),
        "cv2.undistortPoints": lambda: cv2.undistortPoints(PIXELS[:, None], MATRIX, DISTORTION),
    },
    "100 pixels to the ground": {
        "patrol.geo.Camera.to_plane": lambda: CAMERA.to_plane(PIXELS),
    },
}
