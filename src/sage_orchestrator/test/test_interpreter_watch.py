"""A native call that keeps the interpreter costs the plugin its run; one that waits does not."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from misbehaving_plugins import Halving
from orchestrator_bench import Bench, ThreadWorkers

from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.budget.rating import CoreTime, crowded_ns
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.interpreter_watch import InterpreterWatch

MS, S = 1_000_000, 1_000_000_000
PERIOD = 100 * MS
PATIENCE_S = 60.0


class Keeping(Halving):
    """Sleeps for a second in each step, in a native call that keeps the interpreter."""

    def step(self, state: float) -> float:
        ctypes.PyDLL(None).usleep(1_000_000)
        return super().step(state)


class Watched:
    """A watch whose clock and kernel are set by hand; it sleeps from 0 on."""

    def __init__(self) -> None:
        self.now_ns, self.core, self.crowded_ns = 0, CoreTime(0, 0), 5 * S
        self.watch = InterpreterWatch(
            lambda: self.now_ns, PERIOD, lambda thread: self.core, lambda: self.crowded_ns
        )
        self.watch.sleep()

    def fault(
        self, began_ms: float, now_ms: float, had_ms: float = 0.0, waited_ms: float = 0.0,
        crowded_ms: float = 0.0,
    ):  # fmt: skip
        self.now_ns = round(now_ms * MS)
        self.core = CoreTime(round(had_ms * MS), round(waited_ms * MS))
        self.crowded_ns += round(crowded_ms * MS)
        return self.watch.fault(SimpleNamespace(step_began_ns=round(began_ms * MS)))


def test_who_keeps_it_for_longer_than_a_cycle_is_blamed():
    said = "a native call in one step kept the interpreter from all others for 0.7 s"
    assert Watched().fault(50, 800) == said


@pytest.mark.parametrize(
    "seen",
    [
        {"began_ms": 50, "now_ms": 190},
        {"began_ms": 150, "now_ms": 800},
        {"began_ms": 50, "now_ms": 800, "waited_ms": 650},
        {"began_ms": 50, "now_ms": 800, "had_ms": 650},
        {"began_ms": 50, "now_ms": 800, "crowded_ms": 650},
    ],
    ids=[
        "within a cycle",
        "began later",
        "no core was free",
        "the watch computed",
        "none was free for whoever had the interpreter",
    ],
)
def test_others_are_not(seen):
    assert Watched().fault(**seen) == ""


def test_the_crowd_is_read_where_the_kernel_accounts_for_it():
    before_ns = crowded_ns()
    assert 0 <= before_ns <= crowded_ns()
    assert (before_ns > 0) == Path("/proc/pressure/cpu").exists()


def test_where_the_kernel_says_nothing_nobody_is_blamed():
    def read(thread: int) -> CoreTime:
        raise FileNotFoundError("schedstat")

    watch = InterpreterWatch(lambda: 10 * S, PERIOD, read)
    watch.sleep()
    assert watch.fault(SimpleNamespace(step_began_ns=0)) == ""


def test_its_run_fails_with_words_and_is_charged():
    watch = InterpreterWatch(time.monotonic_ns, PERIOD, crowded_ns=lambda: 0)
    bench = Bench(ThreadWorkers(), MeasuredMeter(time.monotonic_ns), watch)
    bench.orchestrator._stopwatch_ns = time.monotonic_ns
    bench.orchestrator.reopen()
    bench.add(Keeping("keeping"))
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    try:
        bench.cycle()
        _, result = bench.results.get(timeout=PATIENCE_S)
        line = bench.cycle()[1]["keeping"]
    finally:
        bench.orchestrator.close()
        bench.workers.stop()
    assert result.state == PluginState.FAILED
    assert "kept the interpreter from all others" in result.reason
    assert line.failures == 1 and line.spent_ns >= PERIOD
