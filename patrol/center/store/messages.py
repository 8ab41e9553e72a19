"""Recording one message of a box, inside a transaction that somebody else begins and commits.

Order between messages: a box says what belongs to one alert in order, but brokers and restarts may mix
it up. What is said about an alert that has not come yet waits in the table `early` and is applied when
the alert comes; when it does not come for long, it becomes a dead letter (writer.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import cos, radians
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from patrol.center.dispatch import Dispatcher, case_number
from patrol.center.incidents import Known, Seen, Spot, better, ended_at, fold, related, search_radius_m
from patrol.center.store.signs import record_status
from patrol.center.store.tables import alerts, cases, counters, early, evidence, incidents, received
from patrol.center.store.taken import Taken
from patrol.center.understand import Understood
from patrol.config import Config
from patrol.errors import MessageMalformed, Text
from patrol.events import (
    AlertEnded,
    AlertRaised,
    BoxStatus,
    CaseOpened,
    Data,
    Event,
    EvidenceLost,
    Hazard,
    Position,
    source_of,
)

MAX_CANDIDATES = 200  # incidents looked at for one alert; a denser place than this is one place
METRES_PER_DEGREE = 111_000.0  # of latitude, at least; only bounds a search


@dataclass(frozen=True)
class Rules:
    """What of the configuration decides how a message is recorded."""

    config: Config
    dispatcher: Dispatcher

    @property
    def boxes(self) -> tuple[str, ...]:
        """The configured boxes."""
        return tuple(box.id for box in self.config.boxes)


def record(connection: Connection, item: Understood, rules: Rules, now: datetime) -> Taken:
    """Record one message. Raises WireError, before anything is written, when it contradicts what is known."""
    event = item.event
    if isinstance(event.data, BoxStatus):
        return record_status(connection, item, event.data)
    before = _answered_before(connection, item)
    if before is not None:
        return before
    match event.data:
        case AlertRaised():
            taken = _record_alert(connection, item, event.data, rules, now)
        case AlertEnded() | EvidenceLost():
            taken = _record_about(connection, item, event.data, now)
        case _:
            raise MessageMalformed(topic=item.incoming.topic, cause=_NOT_OURS)
    sequence = item.event.sequence
    connection.execute(
        received.insert().values(
            event_id=item.event.id, box=item.box, type_name=item.event.type, sequence=None if sequence is None else int(sequence),
            case_number=taken.case_number, stored_at=now, acknowledged_at=None, answers=0,
        )
    )  # fmt: skip
    return taken


_NOT_OURS = Text("the centre does not read this kind of message", "中心不读取这种消息")
_OTHER_BOX = Text("its id belongs to a message of another box or kind", "其编号属于另一个盒子或另一种消息")
_OTHER_ALERT = Text("it is about an alert of another box", "它说的是另一个盒子的警报")
_NO_SUCH_FILE = Text("the alert does not refer to this file", "该警报没有引用这个文件")


def _answered_before(connection: Connection, item: Understood) -> Taken | None:
    row = connection.execute(sa.select(received).where(received.c.event_id == item.event.id)).mappings().first()
    if row is None:
        return None
    if row["box"] != item.box or row["type_name"] != item.event.type:
        raise MessageMalformed(topic=item.incoming.topic, cause=_OTHER_BOX)
    return Taken(item, "duplicate", case_number=row["case_number"])


def _record_alert(connection: Connection, item: Understood, alert: AlertRaised, rules: Rules, now: datetime) -> Taken:
    event, why = item.event, alert.explanation
    drill = event.drill or rules.config.district.drill
    spot = Spot(alert.box, alert.camera, why.zone, alert.place)
    seen = Seen(alert.hazard, drill, spot, alert.position, event.time)
    merge_within_m = rules.config.dispatch.merge_within_m
    incident_id = fold(seen, _candidates(connection, seen, merge_within_m), merge_within_m)
    if incident_id is None:
        incident_id, number = _open(connection, event, alert, drill, rules, now)
    else:
        number = _join(connection, incident_id, alert, rules)
    connection.execute(
        alerts.insert().values(
            event_id=event.id, incident_id=incident_id, box=alert.box, camera=alert.camera, zone=why.zone,
            place=alert.place, hazard=str(alert.hazard), happened_at=event.time, stored_at=now, late=event.late,
            data=alert.model_dump(mode="json", exclude={"thumbnail_jpeg_base64"}), thumbnail=alert.thumbnail_jpeg_base64,
        )
    )  # fmt: skip
    _expect_evidence(connection, alert, now)
    for row in connection.execute(sa.select(early).where(early.c.alert_id == event.id)).mappings().all():
        if row["box"] == alert.box:
            _apply(connection, incident_id, _about(row["type_name"], row["data"]), now)
            connection.execute(early.delete().where(early.c.event_id == row["event_id"]))
    return Taken(item, "stored", case_number=number, incident_id=incident_id)


def _candidates(connection: Connection, seen: Seen, merge_within_m: float) -> list[Known]:
    """Incidents that may take the alert on: by name anywhere, by position within reach. The youngest first."""
    spot, position = seen.spot, seen.position
    by_name = sa.select(alerts.c.incident_id).where(
        alerts.c.box == spot.box, alerts.c.camera == spot.camera, alerts.c.hazard == str(seen.hazard),
        sa.or_(alerts.c.place == spot.place, alerts.c.zone == spot.zone),
    )  # fmt: skip
    where: sa.ColumnElement[bool] = incidents.c.incident_id.in_(by_name)
    if position is not None:
        reach_deg = search_radius_m(merge_within_m) / METRES_PER_DEGREE
        lon_reach_deg = reach_deg / max(cos(radians(position.lat_deg)), 0.01)
        where = sa.or_(
            where,
            sa.and_(
                incidents.c.lat_deg.between(position.lat_deg - reach_deg, position.lat_deg + reach_deg),
                incidents.c.lon_deg.between(position.lon_deg - lon_reach_deg, position.lon_deg + lon_reach_deg),
            ),
        )
    query = (
        sa.select(incidents, cases.c.state)
        .join(cases, cases.c.incident_id == incidents.c.incident_id)
        .where(
            incidents.c.hazard.in_(sorted(str(hazard) for hazard in related(seen.hazard))),
            incidents.c.drill == seen.drill,
            cases.c.state != "closed",
            where,
        )
        .order_by(incidents.c.opened_at.desc(), incidents.c.incident_id)
        .limit(MAX_CANDIDATES)
    )
    rows = connection.execute(query).mappings().all()
    spots = _spots(connection, [row["incident_id"] for row in rows])
    return [
        Known(
            row["incident_id"], Hazard(row["hazard"]), row["drill"], frozenset(spots.get(row["incident_id"], ())),
            position_of(row), row["opened_at"], row["ended_at"], row["state"] == "closed",
        )
        for row in rows
    ]  # fmt: skip


def _spots(connection: Connection, incident_ids: list[str]) -> dict[str, set[Spot]]:
    if not incident_ids:
        return {}
    columns = (alerts.c.incident_id, alerts.c.box, alerts.c.camera, alerts.c.zone, alerts.c.place)
    found: dict[str, set[Spot]] = {}
    for row in connection.execute(sa.select(*columns).where(alerts.c.incident_id.in_(incident_ids)).distinct()):
        found.setdefault(row.incident_id, set()).add(Spot(row.box, row.camera, row.zone, row.place))
    return found


def position_of(row: RowMapping) -> Position | None:
    """The position in a row of `incidents`."""
    if row["lat_deg"] is None:
        return None
    return Position(lat_deg=row["lat_deg"], lon_deg=row["lon_deg"], accuracy_m=row["accuracy_m"])


def _position_values(position: Position | None) -> dict[str, float | None]:
    if position is None:
        return {"lat_deg": None, "lon_deg": None, "accuracy_m": None}
    return {"lat_deg": position.lat_deg, "lon_deg": position.lon_deg, "accuracy_m": position.accuracy_m}


def _open(
    connection: Connection, event: Event[Data], alert: AlertRaised, drill: bool, rules: Rules, now: datetime
) -> tuple[str, str]:
    """A new incident with its case: id and number."""
    config = rules.config
    incident_id = str(uuid5(NAMESPACE_URL, f"patrol:incident:{event.id}"))
    assignment = rules.dispatcher.assign(alert.hazard, alert.position, now)
    day = config.local_time(now).date()
    number = case_number(config.district.id, day, _next_running(connection, day, drill), drill)
    why = alert.explanation
    connection.execute(
        incidents.insert().values(
            incident_id=incident_id, hazard=str(alert.hazard), drill=drill, late=event.late,
            first_seen_at=why.first_seen_at, last_seen_at=max(why.last_seen_at, why.first_seen_at), opened_at=now,
            ended_at=None, alert_count=1, **_position_values(alert.position),
        )
    )  # fmt: skip
    opened = CaseOpened(
        case_number=number, incident_id=incident_id, alert_id=event.id, hazard=alert.hazard, position=alert.position,
        cell=assignment.cell, unit=assignment.unit, found_at=why.first_seen_at, due_at=assignment.due_at,
    )  # fmt: skip
    announcement = Event[CaseOpened].of(
        opened, id=str(uuid5(NAMESPACE_URL, f"patrol:case-opened:{incident_id}")),
        source=source_of("center", config.district.id), time=now, late=event.late, drill=drill,
    )  # fmt: skip
    connection.execute(
        cases.insert().values(
            case_number=number, incident_id=incident_id, state="found" if assignment.unit is None else "assigned",
            cell=assignment.cell, unit=assignment.unit, due_at=assignment.due_at, closed_at=None, alert_id=event.id,
            announcement=announcement.to_json().decode(), announced_at=None,
        )
    )  # fmt: skip
    return incident_id, number


def _next_running(connection: Connection, day: date, drill: bool) -> int:
    """The next running number of a day. The transaction is the only writer (database.py), so two never get one."""
    mine = sa.and_(counters.c.day == day, counters.c.drill == drill)
    if connection.execute(counters.update().where(mine).values(last=counters.c.last + 1)).rowcount == 0:
        connection.execute(counters.insert().values(day=day, drill=drill, last=1))
    return int(connection.execute(sa.select(counters.c.last).where(mine)).scalar_one())


def _join(connection: Connection, incident_id: str, alert: AlertRaised, rules: Rules) -> str:
    """One more alert of a known incident: the number of its case."""
    mine = incidents.c.incident_id == incident_id
    row = connection.execute(sa.select(incidents).where(mine)).mappings().one()
    case = connection.execute(sa.select(cases).where(cases.c.incident_id == incident_id)).mappings().one()
    position, why = better(position_of(row), alert.position), alert.explanation
    connection.execute(
        incidents.update().where(mine).values(
            first_seen_at=min(row["first_seen_at"], why.first_seen_at), last_seen_at=max(row["last_seen_at"], why.last_seen_at),
            ended_at=None, alert_count=row["alert_count"] + 1, **_position_values(position),
        )
    )  # fmt: skip
    if case["unit"] is None and case["state"] == "found":
        # it was not known where it is; a unit once named stays, also when a better position lies across the line
        found = rules.dispatcher.assign(alert.hazard, position, case["due_at"])
        if found.unit is not None:
            connection.execute(
                cases.update()
                .where(cases.c.incident_id == incident_id)
                .values(cell=found.cell, unit=found.unit, state="assigned")
            )
    return str(case["case_number"])


def _expect_evidence(connection: Connection, alert: AlertRaised, now: datetime) -> None:
    """Rows for the files an alert refers to; a file that another alert has already brought is there already."""
    sha256s = [ref.sha256 for ref in alert.evidence]
    there = set(
        connection.execute(
            sa.select(evidence.c.sha256).where(evidence.c.sha256.in_(sha256s), evidence.c.state == "stored")
        ).scalars()
    )
    rows = {
        ref.sha256: {
            "sha256": ref.sha256, "alert_id": alert.alert_id, "box": alert.box, "media_type": ref.media_type,
            "size_bytes": ref.size_bytes, "role": ref.role, "taken_at": ref.taken_at, "blurred": ref.blurred,
            "position": n, "state": "stored" if ref.sha256 in there else "waiting",
            "stored_at": now if ref.sha256 in there else None,
        }
        for n, ref in enumerate(alert.evidence)
    }  # fmt: skip
    if rows:
        connection.execute(evidence.insert(), list(rows.values()))


def _record_about(connection: Connection, item: Understood, data: AlertEnded | EvidenceLost, now: datetime) -> Taken:
    """Something about an alert: applied, or kept until the alert comes."""
    alert = connection.execute(sa.select(alerts).where(alerts.c.event_id == data.alert_id)).mappings().first()
    if alert is None:
        connection.execute(
            early.insert().values(
                event_id=item.event.id, alert_id=data.alert_id, box=item.box, type_name=data.type_name,
                data=data.model_dump(mode="json"), stored_at=now,
            )
        )  # fmt: skip
        return Taken(item, "stored")
    if alert["box"] != item.box:
        raise MessageMalformed(topic=item.incoming.topic, cause=_OTHER_ALERT)
    if isinstance(data, EvidenceLost) and not _refers(connection, data):
        raise MessageMalformed(topic=item.incoming.topic, cause=_NO_SUCH_FILE)
    _apply(connection, alert["incident_id"], data, now)
    number = connection.execute(
        sa.select(cases.c.case_number).where(cases.c.incident_id == alert["incident_id"])
    ).scalar_one()
    return Taken(item, "stored", case_number=number, incident_id=alert["incident_id"])


def _refers(connection: Connection, data: EvidenceLost) -> bool:
    mine = sa.and_(evidence.c.sha256 == data.sha256, evidence.c.alert_id == data.alert_id)
    return connection.execute(sa.select(evidence.c.sha256).where(mine)).first() is not None


def _about(type_name: str, data: dict[str, Any]) -> AlertEnded | EvidenceLost:
    kind = AlertEnded if type_name == AlertEnded.type_name else EvidenceLost
    return kind.model_validate(data)


def _apply(connection: Connection, incident_id: str, data: AlertEnded | EvidenceLost, now: datetime) -> None:
    if isinstance(data, EvidenceLost):
        mine = sa.and_(evidence.c.sha256 == data.sha256, evidence.c.alert_id == data.alert_id)
        connection.execute(
            # a file that is here is not lost, whatever the box believes
            evidence.update().where(mine, evidence.c.state == "waiting").values(
                state="lost", lost_reason=data.reason, lost_detail=data.detail, stored_at=now
            )
        )  # fmt: skip
        return
    connection.execute(
        alerts.update()
        .where(alerts.c.event_id == data.alert_id, alerts.c.cleared_at.is_(None))
        .values(last_seen_at=data.last_seen_at, cleared_at=data.cleared_at)
    )
    of_incident = alerts.c.incident_id == incident_id
    active = connection.execute(sa.select(alerts.c.event_id).where(of_incident, alerts.c.cleared_at.is_(None)).limit(1))
    still_active = active.first() is not None
    latest = connection.execute(sa.select(sa.func.max(alerts.c.cleared_at)).where(of_incident)).scalar_one()
    mine_too = incidents.c.incident_id == incident_id
    row = connection.execute(sa.select(incidents).where(mine_too)).mappings().one()
    connection.execute(
        incidents.update()
        .where(mine_too)
        .values(
            last_seen_at=max(row["last_seen_at"], data.last_seen_at),
            ended_at=ended_at(still_active, latest),
        )
    )
