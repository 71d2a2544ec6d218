"""Trees of other libraries, on the last samples."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.baselines import anomaly
from sage_bench.salience.scalars.detectors.columns import Values, lagged

LAGS = 4
"""Samples that a tree sees at once."""


def half_space_trees(values: Values, warm_up: int) -> Values:
    """`river.anomaly.HalfSpaceTrees` on the last four samples."""
    return anomaly.half_space_trees(_last(values))


def isolation_forest(values: Values, warm_up: int) -> Values:
    """`sklearn.ensemble.IsolationForest` on the last four samples, refitted each 100 samples."""
    return anomaly.isolation_forest(_last(values))


def _last(values: Values) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    columns = [lagged(column, LAGS) for column in values.T]
    return np.concatenate(columns, axis=1).astype(np.float32)
