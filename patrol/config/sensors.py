"""Sensors that talk by MQTT in their vendors' own words: how a payload is read, and which sensor hangs where."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from patrol.config.values import LonLat, Name, Number, Shape
from patrol.errors import Text
from patrol.events import Slug

MAX_TOPIC = 200
_STEP = Annotated[str, Field(min_length=1, max_length=100, strict=True)]
_INDEX = Annotated[int, Field(ge=0, le=1000, strict=True)]
PayloadPath = Annotated[tuple[_STEP | _INDEX, ...], Field(min_length=1, max_length=12)]


def check_topic(value: str) -> str:
    """Raise a PydanticCustomError when `value` is no topic that a sensor of another vendor may publish on."""
    if (
        not re.fullmatch(r"[^\s#+$\x00-\x20]+", value)
        or value.startswith(("patrol/", "/"))
        or value.endswith("/")
        or "//" in value
    ):
        expected = Text(
            "one topic of the vendor's, without + # $ or spaces, not below patrol/",
            "厂家的一个主题，不含 + # $ 和空格，不在 patrol/ 之下",
        )
        raise PydanticCustomError("wrong-type", "a topic", {"expected": expected})
    return value


class SensorReading(Shape):
    """One value in a vendor's payload, and when it is an alarm: by words, or by limits."""

    quantity: Literal["smoke", "temperature", "current", "cable"] = Field(description="what it tells of")
    path: PayloadPath = Field(description="where it stands in the JSON payload: keys and list numbers from outside in")
    alarm_words: tuple[str, ...] = Field(
        default=(), max_length=50, description="values that are an alarm, as JSON writes them, e.g. ALARM, 1, true"
    )
    scale: Number = Field(default=1, ge=-1e6, le=1e6, description="the value times this is °C or A")
    offset: Number = Field(default=0, ge=-1e6, le=1e6, description="and this is added")
    alarm_at: Number | None = Field(default=None, ge=-1e6, le=1e6, description="from this value on it is an alarm")
    calm_below: Number | None = Field(
        default=None, ge=-1e6, le=1e6, description="below this it is over; without it, below alarm_at"
    )

    @model_validator(mode="after")
    def _either_words_or_limits(self) -> Self:
        by_limit = self.alarm_at is not None
        fits = by_limit != bool(self.alarm_words) and (by_limit or self.calm_below is None)
        if self.alarm_at is not None and self.calm_below is not None:
            fits = fits and self.calm_below <= self.alarm_at
        if not fits:
            expected = Text(
                "either alarm_words, or alarm_at with a calm_below that is not higher",
                "要么写 alarm_words，要么写 alarm_at，且 calm_below 不高于它",
            )
            raise PydanticCustomError("wrong-type", "words or limits", {"expected": expected})
        return self


class SensorModel(Shape):
    """How one vendor's model of sensor speaks. A new vendor is a new entry, not a new program."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    readings: tuple[SensorReading, ...] = Field(min_length=1, max_length=20, description="what its payload tells")
    device_path: PayloadPath | None = Field(
        default=None, description="where the payload names the device, if several share a topic (a gateway)"
    )
    votes: int = Field(default=2, ge=1, le=100, strict=True, description="alarming messages that raise an alert")
    within_s: Number = Field(default=60, gt=0, le=86400, description="time in which they must come")
    clear_s: Number = Field(default=60, ge=0, le=86400, description="how long it must tell of calm to count as over")
    silent_s: Number = Field(
        default=3600, gt=0, le=31 * 86400, description="it is silent when nothing was heard for so long"
    )


class SensorConfig(Shape):
    """A smoke alarm or a charging pile."""

    id: Slug = Field(description="short name")
    name: Name = Field(description="what people call it")
    box: Slug = Field(description="the box that listens to it")
    model: Slug = Field(description="how it speaks")
    topic: Annotated[str, Field(min_length=1, max_length=MAX_TOPIC), AfterValidator(check_topic)] = Field(
        description="the MQTT topic on which it publishes"
    )
    device: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="its name in the payload, where several share a topic; without it, its id",
    )
    hazard: Literal["smoke-alarm", "charging-pile"] = Field(description="what it is there for")
    at: LonLat = Field(description="where it hangs or stands")
    accuracy_m: Number = Field(default=5, gt=0, le=1000, description="how far it may be from there")
    room: str = Field(default="", max_length=100, description="room or unit, for whoever is sent there")
    camera: Slug | None = Field(
        default=None, description="camera whose newest picture goes along; without it the nearest of its box"
    )
