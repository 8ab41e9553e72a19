"""Sensors on the page: a smoke alarm with its room in the incident, and what is silent or refused in the panel of boxes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from patrol.events import AlertRaised, BoxStatus, Explanation, Hazard, Position, Region, SensorStatus
from tests.web.conftest import OpenPage
from tests.web.town import Town


def smoke(town: Town) -> None:
    """The demo's smoke alarm has told of smoke twice; no camera is near, no picture goes along."""
    at = datetime.now(UTC) - timedelta(seconds=1)
    sensor = next(one for one in town.config.sensors if one.id == "rose-smoke")
    alert = AlertRaised(
        alert_id=str(uuid4()), box="street", camera="gate", hazard=Hazard.SMOKE_ALARM, place="rose-smoke/smoke", sensor=sensor.id,
        position=Position(lat_deg=sensor.at.lat_deg, lon_deg=sensor.at.lon_deg, accuracy_m=5),
        region=Region(x_min_px=0, y_min_px=0, x_max_px=1, y_max_px=1, width_px=1, height_px=1),
        explanation=Explanation(
            rule="smoke-alarm", zone=sensor.id, label="smoke", first_seen_at=at - timedelta(seconds=9), last_seen_at=at, dwell_s=9,
            needed_dwell_s=0, looks=2, votes=2, needed_share=1, confidence=1, threshold=1,
        ),
        model=None, evidence=(),
    )  # fmt: skip
    town.say(alert, at=at)


def test_a_smoke_alarm_names_its_sensor_and_room(town: Town, open_page: OpenPage) -> None:
    """The incident says which sensor in which room has told of what, in how many messages, and shows no share of looks."""
    page = open_page("en-US")
    smoke(town)
    page.locator(".row > button").click()
    expect(page.locator(".detail-title")).to_contain_text("Smoke alarm")
    expect(page.locator(".facts")).to_contain_text("Rose Court 2 smoke alarm · 2-1-302")
    why = page.locator(".why")
    expect(why).to_contain_text("The sensor has told of smoke in 2 messages within 9 s.")
    expect(why.locator(".measure")).to_have_count(0)
    in_chinese = open_page("zh-CN")
    in_chinese.locator(".row > button").click()
    expect(in_chinese.locator(".why")).to_contain_text("有 2 条消息报告烟雾")


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_what_is_silent_or_refused_is_seen(town: Town, open_page: OpenPage, language: str) -> None:
    """The panel of boxes lists each sensor with its state, when it was last heard, and what could not be read of it."""
    page, now = open_page(language), datetime.now(UTC)
    lines = (
        SensorStatus(sensor="rose-smoke", state="silent", last_heard_at=now - timedelta(hours=3), messages=4, unreadable=0),
        SensorStatus(sensor="rose-pile", state="refused", last_heard_at=None, messages=0, unreadable=7, detail="Not authorized"),
    )  # fmt: skip
    town.say(BoxStatus(box="street", session=9, state="online", software="test", sensors=lines))
    expect(page.locator(".status button.trouble").first).to_be_visible()
    page.locator(".status button").first.click()
    panel = page.locator("dialog.panel")
    words = {
        "en-US": ("Rose Court 2 smoke alarm", "silent", "refused by the broker", "Not authorized"),
        "zh-CN": ("玫瑰苑2栋烟感", "失联", "代理拒绝", "Not authorized"),
    }
    for text in words[language]:
        expect(panel).to_contain_text(text)
