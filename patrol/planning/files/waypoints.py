"""`QGC WPL 110`, the text of ArduPilot's ground stations: out and in. Row 0 is home."""

from __future__ import annotations

from math import isfinite

from patrol.errors import MissionUnreadable
from patrol.geo import LatLon
from patrol.planning.mission import FRAME_AMSL, NAV_WAYPOINT, Item, Mission

HEAD = "QGC WPL 110"


def write_waypoints(mission: Mission) -> str:
    """The mission as rows. Latitude before longitude, as the format wants; ten decimals, a hundredth of a millimetre."""
    home = Item(NAV_WAYPOINT, FRAME_AMSL, 0.0, 0.0, 0.0, 0.0, *mission.home, mission.home_amsl_m)
    rows = [HEAD]
    for n, item in enumerate((home, *mission.items)):
        values = [v if isfinite(v) else 0.0 for v in item[2:]]
        numbers = [f"{v:.6f}" for v in values[:4]] + [f"{v:.10f}" for v in values[4:6]] + [f"{values[6]:.6f}"]
        rows.append("\t".join([str(n), str(int(n == 0)), str(item.frame), str(item.command), *numbers, "1"]))
    return "\n".join(rows) + "\n"


def read_waypoints(text: str, name: str = "waypoints") -> Mission:
    """A mission from rows. Raises MissionUnreadable naming the line."""
    rows = text.splitlines()
    if not rows or not rows[0].strip().startswith("QGC WPL"):
        raise MissionUnreadable(name=name, cause=f"line 1 is not '{HEAD}'")
    items = list[Item]()
    for number, row in enumerate(rows[1:], 2):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        cells = row.split()
        if len(cells) != 12:
            raise MissionUnreadable(name=name, cause=f"line {number} has {len(cells)} fields instead of 12")
        try:
            frame, command = int(cells[2]), int(cells[3])
            values = [float(c) for c in cells[4:11]]
        except ValueError as err:
            raise MissionUnreadable(name=name, cause=f"line {number}: {err}") from err
        items.append(Item(command, frame, *values))
    if not items:
        raise MissionUnreadable(name=name, cause="it has no rows")
    home = items[0]
    return Mission(tuple(items[1:]), LatLon(home.lat_deg, home.lon_deg), home.alt_m, name=name)
