"""The simulated drone: it flies the recorded missions with the recorded pictures, and fails as the recorded vehicles failed."""

from __future__ import annotations

from collections import Counter
from math import hypot
from typing import Any

import pytest

from patrol.flight.compare import Firmware
from patrol.flight.dialect import ID_OF
from patrol.flight.items import WireItem
from patrol.flight.messages import Command, Message, MissionType
from patrol.flight.sim.drone import Mode, SimDrone
from patrol.flight.sim.telemetry import MAKERS
from patrol.flight.sim.vehicle import Vehicle
from patrol.geo import LatLon
from tests.flight.conftest import recording_lines

HOME = LatLon(22.5431, 114.0579)
TICK_S = 0.1


class Rig:
    """A drone, its clock and all it has said."""

    def __init__(self, firmware: Firmware, **options: Any) -> None:
        self.drone = SimDrone(firmware, HOME, **options)
        self.vehicle = Vehicle(self.drone)
        self.now, self.beats = 0.0, True
        self.heard: list[tuple[float, Message]] = []

    def say(self, name: str, **fields: object) -> list[Message]:
        """Send it something."""
        to = {"target_system": 1, "target_component": 1}
        said = self.vehicle.hear(Message(name, {**to, **fields}, 255, 190), self.now)
        self.heard += [(self.now, m) for m in said]
        return said

    def command(self, number: int, *params: float) -> int:
        """A COMMAND_LONG; its result."""
        given = {f"param{n}": 0.0 for n in range(1, 8)} | {f"param{n}": p for n, p in enumerate(params, 1)}
        said = self.say("COMMAND_LONG", command=number, **given)
        return next(int(m["result"]) for m in said if m.name == "COMMAND_ACK")

    def run(self, seconds: float, until: str = "") -> None:
        """Let time pass; stop early at a text that begins so."""
        end = self.now + seconds
        while self.now < end:
            self.now += TICK_S
            if self.beats and round(self.now / TICK_S) % 10 == 0:
                self.say("HEARTBEAT", type=6)
            said = self.vehicle.tick(self.now)
            self.heard += [(self.now, m) for m in said]
            if until and any(m.name == "STATUSTEXT" and str(m["text"]).startswith(until) for m in said):
                return

    def texts(self) -> list[str]:
        """All STATUSTEXTs."""
        return [str(m["text"]) for _, m in self.heard if m.name == "STATUSTEXT"]

    def at(self, text: str) -> float:
        """When it said this."""
        return next(t for t, m in self.heard if m.name == "STATUSTEXT" and str(m["text"]).startswith(text))

    def take_off_on(self, items: list[WireItem]) -> None:
        """Load, arm and start a mission as the recordings did."""
        self.drone.bay.lists[MissionType.MISSION] = items
        self.run(2.0)
        if self.drone.firmware == "ardupilot":
            assert self.command(Command.DO_SET_MODE, 1, 4) == 0
            assert self.command(Command.COMPONENT_ARM_DISARM, 1) == 0
            assert self.command(Command.DO_SET_MODE, 1, 3) == 0
        else:
            assert self.command(Command.DO_SET_MODE, 1, 4, 4) == 0
            assert self.command(Command.COMPONENT_ARM_DISARM, 1) == 0
        assert self.command(Command.MISSION_START) == 0


def flown_in(recording: str) -> list[WireItem]:
    """The mission that was uploaded last in a recording."""
    items: dict[int, WireItem] = {}
    for line in recording_lines(recording):
        message = line["msg"]
        if line["dir"] == "gcs" and message.get("mavpackettype") == "MISSION_ITEM_INT":
            items[message["seq"]] = WireItem.read(message)
    return [items[n] for n in sorted(items)]


@pytest.mark.parametrize(
    ("recording", "firmware", "picture", "pictures", "reached"),
    [
        ("ap_07_survey", "ardupilot", "CAMERA_FEEDBACK", 32, 1),
        ("px4_07_survey", "px4", "CAMERA_IMAGE_CAPTURED", 24, 11),
    ],
)
def test_the_recorded_survey_is_flown(
    recording: str, firmware: Firmware, picture: str, pictures: int, reached: int
) -> None:
    """The survey of the recording: as many pictures as the real vehicle took, every waypoint reached, home again, disarmed."""
    rig = Rig(firmware)
    rig.take_off_on(flown_in(recording))
    rig.run(600, until="Disarm")
    counts = Counter(m.name for _, m in rig.heard)
    assert counts[picture] == pictures
    told = Counter(int(m["seq"]) for _, m in rig.heard if m.name == "MISSION_ITEM_REACHED")
    assert set(told.values()) == {reached}
    assert not rig.drone.flying.armed
    assert hypot(rig.drone.body.east_m, rig.drone.body.north_m) < 1.5


@pytest.mark.parametrize(
    ("firmware", "switch", "delay_s", "text"),
    [
        ("ardupilot", ("FS_GCS_ENABLE", 1.0), 5.0, "GCS Failsafe"),
        ("px4", ("NAV_DLL_ACT", 2.0), 5.6, "Data link lost"),
    ],
)
def test_a_lost_ground_station_brings_it_home(
    firmware: Firmware, switch: tuple[str, float], delay_s: float, text: str
) -> None:
    """It returns as long after the last heartbeat as was recorded; heartbeats that come back do not resume the mission."""
    rig = Rig(firmware)
    rig.drone.settings.set(*switch)
    if firmware == "px4":
        rig.drone.settings.set("COM_DL_LOSS_T", 5.0)
    rig.take_off_on(flown_in("ap_07_survey" if firmware == "ardupilot" else "px4_07_survey"))
    rig.run(30)
    rig.beats = False
    last = rig.drone.watch.gcs_heard_at
    assert last is not None
    rig.run(10, until=text)
    assert rig.at(text) - last == pytest.approx(delay_s, abs=0.2)
    assert rig.drone.flying.mode is Mode.RTL
    rig.beats = True
    rig.run(5)
    assert rig.drone.flying.mode is Mode.RTL


@pytest.mark.parametrize(
    ("firmware", "delay_s", "text"),
    [("ardupilot", 8.1, "EKF Failsafe"), ("px4", 5.0, "Failsafe enabled: no global position")],
)
def test_a_lost_position_makes_it_land_and_stay_in_land(firmware: Firmware, delay_s: float, text: str) -> None:
    """It lands after the recorded time, refuses the mission meanwhile, and does not go on by itself when GPS is back."""
    rig = Rig(firmware)
    rig.take_off_on(flown_in("ap_07_survey" if firmware == "ardupilot" else "px4_07_survey"))
    rig.run(30)
    rig.drone.faults.gps_lost, lost_at = True, rig.now
    rig.run(12, until=text)
    assert rig.at(text) - lost_at == pytest.approx(delay_s, abs=0.2)
    refused = (
        rig.command(Command.DO_SET_MODE, 1, 3) if firmware == "ardupilot" else rig.command(Command.DO_SET_MODE, 1, 4, 4)
    )
    assert refused == (4 if firmware == "ardupilot" else 1)
    rig.drone.faults.gps_lost = False
    rig.run(1)
    assert rig.drone.flying.mode is Mode.LAND


def test_ardupilots_battery_failsafes_wait_ten_seconds() -> None:
    """Low voltage returns after 10 s and critical lands 10 s later, as recorded; afterwards it does not arm."""
    rig = Rig("ardupilot")
    for name, value in (("BATT_FS_LOW_ACT", 2.0), ("BATT_FS_CRT_ACT", 1.0), ("BATT_CRT_VOLT", 10.0)):
        rig.drone.settings.set(name, value)
    rig.take_off_on(flown_in("ap_07_survey"))
    rig.run(30)
    rig.drone.battery.forced_v, began = 10.3, rig.now
    rig.run(20, until="Battery 1 is low")
    assert rig.now - began == pytest.approx(10.1, abs=0.3)
    assert rig.drone.flying.mode is Mode.RTL
    rig.drone.battery.forced_v, began = 9.9, rig.now
    rig.run(20, until="Battery 1 is critical")
    assert rig.now - began == pytest.approx(10.1, abs=0.3)
    assert str(rig.drone.flying.mode) == Mode.LAND
    rig.run(120, until="Disarm")
    assert rig.command(Command.DO_SET_MODE, 1, 4) == 0
    assert rig.command(Command.COMPONENT_ARM_DISARM, 1) == 4


@pytest.mark.parametrize(("firmware", "radius_m"), [("ardupilot", 100.1), ("px4", 85.0)])
def test_a_fence_brings_it_home(firmware: Firmware, radius_m: float) -> None:
    """ArduPilot turns back at the circle, PX4 before it; neither goes on outside."""
    rig = Rig(firmware)
    names = (
        {"FENCE_ENABLE": 1.0, "FENCE_RADIUS": 100.0, "FENCE_TYPE": 2.0}
        if firmware == "ardupilot"
        else {"GF_MAX_HOR_DIST": 100.0, "GF_ACTION": 3.0}
    )
    if firmware == "ardupilot":
        _set(rig, names)
    frame = 6
    away = [
        WireItem(22, frame, z=30.0, x=225431000, y=1140579000),
        WireItem(16, frame, x=225451000, y=1140579000, z=30.0),
    ]
    items = [WireItem(16, 0, x=225431000, y=1140579000), *away] if firmware == "ardupilot" else away
    rig.take_off_on(items)
    _set(rig, names)  # PX4 would refuse the mission before, so the recording sets it in flight
    furthest = 0.0
    for _ in range(900):
        rig.run(TICK_S)
        furthest = max(furthest, hypot(rig.drone.body.east_m, rig.drone.body.north_m))
    assert rig.drone.flying.mode is Mode.RTL or not rig.drone.flying.armed
    assert furthest < radius_m + (25 if firmware == "ardupilot" else 10)  # it has to brake from 10 m/s


def _set(rig: Rig, values: dict[str, float]) -> None:
    for name, value in values.items():
        rig.drone.settings.set(name, value)


def test_px4_refuses_a_mission_that_leaves_its_fence() -> None:
    """Set before the start, the same fence makes PX4 refuse the mission mode and name the waypoint, as recorded."""
    rig = Rig("px4")
    rig.drone.bay.lists[MissionType.MISSION] = [
        WireItem(22, 6, z=30.0, x=225431000, y=1140579000),
        WireItem(16, 6, x=225451000, y=1140579000, z=30.0),
    ]
    rig.drone.settings.set("GF_MAX_HOR_DIST", 100.0)
    assert rig.command(Command.DO_SET_MODE, 1, 4, 4) == 1
    assert "Geofence violation for waypoint 2" in rig.texts()


def test_wind_slows_it_and_does_not_push_it_off_its_line() -> None:
    """Ten metres a second from the east: the upwind legs take longer, the track stays within two metres, same pictures."""
    calm, windy = Rig("ardupilot"), Rig("ardupilot", wind_ms=10.0, wind_from_deg=90.0)
    for rig in (calm, windy):
        rig.take_off_on(flown_in("ap_07_survey"))
        rig.run(900, until="Disarm")
    assert windy.now > calm.now + 10
    assert Counter(m.name for _, m in windy.heard)["CAMERA_FEEDBACK"] == 32


def test_every_message_it_sends_exists() -> None:
    """Each name in the telemetry table is one of the dialect's."""
    assert set(MAKERS) <= set(ID_OF)


def test_steps_of_any_length_give_the_same_flight() -> None:
    """Time that jumps by seconds and time that runs in tenths bring the same drone to the same place."""
    places = []
    for tick in (0.1, 1.0):
        rig = Rig("px4")
        rig.take_off_on(flown_in("px4_07_survey"))
        end = rig.now + 60.0
        while rig.now < end - 1e-6:
            rig.now += tick
            rig.vehicle.tick(rig.now)
        places.append((rig.drone.body.east_m, rig.drone.body.north_m, rig.drone.body.up_m))
    assert places[0] == pytest.approx(places[1], abs=0.5)
