"""The simulated drones' cameras: where they truly are, what they see, and who watches.

A picture is made only while somebody watches, one at a time, in a thread of its own; rendering takes no more than
`SHARE` of one processor however many watch. The thread renders outside of Python's lock, so that a vehicle's
messages leave when they are due.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TypeVar, cast
from urllib.parse import urlsplit

from patrol.config import Config
from patrol.errors import ProgramMissing, UsageError
from patrol.flight.clock import Clock
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.mjpeg import Feed, LivePicture, PictureServer
from patrol.flight.sim.serve import Aloft
from patrol.geo import Camera, EastNorth, Lens, LocalFrame, Pose

Done = TypeVar("Done")
Renderer = Callable[[Camera, float], bytes]  # a JPEG of what a camera sees at a moment of the scene

FRAMES_PER_S = 2.0
SHARE = 0.5  # of one processor, for all cameras together
LENS = Lens.from_hfov(640, 360, 73.0)  # 14 cm a pixel from 60 m: a car is 32 pixels long
MOUNT_M = 0.3  # it hangs no lower when the drone stands
HOST = "127.0.0.1"
TELL_AFTER = 10  # pictures, when it has warmed up
TOOK = "camera: {took_ms:.0f} ms from pose to picture / 摄像头：从位姿到画面 {took_ms:.0f} 毫秒"
SHOWN = "camera: {address} / 摄像头：{address}"
ELSEWHERE = "camera of {drone} is not simulated: {source} is not a port of this machine / {drone} 的摄像头未模拟：{source} 不是本机端口"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
RENDERER = "patrol.flight.sim.district_view"


@dataclass(frozen=True)
class Mounted:
    """A camera on a drone: its name is its path, its address where it is shown.

    Its pictures come `delay_s` after their moment, as a radio's and an encoder's do, or later where rendering takes longer.
    """

    name: str
    aloft: Aloft
    lens: Lens
    host: str = HOST
    port: int = 0
    delay_s: float = 0.0


def pose_of(drone: SimDrone, district: LocalFrame, later_s: float = 0.0) -> Pose:
    """The camera's true pose in the district's frame; `later_s` after the drone's last step, moving on as it moved."""
    body = drone.body
    here = EastNorth(body.east_m + body.east_ms * later_s, body.north_m + body.north_ms * later_s)
    east_m, north_m = district.to_local(drone.frame.to_wgs84(here))
    up_m = max(body.up_m + body.up_ms * later_s, MOUNT_M)
    return Pose(east_m, north_m, up_m, body.yaw_deg, drone.flying.gimbal_pitch_deg)


def renderer_of(config: Config) -> Callable[[], Renderer]:
    """What builds the district's renderer: seconds, and half a gigabyte, spent when it is called. Raises ProgramMissing."""
    try:
        module = importlib.import_module(RENDERER)
    except ModuleNotFoundError as err:
        if err.name is not None and err.name.split(".")[0] == "patrol":
            raise
        raise ProgramMissing(program=err.name or RENDERER, extra="demo") from err
    return cast("Callable[[], Renderer]", module.district_view(config))


def read_place(text: str) -> tuple[str, int]:
    """`PORT` or `HOST:PORT`. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(kind="address", name=text, known="PORT, HOST:PORT")
    return host.strip("[]") or HOST, int(port)


def place_of_source(source: str) -> tuple[str, int, str] | None:
    """Host, port and path of an http:// address on this machine, as a box is told to watch; None for all others."""
    with suppress(ValueError):  # urllib's word for a malformed address
        parts = urlsplit(source)
        if parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port and parts.path.strip("/"):
            return parts.hostname, parts.port, parts.path.strip("/")
    return None


def rest_s(every_s: float, took_s: float, busy_s: float) -> float:
    """How long to rest after a round of pictures that took so long and kept a processor busy for so long."""
    return max(every_s - took_s, busy_s / SHARE - took_s, 0.0)


class Cameras:
    """All cameras of a process: they see one world at one time."""

    def __init__(
        self,
        mounted: Sequence[Mounted],
        district: LocalFrame,
        build: Callable[[], Renderer],
        clock: Clock,
        tell: Callable[[str], None],
        frames_per_s: float = FRAMES_PER_S,
    ) -> None:
        self._mounted, self._district, self._build = mounted, district, build
        self._clock, self._tell, self._every_s = clock, tell, 1.0 / frames_per_s
        self._wanted = asyncio.Event()
        self._feeds = {one.name: Feed(self._wanted) for one in mounted}
        self._servers = list[PictureServer]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="camera")
        self._took_s = list[float]()

    async def open(self) -> None:
        """Listen at every address, and say where. Raises PortTaken, UsageError."""
        places = dict[tuple[str, int], dict[str, Feed]]()
        for one in self._mounted:
            places.setdefault((one.host, one.port), {})[one.name] = self._feeds[one.name]
        for (host, port), feeds in places.items():
            server = PictureServer(feeds)
            await server.open(host, port)
            self._servers.append(server)
            shown = f"[{host}]" if ":" in host else host
            for name in feeds:
                self._tell(SHOWN.format(address=f"http://{shown}:{server.port}/{name}"))

    async def run(self) -> None:
        """Build the district, then take pictures for those who watch, until cancelled; `open` first."""
        try:
            render = await self._aside(self._build)
            while True:
                self._wanted.clear()
                watched = [one for one in self._mounted if self._feeds[one.name].watchers]
                if not watched:
                    await self._wanted.wait()
                    continue
                began, busy_s = time.monotonic(), 0.0
                for one in watched:
                    busy_s += await self._shoot(one, render)
                await asyncio.sleep(rest_s(self._every_s, time.monotonic() - began, busy_s))
        finally:
            for server in self._servers:
                await server.close()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _shoot(self, one: Mounted, render: Renderer) -> float:
        """One picture; returns how long the processor worked on it, in seconds."""
        pose = pose_of(one.aloft.vehicle.drone, self._district, one.aloft.lag_s)
        camera, scene_s, taken_at, began = (
            Camera(one.lens, pose),
            self._clock.now(),
            datetime.now(UTC),
            time.monotonic(),
        )

        def work() -> tuple[bytes, float]:
            before = time.thread_time()
            return render(camera, scene_s), time.thread_time() - before

        jpeg, busy_s = await self._aside(work)
        picture, feed = LivePicture(jpeg, taken_at, _headers(pose, scene_s)), self._feeds[one.name]
        early_s = max(one.delay_s - (time.monotonic() - began), 0.0)
        asyncio.get_running_loop().call_later(early_s, feed.show, picture)
        if len(self._took_s) < TELL_AFTER:
            self._took_s.append(time.monotonic() - began)
            if len(self._took_s) == TELL_AFTER:
                self._tell(TOOK.format(took_ms=median(self._took_s) * 1000.0))
        return busy_s

    async def _aside(self, work: Callable[[], Done]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _headers(pose: Pose, scene_s: float) -> Mapping[str, str]:
    """The true pose in the district's frame, and the time of the clock that the scene goes by."""
    place = f"{pose.east_m:.3f} {pose.north_m:.3f} {pose.up_m:.3f} {pose.yaw_deg:.3f} {pose.pitch_deg:.3f}"
    return {"X-Pose": place, "X-Scene-Time": f"{scene_s:.3f}"}
