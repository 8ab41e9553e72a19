"""A mission as autopilots know it: items, fence, rally points. Values only; what files hold and the judge reads.

`items` never hold home (ArduPilot's item 0): files that need it add it. The target of a DO_JUMP counts
items from 1, as in QGroundControl's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from patrol.geo import LatLon

# MAV_CMD numbers, from the MAVLink common message set
NAV_WAYPOINT, NAV_LOITER_UNLIM, NAV_LOITER_TURNS, NAV_LOITER_TIME = 16, 17, 18, 19
NAV_RETURN_TO_LAUNCH, NAV_LAND, NAV_TAKEOFF = 20, 21, 22
NAV_SPLINE_WAYPOINT, NAV_DELAY = 82, 93
CONDITION_DELAY, CONDITION_YAW = 112, 115
DO_JUMP, DO_CHANGE_SPEED, DO_SET_ROI_LOCATION, DO_SET_ROI_NONE = 177, 178, 195, 197
DO_DIGICAM_CONTROL, DO_MOUNT_CONTROL, DO_SET_CAM_TRIGG_DIST = 203, 205, 206
SET_CAMERA_MODE, IMAGE_START_CAPTURE, IMAGE_STOP_CAPTURE = 530, 2000, 2001
# MAV_FRAME numbers
FRAME_AMSL, FRAME_MISSION, FRAME_RELATIVE, FRAME_AMSL_INT, FRAME_RELATIVE_INT = 0, 2, 3, 5, 6
FRAME_TERRAIN, FRAME_TERRAIN_INT = 10, 11


class Item(NamedTuple):
    """One mission item. Missing parameters are NaN, as on the wire."""

    command: int
    frame: int = FRAME_RELATIVE
    p1: float = 0.0
    p2: float = 0.0
    p3: float = 0.0
    p4: float = 0.0
    lat_deg: float = 0.0
    lon_deg: float = 0.0
    alt_m: float = 0.0


class FenceCircle(NamedTuple):
    """A circle of a mission's own fence."""

    centre: LatLon
    radius_m: float
    inclusion: bool


class FencePolygon(NamedTuple):
    """A polygon of a mission's own fence."""

    ring: tuple[LatLon, ...]
    inclusion: bool


class Rally(NamedTuple):
    """A rally point; height above home."""

    at: LatLon
    alt_m: float = 0.0


@dataclass(frozen=True)
class Mission:
    """What is uploaded for one flight."""

    items: tuple[Item, ...]
    home: LatLon
    home_amsl_m: float = 0.0
    autopilot: str = "ardupilot"
    cruise_ms: float = 10.0
    fence: tuple[FencePolygon | FenceCircle, ...] = ()
    rally: tuple[Rally, ...] = ()
    name: str = "mission"


def has_place(item: Item) -> bool:
    """Whether the item says where; zeros and missing numbers mean "here"."""
    return isfinite(item.lat_deg) and isfinite(item.lon_deg) and not (item.lat_deg == 0.0 and item.lon_deg == 0.0)
