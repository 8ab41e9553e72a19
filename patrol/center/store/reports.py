"""Recording what a station says, inside a transaction that somebody else begins and commits. Poses are not kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center.flights import Known, after, answer_is_news
from patrol.center.store.messages import Rules
from patrol.center.store.signs import record_station
from patrol.center.store.tables import flight_phases, flights, requests
from patrol.center.store.taken import Taken
from patrol.center.understand import Reported
from patrol.errors import MessageMalformed, Text
from patrol.events import FlightPhase, RequestAnswered, StationStatus

MAX_PHASES = 500  # of one flight: a link that is lost and found again each minute of a day needs more, nothing else
_OTHER_FLIGHT = Text("its flight is that of another station or drone", "这次飞行属于另一个机场或无人机")
_TOO_MANY = Text("more was said of this flight than any flight has to say", "关于这次飞行的消息多于任何飞行所需")


def record_report(connection: Connection, item: Reported, rules: Rules, now: datetime) -> Taken:
    """Record one message. Raises WireError, before anything is written, when it contradicts what is known."""
    match item.event.data:
        case StationStatus() as status:
            return record_station(connection, item, status)
        case FlightPhase() as phase:
            return _record_phase(connection, item, phase, rules, now)
        case RequestAnswered() as answer:
            return _record_answer(connection, item, answer, rules)
        case _:  # a pose: the newest lives in memory (air.py)
            return Taken(item, "duplicate")


def _record_phase(connection: Connection, item: Reported, said: FlightPhase, rules: Rules, now: datetime) -> Taken:
    event = item.event
    mine = flights.c.flight_id == said.flight_id
    row = connection.execute(sa.select(flights).where(mine)).mappings().first()
    if row is not None and (row["station"], row["drone"]) != (said.station, said.drone):
        raise MessageMalformed(topic=item.incoming.topic, cause=_OTHER_FLIGHT)
    known_ids = sa.select(flight_phases.c.event_id).where(flight_phases.c.event_id == event.id)
    if connection.execute(known_ids).first() is not None:
        return Taken(item, "duplicate")
    of_flight = flight_phases.c.flight_id == said.flight_id
    if connection.execute(sa.select(sa.func.count()).where(of_flight)).scalar_one() >= MAX_PHASES:
        raise MessageMalformed(topic=item.incoming.topic, cause=_TOO_MANY)
    now_known = after(None if row is None else _known(row), said, event.time)
    values = {
        "phase": now_known.phase, "phase_at": now_known.phase_at, "begun_at": now_known.begun_at,
        "ended_at": now_known.ended_at, "seen": list(now_known.seen), "photographs": now_known.photographs,
    }  # fmt: skip
    if row is None:
        drill = event.drill or rules.config.district.drill
        connection.execute(
            flights.insert().values(
                flight_id=said.flight_id, station=said.station, drone=said.drone, request_id=said.request_id,
                patrol=said.patrol, drill=drill, silent_since=None, **values,
            )
        )  # fmt: skip
        _leave_behind(connection, said, now_known.begun_at)
    else:
        connection.execute(flights.update().where(mine).values(**values))
    connection.execute(
        flight_phases.insert().values(
            event_id=event.id, flight_id=said.flight_id, phase=said.phase, said_at=event.time, stored_at=now,
            reasons=[reason.model_dump(mode="json") for reason in said.reasons],
        )
    )  # fmt: skip
    over = said.flight_id if now_known.ended_at is not None else None
    return Taken(item, "stored", flight=said.flight_id, ended_flight=over)


def _leave_behind(connection: Connection, said: FlightPhase, begun_at: datetime) -> None:
    """A drone flies one flight at a time: an older one of which no end was heard is in the air no more."""
    older = sa.and_(
        flights.c.station == said.station, flights.c.drone == said.drone, flights.c.flight_id != said.flight_id,
        flights.c.ended_at.is_(None), flights.c.silent_since.is_(None), flights.c.begun_at < begun_at,
    )  # fmt: skip
    connection.execute(flights.update().where(older).values(silent_since=begun_at))


def _known(row: RowMapping) -> Known:
    return Known(
        row["phase"], row["phase_at"], row["begun_at"], row["ended_at"], tuple(row["seen"]), row["photographs"]
    )


def _record_answer(connection: Connection, item: Reported, said: RequestAnswered, rules: Rules) -> Taken:
    event = item.event
    mine = sa.and_(requests.c.request_id == said.request_id, requests.c.station == said.station)
    row = connection.execute(sa.select(requests.c.state, requests.c.said_at).where(mine)).first()
    if not answer_is_news(None if row is None else (row.state, row.said_at), said, event.time):
        return Taken(item, "duplicate")
    values = {
        "event_id": event.id, "state": said.state, "said_at": event.time, "data": said.model_dump(mode="json"),
        "drill": event.drill or rules.config.district.drill,
    }  # fmt: skip
    if row is None:
        values |= {"request_id": said.request_id, "station": said.station}
        connection.execute(requests.insert().values(**values))
    else:
        connection.execute(requests.update().where(mine).values(**values))
    return Taken(item, "stored", request=said.request_id)
