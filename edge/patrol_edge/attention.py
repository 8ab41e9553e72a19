"""Which camera to look at next, and how long each was not looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

AHEAD = 0.5  # a look is due after this share of the time in which one must come


@dataclass(frozen=True)
class Attention:
    """How one camera has been watched in this session."""

    camera: str
    look_every_s: float
    since: datetime
    last_look_at: datetime | None = None
    looks: int = 0
    unwatched_s: float = 0.0
    every_frame: bool = False

    def looked(self, at: datetime) -> Attention:
        """After a look at a frame taken at `at`."""
        late_s = self._late_s(at)
        return replace(
            self,
            last_look_at=max(at, self.last_look_at or at),
            looks=self.looks + 1,
            unwatched_s=self.unwatched_s + late_s,
        )

    def unwatched_until(self, now: datetime) -> float:
        """Seconds in which no look came in time for the camera's hazards, up to `now`."""
        return self.unwatched_s + self._late_s(now)

    def rested(self, at: datetime) -> Attention:
        """There was nothing to watch up to `at`: a drone's camera while the drone is not in the air."""
        return replace(self, last_look_at=max(at, self.last_look_at or at))

    def _late_s(self, now: datetime) -> float:
        from_moment = self.last_look_at or self.since
        return max(0.0, (now - from_moment).total_seconds() - self.look_every_s)

    def is_due(self, frame_at: datetime) -> bool:
        """Whether a frame taken at `frame_at` is worth a look."""
        if self.last_look_at is None or self.every_frame:
            return True
        return (frame_at - self.last_look_at).total_seconds() >= AHEAD * self.look_every_s


def next_camera(waiting: Iterable[tuple[Attention, datetime]]) -> Attention | None:
    """Of the cameras with a new frame (and its time) the due one whose deadline comes first."""
    due = [attention for attention, frame_at in waiting if attention.is_due(frame_at)]

    def deadline(attention: Attention) -> float:
        return (attention.last_look_at or attention.since).timestamp() + attention.look_every_s

    return min(due, key=deadline, default=None)
