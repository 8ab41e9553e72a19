"""Attention and clock: who is looked at next, how much was not watched, and what a set clock does."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from patrol_edge.attention import Attention, next_camera
from patrol_edge.clock import SteadyClock
from tests.edge.conftest import START


def at(seconds: float) -> datetime:
    """A moment."""
    return START + timedelta(seconds=seconds)


def test_the_earliest_deadline_goes_first() -> None:
    """A perimeter camera, which must be looked at twice a second, goes before a fire lane seen at the same time."""
    lane = Attention("lane", 2, START).looked(at(10))
    fence = Attention("fence", 0.5, START).looked(at(10))
    chosen = next_camera([(lane, at(11)), (fence, at(11))])
    assert chosen is fence


def test_a_camera_is_not_looked_at_more_often_than_needed() -> None:
    """A frame that comes before half the time has passed is left alone, so that more cameras fit on a box."""
    lane = Attention("lane", 2, START).looked(at(10))
    assert next_camera([(lane, at(10.9))]) is None
    assert next_camera([(lane, at(11.0))]) is lane


def test_unwatched_time_is_what_lies_beyond_each_deadline() -> None:
    """Looks at 1, 2 and 10 s with a deadline of 2 s: six seconds were not watched, and a silence counts while it lasts."""
    attention = Attention("lane", 2, START)
    for second in (1, 2, 10):
        attention = attention.looked(at(second))
    assert attention.unwatched_s == 6
    assert attention.unwatched_until(at(11)) == 6
    assert attention.unwatched_until(at(100)) == 6 + 88


@given(st.lists(st.floats(0.01, 20), max_size=50), st.floats(0.1, 5))
def test_watched_and_unwatched_add_up(gaps: list[float], every_s: float) -> None:
    """Unwatched time never exceeds the time that passed, and is zero when every gap kept the deadline."""
    attention, now_s = Attention("x", every_s, START), 0.0
    for gap in gaps:
        now_s += gap
        attention = attention.looked(at(now_s))
    assert 0 <= attention.unwatched_s <= now_s
    if all(gap < every_s - 1e-5 for gap in gaps):
        assert attention.unwatched_s == 0


def test_the_clock_counts_steps_and_ignores_drift() -> None:
    """Drift of a few milliseconds is no step; an hour forward and a day back are, and add up."""
    wall, mono = [START], [0.0]
    clock = SteadyClock(lambda: wall[0], lambda: mono[0])

    def pass_time(seconds: float, set_by: timedelta = timedelta(0)) -> None:
        mono[0] += seconds
        wall[0] += timedelta(seconds=seconds) + set_by

    for _ in range(100):
        pass_time(10, timedelta(milliseconds=5))
        assert clock.now() == wall[0]
    assert clock.stepped == timedelta(0)
    pass_time(1, timedelta(hours=1))
    clock.now()
    pass_time(1, timedelta(days=-1))
    clock.now()
    assert abs(clock.stepped - timedelta(hours=1, days=-1)) < timedelta(milliseconds=1)
