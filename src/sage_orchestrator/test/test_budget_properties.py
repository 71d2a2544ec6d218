"""Whatever plugins cost and however they fail: conservation, isolation, no starvation, trust.

Each property holds in every one of 10,000 cycles in lock-step and more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from misbehaving_plugins import ATP, Endless, Halving, Useless

from sage_orchestrator.core.budget.trust import TRUST_FLOOR
from sage_orchestrator.core.plugin import Budget, Task
from sage_orchestrator.core.running.states import PluginState

EXAMPLES, CYCLES = 56, 180
BUDGET, FLOOR = 1000 * ATP, 50 * ATP
MOST_COST = 2 * BUDGET
MOST_PLUGINS = 4
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""To make so long an example smaller takes many minutes."""
SERVED_WITHIN = math.ceil(MOST_COST / FLOOR) + 2
"""Cycles after which a plugin that asks has been served: so long a floor takes to pay a step."""


@dataclass
class Nature:
    """How a plugin is: cost of a step, part of the energy that it keeps, chance of failure."""

    cost_ns: int
    spread: float
    keeps: float
    fails: float
    halts: bool
    seed: int
    served: list[int] = field(default_factory=list)


natures = st.builds(
    Nature,
    cost_ns=st.one_of(st.integers(1, 20 * ATP), st.integers(20 * ATP, MOST_COST // 2)),
    spread=st.floats(0.0, 1.0),
    keeps=st.floats(0.3, 1.2),
    fails=st.sampled_from([0.0, 0.0, 0.02, 0.5]),
    halts=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)


class Random(Halving):
    """Behaves by its nature; what each step costs is drawn anew, up to twice as much."""

    max_steps = 30

    def __init__(self, name: str, nature: Nature) -> None:
        super().__init__(name)
        self.nature, self.random = nature, np.random.default_rng(nature.seed)

    def init_state(self, task: Task, budget: Budget) -> float:
        return self._moved(1.0)

    def step(self, state: float) -> float:
        return self._moved(state * self.nature.keeps)

    def halt(self, history: object) -> str:
        return super().halt(history) if self.nature.halts else ""

    def _moved(self, state: float) -> float:
        factor = 1.0 + self.nature.spread * self.random.uniform(-0.5, 1.0)
        self.nominal_step_ns = max(1, round(self.nature.cost_ns * factor))
        if self.random.random() < self.nature.fails:
            raise ArithmeticError("drawn")
        return float(state)


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
@given(
    st.lists(natures, min_size=1, max_size=MOST_PLUGINS),
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
)
def test_every_cycle_is_conserved_and_nobody_pays_for_others(make_bench, kinds, seed, cores):
    bench, random = make_bench(), np.random.default_rng(seed)
    bench.policy = bench.policy.__class__(10**8, BUDGET, 0.05, 10**9, cores=cores)
    names = [f"p{number}" for number in range(len(kinds))]
    bench.add(*[Random(name, kind) for name, kind in zip(names, kinds, strict=True)])
    spent, allocated = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    unserved = dict.fromkeys(names, 0)
    for _ in range(CYCLES):
        report, lines = bench.cycle(float(random.uniform(0.05, 1.0)))
        if report is None:
            continue
        asked = [line for line in lines.values() if line.requested_ns]
        # Conservation, to the nanosecond.
        assert report.allocated_ns == (BUDGET if asked else 0)
        assert report.allocated_ns == sum(line.allocated_ns for line in lines.values())
        assert report.spent_ns == sum(line.spent_ns for line in lines.values())
        for name, line in lines.items():
            assert line.spent_ns >= 0 and line.returned_ns >= 0
            # Isolation: over any time a plugin spends its own and one step; the floor is its own.
            spent[name] += line.spent_ns
            allocated[name] += line.allocated_ns
            assert spent[name] <= allocated[name] + MOST_COST
            assert TRUST_FLOOR <= line.trust <= 1.0
            # No starvation, also beside those that fail and overrun.
            waits = bool(line.requested_ns) and line.spent_ns == 0
            unserved[name] = unserved[name] + 1 if waits else 0
            assert unserved[name] <= SERVED_WITHIN
    assert report is not None


@settings(max_examples=6, deadline=None, phases=PHASES)
@given(st.lists(natures, min_size=1, max_size=MOST_PLUGINS - 2), st.integers(0, 2**32 - 1))
def test_trust_converges_whatever_runs_beside(make_bench, kinds, seed):
    bench, random = make_bench(), np.random.default_rng(seed)
    flawless = Halving("flawless")
    flawless.nominal_step_ns = ATP  # the floor pays all of a run, whatever others do
    bench.add(flawless, Useless("useless"))
    bench.add(*[Random(f"p{number}", kind) for number, kind in enumerate(kinds)])
    for _ in range(160):
        _, lines = bench.cycle(float(random.uniform(0.5, 1.0)))
    assert lines["flawless"].trust > 0.99
    assert lines["useless"].trust == TRUST_FLOOR
    assert lines["flawless"].state == PluginState.DONE


@pytest.mark.parametrize("cost_atp", [3, 40, 700])
def test_a_plugin_that_fails_costs_others_no_more_than_a_cycle(make_bench, cost_atp):
    """Served beside one that fails is what is served without it, but for a cycle's budget."""

    def served(beside: bool) -> int:
        bench = make_bench()
        bench.add(Endless("good"))
        if beside:
            bench.add(Random("bad", Nature(cost_atp * ATP, 0.0, 0.5, 1.0, False, 0)))
        return sum(lines["good"].spent_ns for lines in bench.cycles(200)[1:])

    # It is tried again after each isolation; each time it is charged, and each time is a failure.
    tries = 3 + 2 + 1
    assert served(False) - served(True) <= tries * max(cost_atp * ATP, FLOOR) + BUDGET
