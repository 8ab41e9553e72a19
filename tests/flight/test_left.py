"""What a flight left undone is told with the command that flies it, and that command flies it; records that are no summaries are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from patrol.broker import free_port
from patrol.cli import command
from patrol.errors import FlightRecordUnreadable, FlightUnfinished, MissionUncompilable
from patrol.flight.compare import Firmware
from patrol.flight.compile import compile_mission
from patrol.flight.keep import keep_summary, kept_flight, kept_flights, kept_mission
from patrol.flight.left import Left, left_lines, left_of, mission_of
from patrol.flight.record import FlightSummary, Shot
from patrol.geo import LatLon, distance_m
from patrol.planning.mission import IMAGE_START_CAPTURE, NAV_LAND, NAV_WAYPOINT
from tests.flight.conftest import FIRMWARES, a_mission_of
from tests.flight.test_fly import DRONES, a_round, fly, sim
from tests.flight.test_record import flown

run = CliRunner().invoke


def damaged(summary: FlightSummary, **changes: object) -> FlightSummary:
    """The same flight, ended otherwise."""
    return summary.model_copy(update=changes)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_mission_is_kept_and_is_the_one_that_was_flown(firmware: Firmware, tmp_path: Path) -> None:
    """What was flown can be flown again from its record alone, item for item; another mission in its place is refused."""
    made, _ = flown(firmware, tmp_path)
    kept = kept_mission(tmp_path, made)
    assert compile_mission(kept).lists == compile_mission(a_mission_of(firmware)).lists
    assert left_of(made) == Left(None, ())
    plan = tmp_path / made.id / "mission.plan"
    plan.write_text(
        plan.read_text(encoding="utf-8").replace('"cruiseSpeed"', '"x"').replace("22.5", "22.6"), encoding="utf-8"
    )
    with pytest.raises(FlightRecordUnreadable, match="not the mission that was flown"):
        kept_mission(tmp_path, made)
    plan.unlink()
    with pytest.raises(FlightRecordUnreadable, match=r"mission\.plan"):
        kept_mission(tmp_path, made)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_rest_holds_what_was_not_flown_and_what_was_not_pictured(firmware: Firmware, tmp_path: Path) -> None:
    """From the item in hand on, and one photograph for each missing number, before it comes down; nothing for a flight that never flew."""
    made, _ = flown(firmware, tmp_path)
    mission = kept_mission(tmp_path, made)
    first = 1 if firmware == "ardupilot" else 0
    places = [i for i in mission.items if i.command == NAV_WAYPOINT]
    item = mission.items.index(places[-1])
    a, b = (LatLon(p.lat_deg, p.lon_deg) for p in places[:2])
    shots = tuple(Shot(number=n, t_s=n, lat_deg=p.lat_deg, lon_deg=p.lon_deg, amsl_m=50) for n, p in ((4, a), (6, b)))
    broken = damaged(made, complete=False, item=item + first, shots=shots, missing_shots=(5,), outcome="returned")
    assert left_of(broken) == Left(item, (5,))
    rest = mission_of(broken, mission)
    photo = next(
        n for n, i in enumerate(rest.items) if i.command == IMAGE_START_CAPTURE and rest.items[n - 1].p1 == 1.0
    )
    there = LatLon(rest.items[photo - 1].lat_deg, rest.items[photo - 1].lon_deg)
    assert abs(distance_m(there, a) - distance_m(a, b) / 2) < 0.5, "half-way between its neighbours"
    assert rest.items[-1] == mission.items[-1]
    assert photo == len(rest.items) - 2
    assert mission.items[item] in rest.items
    only = damaged(broken, complete=True)
    again = mission_of(only, mission)
    assert [i.command for i in again.items].count(IMAGE_START_CAPTURE) == 1
    assert left_of(damaged(broken, flew=False)) == left_of(damaged(broken, outcome="unknown")) == Left(None, ())
    with pytest.raises(MissionUncompilable, match="nothing to fly again"):
        mission_of(made, mission)


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("from item 3 on", "2 photographs")), ("zh-CN", ("第 3 项起", "缺 2 张照片"))]
)
def test_what_is_left_is_said_in_both_languages(language: str, words: tuple[str, ...]) -> None:
    """The line counts items as people do, and the command can be pasted although a folder has a blank in its name."""
    lines = left_lines(
        Left(2, (4, 9)), "zh-CN" if language == "zh-CN" else "en", ["patrol", "fly", "--kept", "my flights"]
    )
    assert all(word in lines[0] for word in words)
    assert lines[1].endswith("patrol fly --kept 'my flights'")


def test_a_flight_that_turned_back_is_flown_to_its_end(tmp_path: Path) -> None:
    """A battery that gives out in flight leaves a rest, which `patrol fly --rest-of` flies with a fresh one: every photograph is there."""
    firmware: Firmware = "px4"  # test_again.py has both; here it is about the two programs
    whole = a_round(firmware, east_m=100.0)
    port = free_port()
    with sim(firmware, port, "--ready", "--fault", "22=battery:0.069"):
        first = fly(firmware, port, tmp_path, mission=whole)
    assert first.code == 3
    assert "battery low" in first.ending["reason"]
    (flight_id,) = kept_flights(tmp_path / "kept")
    left = first.ending["left"]
    assert left["flight"] == flight_id
    assert left["item"] is not None
    shown = run(command, ["flight", "show", flight_id, "--kept", str(tmp_path / "kept")], catch_exceptions=False)
    assert f"patrol fly --rest-of {flight_id}" in shown.output
    port = free_port()
    with sim(firmware, port, "--ready"):
        second = fly(firmware, port, tmp_path, "--rest-of", flight_id[:15], mission=None, plan=False)
    assert (second.code, second.errors) == (0, "")
    assert second.ending["left"] is None
    records = [kept_flight(tmp_path / "kept", each) for each in kept_flights(tmp_path / "kept")]
    taken = [LatLon(shot.lat_deg, shot.lon_deg) for record in records for shot in record.shots]
    photos = [n for n, i in enumerate(whole.items) if i.command in {203, IMAGE_START_CAPTURE}]
    for n in photos:
        place = LatLon(whole.items[n - 1].lat_deg, whole.items[n - 1].lon_deg)
        assert min(distance_m(place, shot) for shot in taken) < 5.0


def test_a_mission_or_a_flight_but_not_both(tmp_path: Path) -> None:
    """Without either, or with both, `patrol fly` says that it wants one of them; a flight with nothing left says so."""
    for arguments in ([], ["x.plan", "--rest-of", "y"]):
        result = run(command, ["fly", *arguments, "--drone", "falcon"])
        assert "Give either PLAN or --rest-of" in str(result.exception)
    made, _ = flown("ardupilot", tmp_path)
    result = run(command, ["fly", "--rest-of", made.id, "--drone", DRONES["ardupilot"][0], "--kept", str(tmp_path)])
    assert "nothing to fly again" in str(result.exception)


def test_flights_without_a_summary_are_listed_and_told(tmp_path: Path) -> None:
    """Frames without a summary are a flight in the air or interrupted, a damaged summary is named; neither hides the other flights."""
    made, _ = flown("px4", tmp_path)
    for name in ("20260101T000000Z-1", "20260101T000001Z-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "flight.tlog").write_bytes(bytes(2500))
    (tmp_path / "20260101T000001Z-1" / "flight.json").write_text("{", encoding="utf-8")
    for lang, air, broken in (
        ("en", "in the air, or its program was interrupted", "cannot be read"),
        ("zh-CN", "仍在空中，或程序被中断", "无法读取"),
    ):
        listed = run(command, ["flight", "list", "--kept", str(tmp_path), "--lang", lang], catch_exceptions=False)
        lines = listed.output.splitlines()
        assert [line.split()[0] for line in lines] == ["20260101T000000Z-1", "20260101T000001Z-1", made.id]
        assert air in lines[0]
        assert "2 kB" in lines[0]
        assert broken in lines[1]
    as_json = run(command, ["flight", "list", "--kept", str(tmp_path), "--json"], catch_exceptions=False)
    assert [json.loads(line)["outcome"] for line in as_json.output.splitlines()] == [None, None, "landed"]
    with pytest.raises(FlightUnfinished, match="in the air"):
        kept_flight(tmp_path, "20260101T000000Z-1")
    shown = run(command, ["flight", "show", "20260101T000000Z-1", "--kept", str(tmp_path)])
    assert isinstance(shown.exception, FlightUnfinished)


def test_a_page_that_cannot_be_written_is_told_by_its_name(tmp_path: Path) -> None:
    """`--html` into a folder that is not there names the page, not a flight record, and says what to do."""
    made, _ = flown("px4", tmp_path)
    page = tmp_path / "no" / "page.html"
    result = run(command, ["flight", "show", made.id, "--kept", str(tmp_path), "--html", str(page)])
    assert str(result.exception).startswith(f"{page} cannot be used: No such file or directory. Check that its folder")


def test_a_summary_of_an_earlier_version_is_still_read(tmp_path: Path) -> None:
    """A record from before missions were kept is listed and shown; only its rest cannot be flown."""
    made, _ = flown("px4", tmp_path)
    path = tmp_path / made.id / "flight.json"
    old = json.loads(path.read_text(encoding="utf-8"))
    for name in ("flew", "item", "broke_off", "home_amsl_m"):
        del old[name]
    path.write_text(json.dumps(old), encoding="utf-8")
    assert kept_flight(tmp_path, made.id).outcome == "landed"
    assert keep_summary(made, tmp_path / made.id) == path
    assert NAV_LAND in {i.command for i in kept_mission(tmp_path, made).items}
