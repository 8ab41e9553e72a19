"""From a real RTSP camera to a case with its picture, through every real part; and a camera that goes away and returns."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from patrol.broker import free_port
from tests.journeys.system import ROOT, SHARED, System

SYSTEM_PYTHON = "/usr/bin/python3"
CLIP = SHARED / "clips" / "people-yard.mp4"


class RtspServer:
    """GStreamer's RTSP server with the yard film."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """What a box is told."""
        return f"rtsp://127.0.0.1:{self.port}/yard"

    def start(self) -> None:
        """Begin to serve; the film starts when somebody asks."""
        script = Path(__file__).with_name("rtsp_server.py")
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(script), str(CLIP), str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """Pull the plug."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def rtsp() -> Iterator[RtspServer]:
    """A real RTSP server; skips loudly where its parts or the film are missing."""
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        found = (
            subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, timeout=30, check=False).returncode == 0
        )
    except OSError:
        found = False
    if not found:
        pytest.skip(
            "no RTSP server: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad}"
        )
    if not CLIP.exists():
        pytest.skip(f"shared data missing: {CLIP} (set PATROL_SHARED_DATA)")
    server = RtspServer()
    yield server
    server.stop()


def yard_camera(source: str, whole_picture: bool) -> dict[str, Any]:
    """The demo district's yard camera on another source; with the whole picture as zone, somebody is always in it."""
    document = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    camera: dict[str, Any] = next(c for c in document["cameras"] if c["id"] == "yard")
    camera["source"] = source
    if whole_picture:
        camera["zones"][0]["polygon_px"] = [[0, 0], [768, 0], [768, 576], [0, 576]]
    return camera


def camera_state(system: System) -> str:
    """What the centre knows of the yard camera."""
    for box in (system.ask("/api/v1/boxes") or {}).get("boxes", []):
        for camera in box["cameras"]:
            return str(camera["state"])
    return ""


@pytest.mark.slow
def test_a_real_camera_ends_as_a_case_with_its_picture(rtsp: RtspServer, tmp_path: Path) -> None:
    """People on a film that a real RTSP server sends become one case; its picture at the centre has the bytes the alert named; the camera's death and return are seen."""
    rtsp.start()
    system = System(tmp_path, [yard_camera(rtsp.url, whole_picture=True)])
    try:
        system.broker.start()
        system.start_center()
        system.await_center()
        system.start_box("yard")
        system.until("a case", system.incidents, 60)
        incident = system.until(
            "its picture",
            lambda: next((i for i in system.incidents() if all(e["state"] == "stored" for e in i["evidence"])), None),
            60,
        )
        assert incident["case_number"]
        assert incident["hazard"] == "perimeter-intrusion"
        assert incident["camera"]["id"] == "yard"
        for item in incident["evidence"]:
            picture = httpx.get(system.url + item["url"], timeout=10, trust_env=False)
            assert hashlib.sha256(picture.content).hexdigest() == item["sha256"]
            assert picture.content[:2] == b"\xff\xd8"
        seen = datetime.fromisoformat(incident["last_seen_at"])
        found = datetime.fromisoformat(incident["found_at"])
        print(f"\nframe to stored case: {(found - seen).total_seconds():.3f} s", file=sys.stderr)

        rtsp.stop()
        system.until("the camera is lost", lambda: camera_state(system) == "lost", 60)
        rtsp.start()
        system.until("the camera is back", lambda: camera_state(system) == "watching", 60)
        assert system.ask("/api/v1/dead-letters")["dead_letters"] == []
        assert len(system.incidents()) == 1
    finally:
        system.stop()
