"""Put a list aboard and prove that it is there: upload, read back, compare; else clear, and say so. No IO.

`Aboard` is the only proof that this product accepts: it is made here, after a read-back without a
difference, and nowhere else. The pilot does not arm without it. An acknowledged upload proves nothing:
acknowledgements get lost, and PX4 accepts what it will not fly and says so in a later text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from patrol.flight.compare import Difference, Firmware, differences
from patrol.flight.exchange import Waiting
from patrol.flight.items import WireItem
from patrol.flight.messages import Message, MissionResult, MissionType
from patrol.flight.transfer import Clear, Download, How, Transfer, TransferEnding, Upload

ATTEMPTS = 3
READS = 2  # of one upload, before it is sent again
SETTLE_S = 1.0  # PX4's verdict on a mission came within 20 ms of its acknowledgement; ten times more, and some
# PX4 begins its verdicts on a mission, a fence or a take-off item with these words
VERDICTS = (
    "Mission rejected",
    "Distance between waypoints",
    "First waypoint too far",
    "Geofence violation",
    "IGN MISSION_ITEM",
)
# what the vehicle means for good: it will say the same again
FINAL = frozenset(MissionResult) - {
    MissionResult.ACCEPTED,
    MissionResult.ERROR,
    MissionResult.INVALID_SEQUENCE,
    MissionResult.DENIED,
    MissionResult.OPERATION_CANCELLED,
}


@dataclass(frozen=True)
class Aboard:
    """Proof that a list is aboard as it should be."""

    kind: MissionType
    items: tuple[WireItem, ...]
    digest: str


@dataclass(frozen=True)
class NotAboard:
    """The list is not aboard. `cleared`: it was seen to be empty afterwards."""

    kind: MissionType
    why: str
    result: MissionResult | None = None
    found: tuple[Difference, ...] = ()
    texts: tuple[str, ...] = ()
    cleared: bool = False


def digest_of(items: Sequence[WireItem], kind: MissionType) -> str:
    """SHA-256 of a list in its wire form: the same here, in the flight record and after a restart."""
    lines = [f"{int(kind)}", *(repr(item.rounded()) for item in items)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Phase(StrEnum):
    """What is being done."""

    NEW = "new"
    SENDING = "sending"
    SETTLING = "settling"
    READING = "reading"
    CLEARING = "clearing"
    CONFIRMING = "confirming"  # that it is empty
    ENDED = "ended"


@dataclass
class Effort:
    """What it took, for the record and the benchmark."""

    attempts: int = 0
    sent: int = 0
    repeats: int = 0
    out_of_step: int = 0
    texts: list[str] = field(default_factory=list)


class Install:
    """One list, put aboard. An empty list is a clearing that is confirmed.

    `clears` False leaves a failed list as it is (in flight, where ArduPilot would refuse and PX4 would stop).
    """

    NEXT: ClassVar[Mapping[Phase, str]] = {
        Phase.SENDING: "_sent",
        Phase.READING: "_read",
        Phase.CLEARING: "_cleared",
        Phase.CONFIRMING: "_confirmed",
    }

    def __init__(
        self,
        items: Sequence[WireItem],
        kind: MissionType,
        firmware: Firmware,
        waiting: Waiting | None = None,
        clears: bool = True,
    ) -> None:
        self.effort = Effort()
        self.phase = Phase.NEW
        self._list, self._kind, self._firmware = tuple(items), kind, firmware
        self._waiting, self._clears = waiting or Waiting(), clears
        self._step: Transfer | None = None
        self._settled_at = 0.0
        self._reads = 0
        self._failure = NotAboard(kind, "not begun")
        self._ending: Aboard | NotAboard | None = None

    @property
    def ending(self) -> Aboard | NotAboard | None:
        """Proof, or why there is none."""
        return self._ending

    @property
    def wake_at(self) -> float | None:
        """When to wake it."""
        if self._ending is not None:
            return None
        return self._settled_at if self.phase is Phase.SETTLING else (self._step.wake_at if self._step else None)

    def begin(self, now: float) -> list[Message]:
        """Start with the upload; with the clearing when there is nothing to upload."""
        return self._send(now) if self._list else self._clear(now)

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take a message of the vehicle."""
        if message.name == "STATUSTEXT" and str(message["text"]).startswith(VERDICTS):
            self.effort.texts.append(str(message["text"]))
        if self._step is None or self._ending is not None or self.phase is Phase.SETTLING:
            return []
        out = self._step.hear(message, now)
        return out + self._go_on(now)

    def wake(self, now: float) -> list[Message]:
        """The time is `now`."""
        if self._ending is not None:
            return []
        if self.phase is Phase.SETTLING:
            return (
                self._begin(Phase.READING, Download(self._kind, self._waiting), now) if now >= self._settled_at else []
            )
        if self._step is None:
            return []
        return self._step.wake(now) + self._go_on(now)

    def _begin(self, phase: Phase, step: Transfer, now: float) -> list[Message]:
        self.phase, self._step = phase, step
        return step.begin(now)

    def _go_on(self, now: float) -> list[Message]:
        if self._step is None or self._step.ending is None:
            return []
        tally = self._step.tally
        self.effort.sent += tally.sent
        self.effort.repeats += tally.repeats
        self.effort.out_of_step += tally.out_of_step
        follow: Callable[[TransferEnding, float], list[Message]] = getattr(self, self.NEXT[self.phase])
        return follow(self._step.ending, now)

    def _send(self, now: float) -> list[Message]:
        self.effort.attempts += 1
        self._reads = 0
        self.effort.texts.clear()
        return self._begin(Phase.SENDING, Upload(self._list, self._kind, self._waiting), now)

    def _sent(self, ending: TransferEnding, now: float) -> list[Message]:
        if ending.how is How.REFUSED and ending.result in FINAL:
            return self._fail(NotAboard(self._kind, "refused", ending.result, texts=tuple(self.effort.texts)), now)
        if not ending.complete:
            return self._again(NotAboard(self._kind, f"upload {ending.how}", ending.result), now)
        # accepted, or all was sent and the answer may have been lost: what is aboard decides
        if self._firmware == "px4" and self._kind is MissionType.MISSION:
            self.phase, self._settled_at = Phase.SETTLING, now + SETTLE_S
            return []
        return self._begin(Phase.READING, Download(self._kind, self._waiting), now)

    def _read(self, ending: TransferEnding, now: float) -> list[Message]:
        if ending.how is not How.ACCEPTED:
            self._reads += 1
            if self._reads < READS:
                return self._begin(Phase.READING, Download(self._kind, self._waiting), now)
            return self._again(NotAboard(self._kind, f"read-back {ending.how}", ending.result), now)
        found = differences(self._list, ending.items, self._kind, self._firmware)
        if found:
            return self._again(NotAboard(self._kind, "differs", found=found), now)
        if self.effort.texts:
            return self._fail(NotAboard(self._kind, "will not be flown", texts=tuple(self.effort.texts)), now)
        self._end(Aboard(self._kind, self._list, digest_of(self._list, self._kind)))
        return []

    def _again(self, failure: NotAboard, now: float) -> list[Message]:
        return self._send(now) if self.effort.attempts < ATTEMPTS else self._fail(failure, now)

    def _fail(self, failure: NotAboard, now: float) -> list[Message]:
        self._failure = failure
        if self._clears:
            return self._clear(now)
        self._end(failure)
        return []

    def _clear(self, now: float) -> list[Message]:
        return self._begin(Phase.CLEARING, Clear(self._kind, self._waiting), now)

    def _cleared(self, ending: TransferEnding, now: float) -> list[Message]:
        if not self._list and ending.how is not How.ACCEPTED:
            self._failure = NotAboard(self._kind, f"clearing {ending.how}", ending.result)
        return self._begin(Phase.CONFIRMING, Download(self._kind, self._waiting), now)

    def _confirmed(self, ending: TransferEnding, now: float) -> list[Message]:
        del now
        found = differences((), ending.items, self._kind, self._firmware)
        empty = ending.how is How.ACCEPTED and not found
        if not self._list and empty:
            self._end(Aboard(self._kind, (), digest_of((), self._kind)))
        else:
            last = self._failure
            why = "not empty" if not self._list and last.why == "not begun" else last.why
            self._end(NotAboard(self._kind, why, last.result, last.found or found, last.texts, empty))
        return []

    def _end(self, ending: Aboard | NotAboard) -> None:
        self._ending, self.phase = ending, Phase.ENDED
