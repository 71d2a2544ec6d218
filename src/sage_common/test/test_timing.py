"""How long something takes, lately."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.diagnosis.timing import PERIOD_S, Timing, TimingFacts

S = 1_000_000_000


def test_mean_is_exact_and_percentiles_are_within_five_percent() -> None:
    now_ns = 0
    timing = Timing(lambda: now_ns)
    durations_ms = np.random.default_rng(7).lognormal(1.0, 0.6, 5000)
    for duration in durations_ms:
        timing.add(round(duration * 1e6))
    now_ns = 50 * S
    facts = timing.facts()
    assert facts is not None
    assert facts.mean_ms == pytest.approx(durations_ms.mean(), rel=1e-6)
    assert facts.p50_ms == pytest.approx(np.quantile(durations_ms, 0.50), rel=0.05)
    assert facts.p99_ms == pytest.approx(np.quantile(durations_ms, 0.99), rel=0.06)
    assert facts.rate_hz == 100.0


def test_what_is_older_than_two_minutes_is_forgotten() -> None:
    now_ns = 0
    timing = Timing(lambda: now_ns)
    timing.add(5_000_000)
    for turn in (1, 2, 3):
        now_ns = round(turn * PERIOD_S) * S
        facts = timing.facts()
        assert (facts is None) is (turn == 2 or turn == 3)


def test_nothing_extreme_falls_out() -> None:
    now_ns = 0
    timing = Timing(lambda: now_ns)
    for duration_ns in (-5, 0, 1, 10**15):
        timing.add(duration_ns)
    now_ns = S
    facts = timing.facts()
    assert facts is not None and facts.rate_hz == 4.0


def test_its_words_are_read_again() -> None:
    facts = TimingFacts(1.25, 1.0, 4.5, 30.0)
    assert TimingFacts.of(facts.words) == facts


def test_work_is_measured_and_answers() -> None:
    times_ns = iter((0, 0, 3_000_000, S))
    timing = Timing(lambda: next(times_ns))
    assert timing.around(lambda a, b: a + b)(1, b=2) == 3
    facts = timing.facts()
    assert facts is not None and facts.mean_ms == 3.0
