"""Calibration: a raw measure as its rank and its rarity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sage_snarc.core.calibration.dimension import Dimension, Reading

HORIZON = 6000


def readings(values: np.ndarray, dimension: Dimension) -> list[Reading]:
    found = []
    for value in values.tolist():
        found.append(dimension.compare(value))
        dimension.learn(value, HORIZON)
    return found


def test_half_of_the_past_is_usual_and_its_top_twentieth_one_in_twenty() -> None:
    values = np.exp(np.random.default_rng(0).standard_normal(4000))
    found = np.array([reading.excess for reading in readings(values, Dimension())[500:]])
    assert np.median(found) == pytest.approx(math.log(2.0), abs=0.1)
    assert np.quantile(found, 0.95) == pytest.approx(math.log(20.0), abs=0.3)


def test_rank_and_excess_rise_together() -> None:
    dimension = Dimension()
    readings(np.random.default_rng(1).exponential(size=2000), dimension)
    found = [dimension.compare(value) for value in np.linspace(0.0, 20.0, 200).tolist()]
    assert [reading.rank for reading in found] == sorted(reading.rank for reading in found)
    assert [reading.excess for reading in found] == sorted(reading.excess for reading in found)
    assert found[-1].rank < 1.0 and found[0] == Reading(0.0, pytest.approx(0.0, abs=0.01))


def test_comparing_is_not_learning() -> None:
    dimension = Dimension()
    readings(np.ones(50), dimension)
    before = dimension.compare(3.0)
    for _ in range(100):
        dimension.compare(3.0)
    assert dimension.compare(3.0) == before


def test_ranks_are_of_the_past_and_shares_too() -> None:
    dimension = Dimension()
    values = np.random.default_rng(2).exponential(size=3000)
    readings(values, dimension)
    assert dimension.value(0.5) == pytest.approx(np.median(values), rel=0.1)
    assert dimension.compare(float(np.quantile(values, 0.8))).rank == pytest.approx(0.8, abs=0.03)


def test_state_resumes_bit_equal() -> None:
    values = np.maximum(np.random.default_rng(7).standard_normal(400) - 0.5, 0.0)
    first, second = Dimension(), Dimension()
    readings(values[:201], first)
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert readings(values[201:], second) == readings(values[201:], first)
