"""`patrol fly`: one mission, one vehicle, followed to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click

from patrol.commands.flying import dem_option, terrain_of, text_of, wind_option, zones_of, zones_option
from patrol.commands.options import kept_option, lang_option, spoken
from patrol.config import load
from patrol.errors import (
    DroneLinkLost,
    FlightRecordUnwritable,
    Language,
    OneOf,
    PlanUnsafe,
    ProgramMissing,
    UsageError,
)
from patrol.flight.clock import Followed, Steady
from patrol.flight.compile import compile_mission
from patrol.flight.demands import demands_of
from patrol.flight.dialect import signing_from
from patrol.flight.keep import keep_flight, kept_flight, kept_mission
from patrol.flight.left import Left, as_dict, left_lines, left_of, mission_of
from patrol.flight.link import Link
from patrol.flight.pilot import REHEARSED, Ending, Happening, Pilot
from patrol.flight.progress import as_json, ending_line, happening_line, left_line, progress_line
from patrol.flight.record import Header
from patrol.flight.shell import Flight, News, Pose
from patrol.flight.track import Stop, way_of
from patrol.flight.transport import Opener, open_transport, read_address
from patrol.planning.drone import CALM, Wind
from patrol.planning.files.qgc import read_plan
from patrol.planning.intent import setting_of
from patrol.planning.mission import Mission
from patrol.planning.safety import Rules, judge
from patrol.terminal import Finite

EXIT_REFUSED, EXIT_NOT_AS_PLANNED, EXIT_LEFT = 2, 3, 4
LINE_EVERY_S = 10.0  # where there is no terminal to write one line over


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    mission: Mission
    rules: Rules
    connect: str
    system: int | None
    language: Language
    as_json: bool
    within_s: float
    dry_run: bool
    simulated_time: bool
    kept: Path
    driver: str
    drone: str


@click.command("fly")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option("--connect", default="udp:127.0.0.1:14550", show_default=True, help="The vehicle's link.")
@click.option(
    "--system", type=click.IntRange(1, 255), default=None, help="Its MAVLink system id. [default: the only one heard]"
)
@click.option("--drone", required=True, help="The drone of the configuration that is to fly it.")
@click.option(
    "--judge",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The district whose rules the judge goes by.",
)
@wind_option
@dem_option
@zones_option
@click.option(
    "--within",
    "within_s",
    type=Finite(1, 600),
    default=10.0,
    show_default=True,
    help="Seconds to wait for the vehicle to be heard.",
)
@click.option("--dry-run", is_flag=True, help="Judge, upload, read back, pre-flight checks; arm nothing.")
@click.option(
    "--json", "json_lines", is_flag=True, help="One JSON object a line for each pose, happening and the ending."
)
@kept_option
@click.option(
    "--rest-of",
    metavar="ID",
    default=None,
    help="Instead of PLAN: what the kept flight ID left undone, items not flown and missing photographs.",
)
@lang_option
@click.option(
    "--driver",
    type=click.Choice(["mavlink", "dronekit"]),
    default="mavlink",
    show_default=True,
    help="What holds the link; dronekit is the extra of that name.",
)
@click.option("--simulated-time", is_flag=True, help="Go by the vehicle's time: for patrol sim --wait-for-ground.")
@click.pass_context
def command(
    context: click.Context,
    plan: Path | None,
    connect: str,
    system: int | None,
    drone: str,
    config_path: Path,
    wind: Wind,
    dem: Path | None,
    zones: tuple[Path, ...],
    within_s: float,
    dry_run: bool,
    json_lines: bool,
    folder: Path,
    rest_of: str | None,
    lang: str | None,
    driver: str,
    simulated_time: bool,
) -> None:
    """Fly one mission file with one vehicle and follow it to its end, or what an earlier flight left undone.

    First the safety judge; then upload, read-back and comparison; then the vehicle's health and its own failsafes; then
    arming and take-off. It ends with exactly one outcome: landed, returned, or aborted with a reason. Ctrl-C once orders it
    home and goes on following; twice leaves it, and says what it is doing. Signed with ${PATROL_SIGNING_KEY} if that is set.

    \b
    Exit status: 0  landed or returned with the whole mission flown (with --dry-run: all is well)
                 2  refused before take-off: the judge, the vehicle, its parameters; nothing was armed
                 3  down again, but not as planned: ordered home, turned home by itself, aborted
                 4  not followed to its end: left by Ctrl-C, or the link ended; it may be in the air

    \b
    patrol sim --ready &
    patrol fly flightplans/built/flood-round.plan --drone falcon --dry-run
    patrol fly flightplans/built/flood-round.plan --drone falcon --connect udp:127.0.0.1:14550
    patrol fly --rest-of 20261124T073000Z-1 --drone falcon
    patrol fly survey.plan --drone heron --connect serial:/dev/ttyUSB0:57600 --system 3 --wind 6@300
    """  # fmt: skip
    config = load(config_path)
    setting = setting_of(config, drone, wind=wind, terrain=terrain_of(dem), zones=zones_of(zones, None))
    if (plan is None) == (rest_of is None):
        raise OneOf(one="PLAN", other="--rest-of")
    if plan is None:
        flown = kept_flight(folder, rest_of or "")
        mission = mission_of(flown, kept_mission(folder, flown))
    else:
        mission = replace(read_plan(text_of(plan), plan.name), name=plan.stem, autopilot=setting.drone.autopilot)
    rules = Rules(setting.drone, setting.airspace, setting.wind, setting.starts_at_s)
    found = judge(mission, rules)
    if found:
        report = "\n".join(v.explain(spoken(lang)) for v in found)
        raise PlanUnsafe(name=mission.name if plan is None else plan.name, count=len(found), report=report)
    wanted = Wanted(
        mission,
        rules,
        connect,
        system,
        spoken(lang),
        json_lines,
        within_s,
        dry_run,
        simulated_time,
        folder,
        driver,
        drone,
    )
    context.exit(asyncio.run(_fly(wanted)))


async def _fly(wanted: Wanted) -> int:
    secret = os.environ.get("PATROL_SIGNING_KEY")
    clock = Followed() if wanted.simulated_time else Steady()
    signing = signing_from(secret) if secret else None
    link = Link(read_address(wanted.connect), signing, clock, opener=opener_of(wanted.driver))
    await link.open()
    try:
        found = await link.find(wanted.system, wanted.within_s)
        if found.firmware != wanted.rules.drone.autopilot:
            raise UsageError(kind=f"{wanted.rules.drone.autopilot} drone", name=str(found.system), known=found.firmware)
        return await _follow(wanted, link, found.system)
    finally:
        await link.close()


def rest_command(wanted: Wanted, flight_id: str) -> list[str]:
    """The command that flies what the flight left, with the same vehicle."""
    command = ["patrol", "fly", "--rest-of", flight_id, "--drone", wanted.drone, "--connect", wanted.connect]
    if wanted.system is not None:
        command += ["--system", str(wanted.system)]
    return [*command, "--kept", str(wanted.kept)]


def opener_of(driver: str) -> Opener:
    """How the driver of that name opens a link. Raises ProgramMissing when it is not installed."""
    if driver == "mavlink":
        return open_transport
    try:
        from patrol.flight.dronekit_link import open_dronekit  # noqa: PLC0415 - an extra that most do not have
    except ModuleNotFoundError as err:
        raise ProgramMissing(program="dronekit2", extra="dronekit") from err
    return open_dronekit


async def _follow(wanted: Wanted, link: Link, system: int) -> int:
    mission, drone, wind = wanted.mission, wanted.rules.drone, wanted.rules.wind
    compiled = compile_mission(mission)
    wind_ms = wind.speed_ms if wind != CALM else None
    pilot = Pilot(compiled, demands_of(mission, drone, wind), wind_ms=wind_ms, rehearses=wanted.dry_run)
    header = Header(mission, system, link.wall(), link.now(), wanted.rules.airspace.zones)
    way = way_of(compiled, mission.home, mission.home_amsl_m, mission.cruise_ms)
    screen = Screen(wanted, way, link.now())
    ending, lost = None, None
    with keep_flight(link, pilot, header, wanted.kept, screen.unwritten) as recorder:

        def tell(news: News) -> None:
            recorder.hear(news)
            screen.show(news)

        flight = Flight(link, system, pilot, tell)
        running = asyncio.create_task(flight.run())
        _heed_interrupts(flight, running, screen)
        try:
            ending = await running
        except DroneLinkLost as err:
            lost = err
        except asyncio.CancelledError:
            if not running.cancelled():
                raise
    left = left_of(recorder.summary(pilot, ending, link.now()))
    screen.end(ending, lost, flight.pose, wanted.kept / header.id, left)
    return exit_code(ending, armed=pilot.armed or pilot.seen.flew)


def exit_code(ending: Ending | None, *, armed: bool) -> int:
    """What the shell is told."""
    if ending is None:
        return EXIT_LEFT
    if ending.reason == REHEARSED or (ending.outcome in {"landed", "returned"} and ending.complete):
        return 0
    return EXIT_NOT_AS_PLANNED if armed else EXIT_REFUSED


def _heed_interrupts(flight: Flight, running: asyncio.Task[Ending], screen: Screen) -> None:
    times = 0

    def interrupt() -> None:
        nonlocal times
        times += 1
        if times == 1:
            screen.say("返航指令已发出；再按一次 Ctrl-C 不再跟踪。", "Ordered home; Ctrl-C again to stop following.")
            flight.order("abort")
        else:
            running.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)


class Screen:
    """Where news is shown: a line written over on a terminal, lines elsewhere, JSON when asked for."""

    def __init__(self, wanted: Wanted, way: tuple[Stop, ...], began_s: float) -> None:
        self._wanted, self._way, self._began_s = wanted, way, began_s
        self._over = sys.stdout.isatty() and not wanted.as_json
        self._line_at = 0.0

    def show(self, news: News) -> None:
        """One piece of news."""
        if self._wanted.as_json:
            click.echo(as_json(news))
        elif isinstance(news, Happening) and news.what in {"landed", "returned", "aborted"}:
            return  # the ending says it
        elif isinstance(news, Happening):
            self._write(happening_line(news, self._began_s, self._wanted.language))
        elif news.armed:
            line = progress_line(news, self._way, self._wanted.language)
            if self._over:
                click.echo(f"\r\x1b[K{line}", nl=False)
            elif news.at_s >= self._line_at:
                self._line_at = news.at_s + LINE_EVERY_S
                click.echo(f"{news.at_s - self._began_s:7.1f} s  {line}")

    def say(self, zh: str, en: str) -> None:
        """To people, beside the news."""
        click.echo(("\n" if self._over else "") + (zh if self._wanted.language == "zh-CN" else en), err=True)

    def unwritten(self, err: FlightRecordUnwritable) -> None:
        """That the record is not on disk; the flight ended as it ended."""
        self.say(err.explain("zh-CN"), err.explain("en"))

    def end(
        self, ending: Ending | None, lost: DroneLinkLost | None, pose: Pose | None, folder: Path, left: Left
    ) -> None:
        """The one outcome and what it left undone, or what the vehicle is doing now."""
        language, about = self._wanted.language, as_dict(left, folder.name)
        if ending is not None:
            self._write(as_json(ending, about) if self._wanted.as_json else ending_line(ending, language))
        else:
            if lost is not None:
                click.echo(lost.explain(language), err=True)
            click.echo(left_line(pose, language), err=True)
        if not self._wanted.as_json:
            self._write(str(folder))
            for line in left_lines(left, language, rest_command(self._wanted, folder.name)) if left else ():
                self._write(line)

    def _write(self, line: str) -> None:
        click.echo(f"\r\x1b[K{line}" if self._over else line)
