"""From the wire into the database, and only then an answer to the box.

Messages wait in a bounded inbox and are recorded in batches, one transaction each. While the database is
gone nothing is answered and nothing new fits in; boxes keep what they have to say and say it again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import structlog

from patrol.center.air import Air
from patrol.center.feed import Feed
from patrol.center.store.messages import Rules
from patrol.center.store.taken import Taken
from patrol.center.store.writer import Writer
from patrol.center.understand import Item, Refusal, Reported, Understood, understand
from patrol.errors import LinkError, StorageError
from patrol.events import Acknowledgement, AlertRaised, BoxStatus, Data, Event, StationStatus, source_of
from patrol.mqtt import Incoming, Outgoing
from patrol.waiting import happens_within

BATCH = 200  # messages in one transaction: PostgreSQL commits about 190 times a second here
INBOX = 2000
RETRY_S = (0.5, 10.0)  # first and longest wait for a database that is gone


def answer(taken: Taken, district: str, drill: bool, now: datetime) -> tuple[Outgoing, str] | None:
    """What to tell the box, and the id of the message it is about; None where no answer is waited for.

    The answer's own id is the same whenever the same is answered. `drill`: all of this district is an exercise.
    """
    item = taken.item
    if isinstance(item, Refusal):
        if not item.wants_answer or item.event_id is None or item.box is None:
            return None
        box, event_id = item.box, item.event_id
    elif isinstance(item, Reported):
        return None
    else:
        if isinstance(item.event.data, BoxStatus):
            return None
        box, event_id, drill = item.box, item.event.id, drill or item.event.drill
    said = Acknowledgement(
        box=box, event_id=event_id, outcome=taken.outcome, reason=taken.reason, case_number=taken.case_number
    )
    event = Event[Data].of(
        said, id=str(uuid5(NAMESPACE_URL, f"patrol:answer:{event_id}:{taken.outcome}")),
        source=source_of("center", district), time=now, drill=drill,
    )  # fmt: skip
    return Outgoing.of(event, district, box=box), event_id


class Ingest:
    """Takes messages out of the inbox until told to stop, and then what is still in it."""

    def __init__(
        self, inbox: asyncio.Queue[Incoming], writer: Writer, rules: Rules, publish: Callable[[Outgoing], Awaitable[None]],
        feed: Feed, air: Air, new_case: asyncio.Event, wall: Callable[[], datetime], dice: random.Random,
    ) -> None:  # fmt: skip
        """`new_case` is set whenever there may be a case that has to be announced."""
        self._inbox, self._writer, self._rules, self._publish = inbox, writer, rules, publish
        self._feed, self._air, self._new_case, self._wall, self._dice = feed, air, new_case, wall, dice
        self._district = rules.config.district.id
        self._answered: list[str] = []  # noted down with the next batch: losing that note costs nothing
        self._log = structlog.get_logger()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` and the inbox is empty; when the database is gone at the end, boxes say the rest again."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while batch := await self._next_batch(stopped):
                taken = await self._record(batch, stop)
                if taken is None:
                    return
                self._tell(taken)
                await self._answer(taken)
        finally:
            stopped.cancel()

    async def _next_batch(self, stopped: asyncio.Task[bool]) -> list[Incoming]:
        """What has come, at least one; empty only when stopped and nothing is left."""
        if self._inbox.empty():
            first = asyncio.create_task(self._inbox.get())
            await asyncio.wait({first, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                first.cancel()
                return self._drain([])
            return self._drain([first.result()])
        return self._drain([])

    def _drain(self, batch: list[Incoming]) -> list[Incoming]:
        while len(batch) < BATCH and not self._inbox.empty():
            batch.append(self._inbox.get_nowait())
        return batch

    async def _record(self, batch: Sequence[Incoming], stop: asyncio.Event) -> list[Taken] | None:
        """Record a batch, however long that takes; None when stopped before the database came back."""
        failures = 0
        while True:
            began_s, answered = time.perf_counter(), list(self._answered)
            try:
                taken = await asyncio.to_thread(self._record_now, batch, answered)
            except StorageError as err:
                if failures == 0:
                    self._log.error(
                        "database gone, nothing is acknowledged", waiting=len(batch), reason=err.explain("en")
                    )
                first, longest = RETRY_S
                pause_s = min(first * 2 ** min(failures, 10), longest) * (0.5 + self._dice.random() / 2)
                failures += 1
                if await happens_within(stop, pause_s):
                    return None
                continue
            if failures:
                self._log.info("database back", failed_attempts=failures)
            del self._answered[: len(answered)]
            outcomes = Counter(one.outcome for one in taken if not _is_sign(one))
            if outcomes:
                took_ms = round((time.perf_counter() - began_s) * 1000, 1)
                self._log.info("messages recorded", took_ms=took_ms, **dict(outcomes))
            return taken

    def _record_now(self, batch: Sequence[Incoming], answered: Sequence[str]) -> list[Taken]:
        items: list[Item] = [understand(one, self._district, self._rules.boxes) for one in batch]
        return self._writer.take(items, answered, self._wall())

    def _tell(self, taken: Sequence[Taken]) -> None:
        for one in taken:
            if one.incident_id is not None:
                self._feed.tell("incident", one.incident_id)
            if one.box is not None:
                self._feed.tell("box", one.box)
            if one.flight is not None:
                self._feed.tell("flight", one.flight)
            if one.ended_flight is not None:
                self._air.ended(one.ended_flight)
            if one.request is not None:
                self._feed.tell("request", one.request)
            if one.station is not None:
                self._feed.tell("station", one.station)
            if one.dead_letter is not None:
                self._feed.tell("dead-letter", one.dead_letter)
                self._log.warning("message refused", topic=one.item.incoming.topic, reason=one.reason)
            if (
                isinstance(one.item, Understood)
                and isinstance(one.item.event.data, AlertRaised)
                and one.outcome == "stored"
            ):
                self._new_case.set()
                self._log.info(
                    "alert stored", alert=one.item.event.id, box=one.item.box, hazard=str(one.item.event.data.hazard),
                    case=one.case_number,
                )  # fmt: skip

    async def _answer(self, taken: Sequence[Taken]) -> None:
        """Tell the boxes; what cannot be said now is asked for again by them."""
        answers = [
            said
            for one in taken
            if (said := answer(one, self._district, self._rules.config.district.drill, self._wall())) is not None
        ]
        results = await asyncio.gather(*(self._say(message) for message, _ in answers))
        self._answered += [event_id for (_, event_id), said in zip(answers, results, strict=True) if said]
        del self._answered[:-INBOX]

    async def _say(self, message: Outgoing) -> bool:
        try:
            await self._publish(message)
        except LinkError:
            return False
        return True


def _is_sign(taken: Taken) -> bool:
    return not isinstance(taken.item, Refusal) and isinstance(taken.item.event.data, BoxStatus | StationStatus)
