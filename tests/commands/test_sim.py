"""`patrol sim` as a program: what it says, and its exit status, when its link is none or ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120.0


def sim(*options: str) -> subprocess.Popen[str]:
    """The program, started; its errors come in English."""
    environment = {**os.environ, "PATROL_LANG": "en"}
    command = [sys.executable, "-m", "patrol", "sim", *options]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("options", "said"), [
    (["--link", "serial:/dev/no-such-line:57600", "--count", "2"], "cannot be opened"),
    (["--link", "udpout://127.0.0.1:9", "--home", "122.5", "114.0"], "--home"),
])  # fmt: skip
def test_what_cannot_fly_is_told_in_one_line(options: list[str], said: str) -> None:
    """A line that is not there and a home that is not on Earth end it with status 2 and a message, not with a traceback."""
    process = sim(*options)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, said in errors, "Traceback" in errors) == (2, True, False)


def test_a_link_that_the_far_end_closes_ends_it() -> None:
    """A simulator whose ground station closes the connection says so and ends, instead of flying on with nobody to hear."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        process = sim("--link", f"tcp:127.0.0.1:{server.getsockname()[1]}")
        try:
            connection, _ = server.accept()
            connection.close()
            _, errors = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
            process.wait(DEADLINE_S)
    assert (process.returncode, "the far end closed it" in errors or "reset" in errors) == (2, True)
