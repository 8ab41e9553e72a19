"""What is kept of a flight, as a value: built from what the pilot saw and told, read back from its JSON. Pure.

Times in `events`, `track` and `shots` are seconds from the flight's beginning; heights are metres above home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from patrol.flight.compare import Firmware
from patrol.flight.pilot import Ending, Happening, Outcome, Pilot
from patrol.flight.quality import Quality
from patrol.flight.shell import News, Pose
from patrol.flight.track import Sample, breaches, compare, way_of
from patrol.planning.airspace import Zone
from patrol.planning.mission import FencePolygon, Mission

VERSION = 1
TRACK = 20_000  # poses kept: five hours at one a second


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Fault(_Part):
    """A reason of pre-flight."""

    code: str
    en: str
    zh: str


class Spot(_Part):
    """One sample of the track. None: not known."""

    t_s: float
    lat_deg: float
    lon_deg: float
    up_m: float
    heading_deg: float | None = None
    speed_ms: float | None = None
    battery: float | None = None
    mode: str = ""
    item: int = 0


class Shot(_Part):
    """A photograph as the vehicle reported it."""

    number: int
    t_s: float
    lat_deg: float
    lon_deg: float
    amsl_m: float


class Event(_Part):
    """Something that happened: the pilot's own, or a text of the vehicle (`what` is then "text")."""

    t_s: float
    what: str
    detail: str = ""


class Against(_Part):
    """Planned against flown. None: nothing to compare."""

    planned_m: float
    flown_m: float
    planned_s: float
    flown_s: float
    cross_track_m: float | None
    cross_track_at_s: float | None
    height_m: float | None
    height_at_s: float | None


class Trespass(_Part):
    """A sample where nobody may be."""

    t_s: float
    lat_deg: float
    lon_deg: float
    up_m: float
    what: str
    depth_m: float


class Fence(_Part):
    """A part of the fence: a ring of [latitude, longitude], or a circle."""

    inclusion: bool
    ring: tuple[tuple[float, float], ...] = ()
    centre: tuple[float, float] | None = None
    radius_m: float | None = None


class FlightSummary(_Part):
    """One flight."""

    version: int = VERSION
    id: str
    plan: str
    plan_hash: str
    firmware: Firmware
    system: int
    began: str
    seconds: float
    outcome: Outcome | Literal["unknown"]
    reason: str = ""
    complete: bool = False
    flew: bool = False
    item: int = 0  # what was in hand at the end, as the vehicle counts
    broke_off: tuple[float, float] | None = None
    home_amsl_m: float = 0.0
    faults: tuple[Fault, ...] = ()
    home: tuple[float, float]
    planned: tuple[tuple[float, float, float], ...]
    fence: tuple[Fence, ...] = ()
    track: tuple[Spot, ...] = ()
    shots: tuple[Shot, ...] = ()
    missing_shots: tuple[int, ...] = ()
    events: tuple[Event, ...] = ()
    against: Against
    breaches: tuple[Trespass, ...] = ()
    frames: int = 0
    frames_lost: int = 0


@dataclass(frozen=True)
class Header:
    """What a flight is called. `began_s`: seconds since 1970; `at_s`: the same moment on the pilot's clock."""

    mission: Mission
    system: int
    began_s: float
    at_s: float
    zones: tuple[Zone, ...] = ()

    @property
    def id(self) -> str:
        """Sorts by time; unlike every other as long as a vehicle flies once a second at most."""
        return f"{datetime.fromtimestamp(self.began_s, UTC):%Y%m%dT%H%M%SZ}-{self.system}"


@dataclass
class Recorder:
    """Collects a flight's news. `hear` is what a `Flight` tells."""

    header: Header
    poses: list[Pose] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)

    def hear(self, news: News) -> None:
        """Take one piece of news."""
        if isinstance(news, Happening):
            self.happenings.append(news)
        elif len(self.poses) < TRACK:
            self.poses.append(news)

    def summary(self, pilot: Pilot, ending: Ending | None, now: float, quality: Quality | None = None) -> FlightSummary:
        """The flight so far. `ending` None: it is not known how it ended (the link was lost, or it was left)."""
        header, seen = self.header, pilot.seen
        mission, at_s = header.mission, header.at_s
        samples = [Sample(p.at_s - at_s, p.at, p.up_m, p.item, p.mode) for p in self.poses]
        way = way_of(pilot.compiled, mission.home, mission.home_amsl_m, mission.cruise_ms)
        events = [Event(t_s=_r(h.at_s - at_s), what=h.what, detail=h.detail) for h in self.happenings]
        events += [Event(t_s=_r(t - at_s), what="text", detail=text) for t, _, text in seen.texts]
        return FlightSummary(
            id=header.id,
            plan=mission.name,
            plan_hash=pilot.compiled.digest,
            firmware=pilot.compiled.firmware,
            system=header.system,
            began=datetime.fromtimestamp(header.began_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            seconds=_r(now - at_s),
            outcome="unknown" if ending is None else ending.outcome,
            reason="" if ending is None else ending.reason,
            complete=ending is not None and ending.complete,
            flew=seen.flew,
            item=0 if ending is None else ending.item,
            broke_off=None if ending is None or ending.broke_off is None else (ending.broke_off.lat_deg, ending.broke_off.lon_deg),
            home_amsl_m=mission.home_amsl_m,
            faults=() if ending is None else tuple(Fault(code=f.code, en=f.said.en, zh=f.said.zh) for f in ending.faults),
            home=(mission.home.lat_deg, mission.home.lon_deg),
            planned=tuple((s.at.lat_deg, s.at.lon_deg, _r(s.up_m)) for s in way),
            fence=tuple(_fence(part) for part in mission.fence),
            track=tuple(_spot(pose, at_s) for pose in self.poses),
            shots=tuple(
                Shot(number=p.number, t_s=_r(p.taken_s - at_s), lat_deg=p.at.lat_deg, lon_deg=p.at.lon_deg, amsl_m=_r(p.amsl_m))
                for p in seen.pictures
            ),
            missing_shots=tuple(seen.missing_pictures()),
            events=tuple(sorted(events, key=lambda e: e.t_s)),
            against=_against(samples, way, mission),
            breaches=tuple(
                Trespass(t_s=_r(b.sample.at_s), lat_deg=b.sample.at.lat_deg, lon_deg=b.sample.at.lon_deg,
                         up_m=_r(b.sample.up_m), what=b.what, depth_m=_r(b.depth_m))
                for b in breaches(samples, mission.home, mission.fence, header.zones)
            ),
            frames=0 if quality is None else quality.received,
            frames_lost=0 if quality is None else quality.lost,
        )  # fmt: skip


def _against(samples: Sequence[Sample], way: Sequence[Any], mission: Mission) -> Against:
    found = compare(samples, way, mission.home)
    return Against(**{name: _or_none(value) for name, value in found._asdict().items()})  # type: ignore[arg-type]  # the first four are always finite


def _spot(pose: Pose, at_s: float) -> Spot:
    return Spot(
        t_s=_r(pose.at_s - at_s),
        lat_deg=pose.at.lat_deg,
        lon_deg=pose.at.lon_deg,
        up_m=_r(pose.up_m),
        heading_deg=_or_none(pose.heading_deg),
        speed_ms=_or_none(pose.speed_ms),
        battery=_or_none(pose.battery),
        mode=pose.mode,
        item=pose.item,
    )


def _fence(part: object) -> Fence:
    if isinstance(part, FencePolygon):
        return Fence(inclusion=part.inclusion, ring=tuple((p.lat_deg, p.lon_deg) for p in part.ring))
    circle: Any = part
    return Fence(
        inclusion=circle.inclusion, centre=(circle.centre.lat_deg, circle.centre.lon_deg), radius_m=circle.radius_m
    )


def _r(value: float) -> float:
    return round(value, 2)


def _or_none(value: float) -> float | None:
    return _r(value) if isfinite(value) else None
