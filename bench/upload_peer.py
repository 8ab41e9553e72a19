"""One upload by one of the peers, in an environment of its own. Prints one JSON line: whether it says that it worked.

    python bench/upload_peer.py mavsdk|dronekit2 PORT ITEMS.json DEADLINE_S

ITEMS.json is a list of [frame, command, p1, p2, p3, p4, x, y, z], home first.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def mavsdk_upload(port: int, items: list[list[Any]], deadline_s: float) -> tuple[bool, str, float]:
    """MAVSDK's raw mission upload. Its own timers end it; the bench ends it at the deadline."""
    from mavsdk.component_type import ComponentType  # noqa: PLC0415 - only this peer's environment has it
    from mavsdk.exceptions import MavsdkError  # noqa: PLC0415 - the same
    from mavsdk.mavsdk import Configuration, Mavsdk  # noqa: PLC0415 - the same
    from mavsdk.plugins.mission_raw.mission_raw import MissionItem, MissionRaw  # noqa: PLC0415 - the same

    del deadline_s
    sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    sdk.add_any_connection(f"udpin://127.0.0.1:{port}")
    system = sdk.first_autopilot(30.0)
    if system is None:
        return False, "no autopilot heard", 0.0
    mission = [
        MissionItem(
            n, int(i[0]), int(i[1]), int(n == 0), 1, *(float(p) for p in i[2:6]), int(i[6]), int(i[7]), float(i[8]), 0
        )
        for n, i in enumerate(items)
    ]
    raw = MissionRaw(system)
    began = time.monotonic()
    try:
        raw.upload_mission(mission)
    except MavsdkError as err:
        return False, str(err.args[0] if err.args else err).split("\n")[0][:60], time.monotonic() - began
    return True, "", time.monotonic() - began


def dronekit_upload(port: int, items: list[list[Any]], deadline_s: float) -> tuple[bool, str, float]:
    """dronekit's command list, as its documentation shows it."""
    from dronekit import Command, connect  # noqa: PLC0415 - only this peer's environment has it

    vehicle = connect(f"udpin:127.0.0.1:{port}", wait_ready=False, heartbeat_timeout=30)
    began = time.monotonic()
    try:
        commands = vehicle.commands
        commands.clear()
        for frame, command, p1, p2, p3, p4, x, y, z in items:
            old_frame = 3 if frame == 6 else frame
            commands.add(Command(0, 0, 0, old_frame, command, 0, 1, p1, p2, p3, p4, x / 1e7, y / 1e7, z))
        commands.upload(timeout=int(deadline_s))
    except BaseException as err:  # noqa: BLE001 - whatever the peer raises is its answer, SystemExit included
        return False, f"{type(err).__name__}: {err}"[:120], time.monotonic() - began
    return True, "", time.monotonic() - began


def main() -> None:
    """Run one peer."""
    peer, port, path, deadline_s = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
    items = json.loads(path.read_text(encoding="utf-8"))
    try:
        if peer == "mavsdk":
            said, why, seconds = mavsdk_upload(port, items, deadline_s)
        else:
            said, why, seconds = dronekit_upload(port, items, deadline_s)
    except Exception as err:  # noqa: BLE001 - not even connected
        said, why, seconds = False, f"not connected: {type(err).__name__} {err}"[:120], 0.0
    sys.stdout.write("\n" + json.dumps({"said": said, "why": why, "seconds": seconds}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # dronekit's threads do not end by themselves


if __name__ == "__main__":
    main()
