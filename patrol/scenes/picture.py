"""One picture with its ground truth: stage, view and sensor in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.geo import Camera
from patrol.scenes.mesh import Singles
from patrol.scenes.scene import Scene, infrared_light, set_stage, stage_of
from patrol.scenes.sensor import Image, Sensor, develop, exposure
from patrol.scenes.stage import Stage
from patrol.scenes.truth import Seen, seen_in
from patrol.scenes.view import Exposed, View


@dataclass(frozen=True)
class Picture:
    """image (h, w, 3) RGB; `seen` its ground truth; time in seconds since the scene's start."""

    image: Image
    seen: tuple[Seen, ...]
    time_s: float


class FixedCamera:
    """A scene watched by a camera that stays. Pictures depend on (scene, camera, sensor, time) alone; the object only saves work."""

    def __init__(
        self, scene: Scene, camera: Camera, sensor: Sensor, *, samples: int = 2, stage: Stage | None = None
    ) -> None:
        self.scene, self.sensor = scene, sensor
        self.camera = camera
        self.view = View(camera, samples)
        self.stage = stage_of(scene) if stage is None else stage
        self._gain: tuple[int, float] | None = None

    def picture(self, time_s: float) -> Picture:
        """The camera's frame at a moment."""
        bodies = set_stage(self.stage, self.scene, time_s, _ring(self.camera))
        exposed = self.view.expose(self.stage, keep_still=True)
        if self._gain is None or self._gain[0] != self.stage.version:
            self._gain = (self.stage.version, _gain(self.scene, time_s, self.view.still_light(self.stage)))
        return _finished(self.scene, self.sensor, time_s, exposed, seen_in(exposed, bodies), self._gain[1])


def picture(
    scene: Scene, camera: Camera, sensor: Sensor, time_s: float, *, samples: int = 2, stage: Stage | None = None
) -> Picture:
    """A single frame from anywhere, such as a drone. `stage`: one built by `stage_of` for this scene's world, to save time."""
    stage = stage_of(scene) if stage is None else stage
    bodies = set_stage(stage, scene, time_s, _ring(camera))
    exposed = View(camera, samples).expose(stage)
    return _finished(scene, sensor, time_s, exposed, seen_in(exposed, bodies), _gain(scene, time_s, exposed.light))


def _gain(scene: Scene, time_s: float, light: Singles) -> float:
    return exposure(light, dark=scene.conditions_at(time_s).dark)


def _ring(camera: Camera) -> Singles:
    pose = camera.pose
    forward = pose.world_from_camera()[:, 2]
    return infrared_light(pose.east_m, pose.north_m, pose.up_m, [float(v) for v in forward])


def _finished(
    scene: Scene, sensor: Sensor, time_s: float, exposed: Exposed, seen: tuple[Seen, ...], gain: float
) -> Picture:
    now = scene.conditions_at(time_s)
    rng = np.random.default_rng([scene.seed, round(time_s * 1000)])
    sky = scene.lighting_at(time_s).horizon_rgb
    image = develop(exposed.light, sensor, rng, gain=gain, infrared=now.infrared, rain=now.rain, drops_rgb=sky)
    return Picture(image, seen, time_s)
