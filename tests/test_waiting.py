"""patrol/waiting.py: deadlines and cancellations."""

from __future__ import annotations

import asyncio

from patrol.waiting import cancelled, happens_within


def test_a_cancellation_in_the_same_moment_is_not_lost() -> None:
    """A task that is cancelled just when what it waits for happens ends (with wait_for, on Python 3.11, it ran on)."""

    async def scene() -> bool:
        flag = asyncio.Event()

        async def endless() -> None:
            while True:
                if await happens_within(flag, 60):
                    flag.clear()

        task = asyncio.create_task(endless())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        flag.set()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        return task.cancelled()

    assert asyncio.run(scene())


def test_a_stubborn_task_is_cancelled_again() -> None:
    """A task inside a library that loses its first cancellation gets another one."""

    async def scene() -> int:
        lost = 0

        async def stubborn() -> None:
            nonlocal lost
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    lost += 1
                    if lost == 2:
                        raise

        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await cancelled([task])
        return lost

    assert asyncio.run(scene()) == 2


def test_a_deadline_is_kept() -> None:
    """What does not happen is over after its time."""
    assert asyncio.run(happens_within(asyncio.Event(), 0.01)) is False
