"""The command line of the district side: the only place that exits and configures logging.

Subcommands live in patrol/commands and are loaded when they are used, so that each needs only its own
extra: `patrol check-config` runs on a machine that has neither a web server nor a network model.
"""

from __future__ import annotations

import importlib
import sys

import click

from patrol.errors import ProgramMissing
from patrol.terminal import configure_logging, in_our_words, run

# subcommand -> (module, the extra that brings what it needs)
COMMANDS = {
    "broker": ("patrol.commands.broker", "center"),
    "calibrate": ("patrol.commands.calibrate", "plan"),
    "center": ("patrol.commands.center", "center"),
    "check-config": ("patrol.commands.check_config", "plan"),
    "demo": ("patrol.commands.demo", "demo"),
    "flight": ("patrol.commands.flight", "flight"),
    "fly": ("patrol.commands.fly", "flight"),
    "sim": ("patrol.commands.sim", "flight"),
    "station": ("patrol.commands.station", "flight"),
    "judge": ("patrol.commands.judge", "plan"),
    "model": ("patrol.commands.model", "edge"),
    "plan": ("patrol.commands.plan", "plan"),
}


class LazyGroup(click.Group):
    """Loads a subcommand's module only when that subcommand is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All subcommands, in alphabetical order."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand; one that says what to install when its extra is missing."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module_name, extra = COMMANDS[cmd_name]
        try:
            command: click.Command = importlib.import_module(module_name).command
        except ModuleNotFoundError as err:
            if err.name is not None and err.name.split(".")[0] in {"patrol", "patrol_edge"}:
                raise
            return _missing(cmd_name, err.name or module_name, extra)
        return in_our_words(command)


def _missing(name: str, program: str, extra: str) -> click.Command:
    def refuse() -> None:
        raise ProgramMissing(program=program, extra=extra)

    return click.Command(name, callback=refuse, help=f"(not installed: pip install 'sky-ground-patrol[{extra}]')")


@click.group(cls=LazyGroup)
@click.version_option(package_name="sky-ground-patrol")
@click.option("--log-json", is_flag=True, help="Log as JSON lines, for machines.")
def command(log_json: bool) -> None:
    """Sky-Ground Patrol: see a hazard, prove it, place it on the map, stay with it until it is dealt with.

    \b
    See it work:          patrol demo
    Check a district:     patrol check-config config.yaml
    Run the centre:       patrol broker & patrol center
    Fly patrols:          patrol broker & patrol station --sim

    A box has a program of its own: patrol-edge. Messages are in Chinese where LANG (or PATROL_LANG)
    begins with zh, else in English.
    """
    configure_logging(sys.stderr, log_json)


def main() -> None:
    """Entry point of `patrol`."""
    run(command, "patrol")
