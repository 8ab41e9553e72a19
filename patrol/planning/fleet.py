"""Several drones, many sites: who visits which, in which sortie, in what order. PyVRP underneath.

Each battery of each drone is a vehicle of its own with its own hours, the pause for charging between them. Energy
takes the place of distance (milliwatt-hours), so that no route needs more than a battery gives; time is time.
Deadlines are time windows. A site that no battery reaches in time is left out, the least important first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite
from typing import Any, cast

import numpy as np
import pyvrp
import shapely
from numpy.typing import NDArray
from pyvrp import stop
from pyvrp.search import NeighbourhoodParams

from patrol.errors import Text
from patrol.geo import Floats
from patrol.planning.first_answer import Battery, first_routes
from patrol.planning.flight_time import SETTLE_S
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import refuse
from patrol.planning.separation import Flight, apart_starts
from patrol.planning.sites import Site, site_group
from patrol.planning.spots import Heights, Spot, plan_spots
from patrol.planning.stage import Setting, set_up
from patrol.planning.tour import ENERGY_SHARE, Stage

LAYER_M = 10.0  # between the transit heights of two drones
PARAMS = pyvrp.SolveParams(neighbourhood=NeighbourhoodParams(num_neighbours=20))  # of 50: quicker, no worse in 2 s
FAR = 10**9  # an arc that no battery can fly
LATE_SHARE = 0.97  # of a deadline is planned for: true legs bend around zones, starts are moved apart
ENERGY_MARGIN = 0.94  # of a battery is given to the solver: true legs are a little longer than straight ones
PRIZE = 100_000  # seconds of flight that a site of priority 1 is worth: all that can be served is
Whole = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True)
class FleetPlan:
    """Flights with their starts (seconds from the fleet's own start), and ids of sites that are left out."""

    flights: tuple[Flight, ...]
    left_out: tuple[str, ...]
    cost_s: float

    @property
    def makespan_s(self) -> float:
        """When the last drone is down."""
        return max((f.start_s + f.plan.duration_s for f in self.flights), default=0.0)


@dataclass(frozen=True)
class Problem:
    """Sites, drones and the numbers between them: what the solver sees. Index 0..d-1 are docks, then sites."""

    sites: tuple[Site, ...]
    settings: tuple[Setting, ...]
    stages: tuple[Stage, ...]
    spots: tuple[tuple[Spot | None, ...], ...]  # [drone][site]
    duration_s: tuple[Whole, ...]
    energy_mwh: tuple[Whole, ...]
    charge_s: float


@dataclass(frozen=True)
class Answer:
    """Routes as (drone, battery, sites in order, start); sites left out; the solver's own cost."""

    routes: tuple[tuple[int, int, tuple[int, ...], float], ...]
    left_out: tuple[int, ...]
    cost: float


def pose_problem(sites: Sequence[Site], settings: Sequence[Setting], charge_s: float = 1800.0) -> Problem:
    """Places, times and energies for every drone and site. Raises PlanRefused for an empty or impossible task."""
    if not sites or not settings:
        raise refuse("nothing-to-do")
    if not (isfinite(charge_s) and charge_s >= 0.0):
        raise refuse("not-a-number", place="charge_s")
    stages, spots, durations, energies = [], [], [], []
    highest = max(site.height_m for site in sites)
    for n, setting in enumerate(settings):
        layer_m = min(highest + LAYER_M * (n + 1), setting.airspace.ceiling_m)
        stage, _ = set_up(setting, layer_m, layer_m)
        heights = Heights(setting)
        places = tuple(_place(site, setting, stage, heights) for site in sites)
        stages.append(stage)
        spots.append(places)
    for n, stage in enumerate(stages):
        duration, energy = _arcs(n, len(settings), stage, spots[n], [s.dwell_s for s in sites])
        durations.append(duration)
        energies.append(energy)
    return Problem(
        tuple(sites), tuple(settings), tuple(stages), tuple(spots), tuple(durations), tuple(energies), charge_s
    )


def _place(site: Site, setting: Setting, stage: Stage, heights: Heights) -> Spot | None:
    for (spot,) in site_group(site, setting).choices:
        here = shapely.Point(*spot.at)
        if stage.router.region.near_allowed.covers(here) and heights.safe(spot) and heights.sees(spot):
            return spot
    return None


def _arcs(
    n: int, docks: int, stage: Stage, spots: Sequence[Spot | None], dwell_s: Sequence[float]
) -> tuple[Whole, Whole]:
    """Seconds and milliwatt-hours between all docks and sites for drone `n`; a site's own time is on the way to it."""
    count = docks + len(spots)
    drone, flier = stage.drone, stage.flier
    at = np.zeros((count, 2))
    for k, spot in enumerate(spots):
        if spot is not None:
            at[docks + k] = spot.at
    steps = at[None, :, :] - at[:, None, :]
    apart = np.hypot(steps[..., 0], steps[..., 1])
    bent = _bent(stage, at)
    unit_s, unit_wh = _per_metre(stage, steps)
    ramp_s = drone.cruise_ms / drone.acceleration_ms2
    longer = np.where(bent, 1.4 * apart + 15.0, apart)
    hover_wh = flier.vertical(drone.climb_ms)[1]  # one second of climbing, more than one of hovering
    seconds = longer * unit_s + np.where(apart > 0.1, ramp_s, 0.0)
    spent = longer * unit_wh + np.where(apart > 0.1, ramp_s, 0.0) * hover_wh
    for k, spot in enumerate(spots):
        if spot is None:
            continue
        depth_m = stage.takeoff_m - spot.height_m
        (down_s, down_wh), (up_s, up_wh) = flier.vertical(-depth_m), flier.vertical(depth_m)
        hold_s = max(dwell_s[k], spot.hold_s)
        seconds[:, docks + k] += down_s + up_s + hold_s
        spent[:, docks + k] += down_wh + up_wh + hold_s * hover_wh
    (up_s, up_wh), (down_s, down_wh) = flier.vertical(stage.takeoff_m), flier.vertical(-stage.takeoff_m)
    seconds[:docks, docks:] += up_s + SETTLE_S
    spent[:docks, docks:] += up_wh
    seconds[docks:, :docks] += down_s + SETTLE_S
    spent[docks:, :docks] += down_wh
    lost = [docks + k for k, spot in enumerate(spots) if spot is None]
    others = [k for k in range(docks) if k != n]
    energy = np.ceil(spent * 1000.0).astype(np.int64)
    for k in [*lost, *others]:
        energy[k, :] = energy[:, k] = FAR
    duration = np.ceil(seconds).astype(np.int64)
    np.fill_diagonal(duration, 0)
    np.fill_diagonal(energy, 0)
    return duration, energy


def _bent(stage: Stage, at: Floats) -> NDArray[np.bool_]:
    """(n, n) whether the straight leg between two places meets a zone or building."""
    count = len(at)
    barriers = [b.shape for b in stage.router.region.barriers]
    if not barriers:
        return np.zeros((count, count), bool)
    union = shapely.union_all(barriers)
    shapely.prepare(union)
    i, j = np.triu_indices(count, 1)
    meets = shapely.intersects(union, shapely.linestrings(np.stack([at[i], at[j]], axis=1)))
    bent = np.zeros((count, count), bool)
    bent[i, j] = bent[j, i] = meets
    return bent


def _per_metre(stage: Stage, steps: Floats) -> tuple[Floats, Floats]:
    """Seconds and Wh a metre in each direction, from a table of 72 bearings."""
    table = []
    for k in range(72):
        angle = 2 * np.pi * k / 72
        table.append(
            stage.flier.straight(float(np.sin(angle)) * 1000.0, float(np.cos(angle)) * 1000.0, stage.cruise_ms)
        )
    nearest = np.round(np.arctan2(steps[..., 0], steps[..., 1]) / (2 * np.pi) * 72).astype(int) % 72
    costs = np.array(table) / 1000.0
    return costs[nearest, 0], costs[nearest, 1]


def solve(problem: Problem, iterations: int, seed: int = 1, seconds: float | None = None) -> Answer:
    """The best routes found in `iterations` (deterministic), or within `seconds` (for a clock on the wall)."""
    docks = len(problem.settings)
    vehicles, owners, frames = [], list[tuple[int, int]](), list[Battery]()
    longest = [_longest_s(stage) for stage in problem.stages]
    batteries = _batteries(problem, min(longest))
    horizon = 0
    for d, stage in enumerate(problem.stages):
        for battery in range(batteries):
            begins = floor(battery * (longest[d] + problem.charge_s))
            ends = floor(begins + longest[d])
            horizon = max(horizon, ends)
            energy = floor(stage.drone.usable_wh * ENERGY_SHARE * ENERGY_MARGIN * 1000.0)
            vehicles.append(pyvrp.VehicleType(1, [], d, d, 0, begins, ends, longest[d], energy, 0, 1, d))
            frames.append(Battery(d, begins, ends, energy, longest[d]))
            owners.append((d, battery))
    able = [k for k in range(len(problem.sites)) if any(places[k] is not None for places in problem.spots)]
    clients = [
        pyvrp.Client(
            docks + k,
            tw_late=horizon if (limit := problem.sites[k].deadline_s) is None else max(0, floor(limit * LATE_SHARE)),
            prize=PRIZE * max(1, problem.sites[k].priority),
            required=False,
        )
        for k in able
    ]
    routes_0 = first_routes(
        frames,
        problem.duration_s,
        problem.energy_mwh,
        np.array([docks + k for k in able]),
        np.array([min(c.tw_late, horizon) for c in clients]),
    )
    complete = sum(len(r) for r in routes_0) == len(clients)
    if complete:  # everything can be served: the solver need not weigh leaving sites out
        clients = [pyvrp.Client(c.location, tw_late=c.tw_late) for c in clients]
    data = _data(problem, clients, vehicles)
    start = pyvrp.Solution(data, [pyvrp.Route(data, r, n) for n, r in enumerate(routes_0) if r])
    stopping = stop.MaxIterations(iterations) if seconds is None else stop.MaxRuntime(seconds)
    result = pyvrp.solve(
        data, stopping, seed=seed, collect_stats=False, display=False, params=PARAMS, initial_solution=start
    )
    routes = []
    for route in result.best.routes():
        d, battery = owners[route.vehicle_type()]
        visited = tuple(able[v.idx] for v in route.schedule() if v.is_client())
        routes.append((d, battery, visited, float(route.start_time())))
    visited_all = {k for _, _, visited, _ in routes for k in visited}
    left = tuple(k for k in range(len(problem.sites)) if k not in visited_all)
    return Answer(tuple(sorted(routes, key=lambda r: (r[0], r[1]))), left, float(result.cost()))


def _data(problem: Problem, clients: list[pyvrp.Client], vehicles: list[pyvrp.VehicleType]) -> pyvrp.ProblemData:
    docks = len(problem.settings)
    return pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(docks + len(problem.sites))],
        clients,
        [pyvrp.Depot(d) for d in range(docks)],
        vehicles,
        cast("Any", list(problem.energy_mwh)),  # pyvrp's stub says ndarray[int], which no array is
        cast("Any", list(problem.duration_s)),
    )


def _batteries(problem: Problem, longest_s: int) -> int:
    """How many batteries a drone may need: each site reached from its tenth of nearest ones, and half as much again."""
    docks = len(problem.settings)
    work = np.mean([np.quantile(d[docks:, docks:], 0.1, axis=0).sum() for d in problem.duration_s])
    return max(2, ceil(1.5 * float(work) / (docks * longest_s)))


def _longest_s(stage: Stage) -> int:
    """The longest a battery can last: at the speed that takes least power, never landing early."""
    least_w = min(stage.drone.power_w(v / 2.0, 0.0, stage.flier.density) for v in range(2 * int(stage.cruise_ms) + 1))
    return floor(stage.drone.usable_wh * ENERGY_SHARE * 3600.0 / least_w)


def plan_fleet(
    sites: Sequence[Site],
    settings: Sequence[Setting],
    *,
    charge_s: float = 1800.0,
    iterations: int = 1000,
    seed: int = 1,
    name: str = "fleet",
) -> FleetPlan:
    """Routes, each as a flyable plan at its own height, with starts that keep any two flights apart.

    Raises PlanRefused when nothing can be reached, or when a flight would come after a deadline that the routes keep.
    """
    problem = pose_problem(sites, settings, charge_s)
    answer = solve(problem, iterations, seed)
    if not answer.routes:
        raise refuse("nothing-reachable", what=name, why=Text("deadlines or batteries", "时限或电池"))
    flights, free = [], dict[int, float]()
    for d, battery, visited, _ in sorted(answer.routes, key=lambda r: (r[3], r[0], r[1])):
        plan = _fly(problem, d, visited, f"{name}-{settings[d].drone.id}-{battery + 1}")
        earliest = free.get(d, 0.0)  # as soon as the drone is ready: nothing is gained by waiting for its slot
        flights.append(Flight(settings[d].drone.id, earliest, plan))
        free[d] = earliest + plan.duration_s + charge_s
    spaced = apart_starts(flights, charge_s)
    left = tuple(sites[k].id for k in answer.left_out)
    late = [s for flight in spaced for s in _late(flight, sites)]
    if late:
        raise refuse("deadline-missed", sites=", ".join(late))
    return FleetPlan(spaced, left, answer.cost)


def _fly(problem: Problem, d: int, visited: Sequence[int], name: str) -> FlightPlan:
    setting = problem.settings[d]
    groups = [site_group(problem.sites[k], setting) for k in visited]
    chosen = [replace(g, choices=((spot,),)) for g, k in zip(groups, visited, strict=True) if (spot := problem.spots[d][k])]  # fmt: skip
    order = [problem.sites[k].id for k in visited]
    return plan_spots(name, chosen, setting, transit_m=problem.stages[d].takeoff_m, order=order)


def _late(flight: Flight, sites: Sequence[Site]) -> list[str]:
    wanted = {s.id: s.deadline_s for s in sites if s.deadline_s is not None}
    late, begin_s = [], flight.start_s
    for sortie in flight.plan.sorties:
        for waypoint, instant in zip(sortie.waypoints, sortie.instants, strict=True):
            limit = wanted.get(waypoint.label)
            if waypoint.actions and limit is not None and begin_s + instant.time_s > limit:
                late.append(waypoint.label)
        begin_s += sortie.duration_s
    return sorted(set(late))
