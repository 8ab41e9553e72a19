"""What `patrol plan` and `patrol judge` have in common: options for the weather, the sky and the ground."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from patrol.errors import GeodataUnreadable
from patrol.planning.airspace import Terrain, Zone
from patrol.planning.drone import Wind
from patrol.planning.files.zones import read_zones


class WindType(click.ParamType[Wind]):
    """`SPEED@FROM`: metres a second and the direction it comes from."""

    name = "SPEED@FROM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Wind:
        """A wind from `5@270`."""
        if isinstance(value, Wind):
            return value
        speed, mark, direction = str(value).partition("@")
        try:
            wind = Wind(float(speed), float(direction) if mark else 0.0)
        except ValueError:
            self.fail(f"{value!r} is not like 5@270", param, ctx)
        if not 0.0 <= wind.speed_ms < 100.0 or not -360.0 <= wind.from_deg <= 360.0:
            self.fail(f"{value!r} is not a wind", param, ctx)
        return wind


class MomentType(click.ParamType[float]):
    """ISO 8601 with an offset, as seconds since 1970."""

    name = "MOMENT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since 1970 from `2026-11-24T08:00+08:00`."""
        if isinstance(value, float):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not like 2026-11-24T08:00+08:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset from UTC", param, ctx)
        return moment.timestamp()


def text_of(path: Path) -> str:
    """The text of a file. Raises GeodataUnreadable."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise GeodataUnreadable(name=str(path), cause=str(err)) from err


def terrain_of(path: Path | None) -> Terrain | None:
    """Terrain from a file, or None; rasterio is loaded only when there is one."""
    if path is None:
        return None
    from patrol.commands.terrain import read_terrain  # noqa: PLC0415 - 111 MB that most calls do not need

    return read_terrain(path)


def zones_of(paths: tuple[Path, ...]) -> tuple[Zone, ...]:
    """Zones from GeoJSON or ED-269 files."""
    return tuple(zone for path in paths for zone in read_zones(text_of(path), path.name))
