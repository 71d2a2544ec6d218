"""Trust: what it may cost is bounded on any stream of outcomes; evidence earns it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_common.core.state.packing import VALUES
from sage_snarc.core.learning.auroc import Advantage
from sage_snarc.core.learning.trust import Trust

CLEAR = Advantage(0.3, 0.05)
UNCLEAR = Advantage(0.02, 0.05)
forecasts = st.floats(1e-9, 1.0)
outcomes = st.tuples(
    forecasts, forecasts, st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0)
)


def losses(trust: Trust, equal: float, learned: float, count: float, order: Advantage) -> float:
    """Loss of fused above that of equal weights, at one outcome."""
    fused = (1.0 - trust.trust) * equal + trust.trust * learned
    trust.judge(equal, learned, count, order)
    return count * (math.log(equal) - math.log(fused))


def hold(excess: list[float]) -> None:
    """Over every run of outcomes the excess is within the bound."""
    total = [0.0, *itertools.accumulate(excess)]
    for end in range(1, len(total)):
        assert total[end] <= 1.0 + end / 512.0 + 1e-9
        for start in range(end):
            assert total[end] - total[start] <= 3.0 + (end - start) / 512.0 + 1e-9


@given(st.lists(outcomes, max_size=60))
def test_no_stream_of_outcomes_costs_more_than_the_bound(
    items: list[tuple[float, float, float, float, float]],
) -> None:
    trust = Trust()
    excess = [
        losses(trust, equal, learned, count, Advantage(difference, error))
        for equal, learned, count, difference, error in items
    ]
    hold(excess)
    assert 0.0 <= trust.trust < 1.0


@pytest.mark.parametrize("greed", [0.02, 0.3, 0.6, 0.9])
def test_nor_does_an_adversary_who_waits_for_trust(greed: float) -> None:
    """Feeds the learned forecast until it is trusted, then makes it fail, again and again."""
    trust, excess = Trust(), []
    for _ in range(600):
        right = trust.trust < greed
        equal, learned = (0.5, 0.95) if right else (0.6, 1e-6)
        excess.append(losses(trust, equal, learned, 1.0, CLEAR))
    hold(excess)
    assert max(itertools.accumulate(excess)) > 0.5


@given(st.lists(st.tuples(forecasts, forecasts), max_size=30))
def test_there_is_no_trust_without_a_better_order(items: list[tuple[float, float]]) -> None:
    trust = Trust()
    for equal, learned in items:
        trust.judge(equal, learned, 1.0, UNCLEAR)
        assert trust.trust == 0.0


def test_evidence_earns_trust_and_failure_loses_it() -> None:
    trust = Trust()
    assert trust.trust == 0.0
    trust.judge(0.5, 0.7, 1.0, CLEAR)
    assert trust.trust == 0.0
    for _ in range(30):
        trust.judge(0.5, 0.7, 1.0, CLEAR)
    assert trust.trust > 0.9
    for _ in range(10):
        trust.judge(0.5, 0.2, 1.0, CLEAR)
    assert trust.trust == 0.0


def test_an_empty_purse_is_refilled() -> None:
    trust = Trust()
    for _ in range(10):
        trust.judge(0.5, 0.9, 1.0, CLEAR)
        trust.judge(0.9, 1e-9, 1.0, CLEAR)
    for _ in range(2000):
        trust.judge(0.5, 0.6, 1.0, CLEAR)
    assert trust.trust > 0.9


def test_small_rewards_count_little() -> None:
    weak, strong = Trust(), Trust()
    for _ in range(8):
        weak.judge(0.5, 0.8, 0.1, CLEAR)
        strong.judge(0.5, 0.8, 1.0, CLEAR)
    assert weak.trust == 0.0 < strong.trust


def test_it_resumes_and_refuses_what_is_not_its_state() -> None:
    trust, other = Trust(), Trust()
    for learned in np.linspace(0.4, 0.9, 20):
        trust.judge(0.5, float(learned), 0.7, CLEAR)
    other.restore(trust.state())
    for item in (trust, other):
        item.judge(0.5, 0.6, 1.0, CLEAR)
    assert trust.state()[VALUES].tobytes() == other.state()[VALUES].tobytes()
    with pytest.raises(InvalidInput, match="purse = nan"):
        other.restore({"trust": np.array([0.5, np.nan, 0.0])})
