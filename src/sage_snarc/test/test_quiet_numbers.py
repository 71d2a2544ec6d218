"""False alarms of bare numbers in which nothing happens, and what is still found in them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from sage_snarc.core.scorer import VectorScorer

RATE_HZ = 50
MINUTE = 60 * RATE_HZ
LEARNED = 30 * RATE_HZ
NOISE = ("Gaussian", "Laplace", "Student", "AR(1)", "slow AR(1)", "noisy periodic", "uniform")
QUANTISED = ("quantised", "coarse", "counts")
KINDS = (*NOISE, *QUANTISED, "periodic", "two periods", "square", "constant")


def stream(kind: str, seed: int, minutes: int = 1) -> NDArray[np.float32]:
    """Half a minute to learn and so many minutes of a stationary stream, float32 [n, 1]."""
    count = LEARNED + minutes * MINUTE
    draw = np.random.default_rng(seed)
    wave = np.sin(2.0 * np.pi * np.arange(count) / RATE_HZ)
    normal = draw.standard_normal(count)
    values = {
        "Gaussian": normal,
        "Laplace": draw.laplace(size=count),
        "Student": draw.standard_t(3, count),
        "AR(1)": lfilter([1.0], [1.0, -0.9], normal),
        "slow AR(1)": lfilter([1.0], [1.0, -0.99], normal),
        "periodic": wave,
        "two periods": wave + np.sin(np.sqrt(2.0) * np.arange(count) / 7.0),
        "square": np.sign(np.sin(2.0 * np.pi * (np.arange(count) + 0.5) / 40.0)),
        "noisy periodic": wave + 0.1 * normal,
        "quantised": np.round(2.0 * normal),
        "coarse": np.round(0.5 * normal),
        "counts": draw.poisson(0.1, count),
        "uniform": draw.random(count),
        "constant": np.full(count, 3.7),
    }[kind]
    return np.asarray(values[:, None], np.float32)


def totals(values: NDArray[np.float32]) -> NDArray[np.float64]:
    scorer = VectorScorer("number")
    return np.array([scorer.score(i * 20_000_000, row).total for i, row in enumerate(values)])


@pytest.mark.parametrize("kind", KINDS)
def test_stationary_noise_seldom_passes(kind: str) -> None:
    """0.3 is a little less rare than 60 false alarms an hour."""
    passed = totals(stream(kind, seed=0, minutes=3))[LEARNED:] > 0.3
    assert passed.sum() < 3 * 8


@pytest.mark.parametrize("kind", ["periodic", "two periods", "square", "constant"])
def test_what_repeats_exactly_never_passes(kind: str) -> None:
    assert totals(stream(kind, seed=0))[LEARNED:].max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_little_seen_is_unknown(kind: str) -> None:
    scorer = VectorScorer("number")
    rows = stream(kind, seed=3)[:10].copy()
    rows[5] *= 1e3
    for index, row in enumerate(rows):
        result = scorer.score(index * 20_000_000, row)
        assert result.total < 0.1 and result.p_value == 1.0
        assert re.fullmatch(r"number: too little seen yet to say \(\d+ samples?\)", result.reason)
    assert result.reason.endswith("(10 samples)")
    assert "too little" not in scorer.score(200_000_000, rows[0]).reason


@pytest.mark.parametrize(("kind", "step"), [("quantised", 1.0), ("coarse", 1.0), ("counts", 1.0)])
def test_a_value_not_seen_yet_is_not_the_rarest_possible(kind: str, step: float) -> None:
    """One step beyond the largest of a quantised past, and far beyond it."""
    chances = []
    for beyond in (step, 30.0):
        values = stream(kind, seed=4)
        values[-1] = values.max() + beyond
        scorer = VectorScorer("number")
        for index, row in enumerate(values):
            result = scorer.score(index * 20_000_000, row)
        chances.append(result.p_value)
    assert chances[0] > 1e-6
    assert chances[0] > 3.0 * chances[1]


@pytest.mark.parametrize(
    ("kind", "deviations"),
    [("Gaussian", 6), ("Laplace", 6), ("Student", 12), ("noisy periodic", 6), ("quantised", 6)],
)
def test_a_step_in_it_is_found(kind: str, deviations: int) -> None:
    """Of Student's t with 3 degrees of freedom, 1 in 500 samples is 6 deviations away by itself."""
    values = stream(kind, seed=1)
    values[-10:] += deviations * values.std()
    assert totals(values)[-10:-5].max() > 0.3


def test_a_number_that_stops_is_found() -> None:
    values = stream("Gaussian", seed=2)
    values[-20:] = values[-20]
    assert totals(values)[-20:].max() > 0.3
