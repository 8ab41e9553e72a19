"""Which alerts are one incident? Pure: an alert and what is known near it go in, a decision comes out.

The rules, in this order:

1. A drill never mixes with the real thing, and one hazard never with another, but for open fire (`FIRE`): what one camera
   sees as flame or smoke and another as heat, at one place on the ground, is one fire with two alerts.
2. An incident whose case is closed takes nothing on: seen again, it is a new incident. One that merely
   ended (the hazard is gone, the case is not closed) takes a new alert on: a car that left a fire lane
   and one that parks there before anybody came are one matter for the one who comes.
3. *Same place*: the same camera with the same place key; or, when both have a position, closer than
   `merge_within_m` plus what the positions may be off (see `reach_m`). So a drone and a fixed camera, or
   two cameras of two boxes, land on one incident.
4. *Passing hazards* (`PASSING`: people and falling things do not belong to a spot). Everything one camera
   sees in one zone is one incident while it lasts, wherever in the zone it is, and until it has been
   quiet for `QUIET_S`; after that an intrusion is another intrusion even though the first case is
   open. Positions join cameras here too, but only while the incident lasts or has just ended.

Of several that fit, the nearest wins, then the youngest: so the outcome does not depend on the order
in which the database returned them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot, inf

from patrol.events import Hazard, Position
from patrol.geo import LatLon, distance_m

PASSING = frozenset({Hazard.PERIMETER_INTRUSION, Hazard.FALLING_OBJECT})
FIRE = frozenset(
    {Hazard.FLAME_SMOKE, Hazard.FIRE_HOTSPOT}
)  # a smoke alarm knows its room and stays a matter of its own
QUIET_S = 600.0  # ten minutes without anybody: whoever comes now has come anew
MAX_SLACK_OF_MERGE = 2.0  # positions so bad that they reach further must not swallow the neighbourhood


@dataclass(frozen=True)
class Spot:
    """Where one camera saw something, by names: what identifies a place when no position does."""

    box: str
    camera: str
    zone: str
    place: str


@dataclass(frozen=True)
class Seen:
    """What `fold` needs to know of an alert. `at` is the time of its frame."""

    hazard: Hazard
    drill: bool
    spot: Spot
    position: Position | None
    at: datetime


@dataclass(frozen=True)
class Known:
    """What `fold` needs to know of an incident. `spots` are those of all its alerts; `ended_at` is None while it lasts."""

    incident_id: str
    hazard: Hazard
    drill: bool
    spots: frozenset[Spot]
    position: Position | None
    opened_at: datetime
    ended_at: datetime | None
    case_closed: bool


def reach_m(a: Position, b: Position, merge_within_m: float) -> float:
    """How far apart two positions of one thing may be, metres.

    `merge_within_m` is the size of a place; to it comes the 95 % radius of the difference of two
    independent positions, sqrt(a² + b²), but at most `MAX_SLACK_OF_MERGE` times `merge_within_m`.
    """
    return merge_within_m + min(hypot(a.accuracy_m, b.accuracy_m), MAX_SLACK_OF_MERGE * merge_within_m)


def related(hazard: Hazard) -> frozenset[Hazard]:
    """The hazards whose incidents may take an alert of `hazard` on."""
    return FIRE if hazard in FIRE else frozenset({hazard})


def fold(seen: Seen, known: Iterable[Known], merge_within_m: float) -> str | None:
    """The id of the incident that takes the alert on, or None: it is a new one."""
    fits = [
        (apart, -incident.opened_at.timestamp(), incident.incident_id)
        for incident in known
        if (apart := _apart_m(seen, incident, merge_within_m)) is not None
    ]
    return min(fits)[2] if fits else None


def _apart_m(seen: Seen, incident: Known, merge_within_m: float) -> float | None:
    """Metres between an alert and an incident that may take it on (inf: same by name), or None."""
    if incident.case_closed or incident.hazard not in related(seen.hazard) or incident.drill != seen.drill:
        return None
    if seen.hazard in PASSING and not _lasts(incident, seen.at):
        return None
    near_m = _near_m(seen.position, incident.position, merge_within_m)
    if near_m is not None:
        return near_m
    return inf if any(_same_spot(seen, spot) for spot in incident.spots) else None


def _lasts(incident: Known, at: datetime) -> bool:
    return incident.ended_at is None or at - incident.ended_at <= timedelta(seconds=QUIET_S)


def _near_m(a: Position | None, b: Position | None, merge_within_m: float) -> float | None:
    if a is None or b is None:
        return None
    apart = distance_m(LatLon(a.lat_deg, a.lon_deg), LatLon(b.lat_deg, b.lon_deg))
    return apart if apart <= reach_m(a, b, merge_within_m) else None


def _same_spot(seen: Seen, spot: Spot) -> bool:
    if (seen.spot.box, seen.spot.camera) != (spot.box, spot.camera):
        return False
    if seen.hazard in PASSING:
        return seen.spot.zone == spot.zone
    return seen.spot.place == spot.place


def search_radius_m(merge_within_m: float) -> float:
    """No incident further away than this can take an alert on by its position: bounds the query, metres."""
    return merge_within_m * (1 + MAX_SLACK_OF_MERGE)


def better(known: Position | None, seen: Position | None) -> Position | None:
    """The position of an incident after one more alert: the most accurate so far, the first among equals.

    It is no mean: alerts of a thing that is followed would drag a mean along until it met the neighbour.
    """
    if known is None or seen is None:
        return known or seen
    return seen if seen.accuracy_m < known.accuracy_m else known


def ended_at(still_active: bool, latest_cleared_at: datetime | None) -> datetime | None:
    """When an incident ended, after one of its alerts did: with the last of them, and not while one is active."""
    return None if still_active else latest_cleared_at
