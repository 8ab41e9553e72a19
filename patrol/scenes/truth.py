"""Ground truth from the picture itself: which object is where, and how much of it is seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patrol.scenes.actors import Body, ObjectClass
from patrol.scenes.compiled import kernel
from patrol.scenes.view import Exposed

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Seen:
    """An object in a picture. box: left, top, right, bottom in pixels of the edges of its visible part, (0, 0) being the
    middle of the top left pixel. `visible_share` of its outline; the rest is hidden or outside the picture."""

    object_id: str
    object_class: ObjectClass
    box_px: tuple[float, float, float, float]
    visible_share: float
    visible_px: float
    east_m: float
    north_m: float
    yaw_deg: float
    speed_mps: float
    at_rest: bool


@kernel
def _boxes(seen: Ints, number_of: Ints, found: Ints) -> None:
    """found (n + 1, 5): count, x0, y0, x1, y1 of the samples of each object's number."""
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            t = seen[y, x]
            n = number_of[t] if t >= 0 else 0
            if n > 0:
                found[n, 0] += 1
                found[n, 1] = min(found[n, 1], x)
                found[n, 2] = min(found[n, 2], y)
                found[n, 3] = max(found[n, 3], x)
                found[n, 4] = max(found[n, 4], y)


def seen_in(exposed: Exposed, bodies: Sequence[Body]) -> tuple[Seen, ...]:
    """The bodies of which at least one sample is visible, in their order. Body k has number k + 1."""
    found = np.zeros((len(bodies) + 1, 5), np.int32)
    found[:, 1:3] = 1 << 30
    _boxes(exposed.seen, exposed.number_of, found)
    n = exposed.samples
    seen = []
    for k, body in enumerate(bodies):
        count, x0, y0, x1, y1 = (int(v) for v in found[k + 1])
        if count == 0:
            continue
        pixels = count / (n * n)
        whole = max(exposed.whole.get(k + 1, pixels), pixels, 1e-6)
        box = (x0 / n - 0.5, y0 / n - 0.5, (x1 + 1) / n - 0.5, (y1 + 1) / n - 0.5)
        s = body.state
        seen.append(
            Seen(
                body.object_id,
                body.object_class,
                box,
                min(pixels / whole, 1.0),
                pixels,
                s.east_m,
                s.north_m,
                s.yaw_deg,
                s.speed_mps,
                s.at_rest,
            )
        )
    return tuple(seen)
