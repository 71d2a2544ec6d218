"""Phrases that name times of day: "before 9", "between 9:30 and 11 am", "at noon"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sage_memory.core.recall.question.calendar import DAY, Calendar, Span
from sage_memory.core.recall.question.phrases import pattern

LONGEST_DAY = timedelta(hours=36)
HALF_DAY = timedelta(hours=12)
TIME = (
    r"(?:noon|midday|midnight|\d{1,2}(?::\d{2})?"
    r"(?:\s*(?:am|pm|a\.m\.?|p\.m\.?|o['’]?clock)(?!\w))?)"
)
ONE_TIME = re.compile(
    r"(?P<name>noon|midday|midnight)|(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>[ap])?",
    re.IGNORECASE,
)
FORM = pattern(
    rf"(?:(?P<bound>before|until|till|since|after) (?P<one>{TIME})"
    rf"|(?:between|from) (?P<first>{TIME}) (?:and|to|until|till) (?P<second>{TIME})"
    rf"|(?:at|around|at around|at about) (?P<about>{TIME}))",
    whole=True,
)
"""How times of day are said."""


class TimeOfDay(NamedTuple):
    """Since midnight; `either`: twelve hours later may be meant as well."""

    since_midnight: timedelta
    either: bool
    exact: bool

    def on(self, base: Span, not_at_start: bool = False) -> datetime | None:
        """The first such time in a span of at most 36 hours; None: there is none."""
        assert base.start is not None and base.end is not None
        for moment in self._moments(base.start):
            if not_at_start and base.start < moment <= base.end:
                return moment
            if not not_at_start and base.start <= moment < base.end:
                return moment
        return None

    def _moments(self, start: datetime) -> Iterator[datetime]:
        midnight = datetime.combine(start.date(), time())
        for day in range(3):
            yield midnight + day * DAY + self.since_midnight
            if self.either:
                yield midnight + day * DAY + self.since_midnight + HALF_DAY


def time_of_day(words: str) -> TimeOfDay | None:
    """What "noon", "9", "9:15" or "9 pm" is; None: no time of day."""
    found = ONE_TIME.match(words)
    assert found is not None
    if found["name"]:
        noon = timedelta(hours=0 if found["name"].lower() == "midnight" else 12)
        return TimeOfDay(noon, either=False, exact=False)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower()
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return TimeOfDay(
        timedelta(hours=hour, minutes=minute),
        not half and 1 <= hour <= 12,
        found["minute"] is not None,
    )


def span_of(found: re.Match[str], calendar: Calendar, day: Span | None) -> Span | None:
    """What a phrase means on a day, or without one on the latest on which it has begun.

    Args:
        day: both bounds set.

    Returns: None if there is no such time, or the day is longer than one.
    """
    if day is not None:
        assert day.start is not None and day.end is not None
        return _on(found, day) if day.end - day.start <= LONGEST_DAY else None
    span = _on(found, calendar.day(0))
    begun = span is None or span.start is None or span.start <= calendar.now
    return span if begun else _on(found, calendar.day(1))


def _on(found: re.Match[str], day: Span) -> Span | None:
    if found["first"]:
        return _between(found["first"], found["second"], day)
    wanted = time_of_day(found["one"] or found["about"])
    if wanted is None:
        return None
    bound = (found["bound"] or "").lower()
    moment = wanted.on(day, not_at_start=bound in ("before", "until", "till"))
    if moment is None:
        return None
    if not bound:
        around = timedelta(minutes=10 if wanted.exact else 30)
        return Span(moment - around, moment + around)
    if bound == "since":
        return Span(moment, None)
    return Span(moment, day.end) if bound == "after" else Span(day.start, moment)


def _between(first: str, second: str, day: Span) -> Span | None:
    start, end = time_of_day(first), time_of_day(second)
    if start is None or end is None:
        return None
    later = start.since_midnight + HALF_DAY
    if start.either and not end.either and later < end.since_midnight:
        start = start._replace(since_midnight=later, either=False)  # between 9 and 11 pm
    begins = start.on(day)
    ends = None if begins is None else end.on(Span(begins, day.end), not_at_start=True)
    return None if ends is None else Span(begins, ends)
