"""`patrol check-config`: everything that is wrong with a configuration, at once."""

from __future__ import annotations

from pathlib import Path

import click

from patrol.config import load


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path), default=Path("config.yaml"))
def command(file: Path) -> None:
    """Check a configuration and list all of its problems, each with its line and what to do.

    Nothing is connected to, opened or downloaded. Exit status: 0 when all is well, 2 when not.

    \b
    patrol check-config config.yaml
    """
    config = load(file)
    counts = ", ".join(
        f"{len(getattr(config, name))} {name}"
        for name in ("grid", "buildings", "boxes", "cameras", "drones", "patrols")
    )
    click.echo(f"{file}: OK, district '{config.district.id}': {counts}")
