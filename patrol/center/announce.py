"""New cases are told to the case system: written down with the case, said until the broker has taken it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from patrol.center.store.writer import Writer
from patrol.errors import LinkError, StorageError
from patrol.mqtt import Outgoing
from patrol.topics import CASE_OPENED
from patrol.waiting import happens_within

BATCH = 100
LOOK_EVERY_S = 5.0  # also without a hint: cases of an earlier run, or whose broker was gone


class Announcer:
    """Publishes CaseOpened at least once for every case, each time with the same id and words."""

    def __init__(
        self, writer: Writer, publish: Callable[[Outgoing], Awaitable[None]], district: str, new_case: asyncio.Event,
        wall: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._writer, self._publish, self._new_case, self._wall = writer, publish, new_case, wall
        self._topic = CASE_OPENED.path(district)
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Until cancelled. A broker or database that is gone only delays it."""
        while True:
            try:
                if await self.step():
                    continue
            except (LinkError, StorageError) as err:
                self._log.debug("cases wait to be announced", reason=err.explain("en"))
            if await happens_within(self._new_case, LOOK_EVERY_S):
                self._new_case.clear()

    async def step(self) -> int:
        """Announce what waits, up to a batch; how many that were. Raises LinkError, StorageError."""
        waiting = await asyncio.to_thread(self._writer.unannounced, BATCH)
        told: list[str] = []
        try:
            for number, message in waiting:
                await self._publish(Outgoing(self._topic, message.encode(), CASE_OPENED.qos, CASE_OPENED.retain))
                told.append(number)
        finally:
            await asyncio.to_thread(self._writer.announced, told, self._wall())
        return len(told)
