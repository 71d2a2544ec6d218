"""Anomaly detectors of other libraries on the same embeddings, without labels and online."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.baselines.running import Values, z_scores
from sage_bench.salience.streams.percepts import Percepts

REFIT_TICKS = 100
"""An isolation forest is made anew every ten seconds, of the past alone."""
REMEMBERED = 1000
SEED = 0

Embeddings = NDArray[np.float32]
Detector = Callable[[Embeddings], Values]
"""Scores [n] of embeddings [n, D] in their order, each from those before it."""


def half_space_trees(embeddings: Embeddings) -> Values:
    """`river.anomaly.HalfSpaceTrees` (Tan, Ting and Liu 2011), scaled online to [0, 1].

    The window is 250 samples, as by default: 25 s, so that the warm-up fills it.
    """
    from river import anomaly, compose, preprocessing

    model = compose.Pipeline(
        preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(n_trees=25, height=8, seed=SEED)
    )
    names = list(range(embeddings.shape[1]))
    scores = np.zeros(len(embeddings))
    for index, row in enumerate(embeddings.tolist()):
        features = dict(zip(names, row, strict=True))
        scores[index] = model.score_one(features)
        model.learn_one(features)
    return scores


def isolation_forest(embeddings: Embeddings) -> Values:
    """`sklearn.ensemble.IsolationForest` (Liu, Ting and Zhou 2008), of the last 1,000 samples.

    What comes until it is made anew is scored together, which gives the same as one by one.
    """
    from sklearn.ensemble import IsolationForest

    scores = np.zeros(len(embeddings))
    for first in range(REFIT_TICKS, len(embeddings), REFIT_TICKS):
        past = embeddings[max(first - REMEMBERED, 0) : first]
        model = IsolationForest(n_estimators=100, random_state=SEED).fit(past)
        coming = slice(first, first + REFIT_TICKS)
        scores[coming] = -model.score_samples(embeddings[coming])
    return scores


DETECTORS: dict[str, Detector] = {
    "river half-space trees": half_space_trees,
    "isolation forest": isolation_forest,
}


def largest(percepts: Percepts, detector: Detector) -> Values:
    """Scores of a detector at each tick: the largest over modalities, float64 [T].

    Their units differ, so of each modality's scores the running z-score counts; on the development
    half that finds more than the rank among the scores of the past.
    """
    found = np.zeros(len(percepts.times_s))
    for sensed in percepts.sensed.values():
        scores = z_scores(detector(sensed.embeddings))
        found[sensed.ticks] = np.maximum(found[sensed.ticks], scores)
    return found
