"""Training pictures of standing water, with the water as a mask. Random districts: never the shipped one.

`python -m patrol.scenes.flood_set FOLDER COUNT SEED [--from drone|street]` writes FOLDER/images/*.jpg and FOLDER/masks/*.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import atan2, cos, degrees, radians, sin, tan
from pathlib import Path
from typing import Literal

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
STREET_DRY_SHARE = 0.2  # the same for cameras in the street, for which wet ground under lamps is the hard part
STREET_NIGHT_SHARE, STREET_RAIN_SHARE, STREET_WET_SHARE = (
    0.5,
    0.4,
    0.85,
)  # of their pictures: floods come with rain, often at night
POOLS_AT_MOST = 16
SMALL_M2, LARGE_M2 = 12.0, 3000.0  # from a puddle to a street under water
TRIES = 60
HAZE_AT_MOST_PER_M = 0.006

SeenFrom = Literal["drone", "street"]


@dataclass(frozen=True)
class FloodFrame:
    """image (h, w, 3) RGB; water (h, w) 0 to 255, how much of each pixel is standing water; what stood where; the camera."""

    image: Image
    water: Image
    ponds: tuple[Pond, ...]
    camera: Camera


def flood_frames(
    seed: int, count: int, width_px: int = 640, height_px: int = 360, *, seen_from: SeenFrom = "drone"
) -> Iterator[FloodFrame]:
    """`count` pictures that depend on the seed alone; picture k is the same whatever the count.

    Drones 20 to 90 m up that look 30 to 90 degrees down; day and dusk, sun, cloud, rain and haze; 0 to 16 pools. Or cameras
    3.5 to 9 m up in a street that look at a pool 7 to 20 m away, or at wet ground; by day and night.
    """
    street = seen_from == "street"
    for number in range((count + PER_DISTRICT - 1) // PER_DISTRICT):
        district_seed = seed * 100_003 + number
        dry = random_district(district_seed)
        share = STREET_DRY_SHARE if street else DRY_SHARE
        ponds = random_ponds(dry, np.random.default_rng([district_seed, 601]), share)
        world, stage = flooded(dry, ponds), None
        for k in range(min(PER_DISTRICT, count - number * PER_DISTRICT)):
            rng = np.random.default_rng([district_seed, k, 607])
            place = _street_camera if street else _camera
            camera = place(world, ponds, rng, width_px, height_px)
            crowd = random_crowd(world, camera, rng)
            weather = _in_the_street(world, rng) if street else _by_day(world, rng)
            scene = Scene(world, crowd, weather, int(rng.integers(1 << 30)))
            stage = stage_of(scene) if stage is None else stage
            shot = Overhead(scene, stage=stage).shot(camera, float(rng.uniform(0, 100)), random_sensor(rng))
            yield FloodFrame(shot.image, shot.water, ponds, camera)


def random_ponds(world: World, rng: np.random.Generator, dry_share: float = DRY_SHARE) -> tuple[Pond, ...]:
    """Pools on the open ground of a district, half of them at its roads; none in ``dry_share`` of the districts."""
    if rng.random() < dry_share:
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


def _camera(_: World, ponds: tuple[Pond, ...], rng: np.random.Generator, width_px: int, height_px: int) -> Camera:
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


def _street_camera(
    world: World, ponds: tuple[Pond, ...], rng: np.random.Generator, width_px: int, height_px: int
) -> Camera:
    """On a post or wall, with free ground between it and what it looks at: the middle of a pool, or a place in the street."""
    lens = Lens.from_hfov(width_px, height_px, float(rng.uniform(50, 85)))
    for _ in range(TRIES):
        if ponds and rng.random() < 0.85:
            x, y = np.mean(ponds[int(rng.integers(len(ponds)))].outline, axis=0)
        else:
            x, y = _place(world, rng)
        up, away, yaw = float(rng.uniform(3.5, 9.0)), float(rng.uniform(7, 20)), float(rng.uniform(0, 360))
        east, north = float(x) - away * sin(radians(yaw)), float(y) - away * cos(radians(yaw))
        way = ((east + k * (float(x) - east), north + k * (float(y) - north)) for k in (0.0, 0.3, 0.6))
        if all(free(world, *at, 0.8) for at in way):
            break
    pitch = -degrees(atan2(up, away)) + float(rng.normal(0, 3))
    return Camera(lens, Pose(east, north, up, yaw + float(rng.normal(0, 6)), pitch, float(rng.normal(0, 1.5))))


def _in_the_street(world: World, rng: np.random.Generator) -> Conditions:
    """Weather when streets flood: half the time night, mostly wet ground, often rain."""
    now = random_conditions(world, rng)
    night = bool(rng.random() < STREET_NIGHT_SHARE)
    hour = float(rng.uniform(19.0, 28.5)) % 24 if night else float(rng.uniform(7.0, 17.5))
    rain = float(rng.uniform(0.2, 1.0)) if rng.random() < STREET_RAIN_SHARE else 0.0
    wet = float(rng.uniform(0.3, 1.0)) if rain or rng.random() < STREET_WET_SHARE else 0.0
    haze = min(now.haze_per_m, HAZE_AT_MOST_PER_M)
    infrared = night and bool(rng.random() < 0.15)
    return replace(now, hour=hour, rain=rain, wet=wet, haze_per_m=haze, infrared=infrared)


def _by_day(world: World, rng: np.random.Generator) -> Conditions:
    """Weather as for all training pictures, when drones fly: not in the dark, and not in a fog that hides the ground."""
    for _ in range(TRIES):
        conditions = random_conditions(world, rng)
        if not conditions.dark:
            return replace(conditions, haze_per_m=min(conditions.haze_per_m, HAZE_AT_MOST_PER_M))
    return Conditions(latitude_deg=world.latitude_deg)


def write_flood_set(
    folder: Path, count: int, seed: int, width_px: int = 640, height_px: int = 360, *, seen_from: SeenFrom = "drone"
) -> None:
    """Writes folder/images/*.jpg and, under the same name, folder/masks/*.png (255: water)."""
    images, masks = folder / "images", folder / "masks"
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(flood_frames(seed, count, width_px, height_px, seen_from=seen_from)):
        name = f"flood_{seed}_{k:05d}"
        _, packed = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        (images / f"{name}.jpg").write_bytes(packed.tobytes())
        _, drawn = cv2.imencode(".png", frame.water)
        (masks / f"{name}.png").write_bytes(drawn.tobytes())
        sys.stderr.write(f"\r{k + 1}/{count}" + ("\n" if k + 1 == count else ""))


def _main(arguments: list[str]) -> None:
    reader = argparse.ArgumentParser(prog="python -m patrol.scenes.flood_set", description=__doc__.splitlines()[0])
    reader.add_argument("folder", type=Path)
    reader.add_argument("count", type=int, help="pictures")
    reader.add_argument("seed", type=int)
    reader.add_argument("--from", dest="seen_from", choices=("drone", "street"), default="drone", help="which cameras")
    said = reader.parse_args(arguments)
    write_flood_set(said.folder, said.count, said.seed, seen_from=said.seen_from)


if __name__ == "__main__":
    _main(sys.argv[1:])
