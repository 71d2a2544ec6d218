"""Detectors of one number, applied to many."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Detector = Callable[[Values, int], Values]
"""Scores float64 [T] of values float64 [T, n], given the number of samples of the warm-up."""

TINY = 1e-9


def largest_of_columns(one: Detector) -> Detector:
    """A detector that gives the largest of what `one` says of each column float64 [T]."""

    @functools.wraps(one)
    def of_all(values: Values, warm_up: int) -> Values:
        return np.asarray(np.max([one(column, warm_up) for column in values.T], axis=0))

    return of_all


def lagged(column: Values, length: int) -> Values:
    """The last `length` numbers at each sample, float64 [T, length]; the first one is repeated."""
    padded = np.concatenate([np.full(length - 1, column[0]), column])
    return np.lib.stride_tricks.sliding_window_view(padded, length)


def spread(column: Values) -> float:
    """Standard deviation that is never 0."""
    return max(float(column.std()), TINY * max(float(np.abs(column).max()), 1.0))
