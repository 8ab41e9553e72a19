"""Real sockets and a real pseudo-terminal: vehicles on one link are told apart, and a mission goes over each way."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import Callable

import pytest

from patrol.broker import free_port
from patrol.errors import DroneLinkUnusable, DroneSilent
from patrol.flight.dialect import Codec, Signing, signing_from
from patrol.flight.install import Aboard, Install
from patrol.flight.link import Link
from patrol.flight.messages import Message, MissionType
from patrol.flight.sim.px4_bay import Px4Bay
from patrol.flight.transport import Peer, Transport, open_transport, read_address
from tests.flight.conftest import a_mission

HEARTBEAT = Message("HEARTBEAT", {"type": 2, "autopilot": 12, "mavlink_version": 3})


class Vehicles:
    """Autopilots on the far end of a link: they answer mission transfers and nothing else."""

    def __init__(self, systems: tuple[int, ...], signing: Signing | None = None) -> None:
        self.bays = {system: Px4Bay(lambda _severity, _text: None) for system in systems}
        self.codecs = {system: Codec(system, 1, signing) for system in systems}
        for codec in self.codecs.values():
            codec.clock(1_790_000_000.0)
        self.transport: Transport | None = None

    def receive(self, data: bytes, peer: Peer) -> None:
        """Answer each message whom it concerns."""
        del peer
        for system, bay in self.bays.items():
            for frame in self.codecs[system].feed(data):
                if frame.message is not None and frame.message.is_for(system, 1):
                    self.send(bay.hear(frame.message, 0.0), system)

    def send(self, messages: list[Message], system: int) -> None:
        """Send as one of them."""
        for message in messages:
            assert self.transport is not None
            self.transport.send(self.codecs[system].encode(message))


async def upload_over(
    ground: str, far: str, ground_first: bool, signing: Signing | None = None
) -> tuple[Link, Vehicles]:
    """Install a mission on each of two vehicles, at the same time, over one link."""
    link, vehicles = Link(read_address(ground), signing, wall=lambda: 1_790_000_000.0), Vehicles((1, 2), signing)
    if ground_first:
        await link.open()
    vehicles.transport = await open_transport(read_address(far), vehicles.receive, lambda _: None)
    if not ground_first:
        await link.open()
    try:
        await asyncio.sleep(0)
        for system in vehicles.bays:
            heard = asyncio.create_task(link.first_heartbeat(system, 5.0))
            while not heard.done():
                vehicles.send([HEARTBEAT], system)
                await asyncio.sleep(0.005)
        installs = [Install(a_mission(20, "px4")[: 10 + s], MissionType.MISSION, "px4") for s in (1, 2)]
        async with asyncio.timeout(20):
            endings = await asyncio.gather(*(link.converse(i, s) for s, i in enumerate(installs, 1)))
        assert all(isinstance(ending, Aboard) for ending in endings)
        assert [len(vehicles.bays[s].lists[MissionType.MISSION]) for s in (1, 2)] == [11, 12]
    finally:
        await link.close()
        vehicles.transport.close()
    return link, vehicles


@pytest.mark.parametrize("signing", [None, signing_from("correct horse battery")], ids=["plain", "signed"])
def test_two_vehicles_on_one_udp_link(signing: Signing | None) -> None:
    """Two uploads at once over one UDP port, plain and signed, each end aboard the vehicle they were for."""
    port = free_port()
    link, _ = asyncio.run(upload_over(f"udp://127.0.0.1:{port}", f"udpout://127.0.0.1:{port}", True, signing))
    assert link.systems() == (1, 2)
    assert link.qualities[(1, 1)].received >= 24  # 11 requests, an acknowledgement, a count, 11 items, heartbeats
    assert link.qualities[(1, 1)].lost == 0


def test_two_vehicles_on_one_tcp_link() -> None:
    """The same over TCP, where frames arrive in arbitrary pieces."""
    port = free_port()
    asyncio.run(upload_over(f"tcp://127.0.0.1:{port}", f"tcpin://127.0.0.1:{port}", False))


def test_two_vehicles_on_one_serial_line() -> None:
    """The same over a pseudo-terminal, set raw so that no byte is changed."""

    # both ends of one line: the ground opens the terminal's name, the vehicles get its other side
    async def main() -> None:
        ours, theirs = pty.openpty()
        link, vehicles = Link(read_address(f"serial:{os.ttyname(theirs)}:57600")), Vehicles((1,))
        await link.open()
        os.set_blocking(ours, False)
        loop = asyncio.get_running_loop()

        class FarEnd:
            def send(self, data: bytes, to: Peer | None = None) -> None:
                del to
                os.write(ours, data)

            def close(self) -> None:
                loop.remove_reader(ours)

        vehicles.transport = FarEnd()
        loop.add_reader(ours, lambda: vehicles.receive(os.read(ours, 4096), None))
        try:
            async with asyncio.timeout(20):
                ending = await link.converse(Install(a_mission(15, "px4"), MissionType.MISSION, "px4"), 1)
            assert isinstance(ending, Aboard)
        finally:
            vehicles.transport.close()
            await link.close()
            os.close(ours)
            os.close(theirs)

    asyncio.run(main())


@pytest.mark.parametrize("text", ["udp/127.0.0.1:14550", "tcp://127.0.0.1", "serial:ttyUSB0", "udp://h:99999", ""])
def test_an_address_of_no_known_form_is_refused(text: str) -> None:
    """A mistyped address is told at once, with the forms that are known."""
    with pytest.raises(DroneLinkUnusable, match="udpout"):
        read_address(text)


@pytest.mark.parametrize("make", [lambda: f"tcp://127.0.0.1:{free_port()}", lambda: "serial:/dev/no-such-port:57600"])
def test_what_cannot_be_opened_is_told(make: Callable[[], str]) -> None:
    """Nobody listening, no such device: both are a DroneLinkUnusable that names the link."""
    with pytest.raises(DroneLinkUnusable):
        asyncio.run(Link(read_address(make())).open())


def test_silence_is_told() -> None:
    """A link on which nothing speaks ends in DroneSilent after the time it was given."""

    async def listen() -> None:
        link = Link(read_address(f"udp://127.0.0.1:{free_port()}"))
        await link.open()
        try:
            await link.first_heartbeat(1, 0.05)
        finally:
            await link.close()

    with pytest.raises(DroneSilent):
        asyncio.run(listen())
