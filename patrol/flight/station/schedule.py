"""When a patrol is due: `due(timetable, handled_until, now)`. Pure; the only file that knows cron and the sun.

Cron follows Debian's: a time that the clocks skip in spring comes right after the gap, one that they repeat in
autumn comes once; only `*` in the hour field follows the clocks (cronsim). Sunrise and sunset are those of the
district's origin (astral, within a minute); where the sun does not rise that day there is no time by it.

Each planned time is either a run or a skip with a reason, exactly once, whatever happened in between: a station
that was down starts the latest run that is no later than its grace allows, and says of every other why it was not flown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import sunrise, sunset
from cronsim import CronSim

from patrol.config.rounds import PatrolConfig
from patrol.geo import LatLon

LOOK_BACK = timedelta(days=7)  # what was missed before that is no news any more
MOST_TIMES = 2_000  # planned times looked at in one go: a week of every five minutes
ON_TIME = timedelta(minutes=1)
AHEAD_DAYS = 366
Why = Literal["down", "overtaken", "blackout-day", "outside-window"]


@dataclass(frozen=True)
class Timetable:
    """One patrol's times on the district's clocks."""

    patrol: PatrolConfig
    zone: ZoneInfo
    place: LatLon


@dataclass(frozen=True)
class Run:
    """A planned time that is to be flown now; `late` when that is more than a minute after it."""

    patrol_id: str
    planned_at: datetime
    late: bool


@dataclass(frozen=True)
class Skip:
    """A planned time that is not flown. `why`: the station was down too long, a later run took its place, or the calendar."""

    patrol_id: str
    planned_at: datetime
    why: Why


@dataclass(frozen=True)
class Due:
    """What became of the planned times up to now."""

    run: Run | None
    skips: tuple[Skip, ...]
    handled_until: datetime


def due(table: Timetable, handled_until: datetime, now: datetime) -> Due:
    """All planned times in (handled_until, now], decided. Times are aware; `handled_until` is where the last call ended.

    A clock that was set back decides nothing twice: nothing is due until it has caught up.
    """
    if now <= handled_until:
        return Due(None, (), handled_until)
    since = max(handled_until, now - LOOK_BACK)
    times = list(islice(takewhile(lambda moment: moment <= now, planned(table, since)), MOST_TIMES))
    skips, flyable = list[Skip](), list[datetime]()
    for moment in times:
        why = _forbidden(table, moment) or _too_late(table, moment, now)
        if why is None:
            flyable.append(moment)
        else:
            skips.append(Skip(table.patrol.id, moment, why))
    skips += [Skip(table.patrol.id, moment, "overtaken") for moment in flyable[:-1]]
    run = Run(table.patrol.id, flyable[-1], now - flyable[-1] > ON_TIME) if flyable else None
    skips.sort(key=lambda skip: skip.planned_at)
    return Due(run, tuple(skips), now if len(times) < MOST_TIMES else times[-1])


def next_run(table: Timetable, after: datetime) -> datetime | None:
    """The next time at which the calendar lets it fly, within a year; None when there is none."""
    limit = after + timedelta(days=AHEAD_DAYS)
    for moment in islice(planned(table, after), MOST_TIMES):
        if moment > limit:
            return None
        if _forbidden(table, moment) is None:
            return moment
    return None


def planned(table: Timetable, after: datetime) -> Iterator[datetime]:
    """Planned times after `after`, in order, each once, in UTC. Endless unless the patrol has no times."""
    sources = [_by_sun(table, n, after) for n in range(len(table.patrol.sun))]
    if table.patrol.cron is not None:
        sources.append(_by_cron(table, table.patrol.cron, after))
    heads = [(next(source, None), source) for source in sources]
    last: datetime | None = None
    while True:
        coming = [(moment, n) for n, (moment, _) in enumerate(heads) if moment is not None]
        if not coming:
            return
        moment, n = min(coming)
        heads[n] = (next(heads[n][1], None), heads[n][1])
        if moment != last:
            yield moment
        last = moment


def _by_cron(table: Timetable, expression: str, after: datetime) -> Iterator[datetime]:
    # cronsim begins after the minute it is given, so that a time in the same minute needs the minute before
    begin = (after - timedelta(minutes=1)).astimezone(table.zone)
    for moment in CronSim(expression, begin):
        at = moment.astimezone(UTC)
        if at > after:
            yield at


def _by_sun(table: Timetable, number: int, after: datetime) -> Iterator[datetime]:
    sun = table.patrol.sun[number]
    observer = Observer(table.place.lat_deg, table.place.lon_deg)
    offset = timedelta(minutes=sun.offset_min)
    event = sunrise if sun.event == "sunrise" else sunset
    day = (after - offset).astimezone(table.zone).date() - timedelta(days=1)
    for n in range(AHEAD_DAYS * 2):
        try:
            at = event(observer, day + timedelta(days=n), tzinfo=table.zone).astimezone(UTC) + offset
        except ValueError:  # polar day or night
            continue
        at = at.replace(microsecond=0)
        if at > after:
            yield at


def _forbidden(table: Timetable, moment: datetime) -> Why | None:
    local = moment.astimezone(table.zone)
    if blacked_out(table.patrol, local.date()):
        return "blackout-day"
    return None if in_window(table.patrol, local.time()) else "outside-window"


def _too_late(table: Timetable, moment: datetime, now: datetime) -> Why | None:
    patrol = table.patrol
    if now - moment > max(timedelta(minutes=patrol.grace_min), ON_TIME):
        return "down"
    local = now.astimezone(table.zone)
    return None if in_window(patrol, local.time()) and not blacked_out(patrol, local.date()) else "down"


def in_window(patrol: PatrolConfig, local: time) -> bool:
    """Whether it may take off at this time of the day."""
    return not patrol.windows or any(window.hold(local) for window in patrol.windows)


def blacked_out(patrol: PatrolConfig, day: date) -> bool:
    """Whether it is not flown on this day."""
    return any(days.hold(day) for days in patrol.blackout_days)
