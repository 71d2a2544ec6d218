"""Relative entropy (Wang, Viswanathan, Choudur, Talwar, Satterfield and Schwan 2011)."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, largest_of_columns, spread

WINDOW = 52
BINS = 5
AGREED_ENOUGH = 2
"""Windows that agreed with a hypothesis before it counts as usual."""
ACCEPTED = 13.277
"""The 0.99 quantile of chi-squared with `BINS` - 1 degrees of freedom."""
MOST = 100
DEVIATIONS = 3.0


@largest_of_columns
def relative_entropy(column: Values, warm_up: int) -> Values:
    """How far the distribution of the last 52 values is from all that were met more than once.

    Values are put into 5 bins of equal width over 3 standard deviations about the mean of the
    warm-up, where the paper takes a known range. The score is the smallest statistic of the test,
    so that its order reaches beyond the test's yes and no.
    """
    first = column[:warm_up]
    middle, half = first.mean(), DEVIATIONS * spread(first)
    edges = np.linspace(middle - half, middle + half, BINS + 1)[1:-1]
    bins = np.digitize(column, edges)
    known = np.empty((0, BINS))
    agreed = np.empty(0, np.int64)
    scores = np.zeros(len(column))
    counts = np.zeros(BINS)
    for index, number in enumerate(bins.tolist()):
        counts[number] += 1
        if index >= WINDOW:
            counts[bins[index - WINDOW]] -= 1
        if index < WINDOW - 1:
            continue
        share = counts / WINDOW
        if not len(known):
            known, agreed = share[None], np.ones(1, np.int64)
            continue
        statistics = 2.0 * WINDOW * _divergence(share, known)
        usual = statistics[agreed >= AGREED_ENOUGH]
        scores[index] = usual.min() if len(usual) else 0.0
        nearest = int(statistics.argmin())
        if statistics[nearest] <= ACCEPTED:
            agreed[nearest] += 1
        elif len(known) < MOST:
            known, agreed = np.vstack([known, share]), np.r_[agreed, 1]
    return scores


def _divergence(share: Values, known: Values) -> Values:
    """Kullback-Leibler divergence from each hypothesis, whose empty bins hold half a sample."""
    smooth = np.maximum(known, 0.5 / WINDOW)
    present = share > 0.0
    terms = share[present] * np.log(share[present] / smooth[:, present])
    return np.asarray(np.maximum(terms.sum(axis=1), 0.0))
