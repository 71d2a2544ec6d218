"""kNN-CAD (Burnaev and Ishimtsev 2016): conformal distance to the nearest past windows."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, lagged, largest_of_columns

LENGTH = 19
NEIGHBOURS = 27
MOST = 300
"""Windows of the training set, and as many of the calibration set."""
LEAST = 2 * NEIGHBOURS
REFIT = 50
RIDGE = 1e-6
TAIL = 1e-3
"""Weight of the distance itself where it is beyond all that were met: keeps the tail's order."""


@largest_of_columns
def knn_cad(column: Values, warm_up: int) -> Values:
    """Share of calibration windows that lie nearer to the training set than the present window.

    Windows of 19 values, Mahalanobis distance, sum over 27 neighbours as in the paper; both sets
    grow to 300 windows, then slide.
    """
    windows = lagged(column - column[:warm_up].mean(), LENGTH)
    distances = np.zeros(len(column))
    scores = np.zeros(len(column))
    root = np.eye(LENGTH)
    for index in range(LENGTH, len(column)):
        half = min(MOST, (index - LENGTH) // 2)
        if half < LEAST:
            continue
        train = windows[index - 2 * half : index - half]
        if index % REFIT == 0 or half == LEAST:
            root = _whitening(train)
        apart = (((train - windows[index]) @ root) ** 2).sum(axis=1)
        distance = float(np.sqrt(np.partition(apart, NEIGHBOURS)[:NEIGHBOURS]).sum())
        distances[index] = distance
        calibration = distances[index - half : index]
        rank = float((calibration < distance).mean())
        usual = float(np.median(calibration))
        scores[index] = rank + TAIL * distance / (distance + usual + 1e-12)
    return scores


def _whitening(train: Values) -> Values:
    """Root of the inverse of the windows' second moment, float64 [LENGTH, LENGTH]."""
    moment = train.T @ train / len(train)
    sizes, axes = np.linalg.eigh(moment)
    floor = max(RIDGE * float(sizes[-1]), 1e-12)
    return np.asarray(axes / np.sqrt(np.maximum(sizes, floor)))
