"""The budget as it is published: each cycle, and the sum of those that ended in a second."""

from __future__ import annotations

from collections.abc import Sequence

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.node import SageNode
from sage_msgs.msg import BudgetState, PluginBudget

PERIOD_S = 1.0
_OF_CYCLE = ("cycle_ms", "budget_atp", "allocated_atp", "spent_atp", "returned_atp")
_OF_PLUGIN = ("requested_atp", "allocated_atp", "spent_atp", "returned_atp", "steps")


class BudgetOutput(Stateful):
    """The publishers of the budget.

    Args:
        node: whose they are; it is being configured.
    """

    _cycles: State[list[BudgetState]]

    def __init__(self, node: SageNode) -> None:
        self._each = node.publisher("budget")
        self._sums = node.publisher("budget_sum")
        self._cycles = []
        node.timer(PERIOD_S, self._publish_sum, steady=True)

    def publish(self, cycle: BudgetState) -> None:
        """A cycle has ended."""
        self._each.publish(cycle)
        self._cycles.append(cycle)

    def _publish_sum(self) -> None:
        if self._cycles:
            self._sums.publish(summed(self._cycles))
        self._cycles = []


def summed(cycles: Sequence[BudgetState]) -> BudgetState:
    """Cycles, at least one and in order, as if they were one; what is no amount is the newest."""
    newest = cycles[-1]
    found = BudgetState(header=newest.header, cycle=newest.cycle, rating=newest.rating)
    for name in _OF_CYCLE:
        setattr(found, name, sum(getattr(cycle, name) for cycle in cycles))
    plugins = {plugin.name: plugin for cycle in cycles for plugin in cycle.plugins}
    found.plugins = [
        _plugin(plugins[name], [p for cycle in cycles for p in cycle.plugins if p.name == name])
        for name in sorted(plugins)
    ]
    return found


def _plugin(newest: PluginBudget, lines: Sequence[PluginBudget]) -> PluginBudget:
    kept = ("name", "state", "trust", "salience", "energy", "failures", "reason")
    found = PluginBudget(**{name: getattr(newest, name) for name in kept})
    for name in _OF_PLUGIN:
        setattr(found, name, sum(getattr(line, name) for line in lines))
    return found
