"""Spans of time as people name them, in the time zone of who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from sage_common.core.clock import NS_PER_S

DAY = timedelta(days=1)
PARTS = {"morning": (0, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}
"""First hour and the one after the last; a night ends on the next day."""


@dataclass(frozen=True)
class Span:
    """From `start` to before `end`, both without a zone; None: no bound."""

    start: datetime | None
    end: datetime | None

    def within(self, other: Span) -> Span | None:
        """What is in both; None: nothing."""
        starts = [one for one in (self.start, other.start) if one is not None]
        ends = [one for one in (self.end, other.end) if one is not None]
        both = Span(max(starts, default=None), min(ends, default=None))
        empty = both.start is not None and both.end is not None and both.start >= both.end
        return None if empty else both


class Calendar:
    """Tells the time of who asks.

    Args:
        now_ns: since 1970 [ns].
        zone: None: that of this host.
    """

    def __init__(self, now_ns: int, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self.now = datetime.fromtimestamp(now_ns / NS_PER_S, zone).replace(tzinfo=None)
        self.today = datetime.combine(self.now.date(), time())

    def ns(self, moment: datetime) -> int:
        """Nanoseconds since 1970 of a moment without a zone."""
        return round(moment.replace(tzinfo=self._zone).timestamp() * NS_PER_S)

    def day(self, ago: int) -> Span:
        """A whole day."""
        return Span(self.today - ago * DAY, self.today - (ago - 1) * DAY)

    def weekday(self, number: int, before_today: bool) -> Span:
        """The latest such day, Monday being 0."""
        ago = (self.today.weekday() - number) % 7
        return self.day(ago or (7 if before_today else 0))

    def date(self, day: int, month: int, year: int | None) -> Span:
        """This date, without a year the latest.

        Raises:
            ValueError: there is none.
        """
        found = date(year or self.today.year, month, day)
        if year is None and found > self.today.date():
            found = found.replace(year=found.year - 1)
        return self.day((self.today.date() - found).days)

    def night(self, last: bool) -> Span:
        """The night that is, or the one before this day; before six they are the same."""
        ago = 1 if last or self.now.hour < PARTS["night"][1] - 24 else 0
        return part_of(self.day(ago), "night")

    def unit(self, name: str, last: bool) -> Span:
        """This week, month or year, or the last one."""
        if name == "week":
            start = self.today - self.today.weekday() * DAY
            start -= 7 * DAY if last else timedelta()
            return Span(start, start + 7 * DAY)
        first = self.today.replace(day=1) if name == "month" else self.today.replace(day=1, month=1)
        if last:
            before = first - DAY
            first = before.replace(day=1) if name == "month" else before.replace(day=1, month=1)
        after = first + (31 if name == "month" else 366) * DAY
        end = after.replace(day=1) if name == "month" else after.replace(day=1, month=1)
        return Span(first, end)

    def shown(self, span: Span) -> str:
        """In words: "from 00:00 to 12:00", with dates where it is not of today."""
        days = {moment.date() for moment in (span.start, span.end) if moment is not None}
        ends_today = span.end == self.today + DAY and span.start is not None
        if ends_today:
            days.discard((self.today + DAY).date())
        dated = days != {self.today.date()}
        start = _shown(span.start, dated)
        end = "24:00" if ends_today and not dated else _shown(span.end, dated)
        if not start:
            return f"until {end}"
        return f"from {start} to {end}" if end else f"from {start}"


def part_of(day: Span, name: str) -> Span:
    """The morning, afternoon, evening or night of a day."""
    assert day.start is not None
    first, last = (timedelta(hours=hour) for hour in PARTS[name])
    return Span(day.start + first, day.start + last)


def _shown(moment: datetime | None, dated: bool) -> str:
    if moment is None:
        return ""
    form = "%H:%M:%S" if moment.second or moment.microsecond else "%H:%M"
    return moment.strftime(f"%Y-%m-%d {form}" if dated else form)
