"""One camera's way from a frame to what there is to say: detect, judge by every zone's rule, persist, prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from pydantic import TypeAdapter, ValidationError

from patrol.config.shape import CameraConfig, Config, DroneConfig
from patrol.config.zones import FallingZone, RoofZone, Zone
from patrol.errors import Text, UsageError
from patrol.events import AlertEnded, AlertRaised, Explanation, ModelRef, Position, Region
from patrol.geo import Camera, EastNorth, GroundPoint, LocalFrame, PoseSigma
from patrol_edge.aerial import LOOK_EVERY_S, AerialMap, persistence_of, place_on_ground, rule_for, shown_places
from patrol_edge.detectors import Detectors
from patrol_edge.evidence import EvidenceFile, degrees_of, picture_of, thumbnail_base64
from patrol_edge.frame import Detections, Frame
from patrol_edge.outbox import Outgoing
from patrol_edge.persistence import Ended, Persistence, Raised, Spot, ZoneMemory, look
from patrol_edge.rules.flooding import RainLevel, nobody_says
from patrol_edge.rules.rooftop import NO_ROOFS, Roofs
from patrol_edge.rules.sighting import Memory, Rule
from patrol_edge.rules.table import model_of, zone_rules
from patrol_edge.thermal.files import ThermalSource

CameraMemory = dict[str, ZoneMemory]
_MEMORY = TypeAdapter(CameraMemory)


@dataclass(frozen=True)
class Finding:
    """Something to say, with the files that prove it."""

    data: AlertRaised | AlertEnded
    happened_at: datetime
    files: tuple[EvidenceFile, ...] = ()

    def outgoing(self) -> Outgoing:
        """The message for the outbox. A raised alert's event id is the alert's id; an end has one made from it."""
        alert_id = self.data.alert_id
        event_id = alert_id if isinstance(self.data, AlertRaised) else str(uuid5(NAMESPACE_URL, f"{alert_id}/ended"))
        return Outgoing(event_id, alert_id, self.data.type_name, self.happened_at, self.data.model_dump_json())


@dataclass(frozen=True)
class AerialView:
    """What a moving camera watches, and how far the poses of its frames may be off."""

    map: AerialMap
    sigma: PoseSigma


@dataclass(frozen=True)
class Judged:
    """One zone of one frame: its rule, the network that the rule looks at, and how long it must persist."""

    zone: Zone
    rule: Rule
    model: str | None
    persistence: Persistence


@dataclass(frozen=True)
class Watcher:
    """Who watches: the names that stand in every alert of this camera."""

    district: str
    box: str
    camera: CameraConfig
    frame: LocalFrame
    local_time: Callable[[datetime], datetime]
    aerial: AerialView | None = None

    @classmethod
    def of(cls, config: Config, camera: CameraConfig) -> Watcher:
        """The watcher of one configured camera."""
        return cls(config.district.id, camera.box, camera, config.frame, config.local_time)

    @classmethod
    def of_drone(cls, config: Config, drone: DroneConfig) -> Watcher:
        """The watcher of a drone's live picture; its alerts name the drone as their camera. Raises UsageError without one."""
        live = drone.camera
        if live is None:
            raise UsageError(
                kind=Text("drone with a camera", "带摄像头的无人机"), name=drone.id,
                known=", ".join(d.id for d in config.drones if d.camera) or "-",
            )  # fmt: skip
        camera = CameraConfig(id=drone.id, name=drone.name, box=live.box, source=live.source, lens=live.lens)
        view = AerialView(AerialMap.of(config), live.sigma)
        return cls(config.district.id, live.box, camera, config.frame, config.local_time, view)

    @property
    def models(self) -> frozenset[str]:
        """The networks that its rules need."""
        fixed = {name for zone in self.camera.zones if (name := model_of(zone))}
        return frozenset(fixed) | (self.aerial.map.models if self.aerial else frozenset())

    @property
    def zones(self) -> frozenset[str]:
        """The ids of all that it watches."""
        return frozenset(zone.id for zone in self.camera.zones) | (
            self.aerial.map.zones if self.aerial else frozenset()
        )

    @property
    def roofs(self) -> bool:
        """Whether it watches any roof."""
        from_above = self.aerial is not None and any(place.roof for place in self.aerial.map.places)
        return from_above or any(isinstance(zone, RoofZone) for zone in self.camera.zones)

    @property
    def identity(self) -> str:
        """Names this watcher among all districts."""
        return f"{self.district}/{self.box}/{self.camera.id}"

    @property
    def thermal(self) -> ThermalSource | None:
        """How this camera's pictures become temperatures; None for a camera of light."""
        lens, thermal = self.camera.lens, self.camera.thermal
        return None if thermal is None else ThermalSource(thermal, (lens.width_px, lens.height_px))

    @property
    def every_frame(self) -> bool:
        """Whether each frame counts: motion is judged, not stills."""
        return any(isinstance(zone, FallingZone) for zone in self.camera.zones)

    @property
    def look_every_s(self) -> float:
        """The camera is unwatched when no look came for this long: the strictest of its zones."""
        if self.aerial is not None:
            return LOOK_EVERY_S
        return min((zone.look_every_s for zone in self.camera.zones), default=60.0)


def read_memory(body_json: str | None) -> CameraMemory:
    """What was remembered; nothing when it cannot be read (an older program's memory is worth less than watching)."""
    if body_json is None:
        return {}
    try:
        return _MEMORY.validate_json(body_json)
    except ValidationError:
        return {}


def write_memory(memory: CameraMemory) -> str:
    """The memory as it is kept."""
    return _MEMORY.dump_json(memory).decode()


def shift_memory(memory: CameraMemory, by: timedelta) -> CameraMemory:
    """The memory after the clock was set by `by`."""
    return {zone: spots.shifted(by) for zone, spots in memory.items()}


class Pipeline:
    """Judges the frames of one camera. Holds no state but the zones' rules for one picture size, and their live memory."""

    def __init__(
        self, watcher: Watcher, detectors: Detectors, rain: RainLevel = nobody_says, roofs: Roofs = NO_ROOFS
    ) -> None:
        self._watcher, self._detectors, self._rain, self._roofs = watcher, detectors, rain, roofs
        self._fixed: list[Judged] = []
        self._live: dict[str, dict[str, object]] = {}
        self._size_px: tuple[int, int] | None = None

    def judge(self, frame: Frame, memory: CameraMemory) -> tuple[CameraMemory, list[Finding]]:
        """One look: the new memory and what there is to say. The caller adopts both together, or neither.

        Of a moving camera's places only those that the frame shows are judged; the others stay as they were.
        """
        watcher = self._watcher
        if frame.size_px != self._size_px:
            self._fixed, self._live, self._size_px = self._zones_of(frame.size_px), {}, frame.size_px
        judged = (
            self._fixed
            if watcher.aerial is None
            else aerial_zones(watcher, watcher.aerial, frame, self._rain, self._roofs)
        )
        seen = {name: self._detectors[name].detect(frame.image) for name in {one.model for one in judged} if name}
        kept = watcher.zones
        remembered = {} if watcher.aerial is None else {name: spots for name, spots in memory.items() if name in kept}
        findings: list[Finding] = []
        for one in judged:
            before = memory.get(one.zone.id, ZoneMemory())
            rule_memory = Memory(dict(before.kept), self._live.setdefault(one.zone.id, {}))
            detections = Detections.none() if one.model is None else seen[one.model]
            sightings = one.rule(frame, detections, rule_memory, frame.taken_at)
            before = before.model_copy(update={"kept": rule_memory.kept})
            if rule_memory.unjudged:
                remembered[one.zone.id] = before
                continue
            remembered[one.zone.id], changes = look(
                before, sightings, frame.taken_at, one.zone.id, one.persistence, watcher.identity
            )
            model = None if one.model is None else self._detectors[one.model].ref
            findings += [
                _raised(change, frame, one.zone, watcher, model)
                if isinstance(change, Raised)
                else _ended(change, watcher)
                for change in changes
            ]
        findings += _orphans(memory, kept, frame.taken_at, watcher)
        return remembered, findings

    def _zones_of(self, size_px: tuple[int, int]) -> list[Judged]:
        watcher = self._watcher
        return [
            Judged(zone, rule, model_of(zone), Persistence(zone.dwell_s, zone.clear_s, zone.share, zone.look_every_s))
            for zone, rule in zone_rules(
                watcher.camera, watcher.frame, watcher.local_time, size_px, self._rain, self._roofs
            )
        ]


def aerial_zones(
    watcher: Watcher, aerial: AerialView, frame: Frame, rain: RainLevel, roofs: Roofs = NO_ROOFS
) -> list[Judged]:
    """The places that a moving camera's frame shows. None for a frame whose pose nobody knows."""
    if frame.pose is None:
        return []
    camera = Camera(watcher.camera.lens.geo.scaled_to(*frame.size_px), frame.pose)
    return [
        Judged(
            shown.zone,
            rule_for(shown, aerial.map, camera, aerial.sigma, rain, roofs),
            model_of(shown.zone, aerial=True),
            persistence_of(shown.zone),
        )
        for shown in shown_places(aerial.map, camera)
    ]


def _orphans(before: CameraMemory, zones: frozenset[str], now: datetime, watcher: Watcher) -> list[Finding]:
    """Alerts of zones that the configuration no longer has: nobody would ever see them end."""
    return [
        _ended(Ended(spot, now), watcher)
        for zone, memory in before.items()
        if zone not in zones
        for spot in memory.spots
        if spot.alert_id is not None
    ]


def _raised(raised: Raised, frame: Frame, zone: Zone, watcher: Watcher, model: ModelRef | None) -> Finding:
    spot, sighting = raised.spot, raised.sighting
    width, height = frame.size_px
    x0, y0, x1, y1 = sighting.box_px
    shown = frame if sighting.picture is None else replace(frame, image=sighting.picture)
    files = (picture_of(frame, "frame"), picture_of(shown, "marked", sighting.box_px), *degrees_of(frame))
    dwell_s = (spot.last_seen_at - spot.first_seen_at).total_seconds()
    data = AlertRaised(
        alert_id=spot.alert_id or "", box=watcher.box, camera=watcher.camera.id, hazard=sighting.hazard,
        place=_place(zone.id, spot, (width, height), moving=watcher.aerial is not None),
        position=_position(sighting.ground, watcher.frame),
        region=Region(x_min_px=x0, y_min_px=y0, x_max_px=x1, y_max_px=y1, width_px=width, height_px=height),
        measurement={**sighting.measurement, "dwell_s": dwell_s},
        explanation=Explanation(
            rule=sighting.hazard.value, zone=zone.id, label=sighting.label, first_seen_at=spot.first_seen_at,
            last_seen_at=spot.last_seen_at, dwell_s=dwell_s, needed_dwell_s=zone.dwell_s, looks=spot.looks, votes=spot.votes,
            needed_share=zone.share, confidence=round(raised.confidence, 4),
            threshold=zone.confidence if sighting.threshold is None else sighting.threshold,
        ),
        model=sighting.model or model, evidence=tuple(file.ref for file in files),
        thumbnail_jpeg_base64=thumbnail_base64(shown, sighting.box_px),
    )  # fmt: skip
    return Finding(data, spot.last_seen_at, files)


def _ended(ended: Ended, watcher: Watcher) -> Finding:
    data = AlertEnded(
        alert_id=ended.spot.alert_id or "", box=watcher.box, camera=watcher.camera.id,
        last_seen_at=ended.spot.last_seen_at, cleared_at=ended.cleared_at,
    )  # fmt: skip
    return Finding(data, ended.cleared_at)


def _place(zone: str, spot: Spot, size_px: tuple[int, int], *, moving: bool) -> str:
    """A key that stays the same while the thing stays where it is: the zone, or a cell in it.

    The cell is one of a 16 x 16 raster of the picture; of a moving camera, a square on the ground.
    """
    if spot.place is not None:
        return spot.place
    if moving and spot.ground_m is not None:
        return place_on_ground(zone, spot.ground_m)
    column = int(16 * (spot.anchor_px[0] + spot.anchor_px[2]) / 2 / size_px[0])
    row = int(16 * spot.anchor_px[3] / size_px[1])
    return f"{zone}/{column}-{row}"


def _position(ground: GroundPoint | None, frame: LocalFrame) -> Position | None:
    if ground is None:
        return None
    point = frame.to_wgs84(EastNorth(ground.east_m, ground.north_m))
    return Position(lat_deg=point.lat_deg, lon_deg=point.lon_deg, accuracy_m=round(ground.ellipse_95[0], 2))
