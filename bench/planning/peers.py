"""Runs in the peers' environment: reads tasks as JSON from standard input, writes their plans as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

logging.disable(logging.CRITICAL)


def drone_flightplan(task: dict[str, Any]) -> dict[str, Any]:
    """Waypoints of drone-flightplan, and how long it took."""
    from drone_flightplan.drone_type import DroneType  # noqa: PLC0415 - only there in the peers' environment
    from drone_flightplan.enums import FlightMode  # noqa: PLC0415 - the same
    from drone_flightplan.waypoints import create_waypoint  # noqa: PLC0415 - the same

    began = time.perf_counter()
    made = create_waypoint(
        {"type": "Polygon", "coordinates": [task["ring"]]},
        agl=task["height_m"],
        gsd=None,
        forward_overlap=100 * task["front"],
        side_overlap=100 * task["side"],
        rotation_angle=task.get("rotation_deg", 0.0),
        no_fly_zones=task.get("zones"),
        take_off_point=task["home"],
        mode=FlightMode.WAYLINES,
        drone_type=DroneType.QGROUNDCONTROL,
        auto_rotation=False,
    )
    took = time.perf_counter() - began
    points = [f["geometry"]["coordinates"] for f in json.loads(made["geojson"])["features"]]
    return {"points": points, "took_s": took, "claimed_s": 60.0 * made["estimated_flight_time_minutes"]}


def opencoverage(task: dict[str, Any]) -> dict[str, Any]:
    """Path of opencoverage in its own local metres."""
    from opencoverage.models import UAV, PinholeCamera  # noqa: PLC0415 - only there in the peers' environment
    from opencoverage.planner import plan as plan_mission  # noqa: PLC0415 - the same
    from shapely.geometry import Polygon  # noqa: PLC0415 - the same

    camera = PinholeCamera(task["sensor_mm"][0] / task["pixels"][0], task["focal_mm"], *task["sensor_mm"], 0.7)
    uav = UAV(min_height=10.0, max_height=500.0, min_velocity=1.0, max_velocity=20.0, survey_velocity=task["speed_ms"])
    began = time.perf_counter()
    mission = plan_mission(
        polygon=Polygon(task["local"]),
        uav=uav,
        camera=camera,
        lateral_overlap=task["side"],
        forward_overlap=task["front"],
        pattern="optimal_sweep",
        target="altitude",
        target_value=task["height_m"],
    )
    took = time.perf_counter() - began
    return {"path": [list(map(float, p)) for p in mission.path], "took_s": took, "spacing_m": mission.lateral_distance}


def main() -> None:
    """Answer every task; one that fails answers with its error."""
    answers = []
    for task in json.load(sys.stdin):
        try:
            answers.append({"drone-flightplan": drone_flightplan, "opencoverage": opencoverage}[task["peer"]](task))
        except Exception as err:  # noqa: BLE001 - a peer may fail in any way: that is a result
            answers.append({"error": f"{type(err).__name__}: {err}"})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
