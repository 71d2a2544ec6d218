"""Ranks of the seconds of flight logs, on numbers to count by hand and on a log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sage_bench.salience import flights
from sage_sensors.backends.recording import data_folder

TAKE_OFF, FAILURES = flights.LOGS
SECOND_NS = 10**9


def scores(values: list[float]) -> flights.Scores:
    """Four a second."""
    stamps = np.arange(len(values), dtype=np.int64) * (SECOND_NS // 4)
    return flights.Scores(stamps, np.array(values))


def test_the_loudest_second_is_the_first() -> None:
    values = [0.1] * 40
    values[20] = 0.9
    assert scores(values).rank(5 * SECOND_NS) == 1
    assert scores(values).rank(5 * SECOND_NS + SECOND_NS // 4) == 1
    assert scores(values).rank(8 * SECOND_NS) == 11


def test_what_is_equal_shares_the_last_rank() -> None:
    assert scores([0.0] * 40).rank(5 * SECOND_NS) == 11


def test_a_second_without_a_sample_is_none() -> None:
    stamps = np.array([0, 10, 11], np.int64) * SECOND_NS
    assert flights.Scores(stamps, np.array([0.3, 0.2, 0.1])).rank(10 * SECOND_NS) == 2


def recorded(path: Path) -> flights.Flight:
    pytest.importorskip("pyulog")
    whole = data_folder() / path
    if not whole.is_file():
        pytest.skip(f"no {whole}")
    return flights.read(whole, flights.LOGS[path])


@pytest.mark.parametrize(("path", "count"), [(TAKE_OFF, 3), (FAILURES, 4)])
def test_events_lie_within_their_log(path: Path, count: int) -> None:
    flight = recorded(path)
    assert len(flight.events) == count
    for _, stamp_ns in flight.events:
        assert 0 < (stamp_ns - flight.first_ns) * 1e-9 < flight.length_s
    for stamps, values in flight.signals.values():
        assert (np.diff(stamps) > 0).all()
        assert len(values) == len(stamps) and np.isfinite(values).all()


def test_a_landing_is_the_most_salient_second_and_no_signal_is_missing() -> None:
    flight = recorded(TAKE_OFF)
    found = flights.fused(flight)
    assert set(found) == {flights.FUSED, *flight.signals}
    assert len(flight.signals) == 2 * len(flights.TOPICS)
    landed_ns = next(stamp for said, stamp in flight.events if said == "Landing detected")
    assert found[flights.FUSED].rank(landed_ns) == 1
