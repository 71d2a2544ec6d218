"""Scores of SAGE on a stream of numbers: the default total and what stands behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.scalars.stream import Values
from sage_snarc.core.scorer import VectorScorer

TOTAL = "total"
ALONE = ("surprise", "novelty", "arousal")


def score(stamps_ns: NDArray[np.int64], values: Values) -> dict[str, Values]:
    """What `VectorScorer` says of each sample, by name of the figure.

    Args:
        stamps_ns: int64 [T], rising [ns].
        values: float64 [T, n].

    Returns:
        float64 [T] of the total and of each dimension.
    """
    scorer = VectorScorer("stream")
    found: dict[str, list[float]] = {name: [] for name in (TOTAL, *ALONE)}
    for stamp_ns, row in zip(stamps_ns.tolist(), values, strict=True):
        result = scorer.score(stamp_ns, row)
        for name, column in found.items():
            column.append(float(getattr(result, name)))
    return {name: np.array(column) for name, column in found.items()}
