"""Made temperature fields on seeds that nobody tuned on: fires of known size and place among roofs in the sun, flues, engines and glints.

    make bench-thermal ARGS="--scenes 80 --first 7000"        (python -m bench.thermal_scenes)

A scene is 40 s of a radiometric camera on a mast, a picture every two seconds through the box's pipeline. Heat adds up as radiation
does (Planck's law at the wavelength of such cameras), under the pixel as well, and is softened as by a lens. In the even scenes a fire of 0.05 to 12 m² and 250 to 900 °C
begins after ten seconds, flickers and grows. Each scene holds several of: tin roofs up to 92 °C, panels, flues up to 130 °C, cars with
warm bonnets and hot exhausts that drive or stand, machines on roofs, and glints of the sun that last one picture.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.config.shape import CameraConfig
from patrol.events import AlertRaised
from patrol.geo import Camera, EastNorth, LatLon, LocalFrame
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher
from patrol_edge.thermal.picture import painted
from patrol_edge.thermal.radiometry import celsius_of, glow

SIZE = (320, 256)
FINE = 4  # parts of a pixel that heat is drawn in
SECONDS, EVERY_S, BEGINS_S = 40, 2, 10
START = datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
FRAME = LocalFrame(LatLon(22.5431, 114.0579))
KINDS = ("roofs", "panels", "flues", "cars", "machines", "glints")
BANDS = ((0.0, 1.0), (1.0, 3.0), (3.0, 25.0), (25.0, 1e9))  # pixels of the fire when it begins
NEAR_PX = 8.0

Degrees = NDArray[np.float32]


@dataclass(frozen=True)
class Fire:
    """A round fire: middle on the ground (east, north), square metres at first and at last, degrees."""

    at_m: tuple[float, float]
    area_m2: tuple[float, float]
    celsius: float

    def area_at(self, at_s: float) -> float:
        """Square metres, `at_s` into the scene."""
        share = (at_s - BEGINS_S) / (SECONDS - BEGINS_S)
        return self.area_m2[0] + (self.area_m2[1] - self.area_m2[0]) * share


@dataclass(frozen=True)
class Heat:
    """Something hot on the ground: corners or, with one corner, a disc of `radius_m`; its speed, and when it is seen."""

    corners_m: NDArray[np.float64]  # (n, 2)
    celsius: float
    radius_m: float = 0.0
    speed_ms: tuple[float, float] = (0.0, 0.0)
    only_at_s: int | None = None


@dataclass(frozen=True)
class ThermalScene:
    """One scene. `fire` None: nothing burns."""

    camera: CameraConfig
    view: Camera
    ground_c: float
    noise_c: float
    heats: tuple[Heat, ...]
    fire: Fire | None
    kinds: tuple[str, ...]


def camera_of(dice: np.random.Generator) -> CameraConfig:
    """A camera 15 to 40 m up that looks down at 28 to 50 degrees."""
    ring = [[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1]], [0, SIZE[1]]]
    pose = {"at": [114.0579, 22.5431], "height_m": float(dice.uniform(15, 40)), "yaw_deg": 0, "pitch_deg": float(dice.uniform(-50, -28))}  # fmt: skip
    zone = {"id": "yard", "hazard": "fire-hotspot", "polygon_px": ring, "look_every_s": EVERY_S}
    return CameraConfig.model_validate({
        "id": "heat", "name": {"zh": "台架", "en": "bench"}, "box": "bench", "source": "-", "pose": pose, "thermal": {},
        "lens": {"width_px": SIZE[0], "height_px": SIZE[1], "hfov_deg": 45}, "zones": [zone],
    })  # fmt: skip


def thermal_scene(seed: int) -> ThermalScene:
    """What happens in scene `seed`; a fire in the even ones."""
    dice = np.random.default_rng(seed)
    config = camera_of(dice)
    view = config.geo(FRAME)
    if view is None:
        raise AssertionError  # the camera has a pose

    def spot() -> NDArray[np.float64]:
        pixel = dice.uniform((20, 60), (SIZE[0] - 20, SIZE[1] - 14))
        return np.asarray(view.to_plane([tuple(pixel)])[0][:2], np.float64)

    kinds = tuple(str(k) for k in dice.choice(KINDS, int(dice.integers(2, 5)), replace=False))
    ground_c = float(dice.uniform(2, 42))
    heats = [heat for kind in kinds for heat in _heats(kind, spot, ground_c, dice)]
    fire = None
    if seed % 2 == 0:
        first = float(np.exp(dice.uniform(np.log(0.05), np.log(12))))
        at = spot()
        fire = Fire(
            (float(at[0]), float(at[1])), (first, first * float(dice.uniform(1, 3))), float(dice.uniform(250, 900))
        )
    return ThermalScene(config, view, ground_c, float(dice.uniform(0.05, 0.3)), tuple(heats), fire, kinds)


def _heats(
    kind: str, spot: Callable[[], NDArray[np.float64]], ground_c: float, dice: np.random.Generator
) -> Iterator[Heat]:
    def block(at: NDArray[np.float64], wide: float, deep: float) -> NDArray[np.float64]:
        return at + np.array([(-wide, -deep), (wide, -deep), (wide, deep), (-wide, deep)]) / 2

    for _ in range(int(dice.integers(1, 4))):
        at = spot()
        if kind == "roofs":
            yield Heat(block(at, *dice.uniform(5, 18, 2)), min(92.0, ground_c + float(dice.uniform(20, 50))))
        elif kind == "panels":
            yield Heat(
                block(at, float(dice.uniform(4, 12)), float(dice.uniform(1, 3))),
                min(85.0, ground_c + float(dice.uniform(15, 45))),
            )
        elif kind == "flues":
            yield Heat(at[None], float(dice.uniform(60, 130)), radius_m=float(dice.uniform(0.1, 0.25)))
        elif kind == "machines":
            yield Heat(block(at, *dice.uniform(0.5, 2, 2)), float(dice.uniform(50, 80)))
        elif kind == "glints":
            when = 2 * int(dice.integers(0, SECONDS // 2))
            yield Heat(
                at[None], float(dice.uniform(200, 500)), radius_m=float(dice.uniform(0.05, 0.15)), only_at_s=when
            )
        else:
            speed = (float(dice.uniform(-6, 6)), 0.0) if dice.uniform() < 0.5 else (0.0, 0.0)
            yield Heat(block(at, 1.6, 1.2), float(dice.uniform(45, 75)), speed_ms=speed)
            yield Heat(
                at[None] - (0.0, 1.8),
                float(dice.uniform(90, 300)),
                radius_m=float(dice.uniform(0.04, 0.08)),
                speed_ms=speed,
            )


def pixels_of(fire: Fire, view: Camera, at_s: float) -> tuple[NDArray[np.float64], float]:
    """(n, 2) outline in the picture, and its area in pixels."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = np.sqrt(fire.area_at(at_s) / np.pi)
    ring = np.stack(
        [fire.at_m[0] + radius * np.cos(angles), fire.at_m[1] + radius * np.sin(angles), np.zeros(24)], axis=1
    )
    outline = np.asarray(view.project(ring), np.float64)
    return outline, float(cv2.contourArea(outline.astype(np.float32)))


def pictures(seed: int) -> Iterator[tuple[int, Degrees]]:
    """(second, degrees) of scene `seed`."""
    scene, dice = thermal_scene(seed), np.random.default_rng(seed + 1_000_000)
    ground = scene.ground_c + 2.5 * cv2.GaussianBlur(dice.normal(0, 8, SIZE[::-1]).astype(np.float32), (0, 0), 6)
    for at_s in range(0, SECONDS, EVERY_S):
        power = cv2.resize(glow(ground), (FINE * SIZE[0], FINE * SIZE[1])).astype(np.float32)
        for heat in scene.heats:
            if heat.only_at_s in (None, at_s):
                _draw(power, heat, scene.view, at_s)
        if scene.fire is not None and at_s >= BEGINS_S:
            outline, _ = pixels_of(scene.fire, scene.view, at_s)
            middle = outline.mean(axis=0)
            licked = middle + (outline - middle) * dice.uniform(0.8, 1.2, (len(outline), 1))
            hot = scene.fire.celsius * float(dice.uniform(0.85, 1.0))
            _fill(power, licked, float(glow(hot)))
        seen = cv2.resize(cv2.GaussianBlur(power, (0, 0), 0.6 * FINE), SIZE, interpolation=cv2.INTER_AREA)
        celsius = celsius_of(np.asarray(seen, np.float32)) + dice.normal(0, scene.noise_c, seen.shape)
        yield at_s, celsius.astype(np.float32)


def _draw(power: Degrees, heat: Heat, view: Camera, at_s: float) -> None:
    corners = heat.corners_m + np.array(heat.speed_ms) * at_s
    if heat.radius_m:
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        corners = corners[0] + heat.radius_m * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outline = np.asarray(view.project(np.column_stack([corners, np.zeros(len(corners))])), np.float64)
    if np.isfinite(outline).all():
        _fill(power, outline, float(glow(heat.celsius)))


def _fill(power: Degrees, outline_px: NDArray[np.float64], value: float) -> None:
    cv2.fillPoly(power, [np.round(np.clip(outline_px, -2000, 3000) * FINE * 16).astype(np.int32)], value, cv2.LINE_8, 4)


def alerts_in(seed: int) -> list[tuple[float, AlertRaised]]:
    """(second, alert) of scene `seed` as the box raises them."""
    scene = thermal_scene(seed)
    pipeline = Pipeline(Watcher("bench", "bench", scene.camera, FRAME, lambda moment: moment), {})
    memory: CameraMemory = {}
    raised = []
    for at_s, celsius in pictures(seed):
        memory, findings = pipeline.judge(
            Frame("heat", START + timedelta(seconds=at_s), painted(celsius), celsius), memory
        )
        raised += [(float(at_s), f.data) for f in findings if isinstance(f.data, AlertRaised)]
    return raised


def is_it(alert: AlertRaised, scene: ThermalScene, at_s: float) -> bool:
    """Whether an alert's region meets the fire that burns."""
    if scene.fire is None or at_s < BEGINS_S:
        return False
    outline, _ = pixels_of(scene.fire, scene.view, at_s)
    low, high = outline.min(axis=0) - NEAR_PX, outline.max(axis=0) + NEAR_PX
    box = alert.region
    return bool(box.x_min_px < high[0] and box.x_max_px > low[0] and box.y_min_px < high[1] and box.y_max_px > low[1])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=80)
    parser.add_argument("--first", type=int, default=7000)
    parser.add_argument("--verbose", action="store_true", help="name the scenes that went wrong")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    fires, found = dict.fromkeys(BANDS, 0), dict.fromkeys(BANDS, 0)
    delays, ratios, off_m, false = list[float](), list[float](), list[float](), 0
    held = dict.fromkeys(BANDS, 0)
    for seed in range(given.first, given.first + given.scenes):
        scene, raised = thermal_scene(seed), alerts_in(seed)
        hits = [(at_s, alert) for at_s, alert in raised if is_it(alert, scene, at_s)]
        false += len(raised) - len(hits)
        if given.verbose and len(raised) > len(hits):
            print(
                f"  false {seed}: {', '.join(scene.kinds)}; {[a.measurement for t, a in raised if (t, a) not in hits]}"
            )
        if scene.fire is None:
            continue
        _, size_px = pixels_of(scene.fire, scene.view, BEGINS_S)
        band = next(b for b in BANDS if b[0] <= size_px < b[1])
        fires[band] += 1
        found[band] += bool(hits)
        if given.verbose and not hits:
            print(
                f"  missed {seed}: {size_px:.1f} px, {scene.fire.area_m2[0]:.2f} m², {scene.fire.celsius:.0f} °C; {', '.join(scene.kinds)}"
            )
        for at_s, alert in hits[:1]:
            delays.append(at_s - BEGINS_S)
            truth_m2, said = scene.fire.area_at(at_s), alert.measurement
            held[band] += said["area_least_m2"] <= truth_m2 <= said["area_most_m2"]
            if size_px >= BANDS[-1][0]:
                ratios.append(said["area_m2"] / truth_m2)
            if alert.position is not None:
                at = FRAME.to_local(LatLon(alert.position.lat_deg, alert.position.lon_deg))
                off_m.append(_apart(at, scene.fire) - float(np.sqrt(scene.fire.area_at(at_s) / np.pi)))
    days = given.scenes * SECONDS / 86400
    print(f"{given.scenes} made scenes from seed {given.first}, {24 * days:.2f} h")
    for low, high in BANDS[not fires[BANDS[0]] :]:
        name = f"from {low:g} px" if high > 1e6 else f"{low:g} to {high:g} px"
        print(f"  fires of {name:<13} {found[low, high]:>3} of {fires[low, high]:>3} found")
    print(
        f"  all fires: recall {sum(found.values()) / max(1, sum(fires.values())):.3f}; first alert after {np.median(delays):.0f} s (median), {max(delays):.0f} s at most"
    )
    print(
        f"  named against true square metres, from {BANDS[-1][0]:g} px: {np.median(ratios):.2f} times (median), "
        f"{np.percentile(ratios, 10):.2f} to {np.percentile(ratios, 90):.2f} in eight of ten; "
        f"between the least and the most that is named: {sum(held.values())} of {sum(found.values())}"
    )
    print(f"  hottest point outside of the fire by {max(0.0, float(np.max(off_m))):.1f} m at most")
    print(f"  false alerts: {false} ({false / days:.1f} per camera-day)")
    return 0


def _apart(at: EastNorth, fire: Fire) -> float:
    return float(np.hypot(at.east_m - fire.at_m[0], at.north_m - fire.at_m[1]))


if __name__ == "__main__":
    sys.exit(main())
