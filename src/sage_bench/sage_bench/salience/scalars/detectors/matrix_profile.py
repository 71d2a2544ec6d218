"""Left matrix profile (Yeh et al. 2016; Law 2019): distance to the nearest window of the past."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, largest_of_columns

WINDOW = 24
FIRST = 2 * WINDOW


@largest_of_columns
def matrix_profile(column: Values, warm_up: int) -> Values:
    """`stumpy.stumpi`: windows of 24 values, z-normalised, scored by their left profile."""
    import stumpy

    stream = stumpy.stumpi(column[:FIRST], WINDOW, egress=False)
    for value in column[FIRST:].tolist():
        stream.update(value)
    left = np.asarray(stream.left_P_, np.float64)
    scores = np.zeros(len(column))
    scores[WINDOW - 1 :] = np.where(np.isfinite(left), left, 0.0)
    return scores
