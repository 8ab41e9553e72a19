"""What a kept flight left undone, and the mission that does it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from patrol.errors import Language, MissionUncompilable, Text
from patrol.flight.again import item_of, missed_places, undone
from patrol.flight.record import FlightSummary
from patrol.flight.seen import Picture
from patrol.geo import LatLon
from patrol.planning.mission import Mission

MOST_NUMBERS = 12  # of missing photographs that a line names
_ITEMS = Text("not flown: from item {item} on", "未飞：第 {item} 项起")
_PHOTOGRAPHS = Text("{count} photographs missing: {numbers}", "缺 {count} 张照片：{numbers}")
_COMMAND = Text("The rest is flown by: {command}", "续飞命令：{command}")


@dataclass(frozen=True)
class Left:
    """`item`: the first that was not flown, counted from 0 in the mission; None: it was flown to its end."""

    item: int | None
    missing: tuple[int, ...]

    def __bool__(self) -> bool:
        return self.item is not None or bool(self.missing)


def left_of(flight: FlightSummary) -> Left:
    """What is left of it: nothing of one that never flew (fly that again), or whose end is not known."""
    if not flight.flew or flight.outcome == "unknown":
        return Left(None, ())
    return Left(None if flight.complete else item_of(flight.firmware, flight.item), flight.missing_shots)


def mission_of(flight: FlightSummary, mission: Mission) -> Mission:
    """The mission that does what `flight` left of `mission`. Raises MissionUncompilable, also when nothing is left."""
    left = left_of(flight)
    broke_off = None if flight.broke_off is None else LatLon(*flight.broke_off)
    shots = [Picture(s.number, LatLon(s.lat_deg, s.lon_deg), s.amsl_m, s.t_s) for s in flight.shots]
    places = missed_places(shots, flight.home_amsl_m)
    try:
        return undone(mission, left.item, broke_off, places)
    except MissionUncompilable:
        if not places:
            raise
        return undone(mission, None, None, places)  # all was flown but the way down


def left_lines(left: Left, language: Language, command: Sequence[str]) -> list[str]:
    """For people: what was left, and the command that flies it."""
    parts = [] if left.item is None else [_ITEMS.render(language, item=left.item + 1)]
    if left.missing:
        numbers = ", ".join(str(n) for n in left.missing[:MOST_NUMBERS])
        more = " …" if len(left.missing) > MOST_NUMBERS else ""
        parts.append(_PHOTOGRAPHS.render(language, count=len(left.missing), numbers=numbers + more))
    return [("；" if language == "zh-CN" else "; ").join(parts), _COMMAND.render(language, command=shlex.join(command))]


def as_dict(left: Left, flight_id: str) -> dict[str, object] | None:
    """For machines; None when nothing is left."""
    return {"flight": flight_id, "item": left.item, "missing_shots": list(left.missing)} if left else None
