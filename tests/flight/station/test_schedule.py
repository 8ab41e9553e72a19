"""The calendar: every planned time is flown or skipped with a reason, exactly once, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from patrol.config.rounds import PatrolConfig
from patrol.config.values import check_cron
from patrol.flight.station.schedule import Due, Timetable, due, next_run, planned
from patrol.geo import LatLon

SHENZHEN, BERLIN, TROMSO = LatLon(22.5431, 114.0579), LatLon(52.52, 13.405), LatLon(69.65, 18.96)
START = datetime(2026, 6, 1, tzinfo=UTC)


def table(zone: str = "Asia/Shanghai", place: LatLon = SHENZHEN, **fields: Any) -> Timetable:
    """A patrol's timetable."""
    common: dict[str, Any] = {
        "id": "round", "name": {"zh": "巡", "en": "Round"}, "drone": "falcon", "hazards": ["flooding"], "targets": ["a"],
    }  # fmt: skip
    return Timetable(PatrolConfig.model_validate(common | fields), ZoneInfo(zone), place)


def local(text: str, zone: str = "Asia/Shanghai") -> datetime:
    """A time on the district's clocks, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def followed(timetable: Timetable, begin: datetime, end: datetime, step: timedelta) -> list[Due]:
    """What a station that looks each `step` decides."""
    found, handled, now = list[Due](), begin, begin
    while now < end:
        now += step
        found.append(due(timetable, handled, now))
        handled = found[-1].handled_until
    return found


def test_a_daily_patrol_runs_at_its_minute_on_the_districts_clocks() -> None:
    """30 6 in Shanghai is 22:30 UTC the day before; looked at every 7 s it is run once, on time."""
    decided = followed(
        table(cron="30 6 * * *"), local("2026-06-01T06:29"), local("2026-06-01T06:40"), timedelta(seconds=7)
    )
    runs = [d.run for d in decided if d.run is not None]
    assert [(r.planned_at, r.late) for r in runs] == [(datetime(2026, 5, 31, 22, 30, tzinfo=UTC), False)]
    assert not any(d.skips for d in decided)


@pytest.mark.parametrize(
    ("came_back", "run", "skips"),
    [
        ("2026-06-03T06:45", "2026-06-03T06:30", ["down", "down"]),
        ("2026-06-03T07:30", None, ["down", "down", "down"]),
        ("2026-06-03T06:29", None, ["down", "down"]),
    ],
)
def test_what_was_missed_is_flown_late_within_its_grace_or_skipped_and_said(
    came_back: str, run: str | None, skips: list[str]
) -> None:
    """Down for two days: only a run no more than half an hour old is flown, marked late; every other is told as skipped."""
    decided = due(table(cron="30 6 * * *"), local("2026-06-01T06:00"), local(came_back))
    assert [skip.why for skip in decided.skips] == skips
    if run is None:
        assert decided.run is None
    else:
        assert decided.run is not None
        assert (decided.run.planned_at, decided.run.late) == (local(run), True)


def test_of_several_missed_runs_the_latest_is_flown() -> None:
    """A patrol of every ten minutes that comes back after 25 is flown once, and the overtaken ones are named."""
    decided = due(table(cron="*/10 * * * *"), local("2026-06-01T06:01"), local("2026-06-01T06:31"))
    assert decided.run is not None
    assert decided.run.planned_at == local("2026-06-01T06:30")
    assert [(s.why, s.planned_at) for s in decided.skips] == [
        ("overtaken", local("2026-06-01T06:10")),
        ("overtaken", local("2026-06-01T06:20")),
    ]


def test_blackout_days_and_windows_are_said() -> None:
    """A day without flights and an hour outside the window are skips with their reasons, also for a late start."""
    off = table(cron="0 6,12 * * *", windows=["08:00-12:30"], blackout_days=["2026-06-02/2026-06-03"])
    days = [due(off, local(f"2026-06-0{n}T00:00"), local(f"2026-06-0{n}T12:00")) for n in (1, 2, 3, 4)]
    assert [d.run is not None for d in days] == [True, False, False, True]
    assert [[s.why for s in d.skips] for d in days] == [
        ["outside-window"], ["blackout-day", "blackout-day"], ["blackout-day", "blackout-day"], ["outside-window"]]  # fmt: skip
    assert due(off, local("2026-06-04T11:00"), local("2026-06-04T12:31")).run is None


def test_a_window_over_midnight_holds_on_both_sides() -> None:
    """22:00-02:00 lets a patrol of 23:30 and of 01:30 fly, not one of 02:00."""
    night = table(cron="30 23,1 * * *", windows=["22:00-02:00"])
    late = table(cron="0 2 * * *", windows=["22:00-02:00"])
    assert next_run(night, local("2026-06-01T12:00")) == local("2026-06-01T23:30")
    assert next_run(night, local("2026-06-01T23:30")) == local("2026-06-02T01:30")
    assert next_run(late, local("2026-06-01T12:00")) is None


@settings(max_examples=30)
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "America/Sao_Paulo"]),
    st.integers(0, 23), st.integers(0, 59), st.integers(2020, 2035), st.integers(60, 900),
)  # fmt: skip
def test_once_a_day_is_once_a_day_where_clocks_change(
    zone: str, hour: int, minute: int, year: int, step_min: int
) -> None:
    """A patrol of one time a day is due exactly once on every day of a year, whatever the zone does to its clocks."""
    daily = table(zone, cron=f"{minute} {hour} * * *", grace_min=1440)
    begin, end = datetime(year, 3, 1, tzinfo=UTC), datetime(year, 4, 20, tzinfo=UTC)
    for first, last in ((begin, end), (begin.replace(month=9, day=20), end.replace(month=11, day=20))):
        decided = followed(daily, first, last, timedelta(minutes=step_min))
        times = [d.run.planned_at for d in decided if d.run] + [s.planned_at for d in decided for s in d.skips]
        days = sorted(t.astimezone(ZoneInfo(zone)).date() for t in times)
        assert len(set(times)) == len(times)
        assert days[1:-1] == [days[0] + timedelta(days=n) for n in range(1, len(days) - 1)]
        assert len(days) >= (last - first).days - 1  # the span may begin after and end before the time of its day


def test_an_hourly_patrol_follows_the_clocks_back() -> None:
    """Half past every hour is flown in both of the hours that Berlin's clocks show twice."""
    hourly = planned(table("Europe/Berlin", BERLIN, cron="30 * * * *"), datetime(2026, 10, 24, 23, tzinfo=UTC))
    assert [t.hour for t in islice(hourly, 4)] == [23, 0, 1, 2]


@given(st.integers(0, 2190 * 86400), st.lists(st.integers(1, 4000), min_size=1, max_size=60))
def test_every_planned_time_is_decided_exactly_once(second: int, steps: list[int]) -> None:
    """However often and irregularly the station looks, each planned time is a run or a skip, once."""
    begin = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    often = table(cron="*/20 * * * *", sun=[{"event": "sunset", "offset_min": -45}], grace_min=10)
    handled, now, decided = begin, begin, list[datetime]()
    for step in steps:
        now += timedelta(seconds=step)
        answer = due(often, handled, now)
        decided += [s.planned_at for s in answer.skips] + ([answer.run.planned_at] if answer.run else [])
        handled = answer.handled_until
    wanted = []
    for moment in planned(often, begin):
        if moment > now:
            break
        wanted.append(moment)
    assert sorted(decided) == wanted


def test_a_clock_that_is_set_back_flies_nothing_twice() -> None:
    """After a run the clock jumps back an hour: nothing is due until it has caught up."""
    hourly = table(cron="0 * * * *")
    first = due(hourly, local("2026-06-01T07:30"), local("2026-06-01T08:00"))
    assert first.run is not None
    back = due(hourly, first.handled_until, local("2026-06-01T07:05"))
    assert back.run is None
    assert due(hourly, back.handled_until, local("2026-06-01T08:00")).run is None
    assert due(hourly, back.handled_until, local("2026-06-01T09:00")).run is not None


def test_long_downtime_is_bounded() -> None:
    """A patrol of every minute after ten years answers with a bounded list, and reaches the present in a few looks."""
    handled, now, looks = datetime(2016, 1, 1, tzinfo=UTC), START, 0
    while handled < now:
        answer = due(table(cron="* * * * *"), handled, now)
        assert len(answer.skips) <= 2000
        handled, looks = answer.handled_until, looks + 1
    assert looks < 8


def test_sunrise_and_sunset_follow_the_place() -> None:
    """Published times of Shenzhen on 21 June 2026 (05:40 and 19:11) hold within two minutes, with and without an offset."""
    for event, clock, offset in (("sunrise", "05:40", 0), ("sunset", "19:11", 0), ("sunrise", "05:10", -30)):
        by_sun = table(sun=[{"event": event, "offset_min": offset}])
        at = next_run(by_sun, local("2026-06-21T00:00"))
        assert at is not None
        assert abs(at - local(f"2026-06-21T{clock}")) < timedelta(minutes=2)


def test_where_the_sun_does_not_rise_there_is_no_time_by_it() -> None:
    """In Tromsø there is no sunrise in December; the next is in January."""
    at = next_run(table("Europe/Oslo", TROMSO, sun=[{"event": "sunrise"}]), datetime(2026, 12, 5, tzinfo=UTC))
    assert at is not None
    assert date(2027, 1, 10) < at.date() < date(2027, 1, 20)


def test_without_times_nothing_is_due() -> None:
    """A patrol that only warnings start has no planned time."""
    answer = due(table(on_rain="yellow"), START, START + timedelta(days=3))
    assert (answer.run, answer.skips, next_run(table(), START)) == (None, (), None)


FIELD = st.one_of(
    st.just("*"),
    st.from_regex(r"\d{1,2}(-\d{1,2})?(/\d{1,2})?", fullmatch=True).filter(str.isascii),
    st.from_regex(r"\*/\d{1,2}", fullmatch=True).filter(str.isascii),
)


@given(st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD).map(" ".join))
def test_the_configuration_accepts_what_the_calendar_can_follow(expression: str) -> None:
    """No cron expression passes the configuration's check and is then refused here."""
    try:
        check_cron(expression)
    except PydanticCustomError:
        return
    try:
        assert next(CronSim(expression, START)) > START
    except CronSimError as err:
        raise AssertionError(expression) from err
