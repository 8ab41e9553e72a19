"""Pilots driven over links: whole flights on one stepped clock, several vehicles on one link, news, orders, links that end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from patrol.broker import free_port
from patrol.errors import DroneForeign, DroneLinkLost, DronesSeveral
from patrol.flight.clock import Bell, Stepped
from patrol.flight.compare import Firmware
from patrol.flight.dialect import Codec
from patrol.flight.link import Link
from patrol.flight.messages import Message
from patrol.flight.pilot import Ending, Happening
from patrol.flight.shell import News, Pose
from patrol.flight.sim.vehicle import Vehicle
from patrol.flight.transport import Lost, Peer, Transport, open_transport, read_address
from tests.flight.conftest import FIRMWARES
from tests.flight.sky import Sky


def test_two_vehicles_of_two_kinds_fly_on_one_link_at_once() -> None:
    """Both are found by their numbers, fly in minutes of simulated time, land, and are told of with happenings and a pose a second."""
    news: dict[int, list[News]] = {1: [], 2: []}
    endings = list[Ending]()

    async def ground(sky: Sky) -> None:
        for system, firmware in enumerate(sky.firmwares, 1):
            assert (await sky.link.find(system)).firmware == firmware
        flights = [sky.flight(system, news[system].append) for system in (1, 2)]
        endings.extend(await asyncio.gather(*(flight.run() for flight in flights)))

    sky = Sky(FIRMWARES)
    asyncio.run(sky.play(ground))
    assert [ending.outcome for ending in endings] == ["landed", "landed"]
    assert sky.clock.now() > 60
    for told in news.values():
        poses = [one for one in told if isinstance(one, Pose)]
        assert [one.what for one in told if isinstance(one, Happening)][-1] == "landed"
        spans = [b.at_s - a.at_s for a, b in pairwise(poses)]
        assert max(spans[3:]) < 1.6
        assert min(spans) > 0.7
        assert max(pose.up_m for pose in poses) == pytest.approx(30.0, abs=1.0)
        assert poses[-1].items == (8 if told is news[1] else 7)  # ArduPilot counts home


def test_a_flight_is_the_same_each_time() -> None:
    """On a stepped clock two runs tell the same news at the same times, however busy the machine is."""

    def once() -> list[News]:
        told = list[News]()

        async def ground(sky: Sky) -> None:
            await sky.flight(1, told.append).run()

        asyncio.run(Sky(("px4",)).play(ground))
        return told

    assert once() == once()


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_orders_reach_a_flight_that_runs(firmware: Firmware) -> None:
    """Paused, resumed and ordered home while it flies; each order is answered, and the ending says by order."""
    sky, told = Sky((firmware,)), list[News]()

    async def ground(sky: Sky) -> None:
        flight = sky.flight(1, told.append)
        running = asyncio.create_task(flight.run())
        with sky.clock.member():
            await sky.clock.sleep_until(40.0)
            flight.order("pause")
            await sky.clock.sleep_until(50.0)
            assert flight.pose is not None
            assert flight.pose.speed_ms < 0.5
            flight.order("resume")
            await sky.clock.sleep_until(52.0)
            flight.order("abort")
        ending = await running
        assert (ending.outcome, ending.reason) == ("aborted", "by order, landed at home")

    asyncio.run(sky.play(ground))
    assert [one.detail for one in told if isinstance(one, Happening) and one.what == "order"] == [
        "pause",
        "resume",
        "abort",
    ]


def test_a_link_that_ends_is_told_and_the_drone_is_taken_over_on_a_new_one() -> None:
    """The flight stops with DroneLinkLost and the cause; a new link finds the drone in the air and sees it land."""

    async def ground(sky: Sky) -> None:
        flight = sky.flight(1)
        running = asyncio.create_task(flight.run())
        with sky.clock.member():
            await sky.clock.sleep_until(40.0)
            assert sky.drones[0].airborne
            sky.cable.cut("adapter unplugged")
        with pytest.raises(DroneLinkLost, match="adapter unplugged"):
            await running
        await sky.link.close()
        await sky.link.open()
        await sky.link.find(1)
        ending = await sky.flight(1, takes_over=True).run()
        assert ending.outcome == "landed"

    asyncio.run(Sky(("ardupilot",)).play(ground))


def test_a_closed_tcp_connection_ends_the_link() -> None:
    """A real TCP connection that the far end closes is a DroneLinkLost, at once and not after a silence."""

    async def main() -> None:
        port = free_port()
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
        link = Link(read_address(f"tcp://127.0.0.1:{port}"))
        await link.open()
        try:
            with pytest.raises(DroneLinkLost, match="far end"):
                await link.first_heartbeat(None, 30.0)
        finally:
            await link.close()
            server.close()

    asyncio.run(main())


def test_one_of_several_must_be_named() -> None:
    """With two vehicles heard and none named, neither is taken."""

    async def ground(sky: Sky) -> None:
        with pytest.raises(DronesSeveral, match="1, 2"):
            await sky.link.find(None)

    asyncio.run(Sky(FIRMWARES).play(ground))


def test_another_autopilot_is_refused() -> None:
    """A vehicle that is neither ArduPilot nor PX4 is not taken for one of them."""

    class Foreign(Vehicle):
        def tick(self, now: float) -> list[Message]:
            return [
                Message("HEARTBEAT", {**m.fields, "autopilot": 0}) for m in super().tick(now) if m.name == "HEARTBEAT"
            ]

    async def ground(sky: Sky) -> None:
        sky.aloft[0].vehicle = Foreign(sky.drones[0])
        with pytest.raises(DroneForeign):
            await sky.link.find(None)

    asyncio.run(Sky(("px4",)).play(ground))


def test_frames_go_to_the_vehicle_they_are_for() -> None:
    """On one UDP port with two vehicles at ports of their own, what is for one is sent to it alone, heartbeats to both."""

    async def main() -> None:
        port, got = free_port(), {1: list[bytes](), 2: list[bytes]()}
        link = Link(read_address(f"udp://127.0.0.1:{port}"))
        await link.open()

        def hearing(system: int) -> Callable[[bytes, Peer], None]:
            return lambda data, _: got[system].append(data)

        ends = dict[int, Transport]()
        for system in (1, 2):
            lost: Lost = lambda _: None  # noqa: E731 - it needs its type
            ends[system] = await open_transport(read_address(f"udpout://127.0.0.1:{port}"), hearing(system), lost)
            heartbeat = Message("HEARTBEAT", {"type": 2, "autopilot": 12, "mavlink_version": 3})
            ends[system].send(Codec(system, 1).encode(heartbeat))
            await link.first_heartbeat(system, 10.0)
        link.send(Message("COMMAND_LONG", {"command": 410}), 2)
        for _ in range(3):  # each end hears the link's own heartbeats, and these
            link.send(Message("HEARTBEAT", {"type": 6}))
        async with asyncio.timeout(10):
            while min(len(data) for data in got.values()) < 3:  # noqa: ASYNC110 - a callback fills them
                await asyncio.sleep(0.01)
        commands = {system: [d for d in data if d[7] == 76] for system, data in got.items()}
        assert [len(commands[1]), len(commands[2])] == [0, 1]
        for end in ends.values():
            end.close()
        await link.close()

    asyncio.run(main())


def test_stepped_time_waits_for_whoever_works() -> None:
    """Time does not pass a member that waits for something real, and a bell wakes a sleeper without time going on."""

    async def main() -> None:
        clock, bell, order = Stepped(), Bell(), list[tuple[str, float]]()

        async def worker() -> None:
            with clock.member():
                await clock.sleep_until(1.0)
                await asyncio.sleep(0.05)  # a real wait
                order.append(("worked", clock.now()))
                bell.ring()
                await clock.sleep_until(9.0)

        async def sleeper() -> None:
            with clock.member():
                await clock.sleep_until(5.0, bell)
                order.append(("woken", clock.now()))
                await clock.sleep_until(7.0)
                order.append(("slept", clock.now()))

        await asyncio.gather(worker(), sleeper())
        assert order == [("worked", 1.0), ("woken", 1.0), ("slept", 7.0)]
        assert clock.now() == 9.0

    asyncio.run(main())


def test_stepped_time_can_be_bounded() -> None:
    """With a bound, ten simulated seconds take no less real time than it says."""

    async def main() -> None:
        loop, clock = asyncio.get_running_loop(), Stepped(fastest=100.0)
        began = loop.time()
        with clock.member():
            for second in range(1, 11):
                await clock.sleep_until(float(second))
        assert loop.time() - began >= 0.08

    asyncio.run(main())
