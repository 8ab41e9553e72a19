"""Reading a configuration: secrets, hours, lookups, and that no file whatever makes the reader fail in an unforeseen way."""

from __future__ import annotations

import json
import sys
import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.config import load
from patrol.config.load import parse
from patrol.config.problems import ConfigProblems
from patrol.config.values import Hours, reveal
from patrol.config.zones import PerimeterZone
from patrol.errors import ConfigError, SecretNotSet, UsageError
from patrol.grid import Grid

ROOT = Path(__file__).resolve().parents[2]
GOOD = Path(__file__).with_name("district.yaml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(GOOD)
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8"))


def read_or_refuse(text: str) -> bool:
    """Whether the text is accepted. The only other outcome allowed: problems that can be said in both languages."""
    refusal: ConfigError | None = None
    try:
        parse(text, "c.yaml")
    except ConfigProblems as err:
        refusal = err
    if refusal is not None:
        assert refusal.explain("en").startswith("c.yaml: ")
        assert refusal.explain("zh-CN").startswith("c.yaml")
    return refusal is None


YAML_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats()
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
    | st.sampled_from(["${NAME}", "a://b:c@d", "24:00-24:00", "* * * * *", "12 m", "demo-001", {}, [[0, 0], [1, 1]]]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_ms", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=75)
@given(data=st.data())
def test_any_value_anywhere_is_accepted_or_named(data: st.DataObject) -> None:
    """The demo district with anything in it replaced, removed or added is read, or its problems are named: never a crash."""
    document: Any = json.loads(json.dumps(DOCUMENT))
    for _ in range(data.draw(st.integers(1, 3), label="mutations")):
        here = document
        while isinstance(here, (dict, list)) and here:
            key: Any = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here)))))
            if not isinstance(here[key], (dict, list)) or data.draw(st.integers(0, 3)) == 0:
                if data.draw(st.booleans()):
                    here[key] = data.draw(YAML_VALUES)
                else:
                    del here[key]
                break
            here = here[key]
    read_or_refuse(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=100)
@given(
    at=st.integers(0, len(GOOD) - 1),
    cut=st.integers(0, 40),
    put=st.text(st.sampled_from("{}[]:-,&*!|>'\"%@#? \n\tab1é火\x00"), max_size=8),
)
def test_any_damaged_text_is_accepted_or_named(at: int, cut: int, put: str) -> None:
    """The same for the text itself, cut and smeared anywhere."""
    read_or_refuse(GOOD[:at] + put + GOOD[at + cut :])


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_named(text: str) -> None:
    """And for texts that were never a configuration."""
    assert not read_or_refuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a: " * 2000,
        "&a [*a]",
        "a: &a {b: *a}",
        "x: !!python/object/apply:os.system [echo]",
        "&a [" + ", ".join(["x"] * 10) + "]\n" + "b: *a",
        "? [1, 2]\n: 3",
        "<<: {district: 3}",
        "district: 0b2",
        "a: 2025-13-45",
        "--- 1\n--- 2",
        "\ufeffdistrict: {}",
        "district: {id: .nan, origin: [.inf, 1]}",
    ],
    ids=lambda t: t[:20],
)
def test_hostile_documents(text: str) -> None:
    """Deep nesting, cycles, tags that would run code, several documents: refused, nothing executed, no stack exhausted."""
    assert not read_or_refuse(text)


def test_many_aliases_do_not_explode() -> None:
    """Ten levels of ten aliases each (a 'billion laughs') are refused quickly instead of filling the memory."""
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert not read_or_refuse("\n".join(levels))


def test_reading_needs_no_secret_and_reveals_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` succeeds without any secret in the environment, and keeps the placeholder even when it is set."""
    monkeypatch.setenv("PATROL_TOKEN_STREET", "s3cret")
    config = load(ROOT / "config.yaml")
    assert config.box("street").token == "${PATROL_TOKEN_STREET}"
    assert "s3cret" not in repr(config)


def test_a_secret_is_revealed_only_from_the_environment_given() -> None:
    """`reveal` fills in every placeholder, and names field and variable when one is not set."""
    environ = {"A": "1", "B_2": "two"}
    assert reveal("x${A}y${B_2}z", environ, "f") == "x1ytwoz"
    assert reveal("no $A ${lower} here", environ, "f") == "no $A ${lower} here"
    with pytest.raises(SecretNotSet) as caught:
        reveal("${MISSING}", environ, "boxes[0].token")
    for language in ("en", "zh-CN"):
        assert "boxes[0].token" in caught.value.explain(language)
        assert "${MISSING}" in caught.value.explain(language)


@given(begins=st.integers(0, 1439), ends=st.integers(0, 1440), now=st.integers(0, 1439))
def test_hours_over_midnight(begins: int, ends: int, now: int) -> None:
    """A span holds exactly the minutes that a clock passes going forward from its beginning to its end."""
    span = Hours(begins_min=begins, ends_min=ends)
    length = (ends - begins) % 1440 or (1440 if ends != begins or ends == 0 else 0)
    expected = (now - begins) % 1440 < (length if ends != begins else 1440)
    assert span.hold(time(now // 60, now % 60)) == expected


def test_district_time_decides_about_hours() -> None:
    """22:00-06:00 means the district's clocks: 15:30 UTC is 23:30 in Shanghai, inside."""
    text = GOOD.replace('hours: ["00:00-24:00"]', 'hours: ["22:00-06:00"]', 1)
    config = parse(text, "c.yaml")
    (zone,) = config.camera("fence").zones
    assert isinstance(zone, PerimeterZone)
    inside = [zone.hours[0].hold(config.local_time(datetime(2025, 6, 3, h, 30, tzinfo=UTC)).time()) for h in range(24)]
    assert [h for h in range(24) if inside[h]] == [14, 15, 16, 17, 18, 19, 20, 21]


@pytest.mark.parametrize("ask", [lambda c: c.box("attic"), lambda c: c.camera("attic")], ids=["box", "camera"])
def test_unknown_names_are_answered_with_the_known_ones(ask: Callable[[Any], object]) -> None:
    """Asking for a box or camera that is not there names those that are, in both languages."""
    with pytest.raises(UsageError) as caught:
        ask(load(ROOT / "config.yaml"))
    assert "street" in caught.value.explain("en") or "gate" in caught.value.explain("en")
    assert "盒子" in caught.value.explain("zh-CN") or "摄像头" in caught.value.explain("zh-CN")


def test_nothing_can_be_changed() -> None:
    """A loaded configuration is frozen, down to its zones."""
    config = load(ROOT / "config.yaml")
    with pytest.raises(ValueError, match="frozen"):
        config.cameras[0].zones[0].clear_s = 1


def test_the_schema_for_editors_accepts_the_demo_district_and_refuses_mistakes() -> None:
    """docs/config.schema.json is a valid JSON Schema that accepts config.yaml and points at an unknown key and a wrong type."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(shipped)) == list(validator.iter_errors(DOCUMENT)) == []
    for path, value in (("broker", {"url": "mqtt://a", "colour": "red"}), ("models_dir", 3), ("boxes", [{}])):
        assert list(validator.iter_errors({**DOCUMENT, path: value})), path


def district_of(cells_across: int, cells_down: int) -> str:
    """A district with a grid of so many cells, four corners each, shared edges."""
    west, south, step = 114.03, 22.52, 0.002
    grid = [
        {
            "id": f"cell-{n:04d}",
            "unit": "grid-west",
            "area": [
                [round(west + (x + dx) * step, 7), round(south + (y + dy) * step, 7)]
                for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
            ],
        }
        for n, (x, y) in enumerate((x, y) for y in range(cells_down) for x in range(cells_across))
    ]
    return yaml.safe_dump({**DOCUMENT, "grid": grid}, allow_unicode=True)


def test_a_district_with_767_cells() -> None:
    """A real district's 767 grid cells load, and every cell is found by a point in it (times are printed, not judged)."""
    text = district_of(59, 13)
    began = clock.perf_counter()
    config = parse(text, "big.yaml")
    loaded = clock.perf_counter()
    grid = Grid({cell.id: cell.area for cell in config.grid})
    found = [grid.cell_at(type(c.area[0])(c.area[0].lat_deg + 0.001, c.area[0].lon_deg + 0.001)) for c in config.grid]
    asked = clock.perf_counter()
    assert found == [cell.id for cell in config.grid]
    assert len(found) == 767
    print(
        f"767 cells: loaded in {loaded - began:.2f} s, asked in {(asked - loaded) / 767 * 1e6:.0f} us each",
        file=sys.stderr,
    )
