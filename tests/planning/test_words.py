"""What the planner and its judge say is in one language: no English in a Chinese line, no Chinese in an English one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from patrol.config import load
from patrol.planning.drone import CALM
from patrol.planning.intent import FleetIntent, SurveyIntent, parse_intent, plan_intent, setting_of
from patrol.planning.refusals import PlanRefused
from patrol.planning.safety.words import Violation
from tests.house import tree
from tests.planning.test_bad_input import HAN

INTENTS = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((tree.ROOT / "flightplans").glob("*.yaml"))
}
ENGLISH = re.compile(r"[a-z]{3,} [a-z]{2,}")
NAMING = {"Violation", "fault", "fence_of", "_out_of_circle"}  # calls that name what is at fault
WRONG: tuple[Any, ...] = (None, "", "x", "24 m", -1, 1e9, 1.5, float("nan"), [], {}, {"a": 1}, [[1]], True, ["x", 3])


def spoilt(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The intent with each of its fields wrong in each of many ways, missing, or misspelt."""
    for key in document:
        for value in WRONG:
            yield {**deepcopy(document), key: value}
        yield {k: v for k, v in document.items() if k != key}
        yield {**document, f"{key}x": 1}


def refusal_of(document: dict[str, Any], name: str) -> PlanRefused | None:
    """Why an intent is refused; None where it is not."""
    try:
        parse_intent(document, name)
    except PlanRefused as refusal:
        return refusal
    return None


@pytest.mark.parametrize("name", INTENTS)
def test_a_wrong_intent_is_told_in_one_language(name: str) -> None:
    """Whatever is wrong with a field of an intent, each refusal reads wholly in the reader's language."""
    refused = 0
    for document in spoilt(INTENTS[name]):
        refusal = refusal_of(document, name)
        if refusal is not None:
            refused += 1
            assert not HAN.search(refusal.explain("en"))
            said = refusal.explain("zh-CN")
            assert HAN.search(said)
            assert not ENGLISH.search(said), said
    assert refused > 20


def test_a_name_that_the_district_does_not_have_is_told_with_those_it_has() -> None:
    """An unknown road is named in a sentence, in both languages."""
    config = load(tree.ROOT / "config.yaml")
    document = {"kind": "corridor", "drone": "falcon", "roads": ["lily-road"], "gsd_m": 0.03}
    intent = parse_intent(document, "c")
    assert not isinstance(intent, FleetIntent)
    setting = setting_of(config, "falcon", wind=CALM, terrain=None, zones=(), starts_at_s=None)
    with pytest.raises(PlanRefused) as caught:
        plan_intent(intent, config, setting, {})
    assert "there is no 'lily-road' among river-road" in caught.value.explain("en")
    assert "没有“lily-road”，已有：river-road" in caught.value.explain("zh-CN")


def test_why_a_part_is_not_reached_is_told_in_one_language() -> None:
    """A plan's notes name zone and boundary without a word of the other language."""
    config = load(tree.ROOT / "config.yaml")
    intent = parse_intent({"kind": "survey", "drone": "falcon", "areas": ["district"], "gsd_m": 0.03}, "d")
    assert isinstance(intent, SurveyIntent)
    setting = setting_of(config, "falcon", wind=CALM, terrain=None, zones=(), starts_at_s=None)
    plan = plan_intent(intent, config, setting, {})
    (note,) = [n for n in plan.notes if n.code == "part-unreachable"]
    assert "substation, the boundary" in note.explain("en")
    assert not HAN.search(note.explain("en"))
    assert not ENGLISH.search(note.explain("zh-CN"))


def subjects() -> Iterator[str]:
    """What the judge names as a fault's subject in words of its own, holes filled."""
    folder = Path(tree.ROOT / "patrol" / "planning" / "safety")
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).rsplit(".", 1)[-1] not in NAMING:
                continue
            for part in node.args[:3]:
                if isinstance(part, ast.JoinedStr):
                    yield "".join(str(v.value) if isinstance(v, ast.Constant) else "7" for v in part.values)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part is not node.args[0]:
                    yield part.value


def test_what_the_judge_names_is_chinese_in_chinese() -> None:
    """No subject of a violation that is a word of ours is left in English; names and numbers stay."""
    found = {s for s in subjects() if re.search("[a-z]{4}", s)}
    assert {"boundary", "fence 7", "home"} <= found
    for subject in found:
        said = Violation("jump", 0, subject, 0.0, "").explain("zh-CN").partition(": ")[2]
        assert HAN.sub("", said) != said
        assert not re.search("[a-z]{4}", said.partition("：")[2]), said
