"""The streams of a half, played once: percepts, salience, baselines, windows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sage_bench.encoders.section import Setting
from sage_bench.salience.measures import (
    Detection,
    Estimate,
    Measure,
    auroc,
    detection,
    estimate,
    estimate_of_difference,
    value,
)
from sage_bench.salience.streams.percepts import Percepts, cache_folder, percepts_of
from sage_bench.salience.streams.sources import DEVELOPMENT, HALVES, TEST
from sage_bench.salience.streams.stream import streams
from sage_bench.salience.streams.windows import Windows, judged_windows, window_scores
from sage_bench.salience.trace import Scored, Scores, Trace, score
from sage_common.core.errors import InvalidInput

HALF = "SAGE_BENCH_HALF"
"""Names the half that is measured; unset: the test half, in a quick run the development half."""


@dataclass(frozen=True)
class Played:
    """Streams through the encoders and the scorers.

    Attributes:
        percepts: of each stream.
        scored: by the scorers, numbered in the order of the streams.
        windows: that are judged.
    """

    percepts: tuple[Percepts, ...]
    scored: tuple[Scored, ...]
    windows: Windows

    def part(self, first: int, last: int) -> Played:
        """The streams from `first` to before `last`."""
        chosen = self.percepts[first:last]
        return Played(chosen, self.scored[first:last], judged_windows(chosen))


@dataclass(frozen=True)
class Judged:
    """What detectors make of streams, window by window.

    Attributes:
        windows: that are judged.
        traces: of each stream, every detector in each.
        beside: names of the detectors that fused salience is compared with.
    """

    windows: Windows
    traces: tuple[Trace, ...]
    beside: tuple[str, ...] = ()

    def scores(self, detector: str) -> Scores:
        """Of each window, float64 [N]."""
        return window_scores(self.windows, self._times_s(), self._ticks(detector))

    def value(self, detector: str, measure: Measure = auroc, family: str = "") -> float:
        """A measure of a detector on a family of events (or all)."""
        return value(self.windows, self.scores(detector), measure, family)

    def estimate(self, detector: str, measure: Measure = auroc, family: str = "") -> Estimate:
        """The same with its interval."""
        return estimate(self.windows, self.scores(detector), measure, family)

    def gain(self, detector: str, over: str, family: str = "") -> Estimate:
        """By how much the AUROC of a detector exceeds that of another."""
        pair = self.scores(detector), self.scores(over)
        return estimate_of_difference(self.windows, *pair, auroc, family)

    def detection(self, detector: str, family: str = "") -> Detection:
        """What a detector finds with 5 % false alarms, and how fast."""
        return detection(self.windows, self._times_s(), self._ticks(detector), family)

    def _times_s(self) -> list[Scores]:
        return [trace.times_s for trace in self.traces]

    def _ticks(self, detector: str) -> list[Scores]:
        return [np.asarray(trace.scores[detector]) for trace in self.traces]


def chosen_half(quick: bool) -> str:
    """The half that is measured.

    Raises:
        InvalidInput: `SAGE_BENCH_HALF` names none.
    """
    half = os.environ.get(HALF, "") or (DEVELOPMENT if quick else TEST)
    if half not in HALVES:
        raise InvalidInput(HALF, half, f"one of {', '.join(HALVES)}")
    return half


@lru_cache(maxsize=2)
def play(setting: Setting, half: str) -> Played:
    """Encode and score the streams of a half.

    Raises:
        ModelError: a model is missing or cannot be used.
        FileNotFoundError: a recording is missing.
    """
    percepts = tuple(
        percepts_of(stream, setting.models, cache_folder())
        for stream in streams(half, setting.data, setting.quick)
    )
    # What is learned on the development half comes before the others.
    first = 0 if half == DEVELOPMENT else len(percepts)
    scored = tuple(score(item, number) for number, item in enumerate(percepts, first))
    return Played(percepts, scored, judged_windows(percepts))


def inputs(setting: Setting) -> dict[str, str]:
    """SHA-256 of each stream, of all that is seen, heard and felt in it."""
    half = chosen_half(setting.quick)
    return {item.name: item.digest for item in play(setting, half).percepts}
