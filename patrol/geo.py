"""Positions, the local metric frame, and camera geometry. Pure: numbers in, numbers out.

Frames used everywhere in this product:

- **WGS 84**: latitude and longitude in degrees. CGCS2000 equals it to the accuracy used here.
- **Local frame**: east, north, up in metres around an origin; azimuthal equidistant on the WGS 84
  ellipsoid, so that distances and bearings from the origin are exact and scale errors stay below
  1e-6 within 15 km of it. Up is height above the origin's ground, not corrected for the earth's
  curvature (8 cm at 1 km).
- **Camera frame**: x right, y down, z forward along the optical axis (as in OpenCV).
- **Pixels**: x right, y down, the centre of the top left pixel is (0, 0).

Attitude of a camera: yaw clockwise from true north, pitch up from the horizon (-90 looks straight
down), roll clockwise seen from behind the camera; applied in that order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import atan2, cos, degrees, hypot, radians, sin, sqrt, tan
from typing import NamedTuple

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GEOD = pyproj.Geod(ellps="WGS84")
LOCAL_EXTENT_M = 15_000  # farther out, flat ground and the local frame no longer mean anything
MARCH_M = 1.0  # shortest step along a ray towards a surface
SLOPE_STEP_M = 0.5  # half the length over which a surface's slope is taken
CHI2_95_2D = 5.991464547107979  # 95 % quantile of chi-squared with 2 degrees of freedom: -2 ln 0.05


class LatLon(NamedTuple):
    """A point on the WGS 84 ellipsoid, degrees."""

    lat_deg: float
    lon_deg: float


class EastNorth(NamedTuple):
    """A point in a local frame, metres."""

    east_m: float
    north_m: float


def distance_m(a: LatLon, b: LatLon) -> float:
    """Length of the geodesic from `a` to `b` (Karney 2013, through PROJ), metres."""
    _, _, length_m = _GEOD.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)
    return float(length_m)


def bearing_deg(a: LatLon, b: LatLon) -> float:
    """Bearing at `a` of the geodesic to `b`, clockwise from true north, 0 to 360 degrees."""
    forward_deg, _, _ = _GEOD.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)
    return float(forward_deg) % 360.0


@dataclass(frozen=True)
class LocalFrame:
    """East and north in metres around `origin`; good to 1e-6 in scale within 15 km."""

    origin: LatLon

    @cached_property
    def _projection(self) -> pyproj.Proj:
        return pyproj.Proj(proj="aeqd", lat_0=self.origin.lat_deg, lon_0=self.origin.lon_deg, ellps="WGS84")

    def to_local(self, point: LatLon) -> EastNorth:
        """One point from WGS 84 into this frame."""
        east_m, north_m = self._projection(point.lon_deg, point.lat_deg)
        return EastNorth(float(east_m), float(north_m))

    def to_wgs84(self, point: EastNorth) -> LatLon:
        """One point from this frame to WGS 84."""
        lon_deg, lat_deg = self._projection(point.east_m, point.north_m, inverse=True)
        return LatLon(float(lat_deg), float(lon_deg))

    def many_to_local(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Floats:
        """Arrays of n latitudes and n longitudes to an (n, 2) array of east, north."""
        east_m, north_m = self._projection(np.asarray(lon_deg, float), np.asarray(lat_deg, float))
        return np.stack([east_m, north_m], axis=-1)

    def many_to_wgs84(self, east_north_m: ArrayLike) -> Floats:
        """An (n, 2) array of east, north to an (n, 2) array of latitude, longitude."""
        local = np.asarray(east_north_m, float)
        lon_deg, lat_deg = self._projection(local[..., 0], local[..., 1], inverse=True)
        return np.stack([lat_deg, lon_deg], axis=-1)


@dataclass(frozen=True)
class Lens:
    """Pinhole with Brown-Conrady distortion (Brown 1971; coefficients named as in OpenCV). Pixels."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @classmethod
    def from_hfov(cls, width_px: int, height_px: int, hfov_deg: float) -> Lens:
        """An undistorted lens with square pixels and the horizontal field of view `hfov_deg`."""
        focal_px = width_px / 2 / tan(radians(hfov_deg) / 2)
        return cls(width_px, height_px, focal_px, focal_px, (width_px - 1) / 2, (height_px - 1) / 2)

    def scaled_to(self, width_px: int, height_px: int) -> Lens:
        """The same lens seen through an image resized to `width_px` x `height_px`."""
        sx, sy = width_px / self.width_px, height_px / self.height_px
        return Lens(
            width_px,
            height_px,
            self.fx_px * sx,
            self.fy_px * sy,
            (self.cx_px + 0.5) * sx - 0.5,
            (self.cy_px + 0.5) * sy - 0.5,
            self.k1,
            self.k2,
            self.p1,
            self.p2,
            self.k3,
        )

    def _distort(self, xy: Floats) -> Floats:
        x, y = xy[..., 0], xy[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        return np.stack(
            [
                x * radial + 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x),
                y * radial + self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y,
            ],
            axis=-1,
        )

    def rays(self, pixels: ArrayLike) -> Floats:
        """(n, 2) pixels to (n, 3) unit directions in the camera frame. Distortion is undone by iteration.

        NaN where no direction reaches the pixel: the formula of a strong barrel lens ends before its corners do.
        """
        px = np.asarray(pixels, float)
        wanted = np.stack([(px[..., 0] - self.cx_px) / self.fx_px, (px[..., 1] - self.cy_px) / self.fy_px], axis=-1)
        xy = wanted.copy()
        if any((self.k1, self.k2, self.p1, self.p2, self.k3)):
            with np.errstate(over="ignore", invalid="ignore"):
                for _ in range(30):
                    step = wanted - self._distort(xy)
                    xy = xy + step
                    if not (np.abs(step) > 1e-13).any():
                        break
                lost = ~(np.abs(self._distort(xy) - wanted).max(axis=-1, keepdims=True) < 1e-6)
            xy = np.where(lost, np.nan, xy)
        directions = np.concatenate([xy, np.ones((*xy.shape[:-1], 1))], axis=-1)
        unit: Floats = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        return unit

    def pixels(self, camera_points: ArrayLike) -> Floats:
        """(n, 3) points in the camera frame to (n, 2) pixels; NaN where a point is behind the camera."""
        points = np.asarray(camera_points, float)
        depth = points[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            xy = np.where(depth[..., None] > 1e-9, points[..., :2] / depth[..., None], np.nan)
        distorted = self._distort(xy)
        return np.stack(
            [distorted[..., 0] * self.fx_px + self.cx_px, distorted[..., 1] * self.fy_px + self.cy_px], axis=-1
        )


@dataclass(frozen=True)
class Pose:
    """Where a camera is in the local frame and where it looks. Metres and degrees; see the module text."""

    east_m: float
    north_m: float
    up_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float = 0.0

    @property
    def centre_m(self) -> Floats:
        """(3,) east, north, up."""
        return np.array([self.east_m, self.north_m, self.up_m])

    def world_from_camera(self) -> Floats:
        """(3, 3) rotation; its columns are the camera's right, down and forward in east, north, up."""
        yaw, pitch, roll = radians(self.yaw_deg), radians(self.pitch_deg), radians(self.roll_deg)
        forward = np.array([sin(yaw) * cos(pitch), cos(yaw) * cos(pitch), sin(pitch)])
        level_right = np.array([cos(yaw), -sin(yaw), 0.0])
        level_down = np.cross(forward, level_right)
        right = cos(roll) * level_right + sin(roll) * level_down
        down = -sin(roll) * level_right + cos(roll) * level_down
        return np.stack([right, down, forward], axis=1)


@dataclass(frozen=True)
class PoseSigma:
    """Standard deviations of a pose and of a picked pixel. Independent, Gaussian."""

    position_m: float
    height_m: float
    yaw_deg: float
    tilt_deg: float
    pixel_px: float = 2.0


@dataclass(frozen=True)
class GroundPoint:
    """A point on the ground with its uncertainty. Local frame, metres."""

    east_m: float
    north_m: float
    covariance_m2: tuple[tuple[float, float], tuple[float, float]]

    @property
    def ellipse_95(self) -> tuple[float, float, float]:
        """Semi-major and semi-minor axis in metres, bearing of the major axis in degrees: holds 95 % of the truth."""
        values, vectors = np.linalg.eigh(np.array(self.covariance_m2))
        minor, major = (sqrt(max(float(v), 0.0) * CHI2_95_2D) for v in values)
        east, north = (float(v) for v in vectors[:, 1])
        return major, minor, degrees(atan2(east, north)) % 180.0


@dataclass(frozen=True)
class Camera:
    """A lens at a pose."""

    lens: Lens
    pose: Pose

    def project(self, points_m: ArrayLike) -> Floats:
        """(n, 3) east, north, up to (n, 2) pixels; NaN where a point is behind the camera."""
        relative = np.asarray(points_m, float) - self.pose.centre_m
        return self.lens.pixels(relative @ self.pose.world_from_camera())

    def rays(self, pixels: ArrayLike) -> Floats:
        """(n, 2) pixels to (n, 3) unit directions in east, north, up."""
        directions: Floats = self.lens.rays(pixels) @ self.pose.world_from_camera().T
        return directions

    def to_plane(self, pixels: ArrayLike, height_m: float = 0.0) -> Floats:
        """(n, 2) pixels to (n, 2) east, north on the plane at `height_m`; NaN at or above the horizon."""
        directions = self.rays(pixels)
        drop_m = height_m - self.pose.up_m
        with np.errstate(divide="ignore", invalid="ignore"):
            along_m = drop_m / directions[..., 2]
        hit = self.pose.centre_m[:2] + along_m[..., None] * directions[..., :2]
        return np.where((along_m > 0)[..., None], hit, np.nan)

    def locate(self, pixel: tuple[float, float], sigma: PoseSigma, height_m: float = 0.0) -> GroundPoint | None:
        """Where `pixel` lies on the plane at `height_m`, with first-order error propagation.

        None when the pixel looks at or above the horizon, or so close below it that the point is more
        than LOCAL_EXTENT_M away or cannot be told from the sky.
        """
        here = self.to_plane([pixel], height_m)[0]
        if not hypot(*(here - self.pose.centre_m[:2])) <= LOCAL_EXTENT_M:
            return None
        columns = [np.eye(2)[:, 0] * sigma.position_m, np.eye(2)[:, 1] * sigma.position_m]
        step = 1e-4
        pose = self.pose
        turned = [
            (
                Pose(pose.east_m, pose.north_m, pose.up_m + step, pose.yaw_deg, pose.pitch_deg, pose.roll_deg),
                sigma.height_m,
            ),
            (
                Pose(pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg + step, pose.pitch_deg, pose.roll_deg),
                sigma.yaw_deg,
            ),
            (
                Pose(pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg, pose.pitch_deg + step, pose.roll_deg),
                sigma.tilt_deg,
            ),
            (
                Pose(pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg + step),
                sigma.tilt_deg,
            ),
        ]
        for moved, deviation in turned:
            columns.append((Camera(self.lens, moved).to_plane([pixel], height_m)[0] - here) / step * deviation)
        for dx, dy in ((step, 0.0), (0.0, step)):
            beside = self.to_plane([(pixel[0] + dx, pixel[1] + dy)], height_m)[0]
            columns.append((beside - here) / step * sigma.pixel_px)
        jacobian = np.stack(columns, axis=1)
        covariance = jacobian @ jacobian.T
        if not np.isfinite(covariance).all():
            return None
        return GroundPoint(
            float(here[0]),
            float(here[1]),
            ((float(covariance[0, 0]), float(covariance[0, 1])), (float(covariance[1, 0]), float(covariance[1, 1]))),
        )

    def locate_on(
        self,
        pixel: tuple[float, float],
        sigma: PoseSigma,
        surface_m: Callable[[float, float], float],
        surface_sigma_m: float = 0.0,
    ) -> tuple[GroundPoint, float] | None:
        """Where `pixel` first meets a surface, such as a terrain model, and the surface's height there.

        surface_m: height at east, north; surface_sigma_m: its standard deviation. The covariance is that of the surface's
        own tangent plane at that point: on a slope a tilt moves the point further than on the level. None as for `locate`.
        """
        ray = self.rays([pixel])[0]
        if not np.isfinite(ray).all() or ray[2] >= 0:
            return None
        along_m = _first_meeting_m(self.pose.centre_m, ray, surface_m)
        if along_m is None:
            return None
        east_m, north_m = (float(v) for v in self.pose.centre_m[:2] + along_m * ray[:2])
        height_m = surface_m(east_m, north_m)
        level = self.locate(pixel, sigma, height_m)
        if level is None:
            return None
        slope = np.array([surface_m(east_m + SLOPE_STEP_M, north_m) - surface_m(east_m - SLOPE_STEP_M, north_m),
                          surface_m(east_m, north_m + SLOPE_STEP_M) - surface_m(east_m, north_m - SLOPE_STEP_M)])  # fmt: skip
        slope = slope / (2 * SLOPE_STEP_M)
        # a point that errs by d on the level plane errs by d + fall * rise on the tangent plane, rise being what it climbs there
        fall = ray[:2] / ray[2]
        climb = 1.0 - float(slope @ fall)
        if climb <= 0.05:  # the ray all but grazes the slope
            return None
        tangent = np.eye(2) + np.outer(fall, slope) / climb
        covariance = tangent @ np.array(level.covariance_m2) @ tangent.T
        covariance = covariance + np.outer(fall, fall) * (surface_sigma_m / climb) ** 2
        ((a, b), (c, d)) = covariance.tolist()
        return GroundPoint(east_m, north_m, ((a, b), (c, d))), height_m

    def footprint(self, height_m: float = 0.0) -> Floats:
        """(4, 2) east, north of the image's corners on the plane, clockwise from top left; NaN above the horizon."""
        right, bottom = self.lens.width_px - 0.5, self.lens.height_px - 0.5
        return self.to_plane([(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)], height_m)


def _first_meeting_m(start_m: Floats, ray: Floats, surface_m: Callable[[float, float], float]) -> float | None:
    """How far along a falling ray (unit vector) it first lies below a surface; None within LOCAL_EXTENT_M."""

    def above_m(along_m: float) -> float:
        east_m, north_m, up_m = start_m + along_m * ray
        return float(up_m) - surface_m(float(east_m), float(north_m))

    near, far = 0.0, 0.0
    while above_m(far) > 0:
        near, far = far, far + max(MARCH_M, 0.25 * above_m(far))  # nothing is as steep as to hide within such a step
        if far > LOCAL_EXTENT_M:
            return None
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (middle, far) if above_m(middle) > 0 else (near, middle)
    return far


def ground_sample_distance_m(lens: Lens, height_above_ground_m: float) -> float:
    """Metres on the ground per pixel, straight down, at the middle of the image."""
    return height_above_ground_m / lens.fx_px


def polygon_area_m2(corners_m: ArrayLike) -> float:
    """Area of a simple polygon of (n, 2) corners in a local frame (shoelace formula), square metres."""
    corners = np.asarray(corners_m, float)
    x, y = corners[:, 0], corners[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def normalise_deg(angle_deg: float) -> float:
    """The same direction as an angle in [-180, 180)."""
    return (angle_deg + 180.0) % 360.0 - 180.0
