"""Write the generated pages of docs/, or with --check say which of them no longer fit the code (exit 1)."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import click

from patrol import reference

DOCS = Path(__file__).resolve().parent
# program -> module and name of its click command
PROGRAMS = {"patrol": ("patrol.cli", "command"), "patrol-edge": ("patrol_edge.cli", "command")}


def programs() -> dict[str, click.Command]:
    """The commands of both programs."""
    found = {}
    for name, (module, attribute) in PROGRAMS.items():
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} should be a click command")
        found[name] = command
    return found


# file name in docs/ -> what makes its text
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": lambda: reference.commands_page(programs()),
    "config.md": reference.config_page,
    "config.schema.json": reference.config_schema,
    "errors.md": reference.errors_page,
    "mosquitto.acl": lambda: reference.mosquitto_acl("demo"),
    "wire.md": reference.wire_page,
}


def main() -> int:
    """0 when all is well; with --check 1 when a page is old."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is old")
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"docs/: {', '.join(stale)} no longer fit the code; run: make docs", file=sys.stderr)
        return 1
    print(f"docs/: written: {', '.join(stale)}" if stale else "docs/: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
