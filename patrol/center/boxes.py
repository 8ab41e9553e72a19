"""Is this sign of life news? And is the box alive? Pure.

A box's status is retained and left behind as a last will; both may come late. The session number tells
a late one from a new one: it grows with every start of the box.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

STALE_AFTER_S = 35.0  # a status comes every 10 s: three were missed
Presence = Literal["online", "stale", "offline", "never"]


@dataclass(frozen=True)
class Sign:
    """One sign of life. `said_at` by the box's clock; `heard_at` by the centre's."""

    event_id: str
    session: int
    state: Literal["online", "offline"]
    said_at: datetime
    heard_at: datetime


def heard_at(said_at: datetime, now: datetime, retained: bool) -> datetime:
    """When a status was fresh: a retained one, which the broker kept, is as old as it says."""
    return min(said_at, now) if retained else now


def is_news(known: Sign | None, sign: Sign, retained: bool) -> bool:
    """Whether `sign` replaces what is known of its box.

    Of an older session nothing counts, so that a late will cannot kill a newer session. One exception: a
    live box that says it is online while the known session is dead has lost its memory and counts from 1
    again (a replaced disk); a will is never of that kind.
    """
    if known is None:
        return True
    if sign.event_id == known.event_id:
        return False
    if sign.session < known.session:
        dead = known.state == "offline" or presence(known, sign.heard_at) == "stale"
        return dead and sign.state == "online" and not retained
    if sign.session == known.session:
        # within a session the broker keeps the order, but for a retained one that is told again on subscribing
        return sign.state == "offline" or sign.said_at >= known.said_at
    return True


def presence(sign: Sign | None, now: datetime) -> Presence:
    """What to show of a box."""
    if sign is None:
        return "never"
    if sign.state == "offline":
        return "offline"
    return "stale" if now - sign.heard_at > timedelta(seconds=STALE_AFTER_S) else "online"
