"""Sightings that persist become alerts. Pure: memory and sightings in, memory and findings out.

Time is the frames' own, never a count of frames. What is remembered is tied to a *spot*, a place in
the picture, not to a track: a detector that loses a car for a while, takes it for a truck, or a
person walking through the view neither restarts a timer nor raises the same alert again.

- A spot begins with its first vote and is raised once, when it has been seen for `dwell_s` and by at
  least `share` of the looks since then, and by as many as the sighting itself wants. Where a place
  is wider than one thing (a zone in which anything may burn), the thing that is named must have so many votes of its own. After a longer absence it
  must be there for a fifth of `dwell_s` again: who passes the place where a van has just unloaded does not complete its time.
- A candidate lost for longer than it had been there, and back with another outline, begins anew. Who rolls through the
  place where another will stop a few seconds later gives that one no time; a vehicle seen now and then keeps its own.
- Time counts from where it came to rest: once a spot has settled, the votes drawn on the way there give it none. Seen from afar, a car
  that rolls along a lane for some seconds hardly moves in the picture.
- It ends when it was looked at and not seen for `clear_s` of *watched* time. Time in which nobody
  looked proves neither presence nor absence: it never clears a spot, and a candidate survives a gap
  of at most its own dwell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

from patrol_edge.rules.sighting import Box, Sighting, overlap_share

SAME_SPOT_IOU = 0.35  # boxes of a standing vehicle overlap far more; of its neighbour in a row far less
# a network draws a standing vehicle within this from look to look; two vehicles seldom agree so well
SAME_OUTLINE_IOU = 0.7
SAME_SPOT_M = 1.2  # ground points closer than this are one spot even when occlusion cuts the box
MAX_SPOTS = 64  # a zone with more simultaneous candidates is a crowd; the oldest unraised are dropped first
KEPT_CONFIDENCES = 101  # the median of the last hundred votes says enough, and memory stays bounded
STAYS_AGAIN = 0.2  # share of the dwell that a spot must be seen again after it was lost for more than two looks
SETTLING_VOTES = 10  # the anchor follows the boxes for this many votes, then stands: a crawling queue is not one car
SETTLING_WEIGHT = 0.4  # of the newest box: a car that rolls to a stop is soon where it stands
SETTLED_IOU = 0.5  # a box of the settling time that overlaps the settled anchor less was drawn on the way there


@dataclass(frozen=True)
class Persistence:
    """How long and how surely a zone's hazard must be seen."""

    dwell_s: float
    clear_s: float
    share: float
    look_every_s: float
    same_m: float | None = None  # a moving camera's: only things this close on the ground are one, pixels tell nothing
    keep_s: float = 0.0  # a candidate nobody looked at outlives at least this gap: a drone comes back


class Spot(BaseModel):
    """One place at which something has been seen. Kept on disk, so that a restart changes nothing."""

    model_config = ConfigDict(frozen=True)

    zone: str
    place: str | None
    anchor_px: Box
    ground_m: tuple[float, float] | None
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    looks: int
    votes: int
    confidences: tuple[float, ...]
    absent_s: float
    alert_id: str | None
    returned_at: AwareDatetime | None = None  # when it was seen again after it had been lost
    # the votes so far, until the anchor stands; none where the outline tells nothing: a zone that is one place, a camera that moves
    settling: tuple[tuple[AwareDatetime, Box], ...] = ()

    def shifted(self, by: timedelta) -> Spot:
        """The same spot after the clock was set: every remembered moment moves along."""
        returned = None if self.returned_at is None else self.returned_at + by
        moments = {"first_seen_at": self.first_seen_at + by, "last_seen_at": self.last_seen_at + by}
        settling = tuple((moment + by, box) for moment, box in self.settling)
        return self.model_copy(update={**moments, "returned_at": returned, "settling": settling})


class ZoneMemory(BaseModel):
    """All spots of one zone, when it was last looked at, and what its rule wants to keep."""

    model_config = ConfigDict(frozen=True)

    spots: tuple[Spot, ...] = ()
    last_look_at: AwareDatetime | None = None
    kept: dict[str, JsonValue] = {}

    def shifted(self, by: timedelta) -> ZoneMemory:
        """The memory after the clock was set by `by`."""
        looked = None if self.last_look_at is None else self.last_look_at + by
        return ZoneMemory(spots=tuple(spot.shifted(by) for spot in self.spots), last_look_at=looked, kept=self.kept)


@dataclass(frozen=True)
class Raised:
    """A spot that has persisted: an alert is due. `sighting` is the newest."""

    spot: Spot
    sighting: Sighting

    @property
    def confidence(self) -> float:
        """Median confidence of the votes."""
        return median(self.spot.confidences)


@dataclass(frozen=True)
class Ended:
    """A raised spot at which nothing has been seen for long enough."""

    spot: Spot
    cleared_at: datetime


def look(
    memory: ZoneMemory, sightings: list[Sighting], now: datetime, zone: str, rules: Persistence, identity: str
) -> tuple[ZoneMemory, list[Raised | Ended]]:
    """Judge one look at a zone.

    `identity` names the watcher (district, box, camera). An alert's id is made from it and from the
    spot, so that a look judged again after a failed write gives the same alert, not a second one.
    """
    last = memory.last_look_at
    gap_s = 0.0 if last is None else max(0.0, (now - last).total_seconds())
    watched_s = min(gap_s, 2 * rules.look_every_s)
    pairs = _assign(memory.spots, sightings, rules.same_m)
    spots: list[Spot] = []
    findings: list[Raised | Ended] = []

    def keep(spot: Spot, sighting: Sighting) -> None:
        dwell_s = (spot.last_seen_at - spot.first_seen_at).total_seconds()
        votes = spot.votes if sighting.own_votes is None else min(spot.votes, sighting.own_votes)
        enough = votes >= max(rules.share * spot.looks, sighting.least_votes)
        if spot.alert_id is None and _stays(spot, rules, now) and dwell_s >= rules.dwell_s and enough:
            spot = spot.model_copy(update={"alert_id": _alert_id(spot, identity)})
            findings.append(Raised(spot, sighting))
        spots.append(spot)

    for n, spot in enumerate(memory.spots):
        if spot.alert_id is None and gap_s > max(rules.dwell_s, 2 * rules.look_every_s, rules.keep_s):
            continue  # nobody looked for longer than the dwell itself: a candidate proves nothing any more
        if n in pairs:
            keep(_voted(spot, sightings[pairs[n]], now, rules), sightings[pairs[n]])
            continue
        missed = spot.model_copy(update={"looks": spot.looks + 1, "absent_s": spot.absent_s + watched_s})
        if missed.absent_s < rules.clear_s:
            spots.append(missed)
        elif spot.alert_id is not None:
            findings.append(Ended(spot, now))
    for sighting in sorted(sightings, key=lambda s: -s.confidence):
        # a second box around the same thing (a van that is also a truck), or a second person in the zone, begins nothing
        if not any(_closeness(spot, sighting, rules.same_m) > 0 for spot in spots):
            keep(_begin(sighting, zone, now, rules), sighting)
    return ZoneMemory(spots=tuple(_bounded(spots)), last_look_at=now, kept=memory.kept), findings


def _stays(spot: Spot, rules: Persistence, now: datetime) -> bool:
    """Whether it has been there for long enough since it was last lost."""
    if spot.returned_at is None:
        return True
    return (now - spot.returned_at).total_seconds() >= STAYS_AGAIN * rules.dwell_s


def _alert_id(spot: Spot, identity: str) -> str:
    where = spot.place or ",".join(f"{v:.0f}" for v in spot.anchor_px)
    return str(uuid5(NAMESPACE_URL, f"{identity}/{spot.zone}/{where}/{spot.first_seen_at.isoformat()}"))


def _begin(sighting: Sighting, zone: str, now: datetime, rules: Persistence) -> Spot:
    settling = ((now, sighting.box_px),) if sighting.place is None and rules.same_m is None else ()
    ground = None if sighting.ground is None else (sighting.ground.east_m, sighting.ground.north_m)
    return Spot(
        zone=zone, place=sighting.place, anchor_px=sighting.box_px, ground_m=ground, first_seen_at=now, last_seen_at=now,
        looks=1, votes=1, confidences=(sighting.confidence,), absent_s=0.0, alert_id=None, settling=settling,
    )  # fmt: skip


def _another(spot: Spot, sighting: Sighting, rules: Persistence) -> bool:
    """Whether what is seen at a candidate's spot is likely another thing: lost for longer than it was there, other outline.

    A zone that is one place, and a camera that moves, tell nothing by the outline.
    """
    if spot.alert_id is not None or spot.place is not None or rules.same_m is not None:
        return False
    there_s = (spot.last_seen_at - spot.first_seen_at).total_seconds()
    lost = spot.absent_s > max(there_s, rules.look_every_s)
    return lost and overlap_share(spot.anchor_px, sighting.box_px) < SAME_OUTLINE_IOU


def _voted(spot: Spot, sighting: Sighting, now: datetime, rules: Persistence) -> Spot:
    if _another(spot, sighting, rules):
        return _begin(sighting, spot.zone, now, rules)
    anchor, ground = spot.anchor_px, spot.ground_m
    if spot.votes < SETTLING_VOTES and spot.place is None:
        w = max(1.0 / (spot.votes + 1), SETTLING_WEIGHT)
        anchor = tuple(a + (b - a) * w for a, b in zip(anchor, sighting.box_px, strict=True))  # type: ignore[assignment]  # four in, four out
        if ground is not None and sighting.ground is not None:
            ground = (
                ground[0] + (sighting.ground.east_m - ground[0]) * w,
                ground[1] + (sighting.ground.north_m - ground[1]) * w,
            )
    first_seen_at, settling = spot.first_seen_at, spot.settling
    if settling:
        settling = (*settling, (now, sighting.box_px))
        if len(settling) >= SETTLING_VOTES:
            if spot.alert_id is None:
                there = [moment for moment, box in settling if overlap_share(anchor, box) >= SETTLED_IOU]
                first_seen_at = min(there, default=first_seen_at)
            settling = ()
    return spot.model_copy(
        update={
            "first_seen_at": first_seen_at, "settling": settling,
            "anchor_px": anchor, "ground_m": ground, "last_seen_at": now, "looks": spot.looks + 1, "votes": spot.votes + 1,
            "confidences": (*spot.confidences, sighting.confidence)[-KEPT_CONFIDENCES:], "absent_s": 0.0,
            "returned_at": now if spot.absent_s > 2 * rules.look_every_s else spot.returned_at,
        }
    )  # fmt: skip


def _assign(spots: tuple[Spot, ...], sightings: list[Sighting], same_m: float | None) -> dict[int, int]:
    """Which sighting belongs to which spot: nearest pairs first, each used once. Spot index to sighting index."""
    closeness = []
    for n, spot in enumerate(spots):
        for k, sighting in enumerate(sightings):
            value = _closeness(spot, sighting, same_m)
            if value > 0:
                # raised spots first: what has been reported keeps its sighting in a tight row
                closeness.append((value, spot.votes, -n, -k))
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, _, minus_n, minus_k in sorted(closeness, reverse=True):
        n, k = -minus_n, -minus_k
        if n not in pairs and k not in used:
            pairs[n] = k
            used.add(k)
    return pairs


def _closeness(spot: Spot, sighting: Sighting, same_m: float | None) -> float:
    """0 when it is another place, else how near, up to 2."""
    if spot.place is not None or sighting.place is not None:
        return 1.0 + sighting.confidence if spot.place == sighting.place else 0.0
    if same_m is None:
        overlap = overlap_share(spot.anchor_px, sighting.box_px)
        if overlap >= SAME_SPOT_IOU:
            return 1.0 + overlap
    if spot.ground_m is None or sighting.ground is None:
        return 0.0
    east, north = spot.ground_m[0] - sighting.ground.east_m, spot.ground_m[1] - sighting.ground.north_m
    distance_m = (east * east + north * north) ** 0.5
    near_m = SAME_SPOT_M if same_m is None else same_m
    return 1.0 - distance_m / near_m if distance_m < near_m else 0.0


def _bounded(spots: list[Spot]) -> list[Spot]:
    if len(spots) <= MAX_SPOTS:
        return spots
    ranked = sorted(spots, key=lambda s: (s.alert_id is not None, s.last_seen_at, s.votes), reverse=True)
    return ranked[:MAX_SPOTS]
