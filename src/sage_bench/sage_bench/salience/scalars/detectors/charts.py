"""Control charts: a windowed Gaussian, exponentially weighted means, cumulative sums."""

from __future__ import annotations

import math

import numpy as np

from sage_bench.salience.scalars.detectors.columns import TINY, Values, largest_of_columns

WINDOW = 6400
FIRST = 10
SMOOTHING = 0.2
HORIZON = 1000
SLACK, ALARM = 0.5, 10.0


@largest_of_columns
def windowed_gaussian(column: Values, warm_up: int) -> Values:
    """Distance from the mean of the last 6,400 values in their standard deviations.

    The score orders samples as the tail probability of a Gaussian does; Ahmad et al. 2017 describe
    it as the baseline of their benchmark.
    """
    count = np.arange(1, len(column))
    shifted = column - column[0]
    sums, squares = np.cumsum(shifted)[:-1], np.cumsum(shifted**2)[:-1]
    sums[WINDOW:] -= np.cumsum(shifted)[: len(sums) - WINDOW] if len(sums) > WINDOW else 0.0
    squares[WINDOW:] -= np.cumsum(shifted**2)[: len(sums) - WINDOW] if len(sums) > WINDOW else 0.0
    count = np.minimum(count, WINDOW)
    mean = sums / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    floor = TINY * max(float(np.abs(shifted[:warm_up]).max()), 1.0)
    scores = np.zeros(len(column))
    scores[1:] = np.abs(shifted[1:] - mean) / np.maximum(deviation, floor)
    scores[:FIRST] = 0.0
    return scores


@largest_of_columns
def weighted_mean(column: Values, warm_up: int) -> Values:
    """Exponentially weighted moving average chart (Roberts 1959), smoothing 0.2."""
    scores = np.zeros(len(column))
    average, limits = 0.0, math.sqrt(SMOOTHING / (2.0 - SMOOTHING))
    for index, z in enumerate(_standardised(column).tolist()):
        average += SMOOTHING * (z - average)
        scores[index] = abs(average) / limits
    return scores


@largest_of_columns
def cumulative_sum(column: Values, warm_up: int) -> Values:
    """Two-sided cumulative sums (Page 1954), slack 0.5; both begin anew above 10."""
    scores = np.zeros(len(column))
    above = below = 0.0
    for index, z in enumerate(_standardised(column).tolist()):
        above, below = max(above + z - SLACK, 0.0), max(below - z - SLACK, 0.0)
        scores[index] = max(above, below)
        if scores[index] > ALARM:
            above = below = 0.0
    return scores


def _standardised(column: Values) -> Values:
    """Distance from the running mean over 1,000 samples, in running standard deviations."""
    found = np.zeros(len(column))
    mean = variance = 0.0
    for index, value in enumerate((column - column[0]).tolist()):
        offset = value - mean
        if index >= FIRST:
            found[index] = offset / max(variance**0.5, TINY * max(abs(mean), 1.0))
        rate = 1.0 / min(index + 1, HORIZON)
        mean += rate * offset
        variance = (1.0 - rate) * (variance + rate * offset * offset)
    return found
