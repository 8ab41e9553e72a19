"""A request for a flight as the station keeps it, and how it is written down. Values only.

What comes from the wire, the calendar or a warning becomes an `Errand`; it has a deadline and comes to exactly one end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from patrol.config import Config
from patrol.config.rounds import PatrolConfig
from patrol.errors import Text
from patrol.events import AlertRaised, Data, Event, FlightRequested, Hazard, Said, WeatherWarned
from patrol.geo import LatLon

Kind = Literal["patrol", "orbit", "re-check", "verification"]
FIRE = frozenset({Hazard.FLAME_SMOKE, Hazard.FIRE_HOTSPOT, Hazard.SMOKE_ALARM})
FIRE_PRIORITY, RAIN_PRIORITY = 8, 5
FIRE_WITHIN_S = 900.0
LEVELS = ("blue", "yellow", "orange", "red")


@dataclass(frozen=True)
class Errand:
    """One flight that is wanted. Times are seconds since 1970. `drones`: who may fly it; empty: any.

    `targets` are those of a patrol that are still to be seen; `at`, heights and angles belong to the other kinds.
    `excluded`: drones that have failed at it. `reflown`: targets that were flown past without a photograph being reported, and
    are flown once more; `unpictured`: those of which none was reported then either.
    """

    id: str
    kind: Kind
    priority: int
    asked_s: float
    deadline_s: float
    patrol: str | None = None
    targets: tuple[str, ...] = ()
    at: LatLon | None = None
    height_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    drones: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    reflown: tuple[str, ...] = ()
    unpictured: tuple[str, ...] = ()
    tries: int = 0
    not_before_s: float = 0.0
    drill: bool = False

    def to_text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Errand:
        """From JSON."""
        values: dict[str, Any] = json.loads(text)
        for name in ("targets", "drones", "excluded", "reflown", "unpictured"):
            values[name] = tuple(values.get(name, ()))
        if values["at"] is not None:
            values["at"] = LatLon(*values["at"])
        return cls(**values)

    def without_photograph(self, targets: tuple[str, ...]) -> Errand:
        """The same after it was flown past `targets` and no photograph of them was reported."""
        twice = tuple(t for t in targets if t in self.reflown)
        return replace(
            self, reflown=tuple(dict.fromkeys((*self.reflown, *targets))), unpictured=(*self.unpictured, *twice)
        )

    def after(self, left: tuple[str, ...], now_s: float, wait_s: float, failed: str | None) -> Errand:
        """What is still to be done after a flight that did not do all. `failed`: a drone that is not to try again."""
        excluded = self.excluded if failed is None or self.kind == "patrol" else (*self.excluded, failed)
        return replace(self, targets=left, tries=self.tries + 1, not_before_s=now_s + wait_s, excluded=excluded)


@dataclass(frozen=True)
class Refusal:
    """Something that cannot become an errand, and why."""

    id: str
    reasons: tuple[Said, ...]
    drill: bool


REASONS: dict[str, Text] = {
    "no-such-patrol": Text("There is no patrol '{name}'.", "没有名为“{name}”的巡查。"),
    "no-place": Text("It does not say where.", "没有说明地点。"),
    "no-pose": Text("A re-check needs position, height, yaw and pitch.", "复核需要位置、高度、偏航角和俯仰角。"),
    "too-late": Text("Its deadline is over.", "已过时限。"),
    "queue-full": Text("{count} requests wait already.", "已有 {count} 个请求在等待。"),
    "flying": Text("{drone} is on another flight.", "{drone} 正在执行其他飞行。"),
    "silent": Text("Nothing is heard of {drone}.", "收不到 {drone} 的消息。"),
    "armed": Text("{drone} is flown by somebody else.", "{drone} 正由他人操控。"),
    "charging": Text("{drone} has {battery:.0%} of its battery, {needed:.0%} are needed.", "{drone} 电量 {battery:.0%}，需要 {needed:.0%}。"),
    "grounded": Text("A warning of {what} is in force.", "{what_zh}预警生效中。"),
    "too-near": Text("{drone} would come too near to a flight in the air; in {seconds:.0f} s its way is clear.", "{drone} 会与空中飞行过近；{seconds:.0f} 秒后航路畅通。"),
    "unsafe": Text("The judge does not pass {drone}'s flight: {why}.", "安全判定未通过 {drone} 的飞行：{why_zh}。"),
    "failed": Text("{drone}'s flight: {why}.", "{drone} 的飞行：{why_zh}。"),
    "tried": Text("It was tried {count} times.", "已尝试 {count} 次。"),
    "leaving": Text("The station is being stopped.", "机场正在停止。"),
    "ended-unseen": Text("The flight ended while the station was away.", "飞行在机场停机期间结束。"),
    "not-begun": Text("The station was started anew before take-off.", "机场在起飞前重启。"),
    "recalled": Text("It was called back for a more urgent request.", "为更紧急的请求召回。"),
    "missed": Text("The run of {when} was not flown: {why}.", "{when} 的班次未飞：{why_zh}。"),
    "photograph-missing": Text("No photograph of {names} was reported; the rest is flown once more.", "没有收到 {names} 的照片，将补飞一次。"),
    "no-photograph": Text("No photograph of {names} was reported, not even the second time.", "没有收到 {names} 的照片，补飞后仍然没有。"),
    "no-drone": Text("No drone may fly it.", "没有可执行的无人机。"),
    "road": Text("{name} is no place that this station knows.", "机场不认识地点 {name}。"),
}  # fmt: skip


def said(code: str, **facts: object) -> Said:
    """A reason with its facts filled in, cut to what the wire allows."""
    text = REASONS[code]
    return Said(code=code, en=text.en.format(**facts)[:500], zh=text.zh.format(**facts)[:500])


def of_patrol(patrol: PatrolConfig, errand_id: str, now_s: float, priority: int, *, drill: bool) -> Errand:
    """A patrol that is to be flown now."""
    return Errand(errand_id, "patrol", priority, now_s, now_s + patrol.deadline_min * 60.0, patrol.id,
                  patrol.targets, drones=(patrol.drone,), drill=drill)  # fmt: skip


def errands_of(event: Event[Data], config: Config, now: datetime) -> list[Errand | Refusal]:
    """What a message asks for: nothing, one flight, or a patrol for each rain rule. Ids are those of the cause."""
    data, drill = event.data, event.drill or config.district.drill
    if isinstance(data, FlightRequested):
        return [_of_request(data, config, now, drill=drill)]
    if isinstance(data, AlertRaised) and data.hazard in FIRE:
        return [_of_fire(data, event.time, config, now, drill=drill)]
    if isinstance(data, WeatherWarned) and data.kind == "rain" and in_force(data, now):
        level = LEVELS.index(data.level or "blue")
        wet = [p for p in config.patrols if p.on_rain is not None and LEVELS.index(p.on_rain) <= level]
        return [
            of_patrol(
                p, f"{data.warning_id[:30]}-{p.id}"[:64], now.timestamp(), max(p.priority, RAIN_PRIORITY), drill=drill
            )
            for p in wet
        ]
    return []


def in_force(warning: WeatherWarned, now: datetime) -> bool:
    """Whether it holds now."""
    return warning.level is not None and warning.begins_at <= now < warning.ends_at


def _of_request(data: FlightRequested, config: Config, now: datetime, *, drill: bool) -> Errand | Refusal:
    if data.deadline_at <= now:
        return Refusal(data.request_id, (said("too-late"),), drill)
    asked, deadline = now.timestamp(), data.deadline_at.timestamp()
    if data.kind == "patrol":
        patrol = next((p for p in config.patrols if p.id == data.patrol), None)
        if patrol is None:
            return Refusal(data.request_id, (said("no-such-patrol", name=data.patrol),), drill)
        return Errand(data.request_id, "patrol", data.priority, asked, deadline, patrol.id, patrol.targets,
                      drones=(patrol.drone,), drill=drill)  # fmt: skip
    if data.position is None:
        return Refusal(data.request_id, (said("no-place"),), drill)
    at = LatLon(data.position.lat_deg, data.position.lon_deg)
    if data.kind == "re-check" and None in {data.height_m, data.yaw_deg, data.pitch_deg}:
        return Refusal(data.request_id, (said("no-pose"),), drill)
    return Errand(data.request_id, data.kind, data.priority, asked, deadline, at=at, height_m=data.height_m,
                  yaw_deg=data.yaw_deg, pitch_deg=data.pitch_deg, drill=drill)  # fmt: skip


def _of_fire(data: AlertRaised, seen: datetime, config: Config, now: datetime, *, drill: bool) -> Errand | Refusal:
    """The place of the fire; where the camera that saw it hangs, when the fire's own place is not known.

    A box that was cut off tells of old fires later: nobody flies to those any more. A clock ahead of ours gains no time.
    """
    deadline_s = min(seen, now).timestamp() + FIRE_WITHIN_S
    if now.timestamp() >= deadline_s:
        return Refusal(data.alert_id, (said("too-late"),), drill)
    camera = next((c for c in config.cameras if c.id == data.camera), None)
    if data.position is not None:
        at = LatLon(data.position.lat_deg, data.position.lon_deg)
    elif camera is not None and camera.pose is not None:
        at = camera.pose.at
    else:
        return Refusal(data.alert_id, (said("no-place"),), drill)
    return Errand(data.alert_id, "orbit", FIRE_PRIORITY, now.timestamp(), deadline_s, at=at, drill=drill)
