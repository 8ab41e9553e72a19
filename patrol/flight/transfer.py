"""Upload, download and clearing of a mission, fence or rally list (https://mavlink.io/en/services/mission.html).

Three conversations without IO. What each does with each cue in each state stands in its table; a pair that
is not in the table is ignored. The vehicle drives an upload, the ground a download. None of them decides
whether a list is aboard: that is `install`'s, from what it reads back.

Measured on real autopilots: ArduPilot asks again each 1.0 s and gives up after 8 s with
OPERATION_CANCELLED; PX4 asks again each 0.25 s and gives up after 5 s without a word. An item that
ArduPilot has already is answered by INVALID_SEQUENCE and the transfer goes on; PX4 just asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from patrol.flight.exchange import Patience, Waiting
from patrol.flight.items import WireItem
from patrol.flight.messages import Message, MissionResult, MissionType

ECHO_S = 0.1  # below the pace at which any autopilot asks again


class State(StrEnum):
    """Where a transfer is."""

    NEW = "new"
    ASKED = "asked"  # the count, the list or the clearing is announced, nothing has come back
    MOVING = "moving"  # items go over
    ENDED = "ended"


class Cue(StrEnum):
    """What can happen to it."""

    REQUEST = "request"  # the vehicle wants an item
    COUNT = "count"  # the vehicle says how many it has
    ITEM = "item"
    ACCEPTED = "accepted"
    OUT_OF_STEP = "out of step"  # INVALID_SEQUENCE: it wants another item than the one it got
    BUSY = "busy"  # DENIED: another transfer is open
    REFUSED = "refused"
    SILENCE = "silence"
    OVER = "over"  # silent for too long, or too long altogether


class How(StrEnum):
    """How a transfer can end."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True)
class TransferEnding:
    """`result` is the vehicle's, where it gave one. `complete`: every item was asked for and sent, or received."""

    how: How
    result: MissionResult | None = None
    complete: bool = False
    items: tuple[WireItem, ...] = ()


@dataclass
class Tally:
    """What a transfer took, for the record."""

    sent: int = 0
    repeats: int = 0
    out_of_step: int = 0
    duplicates: int = 0


def result_of(message: Message) -> MissionResult:
    """The result in a MISSION_ACK; a number of a newer MAVLink counts as a plain error."""
    try:
        return MissionResult(int(message["type"]))
    except ValueError:
        return MissionResult.ERROR


_ACK_CUES = {
    MissionResult.ACCEPTED: Cue.ACCEPTED,
    MissionResult.INVALID_SEQUENCE: Cue.OUT_OF_STEP,
    MissionResult.DENIED: Cue.BUSY,
}


class Transfer:
    """What upload, download and clearing share. Subclasses bring `TABLE`: what to do, then which state is next."""

    TABLE: ClassVar[Mapping[tuple[State, Cue], tuple[str, State]]] = {}

    def __init__(self, kind: MissionType, waiting: Waiting) -> None:
        self.kind = kind
        self.state = State.NEW
        self.tally = Tally()
        self._waiting = waiting
        self._patience = Patience(waiting, 0.0)
        self._ending: TransferEnding | None = None
        self._message: Message | None = None
        self._said: tuple[Message, ...] = ()

    @property
    def ending(self) -> TransferEnding | None:
        """How it ended."""
        return self._ending

    @property
    def wake_at(self) -> float | None:
        """When silence has lasted too long."""
        return None if self._ending is not None else self._patience.wake_at

    def begin(self, now: float) -> list[Message]:
        """Announce it."""
        self._patience = Patience(self._waiting, now)
        self.state = State.ASKED
        return self._say(self._opening(), now)

    def wake(self, now: float) -> list[Message]:
        """Say the last thing again, or give up."""
        if self._ending is not None or self.state is State.NEW:
            return []
        if self._patience.over(now):
            return self._take(Cue.OVER, now)
        return self._take(Cue.SILENCE, now) if self._patience.silent(now) else []

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take what belongs to this transfer."""
        cue = self._cue(message)
        if cue is None or self._ending is not None or self.state is State.NEW:
            return []
        self._message = message
        return self._take(cue, now)

    def _opening(self) -> Message:
        raise NotImplementedError

    def _cue(self, message: Message) -> Cue | None:
        if message.name != "MISSION_ACK" or int(message.get("mission_type")) != self.kind:
            return None
        return _ACK_CUES.get(result_of(message), Cue.REFUSED)

    def _take(self, cue: Cue, now: float) -> list[Message]:
        row = self.TABLE.get((self.state, cue))
        if row is None:
            return []
        name, following = row
        step: Callable[[float], list[Message]] = getattr(self, f"_{name}")
        self.state = following
        out = step(now)
        if self._ending is not None:
            self.state = State.ENDED
        return out

    def _say(self, message: Message, now: float) -> list[Message]:
        self._said = (message,)
        self._patience.said(now)
        self.tally.sent += 1
        return [message]

    def _repeat(self, now: float) -> list[Message]:
        self._patience.said_again(now)
        self.tally.repeats += 1
        return list(self._said)

    def _wait(self, now: float) -> list[Message]:
        """Busy: say nothing now, and the same again after the usual silence."""
        self._patience.heard(now)
        return []

    def _end(self, how: How, result: MissionResult | None = None) -> list[Message]:
        self._ending = TransferEnding(how, result, self._complete(), self._items())
        return []

    def _refuse(self, now: float) -> list[Message]:
        self._patience.heard(now)
        return self._end(How.REFUSED, result_of(self._message) if self._message else None)

    def _give_up(self, now: float) -> list[Message]:
        del now
        return self._end(How.SILENT)

    def _complete(self) -> bool:
        return False

    def _items(self) -> tuple[WireItem, ...]:
        return ()


class Upload(Transfer):
    """Give the vehicle `items`. It asks for them one by one; what it asks for again it gets again.

    Not within `ECHO_S` of the last time: that request is the link's echo of an answered one. PX4 asks again at each
    item it has already, so that answering echoes on a link that doubles frames breeds more of them without end
    (the sorcerer's apprentice of RFC 1123, 4.2.3.1).
    """

    TABLE: ClassVar[Mapping[tuple[State, Cue], tuple[str, State]]] = {
        (State.ASKED, Cue.REQUEST): ("answer", State.MOVING),
        (State.ASKED, Cue.ACCEPTED): ("accept_nothing", State.ASKED),
        (State.ASKED, Cue.BUSY): ("wait", State.ASKED),
        (State.ASKED, Cue.REFUSED): ("refuse", State.ASKED),
        (State.ASKED, Cue.SILENCE): ("repeat", State.ASKED),
        (State.ASKED, Cue.OVER): ("give_up", State.ASKED),
        (State.MOVING, Cue.REQUEST): ("answer", State.MOVING),
        (State.MOVING, Cue.OUT_OF_STEP): ("step_ahead", State.MOVING),
        (State.MOVING, Cue.ACCEPTED): ("accept", State.MOVING),
        (State.MOVING, Cue.BUSY): ("refuse", State.MOVING),
        (State.MOVING, Cue.REFUSED): ("refuse", State.MOVING),
        (State.MOVING, Cue.SILENCE): ("repeat", State.MOVING),
        (State.MOVING, Cue.OVER): ("give_up", State.MOVING),
    }

    def __init__(self, items: Sequence[WireItem], kind: MissionType, waiting: Waiting | None = None) -> None:
        super().__init__(kind, waiting or Waiting())
        self._list = tuple(items)
        self._at = -1  # the item sent last
        self._guessed = False  # it was sent without having been asked for
        self._asked: set[int] = set()
        self._sent_at: dict[int, float] = {}

    def _opening(self) -> Message:
        return Message("MISSION_COUNT", {"count": len(self._list), "mission_type": int(self.kind)})

    def _cue(self, message: Message) -> Cue | None:
        if message.name in {"MISSION_REQUEST", "MISSION_REQUEST_INT"}:
            return Cue.REQUEST if int(message.get("mission_type")) == self.kind else None
        return super()._cue(message)

    def _answer(self, now: float) -> list[Message]:
        seq = int(self._message["seq"]) if self._message else -1
        if not 0 <= seq < len(self._list):
            self._patience.heard(now)
            return []
        again = seq in self._asked
        self.tally.duplicates += again
        if now < self._sent_at.get(seq, now - ECHO_S) + ECHO_S:
            self._patience.heard(now)
            return []
        if seq >= self._at:
            self._patience.answered(now)
        self._asked.add(seq)
        out = self._give(seq, now)
        self._guessed = False
        if again:
            self._patience.said_again(now)  # an answer to it will not be measured
        return out

    def _step_ahead(self, now: float) -> list[Message]:
        """The vehicle has what was just repeated, and its request for the next was lost: give it the next unasked.

        One step and no more, as a late INVALID_SEQUENCE may belong to an earlier repetition. If the guess was
        wrong the vehicle says so, and its own repeated request puts everything right.
        """
        self.tally.out_of_step += 1
        self._patience.heard(now)
        if self._guessed or self._patience.repeats == 0 or self._at + 1 >= len(self._list):
            return []
        self._guessed = True
        return self._give(self._at + 1, now)

    def _give(self, seq: int, now: float) -> list[Message]:
        self._at, self._sent_at[seq] = seq, now
        return self._say(self._list[seq].message(seq, self.kind), now)

    def _repeat(self, now: float) -> list[Message]:
        self._sent_at[self._at] = now
        return super()._repeat(now)

    def _accept(self, now: float) -> list[Message]:
        self._patience.heard(now)
        if not self._complete():
            return []  # it belongs to an earlier transfer
        return self._end(How.ACCEPTED, MissionResult.ACCEPTED)

    def _accept_nothing(self, now: float) -> list[Message]:
        self._patience.heard(now)
        return [] if self._list else self._end(How.ACCEPTED, MissionResult.ACCEPTED)

    def _complete(self) -> bool:
        return self._at == len(self._list) - 1


class Download(Transfer):
    """Read what is aboard: ask for the list, then for each item, then say thanks.

    PX4 gives fence and rally items with mission_type 0; they are known by the list that was asked for.
    """

    TABLE: ClassVar[Mapping[tuple[State, Cue], tuple[str, State]]] = {
        (State.ASKED, Cue.COUNT): ("start", State.MOVING),
        (State.ASKED, Cue.BUSY): ("wait", State.ASKED),
        (State.ASKED, Cue.REFUSED): ("refuse", State.ASKED),
        (State.ASKED, Cue.SILENCE): ("repeat", State.ASKED),
        (State.ASKED, Cue.OVER): ("give_up", State.ASKED),
        (State.MOVING, Cue.ITEM): ("store", State.MOVING),
        (State.MOVING, Cue.BUSY): ("refuse", State.MOVING),
        (State.MOVING, Cue.REFUSED): ("refuse", State.MOVING),
        (State.MOVING, Cue.SILENCE): ("repeat", State.MOVING),
        (State.MOVING, Cue.OVER): ("give_up", State.MOVING),
    }

    def __init__(self, kind: MissionType, waiting: Waiting | None = None) -> None:
        super().__init__(kind, waiting or Waiting())
        self._count = -1
        self._got: list[WireItem] = []

    def _opening(self) -> Message:
        return Message("MISSION_REQUEST_LIST", {"mission_type": int(self.kind)})

    def _cue(self, message: Message) -> Cue | None:
        if message.name == "MISSION_COUNT":
            return Cue.COUNT if int(message.get("mission_type")) == self.kind else None
        if message.name == "MISSION_ITEM_INT":
            return Cue.ITEM if int(message.get("mission_type")) in {self.kind, MissionType.MISSION} else None
        return super()._cue(message)

    def _start(self, now: float) -> list[Message]:
        self._patience.answered(now)
        self._count = int(self._message["count"]) if self._message else 0
        return self._next(now)

    def _store(self, now: float) -> list[Message]:
        if self._message is None or int(self._message["seq"]) != len(self._got):
            self.tally.duplicates += 1
            return []
        self._patience.answered(now)
        self._got.append(WireItem.read(self._message))
        return self._next(now)

    def _next(self, now: float) -> list[Message]:
        if not self._complete():
            wanted = {"seq": len(self._got), "mission_type": int(self.kind)}
            return self._say(Message("MISSION_REQUEST_INT", wanted), now)
        self._end(How.ACCEPTED)
        thanks = Message("MISSION_ACK", {"type": int(MissionResult.ACCEPTED), "mission_type": int(self.kind)})
        # twice: PX4 stays busy for 5 s if it hears none
        return [thanks, thanks]

    def _complete(self) -> bool:
        return len(self._got) == self._count

    def _items(self) -> tuple[WireItem, ...]:
        return tuple(self._got)


class Clear(Transfer):
    """Empty one list."""

    TABLE: ClassVar[Mapping[tuple[State, Cue], tuple[str, State]]] = {
        (State.ASKED, Cue.ACCEPTED): ("accept", State.ASKED),
        (State.ASKED, Cue.BUSY): ("wait", State.ASKED),
        (State.ASKED, Cue.REFUSED): ("refuse", State.ASKED),
        (State.ASKED, Cue.SILENCE): ("repeat", State.ASKED),
        (State.ASKED, Cue.OVER): ("give_up", State.ASKED),
    }

    def __init__(self, kind: MissionType, waiting: Waiting | None = None) -> None:
        super().__init__(kind, waiting or Waiting())

    def _opening(self) -> Message:
        return Message("MISSION_CLEAR_ALL", {"mission_type": int(self.kind)})

    def _accept(self, now: float) -> list[Message]:
        self._patience.answered(now)
        return self._end(How.ACCEPTED, MissionResult.ACCEPTED)
