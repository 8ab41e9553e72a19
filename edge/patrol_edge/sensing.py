"""What a sensor's message means: readings, changes, and the alert with the nearest camera's newest picture. Pure.

A message comes in with the memory of its sensor, out come the new memory and what there is to say. Time is the box's own,
at arrival: vendors' clocks are not to be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from patrol.config.sensors import PayloadPath, SensorConfig
from patrol.config.shape import Config
from patrol.events import AlertEnded, AlertRaised, Explanation, Hazard, Position, Region, SensorStatus
from patrol.geo import distance_m
from patrol_edge.evidence import EvidenceFile, picture_of, thumbnail_base64
from patrol_edge.frame import Frame
from patrol_edge.pipeline import Finding
from patrol_edge.sensors import (
    Change,
    Debounce,
    Mapped,
    Reading,
    ReadingState,
    document_of,
    hazard_of,
    hear,
    mapping_of,
    read_document,
    text_of,
    value_at,
)

NEAR_M = 60.0  # a camera further away shows nothing of a sensor
FRESH_S = 60.0  # a picture older than this shows another moment
UNITS = {"temperature": "temperature_c", "current": "current_a"}


@dataclass(frozen=True)
class WatchedSensor:
    """One configured sensor with everything that its messages are judged by."""

    config: SensorConfig
    district: str
    mapping: tuple[Mapped, ...]
    rule: Debounce
    device_path: PayloadPath | None
    silent_s: float
    camera: str | None

    @property
    def id(self) -> str:
        """Its short name."""
        return self.config.id

    @property
    def identity(self) -> str:
        """Names it among all districts."""
        return f"{self.district}/{self.config.box}/sensor/{self.config.id}"


class SensorMemory(BaseModel):
    """What is remembered of one sensor. Kept on disk."""

    model_config = ConfigDict(frozen=True)

    readings: dict[str, ReadingState] = {}
    last_heard_at: AwareDatetime | None = None

    def shifted(self, by: timedelta) -> SensorMemory:
        """The memory after the clock was set by `by`."""
        return SensorMemory(
            readings={name: state.shifted(by) for name, state in self.readings.items()},
            last_heard_at=None if self.last_heard_at is None else self.last_heard_at + by,
        )


@dataclass(frozen=True)
class Judgement:
    """What came of one message. `is_ours` is False for another device's on the same topic; `unreadable` counts what its
    model cannot read."""

    memory: SensorMemory
    findings: tuple[Finding, ...]
    is_ours: bool
    unreadable: int


def read_sensor_memory(body_json: str | None) -> SensorMemory:
    """What was remembered; nothing when it cannot be read."""
    if body_json is None:
        return SensorMemory()
    try:
        return SensorMemory.model_validate_json(body_json)
    except ValidationError:
        return SensorMemory()


def write_sensor_memory(memory: SensorMemory) -> str:
    """The memory as it is kept."""
    return memory.model_dump_json()


def watched_sensors(config: Config, box: str) -> list[WatchedSensor]:
    """The sensors of one box."""
    models = {model.id: model for model in config.sensor_models}
    found = []
    for sensor in config.sensors:
        if sensor.box == box:
            model = models[sensor.model]
            rule = Debounce(model.votes, model.within_s, model.clear_s)
            camera = sensor.camera or nearest_camera(config, sensor)
            found.append(
                WatchedSensor(
                    sensor, config.district.id, mapping_of(model), rule, model.device_path, model.silent_s, camera
                )
            )
    return found


def nearest_camera(config: Config, sensor: SensorConfig) -> str | None:
    """The nearest fixed camera of light of the sensor's box, None where none hangs within `NEAR_M`."""
    near = [
        (apart_m, camera.id)
        for camera in config.cameras
        if camera.box == sensor.box and camera.pose is not None and camera.thermal is None
        and (apart_m := distance_m(camera.pose.at, sensor.at)) <= NEAR_M
    ]  # fmt: skip
    return min(near)[1] if near else None


def judge_message(
    sensor: WatchedSensor, memory: SensorMemory, payload: bytes, now: datetime, frame: Frame | None
) -> Judgement:
    """One message of one sensor. `frame`: the newest of the camera beside it, if any."""
    is_json, document = document_of(payload)
    if sensor.device_path is not None:
        # of what several share, only what names this device is its own; what nobody can read is nobody's
        found, device = value_at(document, sensor.device_path) if is_json else (False, None)
        if not found or text_of(device) != (sensor.config.device or sensor.id):
            return Judgement(memory, (), False, 0)
    if not is_json:
        return Judgement(memory, (), True, 1)
    heard = read_document(document, sensor.mapping)
    if not heard.readings:
        return Judgement(memory, (), True, max(1, heard.unusable))
    readings, findings = dict(memory.readings), list[Finding]()
    for reading in heard.readings:
        before = readings.get(reading.quantity, ReadingState())
        readings[reading.quantity], change = hear(before, reading, now, sensor.rule, sensor.identity)
        if change is not None:
            findings.append(_finding(sensor, reading, change, now, frame))
    return Judgement(SensorMemory(readings=readings, last_heard_at=now), tuple(findings), True, heard.unusable)


def without_orphans(
    sensor: WatchedSensor, memory: SensorMemory, now: datetime
) -> tuple[SensorMemory, tuple[Finding, ...]]:
    """The memory without quantities that the sensor's model no longer reads; nobody would ever see their alerts end."""
    known = {mapped.quantity for mapped in sensor.mapping}
    gone = {name: state for name, state in memory.readings.items() if name not in known}
    kept = {name: state for name, state in memory.readings.items() if name in known}
    ended = tuple(
        _ended(sensor, state.alert_id, state.last_alarm_at or now, now) for state in gone.values() if state.alert_id
    )
    return memory.model_copy(update={"readings": kept}), ended


def state_of(
    sensor: WatchedSensor, memory: SensorMemory, now: datetime, since: datetime, counts: tuple[int, int], refused: str
) -> SensorStatus:
    """The sensor's line in its box's sign of life. `since`: when the box began to listen; `counts`: messages, unreadable."""
    silent = (now - max(memory.last_heard_at or since, since)).total_seconds() > sensor.silent_s
    if refused:
        state = "refused"
    elif any(reading.alert_id for reading in memory.readings.values()):
        state = "alarm"
    elif silent:
        state = "silent"
    else:
        state = "waiting" if memory.last_heard_at is None else "heard"
    return SensorStatus.model_validate(
        {"sensor": sensor.id, "state": state, "last_heard_at": memory.last_heard_at, "messages": counts[0],
         "unreadable": counts[1], "detail": refused[:500]}
    )  # fmt: skip


def _finding(
    sensor: WatchedSensor, reading: Reading, change: Change, now: datetime, frame: Frame | None
) -> Finding:  # fmt: skip
    if change.kind == "ended":
        return _ended(sensor, change.alert_id, change.last_at, now)
    shown = frame if frame is not None and 0 <= (now - frame.taken_at).total_seconds() <= FRESH_S else None
    files: tuple[EvidenceFile, ...] = () if shown is None else (picture_of(shown, "frame"),)
    hazard = hazard_of(Hazard(sensor.config.hazard), reading.quantity)
    dwell_s = (change.last_at - change.first_at).total_seconds()
    width, height = (1, 1) if shown is None else shown.size_px
    data = AlertRaised(
        alert_id=change.alert_id, box=sensor.config.box, camera=sensor.camera or sensor.id, hazard=hazard,
        place=f"{sensor.id}/{reading.quantity}",
        position=Position(
            lat_deg=sensor.config.at.lat_deg, lon_deg=sensor.config.at.lon_deg, accuracy_m=sensor.config.accuracy_m
        ),
        region=Region(x_min_px=0, y_min_px=0, x_max_px=width, y_max_px=height, width_px=width, height_px=height),
        measurement=_measured(reading, now, shown),
        explanation=Explanation(
            rule=hazard.value, zone=sensor.id, label=reading.quantity, first_seen_at=change.first_at,
            last_seen_at=change.last_at, dwell_s=dwell_s, needed_dwell_s=0, looks=change.votes, votes=change.votes,
            needed_share=1, confidence=1, threshold=1,
        ),
        model=None, evidence=tuple(file.ref for file in files),
        thumbnail_jpeg_base64=None if shown is None else thumbnail_base64(shown, (0, 0, width, height)),
        sensor=sensor.id,
    )  # fmt: skip
    return Finding(data, change.last_at, files)


def _measured(reading: Reading, now: datetime, shown: Frame | None) -> dict[str, float]:
    measured = {} if shown is None else {"picture_age_s": round((now - shown.taken_at).total_seconds(), 1)}
    if reading.value is not None and reading.quantity in UNITS:
        measured[UNITS[reading.quantity]] = round(reading.value, 2)
    return measured


def _ended(sensor: WatchedSensor, alert_id: str, last_at: datetime, now: datetime) -> Finding:
    camera = sensor.camera or sensor.id
    return Finding(
        AlertEnded(alert_id=alert_id, box=sensor.config.box, camera=camera, last_seen_at=last_at, cleared_at=now), now
    )
