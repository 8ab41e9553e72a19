"""Recurring patrols and the station that flies them: what, with which drone, when, and what may start them besides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from patrol.config.values import Days, HazardWord, Name, Number, Shape, Span, check_cron
from patrol.events import Slug

RainLevel = Literal["blue", "yellow", "orange", "red"]


class SunTime(Shape):
    """A time of every day, by the sun."""

    event: Literal["sunrise", "sunset"] = Field(description="where the sun is")
    offset_min: Number = Field(default=0, ge=-720, le=720, description="minutes after it; before it is negative")


class PatrolConfig(Shape):
    """A recurring intent: where, what for, when."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    drone: Slug = Field(description="the drone that flies it")
    hazards: tuple[HazardWord, ...] = Field(min_length=1, description="what is looked for")
    targets: tuple[Slug, ...] = Field(
        min_length=1, max_length=200, description="ids of ponding points, fire lanes, buildings or roads"
    )
    cron: Annotated[str, AfterValidator(check_cron)] | None = Field(
        default=None, description="when: minute hour day month weekday, district time"
    )
    sun: tuple[SunTime, ...] = Field(default=(), max_length=8, description="when, by the sun, every day")
    windows: tuple[Span, ...] = Field(
        default=(), max_length=24, description="spans of the day in which it may take off; none: at any time"
    )
    blackout_days: tuple[Days, ...] = Field(
        default=(), max_length=400, description="days on which it is not flown, 2026-10-01 or 2026-10-01/2026-10-07"
    )
    grace_min: Number = Field(
        default=30,
        ge=0,
        le=1440,
        description="how late it still starts after the station was down; later it is skipped",
    )
    deadline_min: Number = Field(
        default=120, gt=0, le=1440, description="how long it waits for its drone before it is given up"
    )
    priority: int = Field(
        default=3, ge=1, le=9, strict=True, description="9 is the most urgent; a fire alert has 8, a re-check 4"
    )
    on_rain: RainLevel | None = Field(
        default=None, description="the weakest rain warning that starts it; null: none does"
    )
    height_m: Number = Field(default=40, gt=5, le=500, description="height above ground from which targets are seen")
    pitch_deg: Number = Field(default=-60, ge=-90, le=-10, description="how far down the camera looks")
    dwell_s: Number = Field(default=4, ge=1, le=600, description="how long it looks at each target")


class StationConfig(Shape):
    """The program that owns the drones."""

    id: Slug = Field(default="station", description="short name; its topics carry it")
    state_dir: str = Field(default="var/station", description="folder for its state, relative to this file")
    pose_every_s: Number = Field(
        default=1, ge=0.1, le=60, description="how often the pose of a drone in the air is said"
    )
    queue_max: int = Field(
        default=50, ge=1, le=1000, strict=True, description="requests that may wait; more are refused"
    )
    flame_m: Number = Field(
        default=5, gt=0, le=60, description="height of flames that the orbit of a fire keeps its distance from"
    )
