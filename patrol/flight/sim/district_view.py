"""The renderer as a simulated drone's camera uses it. The one file of the flight side that imports patrol.scenes."""

from __future__ import annotations

from collections.abc import Callable

import cv2

from patrol.config import Config
from patrol.geo import Camera
from patrol.scenes.demo import DURATION_S, demo_from_above
from patrol.scenes.demo_clips import SEED
from patrol.scenes.overhead import Overhead

JPEG_QUALITY = 85


def district_view(config: Config) -> Callable[[], Callable[[Camera, float], bytes]]:
    """A function that builds the district and returns what draws JPEGs of it; the same everyone that the films show.

    The scene starts again every two minutes, as the films do. What draws is for one thread at a time.
    """

    def build() -> Callable[[Camera, float], bytes]:
        cv2.setNumThreads(1)  # the processor is shared with boxes, a broker and a centre
        eye = Overhead(demo_from_above(config, SEED))

        def draw(camera: Camera, time_s: float) -> bytes:
            image = eye.image(camera, time_s % DURATION_S)
            _, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            return packed.tobytes()

        return draw

    return build
