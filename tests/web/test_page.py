"""The console as a dispatcher sees it: a real browser on a real centre that hears a box over a real broker."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from patrol.events import CameraStatus, Hazard, Position
from tests.web.conftest import PATIENCE_MS, OpenPage
from tests.web.town import FINDING, HEIGHT_PX, WIDTH_PX, Town, picture

LANE = Position(lat_deg=22.5433, lon_deg=114.05854, accuracy_m=2.1)
HAN = re.compile(r"[\u4e00-\u9fff]")
expect.set_options(timeout=PATIENCE_MS)


def rows(page: Page) -> list[str]:
    """Ids of the incidents in the list, from the top."""
    found: list[str] = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.incident)")
    return found


def test_an_empty_district_says_so_and_what_to_do(town: Town, open_page: OpenPage) -> None:
    """Before anything was found the page is live, says that it will change by itself, and marks the drill."""
    page = open_page("zh-CN")
    expect(page.locator(".lamp")).to_have_text("实时")
    expect(page.locator(".side .empty-title")).to_have_text("当前没有未结事件")
    expect(page.locator(".drill")).to_contain_text("演练")
    expect(page.locator("h1")).to_contain_text(town.config.district.name.zh)
    expect(page.locator(".status")).to_contain_text("盒子 0/2 在线")
    assert page.title() == "天地巡查"


def test_no_drill_banner_in_earnest(town: Town, open_page: OpenPage) -> None:
    """A district that is not an exercise shows no drill mark anywhere."""
    town.stop()
    town.config = town.config.model_copy(
        update={
            "district": town.config.district.model_copy(update={"drill": False, "id": f"{town.config.district.id}r"})
        }
    )
    town.start()
    town.raise_alert()
    page = open_page("en-US")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".drill")).to_have_count(0)
    assert "DRILL" not in page.locator("body").inner_text()


def test_an_alert_becomes_a_row_by_itself(town: Town, open_page: OpenPage) -> None:
    """A new incident moves into the list without a reload, is announced, and carries everything of its row."""
    page = open_page("en-US")
    expect(page.locator(".lamp")).to_have_text("Live")
    jpeg = picture("row")
    alert = town.raise_alert(position=LANE, jpeg=jpeg)
    row = page.locator(".row")
    expect(row).to_have_count(1)
    number = town.alerts()[alert.alert_id]
    for text in ("Blocked fire lane", "Fire lane mouth", "Grid worker middle", number, "left", "New"):
        expect(row).to_contain_text(text)
    assert row.locator("img").evaluate("image => image.naturalWidth") == 160
    expect(page.locator(".spoken")).to_have_text(f"New incident: Blocked fire lane, Fire lane mouth, case {number}")
    assert page.locator(".spoken").get_attribute("aria-live") == "polite"
    assert page.title() == "(1) Sky-Ground Patrol"


def test_the_picture_arrives_with_its_box_and_proves_itself(town: Town, open_page: OpenPage) -> None:
    """Waiting for upload, then the full frame with the finding's box in the right place; its bytes match its hash."""
    page = open_page("en-US")
    jpeg = picture("evidence")
    alert = town.raise_alert(position=LANE, jpeg=jpeg)
    page.locator(".row > button").click()
    expect(page.locator(".placeholder")).to_contain_text("on its way")
    expect(page.locator(".badge.file-waiting")).to_have_text("waiting for upload")
    town.upload(jpeg)
    image = page.locator("button.picture > img")
    expect(image).to_be_visible()
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") == WIDTH_PX

    frame, drawn = image.bounding_box(), page.locator(".picture .region rect").bounding_box()
    assert frame is not None
    assert drawn is not None
    scale = frame["width"] / WIDTH_PX
    assert abs(drawn["x"] - frame["x"] - FINDING.x_min_px * scale) < 2
    assert abs(drawn["y"] - frame["y"] - FINDING.y_min_px * scale) < 2
    assert abs(drawn["width"] - (FINDING.x_max_px - FINDING.x_min_px) * scale) < 2
    assert abs(frame["height"] - HEIGHT_PX * scale) < 2

    expect(page.locator(".file-facts code")).to_have_text(alert.evidence[0].sha256)
    page.get_by_role("button", name="Check the bytes").click()
    expect(page.locator(".verdict")).to_contain_text("These bytes have this hash")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{alert.evidence[0].sha256}.jpg"
    assert download.value.path().read_bytes() == jpeg


def test_the_picture_enlarges_to_the_finding_and_back(town: Town, open_page: OpenPage) -> None:
    """A click opens the whole picture, another one the finding, which then fills a good part of the screen."""
    page = open_page("zh-CN")
    jpeg = picture("zoom")
    town.raise_alert(jpeg=jpeg)
    town.upload(jpeg)
    page.locator(".row > button").click()
    page.locator("button.picture").click()
    zoomed = page.locator("dialog.zoom .region rect")
    whole = zoomed.bounding_box()
    page.get_by_role("button", name="目标", exact=True).click()
    page.wait_for_function("() => document.querySelector('.zoom-sheet').style.transform !== ''")
    near = zoomed.bounding_box()
    assert whole is not None
    assert near is not None
    assert near["height"] > whole["height"]
    assert near["height"] > 0.35 * 900
    assert abs(near["x"] + near["width"] / 2 - 720) < 20, "it stands in the middle"
    page.keyboard.press("Escape")
    expect(page.locator("dialog.zoom")).to_have_count(0)
    expect(page.locator(".detail")).to_be_visible()


def test_lost_evidence_says_why(town: Town, open_page: OpenPage) -> None:
    """Evidence that cannot come any more is shown as lost, with its reason in the reader's language."""
    alert = town.raise_alert(jpeg=picture("lost"))
    town.lose_evidence(alert)
    chinese, english = open_page("zh-CN"), open_page("en-US")
    for page, text in (
        (chinese, "文件内容与记录时不一致"),
        (english, "its bytes are no longer those that were recorded"),
    ):
        page.locator(".row > button").click()
        expect(page.locator(".placeholder.lost")).to_contain_text(text)


def test_the_detail_explains_and_places(town: Town, open_page: OpenPage) -> None:
    """Votes, shares, dwell, thresholds, model and its hash; position on the map with accuracy and camera."""
    alert = town.raise_alert(position=LANE, place="spot")
    town.raise_alert(position=LANE, place="spot")
    page = open_page("en-US")
    page.locator(".row > button").click()
    why = page.locator(".why")
    for text in ("a car has stood for 23 s", "limit is 20 s", "12 times", "11 times", "0.71", "0.35", "street 1.0.0"):
        expect(why).to_contain_text(text)
    expect(why.locator("code")).to_have_text("ab12cd34" * 8)
    expect(page.locator(".card.alerts li")).to_have_count(2)
    expect(page.locator(".card.alerts")).to_contain_text(alert.alert_id)
    expect(page.locator(".position code")).to_have_text("22.543300, 114.058540")
    expect(page.locator(".position")).to_contain_text("within 2.1 m")
    expect(page.locator(".where .pin")).to_have_count(1)
    expect(page.locator(".where .accuracy")).to_have_count(1)
    expect(page.locator(".where .symbol.camera.lit")).to_have_count(1)
    expect(page.locator(".where .wedge")).to_have_count(1)
    expect(page.locator(".facts")).to_contain_text("17.2\u202fm")
    expect(page.locator(".progress [aria-current=step]")).to_have_text("Assigned")


def test_gone_and_late_are_marked(town: Town, open_page: OpenPage) -> None:
    """What ended says so at once, what came late too; both stay in the list until the case is closed."""
    page = open_page("zh-CN")
    alert = town.raise_alert(late=True, ago_s=3600)
    expect(page.locator(".row .badge.late")).to_have_text("补报")
    town.end_alert(alert)
    expect(page.locator(".row .badge.ended")).to_have_text("已消失")
    expect(page.locator(".row")).to_have_count(1)


def test_what_the_centre_cannot_read_is_on_the_page(town: Town, open_page: OpenPage) -> None:
    """An unreadable message is counted in the status bar and listed with topic and reason in the chosen language."""
    page = open_page("zh-CN")
    expect(page.locator(".status")).to_contain_text("消息全部可读")
    town.garbage()
    town.garbage()
    expect(page.locator(".status")).to_contain_text("1 条无法读取的消息")
    page.locator(".status button", has_text="无法读取").click()
    panel = page.locator("dialog.panel")
    expect(panel).to_contain_text("上的消息无法读取")
    expect(panel).to_contain_text("共 2 次")
    expect(panel.locator("dd code")).to_have_text(f"patrol/v1/{town.config.district.id}/box/street/alert/raised")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.get_by_role("button", name="switch the page to English").click()
    page.locator(".status button", has_text="unreadable").click()
    expect(page.locator("dialog.panel")).to_contain_text("cannot be read: not JSON")


def test_boxes_and_cameras_come_and_go_in_the_status_bar(town: Town, open_page: OpenPage) -> None:
    """Online and offline boxes, lost cameras and the seconds nobody watched are there without a reload."""
    page = open_page("en-US")
    now = datetime.now(UTC)
    watching = CameraStatus(camera="gate", state="watching", since=now, last_frame_at=now, looks=120, unwatched_s=0)
    lost = CameraStatus(
        camera="fence", state="lost", since=now - timedelta(minutes=5), last_frame_at=now - timedelta(minutes=5), looks=80,
        unwatched_s=301.5, detail="no pictures for 10 s",
    )  # fmt: skip
    town.status(watching, lost, outbox_waiting=3)
    status = page.locator(".status")
    expect(status).to_contain_text("Boxes 1 of 2 online")
    expect(status).to_contain_text("Cameras 1 of 2 watching")
    expect(status).to_contain_text("5 min 2 s unwatched")
    page.locator(".status button").first.click()
    panel = page.locator("dialog.panel")
    for text in (
        "Street box",
        "picture lost",
        "no pictures for 10 s",
        "3 messages wait",
        "Fire lane mouth",
        "never heard of",
    ):
        expect(panel).to_contain_text(text)
    town.status(watching, state="offline")
    expect(panel.locator(".badge.box-offline")).to_have_count(1)
    expect(panel).to_contain_text("last said: watching")
    expect(status).to_contain_text("Boxes 0 of 2 online")


def test_language_and_theme_follow_the_browser_until_chosen(town: Town, open_page: OpenPage) -> None:
    """Chinese for a Chinese browser, the switch is remembered, and in English no Chinese is left on the page."""
    town.raise_alert(position=LANE)
    page = open_page("zh-CN", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="switch the page to English").click()
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator(".row > button").click()
    expect(page.locator(".card.alerts li")).to_have_count(1)
    text = page.locator("body").inner_text().replace("中文", "")
    assert not HAN.search(text), HAN.findall(text)
    assert not re.search(r"undefined|NaN|\[object|null", text)


def test_what_arrives_moves_neither_selection_nor_scroll(town: Town, open_page: OpenPage) -> None:
    """While a dispatcher reads further down, new incidents wait above; a pill says how many and leads there."""
    for number in range(16):
        town.raise_alert(place=f"spot-{number}")
    page = open_page("zh-CN")
    expect(page.locator(".row")).to_have_count(16)
    page.locator(".row > button").nth(10).click()
    chosen = rows(page)[10]
    page.locator(".scroller").evaluate("box => box.scrollTop = 500")
    place = f"() => document.querySelector('[data-incident=\"{chosen}\"]').getBoundingClientRect().top"
    before = page.evaluate(place)
    town.raise_alert(place="new-1")
    town.raise_alert(place="new-2")
    expect(page.locator(".row")).to_have_count(18)
    expect(page.locator(".arrived")).to_contain_text("2 起新事件")
    assert abs(page.evaluate(place) - before) <= 1
    expect(page.locator(".row.selected")).to_have_attribute("data-incident", chosen)
    page.locator(".arrived").click()
    assert page.locator(".scroller").evaluate("box => box.scrollTop") == 0
    expect(page.locator(".arrived")).to_have_count(0)


def test_the_keyboard_is_enough(town: Town, open_page: OpenPage) -> None:
    """j and k walk, Enter goes to the details, Escape back, / searches, o switches to all; ? tells so."""
    for number in range(3):
        town.raise_alert(place=f"spot-{number}")
    page = open_page("en-US")
    expect(page.locator(".row")).to_have_count(3)
    order = rows(page)
    selected = page.locator(".row.selected")
    page.keyboard.press("j")
    expect(selected).to_have_attribute("data-incident", order[0])
    page.keyboard.press("j")
    expect(selected).to_have_attribute("data-incident", order[1])
    page.keyboard.press("k")
    expect(selected).to_have_attribute("data-incident", order[0])
    assert order[0] in page.url
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.className") == "pane"
    page.keyboard.press("Escape")
    expect(page.locator(".overview")).to_be_visible()
    page.keyboard.press("o")
    expect(page.locator(".segments [aria-pressed=true]")).to_have_text("All")
    page.keyboard.press("/")
    page.keyboard.type("jjj")
    expect(page.locator(".side .empty-title")).to_have_text("Nothing matches")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog.panel")).to_contain_text("next incident")


def test_a_link_leads_to_an_incident_and_a_wrong_one_says_so(town: Town, open_page: OpenPage) -> None:
    """The address names the incident; one that does not exist is explained, not left loading."""
    town.raise_alert(position=LANE)
    page = open_page("en-US")
    page.locator(".row > button").click()
    expect(page.locator(".detail h2")).to_contain_text("Blocked fire lane")
    again = open_page("en-US", path=page.url.split("/", 3)[3])
    expect(again.locator(".detail h2")).to_contain_text("Blocked fire lane")
    page.go_back()
    expect(page.locator(".overview")).to_be_visible()
    nowhere = open_page("zh-CN", path="#/incident/0000-not-here")
    expect(nowhere.locator(".pane .empty-title")).to_have_text("这里没有这起事件")


def test_filter_and_search_narrow_the_list(town: Town, open_page: OpenPage) -> None:
    """By kind of hazard, and by words of either language in any order; the count says how many of how many."""
    town.raise_alert(position=LANE)
    town.raise_alert(Hazard.PERIMETER_INTRUSION, camera="yard", label="person", zone="lawn")
    page = open_page("en-US")
    expect(page.locator(".row")).to_have_count(2)
    page.locator("select").select_option("perimeter-intrusion")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("output.count")).to_have_text("1 of 2")
    page.locator("select").select_option("any")
    page.locator("input[type=search]").fill("消防 gate")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Fire lane mouth")


def test_every_open_incident_is_a_marker_that_leads_to_it(town: Town, open_page: OpenPage) -> None:
    """The overview's map carries the placed ones, says how many have no place, and a marker opens its incident."""
    town.raise_alert(position=LANE)
    town.raise_alert(Hazard.FLOODING, position=Position(lat_deg=22.5429, lon_deg=114.0556, accuracy_m=8), zone="road")
    town.raise_alert(Hazard.PERIMETER_INTRUSION, camera="yard", zone="lawn")
    page = open_page("en-US")
    expect(page.locator(".overview .pin")).to_have_count(2)
    expect(page.locator(".overview")).to_contain_text("1 open incident has no position on the map")
    page.locator(".overview .pin.hazard-flooding").click()
    expect(page.locator(".detail h2")).to_contain_text("Flooding")


def test_several_pictures_of_one_incident_each_have_their_own_box(town: Town, open_page: OpenPage) -> None:
    """Every alert's picture can be chosen, and the newest one stands first."""
    old, new = picture("old"), picture("new")
    town.raise_alert(place="spot", jpeg=old, ago_s=90)
    town.raise_alert(place="spot", jpeg=new)
    town.upload(old)
    town.upload(new)
    page = open_page("en-US")
    page.locator(".row > button").click()
    choice = page.locator(".file-choice button")
    expect(choice).to_have_count(2)
    first = page.locator("button.picture img").get_attribute("src")
    choice.nth(1).click()
    expect(page.locator("button.picture img")).not_to_have_attribute("src", first or "")
    expect(page.locator(".region rect")).to_have_count(1)
