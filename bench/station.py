"""`make bench-station`: one station with twenty simulated drones in the air on one UDP link, and how it keeps up.

The drones fly in a process of their own, as real ones would; the station is the product's, with a real broker. Printed:
how evenly heartbeats come and go, the station's share of a core, and how long commands take to be acknowledged.
ARGS="--seconds 60 --drones 20".
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from patrol.broker import Broker, free_port
from patrol.config import Config, load
from patrol.flight.ask import Ask
from patrol.flight.clock import Steady
from patrol.flight.link import Link
from patrol.flight.messages import Command
from patrol.flight.pilot import STREAMS_HZ
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.station.service import Service
from patrol.flight.station.simulated import set_up
from patrol.flight.transport import read_address
from patrol.geo import EastNorth, LocalFrame

ROOT = Path(__file__).resolve().parents[1]
APART_M, UP_M = 30.0, 20.0
GUIDED = (1.0, 4.0)
HEARTBEAT = 0
READY_WITHIN_S = 60.0
LIMIT_MS = 200.0


def fleet_config(drones: int, port: int, mqtt_port: int) -> Config:
    """The demo district with so many copies of its first drone on one link."""
    config = load(ROOT / "config.yaml")
    first, frame = config.drones[0], LocalFrame(config.drones[0].home)
    copies = tuple(
        first.model_copy(update={
            "id": f"drone-{n}", "system": n, "link": f"udp://127.0.0.1:{port}",
            "home": frame.to_wgs84(EastNorth(APART_M * (n % 5), APART_M * (n // 5)))})
        for n in range(1, drones + 1)
    )  # fmt: skip
    broker = config.broker.model_copy(update={"url": f"mqtt://127.0.0.1:{mqtt_port}"})
    return config.model_copy(update={"drones": copies, "patrols": (), "broker": broker})


async def fly_drones(config: Config) -> None:
    """The other process: simulated drones until it is killed."""
    address = read_address(config.drones[0].link.replace("udp://", "udpout://"))
    aloft = [Aloft(Vehicle(set_up(config, drone, drone.system or 0)), address) for drone in config.drones]
    await asyncio.gather(*(one.run() for one in aloft))


class Ears:
    """When heartbeats came, by system, and when ours went (system 0)."""

    def __init__(self, link: Link) -> None:
        self.at: dict[int, list[float]] = {}
        self._codec_of = {0xFD: 7, 0xFE: 5}  # where the message number stands, MAVLink 2 and 1
        link.taps.append(self._hear)

    def _hear(self, system: int | None, frame: bytes) -> None:
        where = self._codec_of.get(frame[0])
        if where is None or frame[where] != HEARTBEAT or (frame[0] == 0xFD and (frame[8] or frame[9])):
            return
        sender = frame[5] if frame[0] == 0xFD else frame[3]
        self.at.setdefault(0 if sender == 255 else sender, []).append(time.monotonic())
        del system


async def take_off(link: Link, system: int) -> None:
    """Up, to hover, with the telemetry that a pilot asks for."""
    for number, rate_hz in STREAMS_HZ.items():
        await link.converse(Ask(Command.SET_MESSAGE_INTERVAL, (float(number), 1e6 / rate_hz)), system)
    for command, params in (
        (Command.DO_SET_MODE, GUIDED), (Command.COMPONENT_ARM_DISARM, (1.0,)), (22, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, UP_M)),
    ):  # fmt: skip
        answer = await link.converse(Ask(command, params), system)
        if not answer.accepted:
            raise SystemExit(f"drone {system} did not do {command}: {answer.result}")


async def command_often(link: Link, system: int, until: float, took_ms: list[float]) -> None:
    """One command after the other, a second apart, each timed from sending to acknowledgement."""
    await asyncio.sleep(system / 20)  # not all at once
    while time.monotonic() < until:
        began = time.perf_counter()
        answer = await link.converse(Ask(Command.SET_MESSAGE_INTERVAL, (33.0, 250_000.0)), system)
        took_ms.append((time.perf_counter() - began) * 1000 if answer.accepted else float("inf"))
        await asyncio.sleep(1.0)


async def measure(config: Config, folder: Path, seconds: float) -> dict[str, float]:
    """Numbers of one run."""
    clock, stop = Steady(), asyncio.Event()
    service = Service(config, folder, {}, clock=clock, lock_dir=folder)
    running = asyncio.create_task(service.run(stop))
    link = service.radios[config.drones[0].link].link
    async with asyncio.timeout(READY_WITHIN_S):
        while not all(aircraft.heard for aircraft in service.aircraft.values()):  # noqa: ASYNC110 - a benchmark's start
            await asyncio.sleep(0.1)
    systems = [drone.system or 0 for drone in config.drones]
    await asyncio.gather(*(take_off(link, system) for system in systems))
    await asyncio.sleep(10.0)
    aloft = sum(aircraft.seen.up_m > UP_M / 2 for aircraft in service.aircraft.values())
    ears, took_ms = Ears(link), list[float]()
    cpu, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    heard = sum(quality.received for quality in link.qualities.values())
    await asyncio.gather(*(command_often(link, system, wall + seconds, took_ms) for system in systems))
    after, spent_s = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - wall
    frames = sum(quality.received for quality in link.qualities.values()) - heard
    lost = sum(quality.lost for quality in link.qualities.values())
    stop.set()
    await running
    theirs = np.concatenate([np.abs(np.diff(at) - 1.0) for system, at in ears.at.items() if system])
    ours = np.abs(np.diff(ears.at[0]) - 1.0)
    return {
        "drones": len(systems), "aloft": aloft, "seconds": spent_s, "frames_s": frames / spent_s, "frames_lost": lost,
        "cpu": (after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime) / spent_s,
        "memory_mb": after.ru_maxrss / 1024, "commands": len(took_ms),
        "ours_p50": float(np.percentile(ours, 50)) * 1000, "ours_max": float(ours.max()) * 1000,
        "theirs_p50": float(np.percentile(theirs, 50)) * 1000, "theirs_p99": float(np.percentile(theirs, 99)) * 1000,
        "ack_p50": float(np.percentile(took_ms, 50)), "ack_p99": float(np.percentile(took_ms, 99)), "ack_max": max(took_ms),
    }  # fmt: skip


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drones", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--fly", nargs=2, type=int, metavar=("PORT", "MQTT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fly:
        asyncio.run(fly_drones(fleet_config(args.drones, *args.fly)))
        return
    port, mqtt_port = free_port(), free_port()
    config = fleet_config(args.drones, port, mqtt_port)
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker", "127.0.0.1", mqtt_port)
        broker.start()
        command = [
            sys.executable,
            "-m",
            "bench.station",
            "--drones",
            str(args.drones),
            "--fly",
            str(port),
            str(mqtt_port),
        ]
        drones = subprocess.Popen(command, cwd=ROOT)
        try:
            found = asyncio.run(measure(config, Path(folder), args.seconds))
        finally:
            drones.kill()
            drones.wait()
            broker.stop()
    print(f"{found['aloft']:.0f} of {found['drones']:.0f} drones in the air on one station, {found['seconds']:.0f} s, "
          f"{found['frames_s']:.0f} frames/s in, {found['frames_lost']:.0f} lost")  # fmt: skip
    print(f"heartbeats, off their second: ours p50 {found['ours_p50']:.1f} ms, worst {found['ours_max']:.1f} ms; "
          f"theirs as heard p50 {found['theirs_p50']:.1f} ms, p99 {found['theirs_p99']:.1f} ms")  # fmt: skip
    print(f"commands acknowledged: {found['commands']:.0f}, p50 {found['ack_p50']:.1f} ms, p99 {found['ack_p99']:.1f} ms, "
          f"worst {found['ack_max']:.1f} ms (limit of p99: {LIMIT_MS:.0f} ms)")  # fmt: skip
    print(f"station: {found['cpu']:.0%} of a core, {found['memory_mb']:.0f} MB")
    if found["ack_p99"] >= LIMIT_MS or found["aloft"] < found["drones"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
