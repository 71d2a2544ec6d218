"""Plugins that misbehave on real threads; waits are for events, never for a time."""

from __future__ import annotations

import threading
from dataclasses import replace

from misbehaving_plugins import Endless, Halving, Hanging, IgnoringCancel, Raising, Slow
from orchestrator_bench import setup_of
from test_orchestrator import trusts

from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job

S = 1_000_000_000
PATIENCE_S = 60.0


def result_of(bench, name: str):
    """The next result of this plugin; those of others are passed over."""
    while True:
        who, result = bench.results.get(timeout=PATIENCE_S)
        if who == name:
            return result


def test_a_plugin_that_hangs_is_charged_abandoned_and_made_anew(threaded):
    instances = [Hanging("hanging"), Hanging("hanging"), Hanging("hanging")]
    waiting = list(instances)
    threaded.orchestrator.load(replace(setup_of(instances[0]), create=lambda: waiting.pop(0)))
    threaded.add(Halving("good"))

    threaded.cycle()
    assert instances[0].hangs.wait(PATIENCE_S)
    assert result_of(threaded, "good").state == PluginState.DONE
    threaded.cycle()
    assert result_of(threaded, "good").state == PluginState.DONE
    _, lines = threaded.cycle(step_s=2.5)
    assert result_of(threaded, "good").state == PluginState.DONE
    assert lines["hanging"].state == PluginState.TIMED_OUT
    assert lines["hanging"].reason == "hung in one step for 2.6 s: its thread is abandoned"
    assert lines["hanging"].spent_ns == 26 * S // 10
    assert threaded.workers.abandoned == ["hanging"]
    assert threaded.orchestrator.health() == (1, [])
    hung = "1 of its threads hang, at 2 it stays isolated until restart"
    assert threaded.orchestrator.troubles() == {"hanging": hung}

    # Its debt is paid from its shares before it may run again, as another instance. No long step
    # may meet the other plugin at work, or its thread would count as hung too.
    while not instances[1].hangs.is_set():
        _, lines = threaded.cycle()
        assert result_of(threaded, "good").state == PluginState.DONE
        if lines["hanging"].state == PluginState.RUNNING:
            assert instances[1].hangs.wait(PATIENCE_S)
    threaded.cycle(step_s=2.5)
    assert threaded.orchestrator.health() == (2, ["hanging"])
    _, lines = threaded.cycle(step_s=1e6)
    assert lines["hanging"].state == PluginState.ISOLATED
    assert lines["hanging"].reason == "2 of its threads hang: out until restart"

    # A thread that comes back after all changes nothing.
    before = trusts(threaded.orchestrator)
    instances[0].release.set()
    instances[1].release.set()
    _, lines = threaded.cycle()
    assert lines["hanging"].spent_ns == 0
    assert trusts(threaded.orchestrator)[1] == before[1]


def test_stopping_does_not_wait_for_a_hung_thread(threaded):
    plugin = Hanging("hanging")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    threaded.orchestrator.close()
    assert threaded.orchestrator.cycle([], threaded.policy).lines == ()
    plugin.release.set()


def test_a_plugin_that_ignores_cancelling_is_abandoned(threaded):
    plugin = IgnoringCancel("stubborn")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    threaded.cycle(step_s=1.5)
    while not plugin.saw_cancel:
        threading.Event().wait(0.001)
    threaded.cycle(step_s=1.0)
    assert result_of(threaded, "stubborn").state == PluginState.TIMED_OUT
    assert threaded.orchestrator.health() == (1, [])
    plugin.release.set()


def test_a_step_that_comes_back_late_is_a_timeout_without_a_lost_thread(threaded):
    plugin = Hanging("late")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    threaded.now_ns += 3 * S // 2
    plugin.release.set()
    result = result_of(threaded, "late")
    assert result.state == PluginState.TIMED_OUT
    assert result.reason == "not done in time: cancelled (timeout_s = 1)"
    assert threaded.orchestrator.health() == (0, [])
    assert threaded.workers.abandoned == []


def test_three_plugins_run_at_the_same_time(threaded):
    plugins = [Hanging(name) for name in ("a", "b", "c")]
    threaded.add(*plugins)
    threaded.cycle()
    assert all(plugin.hangs.wait(PATIENCE_S) for plugin in plugins)
    for plugin in plugins:
        plugin.release.set()
    assert {threaded.results.get(timeout=PATIENCE_S)[0] for _ in plugins} == {"a", "b", "c"}


def test_measured_time_is_what_is_booked(make_threaded):
    """A CPU clock that advances 2 ATP at each look: a step looks a known number of times."""
    bench = make_threaded(MeasuredMeter(lambda: 0, cpu_ns=Ticks(200_000)))
    bench.add(Endless("endless"))
    bench.cycle()
    assert result_of(bench, "endless").state == PluginState.SPENT
    report, lines = bench.cycle()
    one_step = 2 * 200_000
    assert 1000 * 100_000 <= lines["endless"].spent_ns <= 1000 * 100_000 + one_step
    assert report.spent_ns == lines["endless"].spent_ns


def test_accounts_add_up_while_cycles_roll_over_plugins_at_work(threaded):
    kinds = [Endless, Halving, Raising, Slow]
    threaded.add(*[kind(kind.__name__.lower()) for kind in kinds])
    step = {kind.__name__.lower(): kind.nominal_step_ns for kind in kinds}
    spent, allocated = dict.fromkeys(step, 0), dict.fromkeys(step, 0)
    cycles = 0
    while cycles < 500 or not all(spent.values()):
        cycles += 1
        # The clock hardly moves: no thread is taken for hung, however the machine schedules it.
        report, lines = threaded.cycle(step_s=1e-5)
        if report is None:
            continue
        asked = [line for line in report.lines if line.requested_ns]
        assert report.allocated_ns == (report.budget_ns if asked else 0)
        for name, line in lines.items():
            assert line.spent_ns <= line.allocated_ns + step[name]
            assert line.spent_ns + line.returned_ns <= line.allocated_ns + step[name]
            spent[name] += line.spent_ns
            allocated[name] += line.allocated_ns
            assert spent[name] <= allocated[name] + step[name]
    threaded.orchestrator.close()


def test_an_order_is_answered_from_another_thread(threaded):
    threaded.add(Halving("good"))
    job = Job(Task(1, "vision", "front", 1.0), 10**8, S)
    threaded.orchestrator.submit("good", job)
    threaded.cycle()
    result = job.wait(PATIENCE_S)
    assert result.state == PluginState.DONE
    assert result.output["left"] < 0.1
    assert result.telemetry["energies"][0] == 1.0


class Ticks:
    """A clock that advances by a fixed amount at each look."""

    def __init__(self, by: int) -> None:
        self._by, self._now = by, 0

    def __call__(self) -> int:
        self._now += self._by
        return self._now
