"""A link in memory: one ground station and any number of simulated drones, without sockets. What is sent is there at once.

Openers for `Link` and `Aloft` in one process, so that both may go by one stepped clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from patrol.flight.transport import Address, Lost, Peer, Sink, Transport

ADDRESS = Address("udp", "memory", 0, "memory")


@dataclass(eq=False)
class _End:
    """One end of the cable."""

    cable: Cable
    receive: Sink
    lost: Lost

    def send(self, data: bytes, to: Peer | None = None) -> None:
        """To the far end."""
        self.cable.carry(self, data, to)

    def close(self) -> None:
        """Take it out."""
        self.cable.unplug(self)


class Cable:
    """The link."""

    def __init__(self) -> None:
        self._ground: _End | None = None
        self._drones: list[_End] = []

    async def ground(self, address: Address, receive: Sink, lost: Lost) -> Transport:
        """Open the ground's end. A second ground station takes the place of the first."""
        del address
        self._ground = _End(self, receive, lost)
        return self._ground

    async def drone(self, address: Address, receive: Sink, lost: Lost) -> Transport:
        """Open one drone's end."""
        del address
        end = _End(self, receive, lost)
        self._drones.append(end)
        return end

    def carry(self, sender: _End, data: bytes, to: Peer | None) -> None:
        """From one end to the other; to all drones, or to one."""
        if sender is not self._ground:
            if self._ground is not None:
                self._ground.receive(data, sender)
            return
        for end in tuple(self._drones):
            if to is None or end is to:
                end.receive(data, sender)

    def unplug(self, end: _End) -> None:
        """Take one end out."""
        if end is self._ground:
            self._ground = None
        elif end in self._drones:
            self._drones.remove(end)

    def cut(self, cause: str) -> None:
        """End the ground's side as a closed connection does."""
        if self._ground is not None:
            lost, self._ground = self._ground.lost, None
            lost(cause)
