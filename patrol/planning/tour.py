"""From runs in order to sorties: the ways between them, lead-ins, ground following, and what one battery carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot

import numpy as np
import shapely

from patrol.errors import Text
from patrol.geo import EastNorth, Floats
from patrol.planning.drone import Drone
from patrol.planning.flight_time import Flier
from patrol.planning.ground import Ground
from patrol.planning.plan import Action, Run, Shot, Sortie, Waypoint
from patrol.planning.refusals import PlanRefused, refuse
from patrol.planning.routing import Router
from patrol.planning.sweep import Grain

ENERGY_SHARE = 0.96  # of what may be used is planned: the judge integrates by its own means and must agree
RESUME_SHOTS = 3  # a new battery starts so many photographs back, for pictures that can be tied together
SPOT_HOLD_S = 1.0
FIRST_GUESS = 16  # runs in a sortie: where the search for how many fit begins
DRAPE_STEP_M = 15.0
DRAPE_TOLERANCE_M = 2.0
RETURN_SPARE_M = 1.0  # between the places that are looked at


@dataclass(frozen=True)
class Stage:
    """Everything that does not change while a tour is put together."""

    drone: Drone
    flier: Flier
    router: Router
    ground: Ground
    cruise_ms: float
    takeoff_m: float  # above ground: height of the first and last waypoint and the least between runs
    ceiling_m: float = 120.0
    clearance_m: float = 10.0
    lands_home: bool = True  # False: at the landing point with the shortest way, when home is too far


def sorties(runs: Sequence[Run], stage: Stage) -> tuple[Sortie, ...]:
    """Fly `runs` in order with as few batteries as they need.

    A run that does not fit is cut at a photograph; the next sortie takes up `RESUME_SHOTS` before the cut.
    Every sortie lands at home; only when a photograph there and back is more than a battery, at the nearest landing
    point. Raises PlanRefused when not even one photograph fits then, or no way leads to a run.
    """
    try:
        flown = _sorties(runs, stage)
    except PlanRefused as refusal:
        if refusal.reasons[0].code != "battery-too-small" or len(stage.router.region.landings) == 1:
            raise
        flown = _sorties(runs, replace(stage, lands_home=False))
    if stage.ground.terrain is not None:
        _check_returns(flown, stage)
    return flown


def _check_returns(flown: tuple[Sortie, ...], stage: Stage) -> None:
    """Refuse when the straight way home from a waypoint would come too near to a hill, or too high over a valley."""
    landings = np.array(stage.router.region.landings)
    for sortie in flown:
        for w in sortie.waypoints:
            here = np.array([w.east_m, w.north_m])
            near = landings[int(((landings - here) ** 2).sum(axis=1).argmin())]
            count = max(int(np.hypot(*(near - here)) // DRAPE_STEP_M), 1) + 1
            ground = stage.ground.relative_m(here + (near - here) * np.linspace(0.0, 1.0, count)[:, None])
            height_m, top_m, low_m = max(w.up_m, stage.drone.rtl_altitude_m), float(ground.max()), float(ground.min())
            if height_m < top_m + stage.clearance_m + RETURN_SPARE_M:
                needed_m = top_m + stage.clearance_m + RETURN_SPARE_M
                raise refuse("return-too-low", rtl_m=height_m, what=Text("the ground", "地面"), needed_m=needed_m)
            if height_m - low_m > stage.ceiling_m - RETURN_SPARE_M:
                raise refuse("return-too-high", rtl_m=height_m, above_m=height_m - low_m, ceiling_m=stage.ceiling_m)


def _sorties(runs: Sequence[Run], stage: Stage) -> tuple[Sortie, ...]:
    waiting, flown = list(runs), list[Sortie]()
    while waiting:
        count = _most(waiting, stage)
        done, waiting = waiting[:count], waiting[count:]
        if waiting:
            part, rest = _part(done, waiting[0], stage)
            if part is not None and rest is not None:
                done, waiting[0] = [*done, part], rest
        if not done:
            needed = _sortie([_alone(waiting[0])], stage)
            what, drone = waiting[0].label or "run", stage.drone
            raise refuse(
                "battery-too-small", what=what, needed_wh=needed.used_wh, drone=drone.id, usable_wh=drone.usable_wh
            )
        flown.append(_sortie(done, stage, trial=False))
    return tuple(flown)


def spot_run(place: EastNorth, grain: Grain, height_m: float) -> Run:
    """One photograph from standstill, lying as those of the lines do."""
    yaw_deg = grain.bearing_deg % 360.0
    return Run((place,), height_m, (0.0,), yaw_deg=yaw_deg, hold_s=SPOT_HOLD_S, label="spot")


def _alone(run: Run) -> Run:
    return replace(run, points=run.points[:1], shots_m=run.shots_m[:1])


def _most(runs: list[Run], stage: Stage) -> int:
    """How many of the first runs fit into one battery."""
    limit_wh, low, high = stage.drone.usable_wh, 0, len(runs) + 1
    guess = min(len(runs), FIRST_GUESS)
    while high - low > 1:
        sortie = _sortie(runs[:guess], stage)
        share = limit_wh / max(sortie.used_wh, 1e-9)
        if _fits(sortie, stage):
            low = guess
            guess = min(max(guess + 1, min(int(guess * share), 2 * guess)), high - 1)
        else:
            high = guess
            guess = max(low + 1, min(high - 1, int(guess * share)))
    return low


def _part(done: list[Run], run: Run, stage: Stage) -> tuple[Run | None, Run | None]:
    """The longest beginning of `run` that still fits after `done`, and the rest with the shots taken again."""
    shots = len(run.shots_m)
    if shots <= 2 * RESUME_SHOTS:
        return None, None
    low, high = RESUME_SHOTS, shots
    if not _fits(_sortie([*done, _head(run, low)], stage), stage):
        return None, None
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(_sortie([*done, _head(run, middle)], stage), stage):
            low = middle
        else:
            high = middle
    if low <= RESUME_SHOTS:
        return None, None
    return _head(run, low), _tail(run, low - RESUME_SHOTS)


def _head(run: Run, shots: int) -> Run:
    """`run` up to and with its first `shots` photographs."""
    end_m = run.shots_m[shots - 1]
    return replace(run, points=_cut(run.points, 0.0, end_m), shots_m=run.shots_m[:shots])


def _tail(run: Run, skipped: int) -> Run:
    """`run` from photograph number `skipped` on."""
    start_m = run.shots_m[skipped]
    length_m = _along(run.points)[-1]
    return replace(
        run,
        points=_cut(run.points, start_m, length_m),
        shots_m=tuple(s - start_m for s in run.shots_m[skipped:]),
    )


def _along(points: Sequence[EastNorth]) -> list[float]:
    sums = [0.0]
    for a, b in pairwise(points):
        sums.append(sums[-1] + hypot(b[0] - a[0], b[1] - a[1]))
    return sums


def _cut(points: tuple[EastNorth, ...], start_m: float, end_m: float) -> tuple[EastNorth, ...]:
    sums = _along(points)
    east, north = [p[0] for p in points], [p[1] for p in points]

    def at(s: float) -> EastNorth:
        return EastNorth(float(np.interp(s, sums, east)), float(np.interp(s, sums, north)))

    inner = [p for p, s in zip(points, sums, strict=True) if start_m + 1e-6 < s < end_m - 1e-6]
    ends = [at(start_m), *inner, at(end_m)]
    return tuple(ends) if end_m - start_m > 1e-6 else (ends[0],)


def _fits(sortie: Sortie, stage: Stage) -> bool:
    limit_wh = stage.drone.usable_wh * ENERGY_SHARE
    if sortie.used_wh > limit_wh:
        return False
    landings = stage.router.region.landings
    return all(
        instant.used_wh + stage.flier.return_wh(waypoint, landings) <= limit_wh
        for waypoint, instant in zip(sortie.waypoints, sortie.instants, strict=True)
    )


def _sortie(runs: Sequence[Run], stage: Stage, *, trial: bool = True) -> Sortie:
    """Take off at home, fly `runs`, land at home or the landing point nearest by way. A trial lists no photographs."""
    builder = _Builder(stage)
    for run in runs:
        builder.work(run)
    landing = builder.land()
    waypoints = tuple(builder.waypoints)
    instants, distance_m, duration_s, used_wh = stage.flier.fly(waypoints)
    shots = () if trial else tuple(builder.shots())
    return Sortie(waypoints, instants, shots, landing, distance_m, duration_s, used_wh)


class _Builder:
    """Waypoints of one sortie, one after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.waypoints: list[Waypoint] = []
        self._runs: list[tuple[Run, int, int]] = []
        self._at = EastNorth(0.0, 0.0)
        self._agl_m = stage.takeoff_m
        self._pitch_deg: float | None = None
        self._add(self._at, self._agl_m)

    def work(self, run: Run) -> None:
        """Go to `run` and fly it."""
        first, last = run.points[0], run.points[-1]
        entry, leave = self._lead(run, first, backwards=True), self._lead(run, last, backwards=False)
        if run.near and self._runs:
            self._straight(entry, run.height_m)
        else:
            self._go(entry, max(run.height_m, self.stage.takeoff_m), run.label)
        if abs(self._agl_m - run.height_m) > 1e-6:
            self._agl_m = run.height_m
            self._add(entry, run.height_m)
        speed = run.speed_ms or self.stage.cruise_ms
        deeds = list[Action]()
        if self._pitch_deg != run.pitch_deg and run.shots_m:
            deeds.append(Action("gimbal", run.pitch_deg))
            self._pitch_deg = run.pitch_deg
        if run.spacing_m is not None:
            deeds.append(Action("trigger", run.spacing_m))
        elif len(run.points) == 1 and run.shots_m:
            deeds.append(Action("photo"))
        begin = len(self.waypoints)
        hold_s = run.hold_s if len(run.points) == 1 else 0.0
        self._add(first, run.height_m, speed, tuple(deeds), hold_s, run.yaw_deg, run.label, merge=entry == first)
        begin = min(begin, len(self.waypoints) - 1)
        for n, point in enumerate(run.points[1:], start=2):
            end = n == len(run.points)
            stop = (Action("stop"),) if end and run.spacing_m is not None else ()
            self._add(point, run.height_m, speed, stop, run.hold_s if end else 0.0, run.yaw_deg, run.label)
        self._runs.append((run, begin, len(self.waypoints) - 1))
        if leave != last:
            self._add(leave, run.height_m, speed)
        self._at = leave

    def land(self) -> EastNorth:
        """Go home, or to the landing point with the shortest way, and say where that is."""
        router = self.stage.router
        landings = router.region.landings[:1] if self.stage.lands_home else router.region.landings
        near = min(landings, key=lambda p: (round(router.length_m(self._at, p), 3), p))
        self._go(near, max(self._agl_m, self.stage.takeoff_m), "home")
        return near

    def shots(self) -> list[Shot]:
        """The photographs, with the heights of the legs they are taken on."""
        shots = []
        for run, begin, end in self._runs:
            legs = np.array([(w.east_m, w.north_m, w.up_m) for w in self.waypoints[begin : end + 1]])
            wanted = np.array(run.shots_m)
            steps = np.diff(legs[:, :2], axis=0)
            sums = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
            places = np.stack([np.interp(wanted, sums, legs[:, k]) for k in range(3)], axis=1)
            yaw = np.full(len(wanted), run.yaw_deg or 0.0)
            if run.yaw_deg is None and len(legs) > 1:
                leg = np.clip(np.searchsorted(sums, wanted, side="right") - 1, 0, len(legs) - 2)
                yaw = np.degrees(np.arctan2(steps[leg, 0], steps[leg, 1])) % 360.0
            shots += [
                Shot(east, north, up, course, run.pitch_deg, run.label)
                for (east, north, up), course in zip(places.tolist(), yaw.tolist(), strict=True)
            ]
        return shots

    def _lead(self, run: Run, place: EastNorth, *, backwards: bool) -> EastNorth:
        if run.lead_m <= 0.0 or len(run.points) < 2:
            return place
        a, b = (run.points[1], run.points[0]) if backwards else (run.points[-2], run.points[-1])
        length = hypot(b[0] - a[0], b[1] - a[1])
        if length < 1e-9:
            return place
        for share in (1.0, 0.5, 0.25):
            k = run.lead_m * share / length
            out = EastNorth(place[0] + (b[0] - a[0]) * k, place[1] + (b[1] - a[1]) * k)
            if self.stage.router.region.clear(np.array(place), np.array(out))[0]:
                return out
        return place

    def _go(self, place: EastNorth, agl_m: float, what: str) -> None:
        """Fly the shortest allowed way at the higher of both heights."""
        way = self.stage.router.way(self._at, place)
        if way is None:
            region = self.stage.router.region
            raise refuse(
                "site-unreachable", what=what or Text("the run", "该航段"), why=region.why(shapely.Point(*place))
            )
        if agl_m > self._agl_m + 1e-6:
            self._agl_m = agl_m
            self._add(self._at, agl_m)
        for point in way[1:]:
            self._add(point, self._agl_m)
        self._at = place

    def _straight(self, place: EastNorth, agl_m: float) -> None:
        """Fly straight at the higher of both heights."""
        if agl_m > self._agl_m + 1e-6:
            self._agl_m = agl_m
            self._add(self._at, agl_m)
        self._add(place, self._agl_m)
        self._at = place

    def _add(
        self,
        place: EastNorth,
        agl_m: float,
        speed_ms: float | None = None,
        actions: tuple[Action, ...] = (),
        hold_s: float = 0.0,
        yaw_deg: float | None = None,
        label: str = "",
        *,
        merge: bool = False,
    ) -> None:
        speed = speed_ms or self.stage.cruise_ms
        up_m = agl_m + float(self.stage.ground.relative_m([place])[0])
        new = Waypoint(place[0], place[1], up_m, agl_m, speed, actions, hold_s, yaw_deg, label)
        last = self.waypoints[-1] if self.waypoints else None
        if last is not None and hypot(last.east_m - place[0], last.north_m - place[1]) < 1e-6:
            level = abs(last.up_m - up_m) < 1e-6
            if level and not actions and hold_s == 0.0:
                return
            if level and (merge or not actions) and not last.actions and last.hold_s == 0.0:
                self.waypoints[-1] = replace(new, speed_ms=last.speed_ms)
                return
        elif last is not None and self.stage.ground.terrain is not None:
            self.waypoints += self._drape(last, new)
        self.waypoints.append(new)

    def _drape(self, a: Waypoint, b: Waypoint) -> list[Waypoint]:
        """Waypoints between `a` and `b` that keep the height above ground within the tolerance."""
        length = hypot(b.east_m - a.east_m, b.north_m - a.north_m)
        count = int(length // DRAPE_STEP_M)
        if count < 1:
            return []
        t = np.linspace(0.0, 1.0, count + 2)
        places = np.stack([a.east_m + (b.east_m - a.east_m) * t, a.north_m + (b.north_m - a.north_m) * t], axis=1)
        agl = a.agl_m + (b.agl_m - a.agl_m) * t
        wanted = self.stage.ground.relative_m(places) + agl
        keep = _needed(t, wanted, 0, len(t) - 1)
        return [
            Waypoint(float(places[n, 0]), float(places[n, 1]), float(wanted[n]), float(agl[n]), b.speed_ms, (), 0.0,
                     b.yaw_deg, b.label)
            for n in keep
        ]  # fmt: skip


def _needed(t: Floats, up: Floats, first: int, last: int) -> list[int]:
    """Indices between `first` and `last` that a polyline needs to stay within the tolerance (Douglas-Peucker)."""
    stack, keep = [(first, last)], set[int]()
    while stack:
        i, j = stack.pop()
        if j - i < 2:
            continue
        line = up[i] + (up[j] - up[i]) * (t[i : j + 1] - t[i]) / (t[j] - t[i])
        off = np.abs(up[i : j + 1] - line)
        k = int(np.argmax(off))
        if off[k] > DRAPE_TOLERANCE_M:
            keep.add(i + k)
            stack += [(i, i + k), (i + k, j)]
    return sorted(keep)
