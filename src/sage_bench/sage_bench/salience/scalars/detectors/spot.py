"""SPOT (Siffer, Fouque, Termier and Largouet 2017): extreme value theory on a stream."""

from __future__ import annotations

import math
from bisect import insort

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, largest_of_columns, spread

QUANTILE = 0.98
LEAST_PEAKS = 5


@largest_of_columns
def spot(column: Values, warm_up: int) -> Values:
    """Minus the decimal logarithm of a value's tail probability, the larger of both tails.

    Initialised on the warm-up; peaks over its 0.98 quantile make a generalised Pareto
    distribution, fitted by probability-weighted moments (Hosking and Wallis 1987) at each peak
    where the paper maximises the likelihood. What is far beyond is learned, too.
    """
    centred = column - column[:warm_up].mean()
    return np.maximum(_tail(centred, warm_up), _tail(-centred, warm_up))


def _tail(column: Values, warm_up: int) -> Values:
    first = column[:warm_up]
    threshold = float(np.quantile(first, QUANTILE))
    middle, scale = float(np.median(first)), spread(first)
    peaks = sorted((first[first > threshold] - threshold).tolist())
    shape, size = _pareto(peaks, scale)
    scores = np.zeros(len(column))
    seen = warm_up
    for index, value in enumerate(column[warm_up:].tolist(), warm_up):
        seen += 1
        share = -math.log10(max(len(peaks), 1) / seen)
        beyond = value - threshold
        if beyond <= 0.0:
            scores[index] = share * min((value - middle) / max(threshold - middle, scale), 1.0)
            continue
        scores[index] = share + _log_survival(beyond, shape, size) / math.log(10.0)
        insort(peaks, beyond)
        shape, size = _pareto(peaks, scale)
    return scores


def _pareto(peaks: list[float], scale: float) -> tuple[float, float]:
    """Shape and scale of the excesses, sorted; exponential while there are few."""
    if not peaks:
        return 0.0, scale
    mean = float(np.mean(peaks))
    if len(peaks) < LEAST_PEAKS:
        return 0.0, max(mean, 1e-9 * scale)
    count = len(peaks)
    weights = (count - np.arange(1, count + 1)) / (count - 1)
    weighted = float((weights * peaks).mean())
    rest = mean - 2.0 * weighted
    if rest <= 1e-12 * mean:
        return 0.5, max(mean, 1e-9 * scale)
    shape = 2.0 - mean / rest
    return float(np.clip(shape, -0.1, 0.9)), max(2.0 * mean * weighted / rest, 1e-9 * scale)


def _log_survival(beyond: float, shape: float, size: float) -> float:
    """Minus the natural logarithm of the chance of a larger excess."""
    if abs(shape) < 1e-6:
        return beyond / size
    inside = 1.0 + shape * beyond / size
    if inside <= 0.0:
        # Beyond the end of the distribution: go on as an exponential one, so that order is kept.
        return beyond / size * 10.0
    return math.log(inside) / shape
