"""The values of a flight plan. Local frame around home: east, north, up above home's ground, metres.

Patterns answer with `Run`s (what to fly and photograph, in order); `tour` makes `Sortie`s of them: how to
get there, around zones, there and back within a battery. Times are seconds from take-off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace
from patrol.planning.drone import CALM, Drone, Wind
from patrol.planning.refusals import Reason


class Shot(NamedTuple):
    """One photograph. Yaw clockwise from north, pitch up from the horizon, degrees."""

    east_m: float
    north_m: float
    up_m: float
    yaw_deg: float
    pitch_deg: float
    label: str = ""


@dataclass(frozen=True)
class Run:
    """A piece of work: a line with photographs along it, or one spot.

    points      one or more places in the order of flight
    height_m    above ground
    shots_m     where photographs are taken: distances from the first point along the line
    spacing_m   the camera is triggered each so many metres; None: by single commands at `shots_m`
    pitch_deg   of the camera; yaw_deg None looks along the line
    hold_s      how long to stay at the last point
    near        reached from the run before it in a straight line at the height of both: the pattern has checked it
    lead_m      straight flight before the first and after the last photograph, to be at speed and level
    """

    points: tuple[EastNorth, ...]
    height_m: float
    shots_m: tuple[float, ...] = ()
    spacing_m: float | None = None
    pitch_deg: float = -90.0
    yaw_deg: float | None = None
    hold_s: float = 0.0
    lead_m: float = 0.0
    speed_ms: float | None = None
    label: str = ""
    near: bool = False


Deed = Literal["trigger", "stop", "photo", "gimbal"]


class Action(NamedTuple):
    """What the camera does on arrival. `value`: metres between photographs, or pitch in degrees."""

    deed: Deed
    value: float = 0.0


@dataclass(frozen=True)
class Waypoint:
    """A place to fly to. `speed_ms` is the wanted speed over ground on the way to it.

    `agl_m` is its height above the ground there. `yaw_deg` None leaves the nose along the course.
    """

    east_m: float
    north_m: float
    up_m: float
    agl_m: float
    speed_ms: float
    actions: tuple[Action, ...] = ()
    hold_s: float = 0.0
    yaw_deg: float | None = None
    label: str = ""


class Instant(NamedTuple):
    """When a waypoint is reached, and what the battery has given until then (its hold included)."""

    time_s: float
    used_wh: float


@dataclass(frozen=True)
class Sortie:
    """From take-off to landing on one battery. The first waypoint is above home, the last above `landing`."""

    waypoints: tuple[Waypoint, ...]
    instants: tuple[Instant, ...]
    shots: tuple[Shot, ...]
    landing: EastNorth
    distance_m: float
    duration_s: float
    used_wh: float


@dataclass(frozen=True)
class Coverage:
    """Shares of the area, measured from the photographs' footprints on a grid of `cell_m`."""

    area_m2: float
    covered: float
    reachable: float
    covered_of_reachable: float
    cell_m: float
    photographs: int


@dataclass(frozen=True)
class FlightPlan:
    """One flyable answer."""

    name: str
    drone: Drone
    home: LatLon
    home_amsl_m: float
    landing_points: tuple[LatLon, ...]
    airspace: Airspace
    sorties: tuple[Sortie, ...]
    wind: Wind = CALM
    starts_at_s: float | None = None
    coverage: Coverage | None = None
    targets: tuple[tuple[LatLon, ...], ...] = ()
    notes: tuple[Reason, ...] = ()
    facts: dict[str, float] = field(default_factory=dict)

    @cached_property
    def frame(self) -> LocalFrame:
        """The local frame around home that all waypoints are in."""
        return LocalFrame(self.home)

    @property
    def duration_s(self) -> float:
        """Time in the air, all sorties."""
        return sum(sortie.duration_s for sortie in self.sorties)

    @property
    def distance_m(self) -> float:
        """Path over ground, all sorties."""
        return sum(sortie.distance_m for sortie in self.sorties)

    @property
    def shots(self) -> tuple[Shot, ...]:
        """All photographs in the order they are taken."""
        return tuple(shot for sortie in self.sorties for shot in sortie.shots)
