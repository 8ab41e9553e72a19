"""Photographs that were never reported: the station flies those targets once more, by itself, and says so; a real store, then a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from patrol.events import FlightRequested
from patrol.flight.messages import Message
from patrol.flight.pilot import Ending
from patrol.flight.seen import Picture
from patrol.flight.station.errands import Errand, of_patrol
from patrol.flight.station.sorties import Prepared, prepare, without_picture
from patrol.geo import LatLon
from patrol.planning.mission import NAV_WAYPOINT
from tests.brokers import AnyBroker, a_broker
from tests.flight.station.district import Town, demo_config, run
from tests.flight.station.test_desk import CONFIG, DAWN, Ground, a_desk, answers, start, told

PATROL = CONFIG.patrols[0]


def flood(deadline_s: float = 7200.0) -> Errand:
    """The flood patrol, wanted at dawn."""
    errand = of_patrol(PATROL, "request-1", DAWN.timestamp(), 5, drill=True)
    return replace(errand, deadline_s=DAWN.timestamp() + deadline_s)


def prepared(drone: str) -> Prepared:
    """Its flight."""
    found = prepare(flood(), drone, CONFIG, DAWN.timestamp(), ())
    assert isinstance(found, Prepared)
    return found


@pytest.mark.parametrize("drone", ["falcon", "heron"])
def test_a_target_is_without_picture_when_none_was_reported_near_it(drone: str) -> None:
    """For both autopilots: all pictures, none missing; two left out, those two; a camera that reports nothing proves nothing."""
    flight = prepared(drone)
    first = 1 if flight.mission.autopilot == "ardupilot" else 0
    pictures = list[Picture]()
    for mark in flight.marks:
        stop = next(i for i in reversed(flight.mission.items[: mark.item - first]) if i.command == NAV_WAYPOINT)
        pictures.append(Picture(len(pictures) + 1, LatLon(stop.lat_deg + 2e-5, stop.lon_deg), 50.0, 0.0))  # 2 m off
    assert without_picture(flight, pictures) == ()
    assert without_picture(flight, pictures[2:4] + pictures[5:]) == tuple(flight.marks[n].target for n in (0, 1, 4))
    assert without_picture(flight, ()) == ()


def test_what_was_not_pictured_is_flown_once_more(tmp_path: Path) -> None:
    """It waits again with what is left and why, is flown alone when the drone is fit, and is done when the picture is there."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.ask(flood())
    start(desk, ground)
    desk.ended(ground.launched[0][0].id, Ending("landed", complete=True), 11, ("ponding-2", "ponding-7"))
    assert answers(store)[-1] == ("request-1", "waiting", ["photograph-missing"])
    said = told(store, "patrol.request.answered")[-1]
    assert said["left"] == ["ponding-2", "ponding-7"]
    assert "ponding-2" in said["reasons"][0]["zh"]
    assert set(told(store, "patrol.flight.phase")[-1]["seen"]) == set(PATROL.targets) - {"ponding-2", "ponding-7"}
    store.close()
    desk, store = a_desk(tmp_path, ground)  # a restart in between forgets nothing
    ground.now += timedelta(minutes=2)
    start(desk, ground)
    again = ground.launched[1][0]
    assert {mark.target for mark in again.prepared.marks} == {"ponding-2", "ponding-7"}
    desk.ended(again.id, Ending("landed", complete=True), 2)
    assert answers(store)[-1] == ("request-1", "done", [])


def test_it_is_not_flown_a_third_time(tmp_path: Path) -> None:
    """Without a picture also the second time it is given up, naming what was never pictured, and nothing waits any more."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.ask(flood())
    for missed in (("ponding-2", "ponding-7"), ("ponding-7",)):
        start(desk, ground)
        desk.ended(ground.launched[-1][0].id, Ending("landed", complete=True), 11, missed)
        ground.now += timedelta(minutes=2)
    assert answers(store)[-1] == ("request-1", "given-up", ["no-photograph"])
    assert told(store, "patrol.request.answered")[-1]["left"] == ["ponding-7"]
    assert desk.waiting == 0
    start(desk, ground)
    assert len(ground.launched) == 2


def test_what_is_left_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    """A drone that is not fit before the request's deadline flies nothing again: given up, with what is left."""
    ground = Ground()
    desk, store = a_desk(tmp_path, ground)
    desk.ask(flood(deadline_s=900.0))
    start(desk, ground)
    desk.ended(ground.launched[0][0].id, Ending("landed", complete=True), 11, ("ponding-2",))
    ground.states = {"falcon": "silent", "heron": "free"}  # the patrol is the falcon's
    for _ in range(4):
        ground.now += timedelta(minutes=5)
        start(desk, ground)
    assert len(ground.launched) == 1
    assert answers(store)[-1][:2] == ("request-1", "given-up")
    assert told(store, "patrol.request.answered")[-1]["left"] == ["ponding-2"]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyBroker]:
    """One broker."""
    with a_broker("nats", tmp_path_factory.mktemp("broker")) as one:
        yield one


def without(number: int) -> Callable[[Message], bool]:
    """A link that loses the report of one photograph."""
    return lambda message: message.name == "CAMERA_FEEDBACK" and int(message["img_idx"]) == number


def test_a_lost_report_brings_the_drone_back_to_that_point(broker: AnyBroker, tmp_path: Path) -> None:
    """A real station on a real broker: one report lost on the radio, and the drone flies that one target again and is done."""

    async def day() -> None:
        town = Town(
            demo_config(broker.url, patrols=(PATROL.model_copy(update={"cron": None, "on_rain": None}),)), tmp_path
        )
        losses = town.fleet.aloft["falcon"].losses
        losses.share, losses.only = 1.0, without(3)
        async with town.flying(), town.station():
            with town.clock.member():
                wanted = FlightRequested(
                    request_id="request-1",
                    kind="patrol",
                    patrol=PATROL.id,
                    deadline_at=town.wall() + timedelta(hours=2),
                )
                await town.publish(wanted, "request-1", "/center/demo")
                await town.until(lambda: town.answers("request-1"))
            await town.follow(lambda: town.answers("request-1")[-1].state in {"done", "given-up", "refused"})
        told = town.answers("request-1")
        (missing,) = [a for a in told if "photograph-missing" in {r.code for r in a.reasons}]
        assert (missing.state, len(missing.left)) == ("waiting", 1)
        assert [a.state for a in told if a.state != "waiting"] == ["flying", "flying", "done"]
        assert town.phases("falcon").count("landed") == 2

    run(day)
