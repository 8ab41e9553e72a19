"""`patrol station` as a process, killed with SIGKILL in mid-flight over a real UDP link, and started again: it takes over."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
import yaml

from patrol.broker import free_port
from patrol.config import load
from patrol.events import Data, Event, FlightPhase, FlightRequested, RequestAnswered, StationStatus
from patrol.flight.clock import Steady
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.station.simulated import set_up
from patrol.flight.transport import read_address
from patrol.topics import FLIGHT_REQUESTED, read
from tests.brokers import AnyBroker, a_broker

ROOT = Path(__file__).resolve().parents[3]
WITHIN_S = 100.0
REQUEST = "0f9d2c4e-look-0001"


@dataclass
class Dial:
    """A drone's time: faster than ours, or standing still, as the test turns it."""

    speed: float = 1.0
    _now: float = 0.0
    _before: float = field(default_factory=lambda: 0.0)

    def __call__(self) -> float:
        """The drone's seconds."""
        now = asyncio.get_running_loop().time()
        self._now += (now - self._before) * self.speed if self._before else 0.0
        self._before = now
        return self._now


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyBroker]:
    """A broker."""
    with a_broker("nats", tmp_path_factory.mktemp("broker")) as one:
        yield one


def write_config(folder: Path, url: str) -> Path:
    """The demo district with one drone on a free port, and this broker."""
    document = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    document["broker"] = {"url": url}
    document["drones"] = [{**document["drones"][0], "link": f"udp://127.0.0.1:{free_port()}"}]
    document["patrols"] = []
    document["station"] = {"id": "dock", "state_dir": "state"}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def a_process(config: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`patrol station`, killed at the end."""
    log = (config.parent / "station.log").open("ab")
    command = [sys.executable, "-m", "patrol", "station", "--config", str(config)]
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)  # noqa: ASYNC220 - it only starts it
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def tail(log: Path) -> str:
    """The end of what the station said."""
    return log.read_text(encoding="utf-8")[-3000:]


async def until(what: str, holds: object, log: Path) -> None:
    """Until it holds, or fail with the station's log."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not holds():  # type: ignore[operator]  # noqa: ASYNC110 - what is waited for sets no event of ours
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"{what}: {tail(log)}")


@pytest.mark.slow
def test_a_killed_station_takes_over(broker: AnyBroker, tmp_path: Path) -> None:
    """SIGKILL while the drone is in the air; the next process says taken-over and sees the same flight land, flown once."""
    config_path = write_config(tmp_path, broker.url)
    config, heard = load(config_path), list[Event[Data]]()
    dial, log = Dial(), tmp_path / "station.log"
    sim = set_up(config, config.drones[0], 1)
    sim.settings.set("FS_GCS_TIMEOUT", 600.0)  # its time is faster than ours: it must not miss us while we start

    def phases() -> list[str]:
        return [e.data.phase for e in heard if isinstance(e.data, FlightPhase)]

    def free() -> bool:
        return any(isinstance(e.data, StationStatus) and any(d.state == "free" for d in e.data.drones) for e in heard)

    async def main() -> None:
        port = int(broker.url.rsplit(":", 1)[1])
        address = read_address(config.drones[0].link.replace("udp://", "udpout://"))
        flying = asyncio.create_task(Aloft(Vehicle(sim), address, clock=Steady(monotonic=dial), tick_s=0.05).run())
        async with aiomqtt.Client("127.0.0.1", port, identifier="observer") as client:
            await client.subscribe("patrol/v1/#", qos=1)

            async def listen() -> None:
                async for message in client.messages:
                    heard.append(read(bytes(message.payload), topic=str(message.topic), district="demo"))

            listening = asyncio.create_task(listen())
            try:
                async with a_process(config_path):
                    await until("no free drone", free, log)
                    position = {"lat_deg": 22.5436, "lon_deg": 114.0572, "accuracy_m": 1}
                    asked = FlightRequested.model_validate({
                        "request_id": REQUEST, "kind": "verification", "position": position,
                        "deadline_at": datetime.now(UTC) + timedelta(minutes=10)})  # fmt: skip
                    event = Event[Data].of(asked, id=REQUEST, source="/center/demo", time=datetime.now(UTC))
                    await client.publish(FLIGHT_REQUESTED.path("demo"), event.to_json(), qos=1)
                    await until("not flying", lambda: "flying" in phases(), log)
                    dial.speed = 12.0
                    await until("not in the air", lambda: sim.body.up_m > 30.0, log)
                dial.speed = 0.0  # the drone's time stands still while no station is there
                assert sim.flying.armed
                async with a_process(config_path):
                    dial.speed = 0.25  # slow, so that it is still in the air however long the start takes
                    await until("not taken over", lambda: "taken-over" in phases(), log)
                    dial.speed = 12.0
                    await until("not ended", lambda: phases()[-1] in {"landed", "returned", "aborted"}, log)
                    await until(
                        "no answer",
                        lambda: any(isinstance(e.data, RequestAnswered) and e.data.state == "done" for e in heard),
                        log,
                    )
            finally:
                for task in (flying, listening):
                    task.cancel()
                await asyncio.gather(flying, listening, return_exceptions=True)

    asyncio.run(main())
    told = [phase for phase in phases() if not phase.startswith("link-")]  # a busy machine may not hear it for a while
    assert told == ["launching", "flying", "taken-over", "landed"], tail(log)
    sessions = sorted({e.data.session for e in heard if isinstance(e.data, StationStatus)})
    assert sessions == [1, 2]
    assert any(isinstance(e.data, StationStatus) and e.data.state == "offline" for e in heard)
    assert sim.body.up_m < 0.3
