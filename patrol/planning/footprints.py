"""Where the corners of photographs fall on the ground, flat or from a terrain model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patrol.geo import Camera, Floats, Lens, Pose
from patrol.planning.ground import Ground
from patrol.planning.plan import Shot

ROUNDS = 8  # of walking a corner's ray to the ground; each round leaves the slope's share of the error


def footprints_m(shots: Sequence[Shot], lens: Lens, ground: Ground) -> Floats:
    """(n, 4, 2) east, north of the corners of each photograph, clockwise from top left; NaN above the horizon."""
    if not shots:
        return np.empty((0, 4, 2))
    values = np.array([(s.east_m, s.north_m, s.up_m, s.yaw_deg, s.pitch_deg) for s in shots])
    right, bottom = lens.width_px - 0.5, lens.height_px - 0.5
    corners = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)]
    rays = np.empty((len(shots), 4, 3))
    for pitch_deg in np.unique(values[:, 4]):
        north_up = Camera(lens, Pose(0, 0, 0, 0.0, float(pitch_deg))).rays(corners)
        chosen = values[:, 4] == pitch_deg
        yaw = np.radians(values[chosen, 3])[:, None]
        rays[chosen, :, 0] = np.cos(yaw) * north_up[None, :, 0] + np.sin(yaw) * north_up[None, :, 1]
        rays[chosen, :, 1] = -np.sin(yaw) * north_up[None, :, 0] + np.cos(yaw) * north_up[None, :, 1]
        rays[chosen, :, 2] = north_up[None, :, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(rays[..., 2] < -1e-6, rays[..., :2].transpose(2, 0, 1) / -rays[..., 2], np.nan)
    slope = slope.transpose(1, 2, 0)
    height = values[:, None, 2]
    hit: Floats = values[:, None, :2] + slope * height[..., None]
    if ground.terrain is None:
        return hit
    for _ in range(ROUNDS):
        flat = np.nan_to_num(hit.reshape(-1, 2))
        below = ground.amsl_m(flat).reshape(len(shots), 4) - ground.home_amsl_m
        drop = np.maximum(height - np.where(np.isfinite(below), below, 0.0), 0.0)
        hit = values[:, None, :2] + slope * drop[..., None]
    return hit
