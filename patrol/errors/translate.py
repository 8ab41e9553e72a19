"""Sentences with facts in them from one language into another, by a table of templates. Pure.

A template has holes, `{name}` or `{name!r}`; a sentence that fits it says the same facts in the other language, and a
fact that fits a template itself is translated too. What fits none stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

HOLE = re.compile(r"\{(\w+)(?:!r)?\}")


def translator(table: Mapping[str, str]) -> Callable[[str], str]:
    """A function from sentences of the table's keys to those of its values."""
    # those with most words of their own first: `{first} ...` fits nearly everything
    ordered = sorted(table, key=lambda template: -len(HOLE.sub("", template)))
    patterns = [(_pattern(template), table[template].replace("!r}", "}")) for template in ordered]

    def translate(said: str) -> str:
        for pattern, other in patterns:
            match = pattern.fullmatch(said)
            if match is not None:
                return other.format_map({name: translate(fact) for name, fact in match.groupdict().items()})
        return said

    return translate


def _pattern(template: str) -> re.Pattern[str]:
    parts = HOLE.split(template)
    text = "".join(re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(parts))
    return re.compile(text, re.DOTALL)
