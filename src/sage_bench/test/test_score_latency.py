"""The bench function measures what it says; no limit on time is asserted."""

from __future__ import annotations

from sage_bench.salience.score_latency import score_latency


def test_it_measures_with_a_full_memory() -> None:
    measured = score_latency(size=16, remembered=50, samples=20)
    assert measured.remembered == 50
    assert measured.samples == 20
    assert 0.0 < measured.p50_ms <= measured.p99_ms
    assert measured.empty_p50_ms > 0.0
