"""Nobody who reads Chinese is answered in English: help, refusals and lines of both programs, as far as the words are ours or click's."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import click.core
import click.exceptions
import click.formatting
import click.parser
import click.types
import pytest

from patrol.cli import command as patrol
from patrol.errors.causes import CHINESE as CAUSES
from patrol.errors.causes import NAMED
from patrol.flight.words import reason_said
from patrol.reference.errors import error_classes
from patrol.terminal import OurContext, in_our_words, refusal
from patrol.words import CHINESE
from patrol.words.asking import CHINESE as CLICK
from patrol.words.asking import PIECES, in_chinese
from patrol.words.help import BODIES, key_of
from patrol_edge.cli import command as patrol_edge
from tests.house import tree

SENTENCE = re.compile(r"[A-Za-z]?[a-z]+(?:[ ,;:]+[a-z]+){3}")  # four words in a row are no name
WORDS = re.compile(r"[a-z]{2,}[:,]? [a-z]{2,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
# said to programmers who declare options wrongly, or of kinds of options that nothing here has
NOT_TO_USERS = ("defined twice", "cannot use the same flag", "Could not determine name", "No options defined", "Arguments take exactly",
                "DeprecationWarning", "Invalid start character", "Choice(", "deprecated", "(dynamic)", "_(")  # fmt: skip


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


ALL = [*commands(in_our_words(patrol), ("patrol",)), *commands(in_our_words(patrol_edge), ("patrol-edge",))]


def said_by_click() -> set[str]:
    """Every template that click gives to gettext."""
    found = set[str]()
    for module in (click.core, click.exceptions, click.types, click.parser, click.formatting):
        for node in ast.walk(ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"_", "ngettext"}:
                found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def test_whatever_click_may_say_has_its_chinese() -> None:
    """A new click with a new sentence fails here, before a user reads it in English."""
    unknown = {
        t for t in said_by_click() if t not in CLICK and t not in PIECES and not any(w in t for w in NOT_TO_USERS)
    }
    assert not unknown, f"click {version('click')}: add them to patrol/words/asking.py"


@pytest.mark.parametrize("template", sorted({**CLICK, **PIECES}))
def test_every_template_keeps_its_facts(template: str) -> None:
    """Filled with facts, each is found again and says them in Chinese."""
    holes = re.findall(r"\{(\w+)(?:!r)?\}", template)
    chinese = {**CLICK, **PIECES}[template]
    assert HAN.search(chinese)
    assert sorted(re.findall(r"\{(\w+)(?:!r)?\}", chinese)) == sorted(holes)
    said = re.sub(r"\{(\w+)(?:!r)?\}", lambda hole: f"'x{holes.index(hole[1])}'", template)
    told = in_chinese(said)
    assert HAN.search(told)
    assert all(f"'x{n}'" in told for n in range(len(set(holes))))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_help_is_in_chinese(path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings, descriptions, options and commands: no English sentence is left but in examples."""
    monkeypatch.setenv("PATROL_LANG", "zh")
    said = OurContext(command, info_name=" ".join(path), terminal_width=4000, max_content_width=4000).get_help()
    assert said.startswith("用法：")
    lines = [line for line in said.splitlines()[1:] if not line.strip().startswith(("patrol", "("))]
    assert [line for line in lines if SENTENCE.search(line)] == [], (
        "add their Chinese to patrol/words/help.py or commands.py"
    )
    monkeypatch.setenv("PATROL_LANG", "en")
    assert not HAN.search(OurContext(command, info_name=" ".join(path)).get_help())


def test_every_paragraph_of_help_is_there_once() -> None:
    """No Chinese is left of a paragraph that nobody has any more."""
    used = {key_of(p) for _, c in ALL for p in inspect.cleandoc(c.help or "").split("\n\n")}
    assert set(BODIES) - used == set()
    assert all(HAN.search(text) for text in BODIES.values())
    assert not set(BODIES) & set(CHINESE)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly", "--nope"], ["fly"], ["sim", "--speed", "x"], ["sim", "--speed", "900"], ["sim", "--autopilot", "x"], ["flight", "sho"],
        ["flight", "show"], ["flight", "show", "a", "b"], ["sim", "--home", "1"], ["sim", "--count", "x"], ["nothing"], ["plan", "--at", "x"],
        ["plan", "--wind", "x"], ["sim", "--ready=1"], ["sim", "--speed", "nan"], ["fly", "--driver"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_is_told_in_chinese(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it: no English sentence, and in English no Chinese."""
    for language, env in (("zh-CN", "zh"), ("en", "en")):
        monkeypatch.setenv("PATROL_LANG", env)
        with pytest.raises(click.ClickException) as caught:
            patrol.main(arguments, prog_name="patrol", standalone_mode=False)
        told = refusal(caught.value, "zh-CN" if language == "zh-CN" else "en")
        if language == "zh-CN":
            assert HAN.search(told)
            assert not SENTENCE.search(told), told
            assert "Error" not in told
        else:
            assert not HAN.search(told)


def template_of(node: ast.AST) -> str | None:
    """A text of the code with a hole for each fact in it; None for anything else."""
    if isinstance(node, ast.Subscript):
        return template_of(node.value)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        holes = iter("abcdefgh")
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "{" + next(holes) + "}" for p in node.values)
    return None


def code_of(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every piece of code below these folders."""
    for folder in folders:
        for path in sorted((tree.ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield path, node


def test_every_cause_has_its_chinese() -> None:
    """Whatever an error names as cause or kind in words of ours stands in errors/causes.py, or is a Text with both languages."""
    errors = {error.__name__ for error in error_classes()}
    missing = dict[str, str]()
    for path, node in code_of("patrol", "edge/patrol_edge"):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).rsplit(".", 1)[-1] not in errors:
            continue
        for keyword in node.keywords:
            values = (
                [keyword.value.body, keyword.value.orelse] if isinstance(keyword.value, ast.IfExp) else [keyword.value]
            )
            for template in filter(None, map(template_of, values)):
                words = re.search("[A-Za-z]{2}", re.sub(r"\{\w+\}", "", template))
                if keyword.arg in NAMED and words and template not in CAUSES:
                    missing[template] = f"{path.name}:{node.lineno}"
    assert missing == {}, "add their Chinese to patrol/errors/causes.py, or give a Text"


@pytest.mark.parametrize("template", sorted(CAUSES))
def test_a_cause_keeps_its_facts(template: str) -> None:
    """Both sides of the table of causes name the same facts; the Chinese is Chinese."""
    assert HAN.search(CAUSES[template]) or template.startswith(("[Errno", "dronekit"))
    assert set(re.findall(r"\{\w+\}", CAUSES[template])) <= set(re.findall(r"\{\w+\}", template))


def test_how_a_flight_ends_is_said_in_chinese() -> None:
    """Every reason that a pilot or an aircraft gives for its ending has its Chinese."""
    found = set[str]()
    for path, node in code_of("patrol/flight"):
        if path.name not in {"pilot.py", "aircraft.py"}:
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"self._stop", "Ending"} and len(node.args) > 1:
            found |= {t for t in [template_of(node.args[1])] if t}
        if isinstance(node, ast.Assign) and "self._aborting" in ast.unparse(node.targets[0]):
            found |= {t for t in [template_of(node.value)] if t}
    assert len(found) > 10
    said = {t: re.sub(r"\{\w\}", "42", t) for t in found if re.search("[a-z]{2}", re.sub(r"\{\w\}", "", t))}
    assert [t for t, text in said.items() if not HAN.search(reason_said(text, "zh-CN"))] == []


def literals(node: ast.AST) -> Iterator[str]:
    """The texts that stand in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def test_no_line_is_printed_in_one_language_only() -> None:
    """What a command prints goes through a Text: no literal with words of English is given to click.echo."""
    printed = list[str]()
    for path in [
        *(tree.ROOT / "patrol" / "commands").glob("*.py"),
        *(tree.ROOT / "edge" / "patrol_edge" / "commands").glob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "echo":
                printed += [
                    f"{path.name}:{node.lineno}: {text}"
                    for arg in node.args
                    for text in literals(arg)
                    if WORDS.search(text)
                ]
    assert printed == [], "say it by a Text: patrol.terminal.say"
