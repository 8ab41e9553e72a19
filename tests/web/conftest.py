"""The console, built once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def console() -> Path:
    """Folder of the built console; it is built from web/ when it is not up to date."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "web" / "build.py")], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "patrol" / "center" / "console"
