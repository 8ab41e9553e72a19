"""The console on a phone, for fingers, for screen readers, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from patrol.events import Position
from tests.web.conftest import PATIENCE_MS, OpenPage
from tests.web.test_flights import phase, pose, status
from tests.web.town import ROOT, Town, picture

LANE = Position(lat_deg=22.5433, lon_deg=114.05854, accuracy_m=2.1)
TOUCH_PX = 44
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=PATIENCE_MS)

SMALL_TARGETS = """smallest => [...document.querySelectorAll("button, a[href], select, input, summary")]
  .filter(element => element.checkVisibility())
  .map(element => [element.className || element.tagName, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < smallest - 0.5 || box.height < smallest - 0.5)
  .map(([name, box]) => `${name} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fill(town: Town) -> None:
    """One incident with a picture, one without anything, one unreadable message, one box, one drone in the air."""
    jpeg = picture("everyone")
    town.raise_alert(position=LANE, jpeg=jpeg)
    town.upload(jpeg)
    town.raise_alert(camera="yard", zone="lawn", late=True)
    town.garbage()
    town.status()
    town.fly(status())
    town.fly(phase("flying"))
    town.fly(pose())


def test_a_phone_shows_list_or_detail_and_leads_back(town: Town, open_page: OpenPage) -> None:
    """At 360 px nothing overflows sideways; a tap opens the detail, the back button returns to the list."""
    fill(town)
    page = open_page("zh-CN", width=360, height=740, has_touch=True)
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".overview")).to_be_hidden()
    assert page.evaluate(OVERFLOW) == 0
    page.locator(".row > button").last.tap()
    expect(page.locator(".detail")).to_be_visible()
    expect(page.locator(".side")).to_be_hidden()
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_role("button", name="返回列表").tap()
    expect(page.locator(".row").first).to_be_visible()
    page.go_back()
    expect(page.locator(".detail")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1440])
def test_fingers_hit(town: Town, open_page: OpenPage, width: int) -> None:
    """Everything that can be pressed is at least 44 px in both directions: lists, details, panels."""
    fill(town)
    page = open_page("zh-CN", width=width)
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".status button")).to_have_count(3)
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    page.locator(".row > button").last.click()
    expect(page.locator("button.picture")).to_be_visible()
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    page.locator(".status button").last.click()
    expect(page.locator("dialog.panel summary")).to_be_visible()
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []


def violations(page: Page) -> list[str]:
    """What axe finds: WCAG 2.2 A and AA and its own good practices, contrast included."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {[node['target'] for node in each['nodes']][:4]}" for each in found]


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nobody_is_locked_out(town: Town, open_page: OpenPage, scheme: str, width: int) -> None:
    """List, overview, detail and panels have names, roles, landmarks and contrast that axe accepts."""
    fill(town)
    page = open_page("zh-CN", width=width, color_scheme=scheme)
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".status button")).to_have_count(3)
    assert violations(page) == []
    page.locator(".row > button").last.click()
    expect(page.locator("button.picture")).to_be_visible()
    expect(page.locator(".card.alerts li")).to_have_count(1)
    assert violations(page) == []
    for button in (0, 1, 2):
        page.locator(".status button").nth(button).click()
        expect(page.locator("dialog.panel")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
