"""PyPI's ``fire-detector`` as ONNX, for the evaluation only: its weights run under the same clock as ours.

The package states no licence; nothing of it is kept in the repository. Install it without its dependencies, which would
replace torch: ``.venv-train/bin/pip install --no-deps fire-detector==1.0.3``.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from models.recipes import export, network

INPUT_SIZE = (640, 640)  # what the package itself feeds it
WEIGHTS = "models/light_yolov8_flame.pt"


def package() -> Path | None:
    """The installed package's folder, found without importing it (its import wants torchvision's operators); None if absent."""
    spec = importlib.util.find_spec("fire_detector")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) if folders else None


def write_fire_detector(file: Path) -> bool:
    """Export the package's detector to ``file``; False if the package is not installed.

    Its checkpoint names classes of ``__main__``: those of its ``modules.py`` are put there first, as its own import does.
    """
    folder = package()
    if folder is None:
        return False
    spec = importlib.util.spec_from_file_location("fire_detector_modules", folder / "modules.py")
    if spec is None or spec.loader is None:
        return False
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main = sys.modules["__main__"]
    for name in ("FasterNetC2f", "FasterNetBlock", "PartialConv2d"):
        setattr(main, name, getattr(module, name))
    detector = network.load(folder / WEIGHTS)
    names = [str(detector.names[number]) for number in sorted(detector.names)]
    export.write_onnx(detector, INPUT_SIZE, {"classes": json.dumps(names)}, file)
    return True
