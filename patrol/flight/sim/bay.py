"""The vehicle's side of mission, fence and rally transfers: what both dialects share, and ArduPilot's. No IO.

Timers and answers are those of the recordings: ArduPilot asks again each 1.0 s, gives up after 8 s with ACK 15
and a text, and keeps whatever arrived; PX4 asks again each 0.25 s, gives up after 5 s with a text alone, and
keeps the old mission. What each does when it is asked the wrong thing is in its tests' replays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from patrol.flight.items import Params, WireItem, float32
from patrol.flight.messages import Message, MissionResult, MissionType
from patrol.flight.sim import shelf

Say = Callable[[int, str], None]
Lists = dict[MissionType, list[WireItem]]


def empty_lists() -> Lists:
    """Nothing aboard."""
    return {kind: [] for kind in MissionType}


@dataclass
class Open:
    """An upload in progress."""

    kind: MissionType
    first: int
    last: int
    peer: tuple[int, int]
    at: int
    heard_at: float
    asked_at: float
    arrived: list[WireItem] = field(default_factory=list)


class Bay:
    """What both dialects share. Texts go to `say`, answers are returned, addressed to whoever asked."""

    OLD_FRAMES: ClassVar[Mapping[int, int]] = {}

    def __init__(self, say: Say) -> None:
        self.lists = empty_lists()
        self.flying_it = False  # the mission aboard is being flown
        self.changed = False  # the mission was replaced since this was last set False
        self.spoken = False  # it has held a transfer since it was started
        self._say = say
        self._open: Open | None = None

    def hear(self, message: Message, now: float) -> list[Message]:
        """Answer a message of the mission protocol; [] for any other."""
        handler: Callable[[Message, float], list[Message]] | None = getattr(self, f"_on_{message.name.lower()}", None)
        return [] if handler is None else handler(message, now)

    def tick(self, now: float) -> list[Message]:
        """What it says by itself."""
        raise NotImplementedError

    def _to(self, peer: tuple[int, int], name: str, **fields: object) -> Message:
        return Message(name, {"target_system": peer[0], "target_component": peer[1], **fields})

    def _ack(self, peer: tuple[int, int], result: MissionResult, kind: int) -> list[Message]:
        return [self._to(peer, "MISSION_ACK", type=int(result), mission_type=kind)]

    def _on_mission_item(self, message: Message, now: float) -> list[Message]:
        """The old message with float degrees: taken, with what single precision leaves of them."""
        fields = dict(message.fields)
        placed = int(fields["command"]) in shelf.PLACED
        for key in ("x", "y"):
            fields[key] = self._from_float(float32(float(fields[key]))) if placed else int(fields[key])
        fields["frame"] = self.OLD_FRAMES.get(int(fields["frame"]), int(fields["frame"]))
        return self._item(Message("MISSION_ITEM_INT", fields, message.system, message.component), now, old=True)

    def _on_mission_item_int(self, message: Message, now: float) -> list[Message]:
        return self._item(message, now, old=False)

    def _item(self, message: Message, now: float, old: bool) -> list[Message]:
        raise NotImplementedError

    def _from_float(self, degrees: float) -> int:
        raise NotImplementedError


def peer_of(message: Message) -> tuple[int, int]:
    """Who sent it."""
    return message.system, message.component


def kind_of(message: Message) -> MissionType | None:
    """Which list it is about; None for a number that is none."""
    value = int(message.get("mission_type"))
    return MissionType(value) if value in list(MissionType) else None


class ArduBay(Bay):
    """ArduPilot's. `home` gives the item that stands in slot 0."""

    ASK_AGAIN_S, GIVE_UP_S = 1.0, 8.0
    LIMITS: ClassVar[Mapping[MissionType, int]] = {
        MissionType.MISSION: 650,
        MissionType.FENCE: 70,
        MissionType.RALLY: 84,
    }

    def __init__(self, say: Say, home: Callable[[], WireItem]) -> None:
        super().__init__(say)
        self._home = home
        self._told_old = False

    def tick(self, now: float) -> list[Message]:
        """Ask again, or give up."""
        up = self._open
        if up is None:
            return []
        if now >= up.heard_at + self.GIVE_UP_S - 1e-9:
            self._open = None
            self._say(4, "Mission upload timeout")
            return self._ack(up.peer, MissionResult.OPERATION_CANCELLED, up.kind)
        if now >= up.asked_at + self.ASK_AGAIN_S - 1e-9:
            return self._ask(up, now)
        return []

    def _from_float(self, degrees: float) -> int:
        """Multiplied in single precision: up to 64e-7 degrees are lost."""
        return int(float32(degrees * 1e7))

    def _ask(self, up: Open, now: float) -> list[Message]:
        up.asked_at = now
        return [self._to(up.peer, "MISSION_REQUEST", seq=up.at, mission_type=int(up.kind))]

    def _on_mission_count(self, message: Message, now: float) -> list[Message]:
        peer, kind, count = peer_of(message), kind_of(message), int(message["count"])
        if kind is None:
            return self._ack(peer, MissionResult.UNSUPPORTED, int(message.get("mission_type")))
        if self._open is not None and self._open.peer != peer:
            return self._ack(peer, MissionResult.DENIED, kind)
        if count > self.LIMITS[kind]:
            self._open = None
            self._say(4, f"Only {self.LIMITS[kind]} items are supported")
            return self._ack(peer, MissionResult.NO_SPACE, kind)
        if kind is MissionType.MISSION:
            del self.lists[kind][count:]
        if count == 0:
            self._open = None
            self.lists[kind].clear()
            return self._done(kind, peer)
        self._open = Open(kind, 0, count - 1, peer, 0, now, now)
        return self._ask(self._open, now)

    def _on_mission_write_partial_list(self, message: Message, now: float) -> list[Message]:
        peer, kind = peer_of(message), kind_of(message) or MissionType.MISSION
        first, last = int(message["start_index"]), int(message["end_index"])
        if kind is not MissionType.MISSION or not 0 <= first <= last <= len(self.lists[kind]):
            return self._ack(peer, MissionResult.ERROR, kind)
        self._open = Open(kind, first, last, peer, first, now, now)
        return self._ask(self._open, now)

    def _item(self, message: Message, now: float, old: bool) -> list[Message]:
        peer, up = peer_of(message), self._open
        if old and not self._told_old:
            self._told_old = True
            self._say(4, "got MISSION_ITEM; GCS should send MISSION_ITEM_INT")
        if up is None or up.peer != peer:
            return self._ack(peer, MissionResult.ERROR, int(message.get("mission_type")))
        seq, item = int(message["seq"]), WireItem.read(message)
        if seq != up.at:
            return self._ack(peer, MissionResult.INVALID_SEQUENCE, up.kind)
        up.heard_at = now
        result = self._take(up, seq, item)
        if result is not MissionResult.ACCEPTED:
            self._open = None
            return self._ack(peer, result, up.kind)
        up.at += 1
        if up.at <= up.last:
            return self._ask(up, now)
        self._open = None
        if up.kind is MissionType.FENCE:
            fault = shelf.ardu_fence_fault(up.arrived)
            if fault is not None:
                for severity, text in fault[1]:
                    self._say(severity, text)
                return self._ack(peer, fault[0], up.kind)
        if up.kind is not MissionType.MISSION:
            self.lists[up.kind] = up.arrived
        return self._done(up.kind, peer)

    def _take(self, up: Open, seq: int, item: WireItem) -> MissionResult:
        if up.kind is MissionType.FENCE:
            up.arrived.append(shelf.ardu_fence_kept(item))
            return MissionResult.ACCEPTED
        if up.kind is MissionType.RALLY:
            if item.command != shelf.RALLY_POINT:
                return MissionResult.UNSUPPORTED
            up.arrived.append(replace(item, autocontinue=0).rounded())
            return MissionResult.ACCEPTED
        result = shelf.ardu_verdict(item, seq, up.last + 1)
        if result is MissionResult.ACCEPTED:
            aboard = self.lists[up.kind]
            aboard[seq : seq + 1] = [shelf.ardu_kept(item)]
        return result

    def _done(self, kind: MissionType, peer: tuple[int, int]) -> list[Message]:
        if kind is MissionType.MISSION:
            self.changed = True
            self._say(6, "Flight plan received")
        elif kind is MissionType.FENCE:
            self._say(7, "Fence Indexed OK")
        return self._ack(peer, MissionResult.ACCEPTED, kind)

    def _aboard(self, kind: MissionType) -> Sequence[WireItem]:
        items = self.lists[kind]
        return [self._home(), *items[1:]] if kind is MissionType.MISSION and items else items

    def _on_mission_request_list(self, message: Message, now: float) -> list[Message]:
        del now
        peer, kind = peer_of(message), kind_of(message)
        if kind is None:
            return self._ack(peer, MissionResult.UNSUPPORTED, int(message.get("mission_type")))
        if self._open is not None:
            return self._ack(peer, MissionResult.DENIED, kind)
        return [self._to(peer, "MISSION_COUNT", count=len(self._aboard(kind)), mission_type=int(kind))]

    def _on_mission_request_int(self, message: Message, now: float) -> list[Message]:
        del now
        peer, kind, seq = peer_of(message), kind_of(message), int(message["seq"])
        if kind is None:
            return self._ack(peer, MissionResult.UNSUPPORTED, int(message.get("mission_type")))
        if self._open is not None:
            return self._ack(peer, MissionResult.DENIED, kind)
        aboard = self._aboard(kind)
        if not 0 <= seq < len(aboard):
            count = self._to(peer, "MISSION_COUNT", count=len(aboard), mission_type=int(kind))
            return [count, *self._ack(peer, MissionResult.INVALID_SEQUENCE, kind)]
        return [item_message(aboard[seq], seq, kind, peer, 0)]

    _on_mission_request = _on_mission_request_int

    def _on_mission_clear_all(self, message: Message, now: float) -> list[Message]:
        del now
        peer, kind = peer_of(message), kind_of(message)
        if kind is None:
            return self._ack(peer, MissionResult.UNSUPPORTED, int(message.get("mission_type")))
        if self._open is not None:
            return self._ack(peer, MissionResult.DENIED, kind)
        if kind is MissionType.MISSION and self.flying_it:
            return self._ack(peer, MissionResult.ERROR, kind)
        self.lists[kind].clear()
        if kind is MissionType.FENCE:
            self._say(7, "Fence Indexed OK")
        self.changed = self.changed or kind is MissionType.MISSION
        return self._ack(peer, MissionResult.ACCEPTED, kind)


def item_message(item: WireItem, seq: int, kind: MissionType, peer: tuple[int, int], current: int) -> Message:
    """An item on its way to the ground."""
    made = item.message(seq, kind)
    return Message(
        made.name, {**made.fields, "current": current, "target_system": peer[0], "target_component": peer[1]}
    )


def home_item(lat_e7: int, lon_e7: int, amsl_m: float) -> WireItem:
    """ArduPilot's slot 0."""
    return WireItem(16, 0, Params(), lat_e7, lon_e7, amsl_m).rounded()
