"""Loading, replacing and unloading plugins while the cycle goes on; nothing is minted or lost."""

from __future__ import annotations

from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving_plugins import ATP, Endless, Halving, Hanging, Labelling, Raising, Slow
from orchestrator_bench import setup_of

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job

S = 1_000_000_000
PATIENCE_S = 60.0


class Unloading(Endless):
    """Notes whether it is unloaded."""

    unloaded = False

    def unload(self) -> None:
        self.unloaded = True


class Stubborn(Endless):
    """Raises in unload."""

    def unload(self) -> None:
        raise OSError("device busy")


def trust_of(bench, name: str) -> float:
    return next(s.trust for s in bench.orchestrator.statuses() if s.name == name)


def test_a_plugin_that_is_loaded_at_run_time_takes_part_from_the_next_cycle_on(bench):
    bench.add(Endless("first"))
    bench.cycles(2)
    bench.add(Endless("second"))
    _, lines = bench.cycle()
    assert lines["second"].allocated_ns == 0, "it had no account in the cycle under way"
    report, lines = bench.cycle()
    assert lines["first"].allocated_ns > 0 and lines["second"].allocated_ns > 0
    assert report.allocated_ns == report.budget_ns


def test_a_plugin_at_rest_is_replaced_at_once_and_keeps_trust_and_debt(bench):
    before, after = Unloading("p"), Unloading("p")
    before.nominal_step_ns = 2100 * ATP
    bench.add(before)
    bench.orchestrator.set_trust("p", 0.3)
    bench.cycles(1)
    bench.orchestrator.load(setup_of(after)).result(0.0)
    assert before.unloaded and not after.unloaded
    assert trust_of(bench, "p") == 0.3
    _, lines = bench.cycle()
    assert lines["p"].spent_ns == 2100 * ATP, "the cycle in which it was replaced is whole"
    _, lines = bench.cycle()
    assert lines["p"].reason.startswith("pays back"), "the new one pays what the old one owed"


def test_work_under_way_ends_before_the_plugin_is_replaced(threaded):
    before, after = Hanging("p"), Labelling("p")
    threaded.add(before)
    threaded.cycle()
    assert before.hangs.wait(PATIENCE_S)
    done = threaded.orchestrator.load(setup_of(after))
    with pytest.raises(FutureTimeout):
        done.result(0.0)
    with pytest.raises(InvalidInput, match="not being replaced or unloaded already"):
        threaded.orchestrator.load(setup_of(Halving("p")))
    with pytest.raises(InvalidInput, match="not being replaced or unloaded"):
        threaded.orchestrator.submit("p", Job(Task(1, "vision", "front", 1.0), ATP, S))
    before.release.set()
    done.result(PATIENCE_S)
    assert threaded.results.get(timeout=PATIENCE_S)[1].state == PluginState.DONE
    threaded.cycle()
    assert threaded.results.get(timeout=PATIENCE_S)[1].labels == ("tree", "bench")


def test_a_replacement_may_run_at_once_though_what_it_replaces_was_isolated(bench):
    bench.add(Raising("p"))
    assert bench.cycles(5)[-1]["p"].state == PluginState.ISOLATED
    bench.add(Halving("p"))
    assert bench.cycles(2)[-1]["p"].state == PluginState.DONE


def test_an_unloaded_plugin_is_reported_to_the_end_of_its_cycle(bench):
    plugin = Unloading("p")
    bench.add(plugin, Endless("q"))
    bench.cycles(2)
    done = bench.orchestrator.unload("p")
    report, lines = bench.cycle()
    assert lines["p"].spent_ns > 0
    assert report.spent_ns == sum(line.spent_ns for line in report.lines)
    assert done.done() and plugin.unloaded
    report, lines = bench.cycle()
    assert list(lines) == ["q"] and lines["q"].allocated_ns == report.budget_ns
    with pytest.raises(InvalidInput, match="one of: q"):
        bench.orchestrator.unload("p")


def test_a_plugin_that_comes_back_has_its_trust_and_its_debt(bench):
    bench.add(Slow("p"))
    bench.orchestrator.set_trust("p", 0.3)
    bench.add(Endless("q"))
    bench.cycles(2)
    trust = trust_of(bench, "p")
    bench.orchestrator.unload("p")
    bench.cycle()
    bench.add(Slow("p"))
    assert trust_of(bench, "p") == trust
    lines = bench.cycles(40)
    spent = sum(line["p"].spent_ns for line in lines)
    allocated = sum(line["p"].allocated_ns for line in lines)
    assert spent <= allocated + Slow.nominal_step_ns


def test_a_job_is_ended_when_its_plugin_is_unloaded(bench):
    bench.add(Endless("p"))
    waiting = Job(Task(1, "vision", "front", 1.0), 10_000 * ATP, 100 * S)
    bench.orchestrator.submit("p", waiting)
    bench.orchestrator.unload("p")
    assert waiting.wait(0.0).reason == "the plugin is unloaded"
    bench.cycles(2)
    bench.add(Endless("p"))
    running = Job(Task(1, "vision", "front", 1.0), 10_000 * ATP, 100 * S)
    bench.orchestrator.submit("p", running)
    bench.cycles(2)
    done = bench.orchestrator.unload("p")
    bench.cycles(2)
    assert done.done() and running.wait(0.0).reason.startswith("the plugin is unloaded: at ")
    assert running.wait(0.0).output["left"] < 1.0, "what it had found is given"


def test_a_hung_plugin_leaves_when_its_thread_is_given_up(threaded):
    plugin = Hanging("p")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    done = threaded.orchestrator.unload("p")
    threaded.cycle()
    assert not done.done()
    threaded.cycle(step_s=2.5)
    assert done.done() and threaded.orchestrator.statuses() == []
    assert threaded.workers.abandoned == ["p"]
    plugin.release.set()


def test_threads_that_hang_are_remembered_when_their_plugin_comes_back(threaded):
    plugins = [Hanging("p"), Hanging("p"), Hanging("p")]
    for plugin in plugins[:2]:
        threaded.add(plugin)
        while not plugin.hangs.is_set():
            _, lines = threaded.cycle()
            if lines and lines["p"].state == PluginState.RUNNING:
                assert plugin.hangs.wait(PATIENCE_S)
        done = threaded.orchestrator.unload("p")
        threaded.cycle(step_s=2.5)
        assert done.done()
    assert threaded.orchestrator.health() == (2, []), "they hang, whether it is loaded or not"
    threaded.add(plugins[2])
    assert threaded.orchestrator.health() == (2, ["p"])
    threaded.orchestrator.close()
    threaded.orchestrator.reopen()
    threaded.add(plugins[2])
    threaded.cycle()
    _, lines = threaded.cycle()
    assert lines["p"].reason == "2 of its threads hang: out until restart"
    for plugin in plugins:
        plugin.release.set()


def test_what_unload_raises_is_for_whoever_asked_and_the_plugin_is_gone(bench):
    bench.add(Stubborn("p"))
    bench.cycles(2)
    done = bench.orchestrator.unload("p")
    bench.cycle()
    with pytest.raises(OSError, match="device busy"):
        done.result(0.0)
    assert bench.orchestrator.statuses() == []


def test_stopping_ends_changes_that_wait_and_refuses_new_ones(threaded):
    plugin = Hanging("p")
    threaded.add(plugin)
    threaded.cycle()
    assert plugin.hangs.wait(PATIENCE_S)
    done = threaded.orchestrator.load(setup_of(Halving("p")))
    threaded.orchestrator.close()
    with pytest.raises(InvalidInput, match="the orchestrator stops"):
        done.result(0.0)
    with pytest.raises(InvalidInput, match="the orchestrator stops"):
        threaded.orchestrator.load(setup_of(Halving("p")))
    plugin.release.set()


def test_trust_has_a_reason_in_words(bench):
    bench.add(Halving("p"), Raising("q"))
    assert {s.trust_reason for s in bench.orchestrator.statuses()} == {
        "nothing learned since it was loaded"
    }
    bench.cycles(2)
    reasons = {s.name: s.trust_reason for s in bench.orchestrator.statuses()}
    assert reasons["p"].startswith("last run: energy did not rise in 100% of its moves")
    assert reasons["q"] == "its last run failed"
    bench.orchestrator.set_trust("p", 0.2)
    bench.orchestrator.learn_outcome(-1.0, "q", 0, 0)
    reasons = {s.name: s.trust_reason for s in bench.orchestrator.statuses()}
    assert reasons["p"] == "set by hand"
    assert reasons["q"] == "an outcome of -1.00; outcomes so far 0.80"


def test_each_cycle_follows_the_policy_that_it_is_given(bench):
    bench.add(Endless("p"), Endless("q"))
    bench.cycles(2)
    bench.policy = replace(bench.policy, budget_ns=100 * ATP, admitted=frozenset({"q"}))
    bench.cycle()
    report, lines = bench.cycle()
    assert (report.budget_ns, report.allocated_ns) == (100 * ATP, 100 * ATP)
    assert lines["q"].spent_ns == 100 * ATP
    assert (lines["p"].state, lines["p"].allocated_ns) == (PluginState.IDLE, 0)
    assert lines["p"].reason == "the policy in force does not admit it"
    job = Job(Task(1, "vision", "front", 1.0), 50 * ATP, S)
    bench.orchestrator.submit("p", job)
    bench.cycles(2)
    assert job.wait(0.0).state == PluginState.SPENT, "a job by hand runs all the same"
    bench.policy = replace(bench.policy, period_ns=S, admitted=None)
    bench.cycle()
    report, lines = bench.cycle()
    assert report.period_ns == S and lines["p"].allocated_ns > 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["cycle", "load", "unload"]), st.integers(0, 3), st.floats(0.0, 1.0)),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_is_loaded_and_unloaded_every_cycle_adds_up(make_bench, steps):
    kinds = [Halving, Endless, Slow, Raising]
    bench = make_bench()
    bench.add(Endless("p0"))
    spent = dict.fromkeys(("p0", "p1", "p2", "p3"), 0)
    allocated = dict(spent)
    for act, number, salience in steps:
        name = f"p{number}"
        if act != "cycle":
            change = (
                partial(bench.add, kinds[number](name))
                if act == "load"
                else partial(bench.orchestrator.unload, name)
            )
            try:
                change()
            except InvalidInput as refused:  # not there, or leaving at the end of this cycle
                assert "already" in str(refused) or "one of" in str(refused)
        else:
            report, lines = bench.cycle(salience)
            if report is None:
                continue
            asked = any(line.requested_ns for line in report.lines)
            assert report.allocated_ns == (report.budget_ns if asked else 0)
            assert report.spent_ns == sum(line.spent_ns for line in report.lines)
            assert report.returned_ns == sum(line.returned_ns for line in report.lines)
            for line in lines.values():
                spent[line.name] += line.spent_ns
                allocated[line.name] += line.allocated_ns
                longest = max(kind.nominal_step_ns for kind in kinds)
                assert spent[line.name] <= allocated[line.name] + longest
