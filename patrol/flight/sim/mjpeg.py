"""Live pictures over HTTP: multipart/x-mixed-replace, which browsers, FFmpeg, OpenCV and VLC open. No library, no queue.

A client always gets the newest picture: while its socket is full, pictures pass it by. One that takes nothing for
`SEND_WITHIN_S` is dropped, and no more than `CLIENTS` watch at once.
"""

from __future__ import annotations

import asyncio
import errno
import html
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from patrol.errors import PortTaken, UsageError
from patrol.waiting import cancelled

CLIENTS = 8
CONNECTIONS = 4 * CLIENTS  # with those that have not said what they want
HEAD_WITHIN_S = 5.0
HEAD_BYTES = 8192
SEND_WITHIN_S = 5.0
PICTURE_WITHIN_S = 120.0  # the first waits for a compiler and for the district
SENDING_BYTES = 64 * 1024  # what the system may hold back of a slow client's stream: a picture or two
BOUNDARY = "picture"
STREAM = (
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" + BOUNDARY + "\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True)
class LivePicture:
    """A JPEG, when it was taken, and what else its part's head says."""

    jpeg: bytes
    taken_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)

    def part(self) -> bytes:
        """As one part of the stream."""
        lines = {
            "Content-Type": "image/jpeg",
            "Content-Length": str(len(self.jpeg)),
            "X-Taken-At": self.taken_at.isoformat(timespec="milliseconds"),
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"--{BOUNDARY}\r\n{head}\r\n".encode("ascii") + self.jpeg + b"\r\n"


class Feed:
    """The newest picture of one camera, and how many watch it. `wanted` is rung when the first one comes."""

    def __init__(self, wanted: asyncio.Event) -> None:
        self.watchers, self.number = 0, 0
        self._wanted = wanted
        self._newest: LivePicture | None = None
        self._changed = asyncio.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody watches."""
        self.watchers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self.watchers -= 1

    def show(self, picture: LivePicture) -> None:
        """A newer picture."""
        self._newest, self.number = picture, self.number + 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, number: int) -> tuple[int, LivePicture]:
        """The newest picture once it is another than `number`; whoever calls bounds the wait."""
        while self._newest is None or self.number == number:
            await self._changed.wait()
        return self.number, self._newest


class PictureServer:
    """Feeds on one port: `/name` streams one, `/` the only one there is, or a page with all of them."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = dict(feeds)
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises PortTaken, and UsageError for an address that is not this machine's."""
        try:
            self._server = await asyncio.start_server(self._arrived, host, port, limit=HEAD_BYTES, reuse_address=True)
        except OSError as err:
            if err.errno == errno.EADDRINUSE:
                raise PortTaken(host=host, port=port) from err
            raise UsageError(kind="address of this machine", name=f"{host}:{port}", known="127.0.0.1, ::1") from err
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and let go of everybody."""
        if self._server is not None:
            self._server.close()
        await cancelled(list(self._clients))

    def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
            feed = self._answer(head, writer)
            if feed is not None:
                await _stream(feed, writer)
            async with asyncio.timeout(SEND_WITHIN_S):
                await writer.drain()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # gone, hung, or no browser: it asks again if it wants
        finally:
            # a client that takes nothing would keep a closing connection open for ever
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> Feed | None:
        """The feed that is asked for, or None when all has been said."""
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        name = rest.partition(" ")[0].partition("?")[0].strip("/")
        if method != "GET":
            writer.write(_page("405 Method Not Allowed", "GET only / 仅支持 GET"))
            return None
        if name == "" and len(self._feeds) > 1:
            writer.write(_page("200 OK", *self._feeds, pictures=True))
            return None
        feed = next(iter(self._feeds.values())) if name == "" else self._feeds.get(name)
        if feed is None:
            known = ", ".join(f"/{name}" for name in self._feeds)
            writer.write(_page("404 Not Found", f"There is {known} here / 这里有 {known}"))
            return None
        if sum(feed.watchers for feed in self._feeds.values()) >= CLIENTS:
            writer.write(_page("503 Service Unavailable", f"{CLIENTS} watch already / 已有 {CLIENTS} 个观看者"))
            return None
        return feed


async def _stream(feed: Feed, writer: asyncio.StreamWriter) -> None:
    """Pictures from now on, until the client is gone. Raises ConnectionError, TimeoutError."""
    writer.transport.set_write_buffer_limits(high=0)  # drain: until the system has taken all of it
    wire: socket.socket = writer.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDING_BYTES)
    writer.write(STREAM.encode("ascii"))
    with feed.watched():
        number = feed.number
        while not writer.transport.is_closing():
            async with asyncio.timeout(PICTURE_WITHIN_S):
                number, picture = await feed.after(number)
            writer.write(picture.part())
            async with asyncio.timeout(SEND_WITHIN_S):
                await writer.drain()


def _page(status: str, *lines: str, pictures: bool = False) -> bytes:
    """A short answer; with `pictures` the lines are names of feeds, each shown."""
    said = [
        f'<p><a href="/{html.escape(x)}">{html.escape(x)}</a><br><img src="/{html.escape(x)}" alt=""></p>'
        if pictures
        else f"<p>{html.escape(x)}</p>"
        for x in lines
    ]
    body = f"<!doctype html><meta charset=utf-8><title>{status}</title>{''.join(said)}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
