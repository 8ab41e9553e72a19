"""Bytes over UDP, TCP or a serial port, in asyncio. Thin: it opens, sends, receives and closes, and knows no MAVLink.

Addresses: `udp://host:port` listens and answers whoever spoke (how ground stations listen on 14550),
`udpout://host:port` speaks first, `tcp://host:port` connects, `tcpin://host:port` waits for connections,
`serial:/dev/ttyUSB0:57600` opens a port. The two slashes may be left out.
"""

from __future__ import annotations

import asyncio
import os
import re
import termios
import tty
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from patrol.errors import DroneLinkUnusable

OPEN_WITHIN_S = 5.0
UNSENT_BYTES = 256 * 1024  # more than this waiting in a socket means that nobody reads: what comes then is dropped
CHUNK_BYTES = 4096
PEERS = 64  # who is answered at one listening end: 20 drones, or ground stations, with room
Way = Literal["udp", "udpout", "tcp", "tcpin", "serial"]
Peer = object  # one far end of a link that has several; only equality means anything
Sink = Callable[[bytes, Peer], None]  # what came, and from whom
Lost = Callable[[str], None]  # the link is gone, and why


@dataclass(frozen=True)
class Address:
    """Where a link is. `place` is a host or a device, `number` a port or a baud rate."""

    way: Way
    place: str
    number: int
    text: str


def read_address(text: str) -> Address:
    """An address from its text. Raises DroneLinkUnusable."""
    match = re.fullmatch(r"(udp|udpout|tcp|tcpin):(?://)?(\[[0-9a-fA-F:]+\]|[^:/]+):(\d{1,5})", text)
    if match and int(match[3]) < 65536:
        way: Way = match[1]  # type: ignore[assignment]  # the pattern names the four
        return Address(way, match[2].strip("[]"), int(match[3]), text)
    serial = re.fullmatch(r"serial:(/[^:]+):(\d{3,7})", text)
    if serial:
        return Address("serial", serial[1], int(serial[2]), text)
    raise DroneLinkUnusable(link=text, cause="the address is of no known form")


class Transport(Protocol):
    """An open way to send bytes."""

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """Give it to the system, for one far end or for all; what it cannot take is dropped, as a radio would."""

    def close(self) -> None:
        """Close it; nothing is received afterwards."""


class Opener(Protocol):
    """How a link is opened: `open_transport`, or a cable in memory."""

    async def __call__(self, address: Address, receive: Sink, lost: Lost) -> Transport:
        """Open it."""


async def open_transport(address: Address, receive: Sink, lost: Lost) -> Transport:
    """Open `address`; `receive` gets what comes, `lost` is called once if it ends by itself. Raises DroneLinkUnusable.

    UDP and a listening TCP port never end; a TCP connection does when the far end closes it, a serial line when
    its device is gone.
    """
    try:
        async with asyncio.timeout(OPEN_WITHIN_S):
            if address.way in {"udp", "udpout"}:
                return await _open_udp(address, receive)
            if address.way == "tcp":
                return await _open_tcp(address, receive, lost)
            if address.way == "tcpin":
                return await _listen_tcp(address, receive)
            return _open_serial(address, receive, lost)
    except (OSError, termios.error, TimeoutError) as err:
        raise DroneLinkUnusable(link=address.text, cause=str(err) or "no answer") from err


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, receive: Sink, answers: bool) -> None:
        self._receive, self._answers = receive, answers
        self._peers: dict[tuple[str, int], None] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio gives datagram protocols a DatagramTransport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._answers:
            self._peers.pop(addr, None)
            self._peers[addr] = None
            while len(self._peers) > PEERS:
                self._peers.pop(next(iter(self._peers)))
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A peer is not there (yet): the link goes on, silence shows it."""

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """To the fixed peer; to the one that is meant; or to everyone who spoke."""
        if self._transport is None or self._transport.is_closing():
            return
        if not self._answers:
            self._transport.sendto(data)
            return
        for peer in self._peers:
            if to is None or peer == to:
                self._transport.sendto(data, peer)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


async def _open_udp(address: Address, receive: Sink) -> Transport:
    loop = asyncio.get_running_loop()
    at = (address.place, address.number)
    listens = address.way == "udp"
    _, protocol = await loop.create_datagram_endpoint(
        lambda: _Udp(receive, listens), local_addr=at if listens else None, remote_addr=None if listens else at
    )
    return protocol


class _Stream(asyncio.Protocol):
    def __init__(self, receive: Sink, streams: set[_Stream], lost: Lost | None = None) -> None:
        self._receive, self._streams, self._lost = receive, streams, lost
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio gives stream protocols a Transport
        self._streams.add(self)

    def data_received(self, data: bytes) -> None:
        self._receive(data, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._streams.discard(self)
        if self._lost is not None:
            self._lost(str(exc or "the far end closed it"))

    def send(self, data: bytes) -> None:
        """Write it unless nobody reads."""
        if self._transport is not None and self._transport.get_write_buffer_size() < UNSENT_BYTES:
            self._transport.write(data)

    def close(self) -> None:
        """Close it; that is no loss."""
        self._lost = None
        if self._transport is not None:
            self._transport.close()


class _Streams:
    def __init__(self, streams: set[_Stream], server: asyncio.Server | None) -> None:
        self._streams, self._server = streams, server

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """To everyone connected, or to one of them."""
        for stream in tuple(self._streams):
            if to is None or stream is to:
                stream.send(data)

    def close(self) -> None:
        """Close all."""
        if self._server is not None:
            self._server.close()
        for stream in tuple(self._streams):
            stream.close()


async def _open_tcp(address: Address, receive: Sink, lost: Lost) -> Transport:
    streams: set[_Stream] = set()
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: _Stream(receive, streams, lost), address.place, address.number)
    return _Streams(streams, None)


async def _listen_tcp(address: Address, receive: Sink) -> Transport:
    streams: set[_Stream] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Stream(receive, streams), address.place, address.number)
    return _Streams(streams, server)


class _Serial:
    def __init__(self, descriptor: int, receive: Sink, lost: Lost) -> None:
        self._descriptor, self._receive, self._lost = descriptor, receive, lost
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._readable)
        self._open = True

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as err:  # unplugged
            self.close()
            self._lost(str(err))
            return
        if data:
            self._receive(data, None)

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """Give it to the driver; what does not fit its buffer is lost, as on the radio behind it."""
        del to
        try:
            if self._open:
                os.write(self._descriptor, data)
        except OSError:
            return

    def close(self) -> None:
        """Close it."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)


def _open_serial(address: Address, receive: Sink, lost: Lost) -> Transport:
    speed = getattr(termios, f"B{address.number}", None)
    if speed is None:
        raise DroneLinkUnusable(link=address.text, cause=f"{address.number} is no baud rate of this system")
    descriptor = os.open(address.place, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(descriptor, termios.TCSANOW)
        settings = termios.tcgetattr(descriptor)
        settings[4] = settings[5] = speed
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    except (OSError, termios.error):
        os.close(descriptor)
        raise
    return _Serial(descriptor, receive, lost)
