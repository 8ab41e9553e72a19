"""A wall clock that notices when it is set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

STEP_S = 1.0  # a difference that no drift explains between two readings


class SteadyClock:
    """Wall-clock time that advances with the monotonic clock and counts the steps of the wall clock.

    NTP, a dead battery or an operator may set the time by hours while a dwell is running. `stepped`
    is the sum of all such steps; whoever remembers moments shifts them by what has been added to it.
    Safe to use from several threads.
    """

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base = wall()
        self._base_s = monotonic()
        self._lock = Lock()
        self.stepped = timedelta(0)

    def now(self) -> datetime:
        """Aware, UTC: what the wall clock shows."""
        with self._lock:
            wall = self._wall().astimezone(UTC)
            elapsed_s = self._monotonic() - self._base_s
            expected = self._base + timedelta(seconds=elapsed_s)
            difference = wall - expected
            if abs(difference.total_seconds()) > STEP_S:
                self.stepped += difference
            self._base, self._base_s = wall, self._base_s + elapsed_s
            return wall
