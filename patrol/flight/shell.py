"""A flight over a real link: a `Pilot` driven by frames and time, its news passed on as it comes. Thin.

    link = Link(read_address("udp://0.0.0.0:14550"))
    await link.open()
    found = await link.find(system=1)
    flight = Flight(link, found.system, Pilot(compiled, demands), tell=print)
    ending = await flight.run()              # Ending: landed, returned, or aborted(reason)

`order` and `jump` may be called while `run` goes on, from the same event loop. Several flights may share a link,
one for each vehicle. `run` raises DroneLinkLost when the link itself ends; the vehicle is then still flying, and a
`Pilot(..., takes_over=True)` on a new link follows it to its end. A cancelled `run` leaves the vehicle as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from patrol.flight.link import Link, Talk
from patrol.flight.pilot import Ending, Happening, Pilot
from patrol.flight.wishes import Wish
from patrol.geo import LatLon


@dataclass(frozen=True)
class Pose:
    """Where a vehicle is, how it looks, how it is. NaN: not known.

    Heights in metres: `up_m` above its home, `amsl_m` above sea level. Angles in degrees: `heading_deg` clockwise
    from north, `gimbal_pitch_deg` up from the horizon. `battery`, `loss`: shares. `item` counts from 0 as the vehicle does.
    """

    at_s: float
    at: LatLon
    up_m: float
    amsl_m: float
    heading_deg: float
    speed_ms: float
    gimbal_pitch_deg: float
    battery: float
    mode: str
    armed: bool
    item: int
    items: int
    loss: float


News = Happening | Pose


class Flight:
    """One vehicle's flight on a link. `tell` gets happenings at once and a pose each `pose_every_s`; it must not block."""

    def __init__(
        self,
        link: Link,
        system: int,
        pilot: Pilot,
        tell: Callable[[News], None] = lambda _: None,
        pose_every_s: float = 1.0,
    ) -> None:
        self.pilot, self.system = pilot, system
        self._link, self._tell, self._every_s = link, tell, pose_every_s
        self._talk = Talk(link, pilot, system, self._after)
        self._told = 0
        self._pose_at = 0.0
        self._pose: Pose | None = None

    @property
    def pose(self) -> Pose | None:
        """The last that was told."""
        return self._pose

    async def run(self) -> Ending:
        """To its end. Raises DroneLinkLost."""
        try:
            return await self._talk.run()
        finally:
            self._after()

    def order(self, wish: Wish) -> None:
        """Pause, resume, abort (return home) or land; the answer comes as a happening."""
        self._talk.say(self.pilot.order(wish, self._link.now()))

    def jump(self, item: int) -> None:
        """Go on with another item of the mission, counted from 0 as the vehicle does."""
        self._talk.say(self.pilot.jump(item, self._link.now()))

    def look(self, pitch_deg: float, yaw_deg: float = 0.0) -> None:
        """Turn the camera: pitch up from the horizon, yaw clockwise from the nose."""
        self._talk.say(self.pilot.look(pitch_deg, yaw_deg, self._link.now()))

    def watch(self, place: LatLon | None) -> None:
        """Keep the camera on a place on the ground; None lets go of it."""
        self._talk.say(self.pilot.watch(place, self._link.now()))

    def _after(self) -> None:
        happenings = self.pilot.happenings
        while self._told < len(happenings):
            self._told += 1
            self._tell(happenings[self._told - 1])
        now = self._link.now()
        heard_at = self.pilot.seen.position_at
        if now >= self._pose_at and heard_at is not None and (self._pose is None or heard_at > self._pose.at_s):
            pose = self._look(heard_at)
            if pose is not None:
                self._pose_at, self._pose = now + self._every_s, pose
                self._tell(pose)

    def _look(self, heard_at: float) -> Pose | None:
        seen = self.pilot.seen
        if seen.at is None:
            return None
        quality = self._link.qualities.get((self.system, 1))
        return Pose(
            heard_at,
            seen.at,
            seen.up_m,
            seen.amsl_m,
            seen.heading_deg,
            seen.speed_ms,
            seen.gimbal_pitch_deg,
            seen.battery,
            seen.mode,
            bool(seen.armed),
            seen.item,
            self.pilot.items,
            0.0 if quality is None else quality.loss,
        )
