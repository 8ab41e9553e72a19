"""Compiled missions: frozen as files, made of what real autopilots accepted, and read back without a difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from patrol.errors import MissionUncompilable
from patrol.flight.compare import Firmware
from patrol.flight.compile import Compiled, compile_mission, orbit
from patrol.flight.install import Aboard, Install
from patrol.flight.messages import MissionType
from patrol.flight.sim import shelf
from patrol.flight.sim.ether import Ether, Weather
from patrol.geo import LatLon
from patrol.planning.mission import FenceCircle, FencePolygon, Item, Mission, Rally
from tests.flight.conftest import MAVLINK, recording_lines
from tests.flight.test_transfer import bay_of

GOLDEN = Path(__file__).parents[1] / "golden" / "missions"
HOME = LatLon(22.5431, 114.0579)
FIRMWARES: tuple[Firmware, ...] = ("ardupilot", "px4")


def a_plan(firmware: Firmware) -> Mission:
    """A mission with one of everything that the planner makes, and an orbit."""
    yaw = nan if firmware == "px4" else 0.0
    items = (
        Item(22, 3, 0.0, 0.0, 0.0, yaw, *HOME, 40.0),
        Item(178, 2, 1.0, 8.0, -1.0),
        Item(205, 2, -90.0, alt_m=2.0),
        Item(16, 3, 3.0, 2.0, 0.0, yaw, 22.5434, 114.0575, 40.0),
        Item(206, 2, 15.0, 0.0, 1.0),
        Item(16, 3, 0.0, 2.0, 0.0, yaw, 22.5434, 114.0583, 40.0),
        Item(206, 2),
        Item(2000, 2, 0.0, 0.0, 1.0),
        *orbit(LatLon(22.5440, 114.0583), 25.0, 1, 35.0, firmware),
        Item(177, 2, 4.0, 1.0),
        Item(21, 3, 0.0, 0.0, 0.0, yaw, *HOME, 0.0),
    )
    ring = (LatLon(22.5413, 114.0559), LatLon(22.5413, 114.0598), LatLon(22.5453, 114.0598), LatLon(22.5453, 114.0559))
    fence = (FencePolygon(ring, True), FenceCircle(LatLon(22.5438, 114.0590), 25.0, False))
    return Mission(items, HOME, 10.0, firmware, 8.0, fence, (Rally(LatLon(22.5420, 114.0570), 30.0),), "golden")


def as_json(compiled: Compiled) -> str:
    """The lists as the golden files have them."""
    lists = {
        kind.name.lower(): [[i.command, i.frame, *i.params, i.x, i.y, i.z] for i in compiled.lists[kind]]
        for kind in MissionType
    }
    return json.dumps(lists, indent=1) + "\n"


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_compiled_missions_are_the_golden_ones(firmware: Firmware) -> None:
    """The same plan gives the very items of the file; a change of the compilers shows as a changed file."""
    assert as_json(compile_mission(a_plan(firmware))) == (GOLDEN / f"{firmware}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_compiled_missions_read_back_without_a_difference(firmware: Firmware) -> None:
    """All three lists go aboard over a bad link and prove to be there; PX4 finds the mission flyable."""
    compiled, bay = compile_mission(a_plan(firmware)), bay_of(firmware)
    for kind in MissionType:
        ending = Ether(Weather(0.1, 0.1)).converse(Install(compiled.lists[kind], kind, firmware), bay)
        assert isinstance(ending, Aboard)
    if firmware == "px4":
        assert shelf.px4_feasible(bay.lists[MissionType.MISSION]) is None


def accepted_pairs(prefix: str) -> Iterator[tuple[int, int]]:
    """(command, frame) of items that a recorded vehicle gave back: it had taken them."""
    for path in sorted(MAVLINK.glob(f"{prefix}_*.jsonl.gz")):
        asked: dict[int, tuple[int, int]] = {}
        for line in recording_lines(path.name.removesuffix(".jsonl.gz")):
            message = line["msg"]
            if message.get("mavpackettype") == "MISSION_ITEM_INT" and line["dir"] == "gcs":
                asked[message["seq"]] = (message["command"], message["frame"])
            if str(message.get("mavpackettype")).startswith("MISSION_REQUEST") and line["dir"] == "vehicle":
                previous = asked.get(message["seq"] - 1)  # the next one was asked for: this one was taken
                if previous is not None:
                    yield previous
            if message.get("mavpackettype") == "MISSION_ACK" and line["dir"] == "vehicle":
                if message["type"] == 0 and asked:
                    yield asked[max(asked)]
                asked.clear()


@pytest.mark.parametrize(("firmware", "prefix"), [("ardupilot", "ap"), ("px4", "px4")])
def test_real_autopilots_accepted_what_is_compiled(firmware: Firmware, prefix: str) -> None:
    """Each pair of command and frame that the compilers emit was taken by the recorded autopilot, in that frame or (ArduPilot, without a place) any."""
    taken = set(accepted_pairs(prefix))
    if not taken:
        pytest.skip("recordings missing")
    compiled = compile_mission(a_plan(firmware))
    emitted = {(i.command, i.frame) for kind in MissionType for i in compiled.lists[kind]}
    unseen = emitted - taken
    if firmware == "ardupilot":
        any_frame = {command for command, _ in taken}
        assert {(c, f) for c, f in unseen if f != 2 or c not in any_frame} <= {(177, 2)}  # only a bad jump is recorded
    else:
        assert unseen <= {(5100, 5)}  # recorded in frames 0 and 3; frame 5 is what it reads back


@pytest.mark.parametrize(
    ("firmware", "item"),
    [
        ("px4", Item(18, 3, 1.0, 0.0, 20.0, 0.0, *HOME, 30.0)),
        ("px4", Item(112, 2, 2.0)),
        ("px4", Item(16, 10, 0.0, 0.0, 0.0, nan, *HOME, 30.0)),
        ("px4", Item(16, 3, 0.0, 0.0, 0.0, nan, 22.56, 114.0579, 30.0)),
        ("ardupilot", Item(34, 3, 20.0, 3.0, 0.0, 0.0, *HOME, 30.0)),
        ("ardupilot", Item(16, 3, 0.5, 0.0, 0.0, 0.0, *HOME, 30.0)),
        ("ardupilot", Item(16, 3, alt_m=30.0)),
        ("ardupilot", Item(16, 3, lat_deg=22.5, lon_deg=114.0, alt_m=nan)),
        ("ardupilot", Item(16, 1, lat_deg=22.5, lon_deg=114.0, alt_m=30.0)),
    ],
)
def test_what_the_autopilot_would_refuse_is_refused_before(firmware: Firmware, item: Item) -> None:
    """Each item that a recorded autopilot refused, or would change silently, is told with its number."""
    plan = a_plan(firmware)
    with pytest.raises(MissionUncompilable, match="Item 4"):
        compile_mission(replace(plan, items=(*plan.items[:3], item, *plan.items[3:])))
