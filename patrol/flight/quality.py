"""How good a link is, measured from what comes over it. Pure.

Each sender numbers its frames 0 to 255; a gap is what was lost. Frames that the dialect does not know count
like all others: they were not lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

WINDOW = 200  # frames that the loss is measured over: about ten seconds of a quiet vehicle
OVERTAKEN = 32  # a number this far back is a late or doubled frame, not a gap of more than two hundred


@dataclass
class Quality:
    """Of what one sender sends. Counts since the start, and the loss of late."""

    received: int = 0
    lost: int = 0
    late: int = 0
    heard_at: float | None = None
    heartbeats: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    _next: int | None = None
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def frame(self, sequence: int, now: float) -> None:
        """A frame with this number came."""
        self.received += 1
        self.heard_at = now
        gap = 0 if self._next is None else (sequence - self._next) % 256
        if gap > 256 - OVERTAKEN:
            self.late += 1
            return
        self.lost += gap
        self._recent.append(gap)
        self._next = (sequence + 1) % 256

    def heartbeat(self, now: float) -> None:
        """A heartbeat came."""
        self.heartbeats.append(now)

    @property
    def loss(self) -> float:
        """Share of late frames that did not come, 0 to 1."""
        gaps = sum(self._recent)
        return gaps / (gaps + len(self._recent)) if self._recent else 0.0

    @property
    def jitter_s(self) -> float:
        """Largest deviation of the time between heartbeats from its mean, over the last sixty."""
        beats = list(self.heartbeats)
        spans = [b - a for a, b in pairwise(beats)]
        if not spans:
            return 0.0
        mean = sum(spans) / len(spans)
        return max(abs(span - mean) for span in spans)

    def silent_for(self, now: float) -> float | None:
        """Seconds since the last frame; None when none ever came."""
        return None if self.heard_at is None else now - self.heard_at
