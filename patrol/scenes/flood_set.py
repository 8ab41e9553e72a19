"""Training pictures of standing water from a drone, with the water as a mask. Random districts: never the shipped one.

`python -m patrol.scenes.flood_set FOLDER COUNT SEED [WIDTH HEIGHT]` writes FOLDER/images/*.jpg and FOLDER/masks/*.png.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import cos, radians, sin, tan
from pathlib import Path

import cv2
import numpy as np

from patrol.geo import Camera, Lens, Pose
from patrol.scenes.flood import Pond, flooded, pond
from patrol.scenes.light import Conditions
from patrol.scenes.overhead import Overhead
from patrol.scenes.random_district import free, random_district
from patrol.scenes.scene import Scene, stage_of
from patrol.scenes.sensor import Image
from patrol.scenes.training_set import random_conditions, random_crowd, random_sensor
from patrol.scenes.world import Point, World

PER_DISTRICT = 6  # pictures taken of one district before the next is built
DRY_SHARE = 0.15  # of districts: there a wet street is all there is
POOLS_AT_MOST = 16
SMALL_M2, LARGE_M2 = 12.0, 3000.0  # from a puddle to a street under water
TRIES = 60
HAZE_AT_MOST_PER_M = 0.006


@dataclass(frozen=True)
class FloodFrame:
    """image (h, w, 3) RGB; water (h, w) 0 to 255, how much of each pixel is standing water; what stood where; the camera."""

    image: Image
    water: Image
    ponds: tuple[Pond, ...]
    camera: Camera


def flood_frames(seed: int, count: int, width_px: int = 640, height_px: int = 360) -> Iterator[FloodFrame]:
    """`count` pictures that depend on the seed alone; picture k is the same whatever the count.

    Drones 20 to 90 m up that look 30 to 90 degrees down; day and dusk, sun, cloud, rain and haze; 0 to 16 pools.
    """
    for number in range((count + PER_DISTRICT - 1) // PER_DISTRICT):
        district_seed = seed * 100_003 + number
        dry = random_district(district_seed)
        ponds = random_ponds(dry, np.random.default_rng([district_seed, 601]))
        world, stage = flooded(dry, ponds), None
        for k in range(min(PER_DISTRICT, count - number * PER_DISTRICT)):
            rng = np.random.default_rng([district_seed, k, 607])
            camera = _camera(ponds, rng, width_px, height_px)
            crowd = random_crowd(world, camera, rng)
            scene = Scene(world, crowd, _by_day(world, rng), int(rng.integers(1 << 30)))
            stage = stage_of(scene) if stage is None else stage
            shot = Overhead(scene, stage=stage).shot(camera, float(rng.uniform(0, 100)), random_sensor(rng))
            yield FloodFrame(shot.image, shot.water, ponds, camera)


def random_ponds(world: World, rng: np.random.Generator) -> tuple[Pond, ...]:
    """Pools on the open ground of a district, half of them at its roads; none in one district of seven."""
    if rng.random() < DRY_SHARE:
        return ()
    ponds: list[Pond] = []
    for k in range(int(rng.integers(1, POOLS_AT_MOST + 1))):
        at = _place(world, rng)
        size = float(np.exp(rng.uniform(np.log(SMALL_M2), np.log(LARGE_M2))))
        ponds.append(pond(f"pool-{k}", at, size, int(rng.integers(1 << 30)), world))
    return tuple(ponds)


def _place(world: World, rng: np.random.Generator) -> Point:
    w, s, e, n = world.extent_m
    for _ in range(TRIES):
        x, y = float(rng.uniform(w * 0.8, e * 0.8)), float(rng.uniform(s * 0.8, n * 0.8))
        if rng.random() < 0.5 and world.roads:
            road = world.roads[int(rng.integers(len(world.roads)))]
            (x0, y0), (x1, y1) = road.centreline[0], road.centreline[-1]
            along, beside = float(rng.uniform(0.15, 0.85)), float(rng.normal(0, 0.4)) * road.width_m
            upright = abs(x1 - x0) < abs(y1 - y0)
            x, y = x0 + (x1 - x0) * along + beside * upright, y0 + (y1 - y0) * along + beside * (not upright)
        if free(world, x, y, 1.0):
            return x, y
    return world.roads[0].centreline[0]


def _camera(ponds: tuple[Pond, ...], rng: np.random.Generator, width_px: int, height_px: int) -> Camera:
    """Somewhere in the district; nine in ten times water is before it, where there is any."""
    up, pitch = float(rng.uniform(20, 90)), -float(rng.uniform(30, 90))
    yaw, roll = float(rng.uniform(0, 360)), float(rng.normal(0, 1.5))
    lens = Lens.from_hfov(width_px, height_px, float(rng.uniform(55, 82)))
    x, y = float(rng.uniform(-45, 45)), float(rng.uniform(-45, 45))
    if ponds and rng.random() < 0.9:
        (x, y), ahead = ponds[int(rng.integers(len(ponds)))].outline[0], up * tan(radians(90 + pitch))
        x -= ahead * sin(radians(yaw)) + float(rng.normal(0, 0.2)) * up
        y -= ahead * cos(radians(yaw)) + float(rng.normal(0, 0.2)) * up
    return Camera(lens, Pose(x, y, up, yaw, pitch, roll))


def _by_day(world: World, rng: np.random.Generator) -> Conditions:
    """Weather as for all training pictures, when drones fly: not in the dark, and not in a fog that hides the ground."""
    for _ in range(TRIES):
        conditions = random_conditions(world, rng)
        if not conditions.dark:
            return replace(conditions, haze_per_m=min(conditions.haze_per_m, HAZE_AT_MOST_PER_M))
    return Conditions(latitude_deg=world.latitude_deg)


def write_flood_set(folder: Path, count: int, seed: int, width_px: int = 640, height_px: int = 360) -> None:
    """Writes folder/images/*.jpg and, under the same name, folder/masks/*.png (255: water)."""
    images, masks = folder / "images", folder / "masks"
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(flood_frames(seed, count, width_px, height_px)):
        name = f"flood_{seed}_{k:05d}"
        _, packed = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        (images / f"{name}.jpg").write_bytes(packed.tobytes())
        _, drawn = cv2.imencode(".png", frame.water)
        (masks / f"{name}.png").write_bytes(drawn.tobytes())
        sys.stderr.write(f"\r{k + 1}/{count}" + ("\n" if k + 1 == count else ""))


def _main(arguments: list[str]) -> None:
    size = [int(a) for a in arguments[3:5]] or [640, 360]
    write_flood_set(Path(arguments[0]), int(arguments[1]), int(arguments[2]), size[0], size[1])


if __name__ == "__main__":
    _main(sys.argv[1:])
