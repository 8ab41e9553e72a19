"""Markdown tables, and the type of a field in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patrol.words.units import unit_of

Schema = Mapping[str, Any]

GENERATED = "<!-- Made from the code by docs/build.py: change the code, then run `make docs`. -->"
PATTERNS = {
    r"^[a-z0-9][a-z0-9-]{0,62}$": "short name",
    r"^[0-9a-f]{64}$": "SHA-256, 64 hex digits",
    r"^[A-Za-z0-9-]+$": "id",
    r"^\d\d:\d\d-\d\d:\d\d$": "hours, `HH:MM-HH:MM`",
    r"^\d{12}$": "12 digits",
}
BOUNDS = {"minimum": ">= {}", "exclusiveMinimum": "> {}", "maximum": "<= {}", "exclusiveMaximum": "< {}"}
WORDS = {"number": "number", "integer": "whole number", "boolean": "true or false", "string": "text"}


def cell(text: str) -> str:
    """`text` so that it can stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return lines + [f"| {' | '.join(cell(c) for c in row)} |" for row in rows]


def page(parts: Iterable[str]) -> str:
    """Lines to the text of a file."""
    return "\n".join(parts).rstrip("\n") + "\n"


def unit_text(name: str) -> str:
    """The unit of a field in both languages, or nothing."""
    unit = unit_of(name)
    return f"{unit.en} {unit.zh}" if unit else ""


def type_text(schema: Schema, links: bool = True) -> str:
    """The type that a JSON Schema describes, in words. `links`: named parts become links to their headings."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})" if links else name
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(type_text(choice, links) for choice in choices)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "null":
        return "null"
    if kind == "array":
        return _array_text(schema, links)
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"map of names to {type_text(values, links)}" if isinstance(values, Mapping) else "map"
    return _plain_text(schema)


def _array_text(schema: Schema, links: bool) -> str:
    item = schema.get("items", {})
    if schema.get("maxItems") == 2 and item.get("type") == "number":
        return "`[x, y]`"
    text = f"list of {type_text(item, links)}"
    if "minItems" in schema:
        text += f", at least {schema['minItems']}"
    if "maxItems" in schema:
        text += f", at most {schema['maxItems']}"
    return text


def _plain_text(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "time, RFC 3339"
    if "pattern" in schema:
        return PATTERNS.get(str(schema["pattern"]), f"text like `{schema['pattern']}`")
    text = WORDS.get(str(schema.get("type")), "anything")
    bounds = [form.format(f"{schema[key]:g}") for key, form in BOUNDS.items() if key in schema]
    if "maxLength" in schema:
        bounds.append(f"<= {schema['maxLength']} characters")
    return f"{text} {' and '.join(bounds)}".strip()


def default_text(schema: Schema, required: bool) -> str:
    """What holds when a field is left out."""
    if required:
        return "**required 必填**"
    value = schema.get("default")
    return "–" if value in (None, [], {}, "") or isinstance(value, dict) else f"`{json.dumps(value)}`"
