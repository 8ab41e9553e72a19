"""One camera's way from a frame to what there is to say: detect, judge by every zone's rule, persist, prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from pydantic import TypeAdapter, ValidationError

from patrol.config.shape import CameraConfig, Config
from patrol.config.zones import FallingZone, Zone
from patrol.events import AlertEnded, AlertRaised, Explanation, ModelRef, Position, Region
from patrol.geo import EastNorth, GroundPoint, LocalFrame
from patrol_edge.detector import Detector
from patrol_edge.evidence import EvidenceFile, degrees_of, picture_of, thumbnail_base64
from patrol_edge.frame import Detections, Frame
from patrol_edge.outbox import Outgoing
from patrol_edge.persistence import Ended, Persistence, Raised, ZoneMemory, look
from patrol_edge.rules.fire_lane import VEHICLES
from patrol_edge.rules.perimeter import PEOPLE
from patrol_edge.rules.sighting import Memory
from patrol_edge.rules.table import ZoneRule, needs_network, zone_rules
from patrol_edge.thermal.files import ThermalSource

CameraMemory = dict[str, ZoneMemory]
_MEMORY = TypeAdapter(CameraMemory)

NEEDED_CLASSES = VEHICLES | PEOPLE


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
class Watcher:
    """Who watches: the names that stand in every alert of this camera."""

    district: str
    box: str
    camera: CameraConfig
    frame: LocalFrame
    local_time: Callable[[datetime], datetime]

    @classmethod
    def of(cls, config: Config, camera: CameraConfig) -> Watcher:
        """The watcher of one configured camera."""
        return cls(config.district.id, camera.box, camera, config.frame, config.local_time)

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

    def __init__(self, watcher: Watcher, detector: Detector) -> None:
        self._watcher = watcher
        self._detector = detector
        self._rules: list[ZoneRule] = []
        self._live: dict[str, dict[str, object]] = {}
        self._size_px: tuple[int, int] | None = None
        self._needs_network = any(needs_network(zone) for zone in watcher.camera.zones)

    def judge(self, frame: Frame, memory: CameraMemory) -> tuple[CameraMemory, list[Finding]]:
        """One look: the new memory and what there is to say. The caller adopts both together, or neither."""
        if frame.size_px != self._size_px:
            watcher = self._watcher
            self._rules = zone_rules(watcher.camera, watcher.frame, watcher.local_time, frame.size_px)
            self._live = {zone.id: {} for zone, _ in self._rules}
            self._size_px = frame.size_px
        detections = self._detector.detect(frame.image) if self._needs_network else Detections.none()
        remembered: CameraMemory = {}
        findings: list[Finding] = []
        for zone, rule in self._rules:
            before = memory.get(zone.id, ZoneMemory())
            rule_memory = Memory(dict(before.kept), self._live[zone.id])
            sightings = rule(frame, detections, rule_memory, frame.taken_at)
            persistence = Persistence(zone.dwell_s, zone.clear_s, zone.share, zone.look_every_s)
            remembered[zone.id], changes = look(
                before.model_copy(update={"kept": rule_memory.kept}),
                sightings,
                frame.taken_at,
                zone.id,
                persistence,
                self._watcher.identity,
            )
            findings += [
                _raised(change, frame, zone, self._watcher, self._detector.ref)
                if isinstance(change, Raised)
                else _ended(change, self._watcher)
                for change in changes
            ]
        findings += _orphans(memory, remembered, frame.taken_at, self._watcher)
        return remembered, findings


def _orphans(before: CameraMemory, after: CameraMemory, now: datetime, watcher: Watcher) -> list[Finding]:
    """Alerts of zones that the configuration no longer has: nobody would ever see them end."""
    return [
        _ended(Ended(spot, now), watcher)
        for zone, memory in before.items()
        if zone not in after
        for spot in memory.spots
        if spot.alert_id is not None
    ]


def _raised(raised: Raised, frame: Frame, zone: Zone, watcher: Watcher, model: ModelRef) -> Finding:
    spot, sighting = raised.spot, raised.sighting
    width, height = frame.size_px
    x0, y0, x1, y1 = sighting.box_px
    shown = frame if sighting.picture is None else replace(frame, image=sighting.picture)
    files = (picture_of(frame, "frame"), picture_of(shown, "marked", sighting.box_px), *degrees_of(frame))
    dwell_s = (spot.last_seen_at - spot.first_seen_at).total_seconds()
    data = AlertRaised(
        alert_id=spot.alert_id or "", box=watcher.box, camera=watcher.camera.id, hazard=sighting.hazard,
        place=_place(zone.id, spot.place, spot.anchor_px, (width, height)),
        position=_position(sighting.ground, watcher.frame),
        region=Region(x_min_px=x0, y_min_px=y0, x_max_px=x1, y_max_px=y1, width_px=width, height_px=height),
        measurement={**sighting.measurement, "dwell_s": dwell_s},
        explanation=Explanation(
            rule=sighting.hazard.value, zone=zone.id, label=sighting.label, first_seen_at=spot.first_seen_at,
            last_seen_at=spot.last_seen_at, dwell_s=dwell_s, needed_dwell_s=zone.dwell_s, looks=spot.looks, votes=spot.votes,
            needed_share=zone.share, confidence=round(raised.confidence, 4), threshold=zone.confidence,
        ),
        model=model if needs_network(zone) else None, evidence=tuple(file.ref for file in files),
        thumbnail_jpeg_base64=thumbnail_base64(shown, sighting.box_px),
    )  # fmt: skip
    return Finding(data, spot.last_seen_at, files)


def _ended(ended: Ended, watcher: Watcher) -> Finding:
    data = AlertEnded(
        alert_id=ended.spot.alert_id or "", box=watcher.box, camera=watcher.camera.id,
        last_seen_at=ended.spot.last_seen_at, cleared_at=ended.cleared_at,
    )  # fmt: skip
    return Finding(data, ended.cleared_at)


def _place(zone: str, named: str | None, anchor_px: Sequence[float], size_px: tuple[int, int]) -> str:
    """A key that stays the same while the thing stays where it is: the zone, or a cell of a 16 x 16 raster in it."""
    if named is not None:
        return named
    column = int(16 * (anchor_px[0] + anchor_px[2]) / 2 / size_px[0])
    row = int(16 * anchor_px[3] / size_px[1])
    return f"{zone}/{column}-{row}"


def _position(ground: GroundPoint | None, frame: LocalFrame) -> Position | None:
    if ground is None:
        return None
    point = frame.to_wgs84(EastNorth(ground.east_m, ground.north_m))
    return Position(lat_deg=point.lat_deg, lon_deg=point.lon_deg, accuracy_m=round(ground.ellipse_95[0], 2))
