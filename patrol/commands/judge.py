"""`patrol judge`: every reason not to fly a mission file, whoever made it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from patrol.commands.flying import sky_options, terrain_of, text_of, zones_of
from patrol.config import load
from patrol.errors import MissionUnreadable, PlanUnsafe, Text
from patrol.planning.drone import Wind
from patrol.planning.files.qgc import read_plan
from patrol.planning.files.waypoints import read_waypoints
from patrol.planning.intent import setting_of
from patrol.planning.safety import Rules, judge
from patrol.terminal import language_of, say

WELL = Text("{file}: OK, {items} items", "{file}：正常，{items} 项")


@click.command("judge")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--drone", required=True, help="The drone of the configuration that is to fly it.")
@sky_options
def command(
    file: Path,
    drone: str,
    config_path: Path,
    wind: Wind,
    dem: Path | None,
    zones: tuple[Path, ...],
    starts_at_s: float | None,
) -> None:
    """Judge a mission file (.plan or .waypoints) against the district's airspace and one drone.

    Names every violation with place, time and amount: fence, no-fly zones, heights, buildings, the way home from
    every point, battery, and what the autopilot would refuse. Exit status: 0 when it may be flown, 2 when not.

    \b
    patrol judge flightplans/built/flood-round.plan --drone falcon --wind 5@270
    """  # fmt: skip
    config = load(config_path)
    setting = setting_of(
        config, drone, wind=wind, terrain=terrain_of(dem), zones=zones_of(zones, starts_at_s), starts_at_s=starts_at_s
    )
    text = text_of(file)
    if file.suffix == ".plan":
        mission = read_plan(text, file.name)
    elif file.suffix in (".waypoints", ".txt"):
        mission = read_waypoints(text, file.name)
    else:
        raise MissionUnreadable(name=file.name, cause="neither .plan nor .waypoints")
    mission = replace(mission, autopilot=setting.drone.autopilot)
    found = judge(mission, Rules(setting.drone, setting.airspace, setting.wind, setting.starts_at_s))
    if found:
        report = "\n".join(v.explain(language_of(os.environ)) for v in found)
        raise PlanUnsafe(name=file.name, count=len(found), report=report)
    say(WELL, file=file.name, items=len(mission.items))
