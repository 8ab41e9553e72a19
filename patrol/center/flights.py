"""What a flight is by what was said of it, in whatever order that came. Pure.

Phases of one station come in their order, but a broker may say one again after a restart; so times decide, and an
end, once said, stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from patrol.events import FlightPhase, RequestAnswered

ENDS = frozenset({"landed", "returned", "aborted"})
Answer = Literal["waiting", "flying", "done", "refused", "given-up"]
_RANK: dict[str, int] = {"waiting": 0, "flying": 1, "done": 2, "refused": 2, "given-up": 2}


@dataclass(frozen=True)
class Known:
    """A flight so far. Moments are those of the station's clock."""

    phase: str
    phase_at: datetime
    begun_at: datetime
    ended_at: datetime | None
    seen: tuple[str, ...]
    photographs: int


def after(known: Known | None, said: FlightPhase, said_at: datetime) -> Known:
    """The flight after one more phase was said of it."""
    end = said_at if said.phase in ENDS else None
    if known is None:
        return Known(said.phase, said_at, said_at, end, said.seen, said.photographs)
    newer = (end is not None, said_at) >= (known.ended_at is not None, known.phase_at)
    return Known(
        said.phase if newer else known.phase, said_at if newer else known.phase_at, min(known.begun_at, said_at),
        said_at if newer and end is not None else known.ended_at, tuple(dict.fromkeys((*known.seen, *said.seen))),
        max(known.photographs, said.photographs),
    )  # fmt: skip


def answer_is_news(known: tuple[str, datetime] | None, said: RequestAnswered, said_at: datetime) -> bool:
    """Whether an answer replaces the one that is `known` (state and time) of the same station to the same request."""
    return known is None or (said_at, _RANK[said.state]) > (known[1], _RANK[known[0]])
