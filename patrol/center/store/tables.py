"""The centre's tables: the same in SQLite and in PostgreSQL.

Moments are UTC. Ids are those of the wire. What is read as a whole (an alert's data, a box's status) is
kept as JSON as it came; what is searched or changed has a column.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

SCHEMA_VERSION = 2  # 1: without flights, requests and stations; database.py brings it up


class Moment(sa.TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; SQLite, which has no time zones, keeps it naive."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """`timestamp with time zone` where there is one."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; naive for SQLite, so that its text sorts by time."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

schema = sa.Table("schema", metadata, sa.Column("version", sa.Integer, nullable=False))

# every start of a centre has a number
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("started_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

# the running number of cases of one day
counters = sa.Table(
    "counters",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("drill", sa.Boolean, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", sa.Text, primary_key=True),
    sa.Column("hazard", sa.Text, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("lat_deg", sa.Double),
    sa.Column("lon_deg", sa.Double),
    sa.Column("accuracy_m", sa.Double),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("last_seen_at", Moment, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("alert_count", sa.Integer, nullable=False),
    sa.Index("incidents_by_age", "opened_at", "incident_id"),
    sa.Index("incidents_by_place", "hazard", "lat_deg", "lon_deg"),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("case_number", sa.Text, primary_key=True),
    sa.Column("incident_id", sa.ForeignKey("incidents.incident_id"), nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cell", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("alert_id", sa.Text, nullable=False),  # the one that started it
    sa.Column("announcement", sa.Text, nullable=False),  # the CaseOpened message, word for word
    sa.Column("announced_at", Moment),  # when the broker took CaseOpened; null: it has to be sent (again)
    sa.Index("cases_unannounced", "announced_at"),
    sa.Index("cases_by_state", "state"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("incident_id", sa.ForeignKey("incidents.incident_id"), nullable=False),
    sa.Column("box", sa.Text, nullable=False),
    sa.Column("camera", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("hazard", sa.Text, nullable=False),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),  # AlertRaised without its thumbnail
    sa.Column("thumbnail", sa.Text),
    sa.Column("last_seen_at", Moment),  # from its end
    sa.Column("cleared_at", Moment),
    sa.Index("alerts_by_incident", "incident_id", "happened_at"),
    sa.Index("alerts_by_spot", "box", "camera", "hazard", "place"),
    sa.Index("alerts_by_zone", "box", "camera", "hazard", "zone"),
    sa.Index("alerts_by_age", "stored_at"),
)

# what a box said about an alert before the alert itself came (see store.py)
early = sa.Table(
    "early",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("box", sa.Text, nullable=False),
    sa.Column("type_name", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Index("early_by_alert", "alert_id"),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("alert_id", sa.ForeignKey("alerts.event_id"), primary_key=True),
    sa.Column("box", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("taken_at", Moment, nullable=False),
    sa.Column("blurred", sa.Boolean, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # within its alert
    sa.Column("state", sa.Text, nullable=False),  # waiting, stored, lost
    sa.Column("stored_at", Moment),
    sa.Column("lost_reason", sa.Text),
    sa.Column("lost_detail", sa.Text),
    sa.Index("evidence_by_alert", "alert_id"),
    sa.Index("evidence_by_state", "state"),
)

# every message of a box that was stored: the key against duplicates, and whether it was answered
received = sa.Table(
    "received",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("box", sa.Text, nullable=False),
    sa.Column("type_name", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("case_number", sa.Text, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Column("acknowledged_at", Moment),  # when the broker first took our answer
    sa.Column("answers", sa.Integer, nullable=False),  # how often it was answered
)

boxes = sa.Table(
    "boxes",
    metadata,
    sa.Column("box", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("session", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("said_at", Moment, nullable=False),
    sa.Column("heard_at", Moment, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)

stations = sa.Table(
    "stations",
    metadata,
    sa.Column("station", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("session", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("said_at", Moment, nullable=False),
    sa.Column("heard_at", Moment, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)

# one execution of a plan; what it says of itself is in flight_phases
flights = sa.Table(
    "flights",
    metadata,
    sa.Column("flight_id", sa.Text, primary_key=True),
    sa.Column("station", sa.Text, nullable=False),
    sa.Column("drone", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("patrol", sa.Text),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),  # the newest, or its end
    sa.Column("phase_at", Moment, nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("silent_since", Moment),  # its drone began another flight, and no end of this one was heard
    sa.Column("seen", sa.JSON, nullable=False),
    sa.Column("photographs", sa.Integer, nullable=False),
    sa.Index("flights_by_age", "begun_at", "flight_id"),
    sa.Index("flights_by_drone", "station", "drone", "ended_at"),
)

flight_phases = sa.Table(
    "flight_phases",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("flight_id", sa.ForeignKey("flights.flight_id"), nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("said_at", Moment, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Index("flight_phases_by_flight", "flight_id", "said_at"),
)

# the newest answer of each station to each request for a flight
requests = sa.Table(
    "requests",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("station", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("said_at", Moment, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("requests_by_age", "said_at"),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),  # class of the error
    sa.Column("reason_en", sa.Text, nullable=False),
    sa.Column("reason_zh", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text),
    sa.Column("box", sa.Text),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),  # its beginning
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Index("dead_letters_by_age", "last_at"),
    sqlite_autoincrement=True,
)
