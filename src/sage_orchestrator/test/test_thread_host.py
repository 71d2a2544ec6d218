"""Plugins on threads: interrupted, of lower priority, and charged for what they start."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hostile_plugins import Delegating, Spinning
from misbehaving_plugins import Halving, Hanging
from orchestrator_bench import Bench, ThreadWorkers
from test_isolation import run

from sage_common.ros.process import SWITCH_INTERVAL_S
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.budget.usage import UsageBeside, name_thread
from sage_orchestrator.core.hosting.interruption import Interruptible, StepInterrupted
from sage_orchestrator.core.hosting.process_tree import cpu_ns
from sage_orchestrator.core.plugin import Budget, History, Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.nodes.workers import NICE, PluginWorkers

MS, S = 1_000_000, 1_000_000_000
PATIENCE_S = 60.0


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Real threads and time; cycles when the test makes them."""
    made = Bench(ThreadWorkers(), MeasuredMeter(time.monotonic_ns))
    made.orchestrator._stopwatch_ns = time.monotonic_ns
    yield made
    made.orchestrator.close()
    made.workers.stop()


def test_a_python_step_that_spins_is_interrupted_and_its_thread_goes_on(bench):
    bench.add(Spinning("spinning"), Halving("good"))
    bench.policy = bench.policy_of(timeout_s=0.3)
    bench.cycle()
    good, name = 0, ""
    while name != "spinning":
        name, result = bench.results.get(timeout=PATIENCE_S)
        if name == "good":
            good += result.state == PluginState.DONE
            bench.cycle()
    assert good > 1, "others went on"
    assert result.reason.endswith(" s in one step: interrupted (timeout_s = 0.3)")
    assert result.state == PluginState.TIMED_OUT
    assert bench.workers.abandoned == [] and bench.orchestrator.health() == (0, [])
    assert bench.cycle()[1]["spinning"].failures == 1


def test_a_run_waits_for_less_than_a_quantum_of_one_that_spins(bench):
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    spinning = SpinningSeen("spinning")
    good = Beside("good", spinning)
    bench.add(spinning, good)
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    try:
        bench.cycle()
        assert spinning.spins.wait(PATIENCE_S)
        while len(good.seen_ns) < 7:
            bench.cycle()  # in one of them it may have to pay back what a step overran
            with suppress(queue.Empty):
                name, result = bench.results.get(timeout=0.1)
                assert (name, result.state) == ("good", PluginState.DONE)
        bench.orchestrator.close()
    finally:
        sys.setswitchinterval(before)
    assert sorted(good.seen_ns)[3] < bench.policy.period_ns, "what the other computed meanwhile"


class SpinningSeen(Spinning):
    """Says which thread it spins on."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.spins = threading.Event()
        self.clock = 0

    def step(self, state: float) -> float:
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        self.spins.set()
        return super().step(state)


class Beside(Halving):
    """Computes for 2 ms in each of ten steps; notes how long the other one computed in a run."""

    max_steps = 10

    def __init__(self, name: str, other: SpinningSeen) -> None:
        super().__init__(name)
        self.other = other
        self.seen_ns: list[int] = []

    def init_state(self, task: Task, budget: Budget) -> float:
        self.began_ns = self._other_ns()
        return super().init_state(task, budget)

    def step(self, state: float) -> float:
        burn(0.002)
        return super().step(state)

    def halt(self, history: History) -> str:
        return ""

    def result(self, state: float) -> Mapping[str, Any]:
        if self.other.spins.is_set():
            self.seen_ns.append(self._other_ns() - self.began_ns)
        return super().result(state)

    def _other_ns(self) -> int:
        return time.clock_gettime_ns(self.other.clock) if self.other.spins.is_set() else 0


def test_what_its_thread_has_another_process_compute_is_charged(bench):
    bench.add(Delegating("delegating"))
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    result, line = run(bench, "delegating")
    assert result.state == PluginState.SPENT
    assert line.spent_ns >= 200 * MS * line.steps > 0


def test_only_a_plugin_at_work_is_interrupted():
    stretch, results = Interruptible(), []

    def work() -> None:
        for _ in range(2000):
            try:
                with stretch:
                    sum(range(100))
            except StepInterrupted:
                results.append("in time")
        results.append("to the end")

    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        stretch.interrupt()
        time.sleep(1e-4)
    worker.join()
    assert results[-1] == "to the end", "what came late was dropped"
    stretch.interrupt()  # nobody is there


def charged(meter: MeasuredMeter, work: Callable[[], None]) -> int:
    """What a stretch of work costs."""
    mark = meter.start("p")
    work()
    return meter.cost_ns(mark, 0)


def on_named_thread(work: Callable[[], None]) -> None:
    """Have it done on a thread that is a plugin's."""
    errors: list[AssertionError] = []

    def named() -> None:
        name_thread("plugin")
        try:
            work()
        except AssertionError as error:
            errors.append(error)

    thread = threading.Thread(target=named)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def burn(seconds: float) -> None:
    """Compute for so long, of the calling thread's CPU time."""
    end_ns = time.thread_time_ns() + round(seconds * S)
    while time.thread_time_ns() < end_ns:
        pass


def test_threads_that_a_plugin_starts_are_charged_and_those_of_others_are_not():
    begins, ended = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: (begins.wait(), burn(0.2), ended.set()))
    other.start()

    def work() -> None:
        beside = UsageBeside()
        begins.set()
        ended.wait()
        beside.add_step()
        assert beside.total_ns == 0
        done, stop = threading.Event(), threading.Event()
        helper = threading.Thread(target=lambda: (burn(0.2), done.set(), stop.wait()))
        helper.start()
        done.wait()
        beside.add_step()
        stop.set()
        helper.join()
        assert beside.total_ns >= 200 * MS

    on_named_thread(work)
    other.join()


def test_what_is_used_between_two_stretches_is_charged_to_the_next():
    def work() -> None:
        meter = MeasuredMeter(time.monotonic_ns)
        program = [sys.executable, "-I", "-S", "-c", "while True: pass"]
        with subprocess.Popen(program) as child:
            try:
                compare(meter, child)
            finally:
                child.kill()

    def compare(meter: MeasuredMeter, child: subprocess.Popen[bytes]) -> None:
        charged(meter, lambda: None)
        await_use(child.pid, 100 * MS)
        assert charged(meter, lambda: None) >= 100 * MS
        await_use(child.pid, 100 * MS)
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        meter.skip("p")
        assert meter.start("p").beside_ns == meter._beside.total_ns, "loading is not charged"

    on_named_thread(work)


def await_use(process: int, ns: int) -> None:
    """Until it has used so much more CPU time."""
    until_ns = cpu_ns(process) + ns
    while cpu_ns(process) < until_ns:
        time.sleep(0.01)


def test_gpu_time_is_charged_in_full_by_a_twin_of_known_cost():
    """No GPU is here: the twin says what one would have counted."""
    used_ns = {"p": 5 * S, "other": 0}
    meter = MeasuredMeter(lambda: 0, lambda: 0, used_ns.__getitem__)
    meter.skip("p")
    assert charged(meter, lambda: used_ns.update(p=used_ns["p"] + 3 * MS)) == 3 * MS
    used_ns["p"] += 2 * MS
    assert charged(meter, lambda: used_ns.update(other=S)) == 2 * MS, "between two steps"


def test_the_threads_of_plugins_go_after_others():
    workers = PluginWorkers(lambda name, size: ThreadWorker(name, size, print), has_threads=True)
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        done.set()

    before = os.getpriority(os.PRIO_PROCESS, 0)
    workers.submit("p", look)
    assert done.wait(PATIENCE_S)
    assert seen == [NICE] and os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_call_into_native_code_is_not_interrupted_and_its_thread_is_given_up(threaded):
    plugin = Hanging("hanging")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    threaded.cycle(step_s=1.8)
    assert threaded.workers.abandoned == [], "interrupted, so far"
    threaded.cycle(step_s=0.5)
    assert threaded.workers.abandoned == ["hanging"]
    plugin.release.set()
