"""Who flies what next: `decide(now, drones, errands, flights)`. Pure; the station does what it answers.

The most urgent errand first, then the oldest; each is offered to the drones that may and can fly it, nearest
first. When none can and the errand is urgent, the flight that is least urgent is called back: its drone returns to
its dock and takes off again from there, as every plan begins at a dock and is judged from take-off to landing.
What that flight had not yet seen waits again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patrol.events import Said
from patrol.flight.station.errands import Errand, said
from patrol.geo import LatLon, distance_m

URGENT = 7  # from this priority on others are called back
LEAST_BATTERY = 0.35  # no plan of any use needs less, with its reserve
State = Literal["free", "charging", "flying", "silent", "unfit"]


@dataclass(frozen=True)
class Craft:
    """A drone as dispatch sees it. `battery` as a share; None: not known."""

    id: str
    home: LatLon
    state: State
    battery: float | None = None


@dataclass(frozen=True)
class UnderWay:
    """A flight that is not over. `recalled`: it is on its way home by our order."""

    flight_id: str
    drone: str
    errand_id: str
    priority: int
    recalled: bool


@dataclass(frozen=True)
class GiveUp:
    """The errand's time is over."""

    errand: Errand
    reasons: tuple[Said, ...]


@dataclass(frozen=True)
class Offer:
    """Plan it for these drones, in this order, and launch the first that may."""

    errand: Errand
    drones: tuple[str, ...]


@dataclass(frozen=True)
class Recall:
    """Call a flight back for an errand."""

    flight_id: str
    errand: Errand


@dataclass(frozen=True)
class Wait:
    """Nothing can be done for it now."""

    errand: Errand
    reasons: tuple[Said, ...]


Decision = GiveUp | Offer | Recall | Wait
MOST_TRIES = 4


def decide(
    now_s: float,
    drones: Sequence[Craft],
    errands: Sequence[Errand],
    flights: Sequence[UnderWay],
    grounded: Said | None = None,
) -> list[Decision]:
    """One decision for each errand that waits. `grounded`: why nothing may take off at all."""
    decisions, taken = list[Decision](), set[str]()
    coming = {f.drone for f in flights if f.recalled}
    recalled = set[str]()
    for errand in sorted(errands, key=lambda e: (-e.priority, e.drill, e.asked_s, e.id)):
        able, reasons = _able(errand, drones, taken)
        if now_s >= errand.deadline_s:
            decisions.append(GiveUp(errand, (said("too-late"), *reasons)))
        elif errand.tries >= MOST_TRIES:
            decisions.append(GiveUp(errand, (said("tried", count=errand.tries), *reasons)))
        elif not _allowed(errand, drones):
            decisions.append(GiveUp(errand, (said("no-drone"), *reasons)))
        elif grounded is not None:
            decisions.append(Wait(errand, (grounded,)))
        elif now_s < errand.not_before_s:
            decisions.append(Wait(errand, ()))  # why was said when it was put off
        elif able:
            taken.add(able[0].id)
            decisions.append(Offer(errand, tuple(craft.id for craft in able)))
        else:
            victim = _victim(errand, drones, flights, recalled, coming)
            if victim is None:
                decisions.append(Wait(errand, reasons))
            else:
                recalled.add(victim.flight_id)
                decisions.append(Recall(victim.flight_id, errand))
    return decisions


def _allowed(errand: Errand, drones: Sequence[Craft]) -> list[Craft]:
    return [d for d in drones if d.id not in errand.excluded and (not errand.drones or d.id in errand.drones)]


def _able(errand: Errand, drones: Sequence[Craft], taken: set[str]) -> tuple[list[Craft], tuple[Said, ...]]:
    """Drones that may and can, nearest first; and what hinders the others."""
    able, reasons = list[Craft](), list[Said]()
    for craft in _allowed(errand, drones):
        if craft.id in taken or craft.state == "flying":
            reasons.append(said("flying", drone=craft.id))
        elif craft.state == "silent":
            reasons.append(said("silent", drone=craft.id))
        elif craft.state == "unfit":
            reasons.append(said("armed", drone=craft.id))
        elif craft.battery is None or craft.battery < LEAST_BATTERY:
            reasons.append(said("charging", drone=craft.id, battery=craft.battery or 0.0, needed=LEAST_BATTERY))
        else:
            able.append(craft)
    return sorted(able, key=lambda craft: _away(errand, craft)), tuple(reasons)


def _away(errand: Errand, craft: Craft) -> float:
    return 0.0 if errand.at is None else distance_m(errand.at, craft.home)


def _victim(
    errand: Errand, drones: Sequence[Craft], flights: Sequence[UnderWay], recalled: set[str], coming: set[str]
) -> UnderWay | None:
    """The least urgent flight whose drone may fly the errand; None when one is on its way home already."""
    if errand.priority < URGENT:
        return None
    allowed = {craft.id: craft for craft in _allowed(errand, drones) if craft.state == "flying"}
    if coming & set(allowed):
        return None
    worse = [
        f for f in flights
        if f.drone in allowed and f.priority < errand.priority and not f.recalled and f.flight_id not in recalled
    ]  # fmt: skip
    return min(worse, key=lambda f: (f.priority, _away(errand, allowed[f.drone]), f.flight_id), default=None)
