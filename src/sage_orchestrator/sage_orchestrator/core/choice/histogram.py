"""Costs in bins of equal ratios, in a few dozen bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sage_common.core.state.ranges import Count

_BASE = 1.2
_LOG_BASE = math.log(_BASE)


class Histogram(NamedTuple):
    """How many costs were of which size.

    The sketch of Masson, Rim and Lee (2019): its bound of a quantile is at most 20 % above it.

    Attributes:
        bins: numbers of the bins that hold a cost; bin b holds costs up to 1.2^b us.
        counts: costs in each of them.
    """

    bins: tuple[Count, ...] = ()
    counts: tuple[Count, ...] = ()

    def with_cost(self, cost_ns: int) -> Histogram:
        """One cost more."""
        found = Counter(dict(zip(self.bins, self.counts, strict=True)))
        found[_bin(cost_ns)] += 1
        bins = tuple(sorted(found))
        return Histogram(bins, tuple(found[b] for b in bins))


def upper_bound_ns(histograms: Iterable[Histogram], share: float) -> int | None:
    """What this share of all costs did not exceed, up to 20 % more; None if there are none."""
    found: Counter[int] = Counter()
    for histogram in histograms:
        found.update(dict(zip(histogram.bins, histogram.counts, strict=True)))
    wanted, seen = share * found.total(), 0
    for number in sorted(found):
        seen += found[number]
        if seen >= wanted:
            return round(1000 * _BASE**number)
    return None


def _bin(cost_ns: int) -> int:
    return max(0, math.ceil(math.log(max(1, cost_ns) / 1000) / _LOG_BASE))
