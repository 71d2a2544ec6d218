"""The bench function measures what it says; no limit on time is asserted."""

from __future__ import annotations

from functools import partial
from itertools import chain, count

import pytest

from sage_bench.salience.score_latency import score_latency

MS = 1_000_000


def test_it_measures_with_a_full_memory_and_with_an_empty_one() -> None:
    stamps_ns = chain.from_iterable((0, index * MS) for index in count())  # each takes 1 ms more
    measured = score_latency(
        size=16, remembered=150, samples=20, stopwatch_ns=partial(next, stamps_ns)
    )
    assert (measured.size, measured.remembered, measured.samples) == (16, 150, 20)
    assert measured.p50_ms == pytest.approx(159.5), "of the scores 150 to 169"
    assert measured.p99_ms == pytest.approx(168.81)
    assert measured.empty_p50_ms == pytest.approx(50.5), "of the scores 1 to 100"
