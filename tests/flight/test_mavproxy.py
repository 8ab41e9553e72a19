"""MAVProxy, another ground station, sees on the simulated drone the mission and the fence that `patrol fly` put there."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

from patrol.broker import free_port
from patrol.flight.compare import Firmware
from patrol.flight.compile import compile_mission
from patrol.flight.messages import MissionType
from patrol.planning.files.qgc import write_plan
from tests.flight.conftest import FIRMWARES
from tests.flight.test_fly import DEADLINE_S, DRONES, ENVIRONMENT, ROOT, a_round

MAVPROXY = ROOT / ".venv-mavproxy" / "bin" / "mavproxy.py"


class Shell:
    """MAVProxy's command line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._lines, self.said = process, queue.Queue[str](), list[str]()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def expect(self, text: str) -> None:
        """Until a line has this in it; fails after the deadline with all that was said."""
        give_up_at = time.monotonic() + DEADLINE_S
        while not (self.said and text in self.said[-1]):
            try:
                self.said.append(self._lines.get(timeout=max(give_up_at - time.monotonic(), 0.0)))
            except queue.Empty:
                pytest.fail(f"MAVProxy never said {text!r}:\n{''.join(self.said)}")

    def say(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def fence_items_in(log: Path) -> list[tuple[int, int, int, int]]:
    """(number, command, x, y) of each item that came after MAVProxy had asked for the fence, by its own log; each once."""
    reader: Any = mavutil.mavlink_connection(str(log))
    found, asked = dict[int, tuple[int, int, int, int]](), False
    try:
        while (m := reader.recv_match(type=["MISSION_REQUEST_LIST", "MISSION_ITEM_INT"])) is not None:
            if m.get_type() == "MISSION_REQUEST_LIST":
                asked = m.mission_type == MissionType.FENCE
            elif asked and m.get_srcSystem() == 1:
                found[m.seq] = (m.seq, m.command, m.x, m.y)
    finally:
        reader.close()
    return [found[n] for n in sorted(found)]


def until(holds: Callable[[], bool]) -> None:
    """Until it holds; fails after the deadline."""
    give_up_at = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.2)


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program; killed afterwards."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


@pytest.mark.xdist_group("mavproxy")
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_mavproxy_lists_mission_and_fence(firmware: Firmware, tmp_path: Path) -> None:
    """It connects and lists every item of the mission and of the fence at its place; of PX4's fence by its own log of what came.

    PX4 gives fence items the mission's type, and MAVProxy, which got them all, does not take them for a fence.
    """
    if not MAVPROXY.exists():
        pytest.skip("MAVProxy is not installed: make/peers puts it into .venv-mavproxy")
    port, (name, home) = free_port(), DRONES[firmware]
    mission = a_round(firmware)
    (tmp_path / "round.plan").write_text(write_plan(mission), encoding="utf-8")
    patrol = [sys.executable, "-m", "patrol"]
    place = ["--home", str(home.lat_deg), str(home.lon_deg)]
    with running(
        [*patrol, "sim", "--autopilot", firmware, "--ready", *place, "--link", f"udpout://127.0.0.1:{port}"], ROOT
    ):
        upload = [*patrol, "fly", str(tmp_path / "round.plan"), "--drone", name, "--dry-run", "--within", "60"]
        options = ["--connect", f"udp:127.0.0.1:{port}", "--kept", str(tmp_path / "kept")]
        subprocess.run(
            [*upload, *options], cwd=ROOT, env=ENVIRONMENT, check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL
        )
        modules = ["--default-modules=wp,fence", f"--state-basedir={tmp_path}"]
        with running(
            [str(MAVPROXY.with_name("python")), str(MAVPROXY), f"--master=udp:127.0.0.1:{port}", *modules], tmp_path
        ) as process:
            shell = Shell(process)
            shell.expect("online system 1")
            lists = compile_mission(mission).lists
            shell.say("wp list")
            shell.expect(f"Saved {len(lists[MissionType.MISSION])} waypoints to")
            shell.say("fence list")
            fence = lists[MissionType.FENCE]
            shell.expect(f"Requesting {len(fence)} fence items")
            if firmware == "ardupilot":
                shell.expect(f"Saved {len(fence)} fence items to")
            expected = [(n, item.command, item.x, item.y) for n, item in enumerate(fence)]
            until(lambda: fence_items_in(tmp_path / "mav.tlog") == expected)
            for item in (*lists[MissionType.MISSION], *(fence if firmware == "ardupilot" else ())):
                if item.command in {16, 21, 22, 5001}:
                    line = f"{item.x / 1e7:.10f} {item.y / 1e7:.10f}"
                    assert any(said.startswith(f"{item.command} ") and line in said for said in shell.said), line
