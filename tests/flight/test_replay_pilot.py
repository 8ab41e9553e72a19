"""A pilot takes over each time the recorded vehicle is armed, hears what the ground heard, and ends as the README says."""

from __future__ import annotations

import pytest

from patrol.flight.compile import Compiled
from patrol.flight.items import WireItem
from patrol.flight.messages import Message, MissionType
from patrol.flight.pilot import Ending, Pilot
from patrol.flight.preflight import Demands
from patrol.geo import LatLon
from tests.flight.conftest import recording_lines
from tests.flight.test_replay import firmware_of

HOME = LatLon(22.5431, 114.0579)
# recording: (how it ended, pictures); "away": came down and disarmed where it was
ENDINGS = {
    "ap_05_mission_through_exclusion": ("returned", 0),  # "Polygon fence breached" and RTL
    "ap_06_prearm": ("returned", 0),  # the forced arming: up and down at home
    "ap_07_mixed_actions": ("returned", 6),
    "ap_07_survey": ("returned", 32),
    "ap_08_pause_jump_abort": ("returned", 0),
    "ap_09_battery_failsafe": ("away", 0),  # RTL, then critical: LAND
    "ap_09_fence_breach": ("returned", 0),
    "ap_09_gcs_loss": ("returned", 0),
    "ap_09_gps_loss": ("returned", 0),  # RTL by command after GPS is back
    "ap_09_wind10": ("returned", 32),
    "ap_10_two_vehicles": ("returned", 0),
    "px4_05_mission_through_exclusion": ("returned", 0),
    "px4_06_prearm": ("returned", 0),  # the last arming: up and down at home
    "px4_07_survey": ("returned", 24),
    "px4_08_pause_jump_abort": ("returned", 0),
    "px4_09_battery_failsafe": ("away", 0),  # RTL, then emergency: landing
    "px4_09_fence_breach": ("returned", 0),
    "px4_09_gcs_loss": ("returned", 0),
    "px4_09_gps_loss": ("returned", 0),
    "px4_10_two_vehicles": ("returned", 0),
}


@pytest.mark.parametrize("name", sorted(ENDINGS))
def test_the_pilot_sees_the_recorded_ending(name: str) -> None:
    """The last arming is the flight: exactly one ending, the recorded one, with every picture the vehicle reported and no number missing."""
    items: dict[int, WireItem] = {}
    lines = list(recording_lines(name))
    for line in lines:
        message = line["msg"]
        ours = line["dir"] == "gcs" and message.get("target_system") == 1
        if ours and message.get("mavpackettype") == "MISSION_ITEM_INT" and message["mission_type"] == 0:
            items[message["seq"]] = WireItem.read(message)
    mission = tuple(items[n] for n in sorted(items)) or (WireItem(20, 6),)
    lists = {MissionType.MISSION: mission, MissionType.FENCE: (), MissionType.RALLY: ()}
    compiled, pilot = Compiled(firmware_of(name), lists), None
    ended: list[Pilot] = []
    for line in lines:
        message, at = line["msg"], float(line["t"])
        if line["dir"] != "vehicle" or line["sys"] != 1:
            continue
        if pilot is None:
            if message["mavpackettype"] != "HEARTBEAT" or not int(message["base_mode"]) & 128:
                continue
            pilot = Pilot(compiled, Demands(HOME, 0.0, 0.0, 0.0, False), takes_over=True)
            pilot.begin(at)
        pilot.hear(Message(message["mavpackettype"], message, 1, 1), at)
        while pilot.wake_at is not None and at >= pilot.wake_at:
            pilot.wake(at)
        if pilot.ending is not None:
            ended.append(pilot)
            pilot = None
    assert pilot is None or not pilot.seen.flew, (
        "it flew, and the flight never ended"
    )  # px4_09_battery ends armed on the ground
    last, (expected, pictures) = ended[-1], ENDINGS[name]
    ending = last.ending
    assert isinstance(ending, Ending)
    if expected == "away":
        assert ending.outcome == "aborted"
        assert "from home" in ending.reason
    else:
        assert ending.outcome == expected
    assert len(last.seen.pictures) == pictures
    assert last.seen.missing_pictures() == []
