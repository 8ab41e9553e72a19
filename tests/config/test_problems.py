"""Every way in which a configuration can be wrong: named on its line, with its remedy, in both languages, all in one go."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from patrol.config import load
from patrol.config.load import parse
from patrol.config.problems import PROBLEMS, ConfigProblems, Problem

ROOT = Path(__file__).resolve().parents[2]
GOOD = Path(__file__).with_name("district.yaml").read_text(encoding="utf-8")


class Mistake(NamedTuple):
    """`old` in district.yaml becomes `new`; what must be said about the line that holds `at` (by default `new`)."""

    code: str
    old: str
    new: str
    place: str
    en: str
    zh: str
    at: str = ""


# One example or more for every code in PROBLEMS but `unreadable` (see below).
MISTAKES = [
    Mistake("not-yaml", "timezone: Asia/Shanghai", "timezone: [Asia/Shanghai", "", "indentation and quotes", "缩进和引号", at="origin: ["),
    Mistake("duplicate-key", "  origin: [", "  drill: false\n  origin: [", "district.drill", "Remove one; the first is at line ", "第一个在第 ", at="  drill: true"),
    Mistake("missing", "  timezone: Asia/Shanghai\n", "", "district.timezone", "IANA time zone, for hours and deadlines", "IANA 时区", at="district:"),
    Mistake("missing", "        hazard: blocked-fire-lane\n", "", "cameras[0].zones[0].hazard", "what is looked for", "要找的隐患", at="      - id: lane"),
    Mistake("unknown-key", "    loop: true\n    lens: {width_px: 1280, height_px: 720, hfov_deg: 68}\n    pose: {at: [114.0584852", "    colour: red\n    lens: {width_px: 1280, height_px: 720, hfov_deg: 68}\n    pose: {at: [114.0584852", "cameras[0].colour", "Known: box, id", "可用", at="    colour: red"),
    Mistake("misspelt-key", "merge_within_m: 8", "merge_withing_m: 8", "dispatch.merge_withing_m", "Did you mean 'merge_within_m'?", "merge_within_m"),
    Mistake("wrong-unit", "height_m: 18", "height_ft: 59", "buildings[0].height_ft", "convert the number to metres", "换算成米", at="id: rose-1"),
    Mistake("wrong-unit", "dwell_s: 20 ", "dwell_min: 1 ", "cameras[0].zones[0].dwell_min", "convert the number to seconds", "换算成秒", at="dwell_min: 1 "),
    Mistake("wrong-unit", "hfov_deg: 55", "hfov: 55", "cameras[2].lens.hfov", "convert the number to degrees", "换算成度", at="width_px: 768"),
    Mistake("unit-in-value", "height_m: 24", "height_m: 24 m", "buildings[1].height_m", "bare number, in metres", "单位为米", at="id: rose-2"),
    Mistake("unit-in-value", "clear_s: 10", "clear_s: '10s'", "cameras[0].zones[0].clear_s", "in seconds", "单位为秒"),
    Mistake("wrong-type", "width_m: 12", "width_m: wide", "roads[0].width_m", "a number (from kerb to kerb)", "数字（路缘到路缘的宽度）", at="id: river-road"),
    Mistake("wrong-type", "drill: true ", "drill: perhaps ", "district.drill", "true or false (", "true 或 false（", at="drill: perhaps"),
    Mistake("wrong-type", "port: 8080", "port: 80.5", "center.port", "a whole number (port of pages and API)", "整数（页面和接口的端口）"),
    Mistake("wrong-type", "hazards: [rooftop-violation]", "hazards: rooftop-violation", "patrols[1].hazards", "a list (what is looked for)", "列表（要找的隐患）"),
    Mistake("wrong-type", "hazards: [rooftop-violation]", "hazards: []", "patrols[1].hazards", "at least 1 (", "至少 1 个（"),
    Mistake("wrong-type", "{zh: 一号机, en: Falcon}", "Falcon", "drones[0].name", "a mapping (key: value) (what people call it)", "映射（键: 值）（人们对它的称呼）", at="id: falcon"),
    Mistake("wrong-type", "{zh: 一号机, en: Falcon}", "{zh: , en: Falcon}", "drones[0].name.zh", "an empty value is not", "空值 不是", at="id: falcon"),
    Mistake("wrong-type", "at: [114.0554696, 22.5429916]", "at: 114.0554696", "ponding_points[0].at", "[longitude, latitude]", "[经度, 纬度]", at="id: ponding-1"),
    Mistake("out-of-range", "hfov_deg: 55", "hfov_deg: 180", "cameras[2].lens.hfov_deg", "It must be: < 175", "要求", at="hfov_deg: 180"),
    Mistake("out-of-range", "at: [114.0554696, 22.5429916]", "at: [1114.0554696, 22.5429916]", "ponding_points[0].at", "longitude from -180 to 180", "经度 -180 到 180", at="id: ponding-1"),
    Mistake("wrong-choice", "autopilot: px4", "autopilot: paparazzi", "drones[1].autopilot", "'ardupilot', 'px4'", "'ardupilot', 'px4'", at="id: heron"),
    Mistake("wrong-choice", "hazard: blocked-fire-lane", "hazard: blocked-road", "cameras[0].zones[0].hazard", "'blocked-fire-lane', 'perimeter-intrusion'", "请从中选择"),
    Mistake("wrong-choice", "{flame-smoke: 15,", "{flame: 15,", "dispatch.deadlines_min.flame", "'flame-smoke'", "'flame-smoke'", at="{flame: 15,"),
    Mistake("bad-id", "id: depot", "id: The_Depot", "buildings[7].id", "lower-case letters", "小写字母"),
    Mistake("bad-hours", 'hours: ["00:00-24:00"]\n        polygon_px: [[1179', 'hours: ["22-6"]\n        polygon_px: [[1179', "cameras[1].zones[0].hours[0]", "22:00-06:00", "22:00-06:00", at='hours: ["22-6"]'),
    Mistake("bad-cron", 'cron: "30 6 * * *"', 'cron: "at dawn"', "patrols[0].cron", "Five fields", "五段"),
    Mistake("bad-cron", 'cron: "30 6 * * *"', 'cron: "30 24 * * *"', "patrols[0].cron", "Five fields", "五段"),
    Mistake("bad-cron", 'cron: "30 6 * * *"', 'cron: "0 6 31 2,4 *"', "patrols[0].cron", "Five fields", "五段"),
    Mistake("bad-days", 'cron: "0 14 * * 1"', 'cron: "0 14 * * 1"\n    blackout_days: ["2026-02-30"]', "patrols[1].blackout_days[0]", "2026-10-01/2026-10-07", "2026-10-01/2026-10-07", at="    blackout_days"),
    Mistake("bad-days", "hazards: [flooding, blocked-fire-lane]", "hazards: [flooding]\n    blackout_days: [2026-10-01, 2026-10-07/2026-10-01]", "patrols[0].blackout_days[1]", "2026-10-01/2026-10-07", "2026-10-01/2026-10-07", at="    blackout_days"),
    Mistake("bad-timezone", "Asia/Shanghai", "Asia/Atlantis", "district.timezone", "Asia/Shanghai", "Asia/Shanghai"),
    Mistake("bad-url", "url: mqtt://127.0.0.1:1883", "url: amqp://127.0.0.1", "broker.url", "mqtt://host:1883", "mqtt://主机:1883"),
    Mistake("bad-url", "url: http://127.0.0.1:8080", "url: 127.0.0.1:8080", "center.url", "https://host", "https://主机"),
    Mistake("self-crossing", "[[1179, 317], [659, 268], [128, 336], [727, 468]]", "[[1179, 317], [128, 336], [659, 268], [727, 468]]", "cameras[1].zones[0].polygon_px", "in order around the edge", "按边界顺序"),
    Mistake("too-few-corners", "[[1179, 317], [659, 268], [128, 336], [727, 468]]", "[[10, 10], [20, 20], [30, 30]]", "cameras[1].zones[0].polygon_px", "at least 3", "至少需要 3 个"),
    Mistake("zone-outside-image", "[768, 576], [0, 576]]", "[1279, 719], [0, 576]]", "cameras[2].zones[0].polygon_px[6]", "768 x 576", "768 x 576"),
    Mistake("duplicate-id", "id: demo-002", "id: demo-001", "grid[1].id", "the first is at line ", "第一个在第 ", at="unit: grid-mid, area: [[114.0569279, 22.5403909]"),
    Mistake("duplicate-id", "{id: hill-street,", "{id: pump,", "roads[2].id", "among buildings, roads. Rename one; the first is at line ", "buildings, roads 中编号“pump”重复", at="{id: pump, name: {zh: 山前街"),
    Mistake("reserved-id", "22.5428742]}\n\nboxes:", "22.5428742]}\n  - {id: open-fire, name: {zh: 甲, en: A}, at: [114.0554696, 22.5429916]}\n\nboxes:", "ponding_points[6].id", "Give it another id", "请换一个编号", at="{id: open-fire"),
    Mistake("unknown-reference", "box: yard", "box: garden", "cameras[2].box", "Known: street, yard", "street, yard", at="box: garden"),
    Mistake("unknown-reference", "fire_lane: rose-lane", "fire_lane: lily-lane", "cameras[0].zones[0].fire_lane", "Known: rose-lane", "rose-lane"),
    Mistake("unknown-reference", "ponding-5, ponding-6]", "ponding-5, ponding-7]", "patrols[0].targets[5]", "'ponding-7'", "ponding-7"),
    Mistake("swapped", "at: [114.0554696, 22.5429916]", "at: [22.5429916, 114.0554696]", "ponding_points[0].at", "GeoJSON", "经纬度", at="id: ponding-1"),
    Mistake("far-away", "at: [114.0554696, 22.5429916]", "at: [116.3912757, 39.906217]", "ponding_points[0].at", "1938 km", "1938 公里", at="id: ponding-1"),
    Mistake("secret-in-file", "token: ${PATROL_TOKEN_YARD}", "token: hunter2", "boxes[1].token", "set NAME in the environment", "环境变量"),
    Mistake("secret-in-file", "rtsp://127.0.0.1:8554/yard", "rtsp://admin:hunter2@127.0.0.1/yard", "cameras[2].source", "${NAME}", "${NAME}"),
]  # fmt: skip


def problems_of(text: str) -> list[Problem]:
    """What is wrong with a configuration; nothing fails the test."""
    with pytest.raises(ConfigProblems) as caught:
        parse(text, "c.yaml")
    return caught.value.problems


def spoilt(text: str, mistake: Mistake) -> str:
    """`text` with the mistake in it."""
    assert text.count(mistake.old) >= 1, f"district.yaml no longer has {mistake.old!r}"
    return text.replace(mistake.old, mistake.new, 1)


def line_of(text: str, needle: str) -> int:
    """The line (from 1) that holds `needle`."""
    return text[: text.index(needle)].count("\n") + 1


def test_the_demo_district_is_in_order() -> None:
    """config.yaml as shipped has no problem."""
    load(ROOT / "config.yaml")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.code}-{m.place}")
def test_a_mistake_is_named_on_its_line_with_its_remedy(mistake: Mistake) -> None:
    """One mistake gives exactly one problem, with its code, field, line, and a remedy in both languages."""
    text = spoilt(GOOD, mistake)
    (problem,) = problems_of(text)
    assert (problem.code, problem.place) == (mistake.code, mistake.place)
    assert problem.line == line_of(text, mistake.at or mistake.new)
    english, chinese = problem.explain("c.yaml", "en"), problem.explain("c.yaml", "zh-CN")
    assert english.startswith(f"c.yaml:{problem.line}: ")
    assert mistake.en in english
    assert mistake.zh in chinese
    assert "hunter2" not in english + chinese, "a secret must not be repeated in the message"


def test_every_code_has_an_example() -> None:
    """No problem can be added without an example of it here."""
    shown = {mistake.code for mistake in MISTAKES} | {"unreadable"}
    assert shown == set(PROBLEMS)


def test_all_in_one_go() -> None:
    """A file with many mistakes in different places is answered with all of them at once, in the order of the lines."""
    text, wanted, spoilt_lines = GOOD, list[str](), set[str]()
    for mistake in MISTAKES:
        if mistake.code in ("not-yaml", "missing") or mistake.old not in text or mistake.place in spoilt_lines:
            continue
        parents = {p for p in spoilt_lines if p.startswith(mistake.place) or mistake.place.startswith(p)}
        if parents or mistake.place.startswith(("cameras[0]", "district")):
            continue
        text = spoilt(text, mistake)
        wanted.append(f"{mistake.code} {mistake.place}")
        spoilt_lines.add(mistake.place)
    assert len(wanted) >= 15
    found = problems_of(text)
    assert set(wanted) <= {f"{p.code} {p.place}" for p in found}
    assert [p.line for p in found] == sorted(p.line for p in found)


def test_the_report_is_complete_in_both_languages() -> None:
    """The error itself carries one line a problem, in either language, and says what to run next."""
    text = spoilt(spoilt(GOOD, MISTAKES[2]), MISTAKES[6])
    with pytest.raises(ConfigProblems) as caught:
        parse(text, "c.yaml")
    for language in ("en", "zh-CN"):
        said = caught.value.explain(language)
        assert said.count("c.yaml:") >= 2
        assert "patrol check-config c.yaml" in said
    assert "米" in caught.value.explain("zh-CN")
    assert "metres" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "UTF-8"),
    ],
    ids=["absent", "folder", "binary"],
)
def test_unreadable_files(tmp_path: Path, make: object, said: str) -> None:
    """A file that cannot be read is the same kind of error, with the reason in words."""
    path = tmp_path / "c.yaml"
    assert callable(make)
    make(path)
    with pytest.raises(ConfigProblems) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.code == "unreadable"
    assert said in problem.explain("c.yaml", "en")


@pytest.mark.parametrize("text", ["", "# nothing\n", "3", "[1, 2]", "just words", "null", "2025-01-01"])
def test_documents_that_are_no_mapping(text: str) -> None:
    """A file that holds something else than a mapping is told what belongs there."""
    (problem,) = problems_of(text)
    assert (problem.code, problem.line) == ("wrong-type", 1)
    assert "district, broker, center" in problem.explain("c.yaml", "en")
