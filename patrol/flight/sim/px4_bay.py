"""The vehicle's side of mission, fence and rally transfers in PX4's dialect. No IO: messages in, messages out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from patrol.flight.items import WireItem
from patrol.flight.messages import Message, MissionResult, MissionType
from patrol.flight.sim import shelf
from patrol.flight.sim.bay import Bay, Open, Say, item_message, kind_of, peer_of


class Px4Bay(Bay):
    """PX4's: one transfer at a time, the new list takes the old one's place when it is whole."""

    ASK_AGAIN_S, GIVE_UP_S = 0.25, 5.0
    LIMITS: ClassVar[Mapping[MissionType, int]] = {
        MissionType.MISSION: 65_536,
        MissionType.FENCE: 64,
        MissionType.RALLY: 32,
    }

    OLD_FRAMES: ClassVar[Mapping[int, int]] = {0: 5, 3: 6}

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self._old = False
        self._sending: tuple[MissionType, tuple[int, int], float, int] | None = None  # kind, peer, heard at, at
        self._last_kind = 0
        self._taken: tuple[tuple[int, int], int] | None = None

    def tick(self, now: float) -> list[Message]:
        """Ask again, or give up."""
        if self._sending is not None and now >= self._sending[2] + self.GIVE_UP_S:
            self._sending = None
            self._say(2, "Operation timeout")
        up = self._open
        if up is None:
            return []
        if now >= up.heard_at + self.GIVE_UP_S - 1e-9:
            self._open = None
            self._say(2, "Operation timeout")
            return []
        return self._ask(up, now) if now >= up.asked_at + self.ASK_AGAIN_S - 1e-9 else []

    def _from_float(self, degrees: float) -> int:
        """Multiplied in double precision."""
        return round(degrees * 1e7)

    def _ask(self, up: Open, now: float) -> list[Message]:
        up.asked_at = now
        # the first request after boot is the old message, and so are those after an old item
        name = "MISSION_REQUEST_INT" if self.spoken and not self._old else "MISSION_REQUEST"
        self.spoken = True
        return [self._to(up.peer, name, seq=up.at, mission_type=int(up.kind))]

    def _on_mission_count(self, message: Message, now: float) -> list[Message]:
        peer, kind, count = peer_of(message), kind_of(message), int(message["count"])
        self._last_kind = int(message.get("mission_type"))
        if kind is None or count > self.LIMITS[kind]:
            return self._ack(peer, MissionResult.NO_SPACE, int(message.get("mission_type")))
        up = self._open
        if self._sending is not None or (up is not None and (up.peer != peer or up.at > 0)):
            self._say(2, "WPM: REJ. CMD: Busy")
            return []
        if count == 0:
            self._open = None
            self._replace(kind, [])
            return self._ack(peer, MissionResult.ACCEPTED, kind)
        if kind is not MissionType.MISSION:
            self.lists[kind].clear()
        self._old = False
        self._open = Open(kind, 0, count - 1, peer, 0, now, now)
        return self._ask(self._open, now)

    def _item(self, message: Message, now: float, old: bool) -> list[Message]:
        peer, up = peer_of(message), self._open
        self._old = old
        if up is None:
            # the last item again: its acknowledgement was lost
            again = (peer, int(message["seq"])) == self._taken
            return self._ack(peer, MissionResult.ACCEPTED if again else MissionResult.ERROR, self._last_kind)
        if up.peer != peer:
            return []
        seq, item = int(message["seq"]), WireItem.read(message)
        up.heard_at = now
        if seq != up.at:
            return self._ask(up, now)
        result = shelf.px4_verdict(item) if up.kind is MissionType.MISSION else shelf.px4_fence_verdict(item)
        if result is not MissionResult.ACCEPTED:
            self._open = None
            if up.kind is MissionType.MISSION:
                self._say(2, "IGN MISSION_ITEM: Invalid item")
            return self._ack(peer, result, up.kind)
        keep = shelf.px4_kept if up.kind is MissionType.MISSION else shelf.px4_fence_kept
        up.arrived.append(keep(item))
        up.at += 1
        if up.at <= up.last:
            return self._ask(up, now)
        self._open = None
        self._replace(up.kind, up.arrived)
        self._taken = peer, up.last
        return self._ack(peer, MissionResult.ACCEPTED, up.kind)

    def _replace(self, kind: MissionType, items: list[WireItem]) -> None:
        self.lists[kind] = items
        if kind is MissionType.MISSION:
            self.changed = True
            fault = shelf.px4_feasible(items)
            if fault is not None:
                self._say(2, fault)

    def _on_mission_request_list(self, message: Message, now: float) -> list[Message]:
        peer, kind = peer_of(message), kind_of(message)
        if kind is None:
            return self._ack(peer, MissionResult.NO_SPACE, int(message.get("mission_type")))
        if self._open is not None:
            self._say(6, "Mission download request ignored, already active")
            return []
        self._sending = (kind, peer, now, 0) if self.lists[kind] else None
        return [self._to(peer, "MISSION_COUNT", count=len(self.lists[kind]), mission_type=int(kind))]

    def _on_mission_request_int(self, message: Message, now: float) -> list[Message]:
        peer, seq = peer_of(message), int(message["seq"])
        if self._sending is None or self._sending[1] != peer:
            return []
        kind, at = self._sending[0], self._sending[3]
        items = self.lists[kind]
        if seq not in {at, at - 1} or not 0 <= seq < len(items):
            return []
        self._sending = (kind, peer, now, seq + 1)
        # fence and rally items say mission_type 0, and the first item says that it is the current one
        return [item_message(items[seq], seq, MissionType.MISSION, peer, int(seq == 0))]

    _on_mission_request = _on_mission_request_int

    def _on_mission_ack(self, message: Message, now: float) -> list[Message]:
        del now
        if self._sending is not None and self._sending[1] == peer_of(message):
            self._sending = None
        return []

    def _on_mission_clear_all(self, message: Message, now: float) -> list[Message]:
        del now
        peer, value = peer_of(message), int(message.get("mission_type"))
        if self._open is not None or self._sending is not None:
            self._say(2, "WPM: REJ. CMD: Busy")
            return []
        kinds = list(MissionType) if value == 255 else [MissionType(value)] if value in list(MissionType) else []
        if not kinds:
            return self._ack(peer, MissionResult.UNSUPPORTED, value)
        for kind in kinds:
            self._replace(kind, [])
        return self._ack(peer, MissionResult.ACCEPTED, value)
