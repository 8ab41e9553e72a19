"""Recording a box's sign of life, inside a transaction that somebody else begins and commits."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center import boxes as presence
from patrol.center.store.tables import boxes
from patrol.center.store.taken import Taken
from patrol.center.understand import Understood
from patrol.events import BoxStatus


def record_status(connection: Connection, item: Understood, status: BoxStatus) -> Taken:
    """Record a sign of life, when it is news."""
    incoming, event = item.incoming, item.event
    heard = presence.heard_at(event.time, incoming.received_at, incoming.retained)
    sign = presence.Sign(event.id, status.session, status.state, event.time, heard)
    row = connection.execute(sa.select(boxes).where(boxes.c.box == status.box)).mappings().first()
    known = None if row is None else known_sign(row)
    if not presence.is_news(known, sign, incoming.retained):
        return Taken(item, "duplicate")
    values = {
        "event_id": event.id, "session": status.session, "state": status.state, "said_at": event.time,
        "heard_at": heard, "data": status.model_dump(mode="json"),
    }  # fmt: skip
    if row is None:
        connection.execute(boxes.insert().values(box=status.box, **values))
    else:
        if status.state == "offline" and status.session == row["session"]:
            # a will knows nothing of the cameras; the last thing the box said about them still stands
            values["data"] = {**row["data"], "state": "offline"}
        connection.execute(boxes.update().where(boxes.c.box == status.box).values(**values))
    return Taken(item, "stored", box=status.box)


def known_sign(row: RowMapping) -> presence.Sign:
    """The last sign of life in a row of `boxes`."""
    return presence.Sign(row["event_id"], row["session"], row["state"], row["said_at"], row["heard_at"])
