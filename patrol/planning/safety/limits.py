"""What each autopilot stores and takes, from recorded conversations and the parameters as shipped."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot, isfinite
from typing import NamedTuple

from patrol.geo import LatLon, LocalFrame
from patrol.planning import mission as m
from patrol.planning.mission import FencePolygon, Item, Mission, has_place
from patrol.planning.safety.words import Violation


class Limits(NamedTuple):
    """Numbers of one autopilot."""

    items: int
    fence_corners: int
    rally: int
    leg_m: float
    takes_nan: bool
    terrain_frame: bool
    commands_refused: frozenset[int]


# items: ArduPilot keeps 724 where it stores 8 KB of them; PX4 2000 by its data manager. fence_corners: both refused 80.
# rally: PX4 refused 40. leg_m: MIS_DIST_1WP and MIS_DIST_WPS of PX4. commands: ACK 3 in the recordings.
LIMITS = {
    "ardupilot": Limits(723, 79, 50, float("inf"), takes_nan=False, terrain_frame=True, commands_refused=frozenset({34})),
    "px4": Limits(
        2000, 79, 39, 900.0, takes_nan=True, terrain_frame=False, commands_refused=frozenset({34, m.NAV_LOITER_TURNS})
    ),
    "dji": Limits(65_535, 10_000, 0, 2000.0, takes_nan=True, terrain_frame=False, commands_refused=frozenset()),
}  # fmt: skip


def check_limits(mission: Mission) -> Iterator[Violation]:
    """Everything that the autopilot would refuse, forget or misread, without flying."""
    limits = LIMITS.get(mission.autopilot)
    if limits is None:
        yield Violation("parameter", -1, f"autopilot {mission.autopilot}", 0.0, "")
        return
    if len(mission.items) > limits.items:
        yield Violation("items", -1, "", len(mission.items) - limits.items, "")
    if len(mission.rally) > limits.rally:
        yield Violation("rally-size", -1, "", len(mission.rally) - limits.rally, "")
    yield from _fence(mission, limits)
    for n, item in enumerate(mission.items):
        yield from _item(n, item, limits)
    yield from _legs(mission, limits)


def _item(n: int, item: Item, limits: Limits) -> Iterator[Violation]:
    if item.command in limits.commands_refused:
        yield Violation("command", n, str(item.command), 0.0, "")
    if item.frame in (m.FRAME_TERRAIN, m.FRAME_TERRAIN_INT) and not limits.terrain_frame:
        yield Violation("frame", n, str(item.frame), 0.0, "")
    if not limits.takes_nan:
        for name, value in (("param1", item.p1), ("param2", item.p2), ("param3", item.p3), ("param4", item.p4)):
            if not isfinite(value):
                yield Violation("parameter", n, f"{name} NaN", 0.0, "")
    if item.command == m.NAV_WAYPOINT and not (isfinite(item.lat_deg) and isfinite(item.lon_deg)):
        yield Violation("place", n, "NaN", 0.0, "")


def _fence(mission: Mission, limits: Limits) -> Iterator[Violation]:
    corners = 0
    for shape in mission.fence:
        if isinstance(shape, FencePolygon):
            corners += len(shape.ring)
            if len(shape.ring) < 3:
                yield Violation("fence-shape", -1, f"{len(shape.ring)} corners", 0.0, "")
        elif not (isfinite(shape.radius_m) and shape.radius_m > 0.0):
            yield Violation("fence-shape", -1, f"radius {shape.radius_m:g}", 0.0, "")
    if corners > limits.fence_corners:
        yield Violation("fence-size", -1, "", corners - limits.fence_corners, "")


def _legs(mission: Mission, limits: Limits) -> Iterator[Violation]:
    if not isfinite(limits.leg_m):
        return
    frame = LocalFrame(mission.home)
    last = (0.0, 0.0)
    for n, item in enumerate(mission.items):
        if item.command > 95 or not has_place(item) or abs(item.lat_deg) > 90 or abs(item.lon_deg) > 180:
            continue
        here = frame.to_local(LatLon(item.lat_deg, item.lon_deg))
        length_m = hypot(here[0] - last[0], here[1] - last[1])
        if length_m > limits.leg_m:
            yield Violation("leg", n, "", length_m - limits.leg_m, "m")
        last = (here[0], here[1])
