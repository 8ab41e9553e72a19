"""The whole system as real processes, for journeys: broker, centre, boxes; each can be killed and started again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import yaml

from patrol.broker import Broker, free_port

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PATROL_SHARED_DATA", ROOT.parent / "shared" / "data"))
TOKENS = {"PATROL_TOKEN_STREET": "street-token-of-a-journey", "PATROL_TOKEN_YARD": "yard-token-of-a-journey"}
LOOPBACK = "127.0.0.1"


class System:
    """One district on loopback, everything below `folder`."""

    def __init__(
        self, folder: Path, cameras: list[dict[str, Any]], database: str = "sqlite:///center/patrol.db"
    ) -> None:
        self.folder = folder
        http_port = free_port()
        self.url = f"http://{LOOPBACK}:{http_port}"
        self.broker = Broker(folder / "broker", LOOPBACK, free_port())
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        document = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        document["cameras"] = cameras
        document["models_dir"] = str(ROOT / "models")
        for box in document["boxes"]:
            box["state_dir"] = f"box-{box['id']}"
        document["broker"] = {"url": self.broker.url}
        document["center"] = {
            "database": database, "evidence_dir": "center/evidence", "host": LOOPBACK, "port": http_port, "url": self.url,
        }  # fmt: skip
        self.config_path = folder / "config.yaml"
        self.config_path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    def start_center(self) -> None:
        """Start the centre; `await_center` waits for it."""
        self._spawn("center", ["patrol", "--log-json", "center"])

    def start_box(self, name: str) -> None:
        """Start a box."""
        self._spawn(f"box-{name}", ["patrol_edge", "--log-json", "--box", name])

    def _spawn(self, name: str, arguments: list[str]) -> None:
        with self.log_path(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--config", str(self.config_path)],
                env={**os.environ, **TOKENS}, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def log_path(self, name: str) -> Path:
        """What a process has said, over all of its lives."""
        return self.folder / f"{name}.log"

    def kill(self, name: str) -> None:
        """kill -9, as a power cut would, but for the disk's cache."""
        if name == "broker":
            assert self.broker.pid is not None
            os.kill(self.broker.pid, signal.SIGKILL)
            self.broker.wait(10)
            self.broker.stop()
            return
        process = self.processes.pop(name)
        process.kill()
        process.wait(10)

    def start(self, name: str) -> None:
        """Start again what was killed."""
        if name == "broker":
            self.broker.start()
        elif name == "center":
            self.start_center()
        else:
            self.start_box(name.removeprefix("box-"))

    def ask(self, path: str) -> Any:
        """The centre's answer, or None while it does not answer."""
        try:
            answer = httpx.get(f"{self.url}{path}", timeout=5, trust_env=False)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.is_success else None

    def until(self, what: str, condition: Callable[[], Any], seconds: float) -> Any:
        """Wait for a condition of other processes; AssertionError with their last words when it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        logs = "\n".join(
            f"--- {n}\n{self.log_path(n).read_text()[-3000:]}"
            for n in (*self.processes, "center")
            if self.log_path(n).exists()
        )
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")

    def await_center(self, seconds: float = 60) -> None:
        """Until the centre answers."""
        self.until("the centre answers", lambda: self.ask("/api/v1/health"), seconds)

    def incidents(self) -> list[dict[str, Any]]:
        """All incidents, newest first."""
        found: list[dict[str, Any]] = (self.ask("/api/v1/incidents?state=all&limit=500") or {}).get("incidents", [])
        return found

    def rows(self, box: str, query: str) -> list[tuple[Any, ...]]:
        """A look into a box's outbox."""
        path = self.folder / f"box-{box}" / "outbox.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'memory'").fetchall():
                return []  # the box is just making it
            return db.execute(query).fetchall()

    def stop(self) -> None:
        """End everything, boxes first."""
        for name in sorted(self.processes):
            self.processes[name].terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        self.broker.stop()
