"""What there is to be learned: weights fitted to the windows that they judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.percepts import MODALITIES
from sage_bench.salience.streams.windows import ROUNDING_S, WINDOW_S, Windows, window_scores
from sage_bench.salience.trace import EQUAL, SCORED, Trace
from sage_snarc.core.learning.logistic import LogisticRegression, log_odds

SPREAD, BOUND = 10.0, 50.0
FITS = 20
LEARNED_FROM = tuple(part for part in SCORED if part not in ("reward", "total"))

Scores = NDArray[np.float64]


def fitted_in_hindsight(windows: Windows, traces: Sequence[Trace]) -> Scores:
    """Scores of the windows by a logistic regression that has seen which of them are positive.

    It learns as fusion does (`OutcomeWeights`), from the same features at the tick of a window with
    the largest score of equal weights, and is judged as fusion is, by a window's largest score.

    Returns:
        log-odds, float64 [N].
    """
    ticks = [_features(trace) for trace in traces]
    features = np.array(
        [
            ticks[stream][_strongest(traces[stream], start_s)]
            for stream, start_s in zip(windows.stream, windows.start_s, strict=True)
        ]
    )
    model = LogisticRegression(np.zeros(features.shape[1]), SPREAD, -BOUND, BOUND)
    for _ in range(FITS):
        model.fit(features, windows.positive, np.ones(len(features)))
    times_s = [trace.times_s for trace in traces]
    return window_scores(windows, times_s, [found @ model.weights for found in ticks])


def _strongest(trace: Trace, start_s: float) -> int:
    """The tick of a window with the largest score of equal weights."""
    first, last = np.searchsorted(trace.times_s - ROUNDING_S, (start_s, start_s + WINDOW_S))
    return int(first) + int(trace.scores[EQUAL][first:last].argmax())


def _features(trace: Trace) -> Scores:
    """Of every tick, float64 [T, d]."""
    names = [f"{modality} {part}" for modality in MODALITIES for part in LEARNED_FROM]
    shares = [trace.scores[name] for name in (*MODALITIES, *names, "conflict", EQUAL)]
    return np.vectorize(log_odds)(np.stack(shares, axis=1))
