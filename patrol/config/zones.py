"""What a camera watches for: one shape for each hazard's zone, and what a thermal camera needs to be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from patrol.config.values import Number, PixelRing, Shape, Span
from patrol.events import Slug


class FireLaneZone(Shape):
    """Part of a picture in which no vehicle may stay."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["blocked-fire-lane"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    fire_lane: Slug | None = Field(default=None, description="the fire lane that it shows")
    things: bool = Field(
        default=True, description="true: what only a comparison with the empty lane finds alerts too (bins, piles)"
    )
    dwell_s: Number = Field(default=120, gt=0, le=86400, description="how long a vehicle may stay")
    clear_s: Number = Field(default=30, gt=0, le=86400, description="how long it must be gone to count as gone")
    look_every_s: Number = Field(
        default=2, gt=0, le=60, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.35, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.5, gt=0, le=1, description="share of looks that must see it")


class PerimeterZone(Shape):
    """Part of a picture that nobody may enter during its hours."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["perimeter-intrusion"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    hours: tuple[Span, ...] = Field(
        min_length=1, description="when nobody may be there, district time, e.g. 22:00-06:00"
    )
    line_px: tuple[tuple[Number, Number], tuple[Number, Number]] | None = Field(
        default=None,
        description="only who crosses this line counts, from its left side to its right as seen from its first point",
    )
    least_height_m: Number | None = Field(
        default=None, gt=0, le=5, description="what is lower is no person (an animal); needs the camera's pose"
    )
    most_height_m: Number | None = Field(
        default=None,
        gt=0,
        le=10,
        description="what is higher is no person (a glare, a vehicle); needs the camera's pose",
    )
    dwell_s: Number = Field(default=1, ge=0, le=3600, description="how long a person must be inside")
    clear_s: Number = Field(default=15, gt=0, le=86400, description="how long nobody must be inside to count as over")
    look_every_s: Number = Field(
        default=0.5, gt=0, le=60, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.4, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.5, gt=0, le=1, description="share of looks that must see it")


class ThermalConfig(Shape):
    """How a thermal camera's readings become temperatures. What is left out is taken from the pictures themselves."""

    emissivity: Number | None = Field(
        default=None, gt=0.1, le=1, description="of the watched surfaces; most are 0.90 to 0.97"
    )
    range_m: Number | None = Field(default=None, ge=0, le=10_000, description="how far away the watched surfaces are")
    reflected_c: Number | None = Field(
        default=None, ge=-80, le=200, description="temperature that the surfaces mirror; an open sky is far below zero"
    )
    air_c: Number | None = Field(default=None, ge=-60, le=70, description="temperature of the air")
    humidity: Number | None = Field(default=None, ge=0, le=1, description="relative humidity of the air")
    gain_c: Number = Field(default=0.01, gt=0, le=10, description="degrees per count of 16-bit pictures")
    offset_c: Number = Field(default=-273.15, ge=-1000, le=1000, description="degrees at count zero of 16-bit pictures")


class HotspotZone(Shape):
    """Part of a thermal picture in which a fire alerts."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["fire-hotspot"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    known_hot_px: tuple[PixelRing, ...] = Field(
        default=(), description="parts in which heat is at home (flues, ovens): measured, never a fire"
    )
    hot_c: Number = Field(default=60, ge=0, le=1000, description="what is colder is not hot")
    contrast_c: Number = Field(
        default=20, gt=0, le=1000, description="how much hotter than its surroundings it must be"
    )
    fire_c: Number = Field(default=150, ge=50, le=1500, description="sun and machines stay below this on their outside")
    dwell_s: Number = Field(default=5, ge=0, le=3600, description="how long the fire must be seen")
    clear_s: Number = Field(default=60, gt=0, le=86400, description="how long it must be cold to count as over")
    look_every_s: Number = Field(
        default=2, gt=0, le=60, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.5, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.5, gt=0, le=1, description="share of looks that must see it")
    relative_alerts: bool = Field(
        default=False, description="true: pictures that hold only colours may alert too, on contrast alone"
    )


class FlameSmokeZone(Shape):
    """Part of an ordinary picture in which flame or smoke alerts."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["flame-smoke"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    known_steam_px: tuple[PixelRing, ...] = Field(
        default=(), description="parts in which steam or a flue's smoke is at home: never smoke of a fire"
    )
    known_light_px: tuple[PixelRing, ...] = Field(
        default=(), description="parts in which lights flicker (signs, welding): never a flame"
    )
    votes: int = Field(
        default=6,
        ge=1,
        le=100,
        strict=True,
        description="looks that must see it; single pictures need twice as many",
    )
    dwell_s: Number = Field(default=3, ge=0, le=3600, description="how long it must be seen")
    clear_s: Number = Field(default=60, gt=0, le=86400, description="how long nothing must burn to count as over")
    look_every_s: Number = Field(
        default=0.5, gt=0, le=60, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.2, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.4, gt=0, le=1, description="share of looks that must see it")


class GaugeMark(Shape):
    """A height that is known where it shows in the picture: a staff's mark, a kerb's edge, a step."""

    at_px: tuple[Number, Number] = Field(description="where it is in the picture, pixels [x, y]")
    level_m: Number = Field(ge=-20, le=50, description="its height, metres above what counts as zero there")


class FloodingZone(Shape):
    """Part of a picture, of the road as a rule, that must not be under water."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["flooding"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    known_water_px: tuple[PixelRing, ...] = Field(
        default=(), description="parts in which water is at home (a river, a fountain, a gutter): never counted"
    )
    gauge: tuple[GaugeMark, ...] = Field(
        default=(), max_length=20, description="two or more heights on one line: where the water cuts it is its level"
    )
    water_share: Number = Field(default=0.25, gt=0.01, le=1, description="share of it that water must cover")
    least_m2: Number = Field(
        default=15, gt=0, le=1e6, description="seen from a drone: square metres below which it is a puddle"
    )
    votes: int = Field(
        default=6,
        ge=2,
        le=100,
        strict=True,
        description="looks that must see it; fewer under a rain warning, more without",
    )
    dwell_s: Number = Field(default=30, ge=0, le=86400, description="how long it must be seen")
    clear_s: Number = Field(default=300, gt=0, le=86400, description="how long the water must be gone to count as gone")
    look_every_s: Number = Field(
        default=10, gt=0, le=600, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.5, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.6, gt=0, le=1, description="share of looks that must see it")


class Facade(Shape):
    """A house front as the camera sees it, divided into floors and window columns."""

    corners_px: tuple[tuple[Number, Number], tuple[Number, Number], tuple[Number, Number], tuple[Number, Number]] = (
        Field(description="its corners in the picture: top left, top right, bottom right, bottom left")
    )
    floors: int = Field(ge=1, le=200, strict=True, description="floors between its top and bottom edge")
    columns: int = Field(ge=1, le=200, strict=True, description="window columns between its left and right edge")
    lowest_floor: int = Field(default=1, ge=-5, le=200, strict=True, description="number of the lowest of these floors")


class FallingZone(Shape):
    """Part of an upward camera's picture in which falling things alert. Every frame is looked at."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["falling-object"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    facade: Facade | None = Field(default=None, description="the house front; without it no floor and column are named")
    clear_s: Number = Field(
        default=10, gt=0, le=3600, description="falls from one window column within this time are one alert"
    )
    look_every_s: Number = Field(
        default=0.1, gt=0, le=1, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.5, gt=0, lt=1, description="a detection below this is no vote")

    @property
    def dwell_s(self) -> float:
        """A fall is over when it is seen: nothing to wait for."""
        return 0.0

    @property
    def share(self) -> float:
        """One look shows the whole fall."""
        return 1.0


class RoofZone(Shape):
    """A roof as a picture shows it, on which nothing may be built."""

    id: Slug = Field(description="short name, unique within its camera")
    hazard: Literal["rooftop-violation"] = Field(description="what is looked for")
    polygon_px: PixelRing = Field(description="its edge in the picture, pixels [x, y]")
    building: Slug | None = Field(default=None, description="the building whose roof it is")
    height_m: Number = Field(gt=0, le=900, description="height of its roof above the ground")
    permitted_px: tuple[PixelRing, ...] = Field(
        default=(), description="outlines of structures on it that are permitted: they never alert"
    )
    least_area_m2: Number = Field(default=4, ge=1, le=1000, description="what is smaller is no structure")
    first_visit: bool = Field(
        default=True, description="whether a roof without a baseline is judged by its picture alone"
    )
    first_confidence: Number = Field(
        default=0.5, gt=0, lt=1, description="what a single picture shows less surely is no vote"
    )
    dwell_s: Number = Field(default=2, ge=0, le=86400, description="how long it must be seen")
    clear_s: Number = Field(default=10, gt=0, le=86400, description="how long it must be gone to count as gone")
    look_every_s: Number = Field(
        default=2, gt=0, le=60, description="the zone is unwatched when no look came for this long"
    )
    confidence: Number = Field(default=0.5, gt=0, lt=1, description="a detection below this is no vote")
    share: Number = Field(default=0.5, gt=0, le=1, description="share of looks that must see it")


Zone = Annotated[
    FireLaneZone | PerimeterZone | HotspotZone | FallingZone | FlameSmokeZone | FloodingZone | RoofZone,
    Field(discriminator="hazard"),
]
