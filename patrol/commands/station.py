"""`patrol station`: the program that owns a district's drones."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

from patrol.commands.options import district_option
from patrol.config import Config, load
from patrol.config.values import reveal
from patrol.errors import ProgramMissing, Text
from patrol.flight.clock import Steady
from patrol.flight.dialect import signing_from
from patrol.flight.sim.camera import Cameras
from patrol.flight.station.service import Service
from patrol.flight.station.simulated import Fleet
from patrol.flight.transport import open_transport
from patrol.terminal import language_of, say
from patrol.waiting import cancelled

GOING_HOME = Text(
    "going home: drones in the air are called back; Ctrl-C again leaves at once",
    "正在返航：已召回空中无人机；再按 Ctrl-C 立即退出",
)
LEFT = Text(
    "left {drones} in the air: they return by their own failsafe unless a station takes over",
    "{drones} 仍在空中：若无机场接管，将按自身保护返航",
)
READY = Text("station {name}: {drones}", "机场 {name}：{drones}")
NO_CAMERA = Text("camera: {why}", "摄像头：{why}")


@click.command("station")
@district_option
@click.option("--sim", is_flag=True, help="Fly simulated drones, which start in this process, instead of real ones.")
def command(config_path: Path, sim: bool) -> None:
    """Own the district's drones: fly patrols by calendar, warning, alert and request, until stopped.

    Every plan is judged before it is uploaded, and every upload is read back before anything is armed. What
    may not be flown is refused on the wire with its reasons. One line is printed whenever something changes.

    Ctrl-C calls drones in the air home and waits for them; a second one, or SIGTERM, leaves at once: then a
    drone in the air goes on, and returns by its own failsafe unless the station is started again and takes over.

    \b
    patrol broker & patrol station --sim
    """
    asyncio.run(_until_stopped(load(config_path), config_path.resolve().parent, sim=sim))


async def _until_stopped(config: Config, config_dir: Path, *, sim: bool) -> None:
    clock, secret = Steady(), os.environ.get("PATROL_SIGNING_KEY")
    fleet = cameras = None
    if sim:
        fleet = Fleet(config, {d.id: reveal(d.link, os.environ, f"drones.{d.id}.link") for d in config.drones}, clock)
        cameras = await _cameras(config, fleet)
    service = Service(
        config, config_dir, os.environ, clock=clock, tell=click.echo,
        opener=open_transport if fleet is None else fleet.cables.ground,
        signing=signing_from(secret) if secret and not sim else None,
    )  # fmt: skip
    stop, home = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: stop.set() if home.is_set() else home.set())
    others = [asyncio.create_task(_come_home(service, home, stop))]
    if fleet is not None:
        others += [
            asyncio.create_task(work) for work in (fleet.charge(), *(aloft.run() for aloft in fleet.aloft.values()))
        ]
    if cameras is not None:
        others.append(asyncio.create_task(cameras.run()))
    try:
        await service.run(stop, lambda: say(READY, name=config.station.id, drones=", ".join(service.aircraft)))
    finally:
        await cancelled(others)
    if service.desk is not None and service.desk.flights:
        say(LEFT, drones=", ".join(kept.drone for kept in service.desk.flights.values()))


async def _cameras(config: Config, fleet: Fleet) -> Cameras | None:
    """The simulated drones' cameras, listening; none where the renderer is not installed. Raises PortTaken."""
    sources = {
        d.id: reveal(d.camera.source, os.environ, f"drones.{d.id}.camera.source") for d in config.drones if d.camera
    }
    try:
        cameras = fleet.cameras(config, sources, click.echo)
    except ProgramMissing as err:
        say(NO_CAMERA, why=err.explain(language_of(os.environ)))
        return None
    if cameras is not None:
        await cameras.open()
    return cameras


async def _come_home(service: Service, home: asyncio.Event, stop: asyncio.Event) -> None:
    await home.wait()
    say(GOING_HOME)
    await service.come_home()
    stop.set()
