"""What the orchestrator itself costs: ending a cycle, sharing the next one, starting its runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import row_of_samples
from sage_orchestrator.core.budget.meter import NominalMeter
from sage_orchestrator.core.plugin import Budget, Plugin, PluginParameters, Task, TriggerRule
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.params import OrchestratorParameters

PLUGINS = 8
ANSWERS = 9 * PLUGINS
"""Of all plugins in a cycle: the first, and eight steps each."""
GOAL_US, GOAL_SHARE = 50.0, 0.01
CYCLES, CYCLES_QUICK = 5000, 1000
T = TypeVar("T")


class _Halving(Plugin[float]):
    """Halves its energy in every step and computes nothing: what is timed is not its own."""

    nominal_step_ns = 1_000_000
    max_steps = 8

    def init_state(self, task: Task, budget: Budget) -> float:
        return 1.0

    def step(self, state: float) -> float:
        return state / 2.0

    def energy(self, state: float) -> float:
        return state

    def result(self, state: float) -> Mapping[str, Any]:
        return {}


class _Queue:
    """Workers that run what was submitted when they are told to."""

    def __init__(self) -> None:
        self._jobs: deque[Callable[[], None]] = deque()

    def submit(self, name: str, job: Callable[[], None]) -> None:
        self._jobs.append(job)

    def abandon(self, name: str) -> None:
        raise AssertionError(f"{name} cannot hang")

    def run(self) -> None:
        while self._jobs:
            self._jobs.popleft()()


class _Timed(Orchestrator):
    """Adds up what is decided while runs are at work."""

    taken_ns = 0

    def charge(self, run: Run, cost_ns: int) -> bool:
        return self._timed(lambda: super(_Timed, self).charge(run, cost_ns))

    def yields(self, run: Run) -> bool:
        return self._timed(lambda: super(_Timed, self).yields(run))

    def pause(self, run: Run) -> None:
        self._timed(lambda: super(_Timed, self).pause(run))

    def finish(self, run: Run, result: RunResult) -> None:
        self._timed(lambda: super(_Timed, self).finish(run, result))

    def _timed(self, decide: Callable[[], T]) -> T:
        before = time.thread_time_ns()
        decided = decide()
        self.taken_ns += time.thread_time_ns() - before
        return decided


def rows(setting: Setting) -> Figures:
    """Processor time of a cycle with eight plugins that all ask, and of it for each plugin."""
    parameters = OrchestratorParameters()
    workers, policy, now_ns = _Queue(), parameters.policy(), 0
    orchestrator = _Timed(parameters.safeguards(), NominalMeter(), lambda: now_ns, workers)
    for number in range(PLUGINS):
        spec = PluginSpec(f"p{number}", "of:bench", (TriggerRule("percept", ("vision",)),))
        orchestrator.load(PluginSetup(spec, PluginParameters(period_s=0.0), _Halving))
    taken_us, steps_us = [], []
    for cycle in range(CYCLES_QUICK if setting.quick else CYCLES):
        now_ns += policy.period_ns
        triggers = [Trigger("percept", "vision", "front", cycle + 1, 0.5, 60.0, dominant=True)]
        before = time.thread_time_ns()
        orchestrator.cycle(triggers, policy)
        taken_us.append((time.thread_time_ns() - before) / 1e3)
        orchestrator.taken_ns = 0
        workers.run()
        steps_us.append(orchestrator.taken_ns / 1e3 / ANSWERS)
    each = [us / PLUGINS for us in taken_us]
    share = [us * 1e3 / policy.budget_ns for us in taken_us]
    return Figures(
        (
            row_of_samples("a decision, one plugin's share of a cycle, p50", each, "us",
                           goal=GOAL_US),
            row_of_samples("a step's decisions: booking, who is next, what was learned, p50",
                           steps_us, "us", goal=GOAL_US),
            row_of_samples("a cycle's decisions over its budget, eight plugins, p50", share, "",
                           goal=GOAL_SHARE),
        )
    )  # fmt: skip
