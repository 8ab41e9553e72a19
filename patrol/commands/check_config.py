"""`patrol check-config`: everything that is wrong with a configuration, at once."""

from __future__ import annotations

from pathlib import Path

import click

from patrol.config import load
from patrol.errors import Text
from patrol.terminal import say

COUNTED = ("grid", "buildings", "boxes", "cameras", "sensors", "drones", "patrols")
WELL = Text(
    "{file}: OK, district '{district}': {grid} grid, {buildings} buildings, {boxes} boxes, {cameras} cameras, {sensors} sensors, {drones} drones, {patrols} patrols",
    "{file}：正常，辖区“{district}”：网格 {grid}，建筑 {buildings}，盒子 {boxes}，摄像头 {cameras}，传感器 {sensors}，无人机 {drones}，巡查 {patrols}",
)


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path), default=Path("config.yaml"))
def command(file: Path) -> None:
    """Check a configuration and list all of its problems, each with its line and what to do.

    Nothing is connected to, opened or downloaded. Exit status: 0 when all is well, 2 when not.

    \b
    patrol check-config config.yaml
    """
    config = load(file)
    counts = {name: len(getattr(config, name)) for name in COUNTED}
    say(WELL, file=file, district=config.district.id, **counts)
