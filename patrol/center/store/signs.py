"""Recording signs of life of boxes and stations, inside a transaction that somebody else begins and commits."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center import boxes as presence
from patrol.center.store.tables import boxes, stations
from patrol.center.store.taken import Taken
from patrol.center.understand import Reported, Understood
from patrol.events import BoxStatus, StationStatus


def record_station(connection: Connection, item: Reported, status: StationStatus) -> Taken:
    """Record a station's sign of life, when it is news."""
    if not _record(connection, stations, stations.c.station, item, status):
        return Taken(item, "duplicate")
    return Taken(item, "stored", station=item.station)


def record_status(connection: Connection, item: Understood, status: BoxStatus) -> Taken:
    """Record a box's sign of life, when it is news."""
    if not _record(connection, boxes, boxes.c.box, item, status):
        return Taken(item, "duplicate")
    return Taken(item, "stored", box=item.box)


def _record(
    connection: Connection, table: sa.Table, key: sa.Column[str], item: Understood | Reported, status: BoxStatus | StationStatus
) -> bool:  # fmt: skip
    """Keep the newest sign of one sender; whether this was news."""
    incoming, event = item.incoming, item.event
    sender = item.box if isinstance(item, Understood) else item.station
    heard = presence.heard_at(event.time, incoming.received_at, incoming.retained)
    sign = presence.Sign(event.id, status.session, status.state, event.time, heard)
    row = connection.execute(sa.select(table).where(key == sender)).mappings().first()
    known = None if row is None else known_sign(row)
    if not presence.is_news(known, sign, incoming.retained):
        return False
    values = {
        "event_id": event.id, "session": status.session, "state": status.state, "said_at": event.time,
        "heard_at": heard, "data": status.model_dump(mode="json"),
    }  # fmt: skip
    if row is None:
        connection.execute(table.insert().values({key.name: sender, **values}))
        return True
    if status.state == "offline" and status.session == row["session"]:
        # a will knows nothing of cameras or drones; the last thing its sender said about them still stands
        values["data"] = {**row["data"], "state": "offline"}
    connection.execute(table.update().where(key == sender).values(**values))
    return True


def known_sign(row: RowMapping) -> presence.Sign:
    """The last sign of life in a row of `boxes` or `stations`."""
    return presence.Sign(row["event_id"], row["session"], row["state"], row["said_at"], row["heard_at"])
