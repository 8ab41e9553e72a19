"""The `dronekit` driver: a drone's link held by dronekit2, for sites whose other programs already live on it.

The one file that knows dronekit. Telemetry comes through its vehicle's message listeners and everything we say goes out
through its connection, in its threads; what is said, uploads and their read-back above all, stays ours: dronekit's own
transfer has reported success with the last item missing. One vehicle a link; no signing, which it does not have.
dronekit hides nothing that asks for frames: its connection's outbound queue is used, which has no public name.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import dronekit

from patrol.errors import DroneLinkUnusable
from patrol.flight.messages import GCS_COMPONENT, GCS_SYSTEM
from patrol.flight.transport import Address, Lost, Peer, Sink, Transport

HEARD_WITHIN_S = 10.0
STREAM_HZ = 4
WAYS = {"udp": "udpin", "udpout": "udpout", "tcp": "tcp", "tcpin": "tcpin"}


def dronekit_address(address: Address) -> str:
    """The address in dronekit's own form; of a serial line the device alone, its rate is given apart."""
    return address.place if address.way == "serial" else f"{WAYS[address.way]}:{address.place}:{address.number}"


class _Held:
    """A link that dronekit holds."""

    def __init__(self, vehicle: dronekit.Vehicle, receive: Sink, lost: Lost) -> None:
        self._vehicle, self._lost = vehicle, lost
        self._connection: Any = vehicle._handler  # noqa: SLF001 - no public name gives its frames
        self._loop = asyncio.get_running_loop()
        self._receive, self._open = receive, True
        vehicle.add_message_listener("*", self._heard)

    def _heard(self, vehicle: Any, name: str, message: Any) -> None:
        """In dronekit's thread."""
        del vehicle, name
        if self._open:
            self._loop.call_soon_threadsafe(self._take, bytes(message.get_msgbuf()))

    def _take(self, frame: bytes) -> None:
        if self._open:
            self._receive(frame, None)

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """Into its queue; a connection that has died is told once."""
        del to
        if self._open and not self._connection._alive:  # noqa: SLF001 - the same
            self._open = False
            self._lost("dronekit's connection ended")
        elif self._open:
            self._connection.out_queue.put(data)

    def close(self) -> None:
        """End its threads, which takes them a tenth of a second."""
        self._open = False
        self._vehicle.close()


async def open_dronekit(address: Address, receive: Sink, lost: Lost) -> Transport:
    """Connect by dronekit, which waits for a heartbeat. Raises DroneLinkUnusable."""
    for name in ("dronekit", "autopilot"):
        logging.getLogger(name).addHandler(logging.NullHandler())  # what a vehicle says is told by us

    def connect() -> dronekit.Vehicle:
        return dronekit.connect(
            dronekit_address(address),
            wait_ready=False,
            rate=STREAM_HZ,
            baud=address.number if address.way == "serial" else 115200,
            heartbeat_timeout=HEARD_WITHIN_S,
            source_system=GCS_SYSTEM,
            source_component=GCS_COMPONENT,
        )

    try:
        vehicle = await asyncio.to_thread(connect)
    except (dronekit.APIException, OSError) as err:
        raise DroneLinkUnusable(link=address.text, cause=f"dronekit: {err}") from err
    return _Held(vehicle, receive, lost)
