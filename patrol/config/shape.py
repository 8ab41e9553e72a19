"""The shape of config.yaml. Every field says what it means; docs/config.md is made from this file.

Positions are `[longitude, latitude]` in WGS 84 degrees, as in GeoJSON; in the code they are
`geo.LatLon`. Secrets and addresses with secrets are templates: `${NAME}` is filled in from the
environment only where the value is used, so that reading a configuration needs no secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from patrol.config.rounds import PatrolConfig, StationConfig
from patrol.config.sensors import SensorConfig, SensorModel
from patrol.config.sky import AirspaceConfig, DroneModel
from patrol.config.values import (
    HazardWord,
    Line,
    LonLat,
    Name,
    Number,
    Ring,
    Secret,
    Shape,
    Template,
    check_broker_url,
    check_http_url,
    check_timezone,
)
from patrol.config.zones import ThermalConfig, Zone
from patrol.errors import Text, UsageError
from patrol.events import Slug
from patrol.geo import Camera as GeoCamera
from patrol.geo import Lens, LocalFrame, Pose, PoseSigma


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """Its short name."""


Thing = TypeVar("Thing", bound=Identified)


class District(Shape):
    """The area that is watched."""

    id: Slug = Field(description="short name, used in topics and case numbers")
    name: Name = Field(description="what people call it")
    timezone: Annotated[str, AfterValidator(check_timezone)] = Field(
        description="IANA time zone, for hours and deadlines"
    )
    origin: LonLat = Field(description="middle of the local metric frame")
    boundary: Ring = Field(description="edge of the district")
    drill: bool = Field(default=False, description="true: everything that happens is an exercise and says so")


class Unit(Shape):
    """Who deals with a case."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    level: Literal["district", "township", "grid"] = Field(description="its level in the administration")
    parent: Slug | None = Field(default=None, description="the unit above it")


class GridCell(Shape):
    """One cell of the urban management grid."""

    id: Slug = Field(description="short name")
    unit: Slug = Field(description="unit that is responsible in it")
    area: Ring = Field(description="its edge")


class RoofWatch(Shape):
    """How a drone watches a roof for structures."""

    permitted: tuple[Ring, ...] = Field(
        default=(), description="outlines of structures on it that are permitted: they never alert"
    )
    least_area_m2: Number = Field(default=4, ge=1, le=1000, description="what is smaller is no structure")
    confidence: Number = Field(default=0.5, gt=0, lt=1, description="a detection below this is no vote")
    first_visit: bool = Field(
        default=True, description="whether a roof without a baseline is judged by its picture alone"
    )
    first_confidence: Number = Field(
        default=0.5, gt=0, lt=1, description="what a single picture shows less surely is no vote"
    )


class Building(Shape):
    """A building: an obstacle to flights, a roof to look at."""

    id: Slug = Field(description="short name")
    name: Name | None = Field(default=None, description="what people call it")
    footprint: Ring = Field(description="its outline on the ground")
    height_m: Number = Field(gt=0, le=900, description="height of its roof above the ground")
    roof: RoofWatch | None = Field(
        default=None, description="set to watch its roof from the air for what is built there"
    )


class Road(Shape):
    """A road by its middle line."""

    id: Slug = Field(description="short name")
    name: Name | None = Field(default=None, description="what people call it")
    line: Line = Field(description="its middle line")
    width_m: Number = Field(gt=0, le=120, description="from kerb to kerb")


class FireLane(Shape):
    """The strip that fire engines need."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    area: Ring = Field(description="its edge on the ground")
    building: Slug | None = Field(default=None, description="the building it serves")
    dwell_s: Number = Field(
        default=120, gt=0, le=86400, description="how long a vehicle that a drone sees in it may stay"
    )


class PondingPoint(Shape):
    """A spot that is known to flood."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    at: LonLat = Field(description="where it is")
    radius_m: Number = Field(default=20, gt=0, le=500, description="how far around it standing water is its own")


class BoxConfig(Shape):
    """An edge computer."""

    id: Slug = Field(description="short name; its topics carry it")
    name: Name = Field(description="what people call it")
    token: Secret = Field(description="${NAME} of the token with which it uploads evidence")
    state_dir: str = Field(description="folder for its outbox and evidence, relative to this file")
    evidence_days: Number = Field(default=30, gt=0, le=3650, description="how long uploaded evidence stays on the box")


class CameraPose(Shape):
    """Where a fixed camera hangs and where it looks."""

    at: LonLat = Field(description="where it hangs")
    height_m: Number = Field(gt=0, le=500, description="above the ground it watches")
    yaw_deg: Number = Field(ge=-360, le=360, description="direction, clockwise from true north")
    pitch_deg: Number = Field(ge=-90, le=90, description="up from the horizon; looking down is negative")
    roll_deg: Number = Field(default=0, ge=-180, le=180, description="clockwise seen from behind the camera")
    sigma_position_m: Number = Field(default=0.5, ge=0, description="standard deviation of the place")
    sigma_height_m: Number = Field(default=0.2, ge=0, description="standard deviation of the height")
    sigma_yaw_deg: Number = Field(default=1.0, ge=0, description="standard deviation of the direction")
    sigma_tilt_deg: Number = Field(default=0.5, ge=0, description="standard deviation of pitch and roll")

    def geo(self, frame: LocalFrame) -> Pose:
        """The pose in a local frame."""
        here = frame.to_local(self.at)
        return Pose(here.east_m, here.north_m, self.height_m, self.yaw_deg, self.pitch_deg, self.roll_deg)

    @property
    def sigma(self) -> PoseSigma:
        """How far it may be off."""
        return PoseSigma(self.sigma_position_m, self.sigma_height_m, self.sigma_yaw_deg, self.sigma_tilt_deg)


class CameraLens(Shape):
    """Size of the picture and how wide it sees."""

    width_px: int = Field(gt=0, le=16384, strict=True, description="width of the picture")
    height_px: int = Field(gt=0, le=16384, strict=True, description="height of the picture")
    hfov_deg: Number = Field(gt=1, lt=175, description="horizontal field of view")
    k1: Number = Field(default=0, description="radial distortion, as in OpenCV")
    k2: Number = Field(default=0, description="radial distortion, as in OpenCV")

    @property
    def geo(self) -> Lens:
        """The lens for camera geometry."""
        ideal = Lens.from_hfov(self.width_px, self.height_px, self.hfov_deg)
        return Lens(
            ideal.width_px, ideal.height_px, ideal.fx_px, ideal.fy_px, ideal.cx_px, ideal.cy_px, self.k1, self.k2
        )


class CameraConfig(Shape):
    """A fixed camera."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    box: Slug = Field(description="the box that watches it")
    source: Template = Field(
        description="rtsp:// address, /dev/video0, a video file or a folder of pictures; ${NAME} for secrets"
    )
    loop: bool = Field(default=False, description="a file starts again at its end (for demonstrations)")
    lens: CameraLens = Field(description="its picture")
    pose: CameraPose | None = Field(default=None, description="where it hangs; without it alerts have no position")
    thermal: ThermalConfig | None = Field(
        default=None, description="set for a thermal camera: how its readings become temperatures"
    )
    zones: tuple[Zone, ...] = Field(default=(), description="what is watched for, and where in the picture")

    def geo(self, frame: LocalFrame) -> GeoCamera | None:
        """Lens and pose for camera geometry, or None without a pose."""
        return None if self.pose is None else GeoCamera(self.lens.geo, self.pose.geo(frame))


class DroneCamera(Shape):
    """The live picture of a drone's camera. Where it looks is learnt from the station's messages."""

    box: Slug = Field(description="the box that watches it")
    source: Template = Field(description="rtsp:// or http:// address of its live picture; ${NAME} for secrets")
    lens: CameraLens = Field(description="its picture")
    delay_s: Number = Field(default=0, ge=0, le=10, description="how late its pictures arrive")
    sigma_position_m: Number = Field(default=1.5, ge=0, description="standard deviation of the place")
    sigma_height_m: Number = Field(default=1.5, ge=0, description="standard deviation of the height")
    sigma_yaw_deg: Number = Field(default=2.0, ge=0, description="standard deviation of the direction")
    sigma_tilt_deg: Number = Field(default=1.0, ge=0, description="standard deviation of pitch and roll")

    @property
    def sigma(self) -> PoseSigma:
        """How far its pose may be off."""
        return PoseSigma(self.sigma_position_m, self.sigma_height_m, self.sigma_yaw_deg, self.sigma_tilt_deg)


class DroneConfig(Shape):
    """A drone that a station owns."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    autopilot: Literal["ardupilot", "px4"] = Field(description="the firmware it flies with")
    model: Slug | None = Field(default=None, description="its kind; without it no flight can be planned for it")
    home: LonLat = Field(description="where it starts and lands")
    link: Template = Field(description="MAVLink address, e.g. udp://127.0.0.1:14550 or serial:/dev/ttyUSB0:57600")
    system: int | None = Field(
        default=None, ge=1, le=250, strict=True, description="its MAVLink system number, where several share a link"
    )
    camera: DroneCamera | None = Field(
        default=None, description="its live picture; without it nobody watches what it sees while it flies"
    )


class Broker(Shape):
    """Where messages go."""

    url: Annotated[str, AfterValidator(check_broker_url)] = Field(description="mqtt://host:port, or mqtts:// for TLS")
    username: str | None = Field(default=None, description="account, where the broker wants one")
    password: Secret | None = Field(default=None, description="${NAME} of its password")


class Center(Shape):
    """The district's operation centre."""

    database: Template = Field(
        description="sqlite:///path (relative to this file) or postgresql://user:${NAME}@host/name"
    )
    evidence_dir: str = Field(description="folder for evidence, relative to this file")
    host: str = Field(default="127.0.0.1", description="address to listen on; loopback unless told otherwise")
    port: int = Field(default=8080, ge=0, le=65535, strict=True, description="port of pages and API")
    url: Annotated[str, AfterValidator(check_http_url)] = Field(description="how boxes reach the centre")


class Dispatch(Shape):
    """Who must have dealt with what, and by when."""

    deadline_min: Number = Field(default=240, gt=0, description="minutes in which a case must be dealt with")
    deadlines_min: dict[HazardWord, Number] = Field(default={}, description="other minutes for some hazards")
    merge_within_m: Number = Field(default=8, gt=0, le=500, description="alerts closer than this are the same place")


class Config(Shape):
    """One district."""

    district: District = Field(description="the area that is watched")
    units: tuple[Unit, ...] = Field(default=(), description="who deals with cases")
    grid: tuple[GridCell, ...] = Field(default=(), description="the management grid")
    buildings: tuple[Building, ...] = Field(default=(), description="buildings")
    roads: tuple[Road, ...] = Field(default=(), description="roads")
    fire_lanes: tuple[FireLane, ...] = Field(default=(), description="fire lanes")
    ponding_points: tuple[PondingPoint, ...] = Field(default=(), description="spots that are known to flood")
    boxes: tuple[BoxConfig, ...] = Field(default=(), description="edge boxes")
    cameras: tuple[CameraConfig, ...] = Field(default=(), description="fixed cameras")
    sensor_models: tuple[SensorModel, ...] = Field(default=(), description="how sensors of each vendor speak")
    sensors: tuple[SensorConfig, ...] = Field(default=(), description="smoke alarms and charging piles")
    airspace: AirspaceConfig = Field(default=AirspaceConfig(), description="the rules of the sky over the district")
    drone_models: tuple[DroneModel, ...] = Field(default=(), description="kinds of drones")
    drones: tuple[DroneConfig, ...] = Field(default=(), description="drones")
    patrols: tuple[PatrolConfig, ...] = Field(default=(), description="recurring patrols")
    station: StationConfig = Field(default=StationConfig(), description="the program that owns the drones")
    broker: Broker = Field(description="where messages go")
    center: Center = Field(description="the operation centre")
    dispatch: Dispatch = Field(default=Dispatch(), description="deadlines and merging")
    models_dir: str = Field(default="models", description="folder with registry.yaml, relative to this file")

    @property
    def frame(self) -> LocalFrame:
        """The local metric frame around the district's origin."""
        return LocalFrame(self.district.origin)

    def local_time(self, moment: datetime) -> datetime:
        """`moment` on the district's clocks."""
        return moment.astimezone(ZoneInfo(self.district.timezone))

    def box(self, name: str) -> BoxConfig:
        """The box called `name`. Raises UsageError with the known ones."""
        return _named(Text("box", "盒子"), name, self.boxes)

    def drone(self, name: str) -> DroneConfig:
        """The drone called `name`. Raises UsageError with the known ones."""
        return _named(Text("drone", "无人机"), name, self.drones)

    def camera(self, name: str) -> CameraConfig:
        """The camera called `name`. Raises UsageError with the known ones."""
        return _named(Text("camera", "摄像头"), name, self.cameras)


def _named(kind: Text, name: str, things: Sequence[Thing]) -> Thing:
    for thing in things:
        if thing.id == name:
            return thing
    raise UsageError(kind=kind, name=name, known=", ".join(thing.id for thing in things) or "-")
