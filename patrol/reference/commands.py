"""docs/commands.md: every command and option of `patrol` and `patrol-edge`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import click

from patrol.reference.tables import GENERATED, page, table
from patrol.words import chinese

INTRODUCTION = """\
`COMMAND --help` says the same. Exit codes: 0 done; 2 refused, with one of the [errors](errors.md) on standard error;
130 interrupted.

`命令 --help` 显示同样内容。退出码：0 完成；2 拒绝执行，标准错误输出给出[错误](errors.md)；130 被中断。
"""


def all_commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """(full name, command) of a program and everything under it."""
    yield name, command
    if not isinstance(command, click.Group):
        return
    context = click.Context(command, info_name=name)
    for child in command.list_commands(context):
        sub = command.get_command(context, child)
        if sub is not None and not sub.hidden:
            yield from all_commands(f"{name} {child}", sub)


def help_of(command: click.Command) -> str:
    """What a command does: the first paragraph of its help, on one line."""
    text = inspect.cleandoc(command.help or "").split("\n\n", maxsplit=1)[0].split("\f", maxsplit=1)[0]
    return " ".join(text.split())


def sentences(programs: Mapping[str, click.Command]) -> Iterator[tuple[str, str]]:
    """(where, English sentence) of everything that needs a Chinese one; the sentence may be missing."""
    for root, program in programs.items():
        for name, command in all_commands(root, program):
            yield name, help_of(command)
            for option in _options(command):
                yield f"{name} {option.opts[0]}", " ".join((option.help or "").split())


def _options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and not p.hidden]


def _row(option: click.Option) -> list[str]:
    about = " ".join((option.help or "").split())
    names = ", ".join(f"`{o}`" for o in [*option.opts, *option.secondary_opts])
    kind = "" if option.is_flag else option.type.name
    default = option.default
    plain = isinstance(default, (str, int, float, PurePath)) and not isinstance(default, bool)
    shown = "**required 必填**" if option.required else f"`{default}`" if plain else "–"
    return [names, kind, shown, about, chinese(about)]


def commands_page(programs: Mapping[str, click.Command]) -> str:
    """The text of docs/commands.md for the programs given by name."""
    parts = [GENERATED, "", "# Commands 命令", "", INTRODUCTION]
    for root, program in programs.items():
        for name, command in all_commands(root, program):
            usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name)))
            about = help_of(command)
            parts += [f"## {name}", "", f"    {name} {usage}".rstrip(), "", f"{about} {chinese(about)}", ""]
            if options := _options(command):
                parts += [*table(["option", "type", "default", "meaning", "含义"], map(_row, options)), ""]
    return page(parts)
