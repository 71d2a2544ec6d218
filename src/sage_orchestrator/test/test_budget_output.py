"""Cycles added up to a second."""

from __future__ import annotations

import pytest

from sage_msgs.msg import BudgetState, PluginBudget
from sage_orchestrator.nodes.metabolism.budget_output import summed


def cycle(number: int, spent_atp: float, *plugins: PluginBudget) -> BudgetState:
    found = BudgetState(cycle=number, cycle_ms=100.0, budget_atp=1000.0, rating=1.0 / number)
    found.spent_atp, found.plugins = spent_atp, list(plugins)
    return found


def test_amounts_are_added_up_and_the_rest_is_the_newest() -> None:
    looks = [PluginBudget(name="look", trust=t, spent_atp=10.0, steps=2) for t in (0.4, 0.5)]
    reads = PluginBudget(name="read", spent_atp=5.0, reason="done")
    found = summed([cycle(1, 15.0, looks[0], reads), cycle(2, 10.0, looks[1])])
    assert (found.cycle, found.rating) == (2, 0.5)
    assert (found.cycle_ms, found.budget_atp, found.spent_atp) == (200.0, 2000.0, 25.0)
    look, read = found.plugins
    assert (look.trust, look.spent_atp, look.steps) == (pytest.approx(0.5), 20.0, 4)
    assert (read.spent_atp, read.reason) == (5.0, "done")
