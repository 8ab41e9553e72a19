"""The thread that judges what sensors say: a bounded queue in, findings onto the disk, a line for each sensor's state."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Condition
from threading import Event as Flag

import structlog

from patrol.events import SensorStatus
from patrol_edge.clock import SteadyClock
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.frame import Frame
from patrol_edge.keeper import Ledger
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import Finding
from patrol_edge.sensing import (
    SensorMemory,
    WatchedSensor,
    judge_message,
    read_sensor_memory,
    state_of,
    without_orphans,
    write_sensor_memory,
)

MAX_QUEUE = 1000  # messages not yet judged; the oldest go first, and it is logged
WAIT_S = 0.5
SAVE_EVERY_S = 60.0  # how old "last heard" may be on the disk; what counts is written at once
SHOWN = 256  # sensors in a sign of life


@dataclass
class _Desk:
    """One sensor at work. Only the desk's thread changes it."""

    sensor: WatchedSensor
    ledger: Ledger[SensorMemory]
    messages: int = 0
    unreadable: int = 0


class SensorDesk:
    """All sensors of a box. `offer` may be called from any thread."""

    def __init__(
        self, sensors: Sequence[WatchedSensor], outbox: Outbox, folder: EvidenceFolder, clock: SteadyClock,
        newest: Callable[[str], Frame | None], tell: Callable[[Finding], None],
    ) -> None:  # fmt: skip
        """`newest`: the newest frame of a camera; `tell`: told of each finding that is safely on the disk."""
        self._clock, self._newest, self._tell = clock, newest, tell
        codec = (read_sensor_memory, write_sensor_memory)
        # a camera's name has no colon, so that a sensor's memory is never taken for a camera's
        self._desks = [_Desk(s, Ledger(f"sensor:{s.id}", outbox, folder, codec, SAVE_EVERY_S)) for s in sensors]
        self._by_topic: dict[str, list[_Desk]] = {}
        for desk in self._desks:
            self._by_topic.setdefault(desk.sensor.config.topic, []).append(desk)
        self._queue: deque[tuple[str, bytes, datetime, timedelta]] = deque()
        self._changed = Condition()
        self._dropped = 0
        self._since, self._stepped = clock.now(), clock.stepped
        self._log = structlog.get_logger()

    @property
    def topics(self) -> tuple[str, ...]:
        """What is to be subscribed."""
        return tuple(self._by_topic)

    def offer(self, topic: str, payload: bytes) -> None:
        """A message that has just arrived."""
        now = self._clock.now()
        with self._changed:
            self._queue.append((topic, payload, now, self._clock.stepped))
            if len(self._queue) > MAX_QUEUE:
                self._queue.popleft()
                self._dropped += 1
            self._changed.notify()

    def run(self, stop: Flag) -> None:
        """Judge until `stop`."""
        self._begin()
        while not stop.is_set():
            self.step(WAIT_S)

    def step(self, wait_s: float) -> None:
        """Judge everything that waits; waits up to `wait_s` for something."""
        with self._changed:
            if not self._queue:
                self._changed.wait(wait_s)
            waiting, dropped = list(self._queue), self._dropped
            self._queue.clear()
            self._dropped = 0
        self._shift()
        if dropped:
            self._log.error("sensors say more than can be judged, oldest messages dropped", dropped=dropped)
        for topic, payload, at, stepped in waiting:
            for desk in self._by_topic.get(topic, ()):
                self._judge(desk, payload, at + (self._stepped - stepped))
        for desk in self._desks:
            if desk.ledger.has_pending:  # the disk refused; perhaps there is room again
                self._keep(desk, desk.ledger.memory, (), self._clock.now())

    def _begin(self) -> None:
        now = self._clock.now()
        for desk in self._desks:
            memory, ended = without_orphans(desk.sensor, desk.ledger.memory, now)
            if memory != desk.ledger.memory:
                self._keep(desk, memory, ended, now)

    def _judge(self, desk: _Desk, payload: bytes, at: datetime) -> None:
        sensor, before = desk.sensor, desk.ledger.memory
        frame = None if sensor.camera is None else self._newest(sensor.camera)
        judged = judge_message(sensor, before, payload, at, frame)
        if not judged.is_ours:
            return
        desk.messages += 1
        desk.unreadable += judged.unreadable
        if judged.unreadable and desk.unreadable == judged.unreadable:
            self._log.warning("a sensor's message cannot be read by its model", sensor=sensor.id)
        self._keep(desk, judged.memory, judged.findings, at)

    def _keep(self, desk: _Desk, memory: SensorMemory, findings: Sequence[Finding], now: datetime) -> None:
        changed = memory.readings != desk.ledger.memory.readings
        for finding in desk.ledger.keep(memory, list(findings), now, at_once=changed):
            self._tell(finding)

    def _shift(self) -> None:
        """The wall clock was set: every remembered moment moves along."""
        by = self._clock.stepped - self._stepped
        if by:
            for desk in self._desks:
                desk.ledger.memory = desk.ledger.memory.shifted(by)
            self._since += by
            self._stepped += by

    def status(self, refusals: Mapping[str, str]) -> tuple[SensorStatus, ...]:
        """One line a sensor, those with trouble first where there are too many. `refusals`: topic to reason."""
        now = self._clock.now()
        lines = [
            state_of(
                desk.sensor, desk.ledger.memory, now, self._since, (desk.messages, desk.unreadable),
                refusals.get(desk.sensor.config.topic, ""),
            )
            for desk in self._desks
        ]  # fmt: skip
        order = {"alarm": 0, "refused": 1, "silent": 2, "waiting": 3, "heard": 4}
        return tuple(sorted(lines, key=lambda line: (order[line.state], line.sensor))[:SHOWN])
