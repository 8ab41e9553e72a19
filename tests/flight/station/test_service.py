"""The station's program: it ends when it is told to, whatever its libraries lose on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from patrol.flight.station.service import Service
from patrol.mqtt import Link
from tests.flight.station.district import PATIENCE_S, demo_config


class Stubborn(Service):
    """One of its tasks loses its first cancellation, as a library does that waits with `asyncio.wait_for` on Python 3.11."""

    async def _speak(self, link: Link) -> None:
        del link
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()


def test_a_lost_cancellation_does_not_keep_a_station_alive(tmp_path: Path) -> None:
    """A station that is cancelled, or whose part has failed, ends although one of its tasks missed it the first time."""

    async def scene() -> None:
        service, works = Stubborn(demo_config("mqtt://127.0.0.1:9"), tmp_path, {}, lock_dir=tmp_path), asyncio.Event()
        running = asyncio.create_task(service.run(asyncio.Event(), works.set))
        async with asyncio.timeout(PATIENCE_S):
            await works.wait()
        running.cancel()
        done, _ = await asyncio.wait({running}, timeout=10.0)
        assert done

    asyncio.run(scene())
