"""The shortest way between two places inside the allowed region: A* over its corners, sight lines tested as needed."""

from __future__ import annotations

import heapq
from functools import cached_property
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from patrol.geo import EastNorth, Floats
from patrol.planning.region import Region

MAX_EXPANSIONS = 4000  # far more than any real map needs; a map that does is refused by the caller


class Router:
    """Finds ways in one region; remembers what each corner of it sees. Asked the same, it answers the same."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self._seen: dict[int, Floats] = {}
        self._ways: dict[tuple[EastNorth, EastNorth], tuple[EastNorth, ...] | None] = {}

    @cached_property
    def _corners(self) -> Floats:
        """Corners at which a shortest way may bend: where the region is locally not convex. A little inside."""
        inner = self.region.allowed.buffer(-0.2, join_style="mitre", mitre_limit=2.0)
        bends = []
        for part in shapely.get_parts(inner):
            if part.geom_type != "Polygon":
                continue
            for ring in (shapely.get_exterior_ring(part), *part.interiors):
                xy = shapely.get_coordinates(ring)[:-1]
                if len(xy) < 3:
                    continue
                before, after = xy - np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0) - xy
                turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
                outer = ring.equals(shapely.get_exterior_ring(part))
                ccw = shapely.is_ccw(shapely.LinearRing(xy))
                inward = turn < -1e-9 if ccw else turn > 1e-9
                bends.append(xy[inward] if outer else xy[~inward])
        return np.concatenate(bends) if bends else np.empty((0, 2))

    def way(self, start: EastNorth, end: EastNorth) -> tuple[EastNorth, ...] | None:
        """The places to pass from `start` to `end`, both included; None when there is no way."""
        key = (start, end)
        if key not in self._ways:
            self._ways[key] = self._search(start, end)
        return self._ways[key]

    def length_m(self, start: EastNorth, end: EastNorth) -> float:
        """Length of the way; infinite when there is none."""
        way = self.way(start, end)
        if way is None:
            return float("inf")
        return float(sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(way)))

    def _search(self, start: EastNorth, end: EastNorth) -> tuple[EastNorth, ...] | None:
        a, b = np.array(start), np.array(end)
        if self.region.clear(a, b)[0]:
            return (start, end)
        corners = self._corners
        count = len(corners)
        if count == 0:
            return None
        to_end = np.where(self._sees(b, corners), np.hypot(*(corners - b).T), np.inf)
        goal_m = np.hypot(*(corners - b).T)
        from_start = np.where(self._sees(a, corners), np.hypot(*(corners - a).T), np.inf)
        best = from_start.copy()
        parent = np.full(count, -1)
        heap = [(float(best[i] + goal_m[i]), int(i)) for i in np.flatnonzero(np.isfinite(best))]
        heapq.heapify(heap)
        done = np.zeros(count, bool)
        found_m, last = np.inf, -1
        for _ in range(MAX_EXPANSIONS):
            if not heap:
                break
            estimate_m, i = heapq.heappop(heap)
            if estimate_m >= found_m:
                break
            if done[i]:
                continue
            done[i] = True
            if best[i] + to_end[i] < found_m:
                found_m, last = float(best[i] + to_end[i]), i
            through = best[i] + self._from_corner(i)
            better = np.flatnonzero((through < best - 1e-9) & ~done)
            best[better], parent[better] = through[better], i
            for j in better:
                heapq.heappush(heap, (float(best[j] + goal_m[j]), int(j)))
        if last < 0:
            return None
        middle = []
        while last >= 0:
            middle.append(EastNorth(float(corners[last][0]), float(corners[last][1])))
            last = int(parent[last])
        return (start, *reversed(middle), end)

    def _sees(self, place: Floats, corners: Floats) -> NDArray[np.bool_]:
        return self.region.clear(np.broadcast_to(place, corners.shape), corners)

    def _from_corner(self, i: int) -> Floats:
        if i not in self._seen:
            corners = self._corners
            lengths = np.hypot(*(corners - corners[i]).T)
            self._seen[i] = np.where(self._sees(corners[i], corners), lengths, np.inf)
        return self._seen[i]
