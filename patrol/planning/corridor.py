"""Roads, river banks, fire lanes: strips of ground along lines, each flown once, in the quickest order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from patrol.geo import EastNorth, LatLon
from patrol.planning import checks
from patrol.planning.coverage import Flags, Raster, reachable, repair_places
from patrol.planning.footprints import footprints_m
from patrol.planning.order import Variant, best_order
from patrol.planning.plan import Coverage, FlightPlan, Run, Sortie
from patrol.planning.refusals import Reason, refuse
from patrol.planning.stage import Setting, leg_costs, limited_speed, set_up
from patrol.planning.sweep import Grain
from patrol.planning.tour import Stage, sorties, spot_run

EDGE_M = 2.0  # of ground beside the strip that is photographed too
SHORT_M = 3.0  # pieces of line shorter than this are not worth a turn


@dataclass(frozen=True)
class Strip:
    """A line on the ground with the width to be seen."""

    id: str
    line: tuple[LatLon, ...]
    width_m: float


def plan_corridor(
    strips: Sequence[Strip],
    setting: Setting,
    *,
    gsd_m: float | None = None,
    height_m: float | None = None,
    front_overlap: float = 0.7,
    side_overlap: float = 0.6,
    name: str = "corridor",
) -> FlightPlan:
    """One plan along all strips; wide ones in several passes. Coverage of the strips is measured."""
    if not strips:
        raise refuse("nothing-to-do")
    checks.check_overlaps(front_overlap, side_overlap)
    height_m = checks.working_height(setting.drone.camera, setting.airspace, height_m, gsd_m)
    width, depth = setting.drone.camera.footprint_m(height_m)
    grain = Grain(0.0, width, depth, width * (1 - side_overlap), depth * (1 - front_overlap))
    stage, notes = set_up(setting, height_m, height_m)
    stage = limited_speed(stage, grain.along_m, height_m)
    allowed = stage.router.region.allowed
    runs, grounds = list[Run](), []
    for strip in strips:
        line = _line(strip, setting)
        grounds.append(line.buffer(strip.width_m / 2, cap_style="flat"))
        for path in _passes(line, strip.width_m, grain):
            runs += _runs(path, allowed, grain, height_m, strip.id)
    if not runs:
        why = stage.router.region.why(shapely.union_all(grounds))
        raise refuse("nothing-reachable", what=", ".join(s.id for s in strips), why=why)
    ground = shapely.union_all(grounds)
    raster = Raster.over(grain.to_sweep(ground), grain)
    flights = sorties(_ordered(runs, stage), stage)
    seen = _seen(flights, raster, grain, stage)
    repairs = repair_places(raster, seen, grain.to_sweep(allowed), grain)
    if repairs:
        spots = [spot_run(grain.place(x, y), grain, height_m) for x, y in repairs]
        flights = sorties(_ordered([*runs, *spots], stage), stage)
        seen = _seen(flights, raster, grain, stage)
    if len(flights) > 1:
        notes.append(Reason("split", {"count": len(flights)}))
    could = seen | reachable(raster.middles, grain.to_sweep(allowed), grain)
    coverage = Coverage(
        float(ground.area),
        float(seen.mean()),
        float(could.mean()),
        float(seen.sum() / max(could.sum(), 1)),
        raster.cell_m,
        sum(len(flight.shots) for flight in flights),
    )
    if coverage.covered < 0.999:
        why = stage.router.region.why(ground)
        notes.append(Reason("part-unreachable", {"share": 1 - coverage.covered, "what": name, "why": why}))
    return FlightPlan(
        name,
        setting.drone,
        setting.home,
        stage.ground.home_amsl_m,
        tuple(setting.frame.to_wgs84(p) for p in stage.router.region.landings[1:]),
        setting.airspace,
        flights,
        setting.wind,
        setting.starts_at_s,
        coverage,
        tuple(s.line for s in strips),
        tuple(notes),
        {"height_m": height_m, "gsd_m": setting.drone.camera.gsd_m(height_m), "speed_ms": stage.cruise_ms},
    )


def _ordered(runs: list[Run], stage: Stage) -> list[Run]:
    """Each run once, in the quickest order and direction found."""
    pieces = [
        [Variant(r.points[0], r.points[-1], 0.0), Variant(r.points[-1], r.points[0], 0.0)]
        if len(r.points) > 1
        else [Variant(r.points[0], r.points[0], 0.0)]
        for r in runs
    ]
    chosen = best_order(pieces, EastNorth(0.0, 0.0), leg_costs(stage))
    return [runs[n] if v == 0 else _backwards(runs[n]) for n, v in chosen]


def _seen(flights: tuple[Sortie, ...], raster: Raster, grain: Grain, stage: Stage) -> Flags:
    shots = [shot for flight in flights for shot in flight.shots]
    prints = footprints_m(shots, stage.drone.camera.lens, stage.ground)
    return raster.seen_by(grain.turned(prints.reshape(-1, 2)).reshape(-1, 4, 2))


def _line(strip: Strip, setting: Setting) -> BaseGeometry:
    checks.check_places(strip.line, setting.home, strip.id)
    corners = np.array([(p.lat_deg, p.lon_deg) for p in strip.line])
    line = shapely.LineString(setting.frame.many_to_local(corners[:, 0], corners[:, 1]))
    if line.length < 1.0 or not strip.width_m > 0.0:
        raise refuse("area-empty", count=len(strip.line))
    return shapely.simplify(line, 0.3)


def _passes(line: BaseGeometry, width_m: float, grain: Grain) -> list[BaseGeometry]:
    """Lines beside each other that show the whole width."""
    count = max(1, ceil((width_m + 2 * EDGE_M - grain.width_m) / grain.across_m - 1e-9) + 1)
    if count == 1:
        return [line]
    offsets = [(n - (count - 1) / 2) * grain.across_m for n in range(count)]
    found = []
    for off in offsets:
        beside = line if abs(off) < 1e-9 else line.offset_curve(off, join_style="mitre", mitre_limit=2.0)
        found += [part for part in shapely.get_parts(beside) if part.length > SHORT_M]
    return found


def _runs(path: BaseGeometry, allowed: BaseGeometry, grain: Grain, height_m: float, label: str) -> list[Run]:
    inside = shapely.line_merge(shapely.intersection(path, allowed))
    runs = []
    for part in shapely.get_parts(inside):
        if part.geom_type != "LineString" or part.length < SHORT_M:
            continue
        points = tuple(EastNorth(float(x), float(y)) for x, y in shapely.get_coordinates(part))
        steps = max(1, ceil(part.length / grain.along_m - 1e-6))
        spacing = part.length / steps
        shots = tuple(spacing * n for n in range(steps + 1))
        runs.append(Run(points, height_m, shots, spacing, lead_m=10.0, label=label))
    return runs


def _backwards(run: Run) -> Run:
    length = run.shots_m[-1]
    shots = tuple(length - s for s in reversed(run.shots_m))
    return Run(run.points[::-1], run.height_m, shots, run.spacing_m, lead_m=run.lead_m, label=run.label)
