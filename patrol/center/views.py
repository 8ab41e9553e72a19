"""From rows to the API's answers. Pure: rows, configuration and `now` in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil

from patrol.center.answers import (
    AlertAnswer,
    BoxAnswer,
    CameraAnswer,
    DeadLetterAnswer,
    Evidence,
    IncidentAnswer,
    IncidentDetail,
    LatencyHealth,
    Name,
    Named,
    SensorAnswer,
    SensorNamed,
)
from patrol.center.boxes import Sign, presence
from patrol.center.store.reader import IncidentRows, Row
from patrol.center.understand import excerpt
from patrol.config import Config
from patrol.events import AlertRaised, BoxStatus, Position

EVIDENCE_PATH = "/api/v1/evidence/"
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)


class Names:
    """What people call the things of one configuration."""

    def __init__(self, config: Config) -> None:
        self._units = {unit.id: _name(unit.name) for unit in config.units}
        # alerts name a drone's camera by the drone
        self._drones = {drone.id: _name(drone.name) for drone in config.drones}
        self._sensors = {sensor.id: (_name(sensor.name), sensor.room) for sensor in config.sensors}
        # a sensor's alert names the camera beside it, or the sensor where there is none
        named = {sensor: name for sensor, (name, _) in self._sensors.items()}
        self._cameras = {**named, **self._drones, **{camera.id: _name(camera.name) for camera in config.cameras}}
        self._boxes = {box.id: _name(box.name) for box in config.boxes}
        self._patrols = {patrol.id: _name(patrol.name) for patrol in config.patrols}
        self._targets = {
            **{building.id: _name(building.name) for building in config.buildings},
            **{road.id: _name(road.name) for road in config.roads},
            **{lane.id: _name(lane.name) for lane in config.fire_lanes},
            **{point.id: _name(point.name) for point in config.ponding_points},
        }

    @property
    def boxes(self) -> tuple[str, ...]:
        """The configured boxes, in their order."""
        return tuple(self._boxes)

    def unit(self, unit: str | None) -> Named | None:
        """A unit by its id."""
        return None if unit is None else _named(unit, self._units)

    def camera(self, camera: str) -> Named:
        """A camera by its id."""
        return _named(camera, self._cameras)

    def sensor(self, sensor: str | None) -> SensorNamed | None:
        """A sensor by its id."""
        if sensor is None:
            return None
        name, room = self._sensors.get(sensor, (Name(zh=sensor, en=sensor), ""))
        return SensorNamed(id=sensor, name=name, room=room)

    def box(self, box: str) -> Name:
        """A box's name by its id."""
        return self._boxes.get(box, Name(zh=box, en=box))

    def drone(self, drone: str) -> Named:
        """A drone by its id."""
        return _named(drone, self._drones)

    def patrol(self, patrol: str | None) -> Named | None:
        """A patrol by its id."""
        return None if patrol is None else _named(patrol, self._patrols)

    def target(self, target: str) -> Named:
        """What a patrol looks at, by its id."""
        return _named(target, self._targets)


def _named(thing_id: str, names: Mapping[str, Name]) -> Named:
    return Named(id=thing_id, name=names.get(thing_id, Name(zh=thing_id, en=thing_id)))


def _name(name: object) -> Name:
    return Name.model_validate(name, from_attributes=True)


def incident(rows: IncidentRows, names: Names) -> IncidentAnswer:
    """An incident as it stands in lists."""
    row, case, newest = rows.incident, rows.case, rows.alerts[0]
    alert = _alert_data(newest)
    position = None
    if row["lat_deg"] is not None:
        position = Position(lat_deg=row["lat_deg"], lon_deg=row["lon_deg"], accuracy_m=row["accuracy_m"])
    return IncidentAnswer(
        incident_id=row["incident_id"], case_number=case["case_number"], case_state=case["state"], hazard=row["hazard"],
        active=row["ended_at"] is None, position=position, cell=case["cell"], unit=names.unit(case["unit"]),
        first_seen_at=row["first_seen_at"], last_seen_at=row["last_seen_at"], found_at=row["opened_at"],
        ended_at=row["ended_at"], due_at=case["due_at"], late=row["late"], drill=row["drill"],
        alert_count=row["alert_count"], box=alert.box, camera=names.camera(alert.camera),
        sensor=names.sensor(alert.sensor), zone=alert.explanation.zone,
        place=alert.place, region=alert.region, explanation=alert.explanation, model=alert.model,
        measurement=alert.measurement, thumbnail=thumbnail_url(newest["thumbnail"]), evidence=_files(rows.evidence),
    )  # fmt: skip


def incident_detail(rows: IncidentRows, names: Names) -> IncidentDetail:
    """An incident with all of its alerts."""
    return IncidentDetail(**dict(incident(rows, names)), alerts=[_alert(row, names) for row in rows.alerts])


def _alert_data(row: Row) -> AlertRaised:
    return AlertRaised.model_validate(row["data"])


def _alert(row: Row, names: Names) -> AlertAnswer:
    data = _alert_data(row)
    return AlertAnswer(
        alert_id=row["event_id"], hazard=data.hazard, sensor=names.sensor(data.sensor), box=data.box, camera=data.camera, zone=data.explanation.zone, place=data.place,
        raised_at=row["happened_at"], received_at=row["stored_at"], ended_at=row["cleared_at"], late=row["late"],
        region=data.region, explanation=data.explanation, model=data.model, measurement=data.measurement,
        evidence=[ref.sha256 for ref in data.evidence],
    )  # fmt: skip


def thumbnail_url(base64_text: str | None) -> str | None:
    """A data URL of a JPEG, or None when the text is no base64: it came from outside and goes into a page."""
    if base64_text is None or _BASE64.fullmatch(base64_text) is None:
        return None
    return f"data:image/jpeg;base64,{base64_text}"


def _files(rows: Sequence[Row]) -> list[Evidence]:
    """Each file once, also when several alerts refer to it."""
    files: dict[str, Evidence] = {}
    for row in rows:
        files.setdefault(
            row["sha256"],
            Evidence(
                sha256=row["sha256"], media_type=row["media_type"], role=row["role"], taken_at=row["taken_at"],
                size_bytes=row["size_bytes"], blurred=row["blurred"], state=row["state"], lost_reason=row["lost_reason"],
                lost_detail=row["lost_detail"] or "",
                url=EVIDENCE_PATH + row["sha256"] if row["state"] == "stored" else None,
            ),
        )  # fmt: skip
    return list(files.values())


def boxes(rows: Sequence[Row], names: Names, now: datetime) -> list[BoxAnswer]:
    """All boxes: the configured ones in their order, then others that were heard."""
    by_box = {row["box"]: row for row in rows}
    others = [box for box in by_box if box not in names.boxes]
    return [_box(box, by_box.get(box), names, now) for box in (*names.boxes, *others)]


def _box(box: str, row: Row | None, names: Names, now: datetime) -> BoxAnswer:
    configured, name = box in names.boxes, names.box(box)
    if row is None:
        return BoxAnswer(
            box=box, name=name, configured=configured, state="never", session=None, software="", said_at=None,
            heard_at=None, cameras=[], sensors=[], outbox_waiting=0, outbox_refused=0, evidence_waiting=0,
        )  # fmt: skip
    status = BoxStatus.model_validate(row["data"])
    sign = Sign(row["event_id"], row["session"], row["state"], row["said_at"], row["heard_at"])
    cameras = [
        CameraAnswer(name=names.camera(camera.camera).name, **camera.model_dump())
        for camera in status.cameras
    ]  # fmt: skip
    sensors = [
        SensorAnswer(name=known.name, room=known.room, **sensor.model_dump())
        for sensor in status.sensors
        if (known := names.sensor(sensor.sensor)) is not None
    ]  # fmt: skip
    return BoxAnswer(
        box=box, name=name, configured=configured, state=presence(sign, now), session=row["session"],
        software=status.software, said_at=row["said_at"], heard_at=row["heard_at"], cameras=cameras, sensors=sensors,
        outbox_waiting=status.outbox_waiting, outbox_refused=status.outbox_refused,
        evidence_waiting=status.evidence_waiting,
    )  # fmt: skip


def dead_letter(row: Row) -> DeadLetterAnswer:
    """A message that could not be read."""
    return DeadLetterAnswer(
        id=row["id"], topic=row["topic"], code=row["code"], reason=Name(zh=row["reason_zh"], en=row["reason_en"]),
        event_id=row["event_id"], box=row["box"], received_at=row["last_at"], first_at=row["first_at"],
        times=row["times"], size_bytes=row["size_bytes"], excerpt=excerpt(row["payload"]),
    )  # fmt: skip


def latency(seconds: Sequence[float]) -> LatencyHealth:
    """Percentiles by nearest rank: the smallest value that at least that share does not exceed."""
    ordered = sorted(seconds)

    def rank(share: float) -> float | None:
        return None if not ordered else round(ordered[ceil(share * len(ordered)) - 1], 3)

    return LatencyHealth(alerts=len(ordered), p50_s=rank(0.5), p95_s=rank(0.95), max_s=rank(1.0))
