"""`make bench`: every benchmark beside its peers, in one run, each with the same work. ARGS=NAME... runs some of them.

A benchmark for it is a module of this folder with `CASES`: what is done, and who does it. Other modules here are programs
of their own, which need more than this environment; each says at its top how to run it.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROUNDS = 5  # the best of them is shown: what else the machine did then counts least
MIN_S = 0.2  # a round repeats its work for at least so long


def best_us(work: Callable[[], object]) -> float:
    """Microseconds that one call takes, in the best of `ROUNDS` rounds."""
    repeat, took_s = 1, 0.0
    while took_s < MIN_S:
        began_s = time.perf_counter()
        for _ in range(repeat):
            work()
        took_s = time.perf_counter() - began_s
        if took_s < MIN_S:
            repeat = max(repeat * 2, int(repeat * MIN_S / max(took_s, 1e-9)))
    rounds = [took_s]
    for _ in range(ROUNDS - 1):
        began_s = time.perf_counter()
        for _ in range(repeat):
            work()
        rounds.append(time.perf_counter() - began_s)
    return min(rounds) / repeat * 1e6


def show(title: str, who: Mapping[str, Callable[[], object]]) -> None:
    """One table: everybody who does the same work, and how many times as long as the first they take."""
    print(f"\n{title}")
    first_us = 0.0
    for name, work in who.items():
        took_us = best_us(work)
        first_us = first_us or took_us
        print(f"  {name:<44} {took_us:>12.1f} us   x {took_us / first_us:.2f}")


def main() -> None:
    """Run the benchmarks named, or all."""
    folder = Path(__file__).parent
    known = sorted(path.stem for path in folder.glob("*.py") if "\nCASES: " in path.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(known)}")
    names = parser.parse_args().names or known
    if unknown := set(names) - set(known):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name in names:
        for title, who in importlib.import_module(f"bench.{name}").CASES.items():
            show(title, who)


if __name__ == "__main__":
    main()
