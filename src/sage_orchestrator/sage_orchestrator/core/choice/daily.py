"""What runs cost, a day at a time for a week: their first answers, and whole runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sage_orchestrator.core.choice.histogram import Histogram, upper_bound_ns

DAYS_KEPT = 7
NS_PER_DAY = 86_400_000_000_000
ENOUGH_RUNS = 32
"""The newest days that hold so many say what a run costs; older ones only where runs are rare."""


class DayRecord(NamedTuple):
    """The runs of one day.

    Attributes:
        day: since the epoch, by the stamps of what the runs were about.
        first: what their first answers cost.
        whole: what those runs cost that nobody stopped.
    """

    day: int
    first: Histogram = Histogram()
    whole: Histogram = Histogram()


def with_run(
    days: Sequence[DayRecord], stamp_ns: int, costs_ns: Sequence[int], halted: bool
) -> tuple[DayRecord, ...]:
    """The days with one run more; the earliest make room for its day."""
    day = stamp_ns // NS_PER_DAY
    found = next((record for record in days if record.day == day), DayRecord(day))
    first = found.first.with_cost(costs_ns[0])
    whole = found.whole.with_cost(sum(costs_ns)) if halted else found.whole
    others = sorted((record for record in days if record.day != day), key=lambda r: r.day)
    return (*others[-(DAYS_KEPT - 1) :], DayRecord(day, first, whole))


def recent_bound_ns(newest_first: Iterable[Histogram], share: float, least: int) -> int | None:
    """What this share of the newest runs cost at most; None: there are fewer than `least`."""
    counted: list[Histogram] = []
    runs = 0
    for histogram in newest_first:
        counted.append(histogram)
        runs += sum(histogram.counts)
        if runs >= ENOUGH_RUNS:
            break
    return upper_bound_ns(counted, share) if runs >= least else None
