"""Where the shared data lies; a test that needs some of it skips loudly when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def shared(name: str) -> Path:
    """A path in the shared data. Skips the test when it is missing."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"shared data is missing: {name}")
    return path
