"""Left matrix profile (Yeh et al. 2016; Law 2019): distance to the nearest window of the past."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.scalars.detectors.columns import TINY, Values, lagged, largest_of_columns

WINDOW = 24


@largest_of_columns
def matrix_profile(column: Values, warm_up: int) -> Values:
    """`stumpy.stump`: windows of 24 values, z-normalised, and the nearest of those before.

    The nearest before is the same whether values come one by one (`stumpy.stumpi`, which takes
    4 ms a value) or are all there.
    """
    import stumpy

    nearest = np.asarray(stumpy.stump(column, WINDOW)[:, 2], np.int64)
    windows = lagged(column, WINDOW)[WINDOW - 1 :]
    apart = windows.std(axis=1, keepdims=True)
    level = windows - windows.mean(axis=1, keepdims=True)
    shapes = np.where(apart > TINY, level / np.maximum(apart, TINY), 0.0)
    distances = np.sqrt(((shapes - shapes[nearest]) ** 2).sum(axis=1))
    scores = np.zeros(len(column))
    scores[WINDOW - 1 :] = np.where(nearest >= 0, distances, 0.0)
    return scores
