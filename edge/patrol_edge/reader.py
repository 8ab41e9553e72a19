"""A thread a camera: reads, keeps only the newest frame, reconnects when the source goes away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Condition
from threading import Event as Flag
from typing import Literal

import structlog

from patrol.errors import SourceError
from patrol_edge.clock import SteadyClock
from patrol_edge.frame import Frame
from patrol_edge.thermal.files import ThermalSource
from patrol_edge.video import frames_of_file, frames_of_live, is_live, without_secrets

RETRY_S = (1.0, 30.0)  # first and longest wait before a lost source is opened again
State = Literal["starting", "watching", "lost", "ended"]


@dataclass(frozen=True)
class SourceState:
    """What a source is doing, and since when."""

    state: State
    since: datetime
    last_frame_at: datetime | None = None
    detail: str = ""


class Mailbox:
    """The newest frame of each camera. A frame nobody took in time is replaced, and its camera's time counted elsewhere."""

    def __init__(self) -> None:
        self._frames: dict[str, Frame] = {}
        self._newest: dict[str, Frame] = {}
        self._changed = Condition()

    def put(self, frame: Frame) -> None:
        """A newer frame."""
        with self._changed:
            self._frames[frame.camera] = self._newest[frame.camera] = frame
            self._changed.notify_all()

    def newest(self, camera: str) -> Frame | None:
        """The newest frame of a camera, whether somebody has taken it or not."""
        with self._changed:
            return self._newest.get(camera)

    def waiting(self, timeout_s: float) -> dict[str, Frame]:
        """All newest frames; waits up to `timeout_s` when there is none."""
        with self._changed:
            if not self._frames:
                self._changed.wait(timeout_s)
            return dict(self._frames)

    def take(self, frame: Frame) -> None:
        """This frame has been dealt with; a newer one stays."""
        with self._changed:
            if self._frames.get(frame.camera) is frame:
                del self._frames[frame.camera]


class Reader:
    """Reads one source until told to stop."""

    def __init__(
        self, camera: str, source: str, loop: bool, hand_on: Callable[[Frame], None], clock: SteadyClock,
        thermal: ThermalSource | None = None,
    ) -> None:  # fmt: skip
        self._camera, self._source, self._loop, self._hand_on, self._clock = camera, source, loop, hand_on, clock
        self._thermal = thermal
        self.status = SourceState("starting", clock.now())
        self._log = structlog.get_logger().bind(camera=camera)

    def run(self, stop: Flag) -> None:
        """Until `stop`, or until a file that is not looped has ended."""
        failures = 0
        while not stop.is_set():
            try:
                for frame in self._frames(stop):
                    failures = 0
                    self._arrived(frame)
                    if stop.is_set():
                        return
                if not self._loop:
                    self._change("ended", "")
                    return
            except SourceError as err:
                if self.status.state != "lost":
                    self._log.warning("camera lost", reason=err.explain("en"))
                    self._change("lost", err.message.render("en", **err.facts)[:500])
                stop.wait(min(RETRY_S[0] * 2 ** min(failures, 10), RETRY_S[1]))
                failures += 1

    def _frames(self, stop: Flag) -> Iterator[Frame]:
        if is_live(self._source):
            return frames_of_live(self._source, self._camera, self._clock, self._thermal)
        frames = frames_of_file(self._source, self._camera, self._clock.now(), self._thermal)
        return paced(frames, time.monotonic, stop.wait, self._clock)

    def _arrived(self, frame: Frame) -> None:
        if self.status.state != "watching":
            self._log.info("camera watched", source=without_secrets(self._source), size_px=frame.size_px)
            self._change("watching", "")
        self.status = replace(self.status, last_frame_at=frame.taken_at)
        self._hand_on(frame)

    def _change(self, state: State, detail: str) -> None:
        self.status = SourceState(state, self._clock.now(), self.status.last_frame_at, detail)


def paced(
    frames: Iterator[Frame], monotonic: Callable[[], float], wait: Callable[[float], object], clock: SteadyClock
) -> Iterator[Frame]:
    """The frames of a file at the speed of the film, stamped with the present: a file that plays a camera."""
    begun_s = monotonic()
    first: datetime | None = None
    for frame in frames:
        first = first or frame.taken_at
        ahead_s = (frame.taken_at - first).total_seconds() - (monotonic() - begun_s)
        if ahead_s > 0:
            wait(ahead_s)
        yield replace(frame, taken_at=clock.now())
