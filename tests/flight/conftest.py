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

from patrol.flight.items import Params, WireItem

SHARED = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
MAVLINK = SHARED / "mavlink"


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
