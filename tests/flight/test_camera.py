"""The simulated drones' cameras: where they are, who is served, and that nobody's slowness is anybody else's."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from math import hypot
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.config import load
from patrol.errors import PortTaken, UsageError
from patrol.flight.clock import Steady
from patrol.flight.sim import mjpeg
from patrol.flight.sim.camera import (
    ELSEWHERE,
    LENS,
    MOUNT_M,
    SHARE,
    Cameras,
    Mounted,
    place_of_source,
    pose_of,
    read_place,
    rest_s,
)
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.mjpeg import CLIENTS, CONNECTIONS, Feed, LivePicture, PictureServer
from patrol.flight.sim.serve import Aloft
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.station.simulated import Fleet
from patrol.flight.transport import read_address
from patrol.geo import Camera, LatLon, LocalFrame

ROOT = Path(__file__).resolve().parents[2]
HOME = LatLon(22.5431, 114.0579)
DISTRICT = LocalFrame(LatLon(22.5420, 114.0590))
PATIENCE_S = 60.0
BIG = LivePicture(b"\xff\xd8" + bytes(100_000), datetime(2026, 6, 1, tzinfo=UTC))


@given(
    east_m=st.floats(-500, 500),
    north_m=st.floats(-500, 500),
    up_m=st.floats(0, 120),
    yaw_deg=st.floats(0, 359.9),
    pitch_deg=st.floats(-90, 20),
    later_s=st.floats(0, 0.5),
)
def test_the_camera_is_where_the_drone_truly_is(
    east_m: float, north_m: float, up_m: float, yaw_deg: float, pitch_deg: float, later_s: float
) -> None:
    """Its pose is the body's place in the district's frame, moved on straight, with the nose's heading and the gimbal's pitch."""
    drone = SimDrone("ardupilot", HOME)
    body = drone.body
    body.east_m, body.north_m, body.up_m, body.yaw_deg = east_m, north_m, up_m, yaw_deg
    body.east_ms, body.north_ms = 6.0, -8.0
    drone.flying.gimbal_pitch_deg = pitch_deg
    now, later = pose_of(drone, DISTRICT), pose_of(drone, DISTRICT, later_s)
    truth = DISTRICT.to_local(drone.place)
    assert hypot(now.east_m - truth.east_m, now.north_m - truth.north_m) < 1e-6
    assert hypot(later.east_m - now.east_m, later.north_m - now.north_m) == pytest.approx(10.0 * later_s, abs=2e-3)
    assert (now.yaw_deg, now.pitch_deg, now.roll_deg) == (yaw_deg, pitch_deg, 0.0)
    assert now.up_m == max(up_m, MOUNT_M)


def test_addresses_are_read_or_refused() -> None:
    """A port, a host and port, a box's source on this machine; what is none of them is refused, or left out."""
    assert read_place("8090") == ("127.0.0.1", 8090)
    assert read_place("0.0.0.0:80") == ("0.0.0.0", 80)  # noqa: S104 - read, not listened on
    assert read_place("[::1]:0") == ("::1", 0)
    for wrong in ("", "here", "127.0.0.1:", "127.0.0.1:70000", "1:2:x"):
        with pytest.raises(UsageError, match="PORT"):
            read_place(wrong)
    assert place_of_source("http://127.0.0.1:8091/falcon") == ("127.0.0.1", 8091, "falcon")
    for other in (
        "rtsp://127.0.0.1:8554/falcon",
        "http://10.0.0.7:8091/falcon",
        "http://127.0.0.1:8091",
        "http://[:1/x",
    ):
        assert place_of_source(other) is None


@given(every_s=st.floats(0.1, 10), took_s=st.floats(0.001, 20), share=st.floats(0, 1))
def test_pictures_never_cost_more_than_their_share(every_s: float, took_s: float, share: float) -> None:
    """However long a round takes and however often it is wanted, work and rest keep to the share and to the rate."""
    busy_s = took_s * share
    rest = rest_s(every_s, took_s, busy_s)
    assert busy_s / (took_s + rest) <= SHARE + 1e-9
    assert took_s + rest >= every_s - 1e-9


async def ask(port: int, request: bytes, *, small: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has sent this; `small`: one whose system takes little for it."""
    wire = socket.socket()
    if small:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    wire.setblocking(False)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=wire, limit=2**14 if small else 2**20)
    writer.write(request)
    return reader, writer


async def until(holds: Callable[[], object]) -> None:
    """Until it holds; a busy machine may be slow, not stuck."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event of ours
            await asyncio.sleep(0.005)


def with_server(work: Callable[[Feed, int], object], *names: str) -> None:
    """Do it while feeds of these names are served; it gets the first one and the port."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            feeds = {name: Feed(asyncio.Event()) for name in names or ("1",)}
            server = PictureServer(feeds)
            await server.open("127.0.0.1", 0)
            try:
                await work(next(iter(feeds.values())), server.port)  # type: ignore[misc]  # always a coroutine here
            finally:
                await server.close()

    asyncio.run(bounded())


def test_a_slow_client_gets_the_newest_picture() -> None:
    """While it does not read, pictures pass it by; when it reads again the last one comes, and far fewer than there were."""

    async def work(feed: Feed, port: int) -> None:
        reader, writer = await ask(port, b"GET /1 HTTP/1.1\r\n\r\n", small=True)
        await until(lambda: feed.watchers == 1)
        for n in range(300):
            feed.show(LivePicture(BIG.jpeg, BIG.taken_at, {"X-Number": str(n)}))
            await asyncio.sleep(0)
        came = list[int]()
        while not came or came[-1] != 299:
            line = await reader.readline()
            if line.startswith(b"X-Number: "):
                came.append(int(line.split()[1]))
            elif line.startswith(b"Content-Length: "):
                length = int(line.split()[1])
            elif line == b"\r\n" and came:
                await reader.readexactly(length)
        assert came == sorted(set(came))
        assert len(came) < 100
        writer.close()

    with_server(work)


def test_a_client_that_hangs_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing for the deadline is let go of, while another is served on."""
    monkeypatch.setattr(mjpeg, "SEND_WITHIN_S", 0.3)

    async def work(feed: Feed, port: int) -> None:
        _, hung = await ask(port, b"GET /1 HTTP/1.1\r\n\r\n", small=True)
        good, writer = await ask(port, b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: feed.watchers == 2)
        read = asyncio.create_task(good.read())
        async with asyncio.timeout(PATIENCE_S):
            while feed.watchers > 1:
                feed.show(BIG)
                await asyncio.sleep(0.01)
        assert not read.done()
        read.cancel()
        hung.close()
        writer.close()

    with_server(work)


def test_clients_are_bounded_and_told_what_is_wrong() -> None:
    """One too many gets 503, a wrong path 404, another method 405, in both languages; room that is given back is used."""

    async def said(port: int, request: bytes) -> str:
        reader, writer = await ask(port, request)
        with suppress(ConnectionError):
            answer = (await reader.read()).decode()
        writer.close()
        return answer

    async def work(feed: Feed, port: int) -> None:
        watching = [await ask(port, b"GET /1 HTTP/1.1\r\n\r\n") for _ in range(CLIENTS)]
        await until(lambda: feed.watchers == CLIENTS)
        full = await said(port, b"GET /1 HTTP/1.1\r\n\r\n")
        assert full.startswith("HTTP/1.1 503")
        assert "已有" in full
        for _, writer in watching[1:]:
            writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while feed.watchers > 1:
                feed.show(BIG)
                await asyncio.sleep(0.01)
        assert "/2" in (missing := await said(port, b"GET /9?x=1 HTTP/1.1\r\n\r\n"))
        assert missing.startswith("HTTP/1.1 404")
        assert (await said(port, b"POST /1 HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 405")
        page = await said(port, b"GET / HTTP/1.1\r\n\r\n")
        assert page.count("<img") == 2
        assert await said(port, b"GET /1 HTTP/1.1\r\n" + b"x" * 20_000) == ""
        assert await said(port, b"\r\n\r\n") != "hung"
        watching[0][1].close()

    with_server(work, "1", "2")


def test_those_who_ask_for_nothing_are_bounded_too() -> None:
    """However many connect and say nothing, one too many is closed at once, and room that is given back is used."""

    async def work(feed: Feed, port: int) -> None:
        silent = [await ask(port, b"") for _ in range(CONNECTIONS)]
        over, over_writer = await ask(port, b"")
        with suppress(ConnectionError):
            assert await over.read() == b""
        over_writer.close()
        for _, writer in silent:
            writer.close()
        watching = False
        async with asyncio.timeout(PATIENCE_S):
            while not watching:
                _, writer = await ask(port, b"GET /1 HTTP/1.1\r\n\r\n")
                await asyncio.sleep(0.05)
                watching = feed.watchers > 0
                writer.close()

    with_server(work)


def test_a_port_that_is_taken_is_told_in_both_languages() -> None:
    """PortTaken names host and port; an address of another machine is a usage error."""

    async def work(feed: Feed, port: int) -> None:
        del feed
        with pytest.raises(PortTaken) as taken:
            await PictureServer({}).open("127.0.0.1", port)
        assert str(port) in taken.value.explain("en")
        assert "已被占用" in taken.value.explain("zh-CN")
        with pytest.raises(UsageError, match="192\\.0\\.2\\.1"):
            await PictureServer({}).open("192.0.2.1", 0)

    with_server(work)


def port_of(told: list[str]) -> int:
    """The port that was told."""
    found = re.search(r":(\d+)/", told[0])
    assert found is not None
    return int(found[1])


def aloft(system: int = 1) -> Aloft:
    """A drone that stands at home."""
    return Aloft(Vehicle(SimDrone("px4", HOME, system=system)), read_address("udpout://127.0.0.1:9"))


def test_pictures_are_made_only_while_somebody_watches() -> None:
    """Without a client nothing is rendered; for one of two cameras only that one; after the client left, nothing more."""
    looked = list[Camera]()

    def draw(camera: Camera, time_s: float) -> bytes:
        del time_s
        looked.append(camera)
        assert threading.current_thread() is not threading.main_thread()
        return b"\xff\xd8picture"

    async def work() -> None:
        told, built = list[str](), asyncio.Event()
        loop = asyncio.get_running_loop()

        def build() -> Callable[[Camera, float], bytes]:
            loop.call_soon_threadsafe(built.set)
            return draw

        mounted = [Mounted("1", aloft(), LENS), Mounted("2", aloft(2), LENS)]
        cameras = Cameras(mounted, DISTRICT, build, Steady(), told.append, frames_per_s=10.0)
        await cameras.open()
        running = asyncio.create_task(cameras.run())
        await built.wait()
        await asyncio.sleep(0.3)
        assert looked == []
        port = port_of(told)
        assert told[0].startswith(f"camera: http://127.0.0.1:{port}/1")
        reader, writer = await ask(port, b"GET /2 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\xff\xd8picture\r\n--picture")
        writer.close()
        count = -1
        async with asyncio.timeout(PATIENCE_S):
            while count != len(looked):  # the one in hand may still come
                count = len(looked)
                await asyncio.sleep(0.3)
        at_home = pose_of(mounted[1].aloft.vehicle.drone, DISTRICT)
        assert {camera.pose for camera in looked} == {at_home}
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(asyncio.wait_for(work(), PATIENCE_S))


def test_a_picture_comes_as_late_as_it_is_said_to() -> None:
    """With a delay, none arrives before its moment and the delay are over; a box that takes the delay off has the moment."""
    delay_s = 0.4

    async def work() -> None:
        told = list[str]()
        mounted = [Mounted("1", aloft(), LENS, delay_s=delay_s)]
        cameras = Cameras(mounted, DISTRICT, lambda: lambda _camera, _time_s: b"x", Steady(), told.append, 10.0)
        await cameras.open()
        running = asyncio.create_task(cameras.run())
        reader, writer = await ask(port_of(told), b"GET / HTTP/1.1\r\n\r\n")
        for _ in range(5):
            line = (await reader.readuntil(b"\r\nX-Pose")).decode().rpartition("X-Taken-At: ")[2]
            age_s = (datetime.now(UTC) - datetime.fromisoformat(line.partition("\r\n")[0])).total_seconds()
            assert age_s >= delay_s - 0.01
        writer.close()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(asyncio.wait_for(work(), PATIENCE_S))


def test_a_fleet_shows_its_pictures_where_boxes_look_for_them() -> None:
    """Each drone with a camera has its own place; one whose address is elsewhere is told; without cameras there is nothing."""
    config = load(ROOT / "config.yaml")
    falcon, heron = config.drones
    lens = {"width_px": 640, "height_px": 360, "hfov_deg": 60}
    here = {"box": "street", "source": "http://127.0.0.1:8099/falcon", "lens": lens}
    there = {"box": "street", "source": "rtsp://10.0.0.9/heron", "lens": lens}
    document = [
        type(falcon).model_validate({**falcon.model_dump(exclude={"camera", "home"}), "home": list(reversed(falcon.home)), "camera": here}),
        type(heron).model_validate({**heron.model_dump(exclude={"camera", "home"}), "home": list(reversed(heron.home)), "camera": there}),
    ]  # fmt: skip
    fitted = config.model_copy(update={"drones": tuple(document)})
    told = list[str]()
    fleet = Fleet(fitted, {d.id: d.link for d in fitted.drones}, Steady())
    sources = {d.id: d.camera.source for d in fitted.drones if d.camera}
    assert fleet.cameras(fitted, sources, told.append) is not None
    assert told == [ELSEWHERE.format(drone="heron", source="rtsp://10.0.0.9/heron")]
    bare = config.model_copy(update={"drones": tuple(d.model_copy(update={"camera": None}) for d in config.drones)})
    assert Fleet(bare, {d.id: d.link for d in bare.drones}, Steady()).cameras(bare, {}, told.append) is None
