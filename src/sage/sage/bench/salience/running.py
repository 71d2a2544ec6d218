"""Scales of a signal's own past: what is much for it, knowing nothing of its future."""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

HORIZON = 300
"""Ticks over which a running mean forgets: half a minute."""

Values = NDArray[np.float64]


def z_scores(values: Values, horizon: int = HORIZON) -> Values:
    """Deviations from the running mean, in running standard deviations, float64 [T].

    Each value is measured by those before it; the first is 0.
    """
    scores = np.zeros(len(values))
    mean = variance = 0.0
    for index, value in enumerate(values.tolist()):
        offset = value - mean
        if index > 1:
            scores[index] = offset / max(variance**0.5, 1e-9 * max(abs(mean), 1.0))
        rate = 1.0 / min(index + 1, horizon)
        mean += rate * offset
        variance = (1.0 - rate) * (variance + rate * offset * offset)
    return scores


def past_ranks(values: Values) -> Values:
    """Share of the values before it that each one exceeds, float64 [T] in (0, 1).

    A tie counts half, and so does the value itself.
    """
    ranks = np.zeros(len(values))
    past: list[float] = []
    for index, value in enumerate(values.tolist()):
        below, upto = bisect.bisect_left(past, value), bisect.bisect_right(past, value)
        ranks[index] = (0.5 * (below + upto) + 0.5) / (len(past) + 1)
        past.insert(upto, value)
    return ranks
