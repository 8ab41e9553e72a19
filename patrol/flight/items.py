"""Mission, fence and rally items as they travel: what MISSION_ITEM_INT holds, and nothing else. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Any, NamedTuple

from patrol.flight.messages import Message, MissionType

DEGREES_E7 = 1e7


def float32(value: float) -> float:
    """`value` as a single-precision float: what is left of it on the wire. Too large becomes infinite."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


class Params(NamedTuple):
    """The four parameters of a command."""

    p1: float = 0.0
    p2: float = 0.0
    p3: float = 0.0
    p4: float = 0.0


NOTHING = Params()


@dataclass(frozen=True, slots=True)
class WireItem:
    """One item. `x` and `y` are 1e-7 degrees where the command has a place; `z` is metres in `frame`."""

    command: int
    frame: int
    params: Params = NOTHING
    x: int = 0
    y: int = 0
    z: float = 0.0
    autocontinue: int = 1

    def rounded(self) -> WireItem:
        """As it arrives: single precision."""
        return replace(self, params=Params(*(float32(p) for p in self.params)), z=float32(self.z))

    def message(self, seq: int, kind: MissionType) -> Message:
        """The item as the message that carries it, without an address."""
        p1, p2, p3, p4 = self.params
        return Message(
            "MISSION_ITEM_INT",
            {
                "seq": seq,
                "frame": self.frame,
                "command": self.command,
                "current": 0,
                "autocontinue": self.autocontinue,
                "param1": p1,
                "param2": p2,
                "param3": p3,
                "param4": p4,
                "x": self.x,
                "y": self.y,
                "z": self.z,
                "mission_type": int(kind),
            },
        )

    @classmethod
    def read(cls, fields: Message | Mapping[str, Any]) -> WireItem:
        """The item that a MISSION_ITEM_INT carries."""
        return cls(
            int(fields["command"]),
            int(fields["frame"]),
            Params(*(float(fields[f"param{n}"]) for n in (1, 2, 3, 4))),
            int(fields["x"]),
            int(fields["y"]),
            float(fields["z"]),
            int(fields["autocontinue"]),
        )


def same_number(a: float, b: float, within: float = 0.0) -> bool:
    """Equal, both missing (NaN), or within `within` of each other."""
    if isnan(a) or isnan(b):
        return isnan(a) and isnan(b)
    return a == b or abs(a - b) <= within
