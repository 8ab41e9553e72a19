"""What a vehicle makes of the items it is given: which it takes, and how it keeps them. Pure.

Both tables were read off recorded conversations (`ap_02`, `ap_04`, `ap_05`, `px4_02`, `px4_04`, `px4_05`); that
ArduCopter drops the second to fourth parameter of a waypoint is from its source and from its documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import asin, cos, isnan, radians, sin, sqrt, trunc

from patrol.flight.items import Params, WireItem
from patrol.flight.messages import MissionResult

PLACED = {16, 17, 18, 19, 21, 22, 82, 84, 85, 195, 201}
ARDU_COMMANDS = PLACED | {
    20,
    92,
    93,
    94,
    112,
    113,
    114,
    115,
    177,
    178,
    179,
    181,
    182,
    183,
    184,
    197,
    203,
    205,
    206,
    207,
    1000,
    2000,
    2001,
}
PX4_PLACED = {16, 17, 19, 20, 21, 22, 31, 84, 85, 195, 201}
PX4_PLACELESS = {
    20,
    93,
    112,
    114,
    115,
    177,
    178,
    179,
    181,
    183,
    197,
    203,
    205,
    206,
    214,
    530,
    531,
    1000,
    2000,
    2001,
    2500,
    2501,
}
PX4_FLYABLE = (PX4_PLACED | PX4_PLACELESS) - {112, 114, 115}
ARDU_FRAMES, PX4_GLOBAL_FRAMES = {0, 2, 3, 5, 6, 10, 11}, {0, 3, 5, 6}
POLYGONS, CIRCLES, RETURN_POINT, RALLY_POINT = {5001, 5002}, {5003, 5004}, 5000, 5100
ALTITUDE_LIMIT_M = 20_000.0
PX4_LEG_LIMIT_M = 900.0  # MIS_DIST_WPS, MIS_DIST_1WP
EARTH_M = 6_371_000.0  # the sphere that PX4 measures on
_FLOAT_FRAME = {5: 0, 6: 3, 11: 10}


def ardu_verdict(item: WireItem, seq: int, count: int) -> MissionResult:
    """Whether ArduPilot takes a mission item."""
    if item.frame not in ARDU_FRAMES:
        return MissionResult.UNSUPPORTED_FRAME
    if item.command not in ARDU_COMMANDS:
        return MissionResult.UNSUPPORTED
    for n, value in enumerate(item.params):
        if isnan(value):
            return MissionResult(MissionResult.INVALID_PARAM1 + n)
    if item.command in PLACED:
        if abs(item.x) > 90 * 10**7:
            return MissionResult.INVALID_PARAM5_X
        if abs(item.y) > 180 * 10**7:
            return MissionResult.INVALID_PARAM6_Y
    if isnan(item.z) or abs(item.z) > ALTITUDE_LIMIT_M:
        return MissionResult.INVALID_PARAM7_Z
    if item.command == 177 and not 0 < item.params.p1 < count:
        return MissionResult.ERROR
    del seq
    return MissionResult.ACCEPTED


def ardu_kept(item: WireItem) -> WireItem:
    """A mission item as ArduPilot keeps it."""
    p = item.params
    if item.command in PLACED:
        frame, z = _FLOAT_FRAME.get(item.frame, item.frame), round(item.z * 100) / 100
    else:
        frame, z = 0, item.z if item.command == 205 else 0.0
    if item.command == 16:
        p = Params(float(trunc(p.p1)))
    elif item.command == 19 and p.p3 == 0.0:
        p = p._replace(p3=1.0)
    elif item.command == 21 and p.p4 == 0.0:
        p = p._replace(p4=1.0)
    return replace(item, frame=frame, z=z, params=p).rounded()


def ardu_fence_fault(items: Sequence[WireItem]) -> tuple[MissionResult, tuple[tuple[int, str], ...]] | None:
    """What ArduPilot says of a whole fence: result and (severity, text)s; None when it takes it."""
    for item in items:
        if item.command not in POLYGONS | CIRCLES | {RETURN_POINT}:
            return MissionResult.UNSUPPORTED, ()
        if item.command in CIRCLES and item.params.p1 <= 0:
            return MissionResult.ERROR, ((4, "Non-positive circle radius"), (4, "Fence validation failed"))
    at = 0
    while at < len(items):
        item = items[at]
        if item.command not in POLYGONS:
            at += 1
            continue
        corners = int(item.params.p1)
        if corners < 3:
            return MissionResult.ERROR, ((4, f"Invalid vertex count ({corners})"), (4, "Fence validation failed"))
        if any(i.command != item.command for i in items[at : at + corners]) or at + corners > len(items):
            return MissionResult.ERROR, ((6, "Incorrect item count"), (4, "Fence validation failed"))
        at += corners
    return None


def ardu_fence_kept(item: WireItem) -> WireItem:
    """A fence item as ArduPilot keeps it: no frame, no height."""
    return replace(item, frame=0, z=0.0 if item.command == RETURN_POINT else item.z, autocontinue=0).rounded()


def px4_verdict(item: WireItem) -> MissionResult:
    """Whether PX4 takes a mission item; what it holds is judged later, as a whole."""
    if item.frame in PX4_GLOBAL_FRAMES:
        return MissionResult.ACCEPTED if item.command in PX4_PLACED - {20} else MissionResult.UNSUPPORTED
    if item.frame == 2:
        return MissionResult.ACCEPTED if item.command in PX4_PLACELESS else MissionResult.UNSUPPORTED
    return MissionResult.UNSUPPORTED_FRAME


def px4_kept(item: WireItem) -> WireItem:
    """A mission item as PX4 keeps it."""
    if item.command == 19 and isnan(item.params.p4):
        return replace(item, params=item.params._replace(p4=0.0)).rounded()
    return item.rounded()


def px4_fence_verdict(item: WireItem) -> MissionResult:
    """Whether PX4 takes a fence item."""
    if item.command in POLYGONS and item.params.p1 < 3:
        return MissionResult.ERROR
    return MissionResult.ACCEPTED


def px4_fence_kept(item: WireItem) -> WireItem:
    """A fence or rally item as PX4 keeps it: its number, in frame 5."""
    return replace(item, frame=5, autocontinue=0).rounded()


def px4_feasible(items: Sequence[WireItem]) -> str | None:
    """What PX4 says of a mission that it has accepted and will not fly; None when it will."""
    for n, item in enumerate(items, 1):
        if item.command not in PX4_FLYABLE:
            return f"Mission rejected: item {n}: unsupported cmd: {item.command}"
    before: WireItem | None = None
    for item in items:
        if item.command not in PX4_PLACED - {195, 201, 20}:
            continue
        if before is not None:
            leg_m = sphere_m(before, item)
            if leg_m > PX4_LEG_LIMIT_M:
                return f"Distance between waypoints too far: {int(leg_m)} meters, {int(PX4_LEG_LIMIT_M)} max."
        before = item
    return None


def sphere_m(a: WireItem, b: WireItem) -> float:
    """Great-circle distance as PX4 computes it (haversine on a sphere)."""
    lat_a, lat_b = radians(a.x / 1e7), radians(b.x / 1e7)
    d_lat, d_lon = lat_b - lat_a, radians((b.y - a.y) / 1e7)
    h = sin(d_lat / 2) ** 2 + sin(d_lon / 2) ** 2 * cos(lat_a) * cos(lat_b)
    return 2 * EARTH_M * asin(min(1.0, sqrt(max(h, 0.0))))


def px4_outside_fence(
    items: Sequence[WireItem], fence: Sequence[WireItem], limit_m: float, home: WireItem
) -> int | None:
    """The first waypoint outside PX4's fence or farther from home than `limit_m` (0: no limit)."""
    for seq, item in enumerate(items):
        if item.command not in PX4_PLACED - {195, 201, 20}:
            continue
        if 0 < limit_m < sphere_m(home, item) or any(_violates(item, part) for part in _parts(fence)):
            return seq
    return None


def breaks_fence(x_e7: int, y_e7: int, fence: Sequence[WireItem]) -> bool:
    """Whether a place is inside a no-fly part or outside a keep-in of the uploaded fence."""
    here = WireItem(16, 0, Params(), x_e7, y_e7)
    return any(_violates(here, part) for part in _parts(fence))


def _parts(fence: Sequence[WireItem]) -> list[Sequence[WireItem]]:
    """Polygons as runs of their corners, circles alone."""
    parts, at = list[Sequence[WireItem]](), 0
    while at < len(fence):
        size = max(1, int(fence[at].params.p1)) if fence[at].command in POLYGONS else 1
        parts.append(fence[at : at + size])
        at += size
    return parts


def _violates(item: WireItem, part: Sequence[WireItem]) -> bool:
    kind = part[0].command
    if kind in CIRCLES:
        inside = sphere_m(item, part[0]) <= part[0].params.p1
    elif kind in POLYGONS:
        inside = False
        for a, b in zip(part, [*part[1:], part[0]], strict=True):
            if (a.x > item.x) != (b.x > item.x) and item.y < (b.y - a.y) * (item.x - a.x) / (b.x - a.x) + a.y:
                inside = not inside
    else:
        return False
    return inside == (kind in {5002, 5004})
