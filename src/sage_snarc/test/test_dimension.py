"""Calibration: what is usual is nothing, however the measure is scaled."""

from __future__ import annotations

import numpy as np
import pytest

from sage_snarc.core.dimensions.dimension import MOST, Dimension, drive_of


def excesses(values: np.ndarray, dimension: Dimension | None = None) -> np.ndarray:
    dimension = dimension or Dimension()
    return np.array([dimension.observe(float(value)).excess for value in values])


def test_half_of_the_past_is_nothing_and_its_top_twentieth_about_one() -> None:
    values = np.exp(np.random.default_rng(0).standard_normal(4000))
    found = excesses(values)[500:]
    assert np.mean(found == 0.0) == pytest.approx(0.5, abs=0.06)
    assert np.quantile(found, 0.95) == pytest.approx(1.0, abs=0.15)
    assert found.max() <= MOST


def test_the_unit_does_not_matter_without_a_floor() -> None:
    values = np.exp(np.random.default_rng(1).standard_normal(500))
    assert excesses(values * 1e-7) == pytest.approx(excesses(values))


def test_where_everything_is_nearly_alike_nothing_stands_out() -> None:
    values = 1.0 + 0.02 * np.random.default_rng(2).standard_normal(2000)
    assert excesses(values).max() < 0.4


def test_below_the_floor_there_is_nothing() -> None:
    values = 1e-4 * np.exp(np.random.default_rng(3).standard_normal(2000))
    assert excesses(values, Dimension(floor=0.3)).max() < 0.1


def test_a_value_after_nothing_but_zeros_is_as_large_as_can_be() -> None:
    dimension = Dimension()
    assert not excesses(np.zeros(100), dimension).any()
    assert dimension.observe(1e-9).excess == MOST


def test_drive_rises_from_nothing_to_one() -> None:
    drives = [drive_of(excess) for excess in np.linspace(0.0, MOST, 50)]
    assert drives[0] == 0.0
    assert drives == sorted(drives)
    assert 0.95 < drives[-1] < 1.0


def test_more_spreads_make_the_unit_larger() -> None:
    values = np.abs(np.random.default_rng(5).standard_normal(4000))
    usual, wide = excesses(values)[500:], excesses(values, Dimension(spreads=1.6))[500:]
    assert np.mean(usual > 1.0) == pytest.approx(0.05, abs=0.015)
    assert np.mean(wide > 1.0) < 0.004
    assert wide.max() > 0.9


@pytest.mark.parametrize("share", [0.03, 0.2, 0.45])
def test_among_zeros_a_value_is_as_unusual_as_it_is_rare(share: float) -> None:
    generator = np.random.default_rng(5)
    values = np.where(generator.random(4000) < share, 1.0, 0.0)
    found = excesses(values)[1000:][values[1000:] > 0.0]
    expected = np.log(share) / np.log(0.05)
    assert np.median(found) == pytest.approx(expected, rel=0.25)


def test_among_zeros_a_larger_value_is_more_unusual_than_the_usual_ones() -> None:
    generator = np.random.default_rng(6)
    values = np.where(generator.random(2000) < 0.2, 1.0 + 0.1 * generator.random(2000), 0.0)
    dimension = Dimension()
    excesses(values, dimension)
    assert dimension.excess(10.0) > 3.0 > 1.0 > dimension.excess(1.0) > 0.0 == dimension.excess(0.0)


def test_state_resumes_bit_equal_among_zeros() -> None:
    values = np.maximum(np.random.default_rng(7).standard_normal(400) - 0.5, 0.0)
    first, second = Dimension(), Dimension()
    whole = excesses(values)
    excesses(values[:201], first)
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert np.array_equal(excesses(values[201:], second), whole[201:])
