"""News for the pages: what has changed, told to everybody who listens. Who is too slow has to load anew.

Nothing is kept for those who were away: a page that (re)connects asks for everything once, so
`Last-Event-ID` has no meaning here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Literal

Kind = Literal["incident", "box", "dead-letter", "evidence", "flight", "request", "station"]
BACKLOG = 256  # changes a listener may lag behind
MAX_LISTENERS = 500
HEARTBEAT_S = 15.0
RELOAD = "event: reload\ndata: {}\n\n"
HEARTBEAT = ": still here\n\n"


class Feed:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody more may listen (or it is closed)."""
        return self._closed or len(self._listeners) >= MAX_LISTENERS

    def tell(self, kind: Kind, changed_id: str | int) -> None:
        """Something has changed."""
        said = f"event: {kind}\ndata: {json.dumps({'id': str(changed_id)})}\n\n"
        for queue in list(self._listeners):
            try:
                queue.put_nowait(said)
            except asyncio.QueueFull:
                self._listeners.discard(queue)  # its listener finds out when it has read what it has
                _drop_one(queue)
                queue.put_nowait(None)

    def show_pose(self, pose_json: str) -> None:
        """Where a drone is, whole: the next comes in a second, so who lags behind is spared it."""
        said = f"event: drone\ndata: {pose_json}\n\n"
        for queue in self._listeners:
            if queue.qsize() < BACKLOG // 2:
                queue.put_nowait(said)

    def close(self) -> None:
        """End every listener's stream: the centre stops."""
        self._closed = True
        for queue in self._listeners:
            if queue.full():
                _drop_one(queue)
            queue.put_nowait(None)
        self._listeners.clear()

    async def listen(self, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[str]:
        """Server-sent events until the listener leaves, lags too far behind or the centre stops."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(BACKLOG)
        self._listeners.add(queue)
        try:
            yield HEARTBEAT
            while not self._closed or not queue.empty():
                try:
                    async with asyncio.timeout(heartbeat_s):
                        said = await queue.get()
                except TimeoutError:
                    said = HEARTBEAT
                if said is None:
                    yield RELOAD
                    return
                yield said
        finally:
            self._listeners.discard(queue)


def _drop_one(queue: asyncio.Queue[str | None]) -> None:
    queue.get_nowait()
