"""In which order to fly pieces of work that can each be entered at several ends. Deterministic.

A piece has up to four ways to be flown (entry, exit, own cost). Between pieces the cost is flight time in a
straight line, or the length of the way around where a zone lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patrol.geo import EastNorth, Floats

ROUNDS = 4  # moves allowed a piece; improvement ends early when nothing gets better


class Variant(NamedTuple):
    """One way to fly a piece. Of an even number of variants 0 and 1, 2 and 3 are each other's way back."""

    entry: EastNorth
    leave: EastNorth
    cost: float


Costs = Callable[[Floats, Floats], Floats]  # (n, 2) from, (m, 2) to -> (n, m) seconds


def best_order(pieces: Sequence[Sequence[Variant]], home: EastNorth, costs: Costs) -> list[tuple[int, int]]:
    """Piece and variant in the order to fly them, from `home` and back."""
    if not pieces:
        return []
    owner = np.array([n for n, variants in enumerate(pieces) for _ in variants])
    flat = [v for variants in pieces for v in variants]
    first = np.array([int(np.flatnonzero(owner == n)[0]) for n in range(len(pieces))])
    entries = np.array([v.entry for v in flat] + [home])
    leaves = np.array([v.leave for v in flat] + [home])
    own = np.array([v.cost for v in flat])
    between = costs(leaves, entries)
    base = len(flat)
    tour = _nearest(owner, between, own, base, len(pieces))
    tour = _improve(tour, between, own, base, owner, first, pieces)
    return [(int(owner[v]), int(v - first[owner[v]])) for v in tour]


def _nearest(owner: Floats, between: Floats, own: Floats, base: int, count: int) -> list[int]:
    left, at, tour = np.ones(base, bool), base, list[int]()
    for _ in range(count):
        cost = np.where(left, between[at, :base] + own, np.inf)
        at = int(np.argmin(cost))
        tour.append(at)
        left &= owner != owner[at]
    return tour


def _improve(
    tour: list[int],
    between: Floats,
    own: Floats,
    base: int,
    owner: Floats,
    first: Floats,
    pieces: Sequence[Sequence[Variant]],
) -> list[int]:
    """Best variants for the order (exactly, by dynamic programming), then better orders, in turn."""
    choices = [list(range(int(first[n]), int(first[n]) + len(v))) for n, v in enumerate(pieces)]
    tour = _best_variants([int(owner[v]) for v in tour], choices, between, own, base)
    if len(tour) < 3:
        return tour
    flip = np.array([v for c in choices for v in (_paired(c) if len(c) % 2 == 0 else c)] + [base])
    cost = _total(tour, between, own, base)
    for _ in range(ROUNDS * len(tour)):
        better = _moved(tour, between, base, flip)
        if better is None:
            break
        better = _best_variants([int(owner[v]) for v in better], choices, between, own, base)
        new_cost = _total(better, between, own, base)
        if new_cost >= cost - 1e-9:
            break
        tour, cost = better, new_cost
    return tour


def _paired(choice: list[int]) -> list[int]:
    """Variants 0 and 1, 2 and 3 are each other's way back."""
    return [v for n in range(0, len(choice), 2) for v in (choice[n + 1], choice[n])]


def _total(tour: list[int], between: Floats, own: Floats, base: int) -> float:
    nodes = np.array([base, *tour, base])
    return float(between[nodes[:-1], nodes[1:]].sum() + own[tour].sum())


def _best_variants(order: list[int], choices: list[list[int]], between: Floats, own: Floats, base: int) -> list[int]:
    cost = between[base, choices[order[0]]] + own[choices[order[0]]]
    back = list[NDArray[np.int64]]()
    for previous, piece in pairwise(order):
        step = cost[:, None] + between[np.ix_(choices[previous], choices[piece])]
        back.append(np.argmin(step, axis=0))
        cost = np.min(step, axis=0) + own[choices[piece]]
    k = int(np.argmin(cost + between[choices[order[-1]], base]))
    tour = [choices[order[-1]][k]]
    for n in range(len(back) - 1, -1, -1):
        k = int(back[n][k])
        tour.append(choices[order[n]][k])
    return tour[::-1]


def _moved(tour: list[int], between: Floats, base: int, flip: Floats) -> list[int] | None:
    """The best tour with one piece, or a chain of up to three, moved elsewhere (or-opt); None when none is better."""
    nodes = np.array([base, *tour, base])
    count = len(tour)
    best_gain, best = 1e-6, None
    edge = between[nodes[:-1], nodes[1:]]
    for length in (1, 2, 3):
        for i in range(1, count - length + 2):
            before, head, tail, after = nodes[i - 1], nodes[i], nodes[i + length - 1], nodes[i + length]
            removed = edge[i - 1] + edge[i + length - 1] - between[before, after]
            added = between[nodes[:-1], head] + between[tail, nodes[1:]] - edge
            added[i - 1 : i + length] = np.inf
            j = int(np.argmin(added))
            if removed - added[j] > best_gain:
                best_gain, best = float(removed - added[j]), (i, length, j)
    swap = _reversed(nodes, between, edge, flip[nodes])
    if swap is not None and swap[0] > best_gain:
        _, i, j = swap
        return [int(v) for v in [*nodes[1:i], *flip[nodes[i : j + 1][::-1]], *nodes[j + 1 : -1]]]
    if best is None:
        return None
    i, length, j = best
    chain = list(nodes[i : i + length])
    rest = [*nodes[1:i], *nodes[i + length : -1]]
    at = j if j < i else j - length
    return [int(v) for v in [*rest[:at], *chain, *rest[at:]]]


def _reversed(nodes: Floats, between: Floats, edge: Floats, flipped: Floats) -> tuple[float, int, int] | None:
    """The best stretch to fly backwards (2-opt); the pieces' own costs are taken as equal both ways."""
    best: tuple[float, int, int] | None = None
    count = len(nodes) - 2
    forward = np.concatenate([[0.0], np.cumsum(edge)])
    backward = np.concatenate([[0.0], np.cumsum(between[flipped[1:], flipped[:-1]])])
    for i in range(1, count):
        js = np.arange(i + 1, count + 1)
        old = edge[i - 1] + (forward[js] - forward[i]) + edge[js]
        new = between[nodes[i - 1], flipped[js]] + (backward[js] - backward[i]) + between[flipped[i], nodes[js + 1]]
        k = int(np.argmax(old - new))
        gain = float(old[k] - new[k])
        if gain > 1e-6 and (best is None or gain > best[0]):
            best = (gain, i, int(js[k]))
    return best
