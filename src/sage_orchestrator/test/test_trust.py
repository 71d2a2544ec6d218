"""Trust: bounded, earned, lost, and untouched by idling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.trust import RunQuality, Trust, monotonicity

unit = st.floats(0.0, 1.0)
lessons = st.one_of(
    st.tuples(st.just("run"), unit, unit, unit),
    st.tuples(st.just("failure")),
    st.tuples(st.just("outcome"), st.floats(-1.0, 1.0)),
)


@given(st.floats(0.05, 1.0), st.lists(lessons, max_size=200))
def test_trust_stays_within_its_bounds(start, course):
    trust = Trust(start)
    for lesson in course:
        if lesson[0] == "run":
            trust.learn_run(RunQuality(*lesson[1:]))
        elif lesson[0] == "failure":
            trust.learn_failure()
        else:
            trust.learn_outcome(lesson[1])
        assert 0.05 <= trust.value <= 1.0
        assert 0.0 <= trust.belief <= 1.0


def test_a_flawless_plugin_converges_to_one_and_a_useless_one_to_the_floor():
    flawless, useless = Trust(0.05), Trust(1.0)
    for _ in range(200):
        flawless.learn_run(RunQuality(1.0, 1.0, 1.0))
        useless.learn_run(RunQuality(1.0, 1.0, 0.0))
    assert flawless.value > 0.999
    assert useless.value == 0.05


def test_bad_outcomes_outweigh_beautiful_energies():
    trust = Trust(1.0)
    for _ in range(100):
        trust.learn_run(RunQuality(1.0, 1.0, 1.0))
        trust.learn_outcome(-1.0)
    assert trust.value == 0.05


def test_an_answer_that_claims_nothing_is_not_blamed_for_being_wrong():
    sure, unsure, cut = Trust(0.5), Trust(0.5), Trust(0.5)
    sure.learn_run(RunQuality(1.0, 1.0, 0.9))
    unsure.learn_run(RunQuality(1.0, 1.0, 0.0))
    cut.learn_first_answer(halted=False)
    for trust in (sure, unsure, cut):
        trust.learn_outcome(-1.0)
    assert sure.belief < 0.85 and unsure.belief == cut.belief == 1.0
    cut.learn_first_answer(halted=True)
    cut.learn_outcome(-1.0)
    assert cut.belief == pytest.approx(0.8)


def test_good_outcomes_restore_trust():
    trust = Trust(0.05, belief=0.0)
    for _ in range(100):
        trust.learn_run(RunQuality(1.0, 1.0, 1.0))
        trust.learn_outcome(1.0)
    assert trust.value > 0.99


@pytest.mark.parametrize("reward", [1.5, -1.1, float("nan")])
def test_an_impossible_reward_is_refused(reward):
    trust = Trust(0.5)
    with pytest.raises(InvalidInput, match="reward"):
        trust.learn_outcome(reward)
    assert trust.value == 0.5


def test_monotonicity_counts_rises():
    assert monotonicity([4.0, 3.0, 2.0, 1.0]) == 1.0
    assert monotonicity([1.0, 2.0, 1.0, 2.0]) == pytest.approx(1 / 3)
    assert monotonicity([1.0, 1.0]) == 1.0
    assert monotonicity([1.0]) == 1.0
