"""The clock that flying goes by: the machine's, a faster one, or one that is stepped. Tasks sleep on it, not on asyncio.

`Steady` is real time, or a multiple of it. `Stepped` is simulated time for ground and simulated drones in one
process: it stands still while any member works, and jumps to the next moment that somebody sleeps for when all
members sleep. Minutes of flight take the seconds that they cost to compute, a slow machine makes nothing late,
and a run is the same each time. A member that waits for something other than the clock (a broker's answer, a file)
holds the time: that is how real parts can take part. One that waits for another member must not be a member itself.
`Followed` is a vehicle's own time, as it answers TIMESYNC: for a simulated drone in another process that flies fast.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol


class Bell:
    """Wakes one sleeper early. Rung while nobody sleeps, it wakes the next sleep at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._heard: Callable[[], None] | None = None

    def ring(self) -> None:
        """Wake it."""
        self._event.set()
        if self._heard is not None:
            self._heard()

    def quiet(self) -> None:
        """Forget that it was rung."""
        self._event.clear()

    @property
    def rung(self) -> bool:
        """Whether it was rung since it was last quiet."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Until it is rung."""
        await self._event.wait()

    @contextmanager
    def heard_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` when it is rung."""
        self._heard = wake
        try:
            yield
        finally:
            self._heard = None


class Clock(Protocol):
    """Seconds that only go forward, from some beginning of its own."""

    def now(self) -> float:
        """The time."""

    async def sleep_until(self, at: float, bell: Bell | None = None) -> None:
        """Until then, or until the bell, which is quiet afterwards. Yields at least once where time is stepped."""

    def member(self) -> AbstractContextManager[None]:
        """The calling task takes part: time does not pass it by while it works (where time is stepped)."""


class Steady:
    """Real time, `speed` times as fast."""

    def __init__(self, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._speed, self._monotonic = speed, monotonic
        self._began = monotonic()

    def now(self) -> float:
        """Seconds since it was made."""
        return (self._monotonic() - self._began) * self._speed

    async def sleep_until(self, at: float, bell: Bell | None = None) -> None:
        """Until then, or until the bell."""
        delay_s = max((at - self.now()) / self._speed, 0.0)
        if bell is None:
            await asyncio.sleep(delay_s)
            return
        try:
            async with asyncio.timeout(delay_s):
                await bell.wait()
        except TimeoutError:
            pass
        bell.quiet()

    @contextmanager
    def member(self) -> Iterator[None]:
        """Real time waits for nobody."""
        yield


class Followed:
    """The vehicle's time: what it said last, and real time since. Before it has said anything, real time.

    A link that goes by it must not be lost on purpose: silence looks like real time. For simulated drones alone.
    """

    POLL_S = 0.01  # of real time, between looks and between questions to the vehicle

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at, self._heard = 0.0, monotonic()
        self._ahead_s = 0.0  # the vehicle's time less ours
        self._known = False

    def now(self) -> float:
        """Seconds since it was made, by the vehicle's pace."""
        return self._at + self._monotonic() - self._heard

    def heard(self, vehicle_s: float) -> None:
        """The vehicle says what time it has."""
        now = self.now()
        if not self._known:
            self._known, self._ahead_s = True, vehicle_s - now
        self._at, self._heard = max(now, vehicle_s - self._ahead_s), self._monotonic()

    async def sleep_until(self, at: float, bell: Bell | None = None) -> None:
        """Until then, or until the bell."""
        while self.now() < at and not (bell is not None and bell.rung):
            if bell is None:
                await asyncio.sleep(self.POLL_S)
                continue
            try:
                async with asyncio.timeout(self.POLL_S):
                    await bell.wait()
            except TimeoutError:
                continue
        if bell is not None:
            bell.quiet()

    @contextmanager
    def member(self) -> Iterator[None]:
        """It waits for nobody."""
        yield


@dataclass(eq=False)
class _Sleep:
    at: float
    task: asyncio.Task[object]
    woken: asyncio.Future[None]


class Stepped:
    """Simulated time of one event loop. `fastest` bounds it to so many simulated seconds a real one."""

    def __init__(self, fastest: float | None = None) -> None:
        self._now = 0.0
        self._fastest = fastest
        self._members: dict[asyncio.Task[object], int] = {}
        self._asleep: list[_Sleep] = []
        self._due: asyncio.Handle | None = None
        self._stepped_at = 0.0

    def now(self) -> float:
        """Simulated seconds."""
        return self._now

    async def sleep_until(self, at: float, bell: Bell | None = None) -> None:
        """Until then, or until the bell."""
        if at <= self._now or (bell is not None and bell.rung):
            if bell is not None:
                bell.quiet()
            await asyncio.sleep(0)
            return
        sleep = _Sleep(at, _this_task(), asyncio.get_running_loop().create_future())
        self._asleep.append(sleep)
        self._turn()
        try:
            if bell is None:
                await sleep.woken
            else:
                with bell.heard_by(lambda: self._wake(sleep)):
                    await sleep.woken
                bell.quiet()
        finally:
            if sleep in self._asleep:  # cancelled
                self._asleep.remove(sleep)

    @contextmanager
    def member(self) -> Iterator[None]:
        """Time stands still while this task works. May be nested."""
        task = _this_task()
        self._members[task] = self._members.get(task, 0) + 1
        try:
            yield
        finally:
            self._members[task] -= 1
            if not self._members[task]:
                del self._members[task]
                self._turn()

    def _wake(self, sleep: _Sleep) -> None:
        if sleep in self._asleep:
            self._asleep.remove(sleep)
        if not sleep.woken.done():
            sleep.woken.set_result(None)

    def _all_asleep(self) -> bool:
        return bool(self._members) and self._members.keys() <= {sleep.task for sleep in self._asleep}

    def _turn(self) -> None:
        """Go on to the next moment if nobody works."""
        if self._due is not None or not self._all_asleep():
            return
        loop = asyncio.get_running_loop()
        if self._fastest is None:
            self._due = loop.call_soon(self._step)
            return
        span_s = min(sleep.at for sleep in self._asleep) - self._now
        self._due = loop.call_at(self._stepped_at + span_s / self._fastest, self._step)

    def _step(self) -> None:
        self._due = None
        if not self._all_asleep():
            return
        self._stepped_at = asyncio.get_running_loop().time()
        self._now = max(self._now, min(sleep.at for sleep in self._asleep))
        for sleep in [sleep for sleep in self._asleep if sleep.at <= self._now]:
            self._wake(sleep)


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a clock is slept on by tasks")
    return task
