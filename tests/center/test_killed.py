"""kill -9 on the centre while alerts flow: nothing that was answered is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from patrol.center.store.database import Database, database_url
from patrol.center.store.reader import Reader
from patrol.events import Acknowledgement, Data, Event
from tests.brokers import AnyBroker
from tests.center.boxside import BoxClient, box_client, new_id, raised
from tests.center.conftest import ROOT

ALERTS, PLACES, KILLS = 120, 12, 4
PROGRAM = Path(__file__).with_name("center_process.py")
WITHIN_S = 60.0


@contextlib.asynccontextmanager
async def process(folder: Path, district: str, broker: str, database: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A centre that is up; it is killed at the end, if it lives."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(folder), district, broker, database,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert running.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        while not (line := await running.stdout.readline()).startswith(b"READY"):
            assert line, "the centre ended"
        async with httpx.AsyncClient(base_url=line.decode().split()[1], trust_env=False) as client:
            while (await client.get("/api/v1/health")).status_code != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
    draining = asyncio.create_task(running.stdout.read())
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(signal.SIGKILL)
        await running.wait()
        await draining


async def answered(box: BoxClient, heard: dict[str, Acknowledgement], wanted: int, within_s: float) -> None:
    """Collect answers until there are `wanted` of them or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while len(heard) < wanted:
                one = await box.answer(within_s)
                heard[one.event_id] = one


def test_killed_in_mid_stream(nats: AnyBroker, database: str, district: str, tmp_path: Path) -> None:
    """Killed four times while a box sends, and resends what was not answered: all alerts once, each place one case."""
    dice = random.Random(7)
    alerts = [
        raised(alert_id=f"{new_id()}-{n}", place=f"place-{n % PLACES}", position=None, late=True) for n in range(ALERTS)
    ]

    async def scene() -> dict[str, Acknowledgement]:
        heard: dict[str, Acknowledgement] = {}
        async with box_client(nats.url, district) as box:
            for life in range(KILLS + 1):
                async with process(tmp_path, district, nats.url, database) as center:
                    happened = alerts[: ALERTS * (life + 1) // (KILLS + 1)]
                    waiting: list[Event[Data]] = [alert for alert in happened if alert.id not in heard]
                    if life == KILLS:
                        await box.say(*waiting)
                        await answered(box, heard, ALERTS, WITHIN_S)
                        break
                    sending = asyncio.create_task(box.say(*waiting))
                    await answered(box, heard, len(heard) + dice.randint(1, len(waiting)), WITHIN_S)
                    center.send_signal(signal.SIGKILL)
                    await center.wait()
                    await sending
                    await answered(box, heard, ALERTS + 1, 0.2)
        return heard

    heard = asyncio.run(scene())
    assert set(heard) == {alert.id for alert in alerts}
    assert "refused" not in {one.outcome for one in heard.values()}
    store = Database(database_url(database, tmp_path, {}))
    reader = Reader(store)
    rows = [reader.incident(one.incident["incident_id"]) for one in reader.incidents("all", 500, None)]
    store.close()
    stored = [alert["event_id"] for one in rows if one is not None for alert in one.alerts]
    assert sorted(stored) == sorted(alert.id for alert in alerts), "every alert once"
    assert len({one.case["case_number"] for one in rows if one is not None}) == len(rows) == PLACES
