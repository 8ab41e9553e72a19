"""QGroundControl `.plan` (JSON, file version 1, mission version 2): out, and in again. Checked against real files."""

from __future__ import annotations

import json
from math import isfinite, nan
from typing import Any

from patrol.errors import MissionUnreadable
from patrol.geo import LatLon
from patrol.planning.files.qgc_complex import complex_items
from patrol.planning.mission import (
    FRAME_AMSL,
    FRAME_AMSL_INT,
    FRAME_MISSION,
    FRAME_RELATIVE,
    FRAME_RELATIVE_INT,
    FenceCircle,
    FencePolygon,
    Item,
    Mission,
    Rally,
)

FIRMWARE = {"ardupilot": 3, "px4": 12}  # MAV_AUTOPILOT
MULTIROTOR = 2  # MAV_TYPE_QUADROTOR
ALTITUDE_MODES = {FRAME_RELATIVE: 1, FRAME_RELATIVE_INT: 1, FRAME_AMSL: 2, FRAME_AMSL_INT: 2}


def write_plan(mission: Mission) -> str:
    """The mission with its fence and rally points, as QGroundControl saves it. Same mission, same bytes."""
    document = {
        "fileType": "Plan",
        "geoFence": {
            "circles": [
                {"circle": {"center": list(c.centre), "radius": c.radius_m}, "inclusion": c.inclusion, "version": 1}
                for c in mission.fence
                if isinstance(c, FenceCircle)
            ],
            "polygons": [
                {"inclusion": p.inclusion, "polygon": [list(corner) for corner in p.ring], "version": 1}
                for p in mission.fence
                if isinstance(p, FencePolygon)
            ],
            "version": 2,
        },
        "groundStation": "QGroundControl",
        "mission": {
            "cruiseSpeed": mission.cruise_ms,
            "firmwareType": FIRMWARE.get(mission.autopilot, FIRMWARE["ardupilot"]),
            "globalPlanAltitudeMode": 1,
            "hoverSpeed": mission.cruise_ms,
            "items": [_item(n, item) for n, item in enumerate(mission.items, 1)],
            "plannedHomePosition": [*mission.home, mission.home_amsl_m],
            "vehicleType": MULTIROTOR,
            "version": 2,
        },
        "rallyPoints": {"points": [[*r.at, r.alt_m] for r in mission.rally], "version": 2},
        "version": 1,
    }
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _item(n: int, item: Item) -> dict[str, Any]:
    values = [item.p1, item.p2, item.p3, item.p4, item.lat_deg, item.lon_deg, item.alt_m]
    written: dict[str, Any] = {
        "autoContinue": True,
        "command": item.command,
        "doJumpId": n,
        "frame": item.frame,
        "params": [_plain(v) for v in values],
        "type": "SimpleItem",
    }
    if item.frame != FRAME_MISSION:
        altitude = {"AMSLAltAboveTerrain": None, "Altitude": _plain(item.alt_m)}
        written |= {**altitude, "AltitudeMode": ALTITUDE_MODES.get(item.frame, 0)}
    return written


def _plain(value: float) -> float | int | None:
    if not isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 1e9 else value


def read_plan(text: str, name: str = "plan", *, regenerate: bool = False) -> Mission:
    """A mission from a `.plan`. Complex items are taken as stored, or planned again from their own settings.

    Raises MissionUnreadable with what is wrong; nothing is skipped silently.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise MissionUnreadable(name=name, cause=f"not JSON: {err}") from err
    try:
        return _mission(document, name, regenerate)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as err:
        raise MissionUnreadable(name=name, cause=f"{type(err).__name__}: {err}") from err


def _mission(document: Any, name: str, regenerate: bool) -> Mission:
    if not isinstance(document, dict) or document.get("fileType") != "Plan":
        raise MissionUnreadable(name=name, cause="no QGroundControl plan (fileType is not Plan)")
    if document.get("version") != 1:
        raise MissionUnreadable(name=name, cause=f"file version {document.get('version')}, known is 1")
    mission = document.get("mission")
    if not isinstance(mission, dict):
        raise MissionUnreadable(name=name, cause="it holds no mission")
    if mission.get("version") != 2:
        raise MissionUnreadable(name=name, cause=f"mission version {mission.get('version')}, known is 2")
    items = list[Item]()
    for n, stored in enumerate(mission["items"], 1):
        kind = stored.get("type")
        if kind == "SimpleItem":
            items.append(_simple(stored))
        elif kind == "ComplexItem":
            items += complex_items(stored, name, n, _simple, regenerate=regenerate)
        else:
            raise MissionUnreadable(name=name, cause=f"item {n} is of unknown type {kind}")
    home = mission.get("plannedHomePosition") or [0.0, 0.0, 0.0]
    firmware = "px4" if mission.get("firmwareType") == FIRMWARE["px4"] else "ardupilot"
    return Mission(
        tuple(items),
        LatLon(_number(home[0]), _number(home[1])),
        _number(home[2]) if len(home) > 2 and home[2] is not None else 0.0,
        firmware,
        float(mission.get("hoverSpeed") or mission.get("cruiseSpeed") or 5.0),
        _fence(document.get("geoFence") or {}),
        tuple(
            Rally(LatLon(_number(p[0]), _number(p[1])), _number(p[2]))
            for p in (document.get("rallyPoints") or {}).get("points", [])
        ),
        name,
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _simple(stored: dict[str, Any]) -> Item:
    params = [nan if v is None else _number(v) for v in stored["params"]]
    if len(params) != 7:
        raise ValueError(f"{len(params)} parameters instead of 7")
    command, frame = stored["command"], stored["frame"]
    if not isinstance(command, int) or not isinstance(frame, int):
        raise TypeError("command and frame are whole numbers")
    return Item(command, frame, *params)


def _fence(stored: dict[str, Any]) -> tuple[FencePolygon | FenceCircle, ...]:
    polygons = [
        FencePolygon(tuple(LatLon(_number(a), _number(b)) for a, b in p["polygon"]), bool(p["inclusion"]))
        for p in stored.get("polygons", [])
    ]
    circles = [
        FenceCircle(LatLon(*(_number(v) for v in c["circle"]["center"])), _number(c["circle"]["radius"]), bool(c["inclusion"]))
        for c in stored.get("circles", [])
    ]  # fmt: skip
    return (*polygons, *circles)
