"""How long a score takes, for the bench."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sage_common.core.puzzle import CODES, GRID, Percept
from sage_snarc.core.scorer import Scorer

PERIOD_NS = 33_333_333


@dataclass(frozen=True)
class ScoreLatency:
    """Time of one `Scorer.score`, in milliseconds.

    Attributes:
        size: components of the embedding.
        remembered: percepts in the novelty memory while timed; constant.
        samples: scores timed.
        p50_ms, p99_ms: quantiles.
        empty_p50_ms: median of the first 100 scores, with next to nothing remembered.
    """

    size: int
    remembered: int
    samples: int
    p50_ms: float
    p99_ms: float
    empty_p50_ms: float


def score_latency(
    modality: str = "vision",
    size: int = 128,
    remembered: int = 1000,
    samples: int = 2000,
    seed: int = 0,
    stopwatch_ns: Callable[[], int] = time.perf_counter_ns,
) -> ScoreLatency:
    """Time scores of independent percepts (the worst case: each one is remembered).

    Single-threaded if the process limits its BLAS threads to one, as the graph's nodes do.
    """
    generator = np.random.default_rng(seed)
    scorer = Scorer(modality, remembered)
    spans = np.zeros(remembered + samples, np.int64)
    for index in range(len(spans)):
        vector = generator.standard_normal(size)
        percept = Percept(
            stamp_ns=index * PERIOD_NS,
            modality=modality,
            source="bench",
            codes=generator.integers(0, CODES, (GRID, GRID), np.uint8),
            embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
            encoder_id="bench",
        )
        start = stopwatch_ns()
        scorer.score(percept)
        spans[index] = stopwatch_ns() - start
    timed = spans[remembered:] * 1e-6
    return ScoreLatency(
        size=size,
        remembered=scorer.remembered,
        samples=len(timed),
        p50_ms=float(np.median(timed)),
        p99_ms=float(np.quantile(timed, 0.99)),
        empty_p50_ms=float(np.median(spans[1:101])) * 1e-6,
    )
