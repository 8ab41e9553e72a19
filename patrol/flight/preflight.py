"""Reasons not to take off: the vehicle's health and its own failsafes against the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

from patrol.errors import Text
from patrol.flight.compare import Firmware
from patrol.flight.seen import Seen
from patrol.geo import LatLon
from patrol.planning.safety import Violation

READ: dict[Firmware, tuple[str, ...]] = {
    "ardupilot": ("FS_GCS_ENABLE", "BATT_FS_LOW_ACT", "BATT_LOW_VOLT", "FENCE_ENABLE", "RTL_ALT", "FENCE_ALT_MAX"),
    "px4": ("NAV_DLL_ACT", "COM_LOW_BAT_ACT", "GF_ACTION", "RTL_RETURN_ALT", "COM_DL_LOSS_T"),
}
HOME_WITHIN_M = 10.0
SATELLITES = 6


@dataclass(frozen=True)
class Demands:
    """What a plan asks of the vehicle. Heights above home, metres; battery as a share."""

    home: LatLon
    battery: float
    highest_m: float
    return_above_m: float  # the tallest thing on any way home, with clearance
    fenced: bool
    max_wind_ms: float = 10.0


class Fault(NamedTuple):
    """One reason, in both languages."""

    code: str
    said: Text


def health(seen: Seen, demands: Demands, wind_ms: float | None = None) -> tuple[Fault, ...]:
    """What speaks against taking off now: battery, position, home, wind (None: no source is set)."""
    faults = list[Fault]()
    if isnan(seen.battery):
        faults.append(_fault("battery-unknown", "the battery's charge is not known", "电量未知"))
    elif seen.battery < demands.battery:
        en, zh = "{0:.0%} of battery, the plan needs {1:.0%}", "电量 {0:.0%}，规划需要 {1:.0%}"
        faults.append(_fault("battery-low", en, zh, seen.battery, demands.battery))
    if not seen.settled:
        faults.append(_fault("no-position", "it does not know where it is", "尚无可靠定位"))
    elif seen.satellites < SATELLITES:
        faults.append(_fault("few-satellites", "only {0} satellites", "仅 {0} 颗卫星", seen.satellites))
    elif seen.far_from(demands.home) > HOME_WITHIN_M:
        en, zh = "it stands {0:.0f} m from the plan's home", "离规划起飞点 {0:.0f} 米"
        faults.append(_fault("not-at-home", en, zh, seen.far_from(demands.home)))
    if seen.armed:
        faults.append(_fault("armed", "it is armed already", "已经解锁"))
    if wind_ms is not None and wind_ms > demands.max_wind_ms:
        en, zh = "wind of {0:.0f} m/s, allowed are {1:.0f}", "风速 {0:.0f} 米/秒，允许 {1:.0f}"
        faults.append(_fault("windy", en, zh, wind_ms, demands.max_wind_ms))
    return tuple(faults)


def objections(found: Iterable[Violation]) -> tuple[Fault, ...]:
    """The safety judge's verdict as reasons not to take off."""
    return tuple(Fault(f"judge-{v.kind}", Text(v.explain("en"), v.explain("zh-CN"))) for v in found)


def failsafes(firmware: Firmware, p: Mapping[str, float], demands: Demands) -> tuple[Fault, ...]:
    """What the vehicle's own parameters lack. One that could not be read counts as missing."""
    faults = [
        _fault("unread", "its parameter {0} could not be read", "参数 {0} 无法读取", name)
        for name in READ[firmware]
        if name not in p
    ]
    ardu = firmware == "ardupilot"
    if not p.get("FS_GCS_ENABLE" if ardu else "NAV_DLL_ACT", 0):
        faults.append(_fault("no-link-failsafe", "it would do nothing when the link is lost", "失联时没有保护动作"))
    if not p.get("BATT_FS_LOW_ACT" if ardu else "COM_LOW_BAT_ACT", 0):
        faults.append(_fault("no-battery-failsafe", "it would do nothing on a low battery", "低电量时没有保护动作"))
    if demands.fenced and not p.get("FENCE_ENABLE" if ardu else "GF_ACTION", 0):
        faults.append(_fault("no-fence", "its fence is switched off", "围栏未启用"))
    return_m = p.get("RTL_ALT", 0.0) / 100 if ardu else p.get("RTL_RETURN_ALT", 0.0)
    if return_m < demands.return_above_m:
        en, zh = "it returns at {0:.0f} m, the way home needs {1:.0f} m", "返航高度 {0:.0f} 米，返航路线需要 {1:.0f} 米"
        faults.append(_fault("return-too-low", en, zh, return_m, demands.return_above_m))
    if ardu and p.get("FENCE_ENABLE", 0) and p.get("FENCE_ALT_MAX", 0.0) < max(demands.highest_m, return_m):
        en, zh = "its fence ends at {0:.0f} m", "围栏高度上限 {0:.0f} 米"
        faults.append(_fault("fence-too-low", en, zh, p["FENCE_ALT_MAX"]))
    return tuple(faults)


def _fault(code: str, en: str, zh: str, *facts: object) -> Fault:
    return Fault(code, Text(en.format(*facts), zh.format(*facts)))
