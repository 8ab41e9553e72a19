"""One picture with its ground truth: stage, view and sensor in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.geo import Camera
from patrol.scenes.light import Lighting
from patrol.scenes.mesh import Singles
from patrol.scenes.scene import Scene, focus_of, infrared_light, set_stage, stage_of
from patrol.scenes.sensor import Image, Sensor, develop, exposure
from patrol.scenes.stage import Stage
from patrol.scenes.truth import Seen, seen_in
from patrol.scenes.view import Exposed, View

METER_PX = 160  # width of the picture that the exposure is measured on
METER_LAGS_S = (0.3, 0.6, 0.9, 1.2)  # automatic exposure follows a jump of light within about a second
NOWHERE = (1e9, 1e9)  # out of sight of everybody


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
        self.stage = stage_of(scene, focus_of(camera, scene.world.extent_m)) if stage is None else stage
        small = camera.lens.scaled_to(METER_PX, max(1, METER_PX * camera.lens.height_px // camera.lens.width_px))
        self._meter = View(Camera(small, camera.pose), 1)
        self._gains: dict[Lighting, float] = {}

    def picture(self, time_s: float) -> Picture:
        """The camera's frame at a moment."""
        gain = float(np.mean([self._gain_for(time_s - lag) for lag in METER_LAGS_S]))
        bodies = set_stage(self.stage, self.scene, time_s, ring_of(self.camera), _place(self.camera))
        exposed = self.view.expose(self.stage, keep_still=True)
        return finished(self.scene, self.sensor, time_s, exposed, seen_in(exposed, bodies), gain)

    def _gain_for(self, time_s: float) -> float:
        """The gain that suits the light of a moment, from what stands still."""
        light = self.scene.lighting_at(time_s)
        if light not in self._gains:
            set_stage(self.stage, self.scene, time_s, ring_of(self.camera), NOWHERE)
            self._gains[light] = gain_for(self.scene, time_s, self._meter.expose(self.stage).light)
        return self._gains[light]


def picture(
    scene: Scene, camera: Camera, sensor: Sensor, time_s: float, *, samples: int = 2, stage: Stage | None = None
) -> Picture:
    """A single frame from anywhere, such as a drone. `stage`: one built by `stage_of` for this scene's world, to save time."""
    stage = stage_of(scene, focus_of(camera, scene.world.extent_m)) if stage is None else stage
    bodies = set_stage(stage, scene, time_s, ring_of(camera), _place(camera))
    exposed = View(camera, samples).expose(stage)
    return finished(scene, sensor, time_s, exposed, seen_in(exposed, bodies), gain_for(scene, time_s, exposed.light))


def gain_for(scene: Scene, time_s: float, light: Singles) -> float:
    """The gain that the camera's automatic sets for this light."""
    return exposure(light, dark=scene.conditions_at(time_s).dark)


def _place(camera: Camera) -> tuple[float, float]:
    return camera.pose.east_m, camera.pose.north_m


def ring_of(camera: Camera) -> Singles:
    """The infrared light around a camera's lens."""
    pose = camera.pose
    forward = pose.world_from_camera()[:, 2]
    return infrared_light(pose.east_m, pose.north_m, pose.up_m, [float(v) for v in forward])


def finished(
    scene: Scene, sensor: Sensor, time_s: float, exposed: Exposed, seen: tuple[Seen, ...], gain: float
) -> Picture:
    """The light as the camera's sensor makes a picture of it."""
    now = scene.conditions_at(time_s)
    rng = np.random.default_rng([scene.seed, round(time_s * 1000)])
    sky = scene.lighting_at(time_s).horizon_rgb
    image = develop(exposed.light, sensor, rng, gain=gain, infrared=now.infrared, rain=now.rain, drops_rgb=sky)
    return Picture(image, seen, time_s)
