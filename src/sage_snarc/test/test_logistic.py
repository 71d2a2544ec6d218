"""Logistic regression: the mode of the posterior, in bounds, from any judgements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sage_common.core.errors import InvalidInput
from sage_snarc.core.learning.logistic import LogisticRegression, log_odds, share_of

PRIOR = np.array([0.0, 1.0])


def model(spread: float = 0.3) -> LogisticRegression:
    return LogisticRegression(PRIOR, spread, -2.0, 2.0)


def test_log_odds_are_bounded_and_undone() -> None:
    assert log_odds(1.0) == pytest.approx(np.log(9999.0)) == -log_odds(0.0)
    for share in (0.0002, 0.02, 0.5, 0.98, 0.9998):
        assert share_of(log_odds(share)) == pytest.approx(share)
    assert 0.0 < share_of(-1e6) < 1e-300
    assert share_of(1e6) == 1.0


def test_without_evidence_it_says_what_the_prior_says() -> None:
    assert model().log_odds(np.array([3.0, 1.5])) == 1.5


def test_it_finds_the_mode_of_the_posterior() -> None:
    generator = np.random.default_rng(0)
    features = generator.standard_normal((300, 2))
    mattered = features @ [1.0, 0.5] - 0.4 + generator.logistic(size=300) > 0.0
    counts = generator.uniform(0.1, 1.0, 300)
    fitted = model()
    for _ in range(3):
        fitted.fit(features, mattered, counts)
    # The gradient of the negative log posterior, written out again, is zero there.
    shares = 1.0 / (1.0 + np.exp(-(features @ fitted.weights + fitted.intercept)))
    slope = features.T @ (counts * (shares - mattered)) + (fitted.weights - PRIOR) / 0.3**2
    assert np.abs(slope).max() < 1e-6
    assert counts @ (shares - mattered) + fitted.intercept / 100.0 == pytest.approx(0.0, abs=1e-6)
    assert fitted.weights[0] > 0.4


def test_how_often_anything_matters_is_not_taken_for_a_reason() -> None:
    generator = np.random.default_rng(1)
    features = generator.standard_normal((200, 2)) - 2.0
    fitted = model()
    fitted.fit(features, np.ones(200, bool), np.ones(200))
    assert fitted.intercept > 2.0
    assert fitted.weights == pytest.approx(PRIOR, abs=0.2)


@given(
    hnp.arrays(np.float64, (20, 2), elements=st.floats(-5.0, 5.0)),
    hnp.arrays(bool, 20),
    st.floats(0.01, 1.0),
)
def test_weights_stay_bounded_and_the_fit_never_gets_worse(
    features: np.ndarray, mattered: np.ndarray, count: float
) -> None:
    fitted = model(spread=3.0)
    losses = []
    for _ in range(4):
        signed = np.where(mattered, 1.0, -1.0) * (features @ fitted.weights + fitted.intercept)
        offset = fitted.weights - PRIOR
        prior = 0.5 * (offset @ offset / 9.0 + fitted.intercept**2 / 100.0)
        losses.append(count * np.logaddexp(0.0, -signed).sum() + prior)
        fitted.fit(features, mattered, np.full(20, count))
        assert np.abs(fitted.weights).max() <= 2.0
        assert abs(fitted.intercept) <= 10.0
    assert (np.diff(losses) <= 1e-9).all()


def test_weights_of_other_features_are_refused() -> None:
    with pytest.raises(InvalidInput, match="values"):
        model().restore(LogisticRegression(np.zeros(3), 0.3, -2.0, 2.0).state())
