"""What was sent against what is aboard, item by item. Pure.

A vehicle does not read back what it was sent: each firmware has its ways, and only the ways seen on the
recorded autopilots are forgiven here. Everything else is a difference, and a difference is not flown.

- ArduPilot keeps home in the first slot of a mission and overwrites whatever was sent there; gives relative
  frames back in their float form (6 as 3, 5 as 0, 11 as 10) and items without a place in frame 0; keeps
  altitudes in whole centimetres; writes 1 for a zero loiter radius and a zero landing abort flag.
- PX4 gives fence and rally items in frame 5, whatever they were sent in, and 0 for the NaN yaw of a loiter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan
from typing import Literal, NamedTuple

from patrol.flight.items import Params, WireItem, same_number
from patrol.flight.messages import MissionType

Firmware = Literal["ardupilot", "px4"]
ALTITUDE_STEP_M = 0.01  # ArduPilot stores centimetres
NAV_LOITER_TIME, NAV_LAND, FENCE_RETURN_POINT = 19, 21, 5000
# commands whose x, y and z are a place: NAV 16 to 25 but return-to-launch, 30, 31, 82, 84, 85, 94; homes and ROIs
PLACED = frozenset({16, 17, 18, 19, 21, 22, 30, 31, 82, 84, 85, 94, 179, 195, 201, 5000, 5001, 5002, 5003, 5004, 5100})
_FLOAT_FRAME = {5: 0, 6: 3, 11: 10}


class Difference(NamedTuple):
    """One thing that is not aboard as it was sent. `seq` None: the list as a whole."""

    seq: int | None
    what: str
    sent: object
    aboard: object

    def __str__(self) -> str:
        where = "list" if self.seq is None else f"item {self.seq}"
        return f"{where}: {self.what} sent {self.sent}, aboard {self.aboard}"


def differences(
    sent: Sequence[WireItem], aboard: Sequence[WireItem], kind: MissionType, firmware: Firmware
) -> tuple[Difference, ...]:
    """Everything in which the two differ beyond what the firmware is known to change."""
    wanted = list(sent)
    first = 0
    if firmware == "ardupilot" and kind is MissionType.MISSION:
        first = 1  # home
        if not sent and len(aboard) == 1:
            wanted = list(aboard)  # an empty mission reads back as home alone
    if len(wanted) != len(aboard):
        return (Difference(None, "number of items", len(wanted), len(aboard)),)
    return tuple(
        difference
        for seq in range(first, len(wanted))
        for difference in _of_item(seq, expected(wanted[seq], kind, firmware), aboard[seq], firmware)
    )


def expected(item: WireItem, kind: MissionType, firmware: Firmware) -> WireItem:
    """How an item that was sent will read back."""
    item = item.rounded()
    if firmware == "px4":
        if kind is not MissionType.MISSION:
            return replace(item, frame=5, autocontinue=0)
        if item.command == NAV_LOITER_TIME and isnan(item.params.p4):
            return replace(item, params=item.params._replace(p4=0.0))
        return item
    if kind is MissionType.FENCE:
        z = 0.0 if item.command == FENCE_RETURN_POINT else item.z
        return replace(item, frame=0, z=z, autocontinue=0)
    if kind is MissionType.RALLY:
        return replace(item, autocontinue=0)
    frame = _FLOAT_FRAME.get(item.frame, item.frame) if item.command in PLACED else 0
    return replace(item, frame=frame, params=_filled(item))


def _filled(item: WireItem) -> Params:
    """ArduPilot's own values for some zeros."""
    if item.command == NAV_LOITER_TIME and item.params.p3 == 0.0:
        return item.params._replace(p3=1.0)
    if item.command == NAV_LAND and item.params.p4 == 0.0:
        return item.params._replace(p4=1.0)
    return item.params


def _of_item(seq: int, wanted: WireItem, found: WireItem, firmware: Firmware) -> Iterator[Difference]:
    for what in ("command", "frame", "x", "y"):
        if getattr(wanted, what) != getattr(found, what):
            yield Difference(seq, what, getattr(wanted, what), getattr(found, what))
    step_m = ALTITUDE_STEP_M if firmware == "ardupilot" else 0.0
    if not same_number(wanted.z, found.z, step_m):
        yield Difference(seq, "z", wanted.z, found.z)
    for n, (a, b) in enumerate(zip(wanted.params, found.params, strict=True), 1):
        if not same_number(a, b):
            yield Difference(seq, f"param{n}", a, b)
