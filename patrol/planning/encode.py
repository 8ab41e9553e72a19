"""A sortie as a mission for its autopilot. The facts on autopilots were measured on recorded conversations.

What follows a waypoint is done when the drone leaves it, so nose and gimbal are turned before it, on the way there, and
only the photograph comes after. ArduPilot refuses NaN in parameters it does not use; PX4 wants NaN for "no yaw" and refuses legs over 900 m.
"""

from __future__ import annotations

from math import ceil, hypot, nan

from patrol.geo import EastNorth, LatLon
from patrol.planning.airspace import Circle, zones_near
from patrol.planning.mission import (
    CONDITION_YAW,
    DO_CHANGE_SPEED,
    DO_MOUNT_CONTROL,
    DO_SET_CAM_TRIGG_DIST,
    FRAME_MISSION,
    FRAME_RELATIVE,
    IMAGE_START_CAPTURE,
    NAV_LAND,
    NAV_TAKEOFF,
    NAV_WAYPOINT,
    FenceCircle,
    FencePolygon,
    Item,
    Mission,
    Rally,
)
from patrol.planning.plan import Action, FlightPlan, Sortie, Waypoint

PX4_LEG_M = 850.0  # MIS_DIST_WPS is 900 m as shipped
MOUNT_MAVLINK = 2.0  # MAV_MOUNT_MODE_MAVLINK_TARGETING
ACCEPT_M = 2.0
FENCE_REACH_M = 2000.0


def missions(plan: FlightPlan) -> tuple[Mission, ...]:
    """One mission for each sortie."""
    many = len(plan.sorties) > 1
    return tuple(
        encode(plan, sortie, f"{plan.name}-{n}" if many else plan.name) for n, sortie in enumerate(plan.sorties, 1)
    )


def encode(plan: FlightPlan, sortie: Sortie, name: str) -> Mission:
    """`sortie` as items, with the airspace as fence and the landing points as rally points."""
    px4 = plan.drone.autopilot == "px4"
    frame = plan.frame
    spots = frame.many_to_wgs84([(w.east_m, w.north_m) for w in sortie.waypoints])
    items = [
        Item(NAV_TAKEOFF, FRAME_RELATIVE, 0.0, 0.0, 0.0, nan if px4 else 0.0, *plan.home, sortie.waypoints[0].up_m)
    ]
    speed = 0.0
    previous = sortie.waypoints[0]
    for waypoint, (lat, lon) in zip(sortie.waypoints[1:], spots[1:], strict=True):
        if abs(waypoint.speed_ms - speed) > 0.01:
            speed = waypoint.speed_ms
            items.append(Item(DO_CHANGE_SPEED, FRAME_MISSION, 1.0, round(speed, 3), -1.0))
        if px4:
            items += _stations(plan, previous, waypoint)
        yaw = nan if px4 else 0.0
        if waypoint.yaw_deg is not None and px4:
            yaw = waypoint.yaw_deg
        items += [_action(action) for action in waypoint.actions if action.deed == "gimbal"]
        if waypoint.yaw_deg is not None and not px4:
            items.append(Item(CONDITION_YAW, FRAME_MISSION, waypoint.yaw_deg % 360.0, 0.0, 1.0, 0.0))
        hold_s = float(ceil(waypoint.hold_s))
        items.append(
            Item(NAV_WAYPOINT, FRAME_RELATIVE, hold_s, ACCEPT_M, 0.0, yaw, float(lat), float(lon), waypoint.up_m)
        )
        items += [_action(action) for action in waypoint.actions if action.deed != "gimbal"]
        previous = waypoint
    land = frame.to_wgs84(sortie.landing)
    items.append(Item(NAV_LAND, FRAME_RELATIVE, 0.0, 0.0, 0.0, nan if px4 else 0.0, *land, 0.0))
    rally = tuple(Rally(p, plan.drone.rtl_altitude_m) for p in plan.landing_points)
    return Mission(
        tuple(items), plan.home, plan.home_amsl_m, plan.drone.autopilot, plan.drone.cruise_ms, _fence(plan), rally, name
    )


def _stations(plan: FlightPlan, a: Waypoint, b: Waypoint) -> list[Item]:
    """Waypoints on a leg that is longer than PX4 takes."""
    parts = ceil(hypot(b.east_m - a.east_m, b.north_m - a.north_m) / PX4_LEG_M)
    items = []
    for n in range(1, parts):
        t = n / parts
        place = EastNorth(a.east_m + (b.east_m - a.east_m) * t, a.north_m + (b.north_m - a.north_m) * t)
        at = plan.frame.to_wgs84(place)
        items.append(Item(NAV_WAYPOINT, FRAME_RELATIVE, 0.0, ACCEPT_M, 0.0, nan, *at, a.up_m + (b.up_m - a.up_m) * t))
    return items


def _action(action: Action) -> Item:
    if action.deed == "trigger":
        return Item(DO_SET_CAM_TRIGG_DIST, FRAME_MISSION, action.value, 0.0, 1.0, 0.0)
    if action.deed == "stop":
        return Item(DO_SET_CAM_TRIGG_DIST, FRAME_MISSION, 0.0, 0.0, 0.0, 0.0)
    if action.deed == "gimbal":
        return Item(DO_MOUNT_CONTROL, FRAME_MISSION, action.value, 0.0, 0.0, 0.0, 0.0, 0.0, MOUNT_MAVLINK)
    return Item(IMAGE_START_CAPTURE, FRAME_MISSION, 0.0, 0.0, 1.0, 0.0)


def _fence(plan: FlightPlan) -> tuple[FencePolygon | FenceCircle, ...]:
    """Boundary and zones as the autopilot's own fence: those that reach from the ground past the highest flight.

    Autopilots know no heights for polygons, so a zone that this flight passes over or under would only stop it wrongly;
    and they store few corners, so one that is farther than `FENCE_REACH_M` from home and the whole way stays out.
    """
    top_m = max([plan.drone.rtl_altitude_m, *(w.agl_m for s in plan.sorties for w in s.waypoints)])
    fence: list[FencePolygon | FenceCircle] = []
    if plan.airspace.boundary:
        fence.append(FencePolygon(_open(plan.airspace.boundary), True))
    farthest_m = max([0.0, *(hypot(w.east_m, w.north_m) for s in plan.sorties for w in s.waypoints)])
    for zone in zones_near(plan.airspace.zones, plan.home, farthest_m + FENCE_REACH_M):
        if zone.floor_m > 0.0 or zone.ceiling_m < top_m or not zone.holds_during(*_span(plan)):
            continue
        if isinstance(zone.shape, Circle):
            fence.append(FenceCircle(zone.shape.centre, zone.shape.radius_m, False))
        else:
            fence.append(FencePolygon(_open(zone.shape[0]), False))
    return tuple(fence)


def _open(ring: tuple[LatLon, ...]) -> tuple[LatLon, ...]:
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring


def _span(plan: FlightPlan) -> tuple[float | None, float | None]:
    if plan.starts_at_s is None:
        return None, None
    return plan.starts_at_s, plan.starts_at_s + plan.duration_s
