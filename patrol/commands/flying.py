"""What `patrol plan` and `patrol judge` have in common: options for the weather, the sky and the ground."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from patrol.commands.options import A_PATH, district_option
from patrol.errors import FileUnusable, GeodataUnreadable, Text
from patrol.planning.airspace import Terrain, Zone
from patrol.planning.drone import CALM, Wind
from patrol.planning.files.zones import read_zones

LARGEST_KML = 64 << 20


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
    """The text of a file. Raises FileUnusable."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as err:
        raise FileUnusable(path=str(path), cause=err.strerror or str(err)) from err
    except UnicodeDecodeError as err:
        raise FileUnusable(path=str(path), cause=Text("it is no UTF-8 text", "它不是 UTF-8 文本")) from err


def terrain_of(path: Path | None) -> Terrain | None:
    """Terrain from a file, or None; rasterio is loaded only when there is one."""
    if path is None:
        return None
    from patrol.commands.terrain import read_terrain  # noqa: PLC0415 - 111 MB that most calls do not need

    return read_terrain(path)


def zones_of(paths: tuple[Path, ...], starts_at_s: float | None) -> tuple[Zone, ...]:
    """Zones from GeoJSON, ED-269, ED-318, KML or KMZ files. Raises GeodataUnreadable, FileUnusable."""
    return tuple(zone for path in paths for zone in read_zones(_geodata_text(path), path.name, starts_at_s))


def _geodata_text(path: Path) -> str:
    """The text of a file; of a KMZ the text of the KML in it."""
    if path.suffix.lower() != ".kmz":
        return text_of(path)
    try:
        with zipfile.ZipFile(path) as archive:
            inner = next((i for i in archive.infolist() if i.filename.lower().endswith(".kml")), None)
            if inner is None or inner.file_size > LARGEST_KML:
                cause = "no .kml in it" if inner is None else f"{inner.filename} is larger than {LARGEST_KML >> 20} MiB"
                raise GeodataUnreadable(name=str(path), cause=cause)
            with archive.open(inner) as stored:
                return stored.read(LARGEST_KML).decode("utf-8-sig")
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, RuntimeError, zlib.error) as err:
        cause = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
        raise GeodataUnreadable(name=str(path), cause=cause) from err


wind_option = click.option("--wind", type=WindType(), default=CALM, help="Wind, e.g. 5@270: 5 m/s from the west.")
dem_option = click.option(
    "--dem", type=A_PATH, default=None, help="Terrain as GeoTIFF; without one the ground is flat."
)
zones_option = click.option(
    "--zones", type=A_PATH, multiple=True, help="More no-fly zones: GeoJSON, ED-269, ED-318, KML or KMZ."
)
at_option = click.option(
    "--at",
    "starts_at_s",
    type=MomentType(),
    default=None,
    help="When it starts; zones with hours then count only in them.",
)


def sky_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options of commands that look at the sky: config_path, wind, dem, zones, starts_at_s."""
    return district_option(wind_option(dem_option(zones_option(at_option(function)))))
