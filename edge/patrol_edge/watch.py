"""The same pipeline on a file, faster than real time. Time is the film's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from patrol_edge.attention import Attention
from patrol_edge.detectors import Detectors
from patrol_edge.pipeline import CameraMemory, Finding, Pipeline, Watcher
from patrol_edge.video import frames_of_file


def watch_file(
    source: str, watcher: Watcher, detectors: Detectors, starts_at: datetime
) -> Iterator[tuple[timedelta, list[Finding]]]:
    """Judge a clip or folder; yields the film time of every look, with what it found.

    Raises SourceMissing, SourceUnreadable.
    """
    pipeline = Pipeline(watcher, detectors)
    attention = Attention(watcher.camera.id, watcher.look_every_s, since=starts_at, every_frame=watcher.every_frame)
    memory: CameraMemory = {}
    for frame in frames_of_file(source, watcher.camera.id, starts_at, watcher.thermal):
        if not attention.is_due(frame.taken_at):
            continue
        memory, findings = pipeline.judge(frame, memory)
        attention = attention.looked(frame.taken_at)
        yield frame.taken_at - starts_at, findings
