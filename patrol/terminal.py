"""What both programs, `patrol` and `patrol-edge`, do at a terminal: exit status, errors in the reader's language, logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn, TextIO

import click
import structlog

from patrol.errors import FileUnusable, Language, PatrolError, Text

FINITE = Text("{value} is not a finite number.", "{value} 不是有限的数。")
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


def run(command: click.Command, name: str) -> NoReturn:
    """Run `command` as the program `name` and leave with its status: 2 for an error of ours, 130 for Ctrl-C."""
    try:
        code = command(standalone_mode=False)  # click returns the code of Context.exit instead of leaving
    except click.ClickException as err:
        err.show()
        sys.exit(err.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except PatrolError as err:
        click.echo(f"{name}: {err.explain(language_of(os.environ))}", err=True)
        sys.exit(EXIT_REFUSED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; there is nobody to tell
        sys.exit(0)
    except OSError as err:
        if err.filename is None:
            raise
        refused = FileUnusable(path=os.fspath(err.filename), cause=err.strerror or str(err))
        click.echo(f"{name}: {refused.explain(language_of(os.environ))}", err=True)
        sys.exit(EXIT_REFUSED)
    sys.exit(code if isinstance(code, int) else 0)


class Finite(click.FloatRange):
    """A number, within limits if there are any: neither NaN nor infinite, which slip past every comparison."""

    def __init__(self, min: float | None = None, max: float | None = None) -> None:  # noqa: A002 - as click calls them
        super().__init__(min, max)
        self.name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails as click's types do."""
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(FINITE.said_in(language_of(os.environ)).format(value=value), param, ctx)
        return number


def language_of(environ: Mapping[str, str]) -> Language:
    """The language for people at this terminal."""
    return "zh-CN" if environ.get("PATROL_LANG", environ.get("LANG", "")).lower().startswith("zh") else "en"


def configure_logging(out: TextIO, as_json: bool) -> None:
    """One line an event, to `out`."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
    )
