"""The one file that imports onnxruntime: a picture in, detections out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from patrol.errors import ModelMismatch
from patrol.events import ModelRef
from patrol_edge.decode import boxes_from, fit
from patrol_edge.frame import Detections, Image
from patrol_edge.registry import ModelFile

LOWEST_SCORE = 0.1  # below this nothing becomes a detection; zones set their own, higher threshold


class Session(Protocol):
    """What of an onnxruntime.InferenceSession is used."""

    def run(self, names: list[str] | None, inputs: dict[str, NDArray[np.uint8]]) -> Any:
        """The named outputs, or all."""

    def get_inputs(self) -> Any:
        """Its inputs, each with name, type and shape."""

    def get_outputs(self) -> Any:
        """Its outputs, likewise."""

    def get_modelmeta(self) -> Any:
        """What the file says of itself."""


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
    session: Session

    def detect(self, image: Image) -> Detections:
        """Objects in one (h, w, 3) BGR picture, in its own pixels."""
        fitted, letterbox = fit(image, self.height_px, self.width_px)
        output = self.session.run(None, {"image": fitted[None]})[0][0]
        return boxes_from(output, letterbox, (image.shape[1], image.shape[0]), self.classes, LOWEST_SCORE)


def load_detector(model: ModelFile, needed_classes: frozenset[str], threads: int = 1) -> OnnxDetector:
    """Open a network and check that it is what the rules need.

    Raises ModelMismatch when it cannot be opened, has another input or output, or lacks a class.
    """
    session = open_session(model, threads)
    (height_px, width_px), classes = checked_shape(session, model)
    missing = needed_classes - set(classes)
    if missing:
        raise ModelMismatch(path=model.path, cause=f"it does not know the classes {', '.join(sorted(missing))}")
    # the wire's names have hyphens where the registry's have underscores
    ref = ModelRef(name=model.name.replace("_", "-"), version=model.version, sha256=model.sha256)
    detector = OnnxDetector(ref, classes, height_px, width_px, session)
    detector.detect(
        np.zeros((height_px, width_px, 3), np.uint8)
    )  # the first run allocates; better now than on an alert
    return detector


def open_session(model: ModelFile, threads: int) -> Session:
    """The network's session on `threads` threads of the processor. Raises ModelMismatch when it cannot be opened."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # spinning threads cost 40 % more CPU on a busy box and gain nothing (DESIGN section 6)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session: Session = onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    except Exception as err:  # onnxruntime raises classes of its C core that share no base of their own
        raise ModelMismatch(path=model.path, cause=f"onnxruntime cannot open it: {err}"[:300]) from err
    return session


def checked_shape(session: Session, model: ModelFile) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Height and width of the network's input, and its classes. Raises ModelMismatch when it is another kind of network."""
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
