"""The demonstration: broker, centre, one box and a station as real processes, on a rendered clip or on any other.

The station flies a patrol of the district with simulated drones, a minute or so after the start. What a drone's camera
would see is rendered from where it is; the box watches it, and what it finds there becomes a case like any other.

Everything it makes lies under var/demo beside the configuration: the clips, and in var/demo/run, made anew
each time, a configuration of its own with free ports, queues, database, evidence and logs. Nothing else is touched.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import yaml

from patrol.broker import Broker, answers, free_port
from patrol.config.values import PLACEHOLDER
from patrol.errors import Language, SourceMissing, StartTimeout, Text
from patrol.terminal import language_of

BOX = "street"
LOOPBACK = "127.0.0.1"
READY_WITHIN_S = 45.0
STOP_WITHIN_S = 10.0
LOOK_EVERY_S = 0.25
ASK_TIMEOUT_S = 5.0
FLIES_AFTER_S = 20
FLOWN = "court-round"  # the patrol that is flown, where the district has it; else its first
CLIP_ZONES: list[dict[str, Any]] = [
    {"id": "everywhere-people", "hazard": "perimeter-intrusion", "hours": ["00:00-24:00"]},
    {"id": "everywhere-vehicles", "hazard": "blocked-fire-lane", "dwell_s": 20, "clear_s": 10},
]

BROKER = Text("broker: {url}", "消息代理：{url}")
CENTRE = Text("centre: {url}", "中心：{url}")
A_BOX = Text("box: {box}", "盒子：{box}")
STATION = Text("station: {patrol} takes off at {at}, simulated", "机场：{patrol} 于 {at} 起飞（模拟）")
CASE = Text("case {number}: {hazard} at {camera}", "案件 {number}：{camera} 发现 {hazard}")
AGAIN = Text("case {number}: seen again, by {camera}", "案件 {number}：{camera} 再次看到")
FLIGHT = Text("flight of {drone} ({patrol}): {phase}", "{drone} 的飞行（{patrol}）：{phase}")

Say = Callable[[str], None]


def demo_document(
    document: dict[str, Any],
    clips: Mapping[str, str],
    models_dir: str,
    mqtt_port: int,
    http_port: int,
    camera_ports: Mapping[str, int],
    takes_off: datetime,
) -> dict[str, Any]:
    """The district's configuration with the demonstration's clips and ports; one patrol, put first, is flown at `takes_off`. Pure.

    `clips` maps cameras of the demonstration's box to sources; its other cameras are left out. One
    camera called `clip` watches the whole picture for people and vehicles that stay. `camera_ports`: where each drone's
    live picture is shown.
    """
    cameras: list[dict[str, Any]] = [
        {**camera, "source": clips[camera["id"]], "loop": True}
        for camera in document["cameras"]
        if camera["box"] == BOX and camera["id"] in clips
    ]
    if "clip" in clips:
        whole = [[0, 0], [1280, 0], [1280, 720], [0, 720]]
        cameras.append(
            {
                "id": "clip", "name": {"zh": "自选画面", "en": "Your clip"}, "box": BOX, "source": clips["clip"], "loop": True,
                "lens": {"width_px": 1280, "height_px": 720, "hfov_deg": 65},
                "zones": [{**zone, "polygon_px": whole} for zone in CLIP_ZONES],
            }
        )  # fmt: skip
    boxes = [{**box, "state_dir": f"box-{box['id']}"} for box in document["boxes"] if box["id"] == BOX]
    first, *others = sorted(document["patrols"], key=lambda patrol: patrol["id"] != FLOWN)
    drones = [
        {
            **drone,
            "camera": {
                **drone["camera"],
                "box": BOX,
                "source": f"http://{LOOPBACK}:{camera_ports[drone['id']]}/{drone['id']}",
            },
        }
        if "camera" in drone
        else drone
        for drone in document["drones"]
    ]
    local = takes_off.astimezone(ZoneInfo(document["district"]["timezone"]))
    soon = {**first, "cron": f"{local.minute} {local.hour} * * *", "windows": [], "blackout_days": []}
    return {
        **document,
        "patrols": [soon, *others],
        "drones": drones,
        "station": {**document.get("station", {}), "state_dir": "station"},
        "boxes": boxes,
        "cameras": cameras,
        "models_dir": models_dir,
        "broker": {"url": f"mqtt://{LOOPBACK}:{mqtt_port}"},
        "center": {
            "database": "sqlite:///center/patrol.db", "evidence_dir": "center/evidence", "host": LOOPBACK, "port": http_port,
            "url": f"http://{LOOPBACK}:{http_port}",
        },
    }  # fmt: skip


def news(
    told: dict[str, object], incidents: Sequence[Mapping[str, Any]], flights: Sequence[Mapping[str, Any]],
    language: Language = "en",
) -> list[str]:  # fmt: skip
    """A line for every new case, every alert that joined one, and every new phase of a flight. Remembers them in `told`."""
    lines: list[str] = []
    for incident in reversed(incidents):
        name, count = incident["incident_id"], incident["alert_count"]
        if told.get(name) != count:
            facts = {
                "number": incident["case_number"],
                "hazard": incident["hazard"],
                "camera": incident["camera"]["id"],
            }
            lines.append((AGAIN if name in told else CASE).render(language, **facts))
        told[name] = count
    for flight in reversed(flights):
        name, phase = flight["flight_id"], flight["phase"]
        if told.get(name) != phase:
            patrol = (flight["patrol"] or {"id": "request"})["id"]
            lines.append(FLIGHT.render(language, drone=flight["drone"]["id"], patrol=patrol, phase=phase))
        told[name] = phase
    return lines


def take_off_time(now: datetime) -> datetime:
    """A whole minute, when the station is sure to run and nobody has waited long."""
    return (now + timedelta(seconds=FLIES_AFTER_S + 60)).replace(second=0, microsecond=0)


def secrets_for(document: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """A random value for every `${NAME}` of the configuration that the environment does not set."""
    names = PLACEHOLDER.findall(json.dumps(document))
    return {name: environ.get(name) or secrets.token_hex(32) for name in names}


@dataclass
class Demo:
    """The processes of one demonstration."""

    folder: Path
    config_path: Path
    broker: Broker
    url: str
    say: Say
    patrol: str
    takes_off: datetime
    drones: frozenset[str] = frozenset()
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, environ: Mapping[str, str]) -> None:
        """Broker, centre, box, station, in this order, each ready before the next. Raises ProgramError."""
        self._tell(BROKER, url=self.broker.url)
        self.broker.start()
        arguments = ["--config", str(self.config_path)]
        self._spawn("center", [sys.executable, "-m", "patrol", "center", *arguments], environ)
        self._await_center()
        self._tell(CENTRE, url=self.url)
        self._spawn("box", [sys.executable, "-m", "patrol_edge", "--box", BOX, *arguments], environ)
        self._tell(A_BOX, box=BOX)
        self._spawn("station", [sys.executable, "-m", "patrol", "station", "--sim", *arguments], environ)
        self._tell(STATION, patrol=self.patrol, at=f"{self.takes_off.astimezone():%H:%M}")

    def _tell(self, text: Text, **facts: object) -> None:
        self.say(text.render(language_of(os.environ), **facts))

    def _spawn(self, name: str, command: list[str], environ: Mapping[str, str]) -> None:
        with self.log_path(name).open("ab") as log:
            # sessions of their own: Ctrl-C reaches only us, and we end them in the right order
            self.children[name] = subprocess.Popen(
                command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def log_path(self, name: str) -> Path:
        """What a process says."""
        return self.folder / f"{name}.log"

    def _await_center(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            self.check()
            if self.ask("/api/v1/health") is not None:
                return
            time.sleep(LOOK_EVERY_S)
        raise StartTimeout(program="patrol center", seconds=READY_WITHIN_S, log=self.log_path("center"))

    def check(self) -> None:
        """Raises StartTimeout naming the log when a process has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise StartTimeout(program=name, seconds=0, log=self.log_path(name))

    def ask(self, path: str) -> Any:
        """The centre's answer, or None while it does not answer."""
        try:
            answer = httpx.get(f"{self.url}{path}", timeout=ASK_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.is_success else None

    def run(self, stop: Flag, seconds: float | None) -> None:
        """Until `stop`, or for `seconds`, telling of every new case."""
        deadline = None if seconds is None else time.monotonic() + seconds
        told: dict[str, object] = {}
        while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
            self.check()
            found = self.ask("/api/v1/incidents?state=all&limit=200") or {}
            flown = self.ask("/api/v1/flights?limit=50") or {}
            for line in news(told, found.get("incidents", []), flown.get("flights", []), language_of(os.environ)):
                self.say(line)
            stop.wait(1.0)

    def summary(self) -> dict[str, Any]:
        """Counts and latencies of the whole demonstration, from the centre."""
        health = self.ask("/api/v1/health") or {}
        incidents = (self.ask("/api/v1/incidents?state=all&limit=500") or {}).get("incidents", [])
        evidence = [item for incident in incidents for item in incident["evidence"]]
        flights = (self.ask("/api/v1/flights?limit=50") or {}).get("flights", [])
        details = [self.ask(f"/api/v1/incidents/{incident['incident_id']}") or {} for incident in incidents]
        seen_by = [alert["camera"] for detail in details for alert in detail.get("alerts", [])]
        return {
            "incidents": len(incidents),
            "alerts": sum(incident["alert_count"] for incident in incidents),
            "alerts_from_drones": sum(camera in self.drones for camera in seen_by),
            "flights": {flight["flight_id"]: flight["phase"] for flight in flights},
            "evidence_stored": sum(item["state"] == "stored" for item in evidence),
            "evidence_waiting": sum(item["state"] == "waiting" for item in evidence),
            "dead_letters": (health.get("counts") or {}).get("dead_letters"),
            "latency": health.get("latency"),
            "page": self.url,
        }

    def stop(self) -> None:
        """End station, box, centre, broker, in this order, so that the last messages still arrive."""
        for name in ("station", "box", "center"):
            child = self.children.pop(name, None)
            if child is None or child.poll() is not None:
                continue
            child.terminate()
            try:
                child.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.broker.stop()


def prepare(
    config_path: Path, clips: Mapping[str, str], say: Say, environ: Mapping[str, str]
) -> tuple[Demo, dict[str, str]]:
    """Write the demonstration's configuration; returns it with the environment for its processes."""
    root = config_path.resolve().parent
    folder = root / "var" / "demo" / "run"
    # each demonstration begins anew: a case that is open already would not be seen to appear
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    document = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    mqtt_port, http_port = _port(1883), _port(8080)
    models_dir = os.path.relpath(root / document.get("models_dir", "models"), folder)
    takes_off = take_off_time(datetime.now(UTC))
    camera_ports = {drone["id"]: free_port(LOOPBACK) for drone in document["drones"] if "camera" in drone}
    demo_config = demo_document(document, clips, models_dir, mqtt_port, http_port, camera_ports, takes_off)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(demo_config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    child_environ = {**environ, **secrets_for(demo_config, environ)}
    broker, url = Broker(folder / "broker", LOOPBACK, mqtt_port), f"http://{LOOPBACK}:{http_port}"
    demo = Demo(folder, path, broker, url, say, demo_config["patrols"][0]["id"], takes_off, frozenset(camera_ports))
    return demo, child_environ


def _port(preferred: int) -> int:
    return free_port(LOOPBACK) if answers(LOOPBACK, preferred) else preferred


def named_clip(clip: str) -> str:
    """The clip as the box will find it. Raises SourceMissing for a file that is not there."""
    if "://" in clip or clip.startswith("/dev/video"):
        return clip
    path = Path(clip).expanduser().resolve()
    if not path.exists():
        raise SourceMissing(source=clip)
    return str(path)
