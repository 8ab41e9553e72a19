"""A flight as the refinement takes it: pictures, reported poses, and what is known of the ground; and the real one that is shared."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, degrees
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from patrol.adjustment import Shot
from patrol.geo import Floats, LatLon, Lens, LocalFrame, Pose, PoseSigma, normalise_deg
from patrol_edge.frame import Image
from patrol_edge.overlap import same_points

SHARED = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GPS_IFD, EXIF_IFD = 0x8825, 0x8769
FOCAL_MM, DENSITY_PER_INCH = 37386, 41486  # EXIF: focal length, pixels an inch of the sensor at full size
FULL_WIDTH_PX = 4000  # of which the shared pictures are half
RECEIVER = PoseSigma(
    3.0, 6.0, 12.0, 5.0
)  # a camera on a kite of a frame: no gimbal, no compass; yaw is the course flown


@dataclass(frozen=True)
class Flown:
    """images[n] belongs to shots[n]; ground_m, relief_m: the ground's height in the shots' frame and its deviation."""

    images: tuple[Image, ...]
    shots: tuple[Shot, ...]
    ground_m: float
    relief_m: float


def real_flight(only: int | None = None, width_px: int | None = None) -> Flown | None:
    """The twelve pictures of `nadir_flight` with positions from EXIF; None where the data is missing.

    Their heights are above the sea and nothing says how high the ground is: the flight height is the one at which two
    pictures' common points move over the ground as far as the receiver did. The yaw follows likewise. The ground is 0.
    `only`: so many of the first pictures; `width_px`: made smaller.
    """
    folder = SHARED / "nadir_flight"
    paths = sorted(folder.glob("*.jpg"))[:only]
    if len(paths) < 2:
        return None
    images = tuple(_read(path, width_px) for path in paths)
    read = [_exif(path) for path in paths]
    frame = LocalFrame(read[0][0])
    at = np.array([frame.to_local(point) for point, _, _ in read])
    heights = np.array([height for _, height, _ in read])
    lens = _lens(images[0], read[0][2])
    above, yaws = _height_and_yaws(images, at, lens)
    ups = heights - heights.mean() + above
    shots = tuple(
        Shot(lens, Pose(float(e), float(n), float(up), yaw, -90.0), RECEIVER)
        for (e, n), up, yaw in zip(at, ups, yaws, strict=True)
    )
    return Flown(images, shots, 0.0, 3.0)


def _read(path: Path, width_px: int | None) -> Image:
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    if width_px is None:
        return image
    size = width_px, image.shape[0] * width_px // image.shape[1]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _exif(path: Path) -> tuple[LatLon, float, float]:
    """Position, height above the sea, and focal length in full-size pixels."""
    with Pillow.open(path) as opened:
        exif = opened.getexif()
        gps, camera = exif.get_ifd(GPS_IFD), exif.get_ifd(EXIF_IFD)

    def degrees_of(parts: tuple[float, float, float], side: str) -> float:
        value = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
        return -value if side in ("S", "W") else value

    focal_px = float(camera[FOCAL_MM]) / 25.4 * float(camera[DENSITY_PER_INCH])
    return LatLon(degrees_of(gps[2], gps[1]), degrees_of(gps[4], gps[3])), float(gps[6]), focal_px


def _lens(image: Image, full_focal_px: float) -> Lens:
    height, width = image.shape[:2]
    focal_px = full_focal_px * width / FULL_WIDTH_PX
    return Lens(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)


def _height_and_yaws(images: tuple[Image, ...], at: Floats, lens: Lens) -> tuple[float, list[float]]:
    """Flight height and each picture's yaw, from how common points move between neighbours against how the receiver moved."""
    heights, turns, yaws_from_course = [], [0.0], []
    for n, (first, second) in enumerate(pairwise(images)):
        from_px, to_px = same_points(first, second)
        matrix, _ = cv2.estimateAffinePartial2D(from_px, to_px, method=cv2.RANSAC, ransacReprojThreshold=8.0)
        middle = np.array([lens.cx_px, lens.cy_px])
        turn = degrees(
            atan2(matrix[1, 0], matrix[0, 0])
        )  # content turns clockwise in the picture: the camera turned left
        turns.append(turns[-1] - turn)
        back = np.linalg.solve(
            matrix[:, :2], middle - matrix[:, 2]
        )  # what the second picture has in its middle, in the first
        way_px: NDArray[np.float64] = back - middle
        way_m = at[n + 1] - at[n]
        heights.append(float(np.linalg.norm(way_m)) * lens.fx_px / max(float(np.linalg.norm(way_px)), 1e-6))
        course = degrees(atan2(way_m[0], way_m[1]))
        in_picture = degrees(atan2(way_px[0], -way_px[1]))
        yaws_from_course.append(normalise_deg(course - in_picture - turns[n]))
    middle_yaw = yaws_from_course[len(yaws_from_course) // 2]
    offset = middle_yaw + float(np.median([normalise_deg(y - middle_yaw) for y in yaws_from_course]))
    return float(np.median(heights)), [normalise_deg(offset + t) for t in turns]
