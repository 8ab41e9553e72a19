"""What both programs, `patrol` and `patrol-edge`, do at a terminal: exit status, errors in the reader's language, logs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NoReturn, TextIO

import click
import structlog

from patrol.errors import FileUnusable, Language, PatrolError, Text
from patrol.words import CHINESE, chinese
from patrol.words.asking import in_chinese
from patrol.words.help import body

FINITE = Text("{value} is not a finite number.", "{value} 不是有限的数。")
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


def run(command: click.Command, name: str) -> NoReturn:
    """Run `command` as the program `name` and leave with its status: 2 for an error of ours, 130 for Ctrl-C."""
    in_our_words(command)
    try:
        code = command(standalone_mode=False)  # click returns the code of Context.exit instead of leaving
    except click.ClickException as err:
        click.echo(refusal(err, language_of(os.environ)), err=True)
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


def refusal(err: click.ClickException, language: Language) -> str:
    """What is wrong with a command line, as click says it: usage, where to look, the error."""
    lines, said = list[str](), err.format_message()
    if isinstance(err, click.UsageError) and err.ctx is not None:
        lines.append(err.ctx.get_usage())
        if err.ctx.command.get_help_option(err.ctx) is not None:
            hint = f"Try '{err.ctx.command_path} {err.ctx.help_option_names[0]}' for help."
            lines += [in_chinese(hint) if language == "zh-CN" else hint, ""]
    said = f"Error: {said}"
    return "\n".join([*lines, in_chinese(said) if language == "zh-CN" else said])


def say(text: Text, **facts: object) -> None:
    """One line for people, in the language of the terminal."""
    click.echo(text.render(language_of(os.environ), **facts))


class HelpInWords(click.HelpFormatter):
    """Help in the reader's language: headings and what click adds from words/asking.py, our own sentences from words/."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        chinese = prefix is None and language_of(os.environ) == "zh-CN"
        super().write_usage(prog, args, f"{in_chinese('Usage:')} " if chinese else prefix)

    def write_heading(self, heading: str) -> None:
        """A section's name."""
        if language_of(os.environ) == "zh-CN":
            self.write(f"{'':>{self.current_indent}}{in_chinese(heading)}：\n")
        else:
            super().write_heading(heading)

    def write_text(self, text: str) -> None:
        """A command's description: paragraph by paragraph; examples stay as they are."""
        if language_of(os.environ) == "zh-CN":
            paragraphs = text.split("\n\n")
            text = "\n\n".join(CHINESE.get(" ".join(p.split()), body(p)) for p in paragraphs)
        super().write_text(text)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Options or commands, each with its meaning."""
        if language_of(os.environ) == "zh-CN":
            rows = [(name, _meaning(said)) for name, said in rows]
        super().write_dl(rows, col_max, col_spacing)


def _meaning(said: str) -> str:
    """An option's meaning with what click adds in brackets."""
    match = re.fullmatch(r"(.*?)(?:  \[(default: [^\[\]]*|required|[^\[\]]*[<>]=?[^\[\]]*)\])?", said, re.DOTALL)
    text, extra = (match[1], match[2]) if match else (said, None)
    whole = " ".join(said.split())
    if whole in CHINESE:
        return CHINESE[whole]
    if whole.endswith("..."):  # a list of commands shows the beginning of each one's sentence
        return next((CHINESE[full] for full in CHINESE if full.startswith(whole[:-3].rstrip())), whole)
    told = in_chinese(chinese(" ".join(text.split())))
    return told if extra is None else f"{told}  [{'; '.join(in_chinese(part) for part in extra.split('; '))}]"


class OurContext(click.Context):
    """A context whose help comes in the reader's language."""

    formatter_class = HelpInWords


def in_our_words(command: click.Command) -> click.Command:
    """The command, and those below it, with help in the reader's language."""
    command.context_class = OurContext
    for below in getattr(command, "commands", {}).values():
        in_our_words(below)
    return command


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
