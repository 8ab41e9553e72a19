"""The station's day in simulated time: real broker, real MAVLink frames, simulated drones; nothing is flown where nobody may fly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from patrol.events import AlertRaised, DronePose, FlightPhase, FlightRequested, StationStatus, WeatherWarned
from patrol.flight.keep import kept_flight, kept_flights
from patrol.geo import LatLon, distance_m
from patrol.reference.examples import examples
from tests.brokers import AnyBroker, a_broker
from tests.flight.station.district import Town, demo_config, run

FIRE = "0197347e-fire-4444-8888-0123456789ab"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyBroker]:
    """One broker for all of them; each test has a district folder of its own."""
    with a_broker("nats", tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture
def town(broker: AnyBroker, tmp_path: Path) -> Town:
    """The demo district half a minute before its flood patrol."""
    return Town(demo_config(broker.url), tmp_path)


def fire_at(town: Town, alert_id: str, lon_deg: float, lat_deg: float) -> Coroutine[Any, Any, None]:
    """A box's fire alert."""
    example = examples()[AlertRaised].data
    assert isinstance(example, AlertRaised)
    position = {"lat_deg": lat_deg, "lon_deg": lon_deg, "accuracy_m": 2.0}
    alert = AlertRaised.model_validate(
        example.model_dump() | {"alert_id": alert_id, "hazard": "flame-smoke", "position": position}
    )
    return town.publish(alert, alert_id, "/box/street", box="street")


async def sound(town: Town, alert_id: str, lon_deg: float = 114.0585, lat_deg: float = 22.5431) -> None:
    """Publish a fire alert while time stands still, until the station has answered it over the broker."""
    with town.clock.member():
        await fire_at(town, alert_id, lon_deg, lat_deg)
        await town.until(lambda: town.answers(alert_id))


def airborne(town: Town, drone: str, above_m: float = 30.0) -> Callable[[], bool]:
    """Whether it truly is in the air."""
    return lambda: town.fleet.drones[drone].body.up_m > above_m


async def settled(town: Town, *requests: str) -> None:
    """All that was said of these requests and of all flights has been heard, and every drone stands in its dock, disarmed."""
    over, ended = {"done", "refused", "given-up"}, {"landed", "returned", "aborted"}

    def heard() -> bool:
        told = [phase for drone in town.fleet.drones for phase in town.phases(drone)]
        flown = sum(phase == "launching" for phase in told) == sum(phase in ended for phase in told)
        return flown and all(any(a.state in over for a in town.answers(one)) for one in requests)

    with town.clock.member():
        await town.until(heard)
    for name, drone in town.fleet.drones.items():
        assert drone.body.up_m < 0.3, name
        assert not drone.flying.armed, name


def check_tracks(town: Town, least: int = 500) -> float:
    """No sample of any drone lies outside the boundary, inside a no-fly zone or within a building; how many samples were in the air."""
    config, frame = town.config, town.config.frame
    keep_in = shapely.Polygon([frame.to_local(p) for p in config.district.boundary])
    bans = [
        (c.id, shapely.Point(frame.to_local(c.at)).buffer(c.radius_m, 64), c.floor_m, c.ceiling_m)
        for c in config.airspace.no_fly_circles
    ]
    bans += [
        (z.id, shapely.Polygon([frame.to_local(p) for p in z.area]), z.floor_m, z.ceiling_m)
        for z in config.airspace.no_fly_areas
    ]
    bans += [
        (b.id, shapely.Polygon([frame.to_local(p) for p in b.footprint]), 0.0, b.height_m) for b in config.buildings
    ]
    aloft = [s for s in town.samples if s.up_m > 0.3]
    assert len(aloft) > least
    places = frame.many_to_local([s.at.lat_deg for s in aloft], [s.at.lon_deg for s in aloft])
    heights = np.array([s.up_m for s in aloft])
    assert shapely.contains_xy(keep_in, places).all()
    assert heights.max() <= config.airspace.ceiling_m
    for name, shape, floor_m, ceiling_m in bans:
        inside = shapely.contains_xy(shape, places) & (heights >= floor_m) & (heights <= ceiling_m)
        assert not inside.any(), f"in {name}: {[aloft[n] for n in np.flatnonzero(inside)[:3]]}"
    check_apart(town)
    return float(len(aloft))


def check_apart(town: Town) -> None:
    """Two drones in the air are never near each other in place and height at once."""
    moments: dict[float, list[Any]] = {}
    for sample in town.samples:
        if sample.up_m > 0.3:
            moments.setdefault(sample.at_s, []).append(sample)
    for pair in moments.values():
        if len(pair) == 2:
            a, b = pair
            wide = distance_m(a.at, b.at)
            assert wide > 15.0 or abs(a.up_m - b.up_m) > 5.0, f"{wide:.0f} m apart at {a.at_s:.0f} s"


def run_id(town: Town) -> str:
    """The scheduled run of that morning."""
    return f"flood-round-{(town.begins + timedelta(seconds=30)).strftime('%Y%m%dT%H%M%SZ')}"


def seen(town: Town, drone: str) -> list[set[str]]:
    """Targets of each flight of a drone, as told when it ended."""
    ends = {"landed", "returned", "aborted"}
    told = [e.data for e in town.heard if isinstance(e.data, FlightPhase) and e.data.drone == drone]
    return [set(data.seen) for data in told if data.phase in ends]


def ends(town: Town, drone: str) -> list[str]:
    """How its flights ended."""
    return [p for p in town.phases(drone) if p in {"landed", "returned", "aborted"}]


def test_a_scheduled_patrol_and_a_fire_in_mid_flight(town: Town, tmp_path: Path) -> None:
    """The flood patrol of twelve points takes off at 06:30; a fire is flown to by the other drone; both land, all said as drill."""

    async def day() -> None:
        async with town.flying(), town.station() as station:
            await town.follow(airborne(town, "falcon"), 200)
            await sound(town, FIRE)
            await town.follow(airborne(town, "heron"), 200)
            await town.follow(lambda: station.desk is not None and not station.desk.flights)
            await town.pass_time(5)
            await settled(town, run_id(town), FIRE)

    run(day)
    targets = {f"ponding-{n}" for n in range(1, 13)}
    assert town.phases("falcon") == ["launching", "flying", "landed"]
    assert seen(town, "falcon") == [targets]
    assert town.phases("heron") == ["launching", "flying", "landed"]
    assert [a.state for a in town.answers(run_id(town))] == ["waiting", "flying", "done"]
    told = [(a.state, a.drone) for a in town.answers(FIRE)]
    assert told[0] == ("waiting", None)
    assert told[-2:] == [("flying", "heron"), ("done", None)]
    assert len(told) <= 4  # it may have to wait until the patrol has passed its dock, and says so once
    assert all(event.drill for event in town.heard)
    poses = [e for e in town.heard if isinstance(e.data, DronePose)]
    assert len(poses) > 20  # those that the broker could not take in time are not said later
    states = {
        d.state for e in town.heard if isinstance(e.data, StationStatus) for d in e.data.drones if d.drone == "falcon"
    }
    assert states & {"free", "flying"}
    assert check_tracks(town) > 500
    for drone in ("falcon", "heron"):
        folder = tmp_path / "var" / "station" / "flights" / drone
        (kept,) = [kept_flight(folder, one) for one in kept_flights(folder)]
        assert (kept.outcome, kept.breaches) == ("landed", ())
        assert len(kept.track) > 60


def test_a_second_fire_calls_the_patrol_back_and_its_remainder_is_flown_later(town: Town) -> None:
    """Both drones busy: the patrol returns to its dock, its drone flies to the second fire, then sees what was left, nothing twice."""
    second = FIRE.replace("4444", "5555")

    async def day() -> None:
        async with town.flying(), town.station() as station:
            desk = station.desk
            assert desk is not None
            await town.follow(airborne(town, "falcon"), 200)
            await sound(town, FIRE)
            await town.follow(airborne(town, "heron"), 200)
            await town.follow(lambda: any(k.item > 12 for k in desk.flights.values() if k.drone == "falcon"), 400)
            await sound(town, second, lon_deg=114.0562, lat_deg=22.5430)
            await town.follow(lambda: not desk.flights and not desk.waiting, 4000)
            await town.pass_time(5)
            await settled(town, run_id(town), FIRE, second)

    run(day)
    assert "recalled" in town.phases("falcon")
    assert [a.state for a in town.answers(second)][-1] == "done"
    parts = [part for part in seen(town, "falcon") + seen(town, "heron") if any(t.startswith("ponding") for t in part)]
    assert len(parts) == 2
    assert parts[0]
    assert parts[1]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {f"ponding-{n}" for n in range(1, 13)}
    assert [a.state for a in town.answers(run_id(town))][-1] == "done"
    check_tracks(town)


def test_a_lost_link_brings_it_home_and_the_rest_is_flown(town: Town) -> None:
    """The radio is gone for 40 s in mid-flight: the drone returns by its own failsafe, both are told, then the rest is flown."""

    async def day() -> None:
        async with town.flying(), town.station() as station:
            desk = station.desk
            assert desk is not None
            await town.follow(lambda: any(k.item > 15 for k in desk.flights.values()), 400)
            town.fleet.aloft["falcon"].losses.down = True
            await town.pass_time(40)
            town.fleet.aloft["falcon"].losses.down = False
            await town.follow(lambda: not desk.flights and not desk.waiting, 4000)
            await town.pass_time(5)
            await settled(town, run_id(town))

    run(day)
    assert town.phases("falcon")[:5] == ["launching", "flying", "link-lost", "link-back", "returned"]
    assert ends(town, "falcon") == ["returned", "landed"]
    first, rest = seen(town, "falcon")
    assert first
    assert rest
    assert not first & rest
    assert len(first | rest) == 12
    check_tracks(town)


def test_a_low_battery_brings_it_home_and_the_rest_waits_for_the_charger(town: Town) -> None:
    """An emptying battery ends the flight at home; the rest waits with that reason until the dock has charged, then is flown."""

    async def day() -> None:
        async with town.flying(), town.station() as station:
            desk = station.desk
            assert desk is not None
            await town.follow(lambda: any(k.item > 15 for k in desk.flights.values()), 400)
            town.fleet.drones["falcon"].battery.remaining = 0.24
            await town.follow(lambda: not desk.flights and not desk.waiting, 6000)
            await town.pass_time(5)
            await settled(town, run_id(town))

    run(day)
    assert ends(town, "falcon") == ["returned", "landed"]
    waits = [r.code for a in town.answers(run_id(town)) if a.state == "waiting" for r in a.reasons]
    assert "charging" in waits
    assert [a.state for a in town.answers(run_id(town))][-1] == "done"
    check_tracks(town)


@pytest.mark.parametrize("away_s", [0.0, 60.0, 900.0], ids=["at once", "a minute", "too late"])
def test_a_station_that_is_killed_in_mid_flight_takes_over(town: Town, away_s: float) -> None:
    """Started again at once it flies the mission to its landing; after a minute the drone is returning; after 15 it stands at home.

    In each case the flight ends once, and what was left of the patrol is flown by the same request.
    """
    sessions = []

    async def day() -> None:
        async with town.flying():
            with town.clock.member():
                async with AsyncExitStack() as first:
                    station = await first.enter_async_context(town.station(killed=True))
                    desk = station.desk
                    assert desk is not None
                    await town.follow(lambda: any(k.item > 15 for k in desk.flights.values()), 400)
                    sessions.append(next(iter(desk.flights)))
                if away_s:
                    await town.pass_time(away_s)
                async with town.station() as again:
                    later = again.desk
                    assert later is not None
                    assert list(later.flights) == sessions
                    await town.follow(lambda: not later.flights and not later.waiting, 4000)
                    await town.pass_time(5)
                    await settled(town, run_id(town))

    run(day)
    expected = {0.0: ["landed"], 60.0: ["returned", "landed"], 900.0: ["returned", "landed"]}[away_s]
    assert ends(town, "falcon") == expected
    assert ("taken-over" in town.phases("falcon")) == (away_s < 900)
    first_ends = [e.data for e in town.heard if isinstance(e.data, FlightPhase) and e.data.flight_id == sessions[0]]
    assert sum(data.phase in {"landed", "returned", "aborted"} for data in first_ends) == 1
    assert set().union(*seen(town, "falcon")) == {f"ponding-{n}" for n in range(1, 13)}
    assert [a.state for a in town.answers(run_id(town))][-1] == "done"
    check_tracks(town)


def request(town: Town, request_id: str, **fields: Any) -> Coroutine[Any, Any, None]:
    """A request of the centre."""
    deadline = town.wall() + timedelta(minutes=30)
    data = FlightRequested.model_validate(
        {"request_id": request_id, "deadline_at": deadline, "asked_by": "test"} | fields
    )
    return town.publish(data, request_id, "/center/demo")


def test_a_re_check_is_flown_with_the_same_pose_and_what_cannot_be_is_refused(town: Town) -> None:
    """Where the earlier picture was taken the drone stands again, nose and height as asked; a place outside is refused with reasons.

    The same request sent twice flies once; one in a thunderstorm waits with that reason until the warning is lifted.
    """
    pose = {
        "position": {"lat_deg": 22.5436, "lon_deg": 114.0578, "accuracy_m": 1},
        "height_m": 45,
        "yaw_deg": 80,
        "pitch_deg": -50,
    }
    outside = {"position": {"lat_deg": 22.5500, "lon_deg": 114.0700, "accuracy_m": 1}}
    storm: dict[str, Any] = {"warning_id": "storm-0001", "kind": "thunderstorm", "begins_at": town.wall() - timedelta(minutes=5),
                             "ends_at": town.wall() + timedelta(hours=5)}  # fmt: skip

    async def day() -> None:
        town.begins += timedelta(hours=2)  # no patrol is due
        async with town.flying(), town.station() as station:
            desk = station.desk
            assert desk is not None
            await town.pass_time(5)
            with town.clock.member():
                await town.publish(
                    WeatherWarned(**storm, level="red"), "storm-0001-1", "/weather/x", kind="thunderstorm"
                )
                await request(town, "recheck-0001", kind="re-check", case_number="DEMO-1", **pose)
                await request(town, "outside-0001", kind="verification", **outside)
                await town.until(lambda: town.answers("recheck-0001") and town.answers("outside-0001"))
            await town.pass_time(30)
            with town.clock.member():
                await town.until(
                    lambda: "grounded" in [r.code for a in town.answers("recheck-0001") for r in a.reasons]
                )
                assert not desk.flights
                await town.publish(
                    WeatherWarned(**storm, level=None), "storm-0001-2", "/weather/x", kind="thunderstorm"
                )
                await request(town, "recheck-0001", kind="re-check", case_number="DEMO-1", **pose)
                await asyncio.sleep(0.5)
            await town.follow(lambda: not desk.flights and not desk.waiting, 2000)
            await town.pass_time(5)
            await settled(town, "recheck-0001", "outside-0001")

    run(day)
    assert [a.state for a in town.answers("recheck-0001")][-2:] == ["flying", "done"]
    assert [a.state for a in town.answers("recheck-0001")].count("flying") == 1
    refused = town.answers("outside-0001")[-1]
    assert refused.state in {"refused", "given-up"}
    assert refused.reasons
    assert all(reason.en and reason.zh for reason in refused.reasons)
    asked = LatLon(22.5436, 114.0578)
    there = [s for s in town.samples if distance_m(s.at, asked) < 3 and abs(s.up_m - 45) < 1]
    assert any(abs(s.yaw_deg - 80) < 3 for s in there)
    check_tracks(town, 100)
