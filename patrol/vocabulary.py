"""The words that all messages share: moments, names, positions, hazards, reasons. Frozen pydantic; see events.py."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer


def _to_utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _has_utc(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("in UTC it lies outside the years 1 to 9999") from err
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_has_utc), PlainSerializer(_to_utc_text, return_type=str)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
EventId = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
# A message is a message, not a document: every free text on the wire is bounded.
Line = Annotated[str, Field(max_length=500)]


class Hazard(StrEnum):
    """What can be wrong. The names are those of the district's request."""

    ROOFTOP_VIOLATION = "rooftop-violation"
    FLOODING = "flooding"
    FIRE_HOTSPOT = "fire-hotspot"
    FLAME_SMOKE = "flame-smoke"
    BLOCKED_FIRE_LANE = "blocked-fire-lane"
    PERIMETER_INTRUSION = "perimeter-intrusion"
    FALLING_OBJECT = "falling-object"
    SMOKE_ALARM = "smoke-alarm"
    CHARGING_PILE = "charging-pile"


class Frozen(BaseModel):
    """Immutable, and deaf to fields of newer versions."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Position(Frozen):
    """WGS 84, with the radius in metres that holds 95 % of the truth."""

    lat_deg: float = Field(ge=-90, le=90, description="latitude, WGS 84")
    lon_deg: float = Field(ge=-180, le=180, description="longitude, WGS 84")
    accuracy_m: float = Field(ge=0, description="radius around the point that holds the truth in 95 % of cases, metres")


class Said(Frozen):
    """One reason, in both languages."""

    code: Slug = Field(description="the same for the same kind of reason, for programs")
    en: Line = Field(description="for people, in English")
    zh: Line = Field(description="for people, in Chinese")


class Data(Frozen):
    """What a message says. Subclasses name their type and version once."""

    type_name: ClassVar[str]
    version: ClassVar[tuple[int, int]]
