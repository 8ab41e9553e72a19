"""Keeps what a camera has found: files first, then message and memory in one transaction.

When the disk refuses, what was found stays in memory and is tried again with every look, so that a
hazard that is over before there is room again is still reported. The memory on disk is written only
together with the findings it accounts for: a box killed in between finds them anew.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from patrol.errors import StorageError
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import CameraMemory, Finding, read_memory, write_memory

SAVE_EVERY_S = 5.0  # how much of a dwell a kill can cost: nothing is lost, a vote or two are
MAX_PENDING = 200  # findings kept in memory while the disk refuses; the oldest go first, and it is logged


class Keeper:
    """The memory of one camera and its way to the disk. One thread owns it."""

    def __init__(self, camera: str, outbox: Outbox, folder: EvidenceFolder) -> None:
        self._camera, self._outbox, self._folder = camera, outbox, folder
        self._pending: list[Finding] = []
        self._saved_at: datetime | None = None
        self._refused = False
        self._log = structlog.get_logger().bind(camera=camera)
        self.memory: CameraMemory = read_memory(outbox.memory(camera))

    def keep(self, memory: CameraMemory, findings: list[Finding], now: datetime) -> list[Finding]:
        """Adopt a look's outcome; returns the findings that are now safely on disk."""
        self.memory = memory
        self._pending += findings
        if len(self._pending) > MAX_PENDING:
            self._log.error(
                "findings dropped, the disk has refused for too long", dropped=len(self._pending) - MAX_PENDING
            )
            del self._pending[:-MAX_PENDING]
        idle = self._saved_at is not None and 0 <= (now - self._saved_at).total_seconds() < SAVE_EVERY_S
        if not self._pending and idle:
            return []
        return self._write(now)

    def _write(self, now: datetime) -> list[Finding]:
        try:
            for finding in self._pending:
                for file in finding.files:
                    self._folder.keep(file)
            messages = [(f.outgoing(), [file.ref for file in f.files]) for f in self._pending]
            self._outbox.put(messages, self._camera, write_memory(self.memory))
        except StorageError as err:
            if not self._refused:
                self._log.error("findings wait in memory", waiting=len(self._pending), reason=err.explain("en"))
            self._refused = True
            return []
        self._refused = False
        self._saved_at = now
        kept, self._pending = self._pending, []
        return kept
