"""Falling objects on rendered fronts: recall and false alerts on seeds that nobody tuned on.

make bench-falling ARGS="--seeds 200 --first 20000"        (python -m bench.falling)

A scene is a front of 3 to 30 floors seen by an upward camera, 6 s at 25 frames a second. In half of the scenes a thing of 5 to 60
pixels falls from a random floor, slowed by air, thrown outwards at walking speed. In each scene some of these move as well:
birds, rain, laundry, leaves, a cloud's mirror image in the windows, headlights, sensor noise, and a camera that trembles.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import atan2, degrees, pi

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.geo import Camera, Lens, Pose
from patrol_edge.frame import Image
from patrol_edge.rules.falling import Fall, Watch

WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 25, 6.0
FLOOR_M, G = 3.0, 9.81
CAMERA_HEIGHT_M = 3.0
LEAST_CONTRAST = 35  # grey levels between the thing and wall or glass; the rule looks at grey alone, as its card says
GREY_OF_BGR = np.array([0.114, 0.587, 0.299])
DISTURBANCES = ("birds", "rain", "laundry", "leaves", "cloud", "headlights", "tremble")


@dataclass(frozen=True)
class Truth:
    """What happens in a scene. `floor` None: nothing falls. `size_px` is the mean diameter on the way."""

    floors: int
    floor: int | None
    size_px: float
    begins_s: float
    disturbances: tuple[str, ...]
    way: tuple[tuple[float, float, float, float], ...]  # seconds, x, y, diameter: where it is in the picture


@dataclass(frozen=True)
class Front:
    """A front in the plane y = distance, x from -half_m to half_m, seen from the ground before it."""

    camera: Camera
    distance_m: float
    half_m: float
    floors: int

    def pixel(self, x_m: float, out_m: float, up_m: float) -> tuple[float, float]:
        """Where a point `out_m` before the front is seen."""
        x, y = self.camera.project([(x_m, self.distance_m - out_m, up_m)])[0]
        return float(x), float(y)

    def px_per_m(self, x_m: float, out_m: float, up_m: float) -> float:
        """Scale at a point, across the line of sight."""
        away = np.linalg.norm([x_m, self.distance_m - out_m, up_m - CAMERA_HEIGHT_M])
        return float(self.camera.lens.fx_px / away)


def front_of(dice: np.random.Generator) -> Front:
    """A random house that the camera sees from its foot to its roof, or to the top of the picture."""
    floors = int(dice.integers(3, 31))
    top_m = floors * FLOOR_M
    distance_m = float(dice.uniform(0.35, 0.8) * top_m + 4)
    low, high = (degrees(atan2(up - CAMERA_HEIGHT_M, distance_m)) for up in (1.0, top_m + 2))
    lens = Lens.from_hfov(WIDTH, HEIGHT, min(100.0, max(40.0, 1.25 * (high - low) * WIDTH / HEIGHT)))
    pose = Pose(float(dice.uniform(-2, 2)), 0, CAMERA_HEIGHT_M, float(dice.uniform(-4, 4)), (low + high) / 2, 0)
    return Front(Camera(lens, pose), distance_m, float(dice.uniform(5, 12)), floors)


def scene_truth(seed: int) -> tuple[Front, Truth]:
    """What happens in scene `seed`; every second scene is quiet."""
    dice = np.random.default_rng(seed)
    front = front_of(dice)
    count = int(dice.integers(1, 4))
    disturbances = tuple(str(d) for d in dice.choice(DISTURBANCES, count, replace=False))
    if seed % 2:
        return front, Truth(front.floors, None, 0.0, 0.0, disturbances, ())
    floor = int(dice.integers(3, front.floors + 1))
    x_m, out_m = float(dice.uniform(-0.7, 0.7) * front.half_m), float(dice.uniform(0.3, 1.0))
    vx, vout, terminal = float(dice.normal(0, 0.7)), float(dice.uniform(0.2, 1.5)), float(dice.uniform(12, 60))
    size_px, begins_s = float(np.exp(dice.uniform(np.log(5), np.log(60)))), float(dice.uniform(1.5, 2.2))
    up_m = (floor - 1) * FLOOR_M + 1.2
    size_m = size_px / front.px_per_m(x_m, out_m, up_m / 2)
    way, down, t = [], 0.0, 0.0
    while up_m > 0.2:
        x, y = front.pixel(x_m, out_m, up_m)
        way.append((begins_s + t, x, y, size_m * front.px_per_m(x_m, out_m, up_m)))
        for _ in range(4):
            dt = 1 / RATE / 4
            down += (G - G * (down / terminal) ** 2) * dt
            up_m, x_m, out_m, t = up_m - down * dt, x_m + vx * dt, out_m + vout * dt, t + dt
    return front, Truth(front.floors, floor, size_px, begins_s, disturbances, tuple(way))


def background(front: Front, dice: np.random.Generator) -> tuple[Image, NDArray[np.bool_], NDArray[np.bool_]]:
    """Sky, wall and windows; where the front is, and where its windows are."""
    image = np.full((HEIGHT, WIDTH, 3), dice.integers(120, 220, 3), np.uint8)
    wall, glass = (dice.integers(low, high, 3).tolist() for low, high in ((60, 180), (30, 120)))
    windows = np.zeros((HEIGHT, WIDTH), np.uint8)

    def quad(x0: float, x1: float, z0: float, z1: float) -> NDArray[np.int32]:
        corners = [front.pixel(x, 0, z) for x, z in ((x0, z1), (x1, z1), (x1, z0), (x0, z0))]
        return np.asarray(np.clip(np.nan_to_num(np.array(corners)), -4000, 4000), np.int32)

    front_px = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(front_px, [quad(-front.half_m, front.half_m, 0, front.floors * FLOOR_M)], 255)
    image[front_px > 0] = wall
    for floor in range(front.floors):
        for x in np.arange(-front.half_m + 1, front.half_m - 2, 3.0):
            cv2.fillPoly(windows, [quad(x, x + 1.6, floor * FLOOR_M + 0.9, floor * FLOOR_M + 2.4)], 255)
    image[windows > 0] = glass
    texture = cv2.GaussianBlur(dice.normal(0, 12, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.2)
    return np.clip(image + texture[..., None], 0, 255).astype(np.uint8), front_px > 0, windows > 0


def seconds_of(truth: Truth) -> float:
    """How long a scene runs: until a second after the thing has landed."""
    return max(SECONDS, truth.way[-1][0] + 1.0) if truth.way else SECONDS


class Disturber:
    """Draws what moves besides; one object a scene, so that things keep their ways."""

    def __init__(self, names: tuple[str, ...], windows: NDArray[np.bool_], dice: np.random.Generator) -> None:
        self.names, self.windows, self.dice = names, windows, dice
        self.birds = [
            (
                dice.uniform(0, WIDTH),
                dice.uniform(0, HEIGHT),
                *dice.normal(0, 110, 2),
                dice.uniform(2, 6),
                dice.uniform(3, 9),
            )
            for _ in range(int(dice.integers(1, 6)))
        ]
        self.drops = dice.uniform(0, 1, (int(dice.integers(60, 250)), 3))
        self.cloths = [
            (dice.uniform(60, 560), dice.uniform(60, 400), dice.uniform(8, 22), dice.uniform(0.5, 2)) for _ in range(8)
        ]
        self.leaves = dice.uniform(0, 1, (120, 4))
        self.corner = dice.uniform(0, 0.8, 2) * (WIDTH, HEIGHT)
        soft = cv2.GaussianBlur(dice.normal(0, 1, (HEIGHT, 3 * WIDTH)).astype(np.float32), (0, 0), 30)
        self.cloud = np.asarray(soft / np.abs(soft).max() * 25, np.float32)

    def draw(self, image: Image, t: float) -> Image:
        """The frame at `t` with everything that moves in it."""
        for name in self.names:
            image = getattr(self, f"_{name}")(image, t)
        return image

    def _birds(self, image: Image, t: float) -> Image:
        for x, y, vx, vy, size, beat in self.birds:
            at = int((x + vx * t) % WIDTH), int((y + vy * t) % HEIGHT)
            wings = max(1, int(size * (0.5 + 0.5 * abs(np.sin(pi * beat * t)))))
            cv2.ellipse(image, at, (int(size), wings), 0, 0, 360, (35, 30, 30), -1, cv2.LINE_AA)
        return image

    def _rain(self, image: Image, t: float) -> Image:
        layer = image.copy()
        for x, y, z in self.drops:
            speed, length = 500 + 900 * z, 6 + 14 * z
            at_y = (y * HEIGHT * 2 + speed * t) % (HEIGHT * 1.3)
            at_x = (x * WIDTH + 40 * np.floor((y * HEIGHT * 2 + speed * t) / (HEIGHT * 1.3)) * (1 + z)) % WIDTH
            cv2.line(
                layer, (int(at_x), int(at_y)), (int(at_x + 1), int(at_y + length)), (205, 205, 205), 1, cv2.LINE_AA
            )
        return cv2.addWeighted(layer, 0.6, image, 0.4, 0).astype(np.uint8)

    def _laundry(self, image: Image, t: float) -> Image:
        for n, (x, y, size, pace) in enumerate(self.cloths):
            swing = size * 0.6 * np.sin(2 * pi * pace * t + n)
            corners = np.array([(x, y), (x + size, y), (x + size + swing, y + 1.6 * size), (x + swing, y + 1.5 * size)])
            cv2.fillPoly(image, [corners.astype(np.int32)], (40 * n % 255, 200 - 20 * n, 90 + 20 * n), cv2.LINE_AA)
        return image

    def _leaves(self, image: Image, t: float) -> Image:
        for x, y, pace, size in self.leaves:
            sway = np.array(
                [8 * np.sin(2 * pi * (0.4 + pace) * t + 9 * x), 6 * np.sin(2 * pi * (0.3 + pace) * t + 7 * y)]
            )
            at = (self.corner + np.array([x * 170, y * 130]) + sway).astype(int)
            cv2.ellipse(
                image,
                (int(at[0]), int(at[1])),
                (int(3 + 6 * size), 3),
                180 * pace + 25 * sway[0],
                0,
                360,
                (40, 90 + int(60 * size), 50),
                -1,
                cv2.LINE_AA,
            )
        return image

    def _cloud(self, image: Image, t: float) -> Image:
        shift = int(60 * t) % (2 * WIDTH)
        glow = np.where(self.windows, self.cloud[:, shift : shift + WIDTH], 0)
        return np.clip(image + glow[..., None], 0, 255).astype(np.uint8)

    def _headlights(self, image: Image, t: float) -> Image:
        across = (t / SECONDS * 1.6 - 0.3) * WIDTH
        glow = 60 * np.exp(-(((np.arange(WIDTH) - across) / 60) ** 2))
        return np.clip(image + np.where(self.windows, glow[None, :], 0)[..., None], 0, 255).astype(np.uint8)

    def _tremble(self, image: Image, t: float) -> Image:
        shift = np.array([[1, 0, 0.35 * np.sin(29 * t)], [0, 1, 0.35 * np.sin(37 * t)]], np.float32)
        return np.asarray(cv2.warpAffine(image, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def frames(seed: int) -> Iterator[tuple[float, Image]]:
    """(seconds, picture) of scene `seed`."""
    front, truth = scene_truth(seed)
    dice = np.random.default_rng(seed + 1_000_000)
    still, wall, windows = background(front, dice)
    colour = dice.integers(0, 256, 3)
    grey = cv2.cvtColor(still, cv2.COLOR_BGR2GRAY)
    hidden = [float(grey[place].mean()) for place in (windows, wall & ~windows)]
    while min(abs(float(colour @ GREY_OF_BGR) - other) for other in hidden) < LEAST_CONTRAST:
        colour = dice.integers(0, 256, 3)
    disturber, where = Disturber(truth.disturbances, windows, dice), {round(w[0] * RATE): w for w in truth.way}
    for n in range(int(seconds_of(truth) * RATE)):
        image = still.copy()
        if n in where:
            _, x, y, size = where[n]
            half = np.array([1.0, 0.7]) * size / 2
            cv2.ellipse(
                image,
                (round(16 * x), round(16 * y)),
                (round(16 * half[0]), round(16 * half[1])),
                31 * n % 180,
                0,
                360,
                colour.tolist(),
                -1,
                cv2.LINE_AA,
                4,
            )
        image = disturber.draw(image, n / RATE)
        image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0.5), np.uint8)
        noise = np.empty(image.shape[:2], np.int16)
        cv2.randn(noise, np.zeros(1), np.full(1, 2.0))
        yield n / RATE, np.clip(image.astype(np.int16) + noise[..., None], 0, 255).astype(np.uint8)


def falls_in(seed: int) -> tuple[list[Fall], float]:
    """What the rule finds in scene `seed`, and milliseconds a frame."""
    cv2.setRNGSeed(seed)
    watch, on, found, took_s, count = Watch(), np.ones((HEIGHT, WIDTH), np.uint8), list[Fall](), 0.0, 0
    for at_s, image in frames(seed):
        began_s = time.perf_counter()
        found += watch.step(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8), at_s, on)
        took_s, count = took_s + time.perf_counter() - began_s, count + 1
    return found, 1000 * took_s / count


def is_it(fall: Fall, truth: Truth) -> bool:
    """Whether a found fall is the one that happens: at its time, on its way."""
    near = (
        [min(np.hypot(x - w[1], y - w[2]) - w[3] / 2 for w in truth.way) for _, x, y, _ in fall.points]
        if truth.way
        else []
    )
    return bool(near) and float(np.median(near)) < 12 and abs(fall.points[-1][0] - truth.way[-1][0]) < 1.5


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=20_000, help="thresholds were chosen on seeds below 1000")
    parser.add_argument("--verbose", action="store_true", help="name the scenes that went wrong")
    given = parser.parse_args()
    bands = ((5, 10), (10, 20), (20, 40), (40, 61))
    fell, seen, false, cost, off = (
        dict.fromkeys(bands, 0),
        dict.fromkeys(bands, 0),
        dict.fromkeys(("none", *DISTURBANCES), 0),
        [],
        [],
    )
    for seed in range(given.first, given.first + given.seeds):
        front, truth = scene_truth(seed)
        found, ms = falls_in(seed)
        cost.append(ms)
        hits = [fall for fall in found if is_it(fall, truth)]
        wrong = len(found) - len(hits)
        if truth.floor is not None:
            band = next(b for b in bands if b[0] <= truth.size_px < b[1])
            fell[band] += 1
            seen[band] += bool(hits)
            off += (
                [abs(hits[0].rest_px[0] - truth.way[0][1]) / front.px_per_m(0, 0, truth.floor * FLOOR_M)]
                if hits
                else []
            )
            if given.verbose and not hits:
                print(
                    f"  missed {seed}: {front.floors} floors, from {truth.floor}, {truth.size_px:.0f} px, {', '.join(truth.disturbances)}"
                )
        for name in truth.disturbances if wrong else ():
            false[name] += wrong
        false["none"] += wrong
        if given.verbose and wrong:
            print(f"  false {seed}: {', '.join(truth.disturbances)}")
    hours = sum(seconds_of(scene_truth(seed)[1]) for seed in range(given.first, given.first + given.seeds)) / 3600
    print(
        f"{given.seeds} scenes from seed {given.first}, {hours:.2f} h of film, {np.median(cost):.1f} ms a frame of {WIDTH} x {HEIGHT}"
    )
    for band in bands:
        print(f"  {band[0]:>2} to {band[1] - 1:>2} px: {seen[band]:>3} of {fell[band]:>3} falls found")
    print(
        f"  all sizes: recall {sum(seen.values()) / max(1, sum(fell.values())):.3f}; origin off by {np.median(off) if off else 0:.2f} m sideways (median)"
    )
    print(
        f"  false alerts: {false.pop('none')} in {given.seeds} scenes"
        + "".join(f", {n} {c}" for n, c in false.items() if c)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
