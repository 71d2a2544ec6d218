"""The scale of a signal's own past: what is much for it, knowing nothing of its future."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HORIZON = 50
"""Ticks over which a running mean forgets: five seconds."""

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
