"""Who must deal with an incident, and by when; and what people call the case. Pure.

The deadline counts from the moment the case stands at the centre, on the centre's clock: a unit cannot
be late for what nobody could tell it, and a box whose clock is wrong cannot shorten anybody's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from patrol.config import Config
from patrol.events import Hazard, Position
from patrol.geo import LatLon
from patrol.grid import Grid

DRILL_MARK = "-DRILL"


@dataclass(frozen=True)
class Assignment:
    """Grid cell and unit (None when the position is unknown or outside the grid), and the deadline."""

    cell: str | None
    unit: str | None
    due_at: datetime


class Dispatcher:
    """A district's grid and deadlines. Make it once; it answers in microseconds."""

    def __init__(self, config: Config) -> None:
        self._grid = Grid({cell.id: cell.area for cell in config.grid})
        self._units: Mapping[str, str] = {cell.id: cell.unit for cell in config.grid}
        self._default = timedelta(minutes=config.dispatch.deadline_min)
        self._special = {
            Hazard(word): timedelta(minutes=minutes) for word, minutes in config.dispatch.deadlines_min.items()
        }

    def assign(self, hazard: Hazard, position: Position | None, opened_at: datetime) -> Assignment:
        """Cell, unit and deadline of a case opened at `opened_at` (aware)."""
        cell = None if position is None else self._grid.cell_at(LatLon(position.lat_deg, position.lon_deg))
        unit = None if cell is None else self._units[cell]
        return Assignment(cell, unit, opened_at + self._special.get(hazard, self._default))


def case_number(district: str, day: date, running: int, drill: bool) -> str:
    """`DEMO-20250603-0007`; with `-DRILL` behind it for an exercise, which has running numbers of its own.

    `day` is the local date of the district, `running` counts from 1 within the day.
    """
    return f"{district.upper()}-{day:%Y%m%d}-{running:04d}{DRILL_MARK if drill else ''}"
