"""Where and with what a district flies: drone models, rules of its airspace, landing points."""

from __future__ import annotations

from pydantic import Field

from patrol.config.values import Days, LonLat, Number, Ring, Shape, Span
from patrol.events import Slug


class SurveyLens(Shape):
    """The camera under a drone."""

    width_px: int = Field(gt=0, le=20000, strict=True, description="width of the picture")
    height_px: int = Field(gt=0, le=20000, strict=True, description="height of the picture")
    hfov_deg: Number = Field(gt=1, lt=175, description="horizontal field of view")
    interval_s: Number = Field(default=0.7, gt=0, le=60, description="shortest time between two photographs")
    exposure_s: Number = Field(default=0.001, gt=0, le=1, description="exposure time; a pixel must not smear")


class DroneModel(Shape):
    """What a kind of drone can do. Calibrate `efficiency` with one measured hover."""

    id: Slug = Field(description="short name")
    camera: SurveyLens = Field(description="its camera")
    cruise_ms: Number = Field(default=10, gt=0, le=40, description="usual speed over ground")
    max_airspeed_ms: Number = Field(default=16, gt=0, le=60, description="fastest through the air")
    max_wind_ms: Number = Field(default=10, gt=0, le=30, description="strongest wind it may fly in")
    acceleration_ms2: Number = Field(default=2.5, gt=0, le=20, description="speeding up and braking")
    climb_ms: Number = Field(default=2.5, gt=0, le=20, description="rate of climb")
    descent_ms: Number = Field(default=1.5, gt=0, le=20, description="rate of descent")
    mass_kg: Number = Field(default=3, gt=0, le=100, description="mass with battery")
    payload_kg: Number = Field(default=0, ge=0, le=100, description="what it carries besides")
    disk_area_m2: Number = Field(default=0.45, gt=0, le=50, description="area swept by all rotors")
    drag_area_m2: Number = Field(default=0.04, gt=0, le=5, description="drag coefficient times frontal area")
    efficiency: Number = Field(
        default=0.55, gt=0.05, le=1, description="share of battery power that becomes ideal lift"
    )
    avionics_w: Number = Field(default=12, ge=0, le=1000, description="power of everything but the motors")
    battery_wh: Number = Field(default=180, gt=0, le=20000, description="energy of a full battery")
    reserve: Number = Field(default=0.25, ge=0.05, lt=0.9, description="share that must be left after landing")
    rtl_altitude_m: Number = Field(
        default=60, gt=2, le=500, description="height above home at which it returns by itself"
    )


class NoFlyArea(Shape):
    """A polygon where nobody may fly."""

    id: Slug = Field(description="short name")
    area: Ring = Field(description="its edge")
    floor_m: Number = Field(default=0, ge=0, le=10000, description="where it begins, above ground")
    ceiling_m: Number = Field(default=10000, gt=0, le=10000, description="where it ends, above ground")
    hours: tuple[Span, ...] = Field(default=(), description="hours in which it holds, district time; none is always")
    days: tuple[Days, ...] = Field(default=(), description="days on which it holds; none is every day")


class NoFlyCircle(Shape):
    """A circle where nobody may fly."""

    id: Slug = Field(description="short name")
    at: LonLat = Field(description="its middle")
    radius_m: Number = Field(gt=0, le=20000, description="its radius")
    floor_m: Number = Field(default=0, ge=0, le=10000, description="where it begins, above ground")
    ceiling_m: Number = Field(default=10000, gt=0, le=10000, description="where it ends, above ground")
    hours: tuple[Span, ...] = Field(default=(), description="hours in which it holds, district time; none is always")
    days: tuple[Days, ...] = Field(default=(), description="days on which it holds; none is every day")


class LandingPoint(Shape):
    """A place where a drone may land when it must."""

    id: Slug = Field(description="short name")
    at: LonLat = Field(description="where it is")


class AirspaceConfig(Shape):
    """The rules of the sky over the district."""

    ceiling_m: Number = Field(default=120, gt=5, le=500, description="highest flight above ground")
    standoff_m: Number = Field(
        default=10, ge=1, le=500, description="horizontal distance to zones, boundary and taller buildings"
    )
    clearance_m: Number = Field(
        default=10, ge=1, le=200, description="vertical distance over buildings and to zones above or below"
    )
    no_fly_areas: tuple[NoFlyArea, ...] = Field(default=(), description="polygons where nobody may fly")
    no_fly_circles: tuple[NoFlyCircle, ...] = Field(default=(), description="circles where nobody may fly")
    landing_points: tuple[LandingPoint, ...] = Field(
        default=(), description="places where a drone may land when it must"
    )
