"""Small faults that users found, each kept from coming back: what a command accepts, and what it says about what it does not."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from patrol.cli import command as patrol
from patrol.commands.calibrate import read_points
from patrol.commands.flying import text_of
from patrol.errors import DroneSilent, FileUnusable, GeodataUnreadable, PatrolError, PointsUnreadable
from patrol.flight.clock import Stepped
from patrol.flight.link import Link, called
from patrol.flight.sim.cable import ADDRESS
from patrol.planning.files.zones import read_zones
from patrol.terminal import Finite
from patrol_edge.cli import command as patrol_edge
from patrol_edge.commands.hotspots import marked_names

ROOT = Path(__file__).resolve().parents[2]


def told(program: click.Command, *arguments: str) -> tuple[int, str]:
    """Exit status and everything said, errors of ours in English."""
    result = CliRunner(env={"PATROL_LANG": "en"}).invoke(program, list(arguments), prog_name="p")
    ours = result.exception.explain("en") if isinstance(result.exception, PatrolError) else ""
    return 2 if ours else result.exit_code, result.output + ours


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (patrol, ["sim", "--wind", "nan", "0"]),
        (patrol, ["sim", "--wind", "3", "inf"]),
        (patrol, ["sim", "--home", "nan", "114"]),
        (patrol, ["sim", "--speed", "nan"]),
        (patrol, ["fly", "x.plan", "--drone", "falcon", "--within", "nan"]),
        (patrol, ["calibrate", "x.csv", "--camera", "gate", "--picked", "nan"]),
        (patrol_edge, ["hotspots", "x.tiff", "--hot-c", "nan"]),
        (patrol_edge, ["hotspots", "x.tiff", "--range-m", "inf"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_number_is_a_number(program: click.Command, arguments: list[str]) -> None:
    """NaN and infinity, which slip past every comparison, are refused by their option before anything is done."""
    status, said = told(program, *arguments)
    assert status == 2
    assert "is not a finite number" in said or "is not in the range" in said


def options(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, click.Parameter]]:
    """Every parameter of a command and of all below it."""
    found = [(" ".join((*path, *parameter.opts)), parameter) for parameter in command.params]
    for name, below in getattr(command, "commands", {}).items():
        found += options(below, (*path, name))
    return found


def test_no_option_takes_a_bare_float() -> None:
    """Whoever adds an option for a number uses the type that refuses NaN: click's own accept it."""
    bare = list[str]()
    for name, parameter in options(patrol) + options(patrol_edge):
        kinds = parameter.type.types if isinstance(parameter.type, click.Tuple) else [parameter.type]
        bare += [
            name
            for kind in kinds
            if isinstance(kind, (click.types.FloatParamType, click.FloatRange)) and not isinstance(kind, Finite)
        ]
    assert bare == []


@given(st.floats())
def test_the_type_takes_exactly_the_finite_ones(value: float) -> None:
    """Any float: taken as it is when finite and within its limits, refused otherwise."""
    wanted = Finite(-10.0, 1e6)
    if -10.0 <= value <= 1e6:
        assert wanted.convert(str(value), None, None) == value
    else:
        with pytest.raises(click.BadParameter):
            wanted.convert(str(value), None, None)


def test_marked_pictures_never_overwrite_one_another() -> None:
    """Inputs of the same name from different folders, or with different endings, each get a picture of their own."""
    paths = [Path(name) for name in ("a/hot.jpg", "b/hot.jpg", "c/HOT.tiff", "hot-2.jpg", "cold.jpg")]
    names = marked_names(paths)
    assert names == ["hot.png", "hot-2.png", "HOT-3.png", "hot-2-2.png", "cold.png"]


@pytest.mark.parametrize("arguments", [
    ["fly", "no.plan", "--drone", "falcon"], ["judge", "no.plan", "--drone", "falcon"], ["plan", "no.yaml"],
], ids=lambda a: a[0])  # fmt: skip
def test_a_file_that_is_not_there_says_so_and_no_more(arguments: list[str]) -> None:
    """A missing plan or intent is named with what the system says; nobody is told which map formats there are."""
    status, said = told(
        patrol, *arguments, *(["--config"] if arguments[0] != "fly" else ["--judge"]), str(ROOT / "config.yaml")
    )
    assert status == 2
    assert f"{arguments[1]} cannot be used: No such file or directory" in said
    assert "GeoJSON" not in said


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are named as that, in both languages."""
    path = tmp_path / "x.plan"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileUnusable, match="no UTF-8 text") as caught:
        text_of(path)
    assert "不是 UTF-8" in caught.value.explain("zh-CN")


def test_a_drone_that_nobody_named_is_any_drone() -> None:
    """Silence on a link is told without a question mark; of a numbered drone with its number."""
    link = Link(ADDRESS, clock=Stepped())
    for system, words in ((None, ("heard of any drone", "收到任何无人机")), (3, ("heard of drone 3", "无人机 3"))):
        error = DroneSilent(drone=called(system), seconds="10", link=link.address.text)
        assert words[0] in error.explain("en")
        assert words[1] in error.explain("zh-CN")
        assert "?" not in str(error)
        assert "10 s" in str(error)


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff"])
def test_an_empty_file_is_empty(text: str) -> None:
    """An empty zones file, whatever its ending, is called empty instead of bad JSON."""
    with pytest.raises(GeodataUnreadable, match="it is empty") as caught:
        read_zones(text, "zones.kml")
    assert "空的" in caught.value.explain("zh-CN")


@pytest.mark.parametrize("text", [
    json.dumps({"type": "FeatureCollection", "features": []}), json.dumps({"UASZoneList": []}),
    '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>',
], ids=["GeoJSON", "ED-269", "KML"])  # fmt: skip
def test_zones_without_a_zone_are_refused(text: str) -> None:
    """A file that forbids nothing was surely meant to: it is named instead of passed over in silence."""
    with pytest.raises(GeodataUnreadable, match="holds no"):
        read_zones(text, "zones")


def test_points_that_are_not_there_have_no_line(tmp_path: Path) -> None:
    """A missing points file is named without a line of it; a wrong line is named by its number."""
    with pytest.raises(FileUnusable) as missing:
        read_points(tmp_path / "none.csv")
    assert "line" not in str(missing.value).split(":")[0]
    path = tmp_path / "points.csv"
    path.write_text("x_px,y_px,longitude_deg,latitude_deg\n1,2,114,22\n1,x,114,22\n", encoding="utf-8")
    with pytest.raises(PointsUnreadable) as wrong:
        read_points(path)
    assert "line 3" in str(wrong.value)


def test_a_bad_scene_does_not_end_the_others(tmp_path: Path) -> None:
    """Scenes that are no YAML, no scene, or without their film are each named; the run goes on and ends with status 2."""
    good = (ROOT / "tests" / "replay" / "scenes" / "falling-1.yaml").read_text(encoding="utf-8")
    names = ("broken", "empty", "filmless")
    for name, text in zip(names, ("a: [1,\n", "", good), strict=True):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    status, said = told(
        patrol_edge, "replay", *(str(tmp_path / f"{name}.yaml") for name in names), "--data", str(tmp_path)
    )
    assert status == 2
    assert "broken.yaml cannot be used" in said
    assert "empty.yaml cannot be used" in said
    assert said.count("patrol-edge: ") == 3
