"""`patrol center`: the district's operation centre."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

from patrol.center.service import run
from patrol.commands.options import district_option
from patrol.config import Config, load
from patrol.errors import Text
from patrol.terminal import say

LISTENS = Text("centre at {url}", "中心：{url}")


@click.command("center")
@district_option
def command(config_path: Path) -> None:
    """Run the centre: take alerts from the broker, make cases, serve the pages and the API, until stopped.

    It listens on center.host and center.port of the configuration: loopback unless told otherwise.
    Tokens of boxes and passwords come from the environment.

    \b
    patrol center --config config.yaml
    """
    asyncio.run(_until_stopped(load(config_path), config_path.resolve().parent))


async def _until_stopped(config: Config, config_dir: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run(config, config_dir, os.environ, stop, ready=lambda url: say(LISTENS, url=url))
