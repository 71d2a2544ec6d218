"""The orchestrator on real threads with measured costs, with more work than its budget pays."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import row_of_samples
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.plugin import Budget, Plugin, PluginParameters, Task, TriggerRule
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.report import CycleReport
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.workers import PluginWorkers
from sage_orchestrator.params import OrchestratorParameters

STEPS_MS = {"short": 1, "middling": 2, "long": 4}
LOAD = 1.5
USE_GOAL, OVERRUN_GOAL_MS = 0.95, 10.0
SECONDS, SECONDS_QUICK, WARM_UP_CYCLES = 20.0, 5.0, 10
BLOCK = bytes(1 << 16)
NOTE = (
    "live: three plugins that hash, in steps of 1, 2 and 4 ms, and together ask for 1.5 times the "
    "budget; hashing needs no interpreter lock, so that two work at the same time; a budget of "
    "1,000 ATP is one core in full, and less than that is used where others crowd the processor"
)


class _Hashing(Plugin[int]):
    """Computes so long in each step, and ends after its part of the load."""

    nominal_step_ns = 1

    def __init__(self, step_ns: int, budget_ns: int) -> None:
        self._step_ns = step_ns
        self.max_steps = round(LOAD * budget_ns / len(STEPS_MS) / step_ns) - 1

    def init_state(self, task: Task, budget: Budget) -> int:
        return self.step(0)

    def step(self, state: int) -> int:
        end_ns = time.thread_time_ns() + self._step_ns
        while time.thread_time_ns() < end_ns:
            hashlib.sha256(BLOCK).digest()
        return state + 1

    def energy(self, state: int) -> float:
        return 1.0 / state

    def halt(self, history: Any) -> str:
        return ""

    def result(self, state: int) -> Mapping[str, Any]:
        return {}


def rows(setting: Setting) -> Figures:
    """Use of the budget and overrun of shares, cycle by cycle."""
    reports = _reports(SECONDS_QUICK if setting.quick else SECONDS)
    busy = [r for r in reports if all(line.requested_ns for line in r.lines)]
    unused = [1.0 - min(1.0, report.spent_ns / report.budget_ns) for report in busy]
    overrun_ms = [
        max(0, line.spent_ns - line.allocated_ns) / 1e6 for report in busy for line in report.lines
    ]
    return Figures(
        (
            row_of_samples("live, 150 % load: part of the budget that nobody used, p50", unused,
                           "", goal=1.0 - USE_GOAL),
            row_of_samples("live, 150 % load: overrun of a share, steps of 1 to 4 ms, p99",
                           overrun_ms, "ms", goal=OVERRUN_GOAL_MS, rank=99),
        ),
        (NOTE,),
    )  # fmt: skip


def _reports(seconds: float) -> list[CycleReport]:
    parameters = OrchestratorParameters()
    policy = parameters.policy()
    threads: list[ThreadWorker] = []

    def worker(name: str, size: int) -> ThreadWorker:
        threads.append(ThreadWorker(name, size, _raise))
        return threads[-1]

    orchestrator = Orchestrator(
        parameters.safeguards(), MeasuredMeter(time.monotonic_ns), time.monotonic_ns,
        PluginWorkers(worker),
    )  # fmt: skip
    for name, step_ms in STEPS_MS.items():
        spec = PluginSpec(name, "of:bench", (TriggerRule("percept", ("vision",)),))
        create: Callable[[], Plugin[Any]] = _maker(step_ms * 1_000_000, policy.budget_ns)
        orchestrator.load(PluginSetup(spec, PluginParameters(period_s=0.0), create))
    found: list[CycleReport] = []
    next_s = time.monotonic()
    for cycle in range(1, round(seconds * 1e9 / policy.period_ns)):
        triggers = [Trigger("percept", "vision", "front", cycle, 0.5, 60.0, dominant=True)]
        report = orchestrator.cycle(triggers, policy)
        if report is not None and cycle > WARM_UP_CYCLES:
            found.append(report)
        next_s += policy.period_ns / 1e9
        time.sleep(max(0.0, next_s - time.monotonic()))
    orchestrator.close()
    for thread in threads:
        thread.stop()
    return found


def _maker(step_ns: int, budget_ns: int) -> Callable[[], Plugin[Any]]:
    return lambda: _Hashing(step_ns, budget_ns)


def _raise(error: BaseException) -> None:
    raise error
