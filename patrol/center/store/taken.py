"""What became of one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patrol.center.understand import Item

Outcome = Literal["stored", "duplicate", "refused"]


@dataclass(frozen=True)
class Taken:
    """The outcome, and what has changed by it."""

    item: Item
    outcome: Outcome
    reason: str = ""  # why it was refused
    case_number: str = ""
    incident_id: str | None = None  # an incident that has changed
    box: str | None = None  # a box whose status has changed
    flight: str | None = None  # a flight that has changed
    request: str | None = None  # a request for a flight whose answer has changed
    station: str | None = None  # a station whose status has changed
    ended_flight: str | None = None  # a flight that is over by this
    dead_letter: int | None = None
