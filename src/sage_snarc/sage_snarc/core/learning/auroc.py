"""Area under the ROC curve: does a score order what mattered above what did not?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

LEAST_OF_A_CLASS = 5


class Advantage(NamedTuple):
    """How much better one score orders the same outcomes than another.

    Attributes:
        difference: of the areas, [-1, 1].
        error: its standard error, >= 0; infinite with fewer than five outcomes of a class.
    """

    difference: float
    error: float


def auroc(scores: Scores, mattered: NDArray[np.bool_]) -> float:
    """Share of pairs (mattered, did not) that `scores` order rightly; ties count half.

    Args:
        scores: float64 [n].
        mattered: bool [n].

    Returns:
        [0, 1]; NaN unless there are outcomes of both classes.
    """
    if mattered.all() or not mattered.any():
        return math.nan
    return float(_placements(scores[mattered], scores[~mattered]).mean())


def advantage(scores: Scores, others: Scores, mattered: NDArray[np.bool_]) -> Advantage:
    """AUROC of `scores` less that of `others`, on the same outcomes (DeLong et al. 1988).

    Args:
        scores, others: float64 [n].
        mattered: bool [n].

    Returns:
        difference 0 and an infinite error unless there are five outcomes of each class.
    """
    successes = int(mattered.sum())
    failures = len(mattered) - successes
    if min(successes, failures) < LEAST_OF_A_CLASS:
        return Advantage(0.0, math.inf)
    above = _placements(scores[mattered], scores[~mattered])
    above -= _placements(others[mattered], others[~mattered])
    below = _placements(-scores[~mattered], -scores[mattered])
    below -= _placements(-others[~mattered], -others[mattered])
    variance = float(above.var(ddof=1)) / successes + float(below.var(ddof=1)) / failures
    return Advantage(float(above.mean()), math.sqrt(variance))


def _placements(scores: Scores, others: Scores) -> Scores:
    """Share of `others` below each of `scores`; ties count half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    placements: Scores = below / (2.0 * len(others))
    return placements
