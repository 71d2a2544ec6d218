"""Properties of allocation and of the ledger, over arbitrary plugins and courses of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.allocation import Demand, allocate, split
from sage_orchestrator.core.budget.ledger import Ledger

trusts = st.floats(0.05, 1.0)
saliences = st.floats(0.0, 1.0)
budgets = st.integers(1, 10**9)


@st.composite
def demand_lists(draw, most: int = 8) -> list[Demand]:
    count = draw(st.integers(1, most))
    return [
        Demand(f"p{i}", draw(trusts), draw(saliences), debt_ns=draw(st.integers(0, 10**7)))
        for i in range(count)
    ]


@given(st.integers(0, 10**12), st.lists(st.floats(0.0, 1e9), min_size=1, max_size=20))
def test_parts_sum_to_the_whole_and_follow_the_weights(amount, weights):
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
    for i, one in enumerate(weights):
        for j, other in enumerate(weights):
            if one >= other:
                assert parts[i] >= parts[j] - 1


@given(budgets, st.floats(0.0, 1.0), demand_lists())
def test_allocations_sum_to_the_budget_and_nobody_is_below_the_floor(budget, floor, demands):
    shares = allocate(budget, floor, demands)
    assert sum(shares.values()) == budget
    least = min(int(floor * budget), budget // len(demands))
    assert all(share >= least for share in shares.values())


def test_nobody_asked_means_nothing_is_allocated():
    assert allocate(1000, 0.05, []) == {}
    assert Ledger(1000, 0.05, []).totals() == (0, 0, 0)


def test_shares_are_trust_times_salience_above_the_floor():
    demands = [Demand("a", 1.0, 0.8), Demand("b", 0.5, 0.8), Demand("c", 1.0, 0.0)]
    shares = allocate(1000, 0.05, demands)
    assert shares == {"a": 50 + 567, "b": 50 + 283, "c": 50}


def test_unusable_weights_are_refused():
    with pytest.raises(InvalidInput, match="weights"):
        split(10, [1.0, float("nan")])
    with pytest.raises(InvalidInput, match="amount_ns"):
        split(-1, [1.0])


events = st.lists(
    st.tuples(st.integers(0, 7), st.one_of(st.just("stop"), st.integers(0, 10**8))), max_size=60
)


@given(budgets, st.floats(0.0, 0.2), demand_lists(), events)
def test_a_cycle_mints_nothing_and_overspends_by_one_step_at_most(budget, floor, demands, course):
    """Plugins step only while they may, as runs do; each may overrun with one step."""
    ledger = Ledger(budget, floor, demands)
    trust = {demand.name: demand.trust for demand in demands}
    runs_on = {name for name, account in ledger.accounts.items() if account.is_open}
    last_step = dict.fromkeys(trust, 0)
    for index, event in course:
        name = f"p{index}"
        if name not in runs_on:
            continue
        if event != "stop":
            last_step[name] = event
            if ledger.charge(name, event):
                continue
        runs_on.discard(name)
        ledger.close(name, trust)

    assert ledger.totals()[0] == budget
    for name, account in ledger.accounts.items():
        assert account.allocated >= 0
        assert account.spent <= max(0, account.allocated) + last_step[name]
        assert account.spent + account.returned <= account.allocated + last_step[name]
    passed = sum(a.passed for a in ledger.accounts.values())
    assert passed == sum(a.received for a in ledger.accounts.values())


def test_what_an_early_stop_leaves_goes_by_trust_to_those_that_still_run():
    demands = [Demand("a", 0.5, 1.0), Demand("b", 0.6, 0.5), Demand("c", 0.2, 0.5)]
    ledger = Ledger(1000, 0.0, demands)
    before = {name: account.allocated for name, account in ledger.accounts.items()}
    ledger.charge("a", 100)
    ledger.close("a", {"a": 0.5, "b": 0.6, "c": 0.2})
    left = before["a"] - 100
    assert ledger.accounts["a"].allocated == 100
    assert ledger.accounts["b"].allocated - before["b"] == round(left * 0.75)
    assert ledger.accounts["c"].allocated - before["c"] == left - round(left * 0.75)


def test_what_nobody_can_take_is_returned_once():
    ledger = Ledger(1000, 0.05, [Demand("a", 0.5, 1.0)])
    ledger.charge("a", 300)
    ledger.close("a", {"a": 0.5})
    ledger.close("a", {"a": 0.5})
    assert ledger.totals() == (1000, 300, 700)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**7)), max_size=50))
def test_over_many_cycles_a_plugin_overspends_by_one_step_at_most(cycles):
    """Each cycle has its budget and the cost of the only step that the plugin tries."""
    debt = credit = spent = allocated = largest = 0
    for budget, cost in cycles:
        ledger = Ledger(budget, 0.05, [Demand("a", 0.5, 0.5, debt_ns=debt, credit_ns=credit)])
        account = ledger.accounts["a"]
        if account.is_open:
            ledger.charge("a", cost)
            largest = max(largest, cost)
        spent += account.spent
        allocated += account.allocated
        assert spent <= allocated + largest
        debt, credit = account.carry(in_flight=False)
        assert credit == 0


def test_a_step_over_several_cycles_is_paid_by_all_of_them():
    first = Ledger(500, 0.05, [Demand("a", 0.5, 0.5)])
    debt, credit = first.accounts["a"].carry(in_flight=True)
    assert (debt, credit) == (0, 500)
    second = Ledger(500, 0.05, [Demand("a", 0.5, 0.5, debt_ns=debt, credit_ns=credit)])
    assert not second.charge("a", 1200)
    assert second.accounts["a"].carry(in_flight=False) == (200, 0)


def test_accounts_go_on_from_what_was_written_down():
    ledger = Ledger(1_000_000, 0.05, [Demand("a", 0.5, 0.8, 7, 3, 2), Demand("b", 1.0, 0.2)])
    ledger.charge("a", 1234)
    ledger.close("b", {"a": 0.5, "b": 1.0})
    other = Ledger(0, 0.0, [])
    other.restore(ledger.state())
    assert other.accounts == ledger.accounts and other.totals() == ledger.totals()
    assert other.charge("a", 99) == ledger.charge("a", 99)
    assert other.accounts["a"].carry(True) == ledger.accounts["a"].carry(True)
