"""Flights as an operator sees them: drones on the map, the panel, a station that dies; a real browser on a real centre."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from patrol.events import DronePose, DroneStatus, FlightPhase, Position, RequestAnswered, Said, StationStatus
from tests.web.conftest import PATIENCE_MS, OpenPage
from tests.web.town import Town

expect.set_options(timeout=PATIENCE_MS)
WIND = Said(code="wind", en="The wind is 14 m/s, falcon may fly in 10.", zh="风速 14 米/秒，falcon 限 10。")
FLIGHT = {"station": "dock", "drone": "falcon", "flight_id": "flight-0001", "request_id": "request-0001"}


def phase(name: Any, **facts: Any) -> FlightPhase:
    """Where the flight is."""
    return FlightPhase.model_validate({**FLIGHT, "phase": name, "patrol": "flood-round", **facts})


def pose(step: int = 0, **facts: Any) -> DronePose:
    """Where the drone is, ten metres further east with each step."""
    said = {
        "station": "dock", "drone": "falcon", "flight_id": "flight-0001", "height_m": 40.2, "yaw_deg": 90, "pitch_deg": -60,
        "position": Position(lat_deg=22.5437, lon_deg=114.0570 + step * 1e-4, accuracy_m=3), "speed_ms": 8.04,
        "battery": 0.72, "link_loss": 0.02,
    }  # fmt: skip
    return DronePose.model_validate({**said, **facts})


def status(state: Any = "online", session: int = 3, **facts: Any) -> StationStatus:
    """The station's sign of life."""
    drones = (
        DroneStatus(drone="falcon", state="flying", battery=0.72, flight_id="flight-0001"),
        DroneStatus(drone="heron", state="charging", battery=0.41),
    )
    said = {"station": "dock", "session": session, "state": state, "software": "0.1.0", "drones": drones, **facts}
    return StationStatus.model_validate(said)


class Flying:
    """What a station says again and again while a drone is in the air; a test changes it."""

    def __init__(self) -> None:
        self.pose: DronePose | None = pose()
        self.status = status()


@contextmanager
def flying(town: Town) -> Iterator[Flying]:
    """Twice a second a pose and a sign of life, so that what a slow machine shows late is still of now."""
    now, over = Flying(), threading.Event()

    def speak() -> None:
        while not over.wait(0.5):
            town.fly(now.status)
            if now.pose is not None:
                town.fly(now.pose)

    town.fly(now.status)
    thread = threading.Thread(target=speak, name="station")
    thread.start()
    try:
        yield now
    finally:
        over.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_drone_flies_over_the_map_and_lands(town: Town, open_page: OpenPage) -> None:
    """Its pose moves it without a reload, with heading, track, battery and height; when its flight ends it is gone."""
    page = open_page("en-US")
    expect(page.locator(".lamp")).to_have_text("Live")
    expect(page.locator(".status")).to_contain_text("No drone in the air")
    town.fly(phase("flying"))
    began = datetime.now(UTC) - timedelta(seconds=30)
    for step in range(7):
        town.fly(pose(step), at=began + timedelta(seconds=4 * step))
    drone = page.locator(".overview .drone")
    with flying(town) as station:
        station.pose = pose(7)
        expect(drone.locator(".craft")).to_have_attribute(
            "aria-label", "Drone Falcon: battery 72\u202f%, 40 m up, 8.0 m/s, link 98\u202f%"
        )
        expect(drone.locator(".drone-facts")).to_contain_text("72\u202f% · 40 m")
        expect(drone.locator(".craft > g")).to_have_attribute("transform", "rotate(90)")
        expect(page.locator(".status")).to_contain_text("1 drone in the air")
        expect(page.locator(".status")).to_contain_text("Stations 1 of 1 online")
        expect(page.locator(".overview .drone-track").first).to_be_attached()
        at = drone.bounding_box()
        station.pose = pose(20, battery=0.12, link_loss=0.3)
        expect(page.locator(".overview .drone.low .drone-facts")).to_contain_text("link 70\u202f%")
        moved = drone.bounding_box()
        assert at is not None
        assert moved is not None
        assert moved["x"] > at["x"] + 10, "east is to the right"
        town.fly(phase("landed", seen=("ponding-1", "ponding-2"), photographs=9))
        expect(drone).to_have_count(0)
        expect(page.locator(".status")).to_contain_text("No drone in the air")


def test_the_panel_of_flights_says_what_became_of_them(town: Town, open_page: OpenPage) -> None:
    """Stations, what is in the air, what has flown and what was refused, with reasons and names in both languages."""
    now = datetime.now(UTC)
    town.fly(phase("flying"), at=now - timedelta(minutes=10))
    town.fly(phase("returned", reasons=(WIND,), seen=("ponding-1",), photographs=7), at=now - timedelta(minutes=4))
    left = ("ponding-2", "ponding-3")
    town.fly(RequestAnswered(station="dock", request_id="request-0001", state="waiting", reasons=(WIND,), left=left))
    town.fly(RequestAnswered(station="dock", request_id="request-0002", state="refused", reasons=(WIND,)))
    town.fly(phase("flying", flight_id="flight-0002", request_id="request-0003", patrol=None))
    with flying(town) as station:
        station.status, station.pose = status(waiting=1), pose(flight_id="flight-0002")
        for locale, texts in (
            ("zh-CN", ("机场 dock", "在线", "1 个请求等待中", "空中", "单点查看", "飞行中", "一号机", "提前返回", "已看 1 个目标",
                       "照片 7 张", "历时 6 分钟", WIND.zh, "尚未看到：", "已拒绝", "充电中", "汛期积水巡查")),
            ("en-US", ("Station dock", "online", "1 request waits", "In the air", "A look at one place", "flying", "Falcon",
                       "returned early", "1 target seen", "7 photographs", "lasted 6 min", WIND.en, "not seen yet:", "refused",
                       "charging", "Flood round")),
        ):  # fmt: skip
            page = open_page(locale)
            expect(page.locator(".status button").nth(1)).to_contain_text("1")
            page.keyboard.press("f")
            panel = page.locator("dialog.panel")
            expect(panel.locator(".flight[data-flight]")).to_have_count(2)
            for text in texts:
                expect(panel).to_contain_text(text)
            expect(panel.locator(".map .drone")).to_have_count(1)
            panel.locator("[data-flight=flight-0001] summary").click()
            expect(panel.locator("[data-flight=flight-0001] .course > li")).to_have_count(2)


def test_a_station_that_dies_takes_the_belief_in_its_drones_with_it(town: Town, open_page: OpenPage) -> None:
    """Its last will marks the station offline and its flight as last said; the drone on the map fades and stays."""
    town.fly(phase("flying"))
    page = open_page("en-US")
    with flying(town) as station:
        expect(page.locator(".overview .drone.fresh")).to_have_count(1)
        station.status = status("offline")
        expect(page.locator(".status")).to_contain_text("Stations 0 of 1 online")
        expect(page.locator(".overview .drone.old")).to_have_count(1)
        page.locator(".overview .craft").click()
        panel = page.locator("dialog.panel")
        expect(panel.locator(".badge.box-offline")).to_have_text("offline")
        expect(panel.locator(".badge.phase-doubtful")).to_have_text("last said: flying")


@pytest.mark.parametrize(("age_s", "look", "text"), [(15, "old", "秒前"), (300, "lost", "分钟前")])
def test_a_drone_that_falls_silent_fades(town: Town, open_page: OpenPage, age_s: float, look: str, text: str) -> None:
    """No more poses: the drone says how long ago it was there, and is no longer drawn as if it were there now."""
    town.fly(pose())
    town.until("the drone is in the air", lambda: town.ask("/drones")["drones"])

    def grown_old(route: Route) -> None:
        drones = town.ask("/drones")
        for drone in drones["drones"]:
            heard = datetime.fromisoformat(drone["heard_at"]) - timedelta(seconds=age_s)
            drone["heard_at"] = heard.isoformat()
        route.fulfill(status=200, content_type="application/json", body=json.dumps(drones))

    page = open_page("zh-CN", path="#/")
    page.route("**/api/v1/drones", grown_old)
    page.reload()
    expect(page.locator(f".overview .drone.{look} .drone-facts")).to_contain_text(text)


def test_a_phone_has_the_map_of_the_flights_too(town: Town, open_page: OpenPage) -> None:
    """Where the overview has no room, the panel carries map and list, and nothing sticks out sideways."""
    town.fly(phase("flying"))
    with flying(town):
        page = open_page("zh-CN", width=390, height=844, has_touch=True, is_mobile=True)
        page.locator(".status button", has_text="无人机").tap()
        panel = page.locator("dialog.panel")
        expect(panel.locator(".map .drone")).to_be_visible()
        expect(panel.locator(".flight")).to_contain_text("汛期积水巡查")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
