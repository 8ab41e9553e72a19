"""What became of one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patrol.center.understand import Refusal, Understood

Outcome = Literal["stored", "duplicate", "refused"]


@dataclass(frozen=True)
class Taken:
    """The outcome, and what has changed by it."""

    item: Understood | Refusal
    outcome: Outcome
    reason: str = ""  # why it was refused
    case_number: str = ""
    incident_id: str | None = None  # an incident that has changed
    box: str | None = None  # a box whose status has changed
    dead_letter: int | None = None
