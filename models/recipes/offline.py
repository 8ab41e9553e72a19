"""Make torch, torchvision and ultralytics importable on a CPU without a network.

The torchvision wheel on PyPI is a CUDA build: next to a CPU torch its compiled ``nms`` is missing and its import fails while
it registers a shape rule for it. Declaring the operator first is enough, since the recipes never call it (``labels.nms``
is used instead). ultralytics would otherwise look for fonts, updates and missing packages on the network.
"""

from __future__ import annotations

import os
from pathlib import Path

_declared: list[object] = []  # keeps the operator library alive: torch forgets operators whose library is collected


def prepare(settings_dir: Path, threads: int = 2) -> None:
    """Set the offline switches, declare ``torchvision::nms`` and bound torch's threads. Call before any ultralytics import.

    settings_dir: where ultralytics may keep its settings file; created if missing. threads: CPU threads for torch.
    """
    settings_dir.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        YOLO_OFFLINE="true",
        YOLO_AUTOINSTALL="false",
        YOLO_CONFIG_DIR=str(settings_dir),
        YOLO_VERBOSE="false",
        CI="true",
        MPLBACKEND="Agg",
    )
    import torch  # noqa: PLC0415  # here, not at the top: the switches above must be set before any of these packages loads

    torch.set_num_threads(threads)
    if not _declared:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
