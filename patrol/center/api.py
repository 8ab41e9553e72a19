"""The HTTP API: what pages and other systems ask the centre. Described in /api/v1/openapi.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from patrol.center import views
from patrol.center.answers import (
    Boxes,
    BrokerHealth,
    CountsHealth,
    DatabaseHealth,
    DeadLetters,
    District,
    ErrorAnswer,
    Health,
    IncidentDetail,
    Incidents,
    LatencyHealth,
    QueueHealth,
)
from patrol.center.feed import Feed
from patrol.center.map import district
from patrol.center.refusals import Refused, said_by
from patrol.center.store.reader import Reader
from patrol.config import Config
from patrol.errors import StorageError, Text

_NO_INCIDENT = Text("There is no such incident.", "没有这个事件。")
_TOO_MANY = Text("Too many pages listen already.", "已有太多页面在监听。")
Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]


@dataclass(frozen=True)
class Condition:
    """How the running centre is, as far as the database does not know it."""

    software: str
    session: int | None
    started_at: datetime
    broker: BrokerHealth
    queue: QueueHealth


def routes(
    config: Config, reader: Reader, database_kind: str, feed: Feed, condition: Callable[[], Condition],
    wall: Callable[[], datetime],
) -> APIRouter:  # fmt: skip
    """All questions but those about evidence files (uploads.py)."""
    router = APIRouter(prefix="/api/v1", responses={503: {"model": ErrorAnswer, "description": "the database is gone"}})
    names = views.Names(config)
    the_district = district(config)

    @router.get("/incidents", tags=["incidents"], summary="Incidents, the newest first")
    def incidents(
        state: Annotated[Literal["open", "all"], Query(description="open: the case is not closed")] = "open",
        limit: Limit = 100,
        before: Annotated[
            str | None, Query(max_length=64, description="only incidents found before this one (its incident_id)")
        ] = None,
    ) -> Incidents:
        """Each with its case, and with what its newest alert says."""
        return Incidents(incidents=[views.incident(rows, names) for rows in reader.incidents(state, limit, before)])

    @router.get(
        "/incidents/{incident_id}", tags=["incidents"], summary="One incident", responses={404: {"model": ErrorAnswer}}
    )
    def incident(incident_id: str) -> IncidentDetail:
        """With all of its alerts and their files."""
        rows = reader.incident(incident_id)
        if rows is None:
            raise Refused(404, "none", _NO_INCIDENT)
        return views.incident_detail(rows, names)

    @router.get("/boxes", tags=["boxes"], summary="Boxes and their cameras")
    def boxes() -> Boxes:
        """Their last sign of life, and the time that each camera was not watched."""
        return Boxes(boxes=views.boxes(reader.boxes(), names, wall()))

    @router.get("/dead-letters", tags=["dead letters"], summary="Messages that could not be read")
    def dead_letters(
        limit: Limit = 100,
        before: Annotated[int | None, Query(ge=1, description="only those with a smaller number")] = None,
    ) -> DeadLetters:
        """Kept, with the reason; the newest first."""
        return DeadLetters(dead_letters=[views.dead_letter(row) for row in reader.dead_letters(limit, before)])

    @router.get("/district", tags=["district"], summary="The map of the district")
    def get_district() -> District:
        """A GeoJSON FeatureCollection; it changes only with the configuration."""
        return the_district

    @router.get("/health", tags=["health"], summary="Can the centre do its work?")
    def health(response: Response) -> Health:
        """Status 200 when it can; 503, with the same body, when database or broker are out of reach."""
        now = condition()
        counts, latency, problem = None, None, None
        try:
            counts = CountsHealth.model_validate(reader.counts(), from_attributes=True)
            latency = views.latency(reader.latencies_s())
        except StorageError as err:
            problem = said_by(err)
        well = problem is None and now.broker.connected
        response.status_code = 200 if well else 503
        return _health(
            now, DatabaseHealth(reachable=problem is None, kind=database_kind, problem=problem), counts, latency
        )

    @router.get("/stream", tags=["stream"], summary="What changes, as it changes", response_class=StreamingResponse)
    async def stream() -> StreamingResponse:
        """Server-sent events `incident`, `box`, `dead-letter`, `evidence`, `flight`, `request` and `station`, each with
        `data: {"id": "..."}`; and `drone` with where a drone is (PoseAnswer).

        `reload` and the end of the stream mean: connect again and ask for everything. So does every new
        connection; `Last-Event-ID` is ignored.
        """
        if feed.is_full:
            raise Refused(503, "full", _TOO_MANY, {"Retry-After": "10"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(feed.listen(), media_type="text/event-stream", headers=headers)

    return router


def _health(
    now: Condition, database: DatabaseHealth, counts: CountsHealth | None, latency: LatencyHealth | None
) -> Health:
    return Health(
        state="ok" if database.reachable and now.broker.connected else "degraded", software=now.software,
        session=now.session, started_at=now.started_at, database=database, broker=now.broker, queue=now.queue,
        counts=counts, latency=latency,
    )  # fmt: skip
