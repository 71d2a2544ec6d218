"""The scheduler itself over recorded runs, in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sage_bench.budget.choice.scenes import TICK_NS
from sage_bench.budget.choice.streams import PLAIN, Stream
from sage_bench.budget.choice.traces import JobTrace
from sage_orchestrator.core.budget.meter import NominalMeter
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    Plugin,
    PluginParameters,
    Task,
    TriggerRule,
)
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.report import CycleReport
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.params import OrchestratorParameters

EVERY = PluginParameters(false_alarms_per_hour=36_000.0, period_s=0.0)


@dataclass(frozen=True)
class Outcome:
    """What a policy made of the jobs.

    Attributes:
        answers: that each job got, in the order of the jobs; 0: none.
        spent_ns: in each cycle, one a tick.
        inversions: times that a plugin was served while one of greater trust x salience had
            waited for longer than a cycle.
        missed: times that a plugin that asked had no first answer within its deadline.
    """

    answers: tuple[int, ...]
    spent_ns: tuple[int, ...]
    inversions: int = 0
    missed: int = 0


class _Replayed(Plugin[int]):
    """Repeats recorded runs: what each step costs, and how far the energy falls."""

    max_steps = 1_000

    def __init__(self, traces: Mapping[int, JobTrace]) -> None:
        self._traces = traces
        self.nominal_step_ns = 0

    def init_state(self, task: Task, budget: Budget) -> int:
        self._trace = self._traces[task.stamp_ns]
        return self._reached(0)

    def step(self, state: int) -> int:
        return self._reached(state + 1)

    def energy(self, state: int) -> float:
        return self._trace.energies[state]

    def halt(self, history: History) -> str:
        return "as recorded" if len(history.energies) == len(self._trace.energies) else ""

    def value(self, history: History) -> float:
        return min(1.0, max(0.0, 1.0 - history.energies[-1]))

    def result(self, state: int) -> Mapping[str, Any]:
        return {}

    def _reached(self, answer: int) -> int:
        self.nominal_step_ns = self._trace.costs_ns[answer]
        return answer


class _Inline:
    """Workers that run at once."""

    def submit(self, name: str, job: Callable[[], None]) -> None:
        job()

    def abandon(self, name: str) -> None:
        raise AssertionError(f"{name} cannot hang")


def stamp_ns(job: JobTrace) -> int:
    """Of what a job is about."""
    return (job.tick + 1) * TICK_NS


def orchestrated(jobs: Sequence[JobTrace], budget_ns: int, stream: Stream = PLAIN) -> Outcome:
    """What our scheduler makes of the jobs, one cycle a tick.

    An answer that comes after its plugin's `due_ticks` counts as none.
    """
    answers: dict[tuple[str, int], int] = {}
    told: list[tuple[str, float]] = []
    now_ns = 0
    by_stamp = {(job.plugin, stamp_ns(job)): job for job in jobs}
    random = np.random.default_rng(0)

    def on_result(run: Run, result: RunResult) -> None:
        job, count = by_stamp[run.name, run.task.stamp_ns], len(run.history.energies)
        waited = now_ns // TICK_NS - 1 - job.tick
        answers[run.name, run.task.stamp_ns] = (
            count if waited < stream.due_ticks.get(run.name, waited + 1) else 0
        )
        if count and random.random() < stream.outcomes:
            told.append((run.name, 2.0 * job.values[count - 1] - 1.0))

    parameters = OrchestratorParameters()
    policy = replace(parameters.policy(), period_ns=TICK_NS, budget_ns=budget_ns)
    orchestrator = Orchestrator(
        parameters.safeguards(), NominalMeter(), lambda: now_ns, _Inline(), on_result
    )
    by_tick: dict[int, list[JobTrace]] = {}
    for job in jobs:
        by_tick.setdefault(job.tick, []).append(job)
    for name in sorted({job.plugin for job in jobs}):
        traces = {stamp_ns(job): job for job in jobs if job.plugin == name}
        spec = PluginSpec(name, "of:bench", (TriggerRule("percept", (f"for_{name}",)),))
        plugin = _Replayed(traces)
        own = replace(EVERY, deadline_ms=stream.due_ticks.get(name, 0) * TICK_NS / 1e6)
        orchestrator.load(PluginSetup(spec, own, lambda plugin=plugin: plugin))
    spent_ns: list[int] = []
    counter = _Waiting(policy.timeout_ns // TICK_NS)
    for tick in range(min(by_tick), max(by_tick) + 2):
        now_ns = (tick + 1) * TICK_NS
        triggers = [
            Trigger("percept", f"for_{job.plugin}", "front", stamp_ns(job), job.salience, 1.0)
            for job in by_tick.get(tick, ())
        ]
        report = orchestrator.cycle(triggers, policy)
        while told:
            name, reward = told.pop(0)
            orchestrator.learn_outcome(reward, name, 0, 0)
        if report is not None:
            spent_ns.append(report.spent_ns)
            counter.add(report)
    found = tuple(answers.get((job.plugin, stamp_ns(job)), 0) for job in jobs)
    return Outcome(found, tuple(spent_ns), counter.inversions, counter.missed)


class _Waiting:
    """Counts who was served while one that matters more had waited, and who waited too long."""

    def __init__(self, deadline_cycles: int) -> None:
        self.inversions = self.missed = 0
        self._deadline_cycles = deadline_cycles
        self._waited: dict[str, int] = {}

    def add(self, report: CycleReport) -> None:
        """One cycle more."""
        asked = [line for line in report.lines if line.requested_ns]
        served = [line.trust * line.salience for line in asked if line.spent_ns]
        for line in report.lines:
            waits = line in asked and not line.spent_ns
            waited = self._waited[line.name] = self._waited.get(line.name, 0) + 1 if waits else 0
            self.missed += waited == self._deadline_cycles
            if waited > 1:
                self.inversions += sum(1 for other in served if other < line.trust * line.salience)
