"""Waiting doubles from 1 s to 30 s, and starts anew after a success."""

from __future__ import annotations

import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.backoff import BackOff


def test_waits_double_up_to_the_longest() -> None:
    backoff = BackOff()
    assert [backoff.failed(0) for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_ready_only_after_the_wait_and_at_once_after_a_success() -> None:
    backoff = BackOff()
    assert backoff.ready(0)
    backoff.failed(10 * NS_PER_S)
    assert not backoff.ready(11 * NS_PER_S - 1)
    assert backoff.ready(11 * NS_PER_S)
    backoff.failed(11 * NS_PER_S)
    backoff.succeeded()
    assert backoff.ready(0)
    assert backoff.failed(0) == 1.0


def test_a_clock_that_is_set_back_does_not_put_the_next_attempt_off() -> None:
    backoff = BackOff()
    backoff.failed(3600 * NS_PER_S)
    assert not backoff.ready(3600 * NS_PER_S)
    assert backoff.ready(0)


def test_wrong_times_are_refused() -> None:
    with pytest.raises(ValueError, match="first_s = 5"):
        BackOff(5.0, 1.0)
