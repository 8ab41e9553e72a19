"""The registered networks of roofs. `roof_change`: two pictures of a roof that lie over one another in, what was built between them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.errors import ModelMismatch, ModelNotRegistered
from patrol.events import ModelRef
from patrol_edge.detector import Session, load_detector, open_session
from patrol_edge.frame import Image
from patrol_edge.registry import find_model
from patrol_edge.rules.rooftop import Roofs
from patrol_edge.rules.rooftop_baseline import Shelf
from patrol_edge.rules.rooftop_first import STRUCTURE, SingleNetwork

NAME = "roof_change"
FIRST = "roof"  # for single pictures
STEP_PX = 16  # its sides are multiples of this


@dataclass(frozen=True)
class RoofNetwork:
    """Asks the network about one pair. Safe to call from several threads."""

    ref: ModelRef
    session: Session

    def built(self, before: Image, after: Image) -> NDArray[np.uint8]:
        """(h, w) shares 0 to 255 of what is new in `after`; before, after (h, w, 3) BGR at 0.13 m a pixel, registered."""
        high, wide = before.shape[:2]
        rgb = [_padded(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) for image in (before, after)]
        output = self.session.run(["built"], {"before": rgb[0][None], "after": rgb[1][None]})[0][0]
        return np.asarray(output[:high, :wide], np.uint8)


def load_roof_network(models_dir: Path, threads: int = 1) -> RoofNetwork:
    """Open the registered network. Raises ModelMissing, ModelNotRegistered, ModelAltered, ModelMismatch."""
    model = find_model(models_dir, NAME)
    session = open_session(model, threads)
    inputs, outputs = [i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()]
    if inputs != ["before", "after"] or "built" not in outputs:
        raise ModelMismatch(
            path=model.path, cause=f"it takes {inputs} and gives {outputs}, not before, after and built"
        )
    network = RoofNetwork(ModelRef(name=NAME.replace("_", "-"), version=model.version, sha256=model.sha256), session)
    grey = np.full((STEP_PX * 4, STEP_PX * 4, 3), 90, np.uint8)
    network.built(grey, grey)  # the first run allocates; better now than on an alert
    return network


def roofs_of(shelf: Shelf, models_dir: Path, *, watched: bool) -> Roofs:
    """What the rooftop rule needs: the shelf, and where roofs are watched the networks that the registry has.

    Raises ModelMissing, ModelAltered, ModelMismatch: a network that is registered must be the registered one.
    """
    if not watched:
        return Roofs(shelf)
    try:
        first = load_detector(find_model(models_dir, FIRST), STRUCTURE)
        single = SingleNetwork(first.detect, first.ref)
    except ModelNotRegistered:
        single = None  # a first picture then is a baseline that nobody judged
    try:
        network = load_roof_network(models_dir)
    except ModelNotRegistered:
        return Roofs(shelf, single=single)  # the rule stands alone
    return Roofs(shelf, network.built, network.ref, single)


def _padded(image: NDArray[np.generic]) -> Image:
    """The picture with its last rows and columns mirrored up to the next multiple of STEP_PX."""
    high, wide = image.shape[:2]
    down, right = -high % STEP_PX, -wide % STEP_PX
    return np.asarray(
        cv2.copyMakeBorder(np.asarray(image, np.uint8), 0, down, 0, right, cv2.BORDER_REFLECT_101), np.uint8
    )
