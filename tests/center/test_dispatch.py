"""patrol/center/dispatch.py: cell, unit, deadline and case number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from patrol.center.dispatch import Dispatcher, case_number
from patrol.events import Hazard, Position
from tests.center.boxside import LANE, T0
from tests.center.conftest import configured


def test_a_position_finds_its_unit_and_the_hazard_its_deadline() -> None:
    """The demo's fire lane belongs to the middle grid worker, who has an hour."""
    found = Dispatcher(configured()).assign(Hazard.BLOCKED_FIRE_LANE, LANE, T0)
    assert (found.cell, found.unit, found.due_at) == ("demo-002", "grid-mid", T0 + timedelta(minutes=60))


@pytest.mark.parametrize("position", [None, Position(lat_deg=0, lon_deg=0, accuracy_m=1)])
def test_without_a_cell_there_is_no_unit_but_a_deadline(position: Position | None) -> None:
    """A position that is unknown or outside the grid names nobody, and the default time runs all the same."""
    found = Dispatcher(configured()).assign(Hazard.SMOKE_ALARM, position, T0)
    assert (found.cell, found.unit, found.due_at) == (None, None, T0 + timedelta(minutes=240))


@pytest.mark.parametrize(
    ("running", "drill", "number"),
    [(7, False, "DEMO-20250603-0007"), (12345, False, "DEMO-20250603-12345"), (7, True, "DEMO-20250603-0007-DRILL")],
)
def test_case_numbers_read_like_case_numbers(running: int, drill: bool, number: str) -> None:
    """District, local date, running number of at least four digits; an exercise says so."""
    assert case_number("demo", date(2025, 6, 3), running, drill) == number


def test_the_day_of_a_case_is_the_districts() -> None:
    """At 16:30 in Greenwich it is already tomorrow in Shenzhen."""
    assert configured().local_time(datetime(2025, 6, 3, 16, 30, tzinfo=UTC)).date() == date(2025, 6, 4)
