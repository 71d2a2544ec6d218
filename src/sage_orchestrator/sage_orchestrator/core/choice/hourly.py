"""A day of runs, an hour at a time."""

from __future__ import annotations

from typing import NamedTuple

from sage_common.core.state.ranges import Count
from sage_orchestrator.core.choice.histogram import Histogram

HOURS_KEPT = 24
NS_PER_HOUR = 3_600_000_000_000


class HourRecord(NamedTuple):
    """The runs of one hour, of all modalities.

    Attributes:
        hour: since the epoch, by the stamps of what the runs were about.
        failures: of so many more runs.
        bins, counts: the histogram of what they cost.
    """

    hour: int
    failures: Count
    bins: tuple[Count, ...] = ()
    counts: tuple[Count, ...] = ()

    def with_run(self, cost_ns: int) -> HourRecord:
        """One run more."""
        bins, counts = self.costs.with_cost(cost_ns)
        return self._replace(bins=bins, counts=counts)

    @property
    def costs(self) -> Histogram:
        """What they cost."""
        return Histogram(self.bins, self.counts)


def with_hour(hours: tuple[HourRecord, ...], hour: int) -> tuple[HourRecord, ...]:
    """The hours with this one as the last; the earliest make room for it."""
    found = next((record for record in hours if record.hour == hour), HourRecord(hour, 0))
    others = sorted((record for record in hours if record.hour != hour), key=lambda r: r.hour)
    return (*others[-(HOURS_KEPT - 1) :], found)
