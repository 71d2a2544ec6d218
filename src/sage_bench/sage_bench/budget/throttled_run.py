"""A process whose one plugin spends all of its share, run after run, and says how long each took.

Usage: `python -m sage_bench.budget.throttled_run rated|unrated`; it ends when its input does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.budget.rating import ProcessorRating
from sage_orchestrator.core.plugin import Budget, Plugin, PluginParameters, Task, TriggerRule
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.rated_workers import RatedWorkers
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.workers import PluginWorkers
from sage_orchestrator.params import OrchestratorParameters

PERIOD_MS, PROMISE_ATP = 100.0, 800.0
PROMISE_MS = PROMISE_ATP / 10.0
STEP_NS = 1_000_000


class _Computing(Plugin[int]):
    """Computes for 1 ms a step, and is never done."""

    nominal_step_ns = STEP_NS
    max_steps = 1_000_000

    def init_state(self, task: Task, budget: Budget) -> int:
        return self.step(0)

    def step(self, state: int) -> int:
        end_ns = time.thread_time_ns() + STEP_NS
        while time.thread_time_ns() < end_ns:
            pass
        return state + 1

    def energy(self, state: int) -> float:
        return 1.0 / state

    def halt(self, history: Any) -> str:
        return ""

    def result(self, state: int) -> Mapping[str, Any]:
        return {}


def _say(run: Run, result: RunResult, rating: float) -> None:
    words = {"latency_ms": run.history.elapsed_s * 1e3, "rating": rating, "why": result.reason}
    print(json.dumps(words), flush=True)


def _raise(error: BaseException) -> None:
    raise error


def main(is_rated: bool, ended: threading.Event) -> None:
    """Begin a cycle every 100 ms until `ended`."""
    # Runs that are late are what is measured: the plugin is not kept out for them.
    parameters = OrchestratorParameters(
        cycle_ms=PERIOD_MS, budget_atp=PROMISE_ATP, isolate_after=100
    )
    policy = parameters.policy()
    rating = ProcessorRating(time.monotonic_ns)
    threads = PluginWorkers(lambda name, size: ThreadWorker(name, size, _raise))
    orchestrator = Orchestrator(
        parameters.safeguards(),
        MeasuredMeter(time.monotonic_ns),
        time.monotonic_ns,
        RatedWorkers(threads, rating),
        lambda run, result: _say(run, result, rating.value),
    )
    spec = PluginSpec("computing", "of:bench", (TriggerRule("percept", ("vision",)),))
    orchestrator.load(PluginSetup(spec, PluginParameters(period_s=0.0), _Computing))
    next_s, cycle = time.monotonic(), 0
    while not ended.is_set():
        cycle += 1
        triggers = [Trigger("percept", "vision", "front", cycle, 0.5, 60.0, dominant=True)]
        rated_ns = rating.rated_ns(policy.budget_ns, policy.period_ns)
        budget_ns = rated_ns if is_rated else policy.budget_ns
        orchestrator.cycle(triggers, replace(policy, budget_ns=budget_ns))
        next_s += PERIOD_MS / 1e3
        time.sleep(max(0.0, next_s - time.monotonic()))
    orchestrator.close()


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    END = threading.Event()
    threading.Thread(target=_wait_for_end, args=(END,), daemon=True).start()
    main(sys.argv[1] == "rated", END)
