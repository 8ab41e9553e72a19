"""A first answer for the fleet's solver: the drone that is free first takes the near and urgent site. Deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# how much a second of deadline still to come counts against a second of travel; the best of these is taken
URGENCIES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


class Battery(NamedTuple):
    """One flight's frame: drone (and matrix) number, earliest and latest second, energy, longest duration."""

    drone: int
    begins_s: int
    ends_s: int
    energy: int
    longest_s: int


def first_routes(
    batteries: Sequence[Battery],
    duration_s: Sequence[NDArray[np.int64]],
    energy: Sequence[NDArray[np.int64]],
    nodes: NDArray[np.int64],
    deadline_s: NDArray[np.int64],
) -> list[list[int]]:
    """For each battery the sites (indices into `nodes`, the matrix rows of sites) in order; every route is feasible."""
    tries = [_routes(batteries, duration_s, energy, nodes, deadline_s, u) for u in URGENCIES]
    return max(tries, key=lambda routes: sum(len(r) for r in routes))


def _routes(
    batteries: Sequence[Battery],
    duration_s: Sequence[NDArray[np.int64]],
    energy: Sequence[NDArray[np.int64]],
    nodes: NDArray[np.int64],
    deadline_s: NDArray[np.int64],
    urgency: float,
) -> list[list[int]]:
    routes: list[list[int]] = [[] for _ in batteries]
    left = np.ones(len(nodes), bool)
    turn = sorted(range(len(batteries)), key=lambda n: (batteries[n].begins_s, n))
    state = {n: (batteries[n].begins_s, 0, batteries[n].drone) for n in turn}
    going = list(turn)
    while going and left.any():
        n = min(going, key=lambda k: (state[k][0], k))
        battery, (now_s, used, at) = batteries[n], state[n]
        d = battery.drone
        arrives = now_s + duration_s[d][at, nodes]
        spent = used + energy[d][at, nodes]
        back_s = arrives + duration_s[d][nodes, d]
        ok = left & (arrives <= deadline_s) & (spent + energy[d][nodes, d] <= battery.energy)
        ok &= (back_s <= battery.ends_s) & (back_s - battery.begins_s <= battery.longest_s)
        if not ok.any():
            going.remove(n)
            continue
        score = np.where(ok, arrives - now_s + urgency * (np.minimum(deadline_s, now_s + 7200) - now_s), np.inf)
        k = int(score.argmin())
        left[k] = False
        routes[n].append(k)
        state[n] = (int(arrives[k]), int(spent[k]), int(nodes[k]))
    return routes
