"""What the centre is asked. Every method is one consistent look; rows come out as plain mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center.store.database import Database
from patrol.center.store.tables import (
    alerts,
    boxes,
    cases,
    dead_letters,
    evidence,
    flight_phases,
    flights,
    incidents,
    requests,
    stations,
)

Row = Mapping[str, Any]
LATENCIES_OF = 1000  # alerts


@dataclass(frozen=True)
class IncidentRows:
    """One incident with its case, its alerts (the newest first; only that one in lists) and their evidence."""

    incident: Row
    case: Row
    alerts: Sequence[Row]
    evidence: Sequence[Row]


@dataclass(frozen=True)
class FlightRows:
    """One flight with its phases, the oldest first, and the newest answer to its request."""

    flight: Row
    phases: Sequence[Row]
    request: Row | None


@dataclass(frozen=True)
class Counts:
    """How much there is."""

    alerts: int
    late_alerts: int
    incidents: int
    open_cases: int
    unannounced_cases: int
    evidence_waiting: int
    evidence_stored: int
    evidence_lost: int
    dead_letters: int


class Reader:
    """Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def incidents(self, state: Literal["open", "all"], limit: int, before: str | None) -> list[IncidentRows]:
        """The newest incidents, or those older than the incident `before`. Raises StorageError."""
        query = sa.select(incidents).join(cases, cases.c.incident_id == incidents.c.incident_id)
        if state == "open":
            query = query.where(cases.c.state != "closed")
        with self._database.reading() as connection:
            if before is not None:
                older = _older(connection, incidents.c.opened_at, incidents.c.incident_id, before)
                if older is None:
                    return []
                query = query.where(older)
            query = query.order_by(incidents.c.opened_at.desc(), incidents.c.incident_id.desc()).limit(limit)
            return _with_parts(connection, _rows(connection, query), newest_only=True)

    def incident(self, incident_id: str) -> IncidentRows | None:
        """One incident with all its alerts, or None. Raises StorageError."""
        query = sa.select(incidents).where(incidents.c.incident_id == incident_id)
        with self._database.reading() as connection:
            found = _with_parts(connection, _rows(connection, query), newest_only=False)
        return found[0] if found else None

    def boxes(self) -> list[Row]:
        """The last sign of life of every box that was ever heard. Raises StorageError."""
        with self._database.reading() as connection:
            return _rows(connection, sa.select(boxes).order_by(boxes.c.box))

    def stations(self) -> list[Row]:
        """The last sign of life of every station that was ever heard. Raises StorageError."""
        with self._database.reading() as connection:
            return _rows(connection, sa.select(stations).order_by(stations.c.station))

    def flights(self, state: Literal["air", "all"], limit: int, before: str | None) -> list[FlightRows]:
        """The newest flights, or those begun before the flight `before`. Raises StorageError."""
        query = sa.select(flights)
        if state == "air":
            query = query.where(flights.c.ended_at.is_(None), flights.c.silent_since.is_(None))
        with self._database.reading() as connection:
            if before is not None:
                older = _older(connection, flights.c.begun_at, flights.c.flight_id, before)
                if older is None:
                    return []
                query = query.where(older)
            query = query.order_by(flights.c.begun_at.desc(), flights.c.flight_id.desc()).limit(limit)
            return _with_phases(connection, _rows(connection, query))

    def flight(self, flight_id: str) -> FlightRows | None:
        """One flight, or None. Raises StorageError."""
        with self._database.reading() as connection:
            found = _with_phases(
                connection, _rows(connection, sa.select(flights).where(flights.c.flight_id == flight_id))
            )
        return found[0] if found else None

    def requests(self, limit: int) -> list[Row]:
        """The newest answers to requests for flights. Raises StorageError."""
        query = sa.select(requests).order_by(requests.c.said_at.desc(), requests.c.request_id).limit(limit)
        with self._database.reading() as connection:
            return _rows(connection, query)

    def dead_letters(self, limit: int, before: int | None) -> list[Row]:
        """The newest messages that could not be read; `before` is a number. Raises StorageError."""
        query = sa.select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(dead_letters.c.id < before)
        with self._database.reading() as connection:
            return _rows(connection, query)

    def media_type(self, sha256: str) -> str | None:
        """What kind of file this is, when some alert refers to it. Raises StorageError."""
        query = sa.select(evidence.c.media_type).where(evidence.c.sha256 == sha256).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def counts(self) -> Counts:
        """How much there is. Raises StorageError."""
        with self._database.reading() as connection:
            query = sa.select(evidence.c.state, sa.func.count().label("files")).group_by(evidence.c.state)
            by_state: dict[str, int] = {row.state: row.files for row in connection.execute(query)}
            return Counts(
                alerts=_count(connection, alerts), late_alerts=_count(connection, alerts, alerts.c.late),
                incidents=_count(connection, incidents), open_cases=_count(connection, cases, cases.c.state != "closed"),
                unannounced_cases=_count(connection, cases, cases.c.announced_at.is_(None)),
                evidence_waiting=by_state.get("waiting", 0), evidence_stored=by_state.get("stored", 0),
                evidence_lost=by_state.get("lost", 0), dead_letters=_count(connection, dead_letters),
            )  # fmt: skip

    def latencies_s(self) -> list[float]:
        """From frame to stored, for the newest alerts, seconds. Raises StorageError."""
        query = (
            sa.select(alerts.c.happened_at, alerts.c.stored_at).order_by(alerts.c.stored_at.desc()).limit(LATENCIES_OF)
        )
        with self._database.reading() as connection:
            rows: list[tuple[datetime, datetime]] = [(r.happened_at, r.stored_at) for r in connection.execute(query)]
        return [(stored - happened).total_seconds() for happened, stored in rows]


def _rows(connection: Connection, query: sa.Select[*tuple[Any, ...]]) -> list[Row]:
    return [_plain(row) for row in connection.execute(query).mappings()]


def _older(
    connection: Connection, at: sa.Column[datetime], key: sa.Column[str], before: str
) -> sa.ColumnElement[bool] | None:
    """Rows that come after the row `before` in an order of newest first; None when there is no such row."""
    edge = connection.execute(sa.select(at).where(key == before)).scalar_one_or_none()
    return None if edge is None else sa.or_(at < edge, sa.and_(at == edge, key < before))


def _with_phases(connection: Connection, rows: Sequence[Row]) -> list[FlightRows]:
    ids = [row["flight_id"] for row in rows]
    if not ids:
        return []
    phases: dict[str, list[Row]] = {}
    of_these = sa.select(flight_phases).where(flight_phases.c.flight_id.in_(ids))
    for phase in _rows(connection, of_these.order_by(flight_phases.c.said_at, flight_phases.c.event_id)):
        phases.setdefault(phase["flight_id"], []).append(phase)
    asked = sa.select(requests).where(requests.c.request_id.in_([row["request_id"] for row in rows]))
    answers = {(one["request_id"], one["station"]): one for one in _rows(connection, asked)}
    return [
        FlightRows(row, phases.get(row["flight_id"], []), answers.get((row["request_id"], row["station"])))
        for row in rows
    ]


def _plain(row: RowMapping) -> Row:
    return {str(name): value for name, value in row.items()}


def _count(connection: Connection, table: sa.Table, where: sa.ColumnElement[bool] | None = None) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(connection.execute(query if where is None else query.where(where)).scalar_one())


def _with_parts(connection: Connection, rows: Sequence[Row], newest_only: bool) -> list[IncidentRows]:
    ids = [row["incident_id"] for row in rows]
    if not ids:
        return []
    by_case = {
        row["incident_id"]: row for row in _rows(connection, sa.select(cases).where(cases.c.incident_id.in_(ids)))
    }
    newest_first = (alerts.c.happened_at.desc(), alerts.c.stored_at.desc(), alerts.c.event_id)
    rank = sa.func.row_number().over(partition_by=alerts.c.incident_id, order_by=newest_first).label("rank")
    ranked = sa.select(alerts, rank).where(alerts.c.incident_id.in_(ids)).subquery()
    query = sa.select(ranked).order_by(ranked.c.rank)
    if newest_only:
        query = query.where(ranked.c.rank == 1)
    by_alerts: dict[str, list[Row]] = {}
    for row in _rows(connection, query):
        by_alerts.setdefault(row["incident_id"], []).append(row)
    files: dict[str, list[Row]] = {}
    alert_ids = [alert["event_id"] for some in by_alerts.values() for alert in some]
    order = (evidence.c.taken_at.desc(), evidence.c.alert_id, evidence.c.position)
    with_incident = (
        sa.select(evidence, alerts.c.incident_id)
        .join(alerts, alerts.c.event_id == evidence.c.alert_id)
        .where(evidence.c.alert_id.in_(alert_ids))
        .order_by(*order)
    )
    for row in _rows(connection, with_incident):
        files.setdefault(row["incident_id"], []).append(row)
    return [
        IncidentRows(
            row, by_case[row["incident_id"]], by_alerts.get(row["incident_id"], []), files.get(row["incident_id"], [])
        )
        for row in rows
    ]
