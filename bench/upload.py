"""Upload of 103 items over a link that loses mission frames in both directions: ours, MAVSDK and dronekit2 in one run.

    python -m bench.upload [--trials 20] [--peers PYTHON] [--at-once 4] [--loss 0 0.05 0.1 0.2 0.3]

Real UDP sockets, real time, each trial against a simulated drone of its own with ArduPilot's timing (asks again
each 1.0 s, gives up after 8 s). "aboard" is what the drone itself has, compared item by item from inside it;
"false" counts a client that reports success while that is not the mission. Every client has the same deadline.
PYTHON is the interpreter of an environment with mavsdk and dronekit2; without it only ours runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import median

from patrol.broker import free_port
from patrol.flight.compare import differences
from patrol.flight.exchange import Waiting
from patrol.flight.install import Aboard, Install
from patrol.flight.items import Params, WireItem
from patrol.flight.link import Link
from patrol.flight.messages import MissionType
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Aloft, Losses, of_missions
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import read_address
from patrol.geo import LatLon

HOME = LatLon(22.5431, 114.0579)
DEADLINE_S = 120.0
PEER = Path(__file__).with_name("upload_peer.py")


@dataclass(frozen=True)
class Trial:
    """One upload: what the client said, and what is true."""

    said: bool
    true: bool
    seconds: float
    why: str = ""


def mission(count: int = 103) -> list[WireItem]:
    """Home, take-off, waypoints, return."""
    items = [WireItem(16, 0, Params(), 225431000, 1140579000), WireItem(22, 6, Params(), 0, 0, 30.0)]
    while len(items) < count - 1:
        n = len(items)
        items.append(WireItem(16, 6, Params(), 225431000 + n * 123, 1140579000 + n * 55, 30.0 + n % 5))
    return [*items, WireItem(20, 6)]


async def trial(client: str, loss: float, seed: int, python: str, path: Path) -> Trial:
    """One client against one drone."""
    items, port = mission(), free_port()
    drone = SimDrone("ardupilot", HOME)
    aloft = Aloft(
        Vehicle(drone), read_address(f"udpout://127.0.0.1:{port}"), losses=Losses(loss, of_missions, Random(seed))
    )
    running = asyncio.create_task(aloft.run())
    try:
        said, why, seconds = await (ours(port, items) if client == "ours" else peer(client, port, python, path))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    wanted = items if client == "ours" else forgiven(items, drone.mission)
    true = not differences(wanted, drone.mission, MissionType.MISSION, "ardupilot")
    return Trial(said, true, seconds, why)


def forgiven(items: Sequence[WireItem], aboard: Sequence[WireItem]) -> list[WireItem]:
    """`items` with places moved to those aboard where they are within 1e-5 degrees.

    dronekit2 sends float degrees, which were measured to be off by up to 56e-7; that is not counted against it.
    """
    found = dict(enumerate(aboard))
    return [
        replace(item, x=found[n].x, y=found[n].y)
        if n in found and max(abs(item.x - found[n].x), abs(item.y - found[n].y)) <= 100
        else item
        for n, item in enumerate(items)
    ]


async def ours(port: int, items: Sequence[WireItem]) -> tuple[bool, str, float]:
    """Install: upload, read-back, comparison. Its time includes the read-back."""
    link = Link(read_address(f"udp://127.0.0.1:{port}"))
    await link.open()
    try:
        await link.first_heartbeat(1, 30.0)
        began = link.now()
        ending = await link.converse(Install(items, MissionType.MISSION, "ardupilot", Waiting(total_s=DEADLINE_S)), 1)
        return isinstance(ending, Aboard), "" if isinstance(ending, Aboard) else str(ending), link.now() - began
    finally:
        await link.close()


async def peer(name: str, port: int, python: str, path: Path) -> tuple[bool, str, float]:
    """A peer in its own process."""
    command = [python, str(PEER), name, str(port), str(path), str(DEADLINE_S)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(DEADLINE_S + 60):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False, "hangs", DEADLINE_S
    lines = [line for line in out.decode(errors="replace").splitlines() if line.startswith("{")]
    if not lines:
        return False, "no answer", DEADLINE_S
    answer = json.loads(lines[-1])
    return bool(answer["said"]), str(answer["why"]), float(answer["seconds"])


async def cell(client: str, loss: float, trials: int, at_once: int, python: str, path: Path) -> list[Trial]:
    """All trials of one client at one loss."""
    gate = asyncio.Semaphore(at_once)

    async def one(seed: int) -> Trial:
        async with gate:
            return await trial(client, loss, seed, python, path)

    return list(await asyncio.gather(*(one(seed) for seed in range(trials))))


def line(client: str, loss: float, done: Sequence[Trial]) -> str:
    """One row of the table."""
    good = [t for t in done if t.said and t.true]
    false = sum(t.said and not t.true for t in done)
    took = f"{median(t.seconds for t in good):6.1f} {max(t.seconds for t in good):6.1f}" if good else "     -      -"
    why = next((t.why for t in done if t.why), "")
    return f"{client:10} {loss:5.0%} {len(good):3}/{len(done):<3} {false:5}  {took}   {why[:60]}"


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--peers", default="")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--loss", type=float, nargs="*", default=[0.0, 0.05, 0.1, 0.2, 0.3])
    parser.add_argument("--clients", nargs="*", default=["ours", "mavsdk", "dronekit2"])
    asked = parser.parse_args()
    rows = [[i.frame, i.command, *i.params, i.x, i.y, i.z] for i in mission()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        print("client      loss  aboard  false   median    max s")
        for loss in asked.loss:
            for client in asked.clients:
                if client == "ours" or asked.peers:
                    done = await cell(client, loss, asked.trials, asked.at_once, asked.peers, path)
                    print(line(client, loss, done))
                    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
