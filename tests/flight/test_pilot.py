"""Whole flights in simulated time: every one ends as exactly one of landed, returned, aborted(reason), and never armed unproven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from patrol.commands.fly import EXIT_NOT_AS_PLANNED, EXIT_REFUSED, exit_code
from patrol.flight.compare import Firmware
from patrol.flight.messages import Message, MissionType
from patrol.flight.pilot import Ending, Pilot
from patrol.flight.sim.drone import Mode, SimDrone
from patrol.flight.sim.ether import Ether, Weather
from patrol.flight.sim.vehicle import Vehicle
from tests.flight.conftest import DEMANDS, FIRMWARES, HOME, SAFE, a_plan


@dataclass
class World:
    """A vehicle with a ground station's heartbeats; `events` happen to it at their times."""

    drone: SimDrone
    pilot: Pilot
    events: list[tuple[float, Callable[[World], None]]] = field(default_factory=list)
    linked: bool = True
    wishes: list[Message] = field(default_factory=list)
    armed_unproven: bool = False

    def __post_init__(self) -> None:
        self.vehicle = Vehicle(self.drone)

    def hear(self, message: Message, now: float) -> list[Message]:
        """Through the link, if there is one."""
        if int(message.fields.get("command", 0)) == 400 and message["param1"] == 1.0:
            self.armed_unproven |= set(self.pilot.aboard) != set(MissionType)
        return self.vehicle.hear(message, now) if self.linked else []

    def tick(self, now: float) -> list[Message]:
        """Fly, beat, and let things happen."""
        while self.events and now >= self.events[0][0]:
            self.events.pop(0)[1](self)
        said = list[Message]()
        if self.linked:
            said += self.vehicle.hear(Message("HEARTBEAT", {"type": 6}, 255, 190), now)
            for wish in self.wishes:
                to = {"target_system": 1, "target_component": 1}
                said += self.vehicle.hear(Message(wish.name, {**to, **wish.fields}, 255, 190), now)
        self.wishes.clear()
        said += self.vehicle.tick(now)
        return said if self.linked else []

    def wish(self, wish: str) -> None:
        """An order to the pilot, as from an operator."""
        self.wishes += self.pilot.order(wish, self.drone.now)  # type: ignore[arg-type]  # the four words


def world(firmware: Firmware, **options: float) -> World:
    """A vehicle ready to fly, and its pilot."""
    drone = SimDrone(firmware, HOME, **options)  # type: ignore[arg-type]  # numbers all of them
    for name, value in SAFE[firmware].items():
        drone.settings.set(name, value)
    return World(drone, Pilot(a_plan(firmware), DEMANDS))


def fly(made: World, loss: float = 0.0, seed: int = 0) -> Ending:
    """To the end."""
    ether = Ether(Weather(loss, loss, 0.003, 0.002), Random(seed), step_s=0.1)
    ending = ether.converse(made.pilot, made, limit_s=900.0)
    assert isinstance(ending, Ending)
    assert not made.armed_unproven
    return ending


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_a_flight_lands_at_home(firmware: Firmware, loss: float) -> None:
    """Uploaded, checked, armed, flown, photographed and landed, also with a fifth of all frames lost each way."""
    made = world(firmware)
    assert fly(made, loss).outcome == "landed"
    assert not made.drone.flying.armed
    assert made.drone.flying.shots >= 5
    if not loss:
        assert len(made.pilot.seen.pictures) == made.drone.flying.shots
        assert made.pilot.seen.missing_pictures() == []


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_abort_brings_it_home(firmware: Firmware) -> None:
    """Ordered back in mid-flight it comes home and says why."""
    made = world(firmware)
    made.events = [(30.0, lambda w: w.wish("abort"))]
    ending = fly(made)
    assert (ending.outcome, ending.reason) == ("aborted", "by order, landed at home")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_pause_and_resume(firmware: Firmware) -> None:
    """Paused it stands still for as long as it is told; resumed it goes on to the end."""
    made, places = world(firmware), list[float]()
    made.events = [
        (30.0, lambda w: w.wish("pause")),
        (40.0, lambda w: places.append(w.drone.body.east_m)),
        (60.0, lambda w: places.append(w.drone.body.east_m)),
        (60.1, lambda w: w.wish("resume")),
    ]
    assert fly(made).outcome == "landed"
    assert abs(places[0] - places[1]) < 0.5


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_lost_link_ends_at_home_and_is_told(firmware: Firmware) -> None:
    """The link goes for half a minute: the vehicle's own failsafe brings it home; the pilot says lost and back, and ends as returned."""
    made = world(firmware)
    made.events = [(30.0, lambda w: setattr(w, "linked", False)), (60.0, lambda w: setattr(w, "linked", True))]
    ending = fly(made)
    assert ending.outcome == "returned"
    said = [h.what for h in made.pilot.happenings]
    assert said.index("link lost") < said.index("link back")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_lost_position_is_no_return(firmware: Firmware) -> None:
    """GPS gone in mid-flight: it comes down where it is, and the ending says how far from home."""
    made = world(firmware)
    made.events = [(30.0, lambda w: setattr(w.drone.faults, "gps_lost", True))]
    ending = fly(made)
    assert ending.outcome == "aborted"
    assert "from home" in ending.reason


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"battery": 0.2}, "battery-low"),
        ({"FS_GCS_ENABLE": 0.0, "NAV_DLL_ACT": 0.0}, "no-link-failsafe"),
        ({"BATT_FS_LOW_ACT": 0.0, "COM_LOW_BAT_ACT": 0.0}, "no-battery-failsafe"),
        ({"FENCE_ENABLE": 0.0, "GF_ACTION": 0.0}, "no-fence"),
        ({"RTL_ALT": 1500.0, "RTL_RETURN_ALT": 15.0}, "return-too-low"),
        ({"east_m": 60.0}, "not-at-home"),
        ({"boot_s": 500.0}, "no-position"),
    ],
)
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_preflight_refuses(firmware: Firmware, change: dict[str, float], code: str) -> None:
    """Each shortcoming of the vehicle keeps it on the ground, unarmed, with its reason in both languages."""
    made = world(firmware)
    for name, value in change.items():
        if name == "battery":
            made.drone.battery.remaining = value
        elif name == "east_m":
            made.drone.body.east_m = value
        elif name == "boot_s":
            made.drone.boot_s = value
        elif name in SAFE[firmware]:
            made.drone.settings.set(name, value)
    ending = fly(made)
    assert ending.outcome == "aborted"
    assert code in [fault.code for fault in ending.faults]
    assert all(fault.said.en and fault.said.zh for fault in ending.faults)
    assert not made.drone.flying.armed
    assert made.drone.body.up_m == 0


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_refused_arming_is_given_up_with_the_vehicles_words(firmware: Firmware) -> None:
    """A vehicle that never arms is asked five times, and the ending carries its own text."""
    made = world(firmware)
    made.drone.faults.refuses_to_arm = "Compass 1 not healthy"
    ending = fly(made)
    assert ending.outcome == "aborted"
    assert "Compass 1 not healthy" in ending.reason


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_flying_drone_is_taken_over(firmware: Firmware) -> None:
    """A pilot that starts anew while the drone is in the air sees it to its landing without touching its mission."""
    made = world(firmware)
    ether = Ether(Weather(), Random(0), step_s=0.1)
    assert ether.converse(made.pilot, made, limit_s=30.0) is None
    assert made.drone.airborne
    made.pilot = Pilot(a_plan(firmware), DEMANDS, takes_over=True)
    before = list(made.drone.mission)
    ending = ether.converse(made.pilot, made, limit_s=900.0)
    assert isinstance(ending, Ending)
    assert ending.outcome == "landed"
    assert made.drone.mission == before
    assert made.drone.flying.mode is not Mode.RTL


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_exit_status_tells_whether_it_was_armed(firmware: Firmware) -> None:
    """Disarmed on the ground after arming is status 3, down but not as planned; only what was never armed is status 2."""
    made = world(firmware)
    made.events = [(tenth / 10, _disarm_if_armed) for tenth in range(600)]
    ending = fly(made)
    assert (ending.outcome, made.pilot.armed, made.pilot.seen.flew) == ("aborted", True, False)
    assert exit_code(ending, armed=made.pilot.armed) == EXIT_NOT_AS_PLANNED
    refused = world(firmware)
    refused.drone.faults.refuses_to_arm = "Compass not healthy"
    ending = fly(refused)
    assert not refused.pilot.armed
    assert exit_code(ending, armed=refused.pilot.armed) == EXIT_REFUSED


def _disarm_if_armed(made: World) -> None:
    if made.drone.flying.armed:
        made.drone.flying.armed = False
        made.drone.faults.refuses_to_arm = "somebody switched it off"
