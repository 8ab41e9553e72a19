"""`patrol sim --camera` as a program: a drone flies, the box's own reader watches, and what it sees is what is there."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.broker import free_port
from patrol.config import load
from patrol.flight.sim.camera import LENS
from patrol.flight.sim.district_view import district_view
from patrol.geo import Camera, Pose
from patrol_edge.video import frames_of_live
from tests.flight.test_fly import HOLD_S, ROOT, a_round, fly, interrupt, sim

PATIENCE_S = 120.0  # a first picture waits for compiled kernels and for the district
Image = NDArray[np.uint8]


class Now:
    """The box's clock."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)


def one_part(address: str) -> tuple[Pose, float, Image]:
    """The next picture with what its head says: the true pose, and the scene's time."""
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as stream:  # noqa: S310 - an address of this test
        head, line = dict[str, str](), b""
        while "Content-Length" not in head or line != b"\r\n":
            line = stream.readline()
            name, _, value = line.decode().strip().partition(": ")
            head[name] = value
        data = np.frombuffer(stream.read(int(head["Content-Length"])), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    east, north, up, yaw, pitch = (float(v) for v in head["X-Pose"].split())
    return Pose(east, north, up, yaw, pitch), float(head["X-Scene-Time"]), np.asarray(image, np.uint8)


def test_a_box_sees_what_the_drone_flies_over(tmp_path: Path) -> None:
    """On the ground and in the air the box's reader gets different pictures, each the district from the drone's true pose; Ctrl-C ends it."""
    port, config = free_port(), load(ROOT / "config.yaml")
    fitted = config.drones[0].camera
    lens = LENS if fitted is None else fitted.lens.geo
    seen = list[Image]()
    with sim("ardupilot", port, "--ready", "--camera", "0", "--fps", "5", speed=5.0) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        below, _, on_ground = one_part(address)

        def look(flight: subprocess.Popen[str]) -> None:
            for frame in frames_of_live(address, "falcon", Now()):
                seen.append(frame.image)
                if len(seen) == 3:
                    break
            high, scene_s, image = one_part(address)
            drawn = district_view(config)()(Camera(lens, high), scene_s)
            again = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
            assert again is not None
            assert high.up_m > 15.0
            assert np.abs(image.astype(int) - again).mean() < 4.0
            interrupt(flight)
            interrupt(flight)

        fly("ardupilot", port, tmp_path, mission=a_round("ardupilot", hold_s=HOLD_S), high=[look])
        assert len(seen) == 3
        assert below.up_m < 1.0
        assert {image.shape for image in seen} == {(lens.height_px, lens.width_px, 3)}
        assert np.abs(seen[-1].astype(int) - on_ground).mean() > 10.0
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def test_a_taken_port_ends_it_with_a_message() -> None:
    """`--camera` on a port where something listens: status 2, one line that names the port, in the language asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "patrol", "sim", "--camera", port, "--link", "udpout://127.0.0.1:9"]
        second = subprocess.run(
            command, cwd=ROOT, env={"PATROL_LANG": "zh-CN"}, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )  # fmt: skip
    assert second.returncode == 2
    assert f"{port} 已被占用" in second.stderr
    assert "Traceback" not in second.stderr
