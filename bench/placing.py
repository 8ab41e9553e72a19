"""Placing: how far from the truth things end that are found by their pixel, with and without errors of the pose; then refined.

make bench-placing        (python -m bench.placing; the last table needs the shared data)

Flat markers of 0.7 m lie on level ground, on a roof and on a terrain model. The renderer draws them, and the middle of a
marker's pixels is what "finding it" is; `patrol.geo` alone turns that pixel into a place. With errors drawn from the stated
standard deviations the stated ellipse should hold 95 % of the truth (exact two-sided binomial test). Then rendered flights
and a real one, whose pictures refine their poses by what they both show.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp, lgamma, log, radians, sin, tan

import cv2
import numpy as np

from bench.flown import Flown, real_flight
from bench.roof_scenes import noisy
from patrol.adjustment import Shot, Ties, adjusted
from patrol.geo import CHI2_95_2D, Camera, Floats, GroundPoint, Lens, Pose, PoseSigma
from patrol.scenes.light import Conditions
from patrol.scenes.materials import Material
from patrol.scenes.mesh import box
from patrol.scenes.picture import picture
from patrol.scenes.random_district import random_district
from patrol.scenes.scene import Scene, set_stage, stage_of
from patrol.scenes.sensor import GOOD
from patrol.scenes.stage import Placed
from patrol.scenes.view import View
from patrol.scenes.world import Building, World
from patrol_edge.overlap import tied

LENS = Lens.from_hfov(960, 720, 62.0)
SIGMA = PoseSigma(1.5, 1.5, 2.0, 1.0, 2.0)  # DroneCamera's defaults
SHOTS, MARKERS, DRAWS = 14, 40, 5
FARTHEST_SHARE = 0.005  # of the height: what the issue asks of the median without noise
LEAST_P = 0.05 / 3  # one in twenty over the three surfaces together: three tests are made
ROOF_M = 18.0
REACH_M = 150.0
SQUARE_M = 0.7

Height = Callable[[float, float], float]


@dataclass(frozen=True)
class Sample:
    """One marker in one shot: the camera as it was, the pixel found, and where the marker lies."""

    camera: Camera
    pixel: tuple[float, float]
    truth_m: tuple[float, float]
    above_m: float


def level(east_m: float, north_m: float) -> float:
    """Level ground."""
    del east_m, north_m
    return 0.0


def roof(east_m: float, north_m: float) -> float:
    """A level roof."""
    del east_m, north_m
    return ROOF_M


def terrain(east_m: float, north_m: float) -> float:
    """Hills of up to 9 m, slopes of up to 20 degrees."""
    return 6 * sin(east_m / 31 + 0.7) * cos(north_m / 37) + 3 * sin(north_m / 19 + east_m / 53)


def samples(surface: Height, dice: np.random.Generator) -> list[Sample]:
    """Markers on a surface, found in rendered shots from 40 to 100 m above it, 0 to 30 degrees off straight down."""
    block = Building("b", ((-REACH_M, -REACH_M), (REACH_M, -REACH_M), (REACH_M, REACH_M), (-REACH_M, REACH_M)), ROOF_M, "industrial")  # fmt: skip
    world = World((-REACH_M, -REACH_M, REACH_M, REACH_M), "grass", (block,) if surface is roof else (), skyline=False)
    scene = Scene(world, (), Conditions(hour=11), 1)
    stage = stage_of(scene)
    set_stage(stage, scene, 0.0)
    found: list[Sample] = []
    for _ in range(SHOTS):
        above_m, pitch = float(dice.uniform(40, 100)), float(dice.uniform(-90, -60))
        pose = Pose(float(dice.uniform(-20, 20)), float(dice.uniform(-20, 20)), surface(0, 0) + above_m, float(dice.uniform(0, 360)), pitch, float(dice.normal(0, 2)))  # fmt: skip
        camera = Camera(LENS, pose)
        ahead_m = above_m * tan(radians(90 + pitch))
        middle = np.array([pose.east_m, pose.north_m]) + ahead_m * np.array([sin(radians(pose.yaw_deg)), cos(radians(pose.yaw_deg))])  # fmt: skip
        at = middle + dice.uniform(-0.55, 0.55, (MARKERS, 2)) * above_m
        mesh = box((SQUARE_M, SQUARE_M, 0.02), (0, 0, 0), Material.PLAIN, (1, 0, 0))
        stage.move(
            [Placed(n + 1, mesh, x, y, surface(x, y), float(dice.uniform(0, 90))) for n, (x, y) in enumerate(at)]
        )
        exposed = View(camera, 2).expose(stage)
        numbers = exposed.numbers
        for n, (x, y) in enumerate(at):
            rows, columns = np.nonzero(numbers == n + 1)
            inside = len(rows) >= 8 and min(rows.min(), columns.min()) > 0
            if inside and rows.max() < numbers.shape[0] - 1 and columns.max() < numbers.shape[1] - 1:
                pixel = ((columns.mean() + 0.5) / exposed.samples - 0.5, (rows.mean() + 0.5) / exposed.samples - 0.5)
                found.append(Sample(camera, pixel, (float(x), float(y)), pose.up_m - surface(x, y)))
    return found


def placed(camera: Camera, pixel: tuple[float, float], surface: Height) -> GroundPoint | None:
    """The product's way from a pixel to the ground: a plane where the surface is one, the surface otherwise."""
    if surface is terrain:
        found = camera.locate_on(pixel, SIGMA, surface)
        return None if found is None else found[0]
    return camera.locate(pixel, SIGMA, surface(0, 0))


def off_m(point: GroundPoint, truth_m: tuple[float, float]) -> float:
    """Metres on the ground."""
    return float(np.hypot(point.east_m - truth_m[0], point.north_m - truth_m[1]))


def inside(point: GroundPoint, truth_m: tuple[float, float]) -> bool:
    """Whether the ellipse that is stated holds the truth."""
    off = np.array([truth_m[0] - point.east_m, truth_m[1] - point.north_m])
    return bool(off @ np.linalg.solve(np.array(point.covariance_m2), off) <= CHI2_95_2D)


def two_sided_p(hits: int, of: int, share: float) -> float:
    """Exact binomial test: the chance of a count at most as likely as this one."""

    def chance(k: int) -> float:
        return lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * log(share) + (of - k) * log(1 - share)

    here = chance(hits)
    return min(1.0, sum(exp(c) for k in range(of + 1) if (c := chance(k)) <= here + 1e-9))


def table_of_surfaces() -> bool:
    """Print the first table; False when a promise does not hold."""
    print(
        f"{'surface':<14}{'markers':>8}{'median off':>12}{'of height':>11}{'noisy':>7}{'median off':>12}{'in ellipse':>12}{'p':>7}"
    )
    ok = True
    for name, surface in (("level ground", level), (f"roof, {ROOF_M:.0f} m", roof), ("terrain", terrain)):
        dice = np.random.default_rng([20_011, len(name)])
        known = samples(surface, dice)
        exact = [p for s in known if (p := placed(s.camera, s.pixel, surface)) is not None]
        away = np.array([off_m(p, s.truth_m) for p, s in zip(exact, known, strict=True)])
        share = float(np.median(away / np.array([s.above_m for s in known])))
        noisy_off, hits = [], 0
        for s in known:
            for _ in range(DRAWS):
                camera = Camera(s.camera.lens, noisy(s.camera.pose, SIGMA, dice))
                pixel = (s.pixel[0] + dice.normal(0, SIGMA.pixel_px), s.pixel[1] + dice.normal(0, SIGMA.pixel_px))
                point = placed(camera, pixel, surface)
                noisy_off.append(np.inf if point is None else off_m(point, s.truth_m))
                hits += point is not None and inside(point, s.truth_m)
        chance = two_sided_p(hits, len(noisy_off), 0.95)
        ok = ok and share <= FARTHEST_SHARE and chance >= LEAST_P and len(noisy_off) >= 1000
        print(
            f"{name:<14}{len(known):>8}{np.median(away):>10.3f} m{100 * share:>9.3f} %{len(noisy_off):>7}"
            f"{np.median(noisy_off):>10.2f} m{100 * hits / len(noisy_off):>10.1f} %{chance:>7.2f}"
        )
    return ok


def rendered_flight(seed: int) -> tuple[Flown, tuple[Pose, ...]]:
    """Two strips of five shots over a random district, 60 m up, each 70 % over the last; reported with errors. And the truth."""
    dice = np.random.default_rng([seed, 5])
    scene = Scene(random_district(seed), (), Conditions(hour=float(dice.uniform(9, 15)), cloud=0.2), seed)
    stage = stage_of(scene)
    along_m, across_m = 16.0, 34.0
    images, shots, true = [], [], []
    for strip in range(2):
        for k in range(5):
            north = (k - 2) * along_m * (1 if strip == 0 else -1)
            pose = Pose(strip * across_m - across_m / 2, north, 60 + dice.normal(0, 0.7), 180.0 * strip + dice.normal(0, 3),
                        -88 + dice.normal(0, 1), dice.normal(0, 1.5))  # fmt: skip
            seen = picture(scene, Camera(LENS, pose), GOOD, 0.0, samples=1, stage=stage).image
            images.append(np.asarray(cv2.cvtColor(seen, cv2.COLOR_RGB2BGR), np.uint8))
            true.append(pose)
            shots.append(Shot(LENS, noisy(pose, SIGMA, dice), SIGMA))
    return Flown(tuple(images), tuple(shots), 0.0, 4.0), tuple(true)


def ground_errors_m(true: tuple[Pose, ...], have: tuple[Pose, ...]) -> Floats:
    """How far apart both put a raster of pixels on level ground, metres."""
    across, down = np.meshgrid(np.linspace(60, LENS.width_px - 60, 6), np.linspace(60, LENS.height_px - 60, 5))
    pixels = np.column_stack([across.ravel(), down.ravel()])
    both = [np.linalg.norm(Camera(LENS, a).to_plane(pixels) - Camera(LENS, b).to_plane(pixels), axis=1) for a, b in zip(true, have, strict=True)]  # fmt: skip
    return np.concatenate(both)


def apart_m(flown: Flown, ties: Ties, poses: tuple[Pose, ...]) -> Floats:
    """(n,) for each tie seen in two pictures in a row: how far apart they put it on the ground."""
    on = np.full((len(ties.shot), 2), np.nan)
    for n, pose in enumerate(poses):
        rows = ties.shot == n
        on[rows] = Camera(flown.shots[n].lens, pose).to_plane(ties.pixels[rows], flown.ground_m)
    order = np.lexsort((ties.shot, ties.point))
    same = ties.point[order][1:] == ties.point[order][:-1]
    off = np.linalg.norm(on[order][1:] - on[order][:-1], axis=1)[same]
    return np.asarray(off[np.isfinite(off)], float)


def table_of_flights() -> bool:
    """Print the second table; False when refining made anything worse."""
    print(
        f"\n{'flight':<16}{'shots':>6}{'ties':>6}{'fit px':>14}{'apart, median':>18}{'off the truth, median':>26}{'95 %':>16}"
    )
    ok = True
    flights = [(f"rendered {seed}", *rendered_flight(seed)) for seed in (301, 302, 303)]
    real = real_flight()
    if real is None:
        print("shared data missing: nadir_flight (set PATROL_SHARED_DATA)", file=sys.stderr)
    else:
        flights.append(("nadir_flight", real, ()))
    for name, flown, true in flights:
        ties = tied(flown.images, flown.shots, flown.ground_m)
        refined = adjusted(flown.shots, ties, flown.ground_m, flown.relief_m)
        if refined is None:
            print(f"{name}: too few ties")
            ok = False
            continue
        reported = tuple(shot.pose for shot in flown.shots)
        apart = [float(np.median(apart_m(flown, ties, poses))) for poses in (reported, refined.poses)]
        line = f"{name:<16}{len(reported):>6}{len(ties.shot):>6}{refined.rms_before_px:>7.1f} > {refined.rms_px:<4.2f}{apart[0]:>9.2f} > {apart[1]:<4.2f} m"
        ok = ok and apart[1] < apart[0]
        if true:
            before, after = ground_errors_m(true, reported), ground_errors_m(true, refined.poses)
            ok = ok and float(np.median(after)) < float(np.median(before))
            line += f"{np.median(before):>16.2f} > {np.median(after):<4.2f} m{np.quantile(before, 0.95):>9.2f} > {np.quantile(after, 0.95):<4.2f} m"
        print(line)
    return ok


def main() -> int:
    """Print both tables; 1 when what they show falls short of what is promised."""
    cv2.setNumThreads(1)
    cv2.setRNGSeed(1)
    surfaces, flights = table_of_surfaces(), table_of_flights()
    return 0 if surfaces and flights else 1


if __name__ == "__main__":
    sys.exit(main())
