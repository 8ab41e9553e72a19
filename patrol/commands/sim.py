"""`patrol sim`: simulated drones."""

from __future__ import annotations

import asyncio
import os
import signal

import click

from patrol.flight.clock import Steady
from patrol.flight.dialect import signing_from
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Aloft, Losses
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import read_address
from patrol.geo import EastNorth, LatLon, LocalFrame

APART_M = 10.0


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
    "--home", type=(float, float), default=(22.5431, 114.0579), show_default=True, help="Latitude and longitude."
)
@click.option(
    "--count",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="How many, numbered from 1, on one link each.",
)
@click.option(
    "--speed", type=click.FloatRange(0.1, 50), default=1.0, show_default=True, help="How much faster than real time."
)
@click.option(
    "--wind",
    type=(float, float),
    default=(0.0, 0.0),
    show_default=True,
    help="Speed in m/s and where it comes from in degrees.",
)
@click.option(
    "--loss", type=click.FloatRange(0, 0.99), default=0.0, show_default=True, help="Share of frames lost each way."
)
@click.option(
    "--boot", type=click.FloatRange(0, 600), default=0.0, show_default=True, help="Seconds until it knows where it is."
)
def command(
    autopilot: str,
    link: str,
    home: tuple[float, float],
    count: int,
    speed: float,
    wind: tuple[float, float],
    loss: float,
    boot: float,
) -> None:
    """Fly simulated drones that any ground station can talk to, until stopped.

    They answer as recorded ArduCopter and PX4 did. With ${PATROL_SIGNING_KEY} set, frames are signed
    and unsigned ones refused.

    \b
    patrol sim --autopilot px4 --link udpout://127.0.0.1:14550 --count 3
    """
    secret = os.environ.get("PATROL_SIGNING_KEY")
    frame = LocalFrame(LatLon(*home))
    clock = Steady(speed)
    drones = [
        Aloft(
            Vehicle(
                SimDrone(
                    "px4" if autopilot == "px4" else "ardupilot",
                    frame.to_wgs84(EastNorth(APART_M * n, 0.0)),
                    system=n + 1,
                    boot_s=boot,
                    wind_ms=wind[0],
                    wind_from_deg=wind[1],
                )
            ),
            read_address(link),
            signing_from(secret, n + 1) if secret else None,
            Losses(loss),
            clock,
        )
        for n in range(count)
    ]
    click.echo(f"{count} x {autopilot} at {link}")
    asyncio.run(_until_stopped(drones))


async def _until_stopped(drones: list[Aloft]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(drone.run()) for drone in drones]
        await stop.wait()
        for task in tasks:
            task.cancel()
