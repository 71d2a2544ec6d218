"""The online quantile: exact at first, bounded for ever, tied values are not rare."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.state.packing import VALUES
from sage_snarc.core.calibration.quantile import Quantile

values = st.lists(st.floats(0.0, 1e12), max_size=200)


@given(values, st.floats(0.0, 1e12))
def test_rank_is_a_share(past: list[float], value: float) -> None:
    quantile = Quantile(capacity=32)
    for item in past:
        quantile.add(item, horizon=64)
    assert 0.0 <= quantile.rank(value) < 1.0
    assert len(quantile) <= 32


@given(values, st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_rank_rises_with_the_value(past: list[float], one: float, other: float) -> None:
    quantile = Quantile(capacity=32)
    for item in past:
        quantile.add(item)
    low, high = sorted((one, other))
    assert quantile.rank(low) <= quantile.rank(high)


def test_without_a_past_nothing_is_rare() -> None:
    assert Quantile().rank(1e9) == 0.0
    assert Quantile().value(0.9) == 0.0


@pytest.mark.parametrize("constant", [0.0, 1e-12, 3.7, 1e9])
def test_a_constant_ranks_zero(constant: float) -> None:
    quantile = Quantile()
    for _ in range(1000):
        assert quantile.rank(constant) == 0.0
        quantile.add(constant)
    assert quantile.rank(constant * 1.001) == 0.0


def test_nine_tenths_means_rarer_than_nine_tenths_of_the_past() -> None:
    quantile = Quantile()
    past = np.random.default_rng(1).exponential(size=20_000)
    for value in past:
        quantile.add(float(value))
    recent = past[-4096:]
    for share in (0.1, 0.5, 0.9, 0.99):
        value = float(np.quantile(recent, share))
        assert quantile.rank(value) == pytest.approx(share, abs=0.06)
        assert np.mean(recent < quantile.value(share)) == pytest.approx(share, abs=0.06)


def test_it_forgets_within_a_few_horizons() -> None:
    quantile = Quantile()
    for _ in range(5000):
        quantile.add(100.0, horizon=1000)
    for _ in range(4000):
        quantile.add(1.0, horizon=1000)
    assert quantile.rank(50.0) > 0.9


def test_it_counts_what_is_as_large() -> None:
    quantile = Quantile()
    for value in (3.0, 1.0, 2.0, 2.0):
        quantile.add(value)
    assert quantile.kept == [1.0, 2.0, 2.0, 3.0] and len(quantile) == quantile.count == 4
    assert [quantile.count_from(value) for value in (0.0, 2.0, 2.5, 9.0)] == [4, 3, 1, 0]


def test_state_continues_bit_equal() -> None:
    past = np.random.default_rng(2).exponential(size=3000)
    whole, first = Quantile(), Quantile()
    for value in past[:2000]:
        whole.add(float(value))
        first.add(float(value))
    second = Quantile()
    second.restore(first.state())
    for value in past[2000:]:
        assert whole.rank(float(value)) == second.rank(float(value))
        whole.add(float(value))
        second.add(float(value))
    assert whole.state()[VALUES].tobytes() == second.state()[VALUES].tobytes()
