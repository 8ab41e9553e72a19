"""`patrol-edge accept-roof`: a person says that what was built on a roof may stay."""

from __future__ import annotations

import os
from pathlib import Path

import click

from patrol.config import load
from patrol.errors import Language, NothingToAccept
from patrol.terminal import language_of
from patrol_edge.roof_shelf import RoofShelf

WORDS: dict[Language, str] = {
    "en": "accepted: {building} as it was last seen is its baseline now",
    "zh-CN": "已认可：{building} 以最近一次看到的样子为基准图",
}


@click.command("accept-roof")
@click.argument("building")
@click.option("--box", "box_name", required=True, metavar="NAME", help="The box that keeps the roof's baseline.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=None,
    help="The district.  [default: config.yaml]",
)
@click.pass_obj
def accept_roof(parent_config: Path, building: str, box_name: str, config_path: Path | None) -> None:
    """Accept what was built on a roof: its newest picture becomes the baseline.

    To be run on the box; a running box goes on with the new baseline at its next look. The alert ends when the roof
    has been seen again.
    """
    path = config_path or parent_config
    config = load(path)
    folder = path.resolve().parent / config.box(box_name).state_dir / "roofs"
    if not RoofShelf(folder).accept(building):
        raise NothingToAccept(building=building, folder=folder)
    click.echo(WORDS[language_of(os.environ)].format(building=building))
