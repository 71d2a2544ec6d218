"""What weights of the same signs could reach at most: fitted to the windows that they judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.percepts import MODALITIES
from sage_bench.salience.streams.windows import ROUNDING_S, WINDOW_S, Windows
from sage_bench.salience.trace import EQUAL, SCORED, Trace
from sage_snarc.core.learning.logistic import LogisticRegression, log_odds

SPREAD, BOUND = 10.0, 50.0
FITS = 20
LEARNED_FROM = tuple(part for part in SCORED if part not in ("reward", "total"))

Scores = NDArray[np.float64]


def fitted_in_hindsight(windows: Windows, traces: Sequence[Trace]) -> Scores:
    """Scores of the windows by a logistic regression that has seen which of them are positive.

    Its features are those that fusion learns from (`OutcomeWeights`), at the tick of the window
    with the largest score of equal weights.

    Returns:
        log-odds, float64 [N].
    """
    features = np.array(
        [
            _features(traces[stream], start_s)
            for stream, start_s in zip(windows.stream, windows.start_s, strict=True)
        ]
    )
    model = LogisticRegression(np.zeros(features.shape[1]), SPREAD, -BOUND, BOUND)
    for _ in range(FITS):
        model.fit(features, windows.positive, np.ones(len(features)))
    scores: Scores = features @ model.weights + model.intercept
    return scores


def _features(trace: Trace, start_s: float) -> Scores:
    names = [f"{modality} {part}" for modality in MODALITIES for part in LEARNED_FROM]
    first, last = np.searchsorted(trace.times_s - ROUNDING_S, (start_s, start_s + WINDOW_S))
    tick = int(first) + int(trace.scores[EQUAL][first:last].argmax())
    shares = [trace.scores[name][tick] for name in (*MODALITIES, *names, "conflict", EQUAL)]
    return np.array([log_odds(float(share)) for share in shares])
