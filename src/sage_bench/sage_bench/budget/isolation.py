"""What plugins that take more than their share cost others, and how soon they are stopped."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

from sage_bench.budget import misusing_plugins as plugins
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.ros.process import SWITCH_INTERVAL_S
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.hosting.hosts import set_up_on_host
from sage_orchestrator.core.hosting.process_plugin import ProcessHost, ProcessPlugin
from sage_orchestrator.core.plugin import Plugin, PluginParameters, Task
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.workers import PluginWorkers
from sage_orchestrator.params import LOAD_TIMEOUT_S, OrchestratorParameters

COOPERATIVE_GOAL_MS, KILLED_GOAL_MS = 10.0, 200.0
GRANTED_MS = 50.0
RUNS, RUNS_QUICK = 200, 40
KILLS, KILLS_QUICK = 40, 8
BESIDE, BESIDE_QUICK = 60, 15
PYTHONS_INTERVAL_S = 0.005
PATIENCE_S = 60.0
TASK = Task(1, "vision", "front", 0.5)
HOST = ProcessHost({}, LOAD_TIMEOUT_S)
MEASURED = MeasuredMeter(time.monotonic_ns)


class _FreeBroker:
    """Pays for everything."""

    def __init__(self, plugin: Plugin[Any]) -> None:
        self._plugin = plugin
        self.ended: RunResult | None = None

    def prepare(self, run: Run) -> Plugin[Any]:
        return self._plugin

    def charge(self, run: Run, cost_ns: int) -> bool:
        return True

    def remaining_ns(self, run: Run) -> int:
        return 1 << 60

    def yields(self, run: Run) -> bool:
        return False

    def pause(self, run: Run) -> None:
        raise AssertionError("it has all that it wants")

    def finish(self, run: Run, result: RunResult) -> None:
        self.ended = result


def rows(setting: Setting) -> Figures:
    """Overrun past a deadline, what the process host costs, and delay beside one that spins."""
    runs, kills, beside = (
        (RUNS_QUICK, KILLS_QUICK, BESIDE_QUICK) if setting.quick else (RUNS, KILLS, BESIDE)
    )
    cooperative = {host: _overruns_ms(host, runs) for host in ("thread", "process")}
    killed_ms = [_kill_ms() for _ in range(kills)]
    steps = {host: _step_us(host, runs // 10) for host in ("thread", "process")}
    with _switch_interval(SWITCH_INTERVAL_S):
        alone = _run_ms(None, beside)
        delayed = {host: _run_ms(host, beside) for host in ("thread", "process")}
    with _switch_interval(PYTHONS_INTERVAL_S):
        seldom = {"thread": _run_ms("thread", BESIDE_QUICK)}
    good = f"a run of {plugins.STEPS} steps of {plugins.STEP_S * 1e3:g} ms"
    found = [
        row_of_samples(f"overrun past a granted deadline, cooperative on a {host}, p99", overruns,
                       "ms", goal=COOPERATIVE_GOAL_MS, rank=99)
        for host, overruns in cooperative.items()
    ]  # fmt: skip
    found += [
        row_of_samples("overrun past a granted deadline, killed in a process, p99", killed_ms,
                       "ms", goal=KILLED_GOAL_MS, rank=99),
        row_of_samples("a step that computes nothing, in a process, p50", steps["process"], "us",
                       baselines={"on a thread": _median(steps["thread"])}),
    ]  # fmt: skip
    quantum_ms = OrchestratorParameters().cycle_ms
    for host, taken in delayed.items():
        row = row_of_samples(
            f"{good}, beside one that spins in a {host}, p99", taken, "ms", rank=99
        )
        goal, baselines = _highest(alone) + quantum_ms, {"alone": _highest(alone)}
        if host in seldom:
            baselines["with Python's own switch interval"] = _highest(seldom[host])
        found.append(replace(row, goal=goal, baselines=baselines))
    notes = (
        f"isolation: a killed plugin spins, and so do {plugins.HELPERS} processes that it forked "
        "and that left its session; the time ends when none of them is left",
        f"isolation: beside one that spins a run may take a quantum, {quantum_ms:g} ms, longer "
        "than the longest of 99 % alone; threads ask for the interpreter after "
        f"{SWITCH_INTERVAL_S * 1e3:g} ms, as in every process of the graph, where Python's own "
        f"interval is {PYTHONS_INTERVAL_S * 1e3:g} ms",
        "isolation: no GPU is here; GPU time is charged by a twin of known cost in the tests only",
    )
    return Figures(tuple(found), notes)


def _setup(kind: type[plugins.Stepping], name: str, host: str) -> PluginSetup:
    parameters = PluginParameters(false_alarms_per_hour=36_000.0, period_s=0.0)
    return set_up_on_host(plugins.spec_of(kind, name, host), parameters, {}, HOST)


@contextmanager
def _loaded(kind: type[plugins.Stepping], host: str) -> Iterator[Plugin[Any]]:
    plugin = _setup(kind, "plugin", host).create()
    plugin.load()
    MEASURED.skip("plugin")
    try:
        yield plugin
    finally:
        plugin.unload()


def _run_ms_of(plugin: Plugin[Any], timeout_ms: float, expected: PluginState) -> float:
    """How long one run takes.

    Raises:
        RuntimeError: it does not end as expected.
    """
    broker = _FreeBroker(plugin)
    run = Run(
        "plugin", TASK, broker, MEASURED, time.monotonic_ns,
        timeout_ns=round(timeout_ms * 1e6), request_ns=0,
    )  # fmt: skip
    taken_ms = _taken_ms(run.advance)
    if broker.ended is None or broker.ended.state != expected:
        raise RuntimeError(f"expected {expected.name}, got {broker.ended}")
    return taken_ms


def _overruns_ms(host: str, runs: int) -> list[float]:
    """How long after its deadline a plugin with steps of 2 ms stops.

    One that gets no core in time is killed; that counts, and it is loaded anew.
    """
    overruns: list[float] = []
    while len(overruns) < runs:
        with _loaded(plugins.Lasting, host) as plugin:
            while len(overruns) < runs and not (isinstance(plugin, ProcessPlugin) and plugin.fault):
                taken_ms = _run_ms_of(plugin, GRANTED_MS, PluginState.TIMED_OUT)
                overruns.append(taken_ms - GRANTED_MS)
    return overruns


def _kill_ms() -> float:
    """How long after its deadline nothing is left of one that does not come back."""
    with _loaded(plugins.Spinning, "process") as plugin:
        return _run_ms_of(plugin, GRANTED_MS, PluginState.TIMED_OUT) - GRANTED_MS


def _step_us(host: str, runs: int) -> list[float]:
    """Of a step that computes nothing, its metering included."""
    with _loaded(plugins.Light, host) as plugin:
        light = plugins.Light.max_steps
        taken_ms = [_run_ms_of(plugin, 1e6, PluginState.DONE) for _ in range(runs)]
    return [ms * 1e3 / light for ms in taken_ms]


def _run_ms(spinning_on: str | None, runs: int) -> list[float]:
    """From the begin of a cycle to the end of a run of ten steps, beside one that spins or not."""
    made: list[ThreadWorker] = []

    def make(name: str, size: int) -> ThreadWorker:
        made.append(ThreadWorker(name, size, _raise))
        return made[-1]

    parameters, ended = OrchestratorParameters(), queue.Queue[str]()
    orchestrator = Orchestrator(
        parameters.safeguards(), MEASURED, time.monotonic_ns, PluginWorkers(make, True),
        lambda run, result: ended.put(run.name),
    )  # fmt: skip
    policy = replace(parameters.policy(), timeout_ns=3_600_000_000_000)
    orchestrator.load(_setup(plugins.Stepping, "good", "thread"))
    if spinning_on is not None:
        orchestrator.load(_setup(plugins.SpinningAlone, "spinning", spinning_on))
    stamps, taken = count(1), []

    def served() -> None:
        """Cycles, as the timer makes them, until a run of the good one has ended."""
        while True:
            trigger = Trigger("percept", "vision", "front", next(stamps), 0.5, 60.0, dominant=True)
            orchestrator.cycle([trigger], policy)
            with suppress(queue.Empty):
                while ended.get(timeout=policy.period_ns / 1e9) != "good":
                    pass
                return

    try:
        for _ in range(runs + 1):
            taken.append(_taken_ms(served))
            time.sleep(max(0.0, policy.period_ns / 1e9 - taken[-1] / 1e3))
    finally:
        orchestrator.close()
        for worker in made:
            worker.stop(PATIENCE_S)
    return taken[1:]  # in the first the process starts


@contextmanager
def _switch_interval(seconds: float) -> Iterator[None]:
    """Have threads ask for the interpreter after so long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _taken_ms(work: Callable[[], object]) -> float:
    began_ns = time.monotonic_ns()
    work()
    return (time.monotonic_ns() - began_ns) / 1e6


def _median(samples: list[float]) -> float:
    return sorted(samples)[len(samples) // 2]


def _highest(samples: list[float]) -> float:
    row: Row = row_of_samples("", samples, "", rank=99)
    return row.value


def _raise(error: BaseException) -> None:
    raise error
