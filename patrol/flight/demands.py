"""What a mission asks of the vehicle that is to fly it, from the judge's own books of way and energy. Pure."""

from __future__ import annotations

from patrol.flight.preflight import Demands
from patrol.planning.drone import CALM, Drone, Wind
from patrol.planning.mission import Mission
from patrol.planning.safety.energy import keep_books
from patrol.planning.safety.path import read_way


def demands_of(mission: Mission, drone: Drone, wind: Wind = CALM) -> Demands:
    """Battery for the whole way and the reserve, heights, fence, wind. Heights above home, over flat ground."""
    way = read_way(mission, None, drone.cruise_ms, drone.rtl_altitude_m)
    used_wh = 0.0
    if way.legs:
        used_wh = float(keep_books(way.legs, drone, wind, mission.home_amsl_m).end_wh[-1])
    highest_m = max((max(leg.a.up_m, leg.b.up_m) for leg in way.legs), default=0.0)
    return Demands(
        home=mission.home,
        battery=min(1.0, drone.reserve + used_wh / drone.battery_wh),
        highest_m=highest_m,
        return_above_m=drone.rtl_altitude_m,
        fenced=bool(mission.fence),
        max_wind_ms=drone.max_wind_ms,
    )
