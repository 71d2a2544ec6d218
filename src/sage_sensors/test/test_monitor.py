"""Trust: rate, regularity, losses, staleness, stuck values."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.monitor import SensorMonitor

PERIOD_NS = NS_PER_S // 10


def watched(stamps: list[int], values: list[int], period_s: float = 0.1) -> SensorMonitor:
    monitor = SensorMonitor(period_s)
    for stamp_ns, value in zip(stamps, values, strict=True):
        monitor.observe(stamp_ns, value)
    return monitor


def test_a_regular_sensor_is_fully_trusted() -> None:
    stamps = [n * PERIOD_NS for n in range(100)]
    report = watched(stamps, list(range(100))).report(stamps[-1])
    assert report.rate_hz == pytest.approx(10.0)
    assert (report.consistency, report.reliability, report.trust) == pytest.approx((1, 1, 1))
    assert not report.stale and not report.stuck
    assert report.samples == 100


def test_stale_after_two_periods_and_untrusted_then() -> None:
    stamps = [n * PERIOD_NS for n in range(10)]
    monitor = watched(stamps, list(range(10)))
    assert not monitor.report(stamps[-1] + 2 * PERIOD_NS).stale
    report = monitor.report(stamps[-1] + 2 * PERIOD_NS + 1)
    assert report.stale and report.trust == 0.0


def test_silence_is_seen_after_the_clock_was_set_back() -> None:
    stamps = [3600 * NS_PER_S + n * PERIOD_NS for n in range(10)]
    assert watched(stamps, list(range(10))).report(0).stale


def test_stale_before_the_first_sample() -> None:
    assert SensorMonitor(0.1).report(0).stale


def test_events_are_neither_stale_nor_stuck() -> None:
    monitor = watched([n * PERIOD_NS for n in range(50)], [7] * 50, period_s=0.0)
    report = monitor.report(10**18)
    assert not report.stale and not report.stuck and report.trust == 1.0


def test_the_same_value_for_a_second_is_stuck_and_a_change_frees_it() -> None:
    stamps = [n * PERIOD_NS for n in range(12)]
    monitor = watched(stamps[:10], [7] * 10)
    assert not monitor.report(stamps[9]).stuck
    monitor.observe(stamps[10], 7)
    report = monitor.report(stamps[10])
    assert report.stuck and report.trust == 0.0
    monitor.observe(stamps[11], 8)
    assert not monitor.report(stamps[11]).stuck


def test_losing_every_second_sample_halves_the_reliability() -> None:
    stamps = [2 * n * PERIOD_NS for n in range(200)]
    report = watched(stamps, list(range(200))).report(stamps[-1])
    assert report.reliability == pytest.approx(0.5, abs=0.01)
    assert report.rate_hz == pytest.approx(5.0)


def test_jitter_lowers_consistency_only() -> None:
    rng = np.random.default_rng(1)
    stamps = [n * PERIOD_NS + int(rng.integers(0, PERIOD_NS // 3)) for n in range(300)]
    report = watched(stamps, list(range(300))).report(stamps[-1])
    assert 0.7 < report.consistency < 0.95
    assert report.reliability == pytest.approx(1.0)


def test_faults_lower_reliability() -> None:
    monitor = watched([0, PERIOD_NS], [1, 2])
    for _ in range(60):
        monitor.fault()
    assert monitor.report(PERIOD_NS).reliability < 0.1


def test_a_stamp_that_goes_back_does_not_break_it() -> None:
    monitor = watched([0, PERIOD_NS, 0, PERIOD_NS], [1, 2, 3, 4])
    assert np.isfinite(monitor.report(PERIOD_NS).rate_hz)


def test_wrong_periods_are_refused() -> None:
    with pytest.raises(ValueError, match="period_s"):
        SensorMonitor(-1.0)


def test_a_sensor_that_is_slowed_is_as_regular_as_before() -> None:
    stamps = [n * PERIOD_NS for n in range(100)]
    monitor = watched(stamps, list(range(100)))
    monitor.expect(0.5)
    slowed = [stamps[-1] + PERIOD_NS + n * 5 * PERIOD_NS for n in range(10)]
    for number, stamp_ns in enumerate(slowed):
        monitor.observe(stamp_ns, number)
        assert monitor.report(stamp_ns + 5 * PERIOD_NS).trust == pytest.approx(1.0)
    assert monitor.report(slowed[-1]).rate_hz == pytest.approx(2.0)
    monitor.expect(0.1)
    for number in range(3):
        monitor.observe(slowed[-1] + (number + 3) * PERIOD_NS, number)
    report = monitor.report(slowed[-1] + 5 * PERIOD_NS)
    assert (report.rate_hz, report.trust) == pytest.approx((10.0, 1.0))
