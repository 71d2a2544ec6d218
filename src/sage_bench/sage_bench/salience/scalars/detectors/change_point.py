"""Bayesian online change point detection (Adams and MacKay 2007)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from sage_bench.salience.scalars.detectors.columns import Values, largest_of_columns, spread

HAZARD = 1.0 / 250.0
LONGEST = 400
RECENT = 10
PRIOR_COUNT, PRIOR_SHAPE, PRIOR_SCALE = 0.1, 1.0, 0.5


@largest_of_columns
def change_point(column: Values, warm_up: int) -> Values:
    """Log odds that the present run is at most 10 samples old.

    A Gaussian of unknown mean and variance in each run, by the mean and deviation of the warm-up;
    hazard 1/250; runs longer than 400 samples are one.
    """
    first = column[:warm_up]
    values = (column - first.mean()) / spread(first)
    scores = np.zeros(len(values))
    chance = np.array([0.0])
    mean, count = np.zeros(1), np.full(1, PRIOR_COUNT)
    shape, scale = np.full(1, PRIOR_SHAPE), np.full(1, PRIOR_SCALE)
    for index, value in enumerate(np.clip(values, -1e6, 1e6).tolist()):
        grown = chance + _predictive(value, mean, count, shape, scale)
        begun = _log_sum(grown) + math.log(HAZARD)
        chance = np.concatenate([[begun], grown + math.log1p(-HAZARD)])
        chance -= _log_sum(chance)
        moved = value - mean
        scale = np.r_[PRIOR_SCALE, scale + 0.5 * count * moved**2 / (count + 1.0)]
        mean = np.r_[0.0, mean + moved / (count + 1.0)]
        shape, count = np.r_[PRIOR_SHAPE, shape + 0.5], np.r_[PRIOR_COUNT, count + 1.0]
        if len(chance) > LONGEST:
            last = np.logaddexp(chance[-2], chance[-1])
            chance = np.r_[chance[:-2], last]
            mean, count, shape, scale = mean[:-1], count[:-1], shape[:-1], scale[:-1]
        if len(chance) > RECENT + 1:
            young, old = _log_sum(chance[: RECENT + 1]), _log_sum(chance[RECENT + 1 :])
            scores[index] = max(young - old, -700.0)
        else:
            scores[index] = -700.0
    return scores


def _predictive(value: float, mean: Values, count: Values, shape: Values, scale: Values) -> Values:
    """Log density of Student's t, one for each run."""
    variance = scale * (count + 1.0) / count
    return np.asarray(
        gammaln(shape + 0.5)
        - gammaln(shape)
        - 0.5 * np.log(2.0 * math.pi * variance)
        - (shape + 0.5) * np.log1p((value - mean) ** 2 / (2.0 * variance))
    )


def _log_sum(logs: Values) -> float:
    largest = float(logs.max())
    return largest + math.log(float(np.exp(logs - largest).sum()))
