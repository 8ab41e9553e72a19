"""Rendered streets through the box's pipeline: recall and false alerts of fire lanes and perimeters, by kind of light.

`make bench-street`, or `python -m bench.street --scenes 20`. Thresholds were chosen on other scenes; seeds below 1000 are for
tuning, the bench's own begin at 10 000. A scene in which the thing to be reported cannot be seen when it falls due (in the
dark, lost in noise, behind a lorry, cut by the picture's edge) is counted apart.

`--seen truth` puts the renderer's own knowledge in the network's place: what is then missed or false is the rules' fault.
`--quiet HOURS` watches lanes where nobody stays for the service's 120 s, at one look in 5 s; each hour is two to three
minutes of an idle processor. False alerts are told with the rate that the hours watched still allow (Poisson, 95 %): 0.2 a
day is shown by 15 days without one, which no run of this bench is long enough for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import exp, factorial
from pathlib import Path

import cv2
import numpy as np

from bench.street_scenes import ORIGIN, QUIET_S, StreetScene, lane_scene, quiet_scene, yard_scene
from bench.street_views import PerfectEyes, clear, looks_at
from patrol.events import AlertRaised
from patrol.geo import EastNorth, LatLon, LocalFrame, distance_m
from patrol.scenes.expected import ExpectedIncident
from patrol.scenes.picture import Picture
from patrol.scenes.training_set import SMALLEST_PX, SMALLEST_SHARE
from patrol_edge.detectors import Detectors, load_detectors
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
LATE_S = 6.0  # an alert this long after its dwell is exceeded is in time; a later one misses it, but is not false
LENGTH_M = 5.0
EARLY_S = 4.0  # a car that slows down is within a length of where it will stand for that long
PROGRESS_EVERY_S = 5.0
Alerts = list[tuple[float, AlertRaised]]


def scenes(make: Callable[[int], StreetScene | None], first: int, count: int) -> Iterator[StreetScene]:
    """The first `count` scenes that seeds from `first` on give."""
    seed = first
    while count:
        scene = make(seed)
        seed += 1
        if scene is not None:
            count -= 1
            yield scene


def run(street: StreetScene, detectors: Detectors, kept: Path | None = None) -> tuple[Alerts, set[str]]:
    """What the box raises in a scene, and which of the expected things could not be seen when they fell due."""
    frame = LocalFrame(ORIGIN)
    pipeline = Pipeline(Watcher("bench", "bench", street.config, frame, lambda moment: moment), detectors)
    memory, alerts = CameraMemory(), Alerts()
    unseen = Counter[str]()
    eyes = detectors["street"]
    for n, shot in enumerate(looks_at(street, kept)):
        film_s = n * street.step_s
        if isinstance(eyes, PerfectEyes):
            eyes.shot = shot
        image = np.ascontiguousarray(shot.image[:, :, ::-1])
        memory, findings = pipeline.judge(Frame(street.name, START + timedelta(seconds=film_s), image), memory)
        alerts += [(film_s, f.data) for f in findings if isinstance(f.data, AlertRaised)]
        for one in street.expected:
            if max(one.begins_s, 0.0) <= film_s <= one.due_s + 1.0:
                unseen[one.object_id] += 1 if not _visible(shot, one) else -1
    return alerts, {name for name, balance in unseen.items() if balance > 0}


def _visible(shot: Picture, one: ExpectedIncident) -> bool:
    """Whether the picture shows it well enough for a person to see it."""
    for seen in shot.seen:
        if seen.object_id == one.object_id:
            x0, y0, x1, y1 = seen.box_px
            large = min(x1 - x0, y1 - y0) >= 2 * SMALLEST_PX
            return large and seen.visible_share >= 2 * SMALLEST_SHARE and clear(shot.image, seen)
    return False


def judge(street: StreetScene, alerts: Alerts, unseen: set[str]) -> tuple[list[str], list[float], int, int]:
    """Names of what was missed, the delays of what was found, how many alerts are false, how many expected were not visible."""
    rest, delays, missed, hidden = list(alerts), [], [], 0
    for one in street.expected:
        due_s = max(one.due_s, street.step_s)
        if due_s + LATE_S > street.duration_s:
            rest = [pair for pair in rest if not _is_it(one, pair, due_s)]
            continue  # the film ends before it would be late
        hit = next((pair for pair in rest if _is_it(one, pair, due_s)), None)
        if hit is not None:
            rest.remove(hit)
            delays.append(hit[0] - due_s)
            continue
        if one.object_id in unseen:
            hidden += 1
        else:
            missed.append(one.object_id)
        late = next((pair for pair in rest if _is_it(one, pair, due_s, one.ends_s or street.duration_s)), None)
        if late is not None:
            rest.remove(late)  # found too late, or after it came into view; but what it says is true
    return missed, delays, len(rest), hidden


def _is_it(
    one: ExpectedIncident, found: tuple[float, AlertRaised], due_s: float, latest_s: float | None = None
) -> bool:
    """The right hazard in its time; a vehicle also where it stands, give or take its length and the stated accuracy."""
    film_s, alert = found
    if alert.hazard.value != one.hazard or not due_s - EARLY_S <= film_s <= (
        due_s + LATE_S if latest_s is None else latest_s
    ):
        return False
    if alert.position is None or one.hazard == "perimeter-intrusion":
        return True
    truth = LocalFrame(ORIGIN).to_wgs84(EastNorth(one.east_m, one.north_m))
    away_m = distance_m(LatLon(alert.position.lat_deg, alert.position.lon_deg), truth)
    return away_m < LENGTH_M + alert.position.accuracy_m


def most_a_day(false: int, hours: float) -> float:
    """The highest rate of false alerts a camera-day that this many in so many hours leave possible (Poisson, 95 %).

    It is the rate at which so few as `false` would come in one run of twenty: for none, 3.0 divided by the days.
    """
    low, high = 0.0, 10.0 * false + 10.0
    while high - low > 1e-6:
        mean = (low + high) / 2
        as_few = sum(exp(-mean) * mean**k / factorial(k) for k in range(false + 1))
        low, high = (mean, high) if as_few > 0.05 else (low, mean)
    return high / hours * 24


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, help="half of them lanes, half yards")
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--only", choices=("lane", "yard"), help="leave the other kind out")
    parser.add_argument(
        "--seen", choices=("network", "truth"), default="network", help="who finds things in the pictures"
    )
    parser.add_argument(
        "--quiet", type=float, default=0.0, metavar="HOURS", help="watch quiet lanes for so long as well"
    )
    parser.add_argument(
        "--kept", type=Path, metavar="FOLDER", help="keep the rendered pictures there and use them again"
    )
    parser.add_argument("--verbose", action="store_true", help="name the scenes that went wrong")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    detectors: Detectors = (
        load_detectors(ROOT / "models", ["street"]) if given.seen == "network" else {"street": PerfectEyes()}
    )
    rows: dict[str, Counter[str]] = {}
    delays: dict[str, list[float]] = {"lane": [], "yard": []}
    began_s = told_s = time.monotonic()
    half = given.scenes // 2
    quiet = -(-int(given.quiet * 3600) // int(QUIET_S))
    for kind, make, count in (
        ("lane", lane_scene, half),
        ("yard", yard_scene, half),
        ("quiet lane", quiet_scene, quiet),
    ):
        if given.only not in {None, kind} and kind in delays:
            continue
        for n, street in enumerate(scenes(make, given.first, count), 1):
            alerts, unseen = run(street, detectors, given.kept)
            missed, late_s, false, hidden = judge(street, alerts, unseen)
            found = Counter(
                scenes=1,
                found=len(late_s),
                missed=len(missed),
                false=false,
                hidden=hidden,
                seconds=round(street.duration_s),
            )
            for title in (f"{kind} {street.light}", f"{kind} all"):
                rows.setdefault(title, Counter()).update(found)
            delays.setdefault(kind, []).extend(late_s)
            if given.verbose and (missed or false):
                print(
                    f"  {street.name} ({street.light}): missed {missed}, false {false}: {[(s, a.place, a.explanation.label) for s, a in alerts]}, expected {[(e.object_id, e.due_s) for e in street.expected]}",
                    flush=True,
                )
            if time.monotonic() - told_s > PROGRESS_EVERY_S:
                told_s = time.monotonic()
                print(f"\r{kind} {n} of {count}, {told_s - began_s:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    show(rows, delays)
    return 0


def show(rows: dict[str, Counter[str]], delays: dict[str, list[float]]) -> None:
    """The table, and how late the alerts were."""
    print(
        f"{'rendered scenes':<18} {'scenes':>6} {'found':>6} {'missed':>6} {'recall':>7} {'false':>6} {'hours':>6} {'a day at most':>14}  not visible when due"
    )
    for name, row in sorted(rows.items()):
        due, hours = row["found"] + row["missed"], row["seconds"] / 3600
        recall = f"{row['found'] / due:.3f}" if due else "-"
        print(
            f"{name:<18} {row['scenes']:>6} {row['found']:>6} {row['missed']:>6} {recall:>7}"
            f" {row['false']:>6} {hours:>6.2f} {most_a_day(row['false'], hours):>14.1f}  {row['hidden']}"
        )
    for kind, late in delays.items():
        if late:
            print(
                f"{kind}: alerts {np.median(late):.1f} s (median), {max(late):.1f} s (worst) after the dwell was exceeded"
            )


if __name__ == "__main__":
    sys.exit(main())
