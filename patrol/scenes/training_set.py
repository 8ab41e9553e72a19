"""Training pictures: random districts, cameras, weather and times, with YOLO labels from the ground truth.

`python -m patrol.scenes.training_set FOLDER COUNT SEED [WIDTH HEIGHT]` writes FOLDER/images and FOLDER/labels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin, tan
from pathlib import Path

import cv2
import numpy as np

from patrol.geo import Camera, Lens, Pose
from patrol.scenes.actors import CLASSES, CYCLES, Actor, ActorKind, stand, travel
from patrol.scenes.light import Conditions
from patrol.scenes.picture import picture
from patrol.scenes.random_district import free, parking_places, random_district
from patrol.scenes.scene import Scene, stage_of
from patrol.scenes.sensor import Image, Sensor
from patrol.scenes.truth import Seen
from patrol.scenes.world import World

PER_DISTRICT = 6  # pictures taken of one district before the next is built
SMALLEST_PX = 7.0  # narrower or lower boxes are not labelled
SMALLEST_SHARE = 0.22  # an object hidden more than that is not labelled
FAINTEST = 4.0  # standard deviation of display values, noise averaged out: below it a person sees nothing
FAR_M = 75.0
MAST_SHARE = 0.3  # of the pictures: a camera high on a street's mast that looks steeply down on what passes close by
DARK_SHARE = 0.3  # of the pictures are made night, half of these seen by infrared: what little light leaves is the hardest to learn

KINDS: tuple[tuple[ActorKind, float, float], ...] = (
    # kind, how often, metres of free room around it
    ("person", 0.34, 0.6), ("sedan", 0.12, 3.0), ("suv", 0.1, 3.0), ("hatchback", 0.07, 2.8), ("minivan", 0.05, 2.9), ("taxi", 0.03, 3.0),
    ("van", 0.05, 3.4), ("truck", 0.05, 4.3), ("bus", 0.035, 6.3), ("ebike", 0.08, 1.2), ("motorcycle", 0.025, 1.2), ("bicycle", 0.05, 1.2),
)  # fmt: skip

RARE_ON_ROADS = ("truck", "bus", "van", "bicycle")  # what few cameras show, and what a close, steep view changes most
MAST_KINDS = tuple((kind, share * (2.5 if kind in RARE_ON_ROADS else 1.0), room) for kind, share, room in KINDS)


@dataclass(frozen=True)
class TrainingFrame:
    """image (h, w, 3) RGB, and (class number, centre x, centre y, width, height) per object, shares of the image's size."""

    image: Image
    labels: tuple[tuple[int, float, float, float, float], ...]
    seen: tuple[Seen, ...]


def training_frames(seed: int, count: int, width_px: int = 960, height_px: int = 540) -> Iterator[TrainingFrame]:
    """`count` pictures that depend on the seed alone; picture k is the same whatever the count."""
    for number in range((count + PER_DISTRICT - 1) // PER_DISTRICT):
        district_seed = seed * 100_003 + number
        world = random_district(district_seed)
        stage = None
        for k in range(min(PER_DISTRICT, count - number * PER_DISTRICT)):
            rng = np.random.default_rng([district_seed, k, 301])
            mast = mast_camera(world, rng, width_px, height_px) if rng.random() < MAST_SHARE else None
            camera = mast or random_camera(world, rng, width_px, height_px)
            crowd = random_crowd(world, camera, rng, MAST_KINDS if mast else KINDS)
            weather = (
                darkened(random_conditions(world, rng), rng)
                if rng.random() < DARK_SHARE
                else random_conditions(world, rng)
            )
            scene = Scene(world, crowd, weather, int(rng.integers(1 << 30)))
            stage = stage_of(scene) if stage is None else stage
            shot = picture(scene, camera, random_sensor(rng), 0.0, stage=stage)
            told = tuple(s for s in shot.seen if stands_out(shot.image, s))
            yield TrainingFrame(shot.image, yolo_labels(told, width_px, height_px), shot.seen)


def stands_out(image: Image, seen: Seen) -> bool:
    """Whether there is anything to see in the object's box: in the dark, something may be there that nobody can see."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = seen.box_px
    grow_x, grow_y = 0.1 * (x1 - x0) + 1, 0.1 * (y1 - y0) + 1
    rows = slice(max(int(y0 - grow_y), 0), min(int(y1 + grow_y) + 1, height))
    columns = slice(max(int(x0 - grow_x), 0), min(int(x1 + grow_x) + 1, width))
    grey = cv2.blur(cv2.cvtColor(image[rows, columns], cv2.COLOR_RGB2GRAY), (3, 3))
    return float(np.std(grey)) >= FAINTEST


def yolo_labels(
    seen: tuple[Seen, ...], width_px: int, height_px: int
) -> tuple[tuple[int, float, float, float, float], ...]:
    """Ground truth as YOLO labels; what is too small or too hidden is left out."""
    rows = []
    for s in seen:
        x0, y0, x1, y1 = s.box_px
        x0, y0, x1, y1 = (
            max(x0 + 0.5, 0.0),
            max(y0 + 0.5, 0.0),
            min(x1 + 0.5, float(width_px)),
            min(y1 + 0.5, float(height_px)),
        )
        if min(x1 - x0, y1 - y0) < SMALLEST_PX * width_px / 960 or s.visible_share < SMALLEST_SHARE:
            continue
        rows.append(
            (
                CLASSES.index(s.object_class),
                (x0 + x1) / 2 / width_px,
                (y0 + y1) / 2 / height_px,
                (x1 - x0) / width_px,
                (y1 - y0) / height_px,
            )
        )
    return tuple(rows)


def random_camera(world: World, rng: np.random.Generator, width_px: int, height_px: int) -> Camera:
    """A fixed camera on a post or wall 3 to 12 m up (four in five), or a drone 20 to 80 m up; looking at free ground."""
    drone = bool(rng.random() < 0.2)
    for _ in range(400):
        x, y = (
            (float(v) for v in rng.uniform(-45, 45, 2))
            if rng.random() < 0.6
            else (float(rng.normal(0, 9)), float(rng.uniform(-50, 50)))
        )
        if not drone and not free(world, x, y, 1.5):
            continue
        up = float(rng.uniform(20, 80)) if drone else float(np.clip(rng.lognormal(1.6, 0.4), 2.6, 12.0))
        pitch = float(rng.uniform(-80, -28)) if drone else float(rng.uniform(-34, -6))
        hfov = float(rng.uniform(48, 78)) if drone else float(rng.uniform(45, 100))
        lens = Lens.from_hfov(width_px, height_px, hfov)
        if not drone and rng.random() < 0.4:
            corner = (width_px**2 + height_px**2) / (2 * lens.fx_px) ** 2  # squared, in units of the focal length
            lens = replace(lens, k1=-float(rng.uniform(0.02, min(0.12, 0.15 / corner))))
        yaw = float(rng.uniform(0, 360)) if rng.random() < 0.5 else float(rng.choice([0, 180]) + rng.normal(0, 25))
        camera = Camera(lens, Pose(x, y, up, yaw, pitch, float(rng.normal(0, 1.5))))
        if drone or _open_view(world, camera):
            return camera
    return Camera(Lens.from_hfov(width_px, height_px, 75), Pose(0, -45, 6.0, 0, -15))


def mast_camera(world: World, rng: np.random.Generator, width_px: int, height_px: int) -> Camera | None:
    """A camera 5.5 to 11 m up beside a road, looking 28 to 55 degrees down onto it; None where the district has no free place for one."""
    for _ in range(100):
        road = world.roads[int(rng.integers(len(world.roads)))]
        (x0, y0), (x1, y1) = road.centreline[0], road.centreline[-1]
        along = float(rng.uniform(0.1, 0.9))
        aim = (x0 + along * (x1 - x0), y0 + along * (y1 - y0))
        up, pitch = float(rng.uniform(5.5, 11.0)), float(rng.uniform(-55, -28))
        turn, away = float(rng.uniform(0, 360)), up / tan(radians(-pitch))
        x, y = aim[0] - away * sin(radians(turn)), aim[1] - away * cos(radians(turn))
        if max(abs(aim[0]), abs(aim[1])) < 60 and free(world, x, y, 0.8):
            lens = Lens.from_hfov(width_px, height_px, float(rng.uniform(38, 72)))
            return Camera(lens, Pose(x, y, up, turn, pitch, float(rng.normal(0, 2))))
    return None


def darkened(now: Conditions, rng: np.random.Generator) -> Conditions:
    """The same weather at night, every second time by infrared."""
    return replace(now, hour=float(rng.uniform(19.5, 28.5)) % 24, infrared=bool(rng.random() < 0.5))


def _open_view(world: World, camera: Camera) -> bool:
    """Whether the way to what the camera looks at is not blocked by a building or a crown close by."""
    pose = camera.pose
    for turn in (-20.0, 0.0, 20.0):
        yaw = radians(pose.yaw_deg + turn)
        for away in (3.0, 6.0, 10.0, 15.0, 20.0):
            if not free(world, pose.east_m + sin(yaw) * away, pose.north_m + cos(yaw) * away, 1.0 if away > 6 else 2.2):
                return False
    return True


def random_conditions(world: World, rng: np.random.Generator) -> Conditions:
    """Mostly day; some dusk and night, a third of the nights by infrared; rain, haze and wet ground at times."""
    draw = rng.random()
    hour = (
        float(rng.uniform(6.8, 17.2))
        if draw < 0.72
        else float(rng.uniform(17.0, 19.5))
        if draw < 0.82
        else float(rng.uniform(19.5, 28.5)) % 24
    )
    night = draw >= 0.82
    rain = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.14 else 0.0
    haze = float(rng.uniform(0.003, 0.02)) if rng.random() < 0.12 else float(rng.uniform(0.0002, 0.0015))
    wet = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.12 else 0.0
    cloud = float(rng.beta(0.6, 0.7))
    return Conditions(
        hour,
        int(rng.integers(1, 366)),
        world.latitude_deg,
        cloud,
        haze,
        rain,
        wet,
        bool(night and rng.random() < 0.35),
        float(rng.uniform(0.05, 0.6)),
    )


def random_sensor(rng: np.random.Generator) -> Sensor:
    """From a good new camera to a bad old one."""
    poor = float(rng.random())
    return Sensor(
        0.004 + 0.03 * poor**2, 0.001 + 0.008 * poor**2, float(rng.uniform(0.2, 0.6 + 0.9 * poor**2)), float(rng.uniform(0.6, 1.15)), float(rng.uniform(0, 0.35)),
        float(np.exp(rng.normal(0, 0.22))), float(rng.normal(0, 0.06)), int(rng.integers(35, 92)) if rng.random() < 0.6 else None,
    )  # fmt: skip


def random_crowd(
    world: World,
    camera: Camera,
    rng: np.random.Generator,
    kinds: tuple[tuple[ActorKind, float, float], ...] = KINDS,
) -> tuple[Actor, ...]:
    """Vehicles and people (of ``kinds``: what, how often, metres around it) on free ground in view, and cars in parking bays."""
    actors: list[Actor] = []
    taken: list[tuple[float, float, float]] = []

    def put(kind: ActorKind, x: float, y: float, yaw: float, room: float, *, moving: bool) -> None:
        if any(hypot(a - x, b - y) < (room + r) * 0.85 for a, b, r in taken):
            return
        taken.append((x, y, room))
        dx, dy = sin(radians(yaw)), cos(radians(yaw))
        pace = 1.3 if kind == "person" else 5.0
        way = travel(-10.0 / pace, ((x - dx * 10, y - dy * 10), (x + dx * 10, y + dy * 10)), pace)
        legs = (way,) if moving else (stand(-1e6, 1e6, (x, y), yaw),)
        ridden = moving or kind not in CYCLES or bool(rng.random() < 0.2)
        umbrella = kind == "person" and bool(rng.random() < 0.06)
        actors.append(Actor(f"{kind}-{len(actors)}", kind, int(rng.integers(100_000)), legs, ridden, umbrella))

    cars: tuple[ActorKind, ...] = ("sedan", "suv", "hatchback", "minivan", "sedan", "suv", "van", "taxi")
    full = rng.uniform(0.1, 0.9)
    for x, y, yaw in parking_places(world):
        if (
            rng.random() < full
            and hypot(x - camera.pose.east_m, y - camera.pose.north_m) < FAR_M
            and free(world, x, y, 2.0)
        ):
            facing = yaw if rng.random() < 0.5 else yaw + 180
            put(
                cars[int(rng.integers(len(cars)))],
                x + float(rng.normal(0, 0.08)),
                y + float(rng.normal(0, 0.2)),
                facing + float(rng.normal(0, 2)),
                1.4,
                moving=False,
            )
    weights = np.array([w for _, w, _ in kinds])
    wanted = int(rng.integers(4, 34))
    width, height = camera.lens.width_px, camera.lens.height_px
    for _ in range(wanted * 6):
        if wanted == 0:
            break
        spot = camera.to_plane([(rng.uniform(0, width), rng.uniform(0, height))])[0]
        x, y = float(spot[0]), float(spot[1])
        away = hypot(x - camera.pose.east_m, y - camera.pose.north_m)
        kind, _, room = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        if not np.isfinite(spot).all() or away > FAR_M or away < room + 1.0 or not free(world, x, y, room):
            continue
        yaw, moving = _heading(world, x, y, kind, rng)
        before = len(actors)
        put(kind, x, y, yaw, room, moving=moving)
        wanted -= len(actors) - before
        if kind == "person" and rng.random() < 0.35:  # company
            put(
                "person",
                x + float(rng.normal(0, 0.7)),
                y + float(rng.normal(0, 0.7)),
                yaw + float(rng.normal(0, 30)),
                0.25,
                moving=moving,
            )
        if kind in {"ebike", "bicycle"} and not moving and rng.random() < 0.5:  # a row of parked ones
            for k in range(1, int(rng.integers(2, 7))):
                put(
                    kind,
                    x + 0.75 * k * cos(radians(yaw)),
                    y - 0.75 * k * sin(radians(yaw)),
                    yaw + float(rng.normal(0, 4)),
                    0.3,
                    moving=False,
                )
    return tuple(actors)


def _heading(world: World, x: float, y: float, kind: ActorKind, rng: np.random.Generator) -> tuple[float, bool]:
    """Along the road for what is on it, else mostly square to the world; and whether it is under way."""
    if kind == "person":
        return float(rng.uniform(0, 360)), bool(rng.random() < 0.7)
    for road in world.roads:
        (x0, y0), (x1, y1) = road.centreline[0], road.centreline[-1]
        vertical = abs(x1 - x0) < abs(y1 - y0)
        offset = x - x0 if vertical else y - y0
        if abs(offset) < road.width_m / 2:
            yaw = (0.0 if offset > 0 else 180.0) if vertical else (270.0 if offset > 0 else 90.0)
            return yaw + float(rng.normal(0, 3)), bool(rng.random() < 0.75)
    moving = bool(rng.random() < (0.45 if kind in CYCLES else 0.2))
    return float(rng.choice([0, 90, 180, 270]) + rng.normal(0, 12)), moving


def write_training_set(
    folder: Path,
    count: int,
    seed: int,
    width_px: int = 960,
    height_px: int = 540,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes folder/images/*.jpg and folder/labels/*.txt. `progress` is called with (done, count) after each picture."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(training_frames(seed, count, width_px, height_px)):
        name = f"rendered_{seed}_{k:05d}"
        _, packed = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        (images / f"{name}.jpg").write_bytes(packed.tobytes())
        rows = (f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, x, y, w, h in frame.labels)
        (labels / f"{name}.txt").write_text("".join(rows), encoding="utf-8")
        if progress is not None:
            progress(k + 1, count)


def _main(arguments: list[str]) -> None:
    folder, count, seed = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    size = [int(a) for a in arguments[3:5]] or [960, 540]

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
        sys.stderr.flush()

    write_training_set(folder, count, seed, size[0], size[1], progress)


if __name__ == "__main__":
    _main(sys.argv[1:])
