"""What a flight leaves undone is flown again: the rest after a battery swap, photographs that are missing, orders to the camera, safe points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import hypot, nan
from random import Random

import pytest

from patrol.errors import MissionUncompilable
from patrol.flight.again import Place, item_of, missed_places, refly, rest_of
from patrol.flight.compare import Firmware
from patrol.flight.compile import compile_mission
from patrol.flight.messages import Message
from patrol.flight.pilot import LOST_S, Ending, Pilot
from patrol.flight.preflight import objections
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.ether import Ether, Weather
from patrol.flight.sim.vehicle import Vehicle
from patrol.geo import EastNorth, LatLon, Lens, LocalFrame, distance_m
from patrol.planning.drone import Drone, SurveyCamera
from patrol.planning.mission import FencePolygon, Item, Mission, Rally
from patrol.planning.safety import Rules, judge
from tests.flight.conftest import DEMANDS, FIRMWARES, HOME, SAFE

FRAME = LocalFrame(HOME)
SPACING_M = 20.0


def survey(firmware: Firmware, rally: tuple[Rally, ...] = ()) -> Mission:
    """Camera down, two lines of 120 m with a photograph each 20 m, home."""
    yaw = nan if firmware == "px4" else 0.0

    def leg(east_m: float, north_m: float) -> Item:
        return Item(16, 3, 0.0, 0.0, 0.0, yaw, *FRAME.to_wgs84(EastNorth(east_m, north_m)), 30.0)

    on, off = Item(206, 2, SPACING_M, 0.0, 1.0), Item(206, 2)
    items = (
        *(Item(22, 3, 0.0, 0.0, 0.0, yaw, *HOME, 30.0), Item(178, 2, 1.0, 6.0, -1.0), Item(205, 2, -90.0, alt_m=2.0)),
        *(leg(0, 40), on, leg(120, 40), off, leg(120, 80), on, leg(0, 80), off),
        Item(21, 3, 0.0, 0.0, 0.0, yaw, *HOME, 0.0),
    )
    ring = tuple(FRAME.to_wgs84(EastNorth(e, n)) for e, n in ((-100, -100), (200, -100), (200, 200), (-100, 200)))
    return Mission(items, HOME, 10.0, firmware, 6.0, (FencePolygon(ring, True),), rally)


class Aloft:
    """A vehicle with heartbeats; `when` happens once, at its moment. Photographs are seen from inside it."""

    def __init__(self, firmware: Firmware, mission: Mission, **pilot: object) -> None:
        self.drone = SimDrone(firmware, HOME)
        for name, value in SAFE[firmware].items():
            self.drone.settings.set(name, value)
        self.vehicle = Vehicle(self.drone)
        self.pilot = Pilot(compile_mission(mission), DEMANDS, **pilot)  # type: ignore[arg-type]  # by name
        self.taken = list[tuple[int, LatLon]]()
        self.when: list[tuple[Callable[[SimDrone], bool], Callable[[Aloft], list[Message] | None]]] = []
        self.linked = True

    def hear(self, message: Message, now: float) -> list[Message]:
        """Through the link."""
        return self.vehicle.hear(message, now) if self.linked else []

    def tick(self, now: float) -> list[Message]:
        """Fly, and let things happen."""
        said = list[Message]()
        if self.when and self.when[0][0](self.drone):
            for message in self.when.pop(0)[1](self) or []:
                to = {"target_system": 1, "target_component": 1}
                said += self.vehicle.hear(Message(message.name, {**to, **message.fields}, 255, 190), now)
        if self.linked:
            said += self.vehicle.hear(Message("HEARTBEAT", {"type": 6}, 255, 190), now)
        said += self.vehicle.tick(now)
        for m in said:
            if m.name in {"CAMERA_FEEDBACK", "CAMERA_IMAGE_CAPTURED"}:
                place = LatLon(m["lat"] / 1e7, m["lng" if m.name == "CAMERA_FEEDBACK" else "lon"] / 1e7)
                self.taken.append((int(m["img_idx" if m.name == "CAMERA_FEEDBACK" else "image_index"]), place))
        return said if self.linked else []

    def fly(self, dropped: Callable[[Message, bool], bool] | None = None, limit_s: float = 3000.0) -> Ending:
        """To the end."""
        ending = Ether(Weather(), Random(0), dropped, step_s=0.1).converse(self.pilot, self, limit_s=limit_s)
        assert isinstance(ending, Ending)
        return ending


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_rest_is_flown_after_a_battery_swap(firmware: Firmware) -> None:
    """A battery that runs low in mid-line brings it home; the rest begins a few photographs back, camera as it was, and nothing is left out."""
    mission = survey(firmware)
    whole = Aloft(firmware, mission)
    assert whole.fly().complete

    first = Aloft(firmware, mission)

    def run_low(aloft: Aloft) -> None:
        aloft.drone.battery.remaining, aloft.drone.battery.flight_s = 0.069, 20_000.0
        aloft.drone.battery.forced_v = 10.2

    low_at_m = 25 if firmware == "ardupilot" else 80  # ArduPilot turns back ten seconds later
    first.when = [(lambda d: d.body.east_m > low_at_m, run_low)]
    ending = first.fly()
    assert (ending.outcome, ending.reason, ending.complete) == ("returned", "battery low", False)
    assert ending.broke_off is not None
    rest = rest_of(mission, item_of(firmware, ending.item), ending.broke_off)
    second = Aloft(firmware, rest)
    assert second.fly().outcome == "landed"
    assert second.drone.flying.gimbal_pitch_deg == -90.0
    began = FRAME.to_local(second.taken[0][1])
    broke = FRAME.to_local(ending.broke_off)
    assert 2.5 * SPACING_M <= broke.east_m - began.east_m <= 3.5 * SPACING_M
    again = [place for _, place in first.taken + second.taken]
    assert all(min(distance_m(place, other) for other in again) < SPACING_M for _, place in whole.taken)
    assert len(second.taken) < len(whole.taken)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_missing_photographs_are_noticed_and_flown_again(firmware: Firmware) -> None:
    """Photographs whose reports never came are told while it flies; a second flight takes one at each of their places."""
    lost = {3, 4, 8}
    number = "img_idx" if firmware == "ardupilot" else "image_index"
    aloft = Aloft(firmware, survey(firmware))

    def drop(message: Message, up: bool) -> bool:
        return not up and message.name.startswith("CAMERA_") and int(message[number]) in lost

    assert aloft.fly(drop).outcome == "landed"
    assert set(aloft.pilot.seen.missing_pictures()) == lost
    assert [h.detail for h in aloft.pilot.happenings if h.what == "photographs missing"] == ["3, 4", "8"]
    places = missed_places(aloft.pilot.seen.pictures, 10.0)
    second = Aloft(firmware, refly(survey(firmware), places))
    assert second.fly().outcome == "landed"
    true = [place for n, place in aloft.taken if n in lost]
    assert len(second.taken) == len(lost)
    assert max(distance_m(a, b) for a, (_, b) in zip(true, second.taken, strict=True)) < 4.0


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_it_returns_to_the_nearest_safe_point(firmware: Firmware) -> None:
    """Ordered back when a rally point is nearer than home it lands there, and the ending says so."""
    there = FRAME.to_wgs84(EastNorth(110, 10))
    aloft = Aloft(firmware, survey(firmware, (Rally(there, 40.0),)))
    aloft.when = [(lambda d: d.body.east_m > 100, lambda a: a.pilot.order("abort", a.drone.now))]
    ending = aloft.fly()
    assert (ending.outcome, ending.reason) == ("aborted", "by order, landed at a safe point")
    assert hypot(aloft.drone.body.east_m - 110, aloft.drone.body.north_m - 10) < 1.5


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_camera_and_jump_orders_are_obeyed(firmware: Firmware) -> None:
    """In flight the camera turns as ordered and looks at a place and away again, each accepted; a jump leaves out what lies between."""
    aloft = Aloft(firmware, survey(firmware))
    last = len(aloft.drone.mission) or aloft.pilot.items - 2
    aloft.when = [
        (lambda d: d.body.east_m > 20, lambda a: a.pilot.look(-45.0, 0.0, a.drone.now)),
        (lambda d: d.body.east_m > 40, lambda a: a.pilot.watch(HOME, a.drone.now)),
        (lambda d: d.body.east_m > 60, lambda a: a.pilot.watch(None, a.drone.now)),
        (lambda d: d.body.east_m > 80, lambda a: a.pilot.jump(last, a.drone.now)),
    ]
    assert aloft.fly().outcome == "landed"
    assert aloft.drone.flying.gimbal_pitch_deg == -45.0
    said = [(h.what, h.detail) for h in aloft.pilot.happenings]
    assert [what for what, _ in said if what in {"look", "watch", "jump"}] == ["look", "watch", "watch", "jump"]
    assert all(detail.endswith(": 0") for what, detail in said if what == "answer")
    assert max(FRAME.to_local(place).north_m for _, place in aloft.taken) < 50


def test_a_vehicle_that_is_never_heard_again_ends_the_flight() -> None:
    """A link that stays lost in flight ends as aborted after a time longer than any battery, and not never."""
    aloft = Aloft("ardupilot", survey("ardupilot"))
    aloft.when = [(lambda d: d.body.east_m > 60, lambda a: setattr(a, "linked", False))]
    ending = aloft.fly()
    assert ending.outcome == "aborted"
    assert f"{LOST_S:.0f} s" in ending.reason


def test_the_judges_verdict_keeps_it_down() -> None:
    """What the judge forbids is a reason of pre-flight, in both languages, before anything is sent to the vehicle."""
    mission = replace(
        survey("ardupilot"),
        fence=(
            FencePolygon(
                tuple(FRAME.to_wgs84(EastNorth(e, n)) for e, n in ((-50, -50), (50, -50), (50, 50), (-50, 50))), True
            ),
        ),
    )
    found = judge(mission, Rules(Drone("falcon", SurveyCamera(Lens.from_hfov(4000, 3000, 73.0)))))
    aloft = Aloft("ardupilot", mission, objections=objections(found))
    ending = aloft.fly()
    assert ending.outcome == "aborted"
    assert ending.faults
    assert all(fault.code.startswith("judge-") and fault.said.en != fault.said.zh for fault in ending.faults)
    assert not aloft.drone.mission


def test_too_much_wind_keeps_it_down() -> None:
    """Wind above what the drone may fly in, from whatever source gives it, is a reason of pre-flight."""
    ending = Aloft("px4", survey("px4"), wind_ms=14.0).fly()
    assert [fault.code for fault in ending.faults] == ["windy"]


def test_what_cannot_be_divided_is_refused() -> None:
    """A mission with jumps, one of which nothing is left, and no missing places are each refused by name."""
    mission = survey("ardupilot")
    jumping = replace(mission, items=(*mission.items[:-1], Item(177, 2, 2.0, 1.0), mission.items[-1]))
    with pytest.raises(MissionUncompilable, match="jumps"):
        rest_of(jumping, 5)
    with pytest.raises(MissionUncompilable, match="nothing is left"):
        rest_of(mission, len(mission.items) - 1)
    with pytest.raises(MissionUncompilable, match="nothing to fly"):
        refly(mission, ())
    assert refly(mission, (Place(HOME, 30.0),)).name == "mission-again"
