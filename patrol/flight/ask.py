"""Two small conversations: one command and its answer, and reading parameters by name. No IO."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from patrol.flight.compare import Firmware
from patrol.flight.exchange import Patience, Waiting
from patrol.flight.messages import Message, Result

COMMAND_WAITING = Waiting(first_s=0.7, floor_s=0.3, give_up_s=6.0, total_s=20.0)
INTEGERS = range(1, 9)  # MAV_PARAM_TYPE of whole numbers


@dataclass(frozen=True)
class Answer:
    """What became of a command. `result` None: no answer came."""

    command: int
    result: Result | None

    @property
    def accepted(self) -> bool:
        """Whether it will be done."""
        return self.result is Result.ACCEPTED


class Ask:
    """Send a COMMAND_LONG until it is answered. A command that is under way (IN_PROGRESS) is waited for."""

    def __init__(self, command: int, params: Sequence[float] = (), waiting: Waiting = COMMAND_WAITING) -> None:
        self._command, self._params = command, [*params, *[0.0] * (7 - len(params))]
        self._waiting, self._patience, self._times = waiting, Patience(waiting, 0.0), 0
        self._ending: Answer | None = None

    @property
    def ending(self) -> Answer | None:
        """The answer."""
        return self._ending

    @property
    def wake_at(self) -> float | None:
        """When to send it again."""
        return None if self._ending else self._patience.wake_at

    def begin(self, now: float) -> list[Message]:
        """Send it."""
        self._patience = Patience(self._waiting, now)
        self._patience.said(now)
        return [self._message()]

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take the acknowledgement of this command."""
        if message.name != "COMMAND_ACK" or int(message["command"]) != self._command or self._ending:
            return []
        self._patience.answered(now)
        result = int(message["result"])
        if result != Result.IN_PROGRESS:
            self._ending = Answer(self._command, Result(result) if result in list(Result) else Result.FAILED)
        return []

    def wake(self, now: float) -> list[Message]:
        """Send it again, or give up."""
        if self._ending:
            return []
        if self._patience.over(now):
            self._ending = Answer(self._command, None)
            return []
        if not self._patience.silent(now):
            return []
        self._patience.said_again(now)
        self._times += 1
        return [self._message()]

    def _message(self) -> Message:
        params = {f"param{n}": value for n, value in enumerate(self._params, 1)}
        return Message("COMMAND_LONG", {"command": self._command, "confirmation": min(self._times, 255), **params})


class ReadParameters:
    """Read parameters by name, one after the other. Those that the vehicle does not have stay out of the answer."""

    def __init__(self, names: Sequence[str], firmware: Firmware, waiting: Waiting | None = None) -> None:
        self._left, self._firmware = list(names), firmware
        self._waiting = waiting or Waiting(first_s=0.5, floor_s=0.2, give_up_s=3.0, total_s=60.0)
        self._patience = Patience(self._waiting, 0.0)
        self._began = 0.0
        self._values: dict[str, float] = {}
        self._ending: dict[str, float] | None = None

    @property
    def ending(self) -> dict[str, float] | None:
        """Name to value."""
        return self._ending

    @property
    def wake_at(self) -> float | None:
        """When to ask again."""
        return None if self._ending is not None else self._patience.wake_at

    def begin(self, now: float) -> list[Message]:
        """Ask for the first."""
        return self._next(now)

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take a value that was asked for."""
        if message.name != "PARAM_VALUE" or self._ending is not None or not self._left:
            return []
        name = _text(message["param_id"])
        if name != self._left[0]:
            return []
        value = float(message["param_value"])
        if self._firmware == "px4" and int(message["param_type"]) in INTEGERS:
            value = float(struct.unpack("<i", struct.pack("<f", value))[0])
        self._values[name] = value
        self._left.pop(0)
        return self._next(now)

    def wake(self, now: float) -> list[Message]:
        """Ask again, or leave one out."""
        if self._ending is not None:
            return []
        if self._patience.over(now):
            self._left.pop(0)
            return self._next(now)
        if not self._patience.silent(now):
            return []
        self._patience.said_again(now)
        return [self._message()]

    def _next(self, now: float) -> list[Message]:
        if not self._left:
            self._ending = self._values
            return []
        self._patience = Patience(self._waiting, now)
        self._patience.said(now)
        return [self._message()]

    def _message(self) -> Message:
        return Message("PARAM_REQUEST_READ", {"param_id": self._left[0], "param_index": -1})


def _text(value: object) -> str:
    return value.split(b"\0")[0].decode("ascii", "replace") if isinstance(value, bytes) else str(value).split("\0")[0]
