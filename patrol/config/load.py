"""config.yaml in, a frozen `Config` out; or every problem of the file at once. Nothing is probed."""

from __future__ import annotations

import difflib
import types
from pathlib import Path as FilePath
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from patrol.config.check import check_document
from patrol.config.lines import Lines, Path, dotted, read_yaml
from patrol.config.problems import PROBLEMS, ConfigProblems, Problem
from patrol.config.shape import Config

UNITS = {
    "m": "metres", "km": "kilometres", "cm": "centimetres", "mm": "millimetres", "ft": "feet", "s": "seconds", "ms": "milliseconds",
    "min": "minutes", "h": "hours", "deg": "degrees", "rad": "radians", "px": "pixels", "days": "days",
}  # fmt: skip
RANGE_ERRORS = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}


def load(path: FilePath) -> Config:
    """Read and check one configuration file.

    Raises ConfigProblems (a ConfigError) with every problem found, each with line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigProblems(str(path), [Problem("unreadable", 1, "", {"cause": str(err)})]) from err
    return parse(text, str(path))


def parse(text: str, name: str) -> Config:
    """The same from a text; `name` stands in the messages."""
    document, lines, problems = read_yaml(text)
    if document is None or not isinstance(document, dict):
        wrong = Problem(
            "wrong-type", 1, "", {"value": _short(document), "expected": "a mapping with district, broker, center"}
        )
        raise ConfigProblems(name, problems or [wrong])
    config: Config | None = None
    try:
        config = Config.model_validate(document)
    except ValidationError as err:
        problems += [_problem(fault, document, lines) for fault in err.errors(include_url=False)]
    problems += check_document(document, lines)
    if problems or config is None:
        raise ConfigProblems(name, problems)
    return config


def _problem(fault: ErrorDetails, document: Any, lines: Lines) -> Problem:
    path = _real_path(fault["loc"], document)
    kind, context, value = fault["type"], fault.get("ctx", {}), fault.get("input")
    line, place = lines.of(path), dotted(path)
    if kind == "extra_forbidden":
        return _unknown_key(path, line, place)
    if kind == "missing":
        return Problem("missing", lines.of(path[:-1]), place, {"key": path[-1], "about": _about(path)})
    if kind in PROBLEMS:
        return Problem(kind, line, place, {"value": _short(value), **context})
    if kind in RANGE_ERRORS:
        limit = next(iter(context.values()))
        return Problem(
            "out-of-range", line, place, {"value": _short(value), "expected": f"{RANGE_ERRORS[kind]} {limit}"}
        )
    if kind == "union_tag_invalid":
        tag = str(context["discriminator"]).strip("'")
        facts = {"value": context["tag"], "expected": context["expected_tags"]}
        return Problem("wrong-choice", lines.of((*path, tag)), f"{place}.{tag}", facts)
    if kind == "literal_error":
        return Problem("wrong-choice", line, place, {"value": _short(value), "expected": context["expected"]})
    if kind == "string_pattern_mismatch":
        return Problem("bad-id", line, place, {"value": value})
    if kind in ("float_type", "int_type"):
        unit = UNITS.get(str(path[-1]).rsplit("_", 1)[-1])
        if unit and isinstance(value, str) and value[:1].isdigit():
            return Problem("unit-in-value", line, place, {"value": _short(value), "unit": unit})
    return Problem("wrong-type", line, place, {"value": _short(value), "expected": _about(path) or fault["msg"]})


def _real_path(loc: tuple[int | str, ...], document: Any) -> Path:
    """`loc` without what pydantic adds for unions: only steps that exist in the document, and the last."""
    path: list[int | str] = []
    here = document
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


def _about(path: Path) -> str:
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return ""
    parent = path[: max(n for n, step in enumerate(path) if step == names[-1])]
    for shape in _shape_at(parent):
        if names[-1] in shape.model_fields:
            return shape.model_fields[names[-1]].description or ""
    return ""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
