"""Plugins that misbehave in processes of their own, under the orchestrator: stopped and charged.

The clock of the cycle is set by hand; others are asserted to be served by what they were given.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hostile_plugins import (
    BurningOut,
    Crashing,
    Delegating,
    DyingLater,
    Forking,
    Hoarding,
    LeavingWorkBehind,
    Sleeping,
    Spinning,
)
from misbehaving_plugins import Halving
from orchestrator_bench import Bench, ThreadWorkers
from process_bench import StartedProcesses, exists, in_process

from sage_orchestrator.core.budget.meter import MeasuredMeter, NominalMeter
from sage_orchestrator.core.hosting.process_tree import cpu_ns
from sage_orchestrator.core.running.states import PluginState

MS, S = 1_000_000, 1_000_000_000
PATIENCE_S = 60.0
LATE = "s in one step: killed (timeout_s = 0.3 + 0.1 s)"


@pytest.fixture
def started() -> StartedProcesses:
    return StartedProcesses()


@pytest.fixture
def bench(started: StartedProcesses) -> Iterator[Bench]:
    """Real threads, processes and time; cycles when the test makes them."""
    made = Bench(ThreadWorkers(), MeasuredMeter(time.monotonic_ns))
    made.orchestrator._stopwatch_ns = time.monotonic_ns
    yield made
    made.orchestrator.close()
    made.workers.stop()
    assert started.now() == []


def load(bench: Bench, kind: type, name: str = "plugin", **parameters: object) -> None:
    bench.orchestrator.load(in_process(kind, name, **parameters)).result(0.0)


def run(bench: Bench, name: str = "plugin"):
    """Have it run once, when it has paid what it owes; the result, and its report of the cycle."""
    while True:
        bench.policy = replace(bench.policy, admitted=None)
        bench.cycle()
        bench.policy = replace(bench.policy, admitted=frozenset())
        status = next(s for s in bench.orchestrator.statuses() if s.name == name)
        if status.state == PluginState.ISOLATED:
            raise AssertionError(status.reason)
        if status.reason.startswith("pays back"):
            continue
        who, result = bench.results.get(timeout=PATIENCE_S)
        assert who == name
        return result, bench.cycle()[1][name]


@pytest.mark.parametrize(
    ("kind", "parameters", "state", "words"),
    [
        (Spinning, {}, PluginState.TIMED_OUT, LATE),
        (Sleeping, {}, PluginState.TIMED_OUT, LATE),
        (Hoarding, {"memory_mb": 128.0}, PluginState.FAILED, "killed: it held"),
        (Forking, {}, PluginState.FAILED, "killed: it had"),
        (Crashing, {}, PluginState.FAILED, "segmentation fault (signal 11) in its process"),
    ],
)
def test_it_is_stopped_charged_and_isolated_with_words(bench, kind, parameters, state, words):
    load(bench, kind, **parameters)
    seconds = 0.3 if state == PluginState.TIMED_OUT else PATIENCE_S
    bench.policy = bench.policy_of(timeout_s=seconds)
    for count in (1, 2, 3):
        result, line = run(bench)
        assert result.state == state
        assert words in result.reason
        assert line.failures == count
        if state == PluginState.TIMED_OUT:
            assert line.spent_ns >= 30 * MS, "a tenth of the time at least, computed or not"
    bench.cycle()
    reason = bench.orchestrator.statuses()[0].reason
    assert reason.startswith("3 failures in a row: out for ") and words in reason
    assert bench.workers.abandoned == [], "its thread came back"


def test_what_it_computed_is_charged_though_its_process_is_no_more(bench):
    load(bench, BurningOut)
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    result, line = run(bench)
    assert result.state == PluginState.FAILED
    assert line.spent_ns >= 200 * MS


def test_what_it_has_others_compute_is_charged(bench):
    load(bench, Delegating)
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    result, line = run(bench)
    assert result.state == PluginState.SPENT
    assert line.spent_ns >= 180 * MS * line.steps > 0, "200 ms, of which the kernel tells ticks"


def test_what_it_computes_between_its_runs_is_charged_to_the_next(bench):
    load(bench, LeavingWorkBehind)
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    result, _ = run(bench)
    helper = result.output["helper"]
    used_ns = cpu_ns(helper)
    while cpu_ns(helper) < used_ns + 300 * MS:
        time.sleep(0.01)
    _, line = run(bench)
    assert line.spent_ns >= 300 * MS
    bench.policy = replace(bench.policy, admitted=None)
    bench.cycle()
    assert bench.orchestrator.statuses()[0].reason.startswith("pays back")


def test_a_process_that_ends_while_it_does_nothing_is_noticed(bench):
    load(bench, DyingLater)
    bench.policy = bench.policy_of(timeout_s=PATIENCE_S)
    result, _ = run(bench)
    assert result.state == PluginState.DONE
    while not bench.orchestrator.troubles():
        bench.cycle(salience=0.0)
    said = "while it did nothing: segmentation fault (signal 11) in its process"
    assert bench.orchestrator.troubles() == {"plugin": said}
    assert bench.cycle()[1]["plugin"].failures == 1
    result, _ = run(bench)
    assert result.state == PluginState.DONE, "it was started anew"


def test_others_are_served_beside_one_that_spins(bench):
    load(bench, Spinning, "spinning")
    load(bench, Halving, "good")
    bench.policy = bench.policy_of(timeout_s=0.5)
    bench.cycle()
    ended, name = 0, ""
    while name != "spinning":
        name, result = bench.results.get(timeout=PATIENCE_S)
        if name == "good":
            assert result.state == PluginState.DONE
            ended += 1
            bench.cycle()
    assert ended > 1, "it had its shares while the other spun"


def test_a_working_process_is_killed_when_the_orchestrator_closes(bench, started):
    load(bench, Sleeping)
    bench.cycle()
    while len(started.now()) < 2:
        time.sleep(0.01)
    processes = started.now()
    bench.orchestrator.close()
    assert not any(exists(process) for process in processes)
    bench.workers.abandoned.clear()


def test_a_plugin_is_replaced_and_unloaded_with_its_process(bench, started):
    load(bench, Halving)
    run(bench)
    (before, *_) = started.now()
    done = bench.orchestrator.load(in_process(Halving))
    bench.cycle()
    done.result(PATIENCE_S)
    assert not exists(before)
    assert run(bench)[0].state == PluginState.DONE
    done = bench.orchestrator.unload("plugin")
    bench.cycle()
    done.result(PATIENCE_S)
    assert started.now() == []


def test_in_lock_step_it_is_as_deterministic_as_on_a_thread(make_bench):
    def lines(setup) -> list:
        bench = make_bench()
        assert not NominalMeter.is_measured
        bench.orchestrator.load(setup).result(0.0)
        found = bench.cycles(20)
        results = [bench.results.get_nowait() for _ in range(bench.results.qsize())]
        bench.orchestrator.close()
        return [found, results]

    first, second = lines(in_process(Halving)), lines(in_process(Halving))
    on_thread = lines(in_process(Halving, host="thread"))
    assert first == second == on_thread
