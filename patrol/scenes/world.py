"""What stands in a district, as the renderer needs it: frozen, in the local frame (metres east and north)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Point = tuple[float, float]
BuildingStyle = Literal["residential", "office", "house", "industrial"]
AreaKind = Literal["asphalt", "paving", "grass", "soil", "concrete", "parking", "water"]
PropKind = Literal["tree", "bush", "lamp", "bin", "bollard", "bench", "sign", "cone", "boxes", "shed", "kiosk"]
FenceKind = Literal["wall", "bars", "hedge"]


@dataclass(frozen=True)
class Building:
    """A footprint pulled up to a height. `sheds`, how many tin structures stand on its roof."""

    building_id: str
    footprint: tuple[Point, ...]
    height_m: float
    style: BuildingStyle = "residential"
    seed: int = 0
    sheds: int = 0


@dataclass(frozen=True)
class Road:
    """A carriageway along a centre line; `lanes` 1 has no centre marking."""

    centreline: tuple[Point, ...]
    width_m: float
    lanes: int = 2
    pavement_m: float = 0.0  # beyond each kerb
    crossings_m: tuple[float, ...] = ()  # where zebra crossings are, metres along the line


@dataclass(frozen=True)
class Area:
    """A level surface; later ones lie over earlier ones. `depth_m` of water above the ground."""

    kind: AreaKind
    polygon: tuple[Point, ...]
    seed: int = 0
    depth_m: float = 0.0


@dataclass(frozen=True)
class FireLane:
    """A lane kept free for fire engines: outlined and hatched in yellow."""

    lane_id: str
    polygon: tuple[Point, ...]


@dataclass(frozen=True)
class Prop:
    """A thing that stands in the street."""

    kind: PropKind
    east_m: float
    north_m: float
    yaw_deg: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Fence:
    """A wall, railing or hedge along a line."""

    kind: FenceKind
    line: tuple[Point, ...]
    height_m: float = 1.8
    seed: int = 0


@dataclass(frozen=True)
class World:
    """All that does not move. `extent_m`: west, south, east, north of the part drawn in detail."""

    extent_m: tuple[float, float, float, float]
    base: AreaKind = "paving"
    buildings: tuple[Building, ...] = ()
    roads: tuple[Road, ...] = ()
    areas: tuple[Area, ...] = ()
    fire_lanes: tuple[FireLane, ...] = ()
    props: tuple[Prop, ...] = ()
    fences: tuple[Fence, ...] = ()
    latitude_deg: float = 22.5
    seed: int = 0
    skyline: bool = field(default=True)  # distant blocks around the extent
