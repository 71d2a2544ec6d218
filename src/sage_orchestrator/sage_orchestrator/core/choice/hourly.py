"""A week of runs, an hour at a time, in a few hundred bytes each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sage_common.core.state.ranges import Count

HOURS_KEPT = 168
NS_PER_HOUR = 3_600_000_000_000
_BASE = 1.2
_LOG_BASE = math.log(_BASE)


class HourRecord(NamedTuple):
    """The runs of one hour, their costs as a histogram of equal ratios.

    A quantile of it is right within 10 % (the sketch of Masson, Rim and Lee 2019).

    Attributes:
        hour: since the epoch, by the stamps of what the runs were about.
        failures: of so many more runs.
        bins: numbers of the bins that hold a run; bin b holds costs up to 1.2^b us.
        counts: runs in each of them.
    """

    hour: int
    failures: Count
    bins: tuple[Count, ...] = ()
    counts: tuple[Count, ...] = ()

    def with_run(self, cost_ns: int) -> HourRecord:
        """One run more."""
        found = Counter(dict(zip(self.bins, self.counts, strict=True)))
        found[_bin(cost_ns)] += 1
        bins = tuple(sorted(found))
        return self._replace(bins=bins, counts=tuple(found[b] for b in bins))


def with_hour(hours: tuple[HourRecord, ...], hour: int) -> tuple[HourRecord, ...]:
    """The hours with this one as the last; the earliest make room for it."""
    found = next((record for record in hours if record.hour == hour), HourRecord(hour, 0))
    others = sorted((record for record in hours if record.hour != hour), key=lambda r: r.hour)
    return (*others[-(HOURS_KEPT - 1) :], found)


def cost_quantile_ns(hours: Iterable[HourRecord], share: float) -> int | None:
    """The cost that this share of all runs did not exceed; None if there was no run."""
    found: Counter[int] = Counter()
    for record in hours:
        found.update(dict(zip(record.bins, record.counts, strict=True)))
    wanted, seen = share * found.total(), 0
    for number in sorted(found):
        seen += found[number]
        if seen >= wanted:
            return round(1000 * _BASE**number * 2 / (1 + _BASE))
    return None


def _bin(cost_ns: int) -> int:
    return max(0, math.ceil(math.log(max(1, cost_ns) / 1000) / _LOG_BASE))
