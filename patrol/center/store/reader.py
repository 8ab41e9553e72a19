"""What the centre is asked. Every method is one consistent look; rows come out as plain mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center.store.database import Database
from patrol.center.store.tables import alerts, boxes, cases, dead_letters, evidence, incidents

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
                edge = sa.select(incidents.c.opened_at).where(incidents.c.incident_id == before)
                opened_at = connection.execute(edge).scalar_one_or_none()
                if opened_at is None:
                    return []
                query = query.where(
                    sa.or_(
                        incidents.c.opened_at < opened_at,
                        sa.and_(incidents.c.opened_at == opened_at, incidents.c.incident_id < before),
                    )
                )
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
