"""Opening the database, and transactions on it. What goes wrong there leaves as a StorageError."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

from patrol.center.store.tables import SCHEMA_VERSION, metadata, schema
from patrol.config.values import PLACEHOLDER, reveal
from patrol.errors import DatabaseFromFuture, DatabaseUnusable, DiskFull, StorageError, Text

BUSY_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5
# One writer at a time, also among several centres on one PostgreSQL: folding reads what it then changes.
# The number is arbitrary and only has to be the same in all of them.
ADVISORY_LOCK = 0x50_41_54_52
WRITES = "patrol_writes"


class Unstorable(Exception):
    """The database is well but cannot hold this value. Never leaves this package: it becomes a dead letter."""


class Database:
    """Connections to one database. Safe to use from several threads."""

    def __init__(self, url: URL) -> None:
        self._engine = _make_engine(url)
        self._writer = self._engine.execution_options(**{WRITES: True})
        self._path = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self.kind = url.get_backend_name()
        self.shown_url = url.render_as_string(hide_password=True)

    def open(self) -> None:
        """Make the tables where there are none. Raises DatabaseFromFuture, StorageError."""
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as err:
                raise DatabaseUnusable(url=self.shown_url, cause=err.strerror) from err
        try:
            with self.writing() as connection:
                _create_or_check(connection, self.shown_url)
        except StorageError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, on disk when it returns; there is one at a time. Raises StorageError, Unstorable."""
        with self._translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look. Raises StorageError."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OverflowError, UnicodeError) as err:
            raise self._translate(err) from err

    def _translate(self, err: Exception) -> StorageError | Unstorable:
        # a value out of the column's range: sqlite3 complains with Python's own errors
        if isinstance(err, (DataError, IntegrityError, OverflowError, UnicodeError)):
            return Unstorable(_first_line(err))
        cause = err.orig if isinstance(err, StatementError) and err.orig is not None else err
        if isinstance(cause, (OverflowError, UnicodeError, ValueError, TypeError)):
            return Unstorable(_first_line(cause))
        if "database or disk is full" in str(cause) or "No space left" in str(cause):
            return DiskFull(path=self._path or self.shown_url)
        return DatabaseUnusable(url=self.shown_url, cause=_first_line(cause))


def _first_line(err: BaseException) -> str:
    lines = str(err).strip().splitlines()
    return lines[0][:300] if lines else type(err).__name__


def database_url(template: str, config_dir: Path, environ: Mapping[str, str]) -> URL:
    """The address with its secrets; a relative SQLite path is relative to `config_dir`.

    A secret inside an address may hold any character; one that is the whole address is taken as it is.
    Raises SecretNotSet, DatabaseUnusable.
    """
    whole = PLACEHOLDER.fullmatch(template) is not None
    secrets = environ if whole else {name: quote(value, safe="") for name, value in environ.items()}
    try:
        url = make_url(reveal(template, secrets, "center.database"))
    except (SQLAlchemyError, ValueError) as err:
        raise DatabaseUnusable(url=template, cause=Text("it is no address", "这不是数据库地址")) from err
    match url.get_backend_name():
        case "sqlite":
            return url.set(drivername="sqlite+pysqlite", database=str(config_dir / (url.database or "patrol.db")))
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
    wanted = Text("it is neither sqlite:/// nor postgresql://", "既不是 sqlite:/// 也不是 postgresql://")
    raise DatabaseUnusable(url=url.render_as_string(hide_password=True), cause=wanted)


def _make_engine(url: URL) -> Engine:
    """An engine with the durability this product promises. Connects to nothing yet."""
    if url.get_backend_name() != "sqlite":
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _open_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # a transaction that reads first and then writes must be a writer from its start, or it fails halfway
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")


def _create_or_check(connection: Connection, shown_url: str) -> None:
    """Make the tables that are missing; refuse a database that a newer program has made. Raises DatabaseFromFuture."""
    if not sa.inspect(connection).has_table(schema.name):
        metadata.create_all(connection)
        connection.execute(schema.insert().values(version=SCHEMA_VERSION))
        return
    found = connection.execute(sa.select(sa.func.max(schema.c.version))).scalar_one()
    if found > SCHEMA_VERSION:
        raise DatabaseFromFuture(url=shown_url, found=found, known=SCHEMA_VERSION)
    if found < SCHEMA_VERSION:  # every version so far has only added tables
        metadata.create_all(connection)
        connection.execute(schema.update().values(version=SCHEMA_VERSION))
