"""The HTTP API about flights: what is in the air, what has flown, what was asked for, which stations are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from patrol.center import flight_views as views
from patrol.center.air import Air
from patrol.center.answers import ErrorAnswer
from patrol.center.api import Limit
from patrol.center.flight_answers import Drones, FlightAnswer, Flights, Requests, Stations
from patrol.center.refusals import Refused
from patrol.center.store.reader import Reader
from patrol.center.views import Names
from patrol.config import Config
from patrol.errors import Text

_NO_FLIGHT = Text("There is no such flight.", "没有这次飞行。")


def routes(config: Config, reader: Reader, air: Air, wall: Callable[[], datetime]) -> APIRouter:
    """All questions about flights."""
    router = APIRouter(
        prefix="/api/v1", tags=["flights"],
        responses={503: {"model": ErrorAnswer, "description": "the database is gone"}},
    )  # fmt: skip
    names = Names(config)
    station = config.station.id if config.drones else None

    @router.get("/flights", summary="Flights, the newest first")
    def flights(
        state: Annotated[Literal["air", "all"], Query(description="air: those that have not ended")] = "all",
        limit: Limit = 50,
        before: Annotated[
            str | None, Query(max_length=64, description="only flights begun before this one (its flight_id)")
        ] = None,
    ) -> Flights:
        """Each with all of its phases and with what became of its request."""
        states = views.station_states(reader.stations(), wall())
        return Flights(flights=[views.flight(one, states, names) for one in reader.flights(state, limit, before)])

    @router.get("/flights/{flight_id}", summary="One flight", responses={404: {"model": ErrorAnswer}})
    def flight(flight_id: str) -> FlightAnswer:
        """With all of its phases."""
        rows = reader.flight(flight_id)
        if rows is None:
            raise Refused(404, "none", _NO_FLIGHT)
        return views.flight(rows, views.station_states(reader.stations(), wall()), names)

    @router.get("/requests", summary="Requests for flights, the one answered last first")
    def requests(limit: Limit = 50) -> Requests:
        """What the stations have made of them: waiting, flying, done, refused or given up, with reasons."""
        return Requests(requests=[views.request(row, names) for row in reader.requests(limit)])

    @router.get("/stations", summary="Stations and their drones")
    def stations() -> Stations:
        """Their last sign of life."""
        return Stations(stations=views.stations(reader.stations(), station, names, wall()))

    @router.get("/drones", summary="Drones in the air")
    async def drones() -> Drones:
        """The newest pose of each with its track of the last minutes; from memory, so also without the database."""
        return Drones(drones=[views.drone(seen, track, names) for seen, track in air.now(wall())])

    return router
