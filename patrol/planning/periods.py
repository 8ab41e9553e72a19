"""When a zone is active: days and hours that come again, as spans around the start of a flight. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import inf

from patrol.planning.airspace import Span

DAYS_BEFORE, DAYS_AFTER = 1, 2  # no flight is longer


@dataclass(frozen=True)
class Daily:
    """Hours of a day, wall clock of `zone`; they end on the next day when `ends` is not after `begins`.

    `weekdays` counts Monday as 0; empty is every day. `first` and `last` (inclusive) bound the day on which it begins.
    """

    begins: time = time.min
    ends: time = time.min
    zone: tzinfo = UTC
    weekdays: frozenset[int] = frozenset()
    first: date | None = None
    last: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it begins on `day`."""
        return (
            (not self.weekdays or day.weekday() in self.weekdays)
            and (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
        )

    def on(self, day: date) -> Span:
        """Its span on `day`."""
        begins = datetime.combine(day, self.begins, self.zone)
        until = day if self.ends > self.begins else day + timedelta(days=1)
        return Span(begins.timestamp(), datetime.combine(until, self.ends, self.zone).timestamp())


def active_spans(whole: Span, dailies: Iterable[Daily], starts_at_s: float | None) -> tuple[Span, ...] | None:
    """Spans in which a zone is active; `()` is always, None is never while the flight lasts.

    whole        from when to when it is in force, seconds since 1970 UTC
    dailies      its hours; none means the whole day
    starts_at_s  when the flight starts. Unknown: hours are not looked at, so that the zone counts in all of `whole`
    """
    hours = tuple(dailies)
    if starts_at_s is None or not hours:
        return () if whole == Span(-inf, inf) else (whole,)
    spans = []
    for daily in hours:
        today = datetime.fromtimestamp(starts_at_s, daily.zone).date()
        for offset in range(-DAYS_BEFORE, DAYS_AFTER + 1):
            day = today + timedelta(days=offset)
            if daily.holds_on(day):
                span = daily.on(day)
                begins_s, ends_s = max(span.begins_s, whole.begins_s), min(span.ends_s, whole.ends_s)
                if begins_s < ends_s:
                    spans.append(Span(begins_s, ends_s))
    return tuple(sorted(spans, key=lambda span: span.begins_s)) or None
