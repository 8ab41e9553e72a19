"""patrol/grid.py: the right cell, against a search that looks at every cell."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from patrol.config import load
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.grid import Grid

FRAME = LocalFrame(LatLon(22.5431, 114.0579))
CONFIG = load(Path(__file__).resolve().parents[1] / "config.yaml")


def square(east_m: float, north_m: float, size_m: float) -> list[LatLon]:
    """A square cell from its south-west corner, local metres."""
    corners = ((0, 0), (size_m, 0), (size_m, size_m), (0, size_m))
    return [FRAME.to_wgs84(EastNorth(east_m + x, north_m + y)) for x, y in corners]


CELLS = {f"cell-{row}-{column}": square(column * 100, row * 100, 100) for row in range(6) for column in range(6)}


@given(st.floats(-50, 650), st.floats(-50, 650))
def test_the_index_finds_what_a_full_search_finds(east_m: float, north_m: float) -> None:
    """For any point in or around 36 cells, the answer is the first cell, in the order given, that touches the point."""
    point = FRAME.to_wgs84(EastNorth(east_m, north_m))
    touching = [
        name
        for name, ring in CELLS.items()
        if shapely.Polygon([(p.lon_deg, p.lat_deg) for p in ring]).intersects(
            shapely.Point(point.lon_deg, point.lat_deg)
        )
    ]
    assert Grid(CELLS).cell_at(point) == (touching[0] if touching else None)


def test_a_shared_corner_belongs_to_the_cell_named_first() -> None:
    """A point that four cells share has one answer, and it depends on the order of the cells alone."""
    corner = CELLS["cell-2-2"][0]
    ring = [
        LatLon(corner.lat_deg + dy, corner.lon_deg + dx) for dx, dy in ((0, 0), (0.001, 0), (0.001, 0.001), (0, 0.001))
    ]
    west = [
        LatLon(corner.lat_deg + dy, corner.lon_deg + dx)
        for dx, dy in ((-0.001, 0), (0, 0), (0, 0.001), (-0.001, 0.001))
    ]
    assert Grid({"east": ring, "west": west}).cell_at(corner) == "east"
    assert Grid({"west": west, "east": ring}).cell_at(corner) == "west"


def test_concave_cells_and_nothing_at_all() -> None:
    """A point in the notch of an L-shaped cell is outside it; an empty grid has no cell anywhere."""
    corners = ((0, 0), (200, 0), (200, 100), (100, 100), (100, 200), (0, 200))
    grid = Grid({"l": [FRAME.to_wgs84(EastNorth(x, y)) for x, y in corners]})
    assert grid.cell_at(FRAME.to_wgs84(EastNorth(50, 150))) == "l"
    assert grid.cell_at(FRAME.to_wgs84(EastNorth(150, 150))) is None
    assert Grid({}).cell_at(FRAME.origin) is None


@pytest.mark.parametrize("camera", [c.id for c in CONFIG.cameras if c.pose])
def test_the_demo_districts_cameras_stand_in_cells(camera: str) -> None:
    """Every camera of the demo district that has a pose stands in one of its grid cells, so its cases find a unit."""
    pose = CONFIG.camera(camera).pose
    assert pose is not None
    assert Grid({cell.id: cell.area for cell in CONFIG.grid}).cell_at(pose.at) is not None
