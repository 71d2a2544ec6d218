"""How long something takes, lately, in constant memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

from sage_common.core.clock import NS_PER_S

P = ParamSpec("P")
T = TypeVar("T")
PERIOD_S = 60.0
LOWEST_NS = 1_000
PER_OCTAVE = 8
BUCKETS = 26 * PER_OCTAVE
KEY_ENDING = " mean, p50, p99 [ms], rate [Hz]"
"""Of a timing in /diagnostics; its key begins with its name."""


class TimingFacts(NamedTuple):
    """What was measured.

    Attributes:
        mean_ms, p50_ms, p99_ms: percentiles within 5 % of their value.
        rate_hz: how often it was.
    """

    mean_ms: float
    p50_ms: float
    p99_ms: float
    rate_hz: float

    @property
    def words(self) -> str:
        """As it stands in /diagnostics."""
        return ", ".join(f"{value:.3f}" for value in self)

    @classmethod
    def of(cls, words: str) -> TimingFacts:
        """Of what stands in /diagnostics."""
        mean, p50, p99, rate = map(float, words.split(", "))
        return cls(mean, p50, p99, rate)


class Timing:
    """Durations of the last one to two minutes, counted in buckets of 9 % width.

    Several threads may add: at worst one of two that come together is not counted.

    Args:
        stopwatch_ns: monotonic time [ns].
    """

    def __init__(self, stopwatch_ns: Callable[[], int]) -> None:
        self._stopwatch_ns = stopwatch_ns
        self._since_ns = self._turned_ns = stopwatch_ns()
        self._earlier, self._counts = [0] * BUCKETS, [0] * BUCKETS
        self._earlier_ns = self._sum_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one; shorter than 1 us counts as 1 us, longer than 67 s as 67 s, in percentiles."""
        bucket = int(math.log2(max(duration_ns, LOWEST_NS) / LOWEST_NS) * PER_OCTAVE)
        self._counts[min(bucket, BUCKETS - 1)] += 1
        self._sum_ns += duration_ns

    def around(self, work: Callable[P, T]) -> Callable[P, T]:
        """The same work, measured unless it raises."""

        def measured(*arguments: P.args, **named: P.kwargs) -> T:
            began_ns = self._stopwatch_ns()
            done = work(*arguments, **named)
            self.add(self._stopwatch_ns() - began_ns)
            return done

        return measured

    def facts(self) -> TimingFacts | None:
        """Of all that is not too old; None: nothing was counted."""
        now_ns = self._stopwatch_ns()
        if now_ns - self._turned_ns >= PERIOD_S * NS_PER_S:
            self._since_ns, self._turned_ns = self._turned_ns, now_ns
            self._earlier, self._counts = self._counts, [0] * BUCKETS
            self._earlier_ns, self._sum_ns = self._sum_ns, 0
        counts = list(itertools.accumulate(map(int.__add__, self._earlier, self._counts)))
        count, span_ns = counts[-1], now_ns - self._since_ns
        if not count or not span_ns:
            return None
        return TimingFacts(
            (self._earlier_ns + self._sum_ns) / count * 1e-6,
            _quantile_ms(counts, 0.50),
            _quantile_ms(counts, 0.99),
            count * NS_PER_S / span_ns,
        )


def _quantile_ms(counts: list[int], share: float) -> float:
    """Of buckets' cumulative counts: the middle of the bucket in which it lies."""
    wanted = share * counts[-1]
    bucket = next(number for number, count in enumerate(counts) if count >= wanted)
    return LOWEST_NS * float(2.0 ** ((bucket + 0.5) / PER_OCTAVE)) * 1e-6
