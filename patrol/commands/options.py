"""Options that several commands of `patrol` have in common. Light: no extra is needed to read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import click

from patrol.errors import Language
from patrol.terminal import language_of

A_PATH = click.Path(path_type=Path)
district_option = click.option(
    "--config", "config_path", type=A_PATH, default=Path("config.yaml"), show_default=True, help="The district."
)
lang_option = click.option(
    "--lang", type=click.Choice(["en", "zh-CN"]), default=None, help="The language. [default: that of the terminal]"
)

kept_option = click.option(
    "--kept",
    "folder",
    type=A_PATH,
    default=Path("var/flights"),
    show_default=True,
    help="The folder of flight records.",
)


def spoken(chosen: str | None) -> Language:
    """The language that was chosen by `--lang`, or the terminal's."""
    return language_of(os.environ) if chosen is None else cast("Language", chosen)
