"""YAML that remembers on which line everything stands."""

from __future__ import annotations

from typing import Any

import yaml

from patrol.config.problems import Problem
from patrol.errors import Text

Path = tuple[str | int, ...]
MAX_DEPTH = 40  # a configuration is not deeper; a file that is, is refused instead of exhausting the stack
MAX_VALUES = 200_000  # a district of 767 cells has 10,000; aliases of aliases could name billions
TOO_DEEP = Text("nested too deeply", "嵌套过深")
TOO_MANY = Text(f"more than {MAX_VALUES} values", f"超过 {MAX_VALUES} 个值")


class Lines:
    """Line numbers (from 1) of every key and item of a document."""

    def __init__(self) -> None:
        self._at: dict[Path, int] = {}
        self._values = 0

    def count(self) -> int:
        """One more value was read; how many there are now."""
        self._values += 1
        return self._values

    def note(self, path: Path, line: int) -> None:
        """Remember that `path` stands on `line`."""
        self._at.setdefault(path, line)

    def of(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self._at:
            path = path[:-1]
        return self._at.get(path, 1)


def read_yaml(text: str) -> tuple[Any, Lines, list[Problem]]:
    """The document, the lines of its parts, and what is wrong with it as YAML. Nothing is executed or fetched."""
    lines, problems = Lines(), list[Problem]()
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        document = None if root is None else _build(loader, root, (), lines, problems)
    except _Refused as err:
        return None, lines, [Problem("not-yaml", err.line, "", {"cause": err.cause})]
    except (yaml.YAMLError, RecursionError, ValueError) as err:
        return None, lines, [Problem("not-yaml", _line_of(err, text), "", {"cause": _cause_of(err)})]
    return document, lines, problems


class _Refused(Exception):
    """Valid YAML that nobody means as a configuration."""

    def __init__(self, cause: Text, line: int) -> None:
        super().__init__(cause.en)
        self.cause, self.line = cause, line


def _line_of(err: Exception, text: str) -> int:
    if isinstance(err, yaml.reader.ReaderError):
        return text[: err.position].count("\n") + 1
    mark = getattr(err, "problem_mark", None)
    return 1 if mark is None else int(mark.line) + 1


def _cause_of(err: Exception) -> object:
    if isinstance(err, RecursionError):
        return TOO_DEEP
    if isinstance(err, yaml.reader.ReaderError):
        return Text(f"the character #x{err.character:04x} may not stand here", f"不允许字符 #x{err.character:04x}")
    cause = getattr(err, "problem", None) or str(err) or type(err).__name__
    return " ".join(str(cause).split())[:200]


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: Lines, problems: list[Problem]) -> Any:
    line = node.start_mark.line + 1
    lines.note(path, line)
    if len(path) > MAX_DEPTH:
        raise _Refused(TOO_DEEP, line)
    if lines.count() > MAX_VALUES:
        raise _Refused(TOO_MANY, line)
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*path, n), lines, problems) for n, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    found: dict[str, Any] = {}
    first_line: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node))
        key_line = key_node.start_mark.line + 1
        if key in found:
            facts = {"key": key, "first_line": first_line[key]}
            problems.append(Problem("duplicate-key", key_line, dotted((*path, key)), facts))
            continue
        first_line[key] = key_line
        lines.note((*path, key), key_line)
        found[key] = _build(loader, value_node, (*path, key), lines, problems)
    return found


def dotted(path: Path) -> str:
    """`cameras[2].zones[0].polygon_px` for a path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
