"""Districts made up by chance, for training: a crossing, and in each quarter of it something a city has. Pure."""

from __future__ import annotations

from math import hypot

import numpy as np

from patrol.scenes.ground import bays
from patrol.scenes.world import Area, AreaKind, Building, BuildingStyle, Fence, FireLane, Point, Prop, Road, World

REACH_M = 95.0
Rect = tuple[float, float, float, float]  # west, south, east, north


class _Plan:
    """What has been decided so far."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 101])
        self.buildings: list[Building] = []
        self.areas: list[Area] = []
        self.lanes: list[FireLane] = []
        self.props: list[Prop] = []
        self.fences: list[Fence] = []
        self.roads: list[Road] = []

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def dice(self) -> int:
        return int(self.rng.integers(1 << 30))

    def area(self, kind: AreaKind, rect: Rect) -> None:
        self.areas.append(Area(kind, corners(rect), self.dice()))

    def building(self, rect: Rect, height_m: float, style: BuildingStyle) -> None:
        sheds = int(self.rng.integers(0, 3)) if self.chance(0.4) else 0
        self.buildings.append(Building(f"b{len(self.buildings)}", corners(rect), height_m, style, self.dice(), sheds))

    def prop(self, kind: str, x: float, y: float, yaw: float | None = None) -> None:
        turned = self.between(0, 360) if yaw is None else yaw
        self.props.append(Prop(kind, x, y, turned, self.dice()))  # type: ignore[arg-type]  # callers pass PropKind words


def corners(rect: Rect) -> tuple[Point, ...]:
    """A rectangle's corners, anticlockwise."""
    w, s, e, n = rect
    return ((w, s), (e, s), (e, n), (w, n))


def random_district(seed: int) -> World:
    """A district that depends on the seed alone. The main road runs north through the middle."""
    plan = _Plan(seed)
    main, side = plan.between(8.0, 15.0), plan.between(5.0, 9.0)
    walk = plan.between(2.0, 4.5)
    lanes = 4 if main > 12.5 else 2
    cross = plan.between(-12.0, 12.0)
    zebra = (REACH_M + cross - side / 2 - 7.0, REACH_M + cross + side / 2 + 3.0) if plan.chance(0.7) else ()
    plan.roads.append(Road(((0.0, -REACH_M), (0.0, REACH_M)), main, lanes, walk, zebra))
    plan.roads.append(Road(((-REACH_M, cross), (REACH_M, cross)), side, 2 if side > 6.0 else 1, plan.between(0.0, 3.5)))
    far = REACH_M - 3.0
    for east in (-1.0, 1.0):
        for north in (-1.0, 1.0):
            x0, x1 = sorted((east * (main / 2 + walk), east * far))
            edge = cross + north * (side / 2 + walk * 0.7)
            y0, y1 = sorted((edge, north * far))
            _quarter(plan, (x0, y0, x1, y1), east)
        _street_side(plan, east * (main / 2 + walk * 0.35), cross, side)
    base: AreaKind = "paving" if plan.chance(0.65) else "concrete" if plan.chance(0.6) else "asphalt"
    return World(
        (-REACH_M, -REACH_M, REACH_M, REACH_M), base, tuple(plan.buildings), tuple(plan.roads), tuple(plan.areas), tuple(plan.lanes),
        tuple(plan.props), tuple(plan.fences), plan.between(5.0, 48.0), seed,
    )  # fmt: skip


def _street_side(plan: _Plan, x: float, cross: float, side: float) -> None:
    """Lamps, trees and small things along one side of the main road."""
    tree_step, lamp_step = plan.between(6.0, 16.0), plan.between(18.0, 32.0)
    trees = plan.chance(0.75)
    for y in np.arange(-REACH_M + 5, REACH_M - 5, tree_step):
        if abs(y - cross) > side / 2 + 6 and trees and plan.chance(0.85):
            plan.prop("tree", x, float(y) + plan.between(-0.5, 0.5))
    for y in np.arange(-REACH_M + 8, REACH_M - 5, lamp_step):
        if abs(y - cross) > side / 2 + 3:
            plan.prop("lamp", x, float(y), 270.0 if x > 0 else 90.0)
    for kind, count in (("bin", 4), ("sign", 4), ("bollard", 8), ("bench", 2), ("cone", 3), ("boxes", 2)):
        for _ in range(int(plan.rng.integers(0, count + 1))):
            y = plan.between(-60, 60)
            if abs(y - cross) > side / 2 + 3:
                plan.prop(kind, x * plan.between(1.02, 1.35), y)


def _quarter(plan: _Plan, rect: Rect, east: float) -> None:
    kind = plan.rng.choice(["slabs", "row", "lot", "park", "yard", "towers"], p=[0.27, 0.27, 0.17, 0.1, 0.1, 0.09])
    w, s, e, n = rect
    if e - w < 20 or n - s < 20:
        return
    if kind == "slabs":
        _slabs(plan, rect)
    elif kind == "row":
        _row(plan, rect, east)
    elif kind == "lot":
        _lot(plan, rect)
    elif kind == "park":
        plan.area("grass", rect)
        for _ in range(28):
            plan.prop("tree" if plan.chance(0.6) else "bush", plan.between(w + 2, e - 2), plan.between(s + 2, n - 2))
        middle = (s + n) / 2
        plan.area("paving", (w, middle - 1.5, e, middle + 1.5))
    elif kind == "yard":
        plan.area("concrete" if plan.chance(0.6) else "asphalt", rect)
        wall = plan.rng.choice(["wall", "bars", "hedge"])
        edge = w if east > 0 else e
        plan.fences.append(Fence(str(wall), ((edge, s), (edge, n)), plan.between(1.4, 2.4), plan.dice()))  # type: ignore[arg-type]  # one of the three above
        plan.building((w + 20, s + 22, e - 12, n - 6), plan.between(6, 14), "industrial")
        for _ in range(6):
            plan.prop(
                str(plan.rng.choice(["boxes", "bin", "shed", "cone"])),
                plan.between(w + 3, e - 3),
                plan.between(s + 3, s + 18),
            )
    else:
        plan.area("paving" if plan.chance(0.6) else "grass", rect)
        for _ in range(2):
            x, y = plan.between(w + 14, e - 26), plan.between(s + 14, n - 26)
            plan.building((x, y, x + plan.between(16, 26), y + plan.between(16, 26)), plan.between(24, 80), "office")


def _slabs(plan: _Plan, rect: Rect) -> None:
    """Residential slabs with lanes, parking and lawns between."""
    w, s, e, n = rect
    plan.area("concrete" if plan.chance(0.5) else "paving", rect)
    y = s + plan.between(4, 9)
    while y + 12 < n:
        deep = plan.between(10, 14)
        plan.building(
            (w + plan.between(3, 8), y, e - plan.between(4, 18), min(y + deep, n)), plan.between(9, 33), "residential"
        )
        gap = plan.between(12, 22)
        top = y + deep
        if top + gap < n:
            plan.area("asphalt", (w, top + gap / 2 - 3, e, top + gap / 2 + 3))
            if plan.chance(0.5):
                plan.lanes.append(
                    FireLane(f"lane{len(plan.lanes)}", corners((w + 4, top + gap / 2 - 2, e - 4, top + gap / 2 + 2)))
                )
            plan.area("parking" if plan.chance(0.5) else "grass", (w + 2, top + 1, e - 4, top + gap / 2 - 3.3))
            for x in np.arange(w + 5, e - 4, plan.between(6, 12)):
                plan.prop("tree" if plan.chance(0.6) else "bush", float(x), top + gap / 2 + plan.between(4, 5))
        y = top + gap


def _row(plan: _Plan, rect: Rect, east: float) -> None:
    """A row of houses along the main road, shops below, and a yard behind."""
    w, s, e, n = rect
    plan.area("concrete", rect)
    y, deep = s + 1.0, plan.between(9, 15)
    style: BuildingStyle = "house" if plan.chance(0.6) else "residential"
    while y + 7 < n:
        wide = plan.between(7, 20)
        x0, x1 = (w + 0.5, w + 0.5 + deep) if east > 0 else (e - 0.5 - deep, e - 0.5)
        plan.building((x0, y, x1, min(y + wide, n)), plan.between(6, 21), style)
        y += wide + (plan.between(2.5, 6) if plan.chance(0.35) else 0.1)
    back = (w + deep + 4, s + 3, e - 4, n - 3) if east > 0 else (w + 4, s + 3, e - deep - 4, n - 3)
    if back[2] - back[0] > 16:
        plan.area("parking" if plan.chance(0.5) else "grass", (back[0], back[1], back[2], back[1] + 17))


def _lot(plan: _Plan, rect: Rect) -> None:
    """A parking lot in front of a building."""
    w, s, e, n = rect
    plan.area("paving", rect)
    deep = min(17.0, (n - s) / 2)
    for k in range(max(1, int((n - s - 22) // 19))):
        plan.area("parking", (w + 2, s + 2 + 19 * k, e - 3, s + 2 + 19 * k + deep))
    if n - s > 40:
        plan.building(
            (w + 6, n - 18, e - 6, n - 2), plan.between(8, 40), "office" if plan.chance(0.5) else "industrial"
        )


def free(world: World, x: float, y: float, room_m: float) -> bool:
    """Whether nothing that stands is within `room_m` of a point."""
    w, s, e, n = world.extent_m
    if not (w < x < e and s < y < n):
        return False
    for b in world.buildings:
        xs, ys = [p[0] for p in b.footprint], [p[1] for p in b.footprint]
        if min(xs) - room_m < x < max(xs) + room_m and min(ys) - room_m < y < max(ys) + room_m:
            return False
    if any(hypot(p.east_m - x, p.north_m - y) < room_m * 0.7 + 0.3 for p in world.props):
        return False
    return all(
        min(abs(f.line[0][0] - x), 99.0) > room_m * 0.8 or not f.line[0][1] - 1 < y < f.line[-1][1] + 1
        for f in world.fences
    )


def parking_places(world: World) -> list[tuple[float, float, float]]:
    """East, north, yaw of all parking bays."""
    return [place for area in world.areas if area.kind == "parking" for place in bays(area.polygon)]
