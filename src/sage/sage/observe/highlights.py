"""The most salient moments of a run: when, how salient, and why. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.clock import NS_PER_S, local_time
from sage_snarc.core.reason import as_rare_as

LEAST_TOTAL = 0.3
APART_NS = 3 * NS_PER_S
MOST = 3


@dataclass(frozen=True)
class Highlight:
    """One moment.

    Attributes:
        stamp_ns: of it [ns].
        total: fused salience, [0, 1].
        alarms_per_hour: how often as much is said while nothing happens [1/h].
        reason: in words.
    """

    stamp_ns: int
    total: float
    alarms_per_hour: float
    reason: str

    def in_words(self) -> str:
        """When, how salient, why, and how rare that is."""
        time = local_time(self.stamp_ns, with_date=False)
        return f"{time}  {self.total:.2f}  {self.reason} ({as_rare_as(self.alarms_per_hour)})"


class Highlights:
    """Keeps the three most salient moments, at least 3 s apart and each at least 0.3."""

    def __init__(self) -> None:
        self._best: tuple[Highlight, ...] = ()
        self._newest: Highlight | None = None

    def add(self, moment: Highlight) -> None:
        """Look at the next moment."""
        if self._newest is None or moment.total > self._newest.total:
            self._newest = moment
        if moment.total < LEAST_TOTAL:
            return
        near = [item for item in self._best if abs(item.stamp_ns - moment.stamp_ns) < APART_NS]
        if any(item.total >= moment.total for item in near):
            return
        kept = [moment, *(item for item in self._best if item not in near)]
        self._best = tuple(sorted(kept, key=lambda item: -item.total)[:MOST])

    def best(self) -> list[Highlight]:
        """The most salient moments of all, in order of time."""
        return sorted(self._best, key=lambda item: item.stamp_ns)

    def take(self) -> Highlight | None:
        """The most salient moment since the last call, however quiet; None: there was none."""
        taken, self._newest = self._newest, None
        return taken
