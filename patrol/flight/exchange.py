"""What all conversations with a vehicle have in common. No IO: messages and the time go in, messages come out.

A conversation is begun once, hears what the vehicle says, and is woken at `wake_at` when it has heard
nothing. It says when it has ended, and how. Times are seconds of one clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from patrol.flight.messages import Message

Ending_co = TypeVar("Ending_co", covariant=True)


class Exchange(Protocol[Ending_co]):
    """One conversation. What it returns is to be sent, in order, to the vehicle it was made for."""

    @property
    def ending(self) -> Ending_co | None:
        """How it ended, or None while it goes on."""

    @property
    def wake_at(self) -> float | None:
        """When it wants to be woken; None when it has ended."""

    def begin(self, now: float) -> list[Message]:
        """Start it."""

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take a message of the vehicle; those of no concern are ignored."""

    def wake(self, now: float) -> list[Message]:
        """The time is `now`, which may be before `wake_at`."""


@dataclass(frozen=True)
class Waiting:
    """How long to wait for an answer. Seconds.

    first_s      before anything is known of the link
    floor_s      never less: vehicles answer from a loop of their own (ArduCopter's took 1 to 25 ms)
    ceiling_s    never more
    give_up_s    of silence, after which a conversation ends
    total_s      for the whole conversation, however it goes
    """

    first_s: float = 0.5
    floor_s: float = 0.12
    ceiling_s: float = 1.0
    give_up_s: float = 12.0
    total_s: float = 300.0


class Patience:
    """When to say something again: the retransmission timer of RFC 6298, with Karn's rule and a late back-off.

    An answer to something that was said twice is not measured, as nobody knows which of the two it answers.
    The first repetitions keep their pace, as a radio loses frames without being congested, and a vehicle
    gives up a transfer after 5 to 8 s; only a lasting silence is asked more and more rarely.
    """

    PATIENT_AFTER = 8

    def __init__(self, waiting: Waiting, now: float) -> None:
        self._waiting = waiting
        self._began = self._said = self._heard = now
        self._smooth_s: float | None = None
        self._spread_s = 0.0
        self._repeats = 0

    @property
    def timeout_s(self) -> float:
        """How long to wait after what was said last."""
        w = self._waiting
        base = w.first_s if self._smooth_s is None else self._smooth_s + 4 * self._spread_s
        return min(max(base, w.floor_s) * 1.3 ** min(max(self._repeats - self.PATIENT_AFTER, 0), 8), w.ceiling_s)

    @property
    def repeats(self) -> int:
        """How often in a row the last thing was said again."""
        return self._repeats

    @property
    def wake_at(self) -> float:
        """When silence has lasted long enough."""
        return min(
            self._said + self.timeout_s, self._heard + self._waiting.give_up_s, self._began + self._waiting.total_s
        )

    def said(self, now: float) -> None:
        """Something new was said."""
        self._said, self._repeats = now, 0

    def said_again(self, now: float) -> None:
        """The last thing was said again."""
        self._said, self._repeats = now, self._repeats + 1

    def answered(self, now: float) -> None:
        """The vehicle answered what was said last."""
        if self._repeats == 0:
            took_s = now - self._said
            if self._smooth_s is None:
                self._smooth_s, self._spread_s = took_s, took_s / 2
            else:
                self._spread_s += (abs(took_s - self._smooth_s) - self._spread_s) / 4
                self._smooth_s += (took_s - self._smooth_s) / 8
        self._heard = now

    def heard(self, now: float) -> None:
        """The vehicle takes part, though this was no answer."""
        self._heard = now

    def silent(self, now: float) -> bool:
        """Whether it is time to say it again."""
        return now >= self._said + self.timeout_s

    def over(self, now: float) -> bool:
        """Whether it is time to give up."""
        return now >= self._heard + self._waiting.give_up_s or now >= self._began + self._waiting.total_s
