"""A scene seen from a camera that moves: a drone's picture, and the water in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.geo import Camera, Lens
from patrol.scenes.actors import Body
from patrol.scenes.materials import Material
from patrol.scenes.picture import finished, gain_for, ring_of
from patrol.scenes.scene import Scene, set_stage, stage_of
from patrol.scenes.sensor import GOOD, Image, Sensor
from patrol.scenes.stage import Stage
from patrol.scenes.truth import Seen, seen_in
from patrol.scenes.view import Exposed, View


@dataclass(frozen=True)
class Shot:
    """image (h, w, 3) RGB; water (h, w), how much of each pixel is standing water, 0 to 255; which objects it shows."""

    image: Image
    water: Image
    seen: tuple[Seen, ...]


class Overhead:
    """One scene for any number of moving cameras. What a camera sees depends on scene, camera, sensor and time alone.

    Not for two threads at once: all cameras share one stage, which is set to the moment of each picture.
    """

    def __init__(self, scene: Scene, *, samples: int = 2, stage: Stage | None = None) -> None:
        self.scene, self.samples = scene, samples
        self.stage = stage_of(scene) if stage is None else stage
        self._views: dict[Lens, View] = {}

    def image(self, camera: Camera, time_s: float, sensor: Sensor = GOOD) -> Image:
        """The picture at a moment, (h, w, 3) RGB."""
        _, exposed = self._exposed(camera, time_s, truth=False)
        return self._developed(exposed, (), time_s, sensor)

    def shot(self, camera: Camera, time_s: float, sensor: Sensor = GOOD) -> Shot:
        """The picture at a moment with its ground truth, which takes longer."""
        bodies, exposed = self._exposed(camera, time_s, truth=True)
        seen = seen_in(exposed, bodies)
        n, (height, width) = exposed.samples, exposed.light.shape[:2]
        wet = (exposed.seen >= 0) & (self.stage.material[exposed.seen] == Material.WATER)
        share = wet.reshape(height, n, width, n).mean(axis=(1, 3))
        water = np.rint(share * 255).astype(np.uint8)
        return Shot(self._developed(exposed, seen, time_s, sensor), water, seen)

    def _exposed(self, camera: Camera, time_s: float, *, truth: bool) -> tuple[list[Body], Exposed]:
        view = self._views.get(camera.lens)
        if view is None:
            view = self._views[camera.lens] = View(camera, self.samples)
        view.stand_at(camera.pose)
        place = camera.pose.east_m, camera.pose.north_m
        bodies = set_stage(self.stage, self.scene, time_s, ring_of(camera), place)
        return bodies, view.expose(self.stage, outlines=truth)

    def _developed(self, exposed: Exposed, seen: tuple[Seen, ...], time_s: float, sensor: Sensor) -> Image:
        gain = gain_for(self.scene, time_s, exposed.light)
        return finished(self.scene, sensor, time_s, exposed, seen, gain).image
