"""Single photographs from chosen places: what sites, roofs, fire scenes and re-checks have in common.

Between spots the drone flies at one transit height around whatever reaches it; at a spot it goes straight down to
the working height and up again, so a spot among taller buildings is judged at its own height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import hypot

import shapely

from patrol.geo import EastNorth, LatLon
from patrol.planning.order import Variant, best_order
from patrol.planning.plan import FlightPlan, Run
from patrol.planning.refusals import PlanRefused, Reason
from patrol.planning.region import Region, make_region, ring_m
from patrol.planning.stage import LONGEST_DAY_S, Setting, leg_costs, set_up
from patrol.planning.tour import Stage, sorties

SETTLE_S = 2.0  # standing still before a single photograph


@dataclass(frozen=True)
class Spot:
    """A camera place in the local frame; `looks_at` is the point on the ground or roof it photographs."""

    at: EastNorth
    height_m: float
    yaw_deg: float
    pitch_deg: float
    hold_s: float = SETTLE_S
    label: str = ""
    looks_at: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Group:
    """Spots that belong together and are flown in one go, in this order or backwards.

    `choices` are equivalent ways to do it; the first that can be flown wholly is taken, else the fullest.
    """

    id: str
    choices: tuple[tuple[Spot, ...], ...]


class Heights:
    """Regions for single heights, made once each."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._regions: dict[float, Region] = {}

    def at(self, height_m: float) -> Region:
        """The region for work at this height and the way home from it."""
        key = round(height_m, 1)
        if key not in self._regions:
            s = self.setting
            span = None if s.starts_at_s is None else (s.starts_at_s, s.starts_at_s + LONGEST_DAY_S)
            top_m = max(key, s.drone.rtl_altitude_m)
            self._regions[key] = make_region(s.frame, s.airspace, s.landing_points, key, top_m, span)
        return self._regions[key]

    def safe(self, spot: Spot) -> bool:
        """Whether the drone may stand there and has a safe way home."""
        return bool(self.at(spot.height_m).safe.covers(shapely.Point(*spot.at)))

    def straight(self, a: Spot, b: Spot) -> bool:
        """Whether the straight leg between two spots is safe at the lower height of both."""
        leg = shapely.LineString([a.at, b.at])
        low, high = sorted((a.height_m, b.height_m))
        return bool(self.at(low).safe.covers(leg) and (high == low or self.at(high).safe.covers(leg)))

    @cached_property
    def _buildings(self) -> list[tuple[shapely.Polygon, float]]:
        frame = self.setting.frame
        return [(shapely.Polygon(ring_m(frame, b.ring)), b.height_m) for b in self.setting.airspace.buildings]

    def sees(self, spot: Spot) -> bool:
        """Whether no building stands between the camera and what it looks at. Of what is inside one, that one is looked at."""
        if spot.looks_at is None:
            return True
        east, north, up = spot.looks_at
        line = shapely.LineString([spot.at, (east, north)])
        if line.length < 1e-6:
            return True
        inside = shapely.Point(east, north)
        for outline, height_m in self._buildings:
            if height_m <= up or not outline.intersects(line) or outline.contains(inside):
                continue
            for x, y in shapely.get_coordinates(outline.intersection(line)):
                share = hypot(x - spot.at[0], y - spot.at[1]) / line.length
                if spot.height_m + (up - spot.height_m) * share < height_m:
                    return False
        return True


def plan_spots(
    name: str,
    groups: Sequence[Group],
    setting: Setting,
    *,
    transit_m: float | None = None,
    order: Sequence[str] | None = None,
    targets: tuple[tuple[LatLon, ...], ...] = (),
    facts: dict[str, float] | None = None,
) -> FlightPlan:
    """One plan for all groups; `order` fixes their order, else the quickest is looked for.

    What cannot be reached is named in the plan's notes; raises PlanRefused when that is everything.
    """
    highest = max(spot.height_m for g in groups for choice in g.choices for spot in choice)
    cruise_m = min(max(highest, transit_m or 0.0), setting.airspace.ceiling_m)
    stage, notes = set_up(setting, cruise_m, cruise_m)
    heights = Heights(setting)
    done = list[tuple[str, tuple[Spot, ...]]]()
    for group in groups:
        chosen, lost = _choose(group, stage, heights)
        if lost:
            places = shapely.MultiPoint([s.at for s in lost])
            why = heights.at(lost[0].height_m).why(places)
            notes.append(Reason("site-unreachable", {"what": group.id, "why": why}))
        if chosen:
            done.append((group.id, chosen))
    if not done:
        raise PlanRefused(*[n for n in notes if n.code == "site-unreachable"])
    runs = _in_order(done, stage, heights, order)
    flights = sorties(runs, stage)
    if len(flights) > 1:
        notes.append(Reason("split", {"count": len(flights)}))
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
        None,
        targets,
        tuple(notes),
        facts or {},
    )


def _choose(group: Group, stage: Stage, heights: Heights) -> tuple[tuple[Spot, ...], tuple[Spot, ...]]:
    """The spots that can be flown, of the best choice, and those of it that cannot."""
    best: tuple[tuple[Spot, ...], tuple[Spot, ...]] = ((), group.choices[0])
    for choice in group.choices:
        good = tuple(s for s in choice if _can(s, stage, heights))
        if len(good) == len(choice):
            return good, ()
        if len(good) > len(best[0]):
            best = good, tuple(s for s in choice if s not in good)
    return best


def _can(spot: Spot, stage: Stage, heights: Heights) -> bool:
    here = shapely.Point(*spot.at)
    return bool(stage.router.region.near_allowed.covers(here)) and heights.safe(spot) and heights.sees(spot)


def _in_order(
    done: list[tuple[str, tuple[Spot, ...]]], stage: Stage, heights: Heights, order: Sequence[str] | None
) -> list[Run]:
    if order is not None:
        rank = {word: n for n, word in enumerate(order)}
        done = sorted(done, key=lambda d: rank.get(d[0], len(rank)))
        flown = [spots for _, spots in done]
    else:
        pieces = []
        for _, spots in done:
            forth = Variant(spots[0].at, spots[-1].at, 0.0)
            pieces.append([forth] if len(spots) == 1 else [forth, Variant(spots[-1].at, spots[0].at, 0.0)])
        chosen = best_order(pieces, EastNorth(0.0, 0.0), leg_costs(stage))
        flown = [done[n][1] if v == 0 else done[n][1][::-1] for n, v in chosen]
    runs = list[Run]()
    for spots in flown:
        for n, spot in enumerate(spots):
            near = n > 0 and heights.straight(spots[n - 1], spot)
            run = Run((spot.at,), spot.height_m, (0.0,), None, spot.pitch_deg, spot.yaw_deg % 360.0, spot.hold_s)
            runs.append(replace(run, label=spot.label, near=near))
    return runs
