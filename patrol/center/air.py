"""What is in the air now: the newest pose of each drone and its track of the last minutes. Memory only, bounded.

Belongs to one event loop. After a restart of the centre it fills again within a second, for poses come each second.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from patrol.events import DronePose

MAX_DRONES = 256
TRACK_S = 300.0  # how much of its way a drone draws behind it
TRACK_EVERY_S = 2.0
FORGET_AFTER_S = 1800.0  # a drone that fell silent in mid-flight is shown, faded, for half an hour
MAX_ENDED = 1024  # flights that are over: a pose that comes after the landing was said shows nothing


@dataclass(frozen=True)
class Point:
    """One place on a track; `said_at` by the station's clock, `height_m` above its home."""

    said_at: datetime
    lat_deg: float
    lon_deg: float
    height_m: float


@dataclass(frozen=True)
class Airborne:
    """A drone in the air. `heard_at` is the centre's clock: it says how old the pose is."""

    pose: DronePose
    said_at: datetime
    heard_at: datetime
    drill: bool


@dataclass
class _Way:
    newest: Airborne
    track: deque[Point] = field(default_factory=lambda: deque(maxlen=int(TRACK_S / TRACK_EVERY_S) + 1))


class Air:
    """The newest pose of each drone."""

    def __init__(self) -> None:
        self._ways: OrderedDict[tuple[str, str], _Way] = OrderedDict()  # the one heard longest ago first
        self._ended: OrderedDict[str, None] = OrderedDict()

    def heard(self, pose: DronePose, said_at: datetime, heard_at: datetime, drill: bool) -> Airborne | None:
        """A pose has come; what is new by it, or None when it is old news or its flight is over."""
        key = (pose.station, pose.drone)
        way = self._ways.get(key)
        if pose.flight_id in self._ended or (way is not None and said_at <= way.newest.said_at):
            return None
        newest = Airborne(pose, said_at, heard_at, drill)
        if way is None or way.newest.pose.flight_id != pose.flight_id:
            way = self._ways[key] = _Way(newest)
        way.newest = newest
        self._ways.move_to_end(key)
        if not way.track or (said_at - way.track[-1].said_at).total_seconds() >= TRACK_EVERY_S:
            way.track.append(Point(said_at, pose.position.lat_deg, pose.position.lon_deg, pose.height_m))
        while len(self._ways) > MAX_DRONES:
            self._ways.popitem(last=False)
        return newest

    def ended(self, flight_id: str) -> None:
        """A flight is over: its drone is no longer in the air."""
        self._ended[flight_id] = None
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        for key in [key for key, way in self._ways.items() if way.newest.pose.flight_id == flight_id]:
            del self._ways[key]

    def now(self, now: datetime) -> list[tuple[Airborne, tuple[Point, ...]]]:
        """Every drone in the air with its track of the last minutes, oldest point first."""
        gone = now - timedelta(seconds=FORGET_AFTER_S)
        for key in [key for key, way in self._ways.items() if way.newest.heard_at < gone]:
            del self._ways[key]
        return [(way.newest, _recent(way)) for _, way in sorted(self._ways.items())]


def _recent(way: _Way) -> tuple[Point, ...]:
    since = way.newest.said_at - timedelta(seconds=TRACK_S)
    return tuple(point for point in way.track if point.said_at >= since)
