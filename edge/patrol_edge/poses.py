"""Where a drone's camera was at a moment: poses from the wire, and frames that wait for theirs.

A frame's pose is interpolated between the two messages around its moment, so a frame waits until the second has come.
Poses and frames are stamped by different machines: they need one time (NTP), and `delay_s` for the way of the picture.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from patrol.events import DronePose
from patrol.geo import LatLon, LocalFrame, Pose, normalise_deg
from patrol_edge.frame import Frame

KEPT_POSES = 64
MAX_GAP_S = 3.0  # poses further apart do not tell what was between them
WAITING_FRAMES = 12
SPACING_S = 0.2  # frames closer than this are not kept waiting both: the waiting ones stay few however fast they come
ALOFT_S = 5.0  # a drone that said where it is this recently is in the air: stations say poses only of those


def pose_of(said: DronePose, frame: LocalFrame) -> Pose | None:
    """The camera's pose in the local frame; None while the drone does not say where it or its camera looks."""
    if said.yaw_deg is None or said.pitch_deg is None:
        return None
    here = frame.to_local(LatLon(said.position.lat_deg, said.position.lon_deg))
    return Pose(here.east_m, here.north_m, said.height_m, said.yaw_deg, said.pitch_deg)


class PoseTrack:
    """The newest poses of one drone, by their time. Not thread safe."""

    def __init__(self) -> None:
        self._poses: list[tuple[datetime, Pose]] = []

    def add(self, at: datetime, pose: Pose) -> None:
        """One more; the broker may deliver it late, twice or out of order."""
        index = bisect_left(self._poses, at, key=lambda known: known[0])
        if index < len(self._poses) and self._poses[index][0] == at:
            return
        self._poses.insert(index, (at, pose))
        del self._poses[:-KEPT_POSES]

    @property
    def newest_at(self) -> datetime | None:
        """The time of the last one."""
        return self._poses[-1][0] if self._poses else None

    def at(self, moment: datetime) -> Pose | None:
        """The pose at a moment; None where no two messages at most MAX_GAP_S apart lie around it."""
        index = bisect_left(self._poses, moment, key=lambda known: known[0])
        if index < len(self._poses) and self._poses[index][0] == moment:
            return self._poses[index][1]
        if index in (0, len(self._poses)):
            return None
        (before_at, before), (after_at, after) = self._poses[index - 1], self._poses[index]
        gap_s = (after_at - before_at).total_seconds()
        if gap_s > MAX_GAP_S:
            return None
        return between(before, after, (moment - before_at).total_seconds() / gap_s)


def between(a: Pose, b: Pose, share: float) -> Pose:
    """A pose on the straight way from `a` to `b`, turning the short way round."""

    def mix(x: float, y: float) -> float:
        return x + (y - x) * share

    def turn(x: float, y: float) -> float:
        return x + normalise_deg(y - x) * share

    return Pose(
        mix(a.east_m, b.east_m), mix(a.north_m, b.north_m), mix(a.up_m, b.up_m), turn(a.yaw_deg, b.yaw_deg),
        mix(a.pitch_deg, b.pitch_deg), turn(a.roll_deg, b.roll_deg),
    )  # fmt: skip


class Posing:
    """Between a drone's reader and the judge: hands on each frame with its pose. Thread safe, bounded, waits for nothing.

    Frames whose pose does not come are dropped when newer ones need the room.
    """

    def __init__(self, frame: LocalFrame, delay_s: float, hand_on: Callable[[Frame], None]) -> None:
        self._frame, self._delay, self._hand_on = frame, timedelta(seconds=delay_s), hand_on
        self._track, self._waiting = PoseTrack(), deque[Frame](maxlen=WAITING_FRAMES)
        self._lock = Lock()

    def put(self, frame: Frame) -> None:
        """A frame has arrived."""
        frame = replace(frame, taken_at=frame.taken_at - self._delay)
        with self._lock:
            if not self._waiting or (frame.taken_at - self._waiting[-1].taken_at).total_seconds() >= SPACING_S:
                self._waiting.append(frame)
            ready = self._ready()
        if ready is not None:
            self._hand_on(ready)

    def heard(self, at: datetime, said: DronePose) -> None:
        """The station has said where the drone was."""
        pose = pose_of(said, self._frame)
        if pose is None:
            return
        with self._lock:
            self._track.add(at, pose)
            ready = self._ready()
        if ready is not None:
            self._hand_on(ready)

    def is_aloft(self, now: datetime) -> bool:
        """Whether the drone is in the air, as far as is known."""
        with self._lock:
            newest_at = self._track.newest_at
        return newest_at is not None and abs((now - newest_at).total_seconds()) <= ALOFT_S

    def _ready(self) -> Frame | None:
        """The newest frame whose pose is known; older ones are of no more use."""
        newest_at = self._track.newest_at
        ready: Frame | None = None
        while newest_at is not None and self._waiting and self._waiting[0].taken_at <= newest_at:
            frame = self._waiting.popleft()
            pose = self._track.at(frame.taken_at)
            ready = ready if pose is None else replace(frame, pose=pose)
        return ready
