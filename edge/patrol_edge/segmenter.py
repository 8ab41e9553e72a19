"""A registered segmentation network: a picture in, the share of each small square of it that is water (or the like) out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from patrol.errors import ModelMismatch
from patrol.events import ModelRef
from patrol_edge.decode import Letterbox, fit
from patrol_edge.detector import Session, checked_shape, open_session
from patrol_edge.frame import Detections, Image, Shares
from patrol_edge.registry import ModelFile

TASK = "segment"  # what the registry calls such a network


@dataclass(frozen=True)
class OnnxSegmenter:
    """A network whose output carries its one class's name: uint8 [n, h, w], 255 times the share. Safe to call from several threads."""

    ref: ModelRef
    classes: tuple[str, ...]
    height_px: int
    width_px: int
    session: Session

    def detect(self, image: Image) -> Detections:
        """No boxes; `maps` holds the shares of one (h, w, 3) BGR picture, the whole of it and nothing else."""
        fitted, letterbox = fit(image, self.height_px, self.width_px)
        output = self.session.run([self.classes[0]], {"image": fitted[None]})[0][0]
        shares = without_borders(output, letterbox, (image.shape[1], image.shape[0]), (self.width_px, self.height_px))
        return replace(Detections.none(self.classes), maps={self.classes[0]: shares})


def without_borders(output: Shares, how: Letterbox, size_px: tuple[int, int], input_px: tuple[int, int]) -> Shares:
    """The part of a network's (h, w) output that shows the picture.

    how: where the picture of `size_px` (width, height) was placed in the input of `input_px` (width, height).
    """
    step_x, step_y = input_px[0] / output.shape[1], input_px[1] / output.shape[0]
    left, right = round(how.left_px / step_x), round((how.left_px + size_px[0] * how.scale) / step_x)
    top, bottom = round(how.top_px / step_y), round((how.top_px + size_px[1] * how.scale) / step_y)
    return output[top : max(bottom, top + 1), left : max(right, left + 1)]


def load_segmenter(model: ModelFile, needed_classes: frozenset[str], threads: int = 1) -> OnnxSegmenter:
    """Open a network and check that it is what the rules need.

    Raises ModelMismatch when it cannot be opened, has another input or output, or lacks a class.
    """
    session = open_session(model, threads)
    (height_px, width_px), classes = checked_shape(session, model)
    outputs = session.get_outputs()
    if len(classes) != 1 or [o.name for o in outputs] != list(classes) or outputs[0].type != "tensor(uint8)":
        raise ModelMismatch(path=model.path, cause=f"its output is not '{classes[0]}', uint8, [n, height, width]")
    if missing := needed_classes - set(classes):
        raise ModelMismatch(path=model.path, cause=f"it does not know the classes {', '.join(sorted(missing))}")
    ref = ModelRef(name=model.name.replace("_", "-"), version=model.version, sha256=model.sha256)
    segmenter = OnnxSegmenter(ref, classes, height_px, width_px, session)
    segmenter.detect(
        np.zeros((height_px, width_px, 3), np.uint8)
    )  # the first run allocates; better now than on an alert
    return segmenter
