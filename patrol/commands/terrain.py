"""Terrain from a GeoTIFF, in any projection: the one file that imports rasterio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import calculate_default_transform, reproject

from patrol.errors import GeodataUnreadable
from patrol.planning.airspace import Terrain

WGS84 = "EPSG:4326"
MAX_SIDE = 4000  # grid points; a finer model is averaged down to this


def read_terrain(path: Path) -> Terrain:
    """Heights of the first band on a grid of latitude and longitude. Raises GeodataUnreadable."""
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise GeodataUnreadable(name=str(path), cause="it names no coordinate system")
            transform, width, height = calculate_default_transform(
                source.crs, WGS84, source.width, source.height, *source.bounds
            )
            if max(width, height) > MAX_SIDE:
                factor = max(width, height) / MAX_SIDE
                width, height = max(int(width / factor), 2), max(int(height / factor), 2)
                transform, width, height = calculate_default_transform(
                    source.crs, WGS84, source.width, source.height, *source.bounds, dst_width=width, dst_height=height
                )
            heights = np.full((height, width), np.nan)
            reproject(
                rasterio.band(source, 1),
                heights,
                src_nodata=source.nodata,
                dst_nodata=np.nan,
                dst_transform=transform,
                dst_crs=WGS84,
                resampling=Resampling.bilinear,
            )
    except (RasterioError, OSError, ValueError) as err:
        raise GeodataUnreadable(name=str(path), cause=str(err)) from err
    # rasterio's origin is the corner of the first cell; ours is its middle
    west, north = transform.c + transform.a / 2, transform.f + transform.e / 2
    return Terrain(float(north), float(west), float(-transform.e), float(transform.a), heights, path.name)
