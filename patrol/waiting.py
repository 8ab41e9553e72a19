"""Waiting with a deadline, in ways that do not lose a cancellation.

Up to Python 3.11 `asyncio.wait_for` forgets that it was cancelled when what it waits for happens in the same
moment (https://github.com/python/cpython/issues/86296); the task then runs on for ever. Here nothing of
ours uses it, and tasks that hand over to a library that does are cancelled again until they have ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

CANCEL_AGAIN_S = 1.0
MAX_CANCELS = 20


async def happens_within(flag: asyncio.Event, timeout_s: float) -> bool:
    """Whether `flag` was set within `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            await flag.wait()
    except TimeoutError:
        return False
    return True


async def cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended."""
    pending = {task for task in tasks if not task.done()}
    for _ in range(MAX_CANCELS):
        if not pending:
            return
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
