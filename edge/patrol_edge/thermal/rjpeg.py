"""The one file that knows the vendors' decoders of radiometric JPEG: `flyr` for FLIR, `dji-thermal-cli` for DJI.

Both belong to the extra `thermal`. They are imported when the first such picture comes: a box without thermal cameras
needs neither, and one that lacks them says what to install instead of failing at its start.
"""

from __future__ import annotations

import importlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from patrol.errors import DecoderMissing, ThermogramUnusable
from patrol_edge.thermal.radiometry import ZERO_C_IN_K, Celsius, Surface

Vendor = Literal["flir", "dji"]
_PACKAGES: dict[Vendor, tuple[str, str]] = {"flir": ("flyr", "flyr"), "dji": ("dji_thermal_cli", "dji-thermal-cli")}
# APP4 of a DJI picture begins with one of these; older cameras have only the maker's name
_FLIR_MARK, _DJI_MARKS = b"FLIR\x00", (b"irp\x00", b"drone-dji", b"DJI", b"\xaa\x55\x12\x06")
_SCAN_BYTES = 4_000_000  # segments with readings come before the picture's own data
DIAGONAL_35MM = 43.266615  # millimetres, of the film frame that equivalent focal lengths refer to


@dataclass(frozen=True)
class CarriedPose:
    """Where a drone's picture says it was taken: heights above the take-off point, gimbal angles, lens."""

    lat_deg: float | None
    lon_deg: float | None
    height_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    hfov_deg: float


def vendor_of(content: bytes) -> Vendor | None:
    """Whose radiometric JPEG this is, by its segments; None for an ordinary picture."""
    head = content[:_SCAN_BYTES]
    if _FLIR_MARK in head:
        return "flir"
    return "dji" if _has_dji_readings(content) else None


def _has_dji_readings(content: bytes) -> bool:
    """Whether segments APP3 or APP4 hold a sensor's worth of counts, and something names the maker."""
    position, longest = 2, dict.fromkeys((0xE3, 0xE4), 0)
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        length = int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == 0xDA or length < 2:
            break
        if marker in longest:
            longest[marker] += length
        position += 2 + length
    return max(longest.values()) > 100_000 and any(mark in content[:_SCAN_BYTES] for mark in _DJI_MARKS)


def decode(path: Path, vendor: Vendor, surface: Surface) -> Celsius:
    """(h, w) degrees of the surfaces. Raises DecoderMissing, ThermogramUnusable."""
    decoder = _decoder(vendor)
    try:
        celsius = _flir(decoder, path, surface) if vendor == "flir" else _dji(decoder, path, surface)
    except Exception as err:  # decoders of closed formats raise whatever their parsers trip over
        raise ThermogramUnusable(
            source=path, cause=f"{_PACKAGES[vendor][1]}: {str(err) or type(err).__name__}"[:300]
        ) from err
    return np.asarray(celsius, np.float32)


def _decoder(vendor: Vendor) -> ModuleType:
    module, package = _PACKAGES[vendor]
    try:
        return importlib.import_module(module)
    except ImportError as err:
        raise DecoderMissing(package=package) from err


def _flir(decoder: Any, path: Path, surface: Surface) -> Any:
    picture = decoder.unpack(str(path))
    changes = {
        "emissivity": surface.emissivity,
        "object_distance": surface.range_m,
        "reflected_apparent_temperature": None if surface.reflected_c is None else surface.reflected_c + ZERO_C_IN_K,
        "atmospheric_temperature": None if surface.air_c is None else surface.air_c + ZERO_C_IN_K,
        "relative_humidity": surface.humidity,
    }
    wanted = {name: value for name, value in changes.items() if value is not None}
    return picture.adjust_metadata(**wanted).celsius if wanted else picture.celsius


def _dji(decoder: Any, path: Path, surface: Surface) -> Any:
    settings = decoder.Settings(
        distance="lrf" if surface.range_m is None else float(surface.range_m),
        emissivity=surface.emissivity,
        reflected_temp=surface.reflected_c,
        ambient_temp=surface.air_c,
        humidity=None if surface.humidity is None else 100 * surface.humidity,
    )
    return decoder.measure(path, settings).temperature


def carried_pose(content: bytes) -> CarriedPose | None:
    """Pose and lens that a drone wrote into its picture; None when something is missing."""
    found = dict(re.findall(rb'drone-dji:(\w+)="([^"]*)"', content[:_SCAN_BYTES]))
    said = {name.decode(): _number(value) for name, value in found.items()}
    height, yaw, pitch = (said.get(n) for n in ("RelativeAltitude", "GimbalYawDegree", "GimbalPitchDegree"))
    hfov_deg = _hfov_deg(content)
    if height is None or yaw is None or pitch is None or hfov_deg is None or height <= 0:
        return None
    roll = said.get("GimbalRollDegree") or 0.0
    return CarriedPose(said.get("GpsLatitude"), said.get("GpsLongitude"), height, yaw, pitch, roll, hfov_deg)


def _number(value: bytes) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _hfov_deg(content: bytes) -> float | None:
    """Horizontal field of view from the EXIF's 35 mm equivalent, which makers give for the picture's diagonal."""
    try:
        from PIL import ExifTags, Image, UnidentifiedImageError  # noqa: PLC0415 - comes with the decoders, as they do
    except ImportError as err:
        raise DecoderMissing(package="pillow") from err
    try:
        with Image.open(io.BytesIO(content)) as picture:
            equivalent_mm = picture.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm)
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    if not isinstance(equivalent_mm, int) or equivalent_mm <= 0:
        return None
    half_width_mm = DIAGONAL_35MM / 2 * width / np.hypot(width, height)
    return float(np.degrees(2 * np.arctan(half_width_mm / equivalent_mm)))
