"""One file with temperatures in, degrees and a picture out; or an error that names file, cause and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.config.zones import ThermalConfig
from patrol.errors import SourceMissing, ThermogramUnusable
from patrol_edge.frame import Image
from patrol_edge.thermal.picture import painted
from patrol_edge.thermal.radiometry import Celsius, Surface, cleaned, corrected, from_counts
from patrol_edge.thermal.rjpeg import CarriedPose, carried_pose, decode, vendor_of

Counts = NDArray[np.uint16]  # (height, width)
Kind = Literal["tiff", "counts", "flir", "dji", "palette"]
TIFF_SUFFIXES, RAW_SUFFIXES, JPEG_SUFFIXES = {".tif", ".tiff"}, {".raw"}, {".jpg", ".jpeg"}
SUFFIXES = TIFF_SUFFIXES | RAW_SUFFIXES | JPEG_SUFFIXES | {".png"}
MOST_UNKNOWN = 0.5  # a picture with fewer known pixels is damaged, not merely spotted
PLAUSIBLE_MEDIAN_C = (-60.0, 150.0)  # what a scene can be; counts with the wrong gain fall far outside
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Thermogram:
    """One decoded file. `celsius` is None when the file holds only colours: then nothing in it is a temperature."""

    kind: Kind
    image: Image
    celsius: Celsius | None
    pose: CarriedPose | None


@dataclass(frozen=True)
class ThermalSource:
    """A thermal camera as its pictures are read: how counts become degrees, and the size of `.raw` files."""

    config: ThermalConfig
    raw_size_px: tuple[int, int] | None = None

    def read(self, path: Path) -> Thermogram:
        """Decode one file; see `read_thermogram`."""
        return read_thermogram(path, self.config, self.raw_size_px)

    def degrees(self, counts: Counts, source: str) -> Celsius:
        """(h, w) counts of a 16-bit stream to degrees. Raises ThermogramUnusable."""
        return _degrees(source, counts, self.config)


def surface_of(thermal: ThermalConfig) -> Surface:
    """The corrections that a camera's configuration asks for."""
    return Surface(thermal.emissivity, thermal.range_m, thermal.reflected_c, thermal.air_c, thermal.humidity)


def read_thermogram(path: Path, thermal: ThermalConfig, raw_size_px: tuple[int, int] | None = None) -> Thermogram:
    """Decode one file: TIFF (float32 degrees or 16-bit counts), `.raw` counts, FLIR or DJI R-JPEG, or mere colours.

    `raw_size_px` (width, height) is needed for `.raw`, which has no header. Raises SourceMissing, ThermogramUnusable,
    DecoderMissing.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ThermogramUnusable(source=path, cause=f"it is larger than {MAX_BYTES // 2**20} MB")
        content = path.read_bytes()
    except FileNotFoundError as err:
        raise SourceMissing(source=path) from err
    except OSError as err:
        raise ThermogramUnusable(source=path, cause=err.strerror or err) from err
    if not content:
        raise ThermogramUnusable(source=path, cause="it is empty")
    suffix = path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        return _from_counts(path, _raw_counts(path, content, raw_size_px), thermal)
    if suffix in JPEG_SUFFIXES and (vendor := vendor_of(content)) is not None:
        celsius = checked(path, decode(path, vendor, surface_of(thermal)))
        return Thermogram(vendor, painted(celsius), celsius, carried_pose(content))
    return _from_picture(path, content, thermal)


def _raw_counts(path: Path, content: bytes, size_px: tuple[int, int] | None) -> Counts:
    if size_px is None:
        raise ThermogramUnusable(source=path, cause="a .raw file has no size; the camera's lens must say it")
    width, height = size_px
    if len(content) != 2 * width * height:
        cause = f"it has {len(content)} bytes, {width} x {height} pixels of 16 bits need {2 * width * height}"
        raise ThermogramUnusable(source=path, cause=cause)
    return np.frombuffer(content, "<u2").astype(np.uint16).reshape(height, width)


def _degrees(source: object, counts: Counts, thermal: ThermalConfig) -> Celsius:
    apparent = cleaned(from_counts(counts, thermal.gain_c, thermal.offset_c))
    return checked(source, corrected(apparent, surface_of(thermal)))


def _from_counts(path: Path, counts: Counts, thermal: ThermalConfig) -> Thermogram:
    celsius = _degrees(path, counts, thermal)
    return Thermogram("counts", painted(celsius), celsius, None)


def _from_picture(path: Path, content: bytes, thermal: ThermalConfig) -> Thermogram:
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as err:
        raise ThermogramUnusable(source=path, cause=err.err or "it cannot be decoded") from err
    if decoded is None:
        raise ThermogramUnusable(source=path, cause="it is no picture, or cut short")
    if decoded.ndim == 2 and decoded.dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        celsius = checked(path, corrected(cleaned(decoded.astype(np.float32)), surface_of(thermal)))
        return Thermogram("tiff", painted(celsius), celsius, None)
    if decoded.ndim == 2 and decoded.dtype == np.uint16:
        return _from_counts(path, decoded.astype(np.uint16), thermal)
    if decoded.dtype != np.uint8:
        cause = (
            f"its pixels are {decoded.dtype} in {decoded.ndim} dimensions; known are float32 degrees and 16-bit counts"
        )
        raise ThermogramUnusable(source=path, cause=cause)
    colours = decoded if decoded.ndim == 3 else cv2.cvtColor(decoded, cv2.COLOR_GRAY2BGR)
    return Thermogram("palette", np.ascontiguousarray(colours[:, :, :3], np.uint8), None, None)


def checked(source: object, celsius: Celsius) -> Celsius:
    """The degrees, if they can be those of a scene. Raises ThermogramUnusable."""
    celsius = cleaned(celsius)
    known = np.isfinite(celsius)
    if celsius.ndim != 2 or min(celsius.shape) < 8:
        raise ThermogramUnusable(source=source, cause=f"its size is {celsius.shape}")
    share = float(known.mean())
    if share < MOST_UNKNOWN:
        raise ThermogramUnusable(source=source, cause=f"{100 * (1 - share):.0f} % of its pixels have no reading")
    median_c = float(np.median(celsius[known]))
    if not PLAUSIBLE_MEDIAN_C[0] <= median_c <= PLAUSIBLE_MEDIAN_C[1]:
        raise ThermogramUnusable(source=source, cause=f"its median would be {median_c:.0f} °C; is the gain right?")
    return celsius
