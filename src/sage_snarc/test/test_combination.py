"""Tail probabilities combined: calibrated whatever the parts have in common."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr

from sage_snarc.core.calibration.combination import Combination, log_gamma_survival

COUNT = 20_000
LEARNED = 2000


def excesses(parts: NDArray[np.float64], combined: Combination) -> NDArray[np.float64]:
    """Of rows of parts, each beside those before it."""
    found = []
    for row in parts.tolist():
        found.append(combined.excess(row))
        combined.learn(row)
    return np.array(found)


def parts_of(kind: str, count: int) -> NDArray[np.float64]:
    """`-ln p` of three calibrated measures, float64 [count, 3]."""
    draw = np.random.default_rng(0)
    own, common = draw.exponential(size=(count, 3)), draw.exponential(size=(count, 1))
    if kind == "independent":
        return own
    if kind == "identical":
        return np.repeat(common, 3, axis=1)
    normal = draw.standard_normal((count, 3)) + draw.standard_normal((count, 1))
    return -np.log(ndtr(-normal / math.sqrt(2.0)))


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0, 1.4, 2.78, 7.0, 30.0, 100.0])
def test_the_logarithm_of_the_gamma_survival_is_that_of_scipy(shape: float) -> None:
    for value in np.concatenate([np.logspace(-6, 2.5, 300), shape + np.linspace(0.9, 1.1, 21)]):
        exact = gammaincc(shape, value)
        if exact > 1e-290:
            assert math.exp(log_gamma_survival(shape, float(value)) - math.log(exact)) == (
                pytest.approx(1.0, rel=2e-6)
            )


@pytest.mark.parametrize("shape", [0.1, 1.0, 2.78, 100.0])
def test_the_gamma_survival_falls_for_ever(shape: float) -> None:
    values = np.logspace(-3, 12, 600)
    found = np.array([log_gamma_survival(shape, float(value)) for value in values])
    assert log_gamma_survival(shape, 0.0) == 0.0
    assert (np.diff(found) <= 0.0).all()
    assert (np.diff(found[values > 2.0 * shape]) < 0.0).all()
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("kind", "most"), [("independent", 1.5), ("identical", 1.5), ("correlated", 1.5)]
)
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 0.5, 1.0)])
def test_chances_come_true(kind: str, most: float, weights: tuple[float, ...]) -> None:
    found = excesses(parts_of(kind, COUNT), Combination(weights))[LEARNED:]
    for chance in (0.1, 1e-2, 1e-3):
        assert 1.0 / most <= np.mean(found >= -math.log(chance)) / chance <= most


def test_of_identical_parts_it_is_that_part() -> None:
    combined = Combination((1.0, 0.5, 1.0))
    excesses(parts_of("identical", 4000), combined)
    for excess in (1.0, 3.0, 7.0, 20.0):
        assert combined.excess((excess,) * 3) == pytest.approx(excess, rel=0.1)


def test_parts_that_agree_are_rarer_together_than_one_alone() -> None:
    combined = Combination((1.0, 1.0, 1.0))
    excesses(parts_of("independent", 4000), combined)
    alone, two, three = (combined.excess(row) for row in ((5, 0, 0), (5, 5, 0), (5, 5, 5)))
    assert 0.0 < alone < 5.0 < two < three < 15.0


def test_a_larger_part_is_always_rarer() -> None:
    combined = Combination((1.0, 0.5, 1.0))
    excesses(parts_of("correlated", 3000), combined)
    for part in range(3):
        rows = np.full((500, 3), 0.5)
        rows[:, part] = np.logspace(-1.0, 4.0, 500)
        assert (np.diff([combined.excess(row) for row in rows.tolist()]) > 0.0).all()


def test_nothing_known_is_nothing() -> None:
    assert Combination((1.0, 0.5, 1.0)).excess((0.0, 0.0, 0.0)) == 0.0


@pytest.mark.parametrize("quiet", [(0.0, 0.0, 0.0), (0.2, 0.2, 0.2)])
def test_hours_of_a_constant_stream_do_not_change_what_an_event_is(
    quiet: tuple[float, ...],
) -> None:
    combined = Combination((1.0, 0.5, 1.0))
    event = (8.0, 4.0, 8.0)
    before = combined.excess(event)
    for _ in range(100_000):
        combined.learn(quiet)
    assert combined.excess(event) == pytest.approx(before, rel=0.5)


def test_events_do_not_count_as_what_parts_have_in_common() -> None:
    usual, disturbed = Combination((1.0, 1.0, 1.0)), Combination((1.0, 1.0, 1.0))
    rows = parts_of("independent", 6000)
    excesses(rows, usual)
    rows[::300] = 200.0
    excesses(rows, disturbed)
    event = (9.0, 9.0, 9.0)
    assert disturbed.excess(event) > 0.8 * usual.excess(event)


@pytest.mark.parametrize("count", [3, 1001, 5003])
def test_state_resumes_bit_equal(count: int) -> None:
    rows = parts_of("correlated", count + 100)
    first, second = Combination((1.0, 0.5, 1.0)), Combination((1.0, 0.5, 1.0))
    excesses(rows[:count], first)
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert np.array_equal(excesses(rows[count:], first), excesses(rows[count:], second))
