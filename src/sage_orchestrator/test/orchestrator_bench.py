"""An orchestrator without a node, for tests."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from sage_orchestrator.core.budget.meter import NominalMeter
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreakerRules
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.policy import CyclePolicy, Safeguards
from sage_orchestrator.core.scheduling.trigger import Trigger

ATP = 100_000
S = 1_000_000_000


class Bench:
    """An orchestrator with 1,000 ATP a cycle, a clock set by hand and either kind of worker."""

    def __init__(self, workers: InlineWorkers | ThreadWorkers, meter=None, watch=None) -> None:
        self.now_ns = 0
        self.workers = workers
        self.results: queue.Queue[tuple[str, RunResult]] = queue.Queue()
        self.policy = CyclePolicy(S // 10, 1000 * ATP, floor=0.05, timeout_ns=1 * S, cores=4)
        self.orchestrator = Orchestrator(
            Safeguards(
                grace_ns=1 * S,
                load_timeout_ns=30 * S,
                breaker=CircuitBreakerRules(3, 10 * S, 60 * S, abandoned_limit=2),
            ),
            meter or NominalMeter(),
            lambda: self.now_ns,
            workers,
            lambda run, result: self.results.put((run.name, result)),
            watch,
        )
        self._stamp = 0

    def policy_of(self, timeout_s: float) -> CyclePolicy:
        """The policy, with another timeout."""
        return replace(self.policy, timeout_ns=round(timeout_s * S))

    def add(self, *plugins) -> None:
        for plugin in plugins:
            self.orchestrator.load(setup_of(plugin)).result(0.0)

    def cycle(self, salience: float = 0.5, step_s: float = 0.1):
        """One cycle later, with a new percept; the report of the cycle that ended, by plugin."""
        self.now_ns += round(step_s * S)
        self._stamp += 1
        trigger = Trigger("percept", "vision", "front", self._stamp, salience, 60.0, dominant=True)
        report = self.orchestrator.cycle([trigger], self.policy)
        return report, {line.name: line for line in report.lines} if report else {}

    def cycles(self, count: int):
        """As many cycles; the reports, by plugin."""
        return [self.cycle()[1] for _ in range(count)]


def setup_of(plugin) -> PluginSetup:
    """A plugin of misbehaving_plugins, ready to be loaded."""
    spec = PluginSpec(plugin.name, "of:tests", plugin.triggers)
    return PluginSetup(spec, plugin.parameters, lambda: plugin)


class InlineWorkers:
    """Runs a job where it is submitted, as the lock-step host does."""

    def submit(self, name: str, job: Callable[[], None]) -> None:
        job()

    def abandon(self, name: str) -> None:
        raise AssertionError(f"{name} cannot hang inline")


class ThreadWorkers:
    """One daemon thread a plugin."""

    def __init__(self) -> None:
        self._queues: dict[str, queue.Queue[Callable[[], None] | None]] = {}
        self._threads: list[threading.Thread] = []
        self.abandoned: list[str] = []

    def submit(self, name: str, job: Callable[[], None]) -> None:
        if name not in self._queues:
            self._queues[name] = queue.Queue()
            thread = threading.Thread(target=self._serve, args=(self._queues[name],), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._queues[name].put(job)

    def abandon(self, name: str) -> None:
        self.abandoned.append(name)
        self._queues.pop(name).put(None)  # should it come back after all

    def stop(self) -> None:
        """Have all threads end when their work is done; none of them may hang."""
        for jobs in self._queues.values():
            jobs.put(None)
        for thread in self._threads:
            thread.join(60.0)

    def _serve(self, jobs: queue.Queue[Callable[[], None] | None]) -> None:
        while (job := jobs.get()) is not None:
            job()
