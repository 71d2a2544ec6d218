"""Tail probabilities: right where they can be counted, and in order for ever."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sage_snarc.core.calibration.tail import LEAST_SEEN, Tail

HORIZON = 6000
COUNT = 40_000
LEARNED = 2000

past = st.lists(st.floats(0.0, 1e12), min_size=10, max_size=120)


def learned(values: Iterable[float], floor: float = 0.0) -> Tail:
    tail = Tail(floor)
    for value in values:
        tail.add(float(value), HORIZON)
    return tail


def excesses(values: NDArray[np.float64], tail: Tail | None = None) -> NDArray[np.float64]:
    """Of each value beside those before it."""
    tail = tail or Tail()
    found = []
    for value in values.tolist():
        found.append(tail.excess(value))
        tail.add(value, HORIZON)
    return np.array(found)


def drawn(kind: str, count: int, seed: int = 0) -> NDArray[np.float64]:
    draw = np.random.default_rng(seed)
    return {
        "half-normal": lambda: np.abs(draw.standard_normal(count)),
        "exponential": lambda: draw.exponential(size=count),
        "chi of 8": lambda: np.sqrt(draw.chisquare(8, count)),
        "chi of 64": lambda: np.sqrt(draw.chisquare(64, count)),
        "Student": lambda: np.abs(draw.standard_t(3, count)),
        "lognormal": lambda: np.exp(draw.standard_normal(count)),
        "uniform": lambda: draw.random(count),
        "quantised": lambda: np.abs(np.round(2.0 * draw.standard_normal(count))),
        "counts": lambda: draw.poisson(0.1, count).astype(np.float64),
        "rare": lambda: np.where(draw.random(count) < 0.05, 1.0 + draw.random(count), 0.0),
    }[kind]()


# Shares of samples below a p, over that p. Bounded measures end before their tail does: there a
# share may be too small, never too large. Of quantised values one holds a share of 0.02.
@pytest.mark.parametrize(
    ("kind", "least", "most", "rarest_most"),
    [
        ("half-normal", 0.7, 1.4, 1.5),
        ("exponential", 0.7, 1.4, 1.5),
        ("chi of 8", 0.7, 1.4, 1.5),
        ("chi of 64", 0.7, 1.4, 1.5),
        ("Student", 0.7, 1.4, 2.0),
        ("lognormal", 0.7, 1.4, 2.0),
        ("uniform", 0.4, 1.4, 1.0),
        ("quantised", 0.4, 1.5, 1.5),
        ("rare", 0.5, 1.5, 1.5),
    ],
)
def test_chances_come_true(kind: str, least: float, most: float, rarest_most: float) -> None:
    found = excesses(drawn(kind, COUNT))[LEARNED:]
    assert least <= np.mean(found >= math.log(1e2)) / 1e-2 <= most
    assert np.mean(found >= math.log(1e3)) / 1e-3 <= rarest_most


@pytest.mark.parametrize("kind", ["half-normal", "exponential", "chi of 8", "chi of 64", "Student"])
def test_one_in_a_thousand_is_not_thought_far_rarer(kind: str) -> None:
    assert np.mean(excesses(drawn(kind, COUNT))[LEARNED:] >= math.log(1e3)) > 0.4e-3


@pytest.mark.parametrize(
    "kind",
    ["half-normal", "exponential", "chi of 64", "Student", "lognormal", "uniform", "quantised"],
)
@pytest.mark.parametrize("count", [10, 11, 40, 300, 3000])
def test_a_larger_value_is_always_rarer(kind: str, count: int) -> None:
    values = drawn(kind, count)
    tail = learned(values)
    ratios = values.max() * np.logspace(0.0, 12.0, 400)
    found = np.array([tail.excess(float(value)) for value in ratios])
    assert (np.diff(found) > 0.0).all()


@given(past, st.floats(0.0, 1e15), st.floats(0.0, 1e15), st.sampled_from([0.0, 0.3]))
def test_order_is_kept_on_any_past(
    values: list[float], one: float, other: float, floor: float
) -> None:
    tail = learned(values, floor)
    low, high = sorted((one, other))
    assert 0.0 <= tail.excess(low) <= tail.excess(high) < math.inf


def test_order_is_kept_between_two_fits() -> None:
    """The threshold is of up to 16 samples ago, the past below it is of now."""
    values = drawn("exponential", 5000)
    tail = learned(values[:-15])
    around = np.linspace(0.9, 1.1, 300) * np.quantile(values, 0.94)
    for value in values[-15:] * 1e-3:
        tail.add(float(value), HORIZON)
        found = np.array([tail.excess(float(item)) for item in around])
        assert (np.diff(found) >= 0.0).all()


def test_the_unit_does_not_matter_without_a_floor() -> None:
    values = drawn("half-normal", 1500)
    assert excesses(values * 1e-7) == pytest.approx(excesses(values), rel=1e-6)


def test_beside_a_floor_what_is_small_is_nothing() -> None:
    tail = learned(1e-4 * drawn("lognormal", 2000), floor=0.3)
    assert tail.excess(2e-3) < math.log(2000)
    assert learned(1e-4 * drawn("lognormal", 2000)).excess(2e-3) > tail.excess(2e-3)
    assert tail.excess(3.0) > math.log(1e6)


@pytest.mark.parametrize("kind", ["exponential", "quantised", "rare"])
def test_little_seen_is_unknown(kind: str) -> None:
    values = drawn(kind, LEAST_SEEN)
    assert not excesses(values).any()
    assert learned(values[:-1]).excess(1e12) == 0.0
    assert learned(values).excess(1e12) > 0.0


@pytest.mark.parametrize("share", [0.003, 0.03, 0.2, 0.45])
def test_among_zeros_a_value_is_as_rare_as_it_was(share: float) -> None:
    draw = np.random.default_rng(5)
    tail = learned(np.where(draw.random(6000) < share, 1.0, 0.0))
    assert tail.excess(0.0) < 0.01
    assert math.exp(-tail.excess(1.0)) == pytest.approx(share, rel=0.35)


def test_among_zeros_a_larger_value_is_rarer_than_the_usual_ones() -> None:
    draw = np.random.default_rng(6)
    tail = learned(np.where(draw.random(2000) < 0.2, 1.0 + 0.1 * draw.random(2000), 0.0))
    assert tail.excess(10.0) > tail.excess(1.2) > tail.excess(1.0) > tail.excess(0.0)


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_the_first_value_after_nothing_but_zeros_is_as_rare_as_that(count: int) -> None:
    tail = learned(np.zeros(count))
    assert not excesses(np.zeros(count)).any()
    assert math.log(count) < tail.excess(1e-9) <= math.log(2 * count + 1)


@pytest.mark.parametrize("kind", ["quantised", "counts"])
def test_a_value_not_seen_yet_is_not_the_rarest_possible(kind: str) -> None:
    """One step beyond the largest of a quantised past."""
    values = drawn(kind, 3000)
    tail = learned(values)
    beyond = tail.excess(values.max() + 1.0)
    assert tail.excess(values.max()) < beyond < tail.excess(10.0 * values.max())
    assert beyond < math.log(1e6)


@pytest.mark.parametrize("values", [[5e-324, 1e300], [0.0, 1e-300, 1e6], [1e6] * 3, [0.0, 1.0]])
@pytest.mark.parametrize("floor", [0.0, 0.02])
def test_extreme_ratios_stay_finite(values: list[float], floor: float) -> None:
    tail = learned(values * 20, floor)
    found = [tail.excess(value) for value in (0.0, 5e-324, 1.0, 1e6, 1e300)]
    assert all(math.isfinite(excess) for excess in found)
    assert found == sorted(found)


def test_a_change_of_what_is_usual_is_learned_within_a_few_horizons() -> None:
    tail = learned(drawn("exponential", 8000))
    assert tail.excess(30.0) > math.log(1e5)
    for value in 30.0 * drawn("exponential", 4 * HORIZON, seed=1):
        tail.add(float(value), HORIZON)
    assert tail.excess(30.0) < math.log(5.0)


@pytest.mark.parametrize("count", [7, 63, 203, 5003])
def test_state_resumes_bit_equal(count: int) -> None:
    values = drawn("rare", count + 100) + drawn("exponential", count + 100)
    first, second = learned(values[:count]), Tail()
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert np.array_equal(excesses(values[count:], first), excesses(values[count:], second))
