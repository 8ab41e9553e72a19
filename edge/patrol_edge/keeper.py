"""Keeps what a camera or a sensor has found: files first, then message and memory in one transaction.

When the disk refuses, what was found stays in memory and is tried again with every look, so that a
hazard that is over before there is room again is still reported. The memory on disk is written only
together with the findings it accounts for: a box killed in between finds them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from patrol.errors import StorageError
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import CameraMemory, Finding, read_memory, write_memory

SAVE_EVERY_S = 5.0  # how much of a dwell a kill can cost: nothing is lost, a vote or two are
MAX_PENDING = 200  # findings kept in memory while the disk refuses; the oldest go first, and it is logged
Memory = TypeVar("Memory")


class Ledger(Generic[Memory]):
    """One memory and its way to the disk, with all that is found on its grounds. One thread owns it."""

    def __init__(
        self, key: str, outbox: Outbox, folder: EvidenceFolder,
        codec: tuple[Callable[[str | None], Memory], Callable[[Memory], str]], save_every_s: float,
    ) -> None:  # fmt: skip
        """`key`: its name in the outbox. `codec`: how the memory is read from its text, and written."""
        self._key, self._outbox, self._folder, self._save_every_s = key, outbox, folder, save_every_s
        read, self._text_of = codec
        self._pending: list[Finding] = []
        self._saved_at: datetime | None = None
        self._refused = False
        self._log = structlog.get_logger().bind(memory=key)
        self.memory: Memory = read(outbox.memory(key))

    @property
    def has_pending(self) -> bool:
        """Whether something that was found is not on the disk yet."""
        return bool(self._pending)

    def keep(self, memory: Memory, findings: list[Finding], now: datetime, *, at_once: bool = False) -> list[Finding]:
        """Adopt a look's outcome; returns the findings that are now safely on disk. `at_once`: do not wait to write."""
        self.memory = memory
        self._pending += findings
        if len(self._pending) > MAX_PENDING:
            self._log.error(
                "findings dropped, the disk has refused for too long", dropped=len(self._pending) - MAX_PENDING
            )
            del self._pending[:-MAX_PENDING]
        idle = self._saved_at is not None and 0 <= (now - self._saved_at).total_seconds() < self._save_every_s
        if not self._pending and idle and not at_once:
            return []
        return self._write(now)

    def _write(self, now: datetime) -> list[Finding]:
        try:
            for finding in self._pending:
                for file in finding.files:
                    self._folder.keep(file)
            messages = [(f.outgoing(), [file.ref for file in f.files]) for f in self._pending]
            self._outbox.put(messages, self._key, self._text_of(self.memory))
        except StorageError as err:
            if not self._refused:
                self._log.error("findings wait in memory", waiting=len(self._pending), reason=err.explain("en"))
            self._refused = True
            return []
        self._refused = False
        self._saved_at = now
        kept, self._pending = self._pending, []
        return kept


class Keeper(Ledger[CameraMemory]):
    """The memory of one camera."""

    def __init__(self, camera: str, outbox: Outbox, folder: EvidenceFolder) -> None:
        super().__init__(camera, outbox, folder, (read_memory, write_memory), SAVE_EVERY_S)
