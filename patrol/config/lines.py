"""YAML that remembers on which line everything stands."""

from __future__ import annotations

from typing import Any

import yaml

from patrol.config.problems import Problem

Path = tuple[str | int, ...]
MAX_DEPTH = 40  # a configuration is not deeper; a file that is, is refused instead of exhausting the stack


class Lines:
    """Line numbers (from 1) of every key and item of a document."""

    def __init__(self) -> None:
        self._at: dict[Path, int] = {}

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
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        document = None if root is None else _build(loader, root, (), lines, problems)
    except (yaml.YAMLError, RecursionError, ValueError) as err:
        mark = getattr(err, "problem_mark", None)
        cause = getattr(err, "problem", None) or str(err) or type(err).__name__
        line = 1 if mark is None else mark.line + 1
        return None, lines, [Problem("not-yaml", line, "", {"cause": " ".join(str(cause).split())[:200]})]
    finally:
        loader.dispose()
    return document, lines, problems


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: Lines, problems: list[Problem]) -> Any:
    line = node.start_mark.line + 1
    lines.note(path, line)
    if len(path) > MAX_DEPTH:
        raise ValueError("nested too deeply")
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
