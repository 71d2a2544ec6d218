"""How well scores of windows tell events from background, with intervals; and how fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.windows import ROUNDING_S, Windows, window_scores
from sage_common.core.errors import InvalidInput

RESAMPLES = 1000
SEED = 0
COVERAGE = 0.95
FALSE_ALARMS = 0.05
WITHIN_S = 2.0

Scores = NDArray[np.float64]
Counts = NDArray[np.int64]
Measure = Callable[[Scores, NDArray[np.bool_], Counts], NDArray[np.float64]]


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that holds it with 95 %.

    Attributes:
        value: of the windows as they are.
        low, high: percentiles of the bootstrap.
        windows: how many stand behind it.
    """

    value: float
    low: float
    high: float
    windows: int


@dataclass(frozen=True)
class Detection:
    """What a detector with a fixed threshold finds of some events.

    Attributes:
        threshold: at most 5 % of the background windows score above it.
        events: how many there were.
        share: share that is detected within 2 s, [0, 1].
        median_delay_s: from onset to the end of the first tick above the threshold, of those
            detected; NaN if none is.
    """

    threshold: float
    events: int
    share: float
    median_delay_s: float


def auroc(scores: Scores, positive: NDArray[np.bool_], counts: Counts) -> NDArray[np.float64]:
    """Chance that an event scores above background; a tie counts half.

    Args:
        scores: float64 [N].
        positive: which of them are events, bool [N].
        counts: how often each is counted, int64 [B, N].

    Returns:
        Area under the ROC curve for each row of counts, float64 [B].
    """
    hits, misses = _by_falling_score(scores, positive, counts)
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    ordered: NDArray[np.float64] = (hits * (below + 0.5 * misses)).sum(axis=1) / pairs
    return ordered


def average_precision(
    scores: Scores, positive: NDArray[np.bool_], counts: Counts
) -> NDArray[np.float64]:
    """Precision averaged over the events as the threshold falls (the step-wise sum).

    Arguments and result as of `auroc`. Chance is the share of events among the windows.
    """
    hits, misses = _by_falling_score(scores, positive, counts)
    found, alarms = np.cumsum(hits, axis=1), np.cumsum(misses, axis=1)
    raised = np.maximum(found + alarms, 1)
    averaged: NDArray[np.float64] = (hits * (found / raised)).sum(axis=1) / found[:, -1]
    return averaged


def value(windows: Windows, scores: Scores, measure: Measure = auroc, family: str = "") -> float:
    """A measure as `estimate` gives it, without the interval."""
    chosen = windows.against_background(family)
    once = np.ones((1, int(chosen.sum())), np.int64)
    return float(measure(scores[chosen], windows.positive[chosen], once)[0])


def estimate(
    windows: Windows, scores: Scores, measure: Measure = auroc, family: str = ""
) -> Estimate:
    """A measure of one family's events (or all) against all background, with its interval.

    Raises:
        InvalidInput: no such family, or no background.
    """
    return _estimate(windows, [scores], measure, family)


def estimate_of_difference(
    windows: Windows, first: Scores, second: Scores, measure: Measure = auroc, family: str = ""
) -> Estimate:
    """By how much the first detector's measure exceeds the second's, on the same resamples."""
    return _estimate(windows, [first, second], measure, family)


def resampled(windows: Windows, resamples: int = RESAMPLES) -> Counts:
    """How often each resample of the bootstrap takes each window, int64 [B, N].

    Events and background of each stream are drawn apart, so that every resample holds as many of
    each as there are (Efron and Tibshirani 1993, ch. 8).
    """
    generator = np.random.default_rng(SEED)
    counts = np.zeros((resamples, len(windows)), np.int64)
    for stream in np.unique(windows.stream):
        for positive in (True, False):
            places = np.flatnonzero((windows.stream == stream) & (windows.positive == positive))
            if len(places):
                chances = np.full(len(places), 1.0 / len(places))
                counts[:, places] = generator.multinomial(len(places), chances, size=resamples)
    return counts


def detection(
    windows: Windows,
    times_s: Sequence[NDArray[np.float64]],
    scores: Sequence[Scores],
    family: str = "",
) -> Detection:
    """How soon the events of a family (or all) are detected with 5 % false alarms.

    Args:
        times_s, scores: of each stream, as for `window_scores`.
    """
    background = windows.where(~windows.positive)
    alarms = window_scores(background, times_s, scores)
    threshold = float(np.quantile(alarms, 1.0 - FALSE_ALARMS, method="inverted_cdf"))
    events = windows.where(windows.against_background(family) & windows.positive)
    delays_s = []
    for stream, onset_s in zip(events.stream, events.start_s, strict=True):
        ticks_s = times_s[stream]
        after = (ticks_s > onset_s + ROUNDING_S) & (ticks_s <= onset_s + WITHIN_S + ROUNDING_S)
        above_s = ticks_s[after & (scores[stream] > threshold)]
        if len(above_s):
            delays_s.append(float(above_s[0]) - onset_s)
    median_s = float(np.median(delays_s)) if delays_s else float("nan")
    return Detection(threshold, len(events), len(delays_s) / len(events), median_s)


def _estimate(
    windows: Windows, detectors: Sequence[Scores], measure: Measure, family: str
) -> Estimate:
    chosen = windows.against_background(family)
    judged = windows.where(chosen)
    positive = judged.positive
    if positive.all() or not positive.any():
        raise InvalidInput("windows", len(judged), "events and background")
    counts = np.concatenate([np.ones((1, len(judged)), np.int64), resampled(judged)])
    figures = [measure(scores[chosen], positive, counts) for scores in detectors]
    whole, *resamples = figures[0] if len(figures) == 1 else figures[0] - figures[1]
    outside = 50.0 * (1.0 - COVERAGE)
    low, high = np.percentile(resamples, [outside, 100.0 - outside])
    return Estimate(float(whole), float(low), float(high), len(judged))


def _by_falling_score(
    scores: Scores, positive: NDArray[np.bool_], counts: Counts
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Events and background at each distinct score, the highest first, int64 [B, D] each."""
    if not np.isfinite(scores).all():
        raise InvalidInput("scores", "NaN or infinite", "finite numbers")
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    begins = np.flatnonzero(np.r_[True, falling[1:] != falling[:-1]])
    sorted_counts, events = counts[:, order], positive[order]
    hits = np.add.reduceat(sorted_counts * events, begins, axis=1)
    misses = np.add.reduceat(sorted_counts * ~events, begins, axis=1)
    return hits, misses
