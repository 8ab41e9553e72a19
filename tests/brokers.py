"""Real brokers for tests: the embedded NATS server (MQTT 3.1.1) and Mosquitto (MQTT 5)."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patrol.broker import Broker, answers, free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
WITHIN_S = 20.0


class Mosquitto:
    """Another broker, of the same kind as `patrol.broker.Broker` to a test. `tls`: its certificate, the key beside it."""

    def __init__(self, state_dir: Path, port: int, tls: Path | None = None) -> None:
        self._dir, self._port, self._tls = state_dir, port, tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'mqtt' if self._tls is None else 'mqtts'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._dir.mkdir(parents=True, exist_ok=True)
        config = self._dir / "mosquitto.conf"
        config.write_text(
            f"listener {self._port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self._dir}/\nautosave_interval 1\nuser root\n"
        )
        if self._tls is not None:
            with config.open("a") as more:
                more.write(f"certfile {self._tls}\nkeyfile {self._tls.with_suffix('.key')}\n")
        with (self._dir / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + WITHIN_S
        while not answers("127.0.0.1", self._port):
            assert time.monotonic() < deadline, "Mosquitto did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WITHIN_S)
            self._process = None


AnyBroker = Broker | Mosquitto


@contextlib.contextmanager
def started(broker: AnyBroker) -> Iterator[AnyBroker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextlib.contextmanager
def a_broker(kind: str, folder: Path) -> Iterator[AnyBroker]:
    """A broker of the test's own, which it may stop and start. `kind`: nats or mosquitto; skips loudly without Mosquitto."""
    if kind == "mosquitto" and MOSQUITTO is None:
        pytest.skip("MOSQUITTO IS NOT INSTALLED: the broker tests do not run on it (apt-get install mosquitto)")
    port = free_port()
    broker: AnyBroker = (
        Mosquitto(folder / "mosquitto", port) if kind == "mosquitto" else Broker(folder / "nats", "127.0.0.1", port)
    )
    with started(broker):
        yield broker
