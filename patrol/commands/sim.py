"""`patrol sim`: simulated drones."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import click

from patrol.commands.options import district_option
from patrol.config import Config, load
from patrol.errors import DroneLinkLost, DroneLinkUnusable, Text, UsageError
from patrol.flight.clock import Clock, Steady
from patrol.flight.compare import Firmware
from patrol.flight.dialect import signing_from
from patrol.flight.sim.camera import FRAMES_PER_S, LENS, Cameras, Mounted, read_place, renderer_of
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.mishaps import READY, Mishap, befall, due, read_mishap
from patrol.flight.sim.serve import Aloft, Losses
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import read_address
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.terminal import Finite, language_of, say

APART_M = 10.0
HASTE = 3.0  # from here on an ordinary ground station, which beats once a second, may be taken for silent
HASTY = Text(
    "At {speed:g} x, a ground station that goes by real time is taken for lost: add --wait-for-ground here and "
    "--simulated-time to patrol fly.",
    "以 {speed:g} 倍速，按真实时间运行的地面站会被当作失联：请在此加 --wait-for-ground，并在 patrol fly 加 --simulated-time。",
)
AT = Text("{count} x {autopilot} at {link}", "{count} 架 {autopilot}：{link}")
LEAD_S = 0.5  # less than any failsafe waits


@click.command("sim")
@click.option(
    "--autopilot",
    type=click.Choice(["ardupilot", "px4"]),
    default="ardupilot",
    show_default=True,
    help="Whose words and ways it has.",
)
@click.option("--link", default="udpout://127.0.0.1:14550", show_default=True, help="Where it speaks MAVLink.")
@click.option(
    "--home",
    type=(Finite(-90, 90), Finite(-180, 180)),
    default=(22.5431, 114.0579),
    metavar="LATITUDE LONGITUDE",
    show_default=True,
    help="Latitude and longitude.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="How many, numbered from 1, on one link each.",
)
@click.option("--speed", type=Finite(0.1, 50), default=1.0, show_default=True, help="How much faster than real time.")
@click.option(
    "--wait-for-ground",
    is_flag=True,
    help="Time waits for the ground station, so that no speed makes a lost link; for patrol fly --simulated-time.",
)
@click.option(
    "--wind",
    type=(Finite(0, 60), Finite(-360, 360)),
    default=(0.0, 0.0),
    show_default=True,
    help="Speed in m/s and where it comes from in degrees.",
)
@click.option("--loss", type=Finite(0, 0.99), default=0.0, show_default=True, help="Share of frames lost each way.")
@click.option("--boot", type=Finite(0, 600), default=0.0, show_default=True, help="Seconds until it knows where it is.")
@click.option(
    "--ready", is_flag=True, help="Parameters as a careful owner sets them: every failsafe on. [default: as shipped]"
)
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="One parameter; may be given several times."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="[SECONDS=][SYSTEM/]FAULT",
    help="What goes wrong, at once or so long after arming: link-loss, gps-loss, refuse-arming:TEXT, battery:SHARE, link-back, gps-back, arm-again.",
)
@click.option(
    "--camera",
    "camera_at",
    metavar="PORT|HOST:PORT",
    help="Show what the drones' cameras see of the district, as MJPEG over HTTP: /1 is the first drone's; port 0 is a free one.",
)
@click.option(
    "--fps", type=Finite(0.1, 10), default=FRAMES_PER_S, show_default=True, help="Pictures a second, at most."
)
@district_option
@click.option("--listen", is_flag=True, help="Take more faults as lines on standard input while it flies.")
def command(
    autopilot: Firmware,
    link: str,
    home: tuple[float, float],
    count: int,
    speed: float,
    wait_for_ground: bool,
    wind: tuple[float, float],
    loss: float,
    boot: float,
    ready: bool,
    params: tuple[str, ...],
    faults: tuple[str, ...],
    camera_at: str | None,
    fps: float,
    config_path: Path,
    listen: bool,
) -> None:
    """Fly simulated drones that any ground station can talk to, until stopped.

    They answer as recorded ArduCopter and PX4 did. With ${PATROL_SIGNING_KEY} set, frames are signed
    and unsigned ones refused.

    \b
    patrol sim --autopilot px4 --link udpout://127.0.0.1:14550 --count 3
    patrol sim --ready --fault 60=link-loss --fault 90=link-back
    (echo 2/gps-loss; cat) | patrol sim --count 2 --listen
    patrol sim --camera 8090, and open http://127.0.0.1:8090/1 in a browser
    """
    secret = os.environ.get("PATROL_SIGNING_KEY")
    frame = LocalFrame(LatLon(*home))
    if speed > HASTE and not wait_for_ground:
        click.echo(HASTY.render(language_of(os.environ), speed=speed), err=True)
    clock = Steady(speed)
    mishaps = [read_mishap(text) for text in faults]
    drones = list[Aloft]()
    for n in range(count):
        drone = SimDrone(
            autopilot,
            frame.to_wgs84(EastNorth(APART_M * n, 0.0)),
            system=n + 1,
            boot_s=boot,
            wind_ms=wind[0],
            wind_from_deg=wind[1],
        )
        for name, value in [*(READY[autopilot].items() if ready else ()), *map(_param, params)]:
            _set(drone, name, value)
        signing = signing_from(secret, n + 1) if secret else None
        lead_s = LEAD_S if wait_for_ground else None
        drones.append(Aloft(Vehicle(drone), read_address(link), signing, Losses(loss), clock, lead_s=lead_s))
    cameras = None if camera_at is None else _cameras(camera_at, fps, load(config_path), drones, clock)
    say(AT, count=count, autopilot=autopilot, link=link)
    asyncio.run(_until_stopped(drones, clock, mishaps, listen, cameras))


def _cameras(place: str, fps: float, config: Config, drones: Sequence[Aloft], clock: Clock) -> Cameras:
    """One for each drone, with lens and delay of the configuration's drone of the same number, if that has a camera."""
    host, port = read_place(place)
    mounted = list[Mounted]()
    for aloft, camera in zip(drones, chain((d.camera for d in config.drones), repeat(None)), strict=False):
        lens, delay_s = (LENS, 0.0) if camera is None else (camera.lens.geo, float(camera.delay_s))
        mounted.append(Mounted(str(aloft.vehicle.drone.system), aloft, lens, host, port, delay_s))
    return Cameras(mounted, LocalFrame(config.district.origin), renderer_of(config), clock, click.echo, fps)


def _param(text: str) -> tuple[str, float]:
    match = re.fullmatch(r"(\w+)=(-?\d+(?:\.\d+)?)", text)
    if match is None:
        raise UsageError(kind="parameter", name=text, known="NAME=VALUE")
    return match[1], float(match[2])


def _set(drone: SimDrone, name: str, value: float) -> None:
    try:
        drone.settings.set(name, value)
    except KeyError as err:
        raise UsageError(kind="parameter", name=name, known=", ".join(drone.settings.names())) from err


async def _until_stopped(
    drones: Sequence[Aloft], clock: Clock, mishaps: Sequence[Mishap], listen: bool, cameras: Cameras | None
) -> None:
    stop = asyncio.Event()
    if cameras is not None:
        await cameras.open()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if listen:
        loop.add_reader(sys.stdin.fileno(), _hear, drones)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_fly(drone)) for drone in drones]
            tasks += [group.create_task(_happen(mishap, drones, clock)) for mishap in mishaps]
            if cameras is not None:
                tasks.append(group.create_task(cameras.run()))
            await stop.wait()
            for task in tasks:
                task.cancel()
    except* (DroneLinkUnusable, DroneLinkLost) as err:
        raise err.exceptions[0] from None  # one link for all: the first says it


async def _fly(aloft: Aloft) -> None:
    """Until cancelled: a link that ends by itself is told. Raises DroneLinkUnusable, DroneLinkLost."""
    await aloft.run()
    raise DroneLinkLost(link=aloft.address.text, cause="the far end closed it")


async def _happen(mishap: Mishap, drones: Sequence[Aloft], clock: Clock) -> None:
    """When it is due, drone by drone: each has its own time when it waits for the ground."""
    for aloft in drones:
        if mishap.system in {None, aloft.vehicle.drone.system}:
            while not due(mishap, aloft.vehicle.drone):
                await clock.sleep_until(clock.now() + 0.1)
            befall(mishap, aloft.vehicle.drone, aloft.losses)
            click.echo(f"{aloft.vehicle.drone.system}: {mishap.word} {mishap.value}".rstrip())


def _hear(drones: Sequence[Aloft]) -> None:
    """Lines that have come on standard input; its end is no more lines."""
    data = os.read(sys.stdin.fileno(), 4096)
    if not data:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        return
    for line in filter(None, data.decode(errors="replace").splitlines()):
        try:
            mishap = read_mishap(line)
        except UsageError as err:
            click.echo(err.explain(language_of(os.environ)), err=True)
            continue
        for aloft in drones:
            if mishap.system in {None, aloft.vehicle.drone.system}:
                befall(mishap, aloft.vehicle.drone, aloft.losses)
                click.echo(f"{aloft.vehicle.drone.system}: {mishap.word} {mishap.value}".rstrip())
