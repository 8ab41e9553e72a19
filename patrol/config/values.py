"""The values that stand in config.yaml: positions, polygons, hours, secrets. Each checks itself when it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import shapely
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from patrol.errors import SecretNotSet, Text
from patrol.geo import LatLon

PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
Number = Annotated[float, Field(strict=True)]


def _lon_lat(value: object) -> object:
    if isinstance(value, LatLon):
        return value
    if not (isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_number(v) for v in value)):
        raise PydanticCustomError(
            "wrong-type", "a position", {"expected": Text("a position [longitude, latitude]", "位置 [经度, 纬度]")}
        )
    lon_deg, lat_deg = float(value[0]), float(value[1])
    if abs(lat_deg) > 90 and abs(lon_deg) <= 90:
        raise PydanticCustomError("swapped", "swapped", {})
    if abs(lat_deg) > 90 or abs(lon_deg) > 180:
        limits = Text("longitude from -180 to 180, latitude from -90 to 90", "经度 -180 到 180，纬度 -90 到 90")
        raise PydanticCustomError("out-of-range", "range", {"expected": limits})
    return LatLon(lat_deg, lon_deg)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def check_ring(corners: list[tuple[float, float]]) -> None:
    """Raise a PydanticCustomError when `corners` (x, y) are not a simple polygon."""
    if len(set(corners)) < 3 or shapely.MultiPoint(corners).convex_hull.area == 0:
        raise PydanticCustomError("too-few-corners", "corners", {})
    polygon = shapely.Polygon(corners)
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        match = re.search(r"\[(\S+) (\S+)\]", reason)
        where = {"x": match[1], "y": match[2]} if match else {"x": "?", "y": "?"}
        raise PydanticCustomError("self-crossing", "crossing", where)


def _ring(corners: tuple[LatLon, ...]) -> tuple[LatLon, ...]:
    check_ring([(p.lon_deg, p.lat_deg) for p in corners])
    return corners


def _pixel_ring(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    check_ring(list(corners))
    return corners


def _hours(value: object) -> object:
    if isinstance(value, Hours):
        return value
    match = (
        re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", value) if isinstance(value, str) else None
    )
    if match is None or (match[3] == "24" and match[4] != "00"):
        raise PydanticCustomError("bad-hours", "hours", {})
    first, last = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return Hours(begins_min=first, ends_min=last)


def check_timezone(value: str) -> str:
    """Raise a PydanticCustomError when `value` is no IANA time zone."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as err:
        raise PydanticCustomError("bad-timezone", "timezone", {}) from err
    return value


# lowest and highest value of minute, hour, day of the month, month, weekday (0 and 7 are Sunday)
CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
LONGEST_MONTH = {month: 29 if month == 2 else 30 if month in {4, 6, 9, 11} else 31 for month in range(1, 13)}


def check_cron(value: str) -> str:
    """Raise a PydanticCustomError when `value` is not five cron fields that can come true."""
    fields = value.split()
    if len(fields) != len(CRON_RANGES):
        raise PydanticCustomError("bad-cron", "cron", {})
    _, _, days, months, weekdays = (_cron_field(f, *limits) for f, limits in zip(fields, CRON_RANGES, strict=True))
    if fields[4].startswith("*") and weekdays and min(days) > max(LONGEST_MONTH[m] for m in months):
        raise PydanticCustomError("bad-cron", "cron", {})  # the 30th of February
    return value


def _cron_field(text: str, low: int, high: int) -> set[int]:
    """The numbers that one field allows."""
    found = set[int]()
    for part in text.split(","):
        match = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", part, re.ASCII)
        if match is None:
            raise PydanticCustomError("bad-cron", "cron", {})
        first = low if match[1] is None else int(match[1])
        last = int(match[2]) if match[2] else high if match[1] is None or match[3] else first
        step = int(match[3]) if match[3] else 1
        if not (low <= first <= last <= high and step > 0):
            raise PydanticCustomError("bad-cron", "cron", {})
        found.update(range(first, last + 1, step))
    return found


def _days(value: object) -> object:
    if isinstance(value, DaySpan):
        return value
    if type(value) is date:  # YAML has made one of it already
        return DaySpan(first=value, last=value)
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", value) if isinstance(value, str) else None
    try:
        first = date.fromisoformat(match[1] if match else "")
        last = date.fromisoformat(match[2]) if match and match[2] else first
    except ValueError as err:
        raise PydanticCustomError("bad-days", "days", {}) from err
    if last < first:
        raise PydanticCustomError("bad-days", "days", {})
    return DaySpan(first=first, last=last)


def _secret(value: str) -> str:
    if not PLACEHOLDER.fullmatch(value):
        raise PydanticCustomError("secret-in-file", "secret", {})
    return value


def _template(value: str) -> str:
    password = re.search(r"://[^/@:]*:([^@/]+)@", value)
    if password and not PLACEHOLDER.fullmatch(password[1]):
        raise PydanticCustomError("secret-in-file", "secret", {})
    return value


def check_broker_url(value: str) -> str:
    """Raise a PydanticCustomError when `value` is no MQTT address."""
    if not re.fullmatch(r"mqtts?://[A-Za-z0-9.\-\[\]:]+", value):
        raise PydanticCustomError(
            "bad-url",
            "url",
            {"expected": Text("mqtt://host:1883 or mqtts://host:8883", "mqtt://主机:1883 或 mqtts://主机:8883")},
        )
    return value


def check_http_url(value: str) -> str:
    """Raise a PydanticCustomError when `value` is no HTTP address."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+(/[^\s]*)?", value):
        raise PydanticCustomError(
            "bad-url", "url", {"expected": Text("http://host:port or https://host", "http://主机:端口 或 https://主机")}
        )
    return value.rstrip("/")


class Shape(BaseModel):
    """Frozen, and strict about keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Hours(BaseModel):
    """A daily span in the district's local time; one that ends before it begins runs over midnight."""

    model_config = ConfigDict(frozen=True)
    begins_min: int
    ends_min: int

    def hold(self, local: time) -> bool:
        """Whether `local` (wall clock of the district) lies inside the span."""
        now_min = local.hour * 60 + local.minute
        if self.begins_min < self.ends_min:
            return self.begins_min <= now_min < self.ends_min
        return now_min >= self.begins_min or now_min < self.ends_min


class DaySpan(BaseModel):
    """One day or several, the first and the last included."""

    model_config = ConfigDict(frozen=True)
    first: date
    last: date

    def hold(self, day: date) -> bool:
        """Whether `day` is one of them."""
        return self.first <= day <= self.last


class Name(Shape):
    """What people call it, in both languages."""

    zh: str = Field(min_length=1, description="name in Chinese")
    en: str = Field(min_length=1, description="name in English")


_POSITION_SCHEMA = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_RING_SCHEMA = {"type": "array", "items": _POSITION_SCHEMA, "minItems": 3}
LonLat = Annotated[LatLon, BeforeValidator(_lon_lat), WithJsonSchema(_POSITION_SCHEMA)]
Ring = Annotated[tuple[LonLat, ...], AfterValidator(_ring), WithJsonSchema(_RING_SCHEMA)]
Line = Annotated[tuple[LonLat, ...], Field(min_length=2)]
PixelRing = Annotated[tuple[tuple[Number, Number], ...], AfterValidator(_pixel_ring), WithJsonSchema(_RING_SCHEMA)]
Span = Annotated[
    Hours, BeforeValidator(_hours), WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d-\d\d:\d\d$"})
]
Days = Annotated[
    DaySpan,
    BeforeValidator(_days),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(/\d{4}-\d\d-\d\d)?$"}),
]
Secret = Annotated[str, AfterValidator(_secret)]
Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]
HazardWord = Literal["rooftop-violation", "flooding", "fire-hotspot", "flame-smoke", "blocked-fire-lane",
                      "perimeter-intrusion", "falling-object", "smoke-alarm", "charging-pile"]  # fmt: skip


def reveal(template: str, environ: Mapping[str, str], field: str) -> str:
    """`template` with each `${NAME}` filled in from `environ`. Raises SecretNotSet naming `field`."""

    def fill(match: re.Match[str]) -> str:
        try:
            return environ[match[1]]
        except KeyError as err:
            raise SecretNotSet(field=field, name=match[1]) from err

    return PLACEHOLDER.sub(fill, template)
