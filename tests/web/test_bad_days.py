"""What the page says when something is wrong: nobody may take an old picture for the present one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from patrol.broker import Broker, free_port
from patrol.events import Position
from tests.web.conftest import PATIENCE_MS, OpenPage
from tests.web.town import Town, picture

LANE = Position(lat_deg=22.5433, lon_deg=114.05854, accuracy_m=2.1)
expect.set_options(timeout=PATIENCE_MS)


def test_a_centre_that_goes_and_returns(town: Town, open_page: OpenPage) -> None:
    """Not live while it is gone, with what was known still there; back by itself, with what came meanwhile."""
    town.raise_alert(place="before")
    page = open_page("en-US")
    expect(page.locator(".row")).to_have_count(1)
    town.stop()
    expect(page.locator(".lamp")).to_have_text("Not live")
    expect(page.locator(".strip.alarm")).to_contain_text("No connection to the centre since")
    assert page.title().startswith("⚠")
    expect(page.locator(".row")).to_have_count(1)
    town.raise_alert(place="meanwhile")
    town.start()
    expect(page.locator(".lamp")).to_have_text("Live")
    expect(page.locator(".strip")).to_have_count(0)
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".spoken")).to_contain_text("New incident")


def test_try_now_does_not_wait(town: Town, open_page: OpenPage) -> None:
    """The button under the banner reconnects at once, however long the next attempt would have been away."""
    page = open_page("zh-CN")
    page.clock.install()
    page.reload()
    expect(page.locator(".lamp")).to_have_text("实时")
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))  # from here on no timer of the page runs out
    town.stop()
    expect(page.locator(".strip.alarm")).to_contain_text("失去连接")
    town.start()
    expect(page.locator(".lamp")).to_have_text("非实时")
    page.get_by_role("button", name="立即重试").click()
    expect(page.locator(".lamp")).to_have_text("实时")


def test_a_broker_that_is_gone(console: Path, browser: Browser, tmp_path: Path) -> None:
    """The page says that nothing new can arrive while the centre has no broker, though the centre itself is live."""
    del console
    server = Broker(tmp_path / "broker", "127.0.0.1", free_port())
    server.start()
    town = Town.at(tmp_path, server)
    town.start()
    context = browser.new_context(locale="zh-CN")
    try:
        page = context.new_page()
        page.goto(town.url)
        expect(page.locator(".lamp")).to_have_text("实时")
        server.stop()
        town.until("the centre notices", lambda: not town.ask("/health")["broker"]["connected"])
        expect(page.locator(".strip.alarm")).to_contain_text("消息代理的连接已断开", timeout=20_000)
        expect(page.locator(".lamp")).to_have_text("实时")
    finally:
        context.close()
        town.stop()
        server.stop()


def test_a_first_load_that_fails(town: Town, open_page: OpenPage) -> None:
    """A page that never got a list says what to do, repeats the centre's own words, and heals by itself."""
    page = open_page("en-US")
    said = {"error": {"code": "DatabaseUnusable", "message": {"en": "The database is away.", "zh": "数据库不可用。"}}}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=json.dumps(said))

    page.route("**/api/v1/incidents?*", refuse)
    page.reload()
    failed = page.locator(".side .empty")
    expect(failed).to_contain_text("could not be loaded")
    expect(failed).to_contain_text("The database is away.")
    page.unroute("**/api/v1/incidents?*")
    town.raise_alert()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".row")).to_have_count(1)


def test_one_record_that_cannot_be_read(town: Town, open_page: OpenPage) -> None:
    """A record of a newer centre does not hide the others; the page says that it left one out, and which field."""
    town.raise_alert(place="a")
    town.raise_alert(place="b")
    page = open_page("en-US")

    def spoil(route: Route) -> None:
        body = route.fetch().json()
        body["incidents"][0]["hazard"] = "hazard-of-version-2"
        route.fulfill(json=body)

    page.route("**/api/v1/incidents?*", spoil)
    page.reload()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".strip.warn")).to_contain_text("incidents[0].hazard")


def test_a_picture_that_does_not_load(town: Town, open_page: OpenPage) -> None:
    """A transfer that fails is not shown as a broken image; it can be tried again."""
    jpeg = picture("broken")
    town.raise_alert(jpeg=jpeg)
    town.upload(jpeg)
    page = open_page("en-US")
    page.route("**/api/v1/evidence/*", lambda route: route.abort())
    page.locator(".row > button").click()
    expect(page.locator(".placeholder")).to_contain_text("did not load")
    page.unroute("**/api/v1/evidence/*")
    page.locator(".placeholder button").click()
    expect(page.locator("button.picture img")).to_be_visible()


def test_a_dispatchers_clock_that_is_wrong(town: Town, open_page: OpenPage) -> None:
    """Deadlines and ages follow the centre's clock, not this machine's, which is two hours ahead here."""
    town.raise_alert(position=LANE)
    page = open_page("en-US")
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=2))
    page.reload()
    expect(page.locator(".row .deadline")).to_have_text("59 min left")
    expect(page.locator(".row time")).to_contain_text("s ago")


def test_more_than_a_page(town: Town, open_page: OpenPage) -> None:
    """Beyond the 200 that come at first older incidents can be asked for, each once, until there are no more."""
    for number in range(205):
        town.raise_alert(place=f"spot-{number}", wait=False)
    town.until("all are stored", lambda: town.ask("/health")["counts"]["alerts"] == 205)
    page = open_page("en-US")
    expect(page.locator(".row")).to_have_count(200)
    page.get_by_role("button", name="Show older").click()
    expect(page.locator(".row")).to_have_count(205)
    expect(page.get_by_role("button", name="Show older")).to_have_count(0)
    ids = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.incident)")
    assert len(set(ids)) == 205
