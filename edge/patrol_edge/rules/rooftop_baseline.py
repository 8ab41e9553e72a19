"""What a roof looked like when it was last in order: the picture to which every later one is compared, and its rules. Pure.

A baseline is replaced only when a roof was judged unchanged against it, or when a person accepted what was built. What was
reported stays: a shed that nobody takes down is the same incident for months, and the baseline is still the roof without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from patrol.geo import Camera
from patrol_edge.rules.rooftop_plane import RoofPicture

REFRESH_AFTER = timedelta(hours=12)  # a flight's second picture of a roof says no more about the seasons than its first


@dataclass(frozen=True)
class Known:
    """A structure that the baseline's picture already shows. ring: raster pixels.

    asked: looks in which the network for single pictures was asked about it, `seen` those that found it. Once is a candidate.
    """

    ring: tuple[tuple[float, float], ...]
    confidence: float
    seen: int = 2
    asked: int = 2

    @property
    def borne_out(self) -> bool:
        """Whether a second look has found it too."""
        return self.seen >= 2


@dataclass(frozen=True)
class Baseline:
    """A roof's picture on its own raster, when and from where it was taken, and what on it was reported."""

    building: str
    picture: RoofPicture
    taken_at: datetime
    camera: Camera
    known: tuple[Known, ...] = ()


class Shelf(Protocol):
    """Where baselines lie. What it cannot read it does not have."""

    def baseline(self, building: str) -> Baseline | None:
        """The roof's baseline, or None when it was never seen."""

    def settle(self, baseline: Baseline) -> None:
        """Keep a roof's picture as its baseline: its first, or one judged unchanged."""

    def propose(self, changed: Baseline) -> None:
        """Keep the newest picture of a changed roof beside its baseline, for a person to accept."""


class NoShelf:
    """Remembers nothing: every roof is seen for the first time."""

    def baseline(self, building: str) -> Baseline | None:
        """None."""
        del building
        return None

    def settle(self, baseline: Baseline) -> None:
        """Forget it."""

    def propose(self, changed: Baseline) -> None:
        """Forget it."""


NO_SHELF = NoShelf()


def due(baseline: Baseline, now: datetime) -> bool:
    """Whether a newer picture of a roof in order should take its baseline's place: not within one flight."""
    return now - baseline.taken_at >= REFRESH_AFTER
