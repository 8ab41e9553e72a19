"""A flight is kept whole: a log that others open, a summary that says what was planned and flown, a page that draws it."""

from __future__ import annotations

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pymavlink import mavutil

from patrol.cli import command
from patrol.errors import DroneLinkLost, FlightRecordUnreadable, FlightRecordUnwritable
from patrol.flight.compare import Firmware
from patrol.flight.keep import keep_flight, keep_log, kept_flight, kept_flights
from patrol.flight.link import Link
from patrol.flight.page import draw
from patrol.flight.record import FlightSummary, Header, Recorder
from patrol.flight.sim.cable import ADDRESS
from tests.flight.conftest import FIRMWARES, a_mission_of
from tests.flight.sky import BEGAN_S, Sky


def flown(firmware: Firmware, folder: Path) -> tuple[FlightSummary, Sky]:
    """A flight with its record in `folder`."""
    kept = list[FlightSummary]()

    async def ground(sky: Sky) -> None:
        header = Header(a_mission_of(firmware), 1, sky.wall(), sky.clock.now())
        recorders = list[Recorder]()
        flight = sky.flight(1, lambda news: recorders[0].hear(news))  # noqa: PLW0108 - it is there only later
        with keep_flight(sky.link, flight.pilot, header, folder, lambda err: pytest.fail(str(err))) as recorder:
            recorders.append(recorder)
            ending = await flight.run()
        kept.append(recorder.summary(flight.pilot, ending, sky.clock.now(), sky.link.qualities[(1, 1)]))

    sky = Sky((firmware,))
    asyncio.run(sky.play(ground))
    return kept[0], sky


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_flight_is_kept_and_read_back(firmware: Firmware, tmp_path: Path) -> None:
    """The record on disk is the record that was made, and says landed, every photograph, no trespass, and the way within 3 m."""
    made, sky = flown(firmware, tmp_path)
    assert kept_flights(tmp_path) == [made.id]
    read = kept_flight(tmp_path, made.id[:10])
    assert read == made
    assert (read.outcome, read.complete, read.system, read.breaches) == ("landed", True, 1, ())
    assert len(read.shots) == sky.drones[0].flying.shots
    assert read.missing_shots == ()
    assert read.against.cross_track_m is not None
    assert read.against.cross_track_m < 3.0
    assert read.against.flown_m == pytest.approx(read.against.planned_m, rel=0.05)
    assert [e.detail for e in read.events if e.what == "phase"][-1] == "flying"
    assert re.fullmatch(r"[0-9a-f]{64}", read.plan_hash)
    assert read.began.startswith("2026-09-21T")


def test_pymavlink_opens_the_log(tmp_path: Path) -> None:
    """Another program's reader finds both directions in the log, in order, at simulated wall-clock times, and the whole mission."""
    made, sky = flown("ardupilot", tmp_path)
    log: Any = mavutil.mavlink_connection(str(tmp_path / made.id / "flight.tlog"))
    times, items, ours, positions = list[float](), set[int](), 0, 0
    try:
        while (message := log.recv_match()) is not None:
            assert message.get_type() != "BAD_DATA"
            times.append(message._timestamp)
            ours += message.get_srcSystem() == 255
            positions += message.get_type() == "GLOBAL_POSITION_INT"
            if (
                message.get_type() == "MISSION_ITEM_INT"
                and message.get_srcSystem() == 255
                and message.mission_type == 0
            ):
                items.add(message.seq)
    finally:
        log.close()
    assert times == sorted(times)
    assert times[0] >= BEGAN_S
    assert times[-1] <= sky.wall()
    assert items == set(range(len(sky.drones[0].mission)))
    assert ours > 30
    assert positions > 100


class Page(HTMLParser):
    """Every tag and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.text = list[tuple[str, dict[str, str | None]]](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_commands_list_show_and_draw(tmp_path: Path) -> None:
    """`patrol flight list` and `show` say what was kept, in both languages; the page draws every sample and needs no network."""
    made, _ = flown("px4", tmp_path)
    run = CliRunner().invoke
    listed = run(command, ["flight", "list", "--kept", str(tmp_path), "--json"], catch_exceptions=False)
    assert json.loads(listed.output)["id"] == made.id
    for lang, word, heading in (("en", "landed", "Map"), ("zh-CN", "已降落", "地图")):
        page = tmp_path / f"{lang}.html"
        shown = run(
            command,
            ["flight", "show", made.id, "--kept", str(tmp_path), "--lang", lang, "--html", str(page)],
            catch_exceptions=False,
        )
        assert word in shown.output
        html = page.read_text(encoding="utf-8")
        parsed = Page()
        parsed.feed(html)
        assert heading in parsed.text
        assert word in parsed.text
        assert not re.search(r"(?:src|href|url\()\s*=?\s*['\"]?https?:", html)
        lines = [attrs["points"] or "" for tag, attrs in parsed.tags if tag == "polyline"]
        assert len(lines[1].split()) == len(made.track)
        assert html == draw(made, "zh-CN" if lang == "zh-CN" else "en")
    raw = run(command, ["flight", "show", made.id, "--kept", str(tmp_path), "--json"], catch_exceptions=False)
    assert FlightSummary.model_validate_json(raw.output) == made


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    """A missing flight, a damaged record, a name that two have, and a folder that cannot be made are each told by name."""
    with pytest.raises(FlightRecordUnreadable):
        kept_flight(tmp_path, "none")
    for name in ("20260101T000000Z-1", "20260101T000001Z-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "flight.json").write_text("{", encoding="utf-8")
    with pytest.raises(FlightRecordUnreadable, match="2 flights"):
        kept_flight(tmp_path, "20260101")
    with pytest.raises(FlightRecordUnreadable, match="JSON"):
        kept_flight(tmp_path, "20260101T000000Z-1")
    (tmp_path / "file").write_text("", encoding="utf-8")

    async def log() -> None:
        with keep_log(Link(ADDRESS), 1, tmp_path / "file" / "x"):
            pass

    with pytest.raises(FlightRecordUnwritable):
        asyncio.run(log())


def test_a_disk_that_fills_changes_no_flight(tmp_path: Path) -> None:
    """What a flight ends with comes through though its record cannot be written, which is told; a log on a full disk is cut short."""
    told = list[FlightRecordUnwritable]()

    async def lost() -> None:
        link, pilot = Link(ADDRESS), Sky(("ardupilot",)).flight(1).pilot
        header = Header(a_mission_of("ardupilot"), 1, BEGAN_S, 0.0)
        (tmp_path / header.id).mkdir()
        (tmp_path / header.id / "flight.tlog").symlink_to("/dev/full")
        (tmp_path / header.id / "flight.part").mkdir()
        with keep_flight(link, pilot, header, tmp_path, told.append):
            for _ in range(1000):
                for tap in link.taps:
                    tap(1, bytes(100))
            raise DroneLinkLost(link="a", cause="cut")

    with pytest.raises(DroneLinkLost):
        asyncio.run(lost())
    assert len(told) == 1
