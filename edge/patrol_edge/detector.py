"""The one file that imports onnxruntime: a picture in, detections out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnxruntime

from patrol.errors import ModelMismatch
from patrol.events import ModelRef
from patrol_edge.decode import boxes_from, fit
from patrol_edge.frame import Detections, Image
from patrol_edge.registry import ModelFile

LOWEST_SCORE = 0.1  # below this nothing becomes a detection; zones set their own, higher threshold


class Detector(Protocol):
    """Anything that finds objects in a picture."""

    @property
    def ref(self) -> ModelRef:
        """Which network it is."""

    def detect(self, image: Image) -> Detections:
        """Objects in one (h, w, 3) BGR picture."""


@dataclass(frozen=True)
class OnnxDetector:
    """A registered network on onnxruntime. Safe to call from several threads."""

    ref: ModelRef
    classes: tuple[str, ...]
    height_px: int
    width_px: int
    session: onnxruntime.InferenceSession

    def detect(self, image: Image) -> Detections:
        """Objects in one (h, w, 3) BGR picture, in its own pixels."""
        fitted, letterbox = fit(image, self.height_px, self.width_px)
        output = self.session.run(None, {"image": fitted[None]})[0][0]
        return boxes_from(output, letterbox, (image.shape[1], image.shape[0]), self.classes, LOWEST_SCORE)


def load_detector(model: ModelFile, needed_classes: frozenset[str], threads: int = 1) -> OnnxDetector:
    """Open a network and check that it is what the rules need.

    Raises ModelMismatch when it cannot be opened, has another input or output, or lacks a class.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # spinning threads cost 40 % more CPU on a busy box and gain nothing (DESIGN section 6)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    except Exception as err:  # onnxruntime raises classes of its C core that share no base of their own
        raise ModelMismatch(path=model.path, cause=f"onnxruntime cannot open it: {err}"[:300]) from err
    (height_px, width_px), classes = _checked_shape(session, model)
    missing = needed_classes - set(classes)
    if missing:
        raise ModelMismatch(path=model.path, cause=f"it does not know the classes {', '.join(sorted(missing))}")
    ref = ModelRef(name=model.name, version=model.version, sha256=model.sha256)
    detector = OnnxDetector(ref, classes, height_px, width_px, session)
    detector.detect(
        np.zeros((height_px, width_px, 3), np.uint8)
    )  # the first run allocates; better now than on an alert
    return detector


def _checked_shape(session: onnxruntime.InferenceSession, model: ModelFile) -> tuple[tuple[int, int], tuple[str, ...]]:
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or inputs[0].name != "image" or inputs[0].type != "tensor(uint8)" or len(shape) != 4:
        raise ModelMismatch(path=model.path, cause="its input is not 'image', uint8, [n, height, width, 3]")
    if not (isinstance(shape[1], int) and isinstance(shape[2], int) and shape[3] == 3):
        raise ModelMismatch(path=model.path, cause=f"its input size is not fixed: {shape}")
    inside = json.loads(session.get_modelmeta().custom_metadata_map.get("classes", "[]"))
    if tuple(inside) != model.classes:
        raise ModelMismatch(path=model.path, cause=f"its classes are {inside}, registered are {list(model.classes)}")
    return (shape[1], shape[2]), model.classes
