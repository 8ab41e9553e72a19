"""config.yaml in, a frozen `Config` out; or every problem of the file at once. Nothing is probed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from patrol.config.check import check_document
from patrol.config.lines import Lines, Path, dotted, read_yaml
from patrol.config.problems import PROBLEMS, ConfigProblems, Problem
from patrol.config.shape import Config
from patrol.errors import Text
from patrol.words import chinese
from patrol.words.units import UNITS, unit_of

WANTED = {
    "bool": Text("true or false", "true 或 false"),
    "dict": Text("a mapping (key: value)", "映射（键: 值）"),
    "float": Text("a number", "数字"),
    "int": Text("a whole number", "整数"),
    "list": Text("a list", "列表"),
    "string": Text("text", "文字"),
}
# pydantic's names of what it wanted -> ours
WANTED_BY_PREFIX = {
    "bool": "bool", "model": "dict", "dict": "dict", "mapping": "dict", "float": "float", "int": "int", "finite": "float",
    "list": "list", "tuple": "list", "iterable": "list", "string": "string",
}  # fmt: skip
TOP_LEVEL = Text("a mapping with district, broker, center and more", "含有 district、broker、center 等的映射")
NOTHING = Text("an empty value", "空值")
RANGE_ERRORS = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}


def load(path: FilePath) -> Config:
    """Read and check one configuration file.

    Raises ConfigProblems (a ConfigError) with every problem found, each with line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigProblems(str(path), [Problem("unreadable", 1, "", {"cause": _why_unreadable(err)})]) from err
    return parse(text, str(path))


def _why_unreadable(err: OSError | UnicodeDecodeError) -> Text:
    match err:
        case FileNotFoundError():
            return Text("there is no such file", "没有这个文件")
        case IsADirectoryError():
            return Text("it is a folder", "这是一个文件夹")
        case PermissionError():
            return Text("this account may not read it", "当前账号无权读取")
        case UnicodeDecodeError():
            return Text("it is not UTF-8 text", "不是 UTF-8 文本")
    return Text(str(err.strerror), str(err.strerror))


def parse(text: str, name: str) -> Config:
    """The same from a text; `name` stands in the messages."""
    document, lines, problems = read_yaml(text)
    if document is None or not isinstance(document, dict):
        wrong = Problem("wrong-type", 1, "", {"value": _short(document), "expected": TOP_LEVEL})
        raise ConfigProblems(name, problems or [wrong])
    config: Config | None = None
    try:
        config = Config.model_validate(document)
    except ValidationError as err:
        faults = err.errors(include_url=False)
        problems += _without_echoes([_problem(f, document, lines) for f in faults if not _is_echo(f, faults)])
    problems += check_document(document, lines)
    if problems or config is None:
        raise ConfigProblems(name, problems)
    return config


def _is_echo(fault: ErrorDetails, faults: Sequence[ErrorDetails]) -> bool:
    """Whether a list is called too short only because pydantic did not count its wrong items."""
    here = fault["loc"]
    return fault["type"] == "too_short" and any(f is not fault and f["loc"][: len(here)] == here for f in faults)


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """One mistake, one problem: a field that is there under a wrong name is not missing as well."""
    found = {
        p.place.removesuffix(str(p.facts["key"])) + str(p.facts["guess"])
        for p in problems
        if p.code in ("wrong-unit", "misspelt-key")
    }
    return [p for p in problems if p.code != "missing" or p.place not in found]


def _problem(fault: ErrorDetails, document: Any, lines: Lines) -> Problem:
    path = _real_path(fault["loc"], document)
    kind, context, value = fault["type"], fault.get("ctx", {}), fault.get("input")
    line, place = lines.of(path), dotted(path)
    said: dict[str, object] = {"value": _short(value)}
    match kind:
        case "extra_forbidden":
            return _unknown_key(path, line, place)
        case "missing":
            return _missing(path, lines)
        case "union_tag_not_found":
            return _missing((*path, str(context["discriminator"]).strip("'")), lines)
        case "union_tag_invalid":
            tag = str(context["discriminator"]).strip("'")
            choices = {"value": context["tag"], "expected": context["expected_tags"]}
            return Problem("wrong-choice", lines.of((*path, tag)), dotted((*path, tag)), choices)
        case "literal_error":
            said["expected"] = str(context["expected"]).replace(" or ", ", ")
            return Problem("wrong-choice", line, place, said)
        case "string_pattern_mismatch":
            return Problem("bad-id", line, place, said)
        case "float_type" | "int_type" if isinstance(value, str) and value[:1].isdigit() and unit_of(str(path[-1])):
            return Problem("unit-in-value", line, place, {**said, "unit": unit_of(str(path[-1]))})
    if kind in RANGE_ERRORS:
        limit = next(iter(context.values()))
        return Problem("out-of-range", line, place, {**said, "expected": f"{RANGE_ERRORS[kind]} {limit:g}"})
    if kind in PROBLEMS:
        return Problem(kind, line, place, {**said, **context})
    return Problem("wrong-type", line, place, {**said, "expected": _expected(kind, context, path)})


def _expected(kind: str, context: Mapping[str, Any], path: Path) -> Text:
    """What should stand there: its type, and what the field means."""
    about = _about(path)
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length", 1)
        wanted = Text(f"at least {least}", f"至少 {least} 个")
    else:
        wanted = WANTED[WANTED_BY_PREFIX.get(kind.split("_", maxsplit=1)[0], "string")]
    return Text(f"{wanted.en} ({about.en})", f"{wanted.zh}（{about.zh}）") if about.en else wanted


def _missing(path: Path, lines: Lines) -> Problem:
    return Problem("missing", lines.of(path[:-1]), dotted(path), {"key": path[-1], "about": _about(path)})


def _real_path(loc: tuple[int | str, ...], document: Any) -> Path:
    """`loc` without what pydantic adds for unions: only steps that exist in the document, and the last."""
    path: list[int | str] = []
    here = document
    if loc and loc[-1] == "[key]":  # pydantic's mark for a wrong key of a map
        loc = loc[:-1]
    for n, step in enumerate(loc):
        if isinstance(here, dict) and step not in here and n < len(loc) - 1:
            continue
        path.append(step)
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(path)


def _shape_at(path: Path) -> tuple[type[BaseModel], ...]:
    """The types a mapping at `path` may have (several where a union stands)."""
    shapes: tuple[type[BaseModel], ...] = (Config,)
    for step in path:
        if isinstance(step, str):
            annotations = [s.model_fields[step].annotation for s in shapes if step in s.model_fields]
            shapes = tuple(found for annotation in annotations for found in _models_in(annotation))
    return shapes


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (tuple, Union, types.UnionType) or get_args(annotation):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _unknown_key(path: Path, line: int, place: str) -> Problem:
    key = str(path[-1])
    known = sorted({field for shape in _shape_at(path[:-1]) for field in shape.model_fields})
    stem, _, unit = key.rpartition("_")
    for field in known:
        field_stem, _, field_unit = field.rpartition("_")
        same_thing = field_stem in {stem, key}
        if same_thing and field_unit in UNITS and (unit in UNITS or key == field_stem):
            return Problem("wrong-unit", line, place, {"key": key, "guess": field, "unit": UNITS[field_unit]})
    guess = difflib.get_close_matches(key, known, n=1)
    if guess:
        return Problem("misspelt-key", line, place, {"key": key, "guess": guess[0]})
    return Problem("unknown-key", line, place, {"key": key, "known": ", ".join(known) or "-"})


def _about(path: Path) -> Text:
    """What the field at `path` means, in both languages; empty where nothing is said."""
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return Text("", "")
    parent = path[: max(n for n, step in enumerate(path) if step == names[-1])]
    for shape in _shape_at(parent):
        if names[-1] in shape.model_fields:
            about = shape.model_fields[names[-1]].description or ""
            return Text(about, chinese(about))
    return Text("", "")


def _short(value: object) -> object:
    """`value` as it looks in the file, not too long."""
    if value is None:
        return NOTHING
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
