"""Rendered streets before a fixed camera that flood within a minute, or are merely wet: recall, delay and false alerts of the box.

make bench-flooding ARGS=scenes, or python -m bench.flooding_scenes --scenes 20 (half of them flood). Nobody tuned on seeds from
60 000 on. A scene stays dry for 40 s, then water comes in three steps of 20 s and stands for 80 s; or rain comes, or night with
wet ground and headlights, and a puddle at the most. A picture is rendered every 20 s and held for two looks. A street counts as
flooded by the renderer's own water: where it covers the share of the watched ground that the zone's configuration asks for.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import atan2, degrees, hypot, pi
from pathlib import Path

import cv2
import numpy as np
import shapely

from patrol.config.shape import CameraConfig
from patrol.config.zones import FloodingZone
from patrol.events import AlertRaised
from patrol.geo import Camera, EastNorth, Floats, LatLon, Lens, LocalFrame, Pose
from patrol.scenes.actors import Actor, travel
from patrol.scenes.flood import flooded, pond
from patrol.scenes.light import Conditions
from patrol.scenes.overhead import Overhead
from patrol.scenes.random_district import free, random_district
from patrol.scenes.scene import Scene, focus_of, stage_of
from patrol.scenes.sensor import Image, Sensor
from patrol.scenes.training_set import random_sensor
from patrol.scenes.world import Point, Road, World
from patrol_edge.detector import Detector
from patrol_edge.detectors import load_detectors
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher

ROOT = Path(__file__).resolve().parents[1]
ORIGIN, START = LatLon(22.5431, 114.0579), datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
FIRST, SCENES = 60_000, 120
WIDTH_PX, HEIGHT_PX = 640, 360
PICTURE_S, LOOKS_HELD = 20.0, 2
STEPS = (0.0, 0.0, 0.3, 0.65, 1.0, 1.0, 1.0, 1.0)  # of the water, a picture each; a wet street has the last six
TRIES = 200


@dataclass(frozen=True)
class WaterScene:
    """A street, its camera as a district configures it, its weather before and after, and how much water comes, in square metres."""

    world: World
    camera: Camera
    config: CameraConfig
    sensor: Sensor
    dry: Conditions
    wet: Conditions
    actors: tuple[Actor, ...]
    aim: Point
    water_m2: float
    floods: bool
    light: str
    seed: int


@dataclass(frozen=True)
class Outcome:
    """When the street was flooded and when the box said so, seconds; square metres said, the ends of their interval, the truth."""

    flooded_s: float | None
    alerts_s: tuple[float, ...]
    false: int
    lasted_s: float
    area_m2: tuple[float, float, float, float] | None


def water_scene(seed: int, *, floods: bool) -> WaterScene | None:
    """A scene that depends on the seed alone; None where its district has no road that a camera can overlook."""
    rng = np.random.default_rng([seed, 907, floods])
    world = random_district(seed)
    for _ in range(TRIES):
        road = world.roads[int(rng.integers(len(world.roads)))]
        aim, bearing = _on(road, float(rng.uniform(0.25, 0.75)), float(rng.normal(0, 0.2)) * road.width_m)
        turn, away = bearing + float(rng.normal(0, 0.5)) + pi * float(rng.integers(2)), float(rng.uniform(9, 17))
        x, y = aim[0] - away * np.sin(turn), aim[1] - away * np.cos(turn)
        way = [(x + k * (aim[0] - x), y + k * (aim[1] - y)) for k in (0.0, 0.3, 0.6, 1.0)]
        up, half = float(rng.uniform(3.8, 7.5)), float(rng.uniform(3.0, 5.0))
        yaw = degrees(atan2(aim[0] - x, aim[1] - y)) + float(rng.normal(0, 3))
        pose = Pose(x, y, up, yaw, -degrees(atan2(up, hypot(aim[0] - x, aim[1] - y))) + float(rng.normal(0, 2)))
        camera = Camera(Lens.from_hfov(WIDTH_PX, HEIGHT_PX, float(rng.uniform(58, 82))), pose)
        polygon = _watched(camera, shapely.Point(aim).buffer(half, quad_segs=4))
        if polygon is not None and all(free(world, px, py, 1.0) for px, py in way):
            break
    else:
        return None
    ground_m2 = pi * half**2
    dry, wet, light = _weather(world, rng)
    water_m2 = ground_m2 * float(rng.uniform(0.9, 3.0) if floods else rng.choice([0.0, 0.04, 0.08]))
    actors = tuple(_cars(world, aim, rng))
    config = _config(f"{'flood' if floods else 'wet'}-{seed}", camera, polygon)
    return WaterScene(world, camera, config, random_sensor(rng), dry, wet, actors, aim, water_m2, floods, light, seed)


def _on(road: Road, along: float, beside_m: float) -> tuple[Point, float]:
    """A point of a road, and the road's bearing in radians."""
    (x0, y0), (x1, y1) = road.centreline[0], road.centreline[-1]
    bearing = atan2(x1 - x0, y1 - y0)
    at = x0 + (x1 - x0) * along + beside_m * np.cos(bearing), y0 + (y1 - y0) * along - beside_m * np.sin(bearing)
    return (float(at[0]), float(at[1])), bearing


def _watched(camera: Camera, ground: shapely.Polygon) -> list[list[float]] | None:
    """A piece of ground as a polygon of the picture; None where a fifth of it is out of sight."""
    outline = np.array(ground.exterior.coords)
    pixels = camera.project(np.column_stack([outline, np.zeros(len(outline))]))
    if not np.isfinite(pixels).all():
        return None
    whole = shapely.Polygon(pixels)
    seen = whole.intersection(shapely.box(0, 0, WIDTH_PX - 1, HEIGHT_PX - 1)) if whole.is_valid else shapely.Polygon()
    if not isinstance(seen, shapely.Polygon) or seen.is_empty or seen.area < 0.8 * whole.area:
        return None
    return [[round(float(a), 1), round(float(b), 1)] for a, b in seen.exterior.coords[:-1]]


def _weather(world: World, rng: np.random.Generator) -> tuple[Conditions, Conditions, str]:
    """Before and after. Half of the scenes in the dark, half in rain; afterwards the ground is wet in all of them."""
    night, rains = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    hour = float(rng.uniform(19.8, 28.0)) % 24 if night else float(rng.uniform(7.5, 16.5))
    cloud, day = float(rng.uniform(0.5, 1.0)), int(rng.integers(1, 366))
    rain, ground = float(rng.uniform(0.3, 1.0)) if rains else 0.0, float(rng.uniform(0.5, 1.0))
    before = Conditions(hour, day, world.latitude_deg, cloud, head_lamps=night or None)
    after = Conditions(hour, day, world.latitude_deg, cloud, rain=rain, wet=ground, head_lamps=night or rains or None)
    return before, after, f"{'night' if night else 'day'}{', rain' if rains else ''}"


def _cars(world: World, aim: Point, rng: np.random.Generator) -> Iterator[Actor]:
    """Cars that pass near the middle when pictures are taken, both ways, with what lamps the weather asks for."""
    road = min(world.roads, key=lambda r: shapely.LineString(r.centreline).distance(shapely.Point(aim)))
    line, pace = shapely.LineString(road.centreline), 8.0
    for number, taken_s in enumerate(np.arange(len(STEPS)) * PICTURE_S):
        if rng.random() < 0.5:
            continue
        ahead = bool(rng.random() < 0.5)
        way = road.centreline if ahead else road.centreline[::-1]
        so_far = line.project(shapely.Point(aim))
        so_far = so_far if ahead else line.length - so_far
        side = road.width_m / 4 * (1 if ahead else -1)
        upright = abs(way[-1][0] - way[0][0]) < abs(way[-1][1] - way[0][1])
        lane = tuple((x + side * upright, y - side * (not upright)) for x, y in way)
        starts_s = float(taken_s) - (so_far + float(rng.uniform(-12, 12))) / pace
        yield Actor(f"car-{number}", "sedan", int(rng.integers(100_000)), (travel(starts_s, lane, pace),))


def _config(name: str, camera: Camera, polygon: list[list[float]]) -> CameraConfig:
    pose = camera.pose
    at = LocalFrame(ORIGIN).to_wgs84(EastNorth(pose.east_m, pose.north_m))
    return CameraConfig.model_validate({
        "id": name, "name": {"zh": name, "en": name}, "box": "bench", "source": "rendered",
        "lens": {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "hfov_deg": degrees(2 * atan2(WIDTH_PX / 2, camera.lens.fx_px))},
        "pose": {"at": [at.lon_deg, at.lat_deg], "height_m": pose.up_m, "yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg, "roll_deg": pose.roll_deg},
        "zones": [{"id": "road", "hazard": "flooding", "polygon_px": polygon}],
    })  # fmt: skip


def pictures(scene: WaterScene) -> Iterator[tuple[float, Image, Image]]:
    """Seconds, picture (h, w, 3) RGB, water (h, w) 0 to 255: one every PICTURE_S."""
    eye: Overhead | None = None
    drawn: tuple[float, bool] | None = None
    for number, step in enumerate(STEPS if scene.floods else STEPS[2:]):
        wet = step > 0 if scene.floods else number > 0
        size_m2 = scene.water_m2 * (step if scene.floods else float(wet))
        if eye is None or drawn != (size_m2, wet):
            world = scene.world
            if size_m2 > 0:
                world = flooded(world, (pond("water", scene.aim, size_m2, scene.seed, world),))
            now = Scene(world, scene.actors, scene.wet if wet else scene.dry, scene.seed)
            eye = Overhead(now, samples=1, stage=stage_of(now, focus_of(scene.camera, world.extent_m)))
            drawn = size_m2, wet
        shot = eye.shot(scene.camera, number * PICTURE_S, scene.sensor)
        yield number * PICTURE_S, shot.image, shot.water


def run(scene: WaterScene, network: Detector) -> Outcome:
    """The scene through the box's pipeline."""
    zone = scene.config.zones[0]
    if not isinstance(zone, FloodingZone):
        raise TypeError("a scene watches for floods")
    inside = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    cv2.fillPoly(inside, [np.round(np.array(zone.polygon_px)).astype(np.int32)], 1)
    watcher = Watcher("bench", "bench", scene.config, LocalFrame(ORIGIN), lambda moment: moment)
    pipeline, memory = Pipeline(watcher, {"water": network}), CameraMemory()
    flooded_s, false, area = None, 0, None
    alerts: list[float] = []
    film_s = 0.0
    for begins_s, image, water in pictures(scene):
        there = (water >= 128) & (inside > 0)
        share = float(there.sum()) / max(int(inside.sum()), 1)
        flooded_s = begins_s if flooded_s is None and share >= zone.water_share else flooded_s
        for held in range(LOOKS_HELD):
            film_s = begins_s + held * PICTURE_S / LOOKS_HELD
            frame = Frame(scene.config.id, START + timedelta(seconds=film_s), np.ascontiguousarray(image[..., ::-1]))
            memory, found = pipeline.judge(frame, memory)
            for alert in (one.data for one in found if isinstance(one.data, AlertRaised)):
                alerts.append(film_s)
                false += flooded_s is None
                said = alert.measurement
                if area is None and "area_m2" in said:
                    true_m2 = float(np.nansum(ground_squares(scene.camera, (WIDTH_PX, HEIGHT_PX))[there]))
                    area = said["area_m2"], said["area_least_m2"], said["area_most_m2"], true_m2
    return Outcome(flooded_s, tuple(alerts), false, film_s + PICTURE_S / LOOKS_HELD, area)


def ground_squares(camera: Camera, size_px: tuple[int, int]) -> Floats:
    """(h, w) square metres of level ground under each pixel."""
    x, y = np.meshgrid(np.arange(size_px[0] + 1) - 0.5, np.arange(size_px[1] + 1) - 0.5)
    ground = camera.to_plane(np.stack([x, y], -1).reshape(-1, 2)).reshape(*x.shape, 2)
    across, down = ground[1:, 1:] - ground[:-1, :-1], ground[1:, :-1] - ground[:-1, 1:]
    return np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / 2


def scenes(first: int, count: int, *, floods: bool) -> Iterator[WaterScene]:
    """The first `count` scenes that seeds from `first` on give."""
    seed = first
    while count:
        made, seed = water_scene(seed, floods=floods), seed + 1
        if made is not None:
            count -= 1
            yield made


def table(network: Detector, count: int = SCENES, first: int = FIRST, *, verbose: bool = False) -> None:
    """Print recall, delay and false alerts, by light, and what the square metres are worth."""
    rows: dict[str, Counter[str]] = {}
    delays: list[float] = []
    areas: list[tuple[float, float, float, float]] = []
    for floods in (True, False):
        for n, scene in enumerate(scenes(first, count // 2, floods=floods)):
            sys.stderr.write(f"\r{'flooded' if floods else 'wet'} {n + 1}/{count // 2}   ")
            end = run(scene, network)
            kind = "flooded" if end.flooded_s is not None else "merely wet"
            hit = next((at for at in end.alerts_s if end.flooded_s is not None and at >= end.flooded_s), None)
            found = Counter(scenes=1, found=hit is not None, false=end.false, seconds=round(end.lasted_s))
            for title in (f"{kind}, {scene.light}", f"{kind}, all"):
                rows.setdefault(title, Counter()).update(found)
            if hit is not None and end.flooded_s is not None:
                delays.append(hit - end.flooded_s)
                areas += [end.area_m2] if end.area_m2 is not None else []
            if verbose:
                print(f"{scene.config.id} ({scene.light}): {end}")
    sys.stderr.write("\n")
    for title, row in sorted(rows.items()):
        told = (
            f"recall {row['found'] / row['scenes']:.3f}"
            if title.startswith("flooded")
            else f"{row['false']} false alerts in {row['seconds'] / 3600:.2f} h"
        )
        early = f", {row['false']} alerts before there was water enough" if title.startswith("flooded") else ""
        print(f"  {title:<26} {row['scenes']:>3} scenes: {told}{early}")
    if delays:
        print(
            f"  alert {np.median(delays):.0f} s (median), {max(delays):.0f} s (worst) after the street was flooded; the looks alone take {(6 - 1) * PICTURE_S / LOOKS_HELD:.0f} s"
        )
    if areas:
        off = [abs(said / max(true, 0.1) - 1) for said, _, _, true in areas]
        held = np.mean([least <= true <= most for _, least, most, true in areas])
        print(
            f"  square metres of {len(areas)} alerts: off by {np.median(off):.0%} (median), the interval holds the truth in {held:.0%}"
        )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.flooding_scenes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"rendered fixed cameras: {given.scenes} scenes, seeds from {given.first} on")
    table(load_detectors(ROOT / "models", ["water"])["water"], given.scenes, given.first, verbose=given.verbose)
    return 0


if __name__ == "__main__":
    sys.exit(main())
