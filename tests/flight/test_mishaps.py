"""What goes wrong with a simulated drone by a word, and the clocks that let it fly fast."""

from __future__ import annotations

import asyncio

import pytest

from patrol.errors import UsageError
from patrol.flight.clock import Bell, Followed, Stepped
from patrol.flight.messages import Message
from patrol.flight.sim.cable import ADDRESS, Cable
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.mishaps import READY, Mishap, befall, due, read_mishap
from patrol.flight.sim.serve import Aloft, Losses
from patrol.flight.sim.vehicle import Vehicle
from tests.flight.conftest import FIRMWARES, HOME


@pytest.mark.parametrize(
    ("text", "mishap"),
    [
        ("gps-loss", Mishap("gps-loss")),
        ("60=link-loss", Mishap("link-loss", after_s=60.0)),
        ("1.5=2/battery:0.15", Mishap("battery", "0.15", 2, 1.5)),
        (" 3/refuse-arming:Compass 1: not healthy \n", Mishap("refuse-arming", "Compass 1: not healthy", 3)),
    ],
)
def test_a_fault_is_read(text: str, mishap: Mishap) -> None:
    """Time, drone, word and value are each optional but the word."""
    assert read_mishap(text) == mishap


@pytest.mark.parametrize("text", ["", "fire", "battery", "battery:150", "x=gps-loss", "gps-loss extra", "2/"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    """A mistyped fault is told with those that are known, and nothing happens."""
    with pytest.raises(UsageError, match="link-loss"):
        read_mishap(text)


def test_each_word_does_what_it_says() -> None:
    """Link, position, arming and battery go and come back."""
    drone, losses = SimDrone("px4", HOME), Losses()
    for word, value in (("link-loss", ""), ("gps-loss", ""), ("refuse-arming", "Wind"), ("battery", "0.3")):
        befall(Mishap(word, value), drone, losses)
    assert (losses.down, drone.faults.gps_lost, drone.faults.refuses_to_arm, drone.battery.remaining) == (
        True,
        True,
        "Wind",
        0.3,
    )
    assert losses.eat(Message("HEARTBEAT"))
    for word in ("link-back", "gps-back", "arm-again"):
        befall(Mishap(word), drone, losses)
    assert (losses.down, drone.faults.gps_lost, drone.faults.refuses_to_arm) == (False, False, "")


def test_a_fault_waits_for_its_time_in_the_air() -> None:
    """One with a time counts from arming; one without is due at once."""
    drone = SimDrone("ardupilot", HOME)
    drone.now = 500.0
    later = Mishap("gps-loss", after_s=60.0)
    assert due(Mishap("gps-loss"), drone)
    assert not due(later, drone)
    drone.flying.armed, drone.flying.armed_at = True, 500.0
    assert not due(later, drone)
    drone.now = 560.0
    assert due(later, drone)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_ready_drone_has_only_parameters_that_it_knows(firmware: str) -> None:
    """Everything that --ready sets exists on that firmware."""
    drone = SimDrone("px4" if firmware == "px4" else "ardupilot", HOME)
    for name, value in READY[drone.firmware].items():
        drone.settings.set(name, value)
        assert drone.settings[name] == value


def test_simulated_time_waits_for_the_ground() -> None:
    """With a lead its time stops half a second after what it last heard, goes on at the next frame, and makes no jump."""

    async def main() -> None:
        clock, cable = Stepped(), Cable()
        drone = SimDrone("px4", HOME)
        aloft = Aloft(Vehicle(drone), ADDRESS, clock=clock, opener=cable.drone, tick_s=0.1, lead_s=0.5)
        running = asyncio.create_task(aloft.run())
        ground = await cable.ground(ADDRESS, lambda _data, _peer: None, lambda _cause: None)
        with clock.member():
            await clock.sleep_until(5.0)
            assert drone.now == pytest.approx(5.0, abs=0.2)  # before it hears anybody it waits for nobody
            for heard in range(1, 4):
                ground.send(b"anything")
                await clock.sleep_until(5.0 + heard * 10.0)
                assert drone.now == pytest.approx(5.0 + heard * 0.5, abs=0.2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


def test_the_vehicles_time_is_followed() -> None:
    """It goes by what the vehicle says, never backwards, and by real time in between; a bell ends a sleep on it."""

    async def main() -> None:
        real = 0.0
        clock, bell = Followed(lambda: real), Bell()
        real = 2.0
        assert clock.now() == 2.0
        clock.heard(1000.0)  # where the vehicle's own count begins says nothing
        assert clock.now() == 2.0
        clock.heard(1040.0)
        assert clock.now() == 42.0
        real = 3.0
        assert clock.now() == 43.0
        clock.heard(1040.5)
        assert clock.now() == 43.0
        bell.ring()
        await clock.sleep_until(1e9, bell)
        assert not bell.rung

    asyncio.run(main())
