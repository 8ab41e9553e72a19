"""What the flight tests share: the recordings, and missions like those in them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import Any

import pytest

from patrol.flight.compare import Firmware
from patrol.flight.compile import Compiled, compile_mission
from patrol.flight.items import Params, WireItem
from patrol.flight.preflight import Demands
from patrol.geo import LatLon
from patrol.planning.mission import FencePolygon, Item, Mission

SHARED = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
MAVLINK = SHARED / "mavlink"
HOME = LatLon(22.5431, 114.0579)
FIRMWARES: tuple[Firmware, ...] = ("ardupilot", "px4")
SAFE: dict[Firmware, dict[str, float]] = {
    "ardupilot": {"FS_GCS_ENABLE": 1, "BATT_FS_LOW_ACT": 2, "FENCE_ENABLE": 1, "RTL_ALT": 4000, "FENCE_TYPE": 4},
    "px4": {"NAV_DLL_ACT": 2, "COM_LOW_BAT_ACT": 2, "GF_ACTION": 3, "RTL_RETURN_ALT": 40},
}
DEMANDS = Demands(HOME, battery=0.3, highest_m=30.0, return_above_m=35.0, fenced=True)


def recording_lines(name: str) -> Iterator[dict[str, Any]]:
    """The lines of one recorded conversation, with NaN as a number."""
    path = MAVLINK / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"recording missing: {path.name} in the shared data's mavlink folder")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record: dict[str, Any] = json.loads(line)
            message = record["msg"]
            for key, value in message.items():
                if value == "NaN":
                    message[key] = nan
            yield record


def a_mission(count: int, firmware: str) -> list[WireItem]:
    """A mission of `count` items as the recorded uploads had it."""
    yaw = nan if firmware == "px4" else 0.0
    items = [WireItem(16, 0, Params(), 225431000, 1140579000)] if firmware == "ardupilot" else []
    items.append(WireItem(22, 6, Params(0, 0, 0, yaw), 225431000, 1140579000, 30.0))
    while len(items) < count - 1:
        n = len(items)
        items.append(WireItem(16, 6, Params(0, 0, 0, yaw), 225431000 + n * 123, 1140579000 + n * 55, 30.0 + n % 5))
    items.append(WireItem(20, 2 if firmware == "px4" else 6))
    return items


def a_mission_of(firmware: Firmware) -> Mission:
    """Up, two photographed legs, down at home, inside a fence."""
    yaw = nan if firmware == "px4" else 0.0
    legs = [(22.5436, 114.0579), (22.5436, 114.0588), (22.5431, 114.0588)]
    ring = (LatLon(22.54, 114.055), LatLon(22.54, 114.062), LatLon(22.547, 114.062), LatLon(22.547, 114.055))
    items = (
        Item(22, 3, 0.0, 0.0, 0.0, yaw, *HOME, 30.0),
        *(Item(16, 3, 0.0, 0.0, 0.0, yaw, lat, lon, 30.0) for lat, lon in legs[:1]),
        Item(206, 2, 20.0, 0.0, 1.0),
        *(Item(16, 3, 0.0, 0.0, 0.0, yaw, lat, lon, 30.0) for lat, lon in legs[1:]),
        Item(206, 2),
        Item(21, 3, 0.0, 0.0, 0.0, yaw, *HOME, 0.0),
    )
    return Mission(items, HOME, 10.0, firmware, 8.0, (FencePolygon(ring, True),))


def a_plan(firmware: Firmware) -> Compiled:
    """The same, compiled."""
    return compile_mission(a_mission_of(firmware))
