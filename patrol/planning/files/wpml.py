"""DJI's WPML: the two documents of a KMZ (`wpmz/template.kml`, `wpmz/waylines.wpml`). The command zips them.

Controllers choke on many waypoints: those that a straight flight passes within a height tolerance are left out.
Element names and values after DJI's published Cloud API reference, WPML 1.0.3.
"""

from __future__ import annotations

from math import hypot
from xml.sax.saxutils import escape

from patrol.planning.plan import Action, FlightPlan, Sortie, Waypoint

DRONE_ENUM = 77  # Mavic 3 Enterprise series
PAYLOAD_ENUM = 66  # its wide camera
HEIGHT_TOLERANCE_M = 2.0
BESIDE_TOLERANCE_M = 0.3
MAX_WAYPOINTS = 65_535


def write_wpml(plan: FlightPlan, sortie: Sortie) -> dict[str, str]:
    """File name in the archive -> text, for one sortie."""
    points = simplified(sortie.waypoints)
    return {
        "wpmz/template.kml": _document(plan, points, template=True, sortie=sortie),
        "wpmz/waylines.wpml": _document(plan, points, template=False, sortie=sortie),
    }


def simplified(waypoints: tuple[Waypoint, ...]) -> list[Waypoint]:
    """Those needed to stay within the tolerances: all with actions, holds or speeds of their own, and real bends."""
    kept, last = [waypoints[0]], 0
    for n in range(1, len(waypoints) - 1):
        if not _plain(waypoints[n], waypoints[n + 1]) or not _straight(waypoints[last : n + 2]):
            kept.append(waypoints[n])
            last = n
    return [*kept, waypoints[-1]]


def _plain(here: Waypoint, after: Waypoint) -> bool:
    return not here.actions and here.hold_s == 0.0 and here.yaw_deg == after.yaw_deg and here.speed_ms == after.speed_ms


def _straight(span: tuple[Waypoint, ...]) -> bool:
    a, b = span[0], span[-1]
    east, north = b.east_m - a.east_m, b.north_m - a.north_m
    length = hypot(east, north)
    if length < 1e-6:
        return False
    for w in span[1:-1]:
        beside = abs((w.east_m - a.east_m) * north - (w.north_m - a.north_m) * east) / length
        t = ((w.east_m - a.east_m) * east + (w.north_m - a.north_m) * north) / length**2
        over = abs(w.up_m - (a.up_m + (b.up_m - a.up_m) * t))
        if beside > BESIDE_TOLERANCE_M or over > HEIGHT_TOLERANCE_M or not 0.0 <= t <= 1.0:
            return False
    return True


def _document(plan: FlightPlan, points: list[Waypoint], *, template: bool, sortie: Sortie) -> str:
    speed = f"{plan.drone.cruise_ms:.2f}"
    where = plan.frame.many_to_wgs84([(w.east_m, w.north_m) for w in points])
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:wpml="http://www.dji.com/wpmz/1.0.3">',
        "<Document>",
    ]
    if template:
        head += ["<wpml:author>patrol</wpml:author>", "<wpml:createTime>0</wpml:createTime>", "<wpml:updateTime>0</wpml:updateTime>"]  # fmt: skip
    head += [_config(plan, points), "<Folder>"]
    if template:
        head += [
            "<wpml:templateType>waypoint</wpml:templateType>",
            "<wpml:templateId>0</wpml:templateId>",
            "<wpml:waylineCoordinateSysParam>",
            "<wpml:coordinateMode>WGS84</wpml:coordinateMode><wpml:heightMode>relativeToStartPoint</wpml:heightMode>",
            "</wpml:waylineCoordinateSysParam>",
            f"<wpml:autoFlightSpeed>{speed}</wpml:autoFlightSpeed>",
            f"<wpml:globalHeight>{points[0].up_m:.3f}</wpml:globalHeight>",
            "<wpml:gimbalPitchMode>manual</wpml:gimbalPitchMode>",
            "<wpml:globalWaypointTurnMode>toPointAndStopWithDiscontinuityCurvature</wpml:globalWaypointTurnMode>",
            "<wpml:globalUseStraightLine>1</wpml:globalUseStraightLine>",
        ]
    else:
        head += [
            "<wpml:templateId>0</wpml:templateId>",
            "<wpml:executeHeightMode>relativeToStartPoint</wpml:executeHeightMode>",
            "<wpml:waylineId>0</wpml:waylineId>",
            f"<wpml:distance>{sortie.distance_m:.1f}</wpml:distance>",
            f"<wpml:duration>{sortie.duration_s:.1f}</wpml:duration>",
            f"<wpml:autoFlightSpeed>{speed}</wpml:autoFlightSpeed>",
        ]
    marks, groups = list[str](), 0
    for n, ((lat, lon), point) in enumerate(zip(where, points, strict=True)):
        actions = _actions(n, point, _line_end(points, n), groups)
        groups += actions.count("<wpml:actionGroup>")
        marks.append(_placemark(n, float(lat), float(lon), point, actions, template=template))
    return "\n".join([*head, *marks, "</Folder>", "</Document>", "</kml>"]) + "\n"


def _config(plan: FlightPlan, points: list[Waypoint]) -> str:
    safe_m = min(max(points[0].up_m, 1.2), 1500.0)
    return (
        "<wpml:missionConfig>"
        "<wpml:flyToWaylineMode>safely</wpml:flyToWaylineMode>"
        "<wpml:finishAction>goHome</wpml:finishAction>"
        "<wpml:exitOnRCLost>executeLostAction</wpml:exitOnRCLost>"
        "<wpml:executeRCLostAction>goBack</wpml:executeRCLostAction>"
        f"<wpml:takeOffSecurityHeight>{safe_m:.2f}</wpml:takeOffSecurityHeight>"
        f"<wpml:globalTransitionalSpeed>{plan.drone.cruise_ms:.2f}</wpml:globalTransitionalSpeed>"
        f"<wpml:globalRTHHeight>{plan.drone.rtl_altitude_m:.1f}</wpml:globalRTHHeight>"
        f"<wpml:droneInfo><wpml:droneEnumValue>{DRONE_ENUM}</wpml:droneEnumValue>"
        "<wpml:droneSubEnumValue>0</wpml:droneSubEnumValue></wpml:droneInfo>"
        f"<wpml:payloadInfo><wpml:payloadEnumValue>{PAYLOAD_ENUM}</wpml:payloadEnumValue>"
        "<wpml:payloadPositionIndex>0</wpml:payloadPositionIndex></wpml:payloadInfo>"
        "</wpml:missionConfig>"
    )


def _placemark(n: int, lat: float, lon: float, w: Waypoint, actions: str, *, template: bool) -> str:
    heading = (
        "<wpml:waypointHeadingMode>followWayline</wpml:waypointHeadingMode>"
        if w.yaw_deg is None
        else "<wpml:waypointHeadingMode>smoothTransition</wpml:waypointHeadingMode>"
        f"<wpml:waypointHeadingAngle>{(w.yaw_deg + 180.0) % 360.0 - 180.0:.1f}</wpml:waypointHeadingAngle>"
    )
    height = (
        f"<wpml:ellipsoidHeight>{w.up_m:.3f}</wpml:ellipsoidHeight><wpml:height>{w.up_m:.3f}</wpml:height>"
        "<wpml:useGlobalHeight>0</wpml:useGlobalHeight><wpml:useGlobalSpeed>0</wpml:useGlobalSpeed>"
        "<wpml:useGlobalHeadingParam>0</wpml:useGlobalHeadingParam><wpml:useGlobalTurnParam>0</wpml:useGlobalTurnParam>"
        if template
        else f"<wpml:executeHeight>{w.up_m:.3f}</wpml:executeHeight>"
    )
    return (
        f"<Placemark><Point><coordinates>{lon:.9f},{lat:.9f}</coordinates></Point><wpml:index>{n}</wpml:index>{height}"
        f"<wpml:waypointSpeed>{w.speed_ms:.2f}</wpml:waypointSpeed>"
        f"<wpml:waypointHeadingParam>{heading}<wpml:waypointHeadingPathMode>followBadArc</wpml:waypointHeadingPathMode>"
        "</wpml:waypointHeadingParam>"
        "<wpml:waypointTurnParam><wpml:waypointTurnMode>toPointAndStopWithDiscontinuityCurvature</wpml:waypointTurnMode>"
        "</wpml:waypointTurnParam>"
        f"<wpml:useStraightLine>1</wpml:useStraightLine>{actions}</Placemark>"
    )


def _line_end(points: list[Waypoint], n: int) -> int:
    """The waypoint at which the photographs that begin at `n` stop."""
    stops = (k for k in range(n + 1, len(points)) if any(a.deed == "stop" for a in points[k].actions))
    return next(stops, len(points) - 1)


def _actions(n: int, w: Waypoint, line_end: int, first: int) -> str:
    """The action groups of waypoint `n`; their ids count on from `first`."""
    deeds = [_deed(action) for action in w.actions if action.deed in ("photo", "gimbal")]
    if w.hold_s > 0.0:
        hover = ("hover", f"<wpml:hoverTime>{w.hold_s:.1f}</wpml:hoverTime>")
        turned = sum(name == "gimbalRotate" for name, _ in deeds)
        deeds = [*deeds[:turned], hover, *deeds[turned:]]  # the gimbal turns while the drone settles
    groups = []
    if deeds:
        groups.append(_group(first, n, n, "reachPoint", None, deeds))
    groups += [
        _group(first + len(groups), n, line_end, "multipleDistance", action.value, [_deed(Action("photo"))])
        for action in w.actions
        if action.deed == "trigger"
    ]
    return "".join(groups)


def _deed(action: Action) -> tuple[str, str]:
    if action.deed == "gimbal":
        return "gimbalRotate", (
            "<wpml:gimbalRotateMode>absoluteAngle</wpml:gimbalRotateMode>"
            "<wpml:gimbalPitchRotateEnable>1</wpml:gimbalPitchRotateEnable>"
            f"<wpml:gimbalPitchRotateAngle>{action.value:.1f}</wpml:gimbalPitchRotateAngle>"
            "<wpml:gimbalRollRotateEnable>0</wpml:gimbalRollRotateEnable><wpml:gimbalRollRotateAngle>0</wpml:gimbalRollRotateAngle>"
            "<wpml:gimbalYawRotateEnable>0</wpml:gimbalYawRotateEnable><wpml:gimbalYawRotateAngle>0</wpml:gimbalYawRotateAngle>"
            "<wpml:gimbalRotateTimeEnable>0</wpml:gimbalRotateTimeEnable><wpml:gimbalRotateTime>0</wpml:gimbalRotateTime>"
            "<wpml:payloadPositionIndex>0</wpml:payloadPositionIndex>"
        )
    return "takePhoto", (
        f"<wpml:fileSuffix>{escape('patrol')}</wpml:fileSuffix><wpml:payloadPositionIndex>0</wpml:payloadPositionIndex>"
    )


def _group(number: int, n: int, end: int, trigger: str, value: float | None, deeds: list[tuple[str, str]]) -> str:
    """An action group that begins at waypoint `n` and holds to waypoint `end`."""
    param = "" if value is None else f"<wpml:actionTriggerParam>{value:.3f}</wpml:actionTriggerParam>"
    actions = "".join(
        f"<wpml:action><wpml:actionId>{k}</wpml:actionId><wpml:actionActuatorFunc>{name}</wpml:actionActuatorFunc>"
        f"<wpml:actionActuatorFuncParam>{body}</wpml:actionActuatorFuncParam></wpml:action>"
        for k, (name, body) in enumerate(deeds)
    )
    return (
        f"<wpml:actionGroup><wpml:actionGroupId>{number}</wpml:actionGroupId>"
        f"<wpml:actionGroupStartIndex>{n}</wpml:actionGroupStartIndex><wpml:actionGroupEndIndex>{end}</wpml:actionGroupEndIndex>"
        "<wpml:actionGroupMode>sequence</wpml:actionGroupMode>"
        f"<wpml:actionTrigger><wpml:actionTriggerType>{trigger}</wpml:actionTriggerType>{param}</wpml:actionTrigger>"
        f"{actions}</wpml:actionGroup>"
    )
