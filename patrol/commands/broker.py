"""`patrol broker`: the embedded MQTT broker."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event as Flag

import click

from patrol.broker import Broker, host_and_port
from patrol.commands.options import district_option
from patrol.config import load
from patrol.errors import StartTimeout, Text
from patrol.terminal import say

LOOK_EVERY_S = 0.5

LISTENS = Text("broker at {url}, log at {log}", "消息代理：{url}，日志：{log}")


@click.command("broker")
@district_option
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder for its queues and log.  [default: var/broker beside the configuration]",
)
def command(config_path: Path, state_dir: Path | None) -> None:
    """Run the embedded broker at the configuration's broker.url until stopped.

    It is the NATS server with its MQTT 3.1.1 side switched on; queues are kept on disk. In service
    another broker may take its place: name it in broker.url and do not start this one.

    \b
    patrol broker --config config.yaml
    """
    config = load(config_path)
    host, port = host_and_port(config.broker.url)
    broker = Broker(state_dir or config_path.resolve().parent / "var" / "broker", host, port)
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    broker.start()
    say(LISTENS, url=broker.url, log=broker.log_path)
    try:
        while not stop.wait(LOOK_EVERY_S):
            if broker.wait(0):
                raise StartTimeout(program="nats-server", seconds=0, log=broker.log_path)
    finally:
        broker.stop()
