"""`make bench-planning`: the planner beside its peers, its growth, thousands of random tasks, and the fleet.

    python -m bench.planning.run [peers] [growth] [worlds] [mutations] [fleet]      all without arguments
    WORLDS=2000 MUTATIONS=2000 FLEET_S=120 are what the note reports; smaller numbers for a quick look

Peers run in `.venv-bench-planning` (bench/planning/setup). Times are of this machine as it is: its load is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import shapely

from patrol.geo import EastNorth, LatLon, Lens, LocalFrame, distance_m
from patrol.planning.airspace import Airspace, Circle, Zone
from patrol.planning.drone import Drone, SurveyCamera
from patrol.planning.encode import missions
from patrol.planning.fleet import pose_problem, solve
from patrol.planning.mission import NAV_WAYPOINT
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.safety.energy import keep_books
from patrol.planning.safety.path import read_way
from patrol.planning.sites import Site
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey, plan_survey
from tests.planning.test_safety_mutations import MUTATIONS, mutated
from tests.planning.worlds import DRONES, brute_kinds, world

ROOT = Path(__file__).parents[2]
# the camera that drone-flightplan's QGROUNDCONTROL type assumes: width 1.25, depth 0.99 of the height
LENS = Lens(4000, 3168, 3200.0, 3200.0, 1999.5, 1583.5)
DRONE = Drone("bench", SurveyCamera(LENS, 0.7), cruise_ms=11.5, max_airspeed_ms=20.0, battery_wh=4000.0, mass_kg=6.0, disk_area_m2=0.9)  # fmt: skip
HEIGHT_M, FRONT, SIDE = 100.0, 0.75, 0.70
SPACING_M = 1.25 * HEIGHT_M * (1 - SIDE)


def ring(home: LatLon, corners: list[tuple[float, float]]) -> tuple[LatLon, ...]:
    """A ring by metres from home."""
    frame = LocalFrame(home)
    return tuple(frame.to_wgs84(EastNorth(*c)) for c in corners)


def closed(area: tuple[LatLon, ...]) -> list[list[float]]:
    """A ring as GeoJSON wants it."""
    return [[p.lon_deg, p.lat_deg] for p in (*area, area[0])]


def rectangle(width: float, depth: float) -> list[tuple[float, float]]:
    """Corners of a rectangle around home."""
    return [(-width / 2, -depth / 2), (width / 2, -depth / 2), (width / 2, depth / 2), (-width / 2, depth / 2)]


def ours(home: LatLon, area: tuple[LatLon, ...], **more: Any) -> FlightPlan:
    """Our plan with the bench's camera and overlaps."""
    sky = more.pop("airspace", Airspace())
    intent = AreaSurvey(((area,),), height_m=HEIGHT_M, front_overlap=FRONT, side_overlap=SIDE, **more)
    return plan_survey(intent, Setting(DRONE, home, sky))


def ask(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The peers' answers; every one an error when their environment is not there."""
    python = ROOT / ".venv-bench-planning" / "bin" / "python"
    if not python.exists():
        return [{"error": "no peers: run bench/planning/setup"} for _ in tasks]
    done = subprocess.run(
        [str(python), str(ROOT / "bench/planning/peers.py")],
        input=json.dumps(tasks),
        capture_output=True,
        text=True,
        check=True,
        timeout=1800,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def length_m(points: list[LatLon]) -> float:
    """True length of a path on the ellipsoid."""
    return sum(distance_m(a, b) for a, b in pairwise(points))


def line_gap_m(points: list[LatLon], home: LatLon) -> float:
    """Median true distance between neighbouring lines of a path that runs back and forth in east-west lines."""
    frame = LocalFrame(home)
    north = [frame.to_local(p).north_m for p in points]
    rows = sorted({round(n, 1) for n in north})
    merged = [rows[0]]
    for n in rows[1:]:
        if n - merged[-1] > 3.0:
            merged.append(n)
    return median(b - a for a, b in pairwise(merged))


def peers() -> None:
    """Spacing, length and time at four latitudes; legs through a zone; 16 km2; opencoverage."""
    print(f"\nSame area 900 x 600 m, camera and overlaps; wanted line spacing {SPACING_M:.2f} m")
    print("  latitude  planner           true spacing  off      claimed time  true time  off")
    homes = [LatLon(lat, 114.0) for lat in (0.0, 35.7, 40.0, 60.0)]
    corners = rectangle(900, 600)
    tasks = [
        {
            "peer": "drone-flightplan",
            "ring": closed(ring(h, corners)),
            "height_m": HEIGHT_M,
            "front": FRONT,
            "side": SIDE,
            "home": [h.lon_deg, h.lat_deg],
        }
        for h in homes
    ]
    for home, answer in zip(homes, ask(tasks), strict=True):
        plan = ours(home, ring(home, corners), bearing_deg=90.0)
        mission = missions(plan)[0]
        points = [LatLon(i.lat_deg, i.lon_deg) for i in mission.items if i.command == NAV_WAYPOINT]
        way = read_way(mission, None, DRONE.cruise_ms, DRONE.rtl_altitude_m)
        truth = float(keep_books(way.legs, DRONE, plan.wind, 0.0).end_s[-1])
        claimed = plan.duration_s
        gap = line_gap_m(points[1:-1], home)
        print(f"  {home.lat_deg:8.1f}  ours              {gap:9.2f} m  {gap / SPACING_M - 1:+7.2%}  {claimed:9.1f} s  {truth:9.1f} s  {claimed / truth - 1:+7.2%}")  # fmt: skip
        if "error" in answer:
            print(f"            drone-flightplan  {answer['error']}")
            continue
        theirs = [LatLon(lat, lon) for lon, lat in answer["points"]]
        gap, real = line_gap_m(theirs[1:], home), length_m(theirs) / 11.5
        print(f"            drone-flightplan  {gap:9.2f} m  {gap / SPACING_M - 1:+7.2%}  {answer['claimed_s']:9.1f} s  {real:9.1f} s  {answer['claimed_s'] / real - 1:+7.2%}  (path {length_m(theirs):.0f} m, ours {plan.distance_m:.0f} m)")  # fmt: skip
    _zones()
    _large()
    _opencoverage()


def _zones() -> None:
    home = LatLon(22.5431, 114.0579)
    frame = LocalFrame(home)
    middle = frame.to_wgs84(EastNorth(150.0, 60.0))
    disc = shapely.Point(150.0, 60.0).buffer(100.0, quad_segs=16)
    outline = [[p.lon_deg, p.lat_deg] for p in (frame.to_wgs84(EastNorth(*c)) for c in disc.exterior.coords)]
    area = ring(home, rectangle(900, 600))
    zones = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [outline]}}]}  # fmt: skip
    task = {"peer": "drone-flightplan", "ring": closed(area), "height_m": HEIGHT_M, "front": FRONT, "side": SIDE, "home": [home.lon_deg, home.lat_deg], "zones": zones}  # fmt: skip
    plan = ours(home, area, airspace=Airspace(zones=(Zone("disc", Circle(middle, 100.0)),)))
    mine = [shapely.LineString([(a.east_m, a.north_m), (b.east_m, b.north_m)]) for s in plan.sorties for a, b in pairwise(s.waypoints) if (a.east_m, a.north_m) != (b.east_m, b.north_m)]  # fmt: skip
    print(f"\nLegs through a no-fly circle of 100 m: ours {sum(g.intersects(disc) for g in mine)} of {len(mine)}")
    (answer,) = ask([task])
    if "error" in answer:
        print(f"  drone-flightplan: {answer['error']}")
        return
    local = [frame.to_local(LatLon(lat, lon)) for lon, lat in answer["points"]]
    legs = [shapely.LineString([a, b]) for a, b in pairwise(local) if a != b]
    print(f"  drone-flightplan {sum(g.intersects(disc) for g in legs)} of {len(legs)}")


def _large() -> None:
    home = LatLon(22.5431, 114.0579)
    area = ring(home, rectangle(4000, 4000))
    task = {"peer": "drone-flightplan", "ring": closed(area), "height_m": HEIGHT_M, "front": FRONT, "side": SIDE, "home": [home.lon_deg, home.lat_deg]}  # fmt: skip
    took, plan = timed(lambda: ours(home, area))
    print(f"\n16 km2: ours {took:.2f} s ({plan.coverage.photographs if plan.coverage else 0} photographs, measured coverage {plan.coverage.covered if plan.coverage else 0:.2%})")  # fmt: skip
    (answer,) = ask([task])
    print(f"  drone-flightplan {answer.get('took_s', float('nan')):.2f} s {answer.get('error', '')}")


def _opencoverage() -> None:
    home = LatLon(22.5431, 114.0579)
    shape = [(0.0, 0.0), (700.0, 0.0), (700.0, 250.0), (350.0, 250.0), (350.0, 600.0), (0.0, 600.0)]
    task = {"peer": "opencoverage", "local": shape, "height_m": HEIGHT_M, "front": FRONT, "side": SIDE, "sensor_mm": [12.5, 9.9], "focal_mm": 10.0, "pixels": [4000, 3168], "speed_ms": DRONE.cruise_ms}  # fmt: skip
    (answer,) = ask([task])
    took, plan = timed(lambda: ours(home, ring(home, shape)))
    print(f"\nL-shape of 29.75 ha: ours {plan.distance_m:.0f} m with the way out and home, {took:.3f} s, coverage {plan.coverage.covered if plan.coverage else 0:.2%}")  # fmt: skip
    if "error" in answer:
        print(f"  opencoverage: {answer['error']}")
        return
    path = np.array(answer["path"])
    print(f"  opencoverage {np.hypot(*np.diff(path, axis=0).T).sum():.0f} m from first to last line, {answer['took_s']:.3f} s, spacing {answer['spacing_m']:.2f} m")  # fmt: skip


def timed(work: Callable[[], FlightPlan], rounds: int = 5) -> tuple[float, FlightPlan]:
    """Least seconds of some rounds, and the plan."""
    best, plan = float("inf"), None
    for _ in range(rounds):
        began = time.perf_counter()
        plan = work()
        best = min(best, time.perf_counter() - began)
    if plan is None:
        raise ValueError("no rounds")
    return best, plan


def growth() -> None:
    """Time against area from 1 to 100 km2."""
    home = LatLon(22.5431, 114.0579)
    sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0]
    took = [timed(lambda s=s: ours(home, ring(home, rectangle(1000 * s**0.5, 1000 * s**0.5))), 3)[0] for s in sizes]  # type: ignore[misc]  # the default binds s now
    slope = float(np.polyfit(np.log(sizes), np.log(took), 1)[0])
    print("\nGrowth: " + ", ".join(f"{s:g} km2 {t:.3f} s" for s, t in zip(sizes, took, strict=True)))
    print(f"  slope on log-log {slope:.2f}")


def worlds() -> None:
    """Random areas: coverage, judge, determinism."""
    count = int(os.environ.get("WORLDS", "2000"))
    refused, low, unsafe, unlike, planned = Counter[str](), list[int](), list[int](), list[int](), 0
    began = time.perf_counter()
    for seed in range(count):
        task = world(seed)
        try:
            plan = plan_survey(task.intent, task.setting)
        except PlanRefused as refusal:
            refused[refusal.reasons[0].code] += 1
            continue
        planned += 1
        if plan.coverage is None or plan.coverage.covered_of_reachable < 0.995:
            low.append(seed)
        rules = Rules(plan.drone, plan.airspace, plan.wind)
        if any(judge(m, rules) for m in missions(plan)):
            unsafe.append(seed)
        if seed % 10 == 0 and plan_survey(task.intent, task.setting) != plan:
            unlike.append(seed)
    print(f"\n{count} random tasks in {time.perf_counter() - began:.0f} s: {planned} planned, refused {dict(refused)}")
    print(f"  coverage below 99.5 % of what is reachable: {len(low)} {low[:5]}; judge violations: {len(unsafe)} {unsafe[:5]}; not deterministic: {len(unlike)}")  # fmt: skip


def mutations() -> None:
    """Broken plans: what samples see and the judge does not."""
    count = int(os.environ.get("MUTATIONS", "2000"))
    seen, missed, broken = 0, list[int](), 0
    for seed in range(count):
        task = world(seed)
        try:
            plan = plan_survey(task.intent, task.setting)
        except PlanRefused:
            continue
        mission = mutated(missions(plan)[0], MUTATIONS[seed % len(MUTATIONS)], np.random.default_rng(seed))
        sampled = brute_kinds(mission, plan.drone, plan.airspace)
        found = {(v.kind, v.item, v.subject) for v in judge(mission, Rules(plan.drone, plan.airspace, plan.wind))}
        broken += bool(sampled)
        seen += len(sampled)
        if not sampled <= found:
            missed.append(seed)
    print(f"\n{count} mutated plans: {broken} broken by the sampler ({seen} violations); plans with one the judge missed: {len(missed)} {missed[:5]}")  # fmt: skip


def fleet() -> None:
    """300 sites, 6 drones, deadlines: two seconds against the solver's own long answer."""
    home = LatLon(22.5431, 114.0579)
    frame = LocalFrame(home)
    rng = np.random.default_rng(5)
    docks = [frame.to_wgs84(EastNorth(*p)) for p in ((-800, 800), (900, 700), (0, -900), (-1100, -900), (1200, -600), (0, 0))]  # fmt: skip
    sky = Airspace(zones=(Zone("a", Circle(frame.to_wgs84(EastNorth(400, 600)), 120.0)), Zone("b", Circle(frame.to_wgs84(EastNorth(-900, -500)), 150.0))))  # fmt: skip
    drone = replace(DRONES[1], autopilot="ardupilot")
    settings = [Setting(replace(drone, id=f"d{n}"), dock, sky, tuple(docks)) for n, dock in enumerate(docks)]
    sites = [
        Site(f"s{k}", frame.to_wgs84(EastNorth(*rng.uniform(-1500, 1500, 2))), 40.0, dwell_s=10.0,
             deadline_s=float(rng.choice([2400, 3600, 5400, 7200])) if rng.random() < 0.4 else None)
        for k in range(300)
    ]  # fmt: skip
    began = time.perf_counter()
    problem = pose_problem(sites, settings)
    unseen = sum(all(places[k] is None for places in problem.spots) for k in range(len(sites)))
    print(f"\nFleet of 6, 300 sites: posed in {time.perf_counter() - began:.1f} s; {unseen} lie in or behind zones")
    long_s = float(os.environ.get("FLEET_S", "120"))
    costs = {}
    for seconds in (2.0, long_s):
        cpu = time.process_time()
        answer = solve(problem, 0, seconds=seconds)
        costs[seconds] = answer.cost
        print(f"  {seconds:5.0f} s ({time.process_time() - cpu:.1f} s of processor): {answer.cost:.0f} s of flight, {len(answer.routes)} batteries, left out {len(answer.left_out)}")  # fmt: skip
    print(f"  two seconds against {long_s:.0f}: {costs[2.0] / costs[long_s] - 1:+.1%}")


PARTS = {"peers": peers, "growth": growth, "worlds": worlds, "mutations": mutations, "fleet": fleet}


def main() -> None:
    """Run the parts named on the command line, or all."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
