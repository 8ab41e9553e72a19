"""A flight as lines for people and for machines, while it goes on. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from patrol.errors import Language
from patrol.flight.pilot import Ending, Happening
from patrol.flight.shell import Pose
from patrol.flight.track import Sample, Stop, to_go_m
from patrol.flight.words import reason_said, said


def progress_line(pose: Pose, way: Sequence[Stop], language: Language) -> str:
    """Item, height, distance to go, battery, link: one short line."""
    go_m = to_go_m(Sample(pose.at_s, pose.at, pose.up_m, pose.item, pose.mode), way)
    item = min(pose.item + 1, pose.items)
    battery = f"{pose.battery:.0%}" if isfinite(pose.battery) else "?"
    if language == "zh-CN":
        return f"第 {item}/{pose.items} 项  高 {pose.up_m:.0f} 米  余程 {go_m:.0f} 米  电量 {battery}  链路 {1 - pose.loss:.0%}  {pose.mode}"
    return f"item {item}/{pose.items}  {pose.up_m:.0f} m up  {go_m:.0f} m to go  battery {battery}  link {1 - pose.loss:.0%}  {pose.mode}"


def happening_line(one: Happening, began_s: float, language: Language) -> str:
    """What happened, with the time since the beginning."""
    what = said(one.detail if one.what == "phase" else one.what, language)
    detail = "" if one.what == "phase" else one.detail
    return f"{one.at_s - began_s:7.1f} s  {what}  {detail}".rstrip()


def ending_line(ending: Ending, language: Language) -> str:
    """The one outcome."""
    reasons = [f.said.zh if language == "zh-CN" else f.said.en for f in ending.faults]
    colon, reason = ("：" if language == "zh-CN" else ": "), reason_said(ending.reason, language)
    return "\n".join(
        [said(ending.outcome, language) + (colon + reason if reason else ""), *(f"  {r}" for r in reasons)]
    )


def left_line(pose: Pose | None, language: Language) -> str:
    """What a vehicle that nobody follows any longer is doing."""
    if pose is None:
        zh, en = "没有再跟踪；它的位置未知。", "No longer followed; where it is is not known."
        return zh if language == "zh-CN" else en
    battery = f"{pose.battery:.0%}" if isfinite(pose.battery) else "?"
    where = f"{pose.at.lat_deg:.6f}, {pose.at.lon_deg:.6f}"
    if language == "zh-CN":
        state = (
            "已上锁" if not pose.armed else f"模式 {pose.mode}，高 {pose.up_m:.0f} 米，速度 {pose.speed_ms:.0f} 米/秒"
        )
        return f"没有再跟踪。最后所见：{where}，{state}，电量 {battery}。它会自行继续。"
    state = "disarmed" if not pose.armed else f"mode {pose.mode}, {pose.up_m:.0f} m up, {pose.speed_ms:.0f} m/s"
    return f"No longer followed. Last seen at {where}: {state}, battery {battery}. It goes on by itself."


def as_json(news: Happening | Pose | Ending, left: dict[str, object] | None = None) -> str:
    """One line for machines. `left`: with an ending, what it left undone."""
    if isinstance(news, Happening):
        return json.dumps(
            {"kind": "happening", "at_s": round(news.at_s, 2), "what": news.what, "detail": news.detail},
            ensure_ascii=False,
        )
    if isinstance(news, Ending):
        faults = [{"code": f.code, "en": f.said.en, "zh": f.said.zh} for f in news.faults]
        about: dict[str, Any] = {
            "kind": "ending",
            "outcome": news.outcome,
            "reason": news.reason,
            "complete": news.complete,
        }
        return json.dumps({**about, "faults": faults, "left": left}, ensure_ascii=False)
    numbers = {
        name: round(value, 2) if isfinite(value) else None
        for name, value in (
            ("up_m", news.up_m),
            ("speed_ms", news.speed_ms),
            ("battery", news.battery),
            ("loss", news.loss),
        )
    }
    place = {"lat_deg": news.at.lat_deg, "lon_deg": news.at.lon_deg}
    return json.dumps(
        {
            "kind": "pose",
            "at_s": round(news.at_s, 2),
            **place,
            **numbers,
            "mode": news.mode,
            "item": news.item,
            "items": news.items,
        }
    )
