"""Area survey: photographs of one or several areas, concave, with holes, around zones, in the wind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, degrees, hypot, isfinite

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from patrol.errors import Text
from patrol.geo import EastNorth, Floats, LatLon
from patrol.planning import checks
from patrol.planning.coverage import Raster, reachable, repair_places
from patrol.planning.drone import Drone, Wind, ground_speed
from patrol.planning.footprints import footprints_m
from patrol.planning.order import Variant, best_order
from patrol.planning.plan import Coverage, FlightPlan, Run, Shot
from patrol.planning.refusals import Reason, refuse
from patrol.planning.stage import Setting, leg_costs, limited_speed, set_up
from patrol.planning.sweep import Grain, Line, crossings, lines
from patrol.planning.tour import DRAPE_TOLERANCE_M, Stage, sorties, spot_run


@dataclass(frozen=True)
class AreaSurvey:
    """The intent. Each area is an outer ring and its holes. Give a height above ground or a ground sample distance.

    bearing_deg  direction of the lines; None: the one with the shortest flight in the wind
    cross        a second pass at right angles
    """

    areas: tuple[tuple[tuple[LatLon, ...], ...], ...]
    gsd_m: float | None = None
    height_m: float | None = None
    front_overlap: float = 0.75
    side_overlap: float = 0.65
    bearing_deg: float | None = None
    cross: bool = False
    speed_ms: float | None = None
    name: str = "survey"


def plan_survey(intent: AreaSurvey, setting: Setting) -> FlightPlan:
    """One flight plan for all areas of `intent`. Raises PlanRefused with every reason known at that point."""
    drone = setting.drone
    checks.check_overlaps(intent.front_overlap, intent.side_overlap)
    height_m = checks.working_height(drone.camera, setting.airspace, intent.height_m, intent.gsd_m)
    if not intent.areas:
        raise refuse("nothing-to-do")
    area = shapely.union_all([checks.polygon(rings, setting.frame) for rings in intent.areas])
    grain = _grain(intent, drone, height_m if setting.airspace.terrain is None else height_m - DRAPE_TOLERANCE_M)
    checks.check_size(area, 1e-3)
    count = area.area / (grain.across_m * grain.along_m)
    if count > checks.MAX_SHOTS:
        raise refuse("too-many-photos", count=count, limit=checks.MAX_SHOTS)
    stage, notes = set_up(setting, height_m, height_m)
    stage = limited_speed(stage, grain.along_m, height_m, intent.speed_ms)
    allowed = stage.router.region.allowed
    _check_reach(area, allowed, grain, stage)
    bearing = intent.bearing_deg
    if bearing is None:
        bearing = _best_bearing(area, allowed, grain, stage, setting.wind)
    if not isfinite(bearing):
        raise refuse("not-a-number", place="bearing")
    grains = [replace(grain, bearing_deg=b) for b in ([bearing, bearing + 90.0] if intent.cross else [bearing])]
    runs = [run for g in grains for run in _pass(area, allowed, g, stage, height_m)]
    flights = sorties(runs, stage)
    if len(flights) > 1:
        notes.append(Reason("split", {"count": len(flights)}))
    shots = tuple(shot for flight in flights for shot in flight.shots)
    coverage = _measure(area, allowed, grains, shots, stage)
    if coverage.reachable < 0.9999:
        missed = area.difference(allowed.buffer(hypot(grain.width_m, grain.depth_m) / 2))
        why = stage.router.region.why(missed if not missed.is_empty else area)
        notes.append(Reason("part-unreachable", {"share": 1 - coverage.reachable, "what": intent.name, "why": why}))
    return FlightPlan(
        intent.name,
        drone,
        setting.home,
        stage.ground.home_amsl_m,
        tuple(setting.frame.to_wgs84(p) for p in stage.router.region.landings[1:]),
        setting.airspace,
        flights,
        setting.wind,
        setting.starts_at_s,
        coverage,
        tuple(ring for rings in intent.areas for ring in rings),
        tuple(notes),
        {
            "height_m": height_m,
            "gsd_m": drone.camera.gsd_m(height_m),
            "bearing_deg": bearing % 180.0,
            "across_m": grain.across_m,
            "along_m": grain.along_m,
            "speed_ms": stage.cruise_ms,
        },
    )


def _grain(intent: AreaSurvey, drone: Drone, height_m: float) -> Grain:
    width_m, depth_m = drone.camera.footprint_m(height_m)
    across_m, along_m = width_m * (1.0 - intent.side_overlap), depth_m * (1.0 - intent.front_overlap)
    return Grain(0.0, width_m, depth_m, across_m, along_m)


def _check_reach(area: BaseGeometry, allowed: BaseGeometry, grain: Grain, stage: Stage) -> None:
    if allowed.is_empty or allowed.distance(area) > hypot(grain.width_m, grain.depth_m) / 2:
        raise refuse("nothing-reachable", what=Text("the area", "区域"), why=stage.router.region.why(area))


def _lead_m(stage: Stage) -> float:
    """To reach the speed of the line, and half a second to be level."""
    return stage.cruise_ms**2 / (2 * stage.drone.acceleration_ms2) + 0.5 * stage.cruise_ms


def _best_bearing(area: BaseGeometry, allowed: BaseGeometry, grain: Grain, stage: Stage, wind: Wind) -> float:
    """The bearing with the shortest flight: all promising ones by counting lines, the best few by making them."""
    hull = shapely.get_coordinates(area.simplify(grain.across_m / 4))
    sides = np.diff(hull, axis=0)
    lengths = np.hypot(*sides.T)
    longest = np.argsort(-lengths, kind="stable")[:16]
    edges = [degrees(np.arctan2(*sides[n])) % 180.0 for n in longest if lengths[n] > grain.across_m]
    every = [float(b) for b in range(0, 180, 5)]
    bearings = sorted({round(b, 6) for b in edges + every})
    rings = [shapely.get_coordinates(r) for r in _rings(area.simplify(grain.across_m / 20))]
    rough = sorted((_rough_time(b, area.area, rings, grain, stage, wind), b) for b in bearings)
    best = min((_line_time(b, area, allowed, grain, stage, wind), b) for _, b in rough[:4])
    return best[1]


def _rings(area: BaseGeometry) -> list[BaseGeometry]:
    return [ring for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)]


def _speeds(bearing: float, stage: Stage, wind: Wind) -> tuple[float, float]:
    there = np.array([np.sin(np.radians(bearing)), np.cos(np.radians(bearing))])
    limit = stage.drone.max_airspeed_ms
    return (
        ground_speed(stage.cruise_ms, float(there[0]), float(there[1]), wind, limit)[0],
        ground_speed(stage.cruise_ms, float(-there[0]), float(-there[1]), wind, limit)[0],
    )


def _turn_time(grain: Grain, stage: Stage) -> float:
    speed = stage.cruise_ms
    return 2 * _lead_m(stage) / speed + 2 * speed / stage.drone.acceleration_ms2 + grain.across_m / speed


def _rough_time(bearing: float, area_m2: float, rings: list[Floats], grain: Grain, stage: Stage, wind: Wind) -> float:
    there, back = _speeds(bearing, stage, wind)
    if there <= 0.0 or back <= 0.0:
        return float("inf")
    turned = [replace(grain, bearing_deg=bearing).turned(ring) for ring in rings]
    pieces = crossings(turned, grain.across_m, grain.width_m)
    return area_m2 / grain.across_m * (1 / there + 1 / back) / 2 + pieces * _turn_time(grain, stage)


def _line_time(
    bearing: float, area: BaseGeometry, allowed: BaseGeometry, grain: Grain, stage: Stage, wind: Wind
) -> float:
    turned = replace(grain, bearing_deg=bearing)
    there, back = _speeds(bearing, stage, wind)
    if there <= 0.0 or back <= 0.0:
        return float("inf")
    found = lines(turned.to_sweep(area), turned.to_sweep(allowed), turned)
    length_m = sum(line.x1 - line.x0 for line in found)
    return length_m * (1 / there + 1 / back) / 2 + len(found) * _turn_time(grain, stage)


def _pass(area: BaseGeometry, allowed: BaseGeometry, grain: Grain, stage: Stage, height_m: float) -> list[Run]:
    """The runs over the area in one direction, in the order to fly them."""
    turned_area, turned_allowed = grain.to_sweep(area), grain.to_sweep(allowed)
    found = lines(turned_area, turned_allowed, grain)
    raster = Raster.over(turned_area, grain)
    seen = raster.seen(_line_shots(found, grain), grain.width_m, grain.depth_m)
    repairs = repair_places(raster, seen, turned_allowed, grain)
    cells = _cells(found)
    pieces = [_variants(cell, grain) for cell in cells]
    spots = [grain.place(x, y) for x, y in repairs]
    pieces += [[Variant(spot, spot, 0.0)] for spot in spots]
    runs = list[Run]()
    for piece, variant in best_order(pieces, EastNorth(0.0, 0.0), leg_costs(stage)):
        if piece < len(cells):
            runs += [_run(a, b, grain, height_m, stage) for a, b in _flown(cells[piece], variant)]
        else:
            runs.append(spot_run(spots[piece - len(cells)], grain, height_m))
    return runs


def _cells(found: list[Line]) -> list[list[Line]]:
    """Lines chained row by row as long as each overlaps exactly one of the next row and the other way round."""
    by_row: dict[int, list[Line]] = {}
    for line in found:
        by_row.setdefault(line.row, []).append(line)
    open_cells: list[list[Line]] = []
    done: list[list[Line]] = []
    for row in range(max(by_row, default=-1) + 1):
        here = by_row.get(row, [])
        ends = [cell[-1] for cell in open_cells]
        touches = [[n for n, line in enumerate(here) if _overlap(end, line)] for end in ends]
        touched = [sum(n in t for t in touches) for n in range(len(here))]
        going, taken = list[list[Line]](), set[int]()
        for cell, t in zip(open_cells, touches, strict=True):
            if len(t) == 1 and touched[t[0]] == 1:
                cell.append(here[t[0]])
                taken.add(t[0])
                going.append(cell)
            else:
                done.append(cell)
        open_cells = going + [[line] for n, line in enumerate(here) if n not in taken]
    return done + open_cells


def _overlap(a: Line, b: Line) -> bool:
    return a.x0 <= b.x1 and b.x0 <= a.x1


def _flown(cell: list[Line], variant: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Start and end (x, y) of each line of the cell in the order of the variant."""
    left = variant < 2
    forth = [
        ((line.x0, line.y), (line.x1, line.y)) if (n % 2 == 0) == left else ((line.x1, line.y), (line.x0, line.y))
        for n, line in enumerate(cell)
    ]
    return forth if variant % 2 == 0 else [(b, a) for a, b in reversed(forth)]


def _variants(cell: list[Line], grain: Grain) -> list[Variant]:
    found = []
    for variant in range(4):
        flown = _flown(cell, variant)
        found.append(Variant(grain.place(*flown[0][0]), grain.place(*flown[-1][1]), 0.0))
    return found


def _run(start: tuple[float, float], end: tuple[float, float], grain: Grain, height_m: float, stage: Stage) -> Run:
    length_m = abs(end[0] - start[0])
    if length_m < 1e-6:
        return spot_run(grain.place(*start), grain, height_m)
    steps = max(1, ceil(length_m / grain.along_m - 1e-6))
    spacing_m = length_m / steps
    return Run(
        (grain.place(*start), grain.place(*end)),
        height_m,
        tuple(spacing_m * n for n in range(steps + 1)),
        spacing_m,
        lead_m=_lead_m(stage),
        label="line",
    )


def _line_shots(found: Sequence[Line], grain: Grain) -> Floats:
    shots = []
    for line in found:
        steps = max(1, ceil((line.x1 - line.x0) / grain.along_m - 1e-6)) if line.x1 - line.x0 > 1e-6 else 0
        xs = np.linspace(line.x0, line.x1, steps + 1)
        shots.append(np.stack([xs, np.full(len(xs), line.y)], axis=1))
    return np.concatenate(shots) if shots else np.empty((0, 2))


def _measure(
    area: BaseGeometry, allowed: BaseGeometry, grains: list[Grain], shots: Sequence[Shot], stage: Stage
) -> Coverage:
    """Coverage from the footprints of the photographs as planned, over the ground as known."""
    grain = grains[0]
    turned_area = grain.to_sweep(area)
    raster = Raster.over(turned_area, grain)
    places = np.array([(s.east_m, s.north_m) for s in shots]).reshape(-1, 2)
    if stage.ground.terrain is None and len(grains) == 1:
        seen = raster.seen(grain.turned(places), grain.width_m, grain.depth_m)
    else:
        prints = footprints_m(shots, stage.drone.camera.lens, stage.ground)
        seen = raster.seen_by(grain.turned(prints.reshape(-1, 2)).reshape(-1, 4, 2))
    could = seen.copy()
    if not seen.all():
        could[~seen] = reachable(raster.middles[~seen], grain.to_sweep(allowed), grain)
    total = max(len(seen), 1)
    return Coverage(
        float(area.area),
        float(seen.sum() / total),
        float(could.sum() / total),
        float(seen.sum() / max(could.sum(), 1)),
        raster.cell_m,
        len(shots),
    )
