"""The cycle: sharing, stopping early, spending, owing, and jobs; deterministic."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving_plugins import (
    ATP,
    Babbling,
    Endless,
    Exiting,
    Halving,
    Lying,
    NotANumber,
    Raising,
    Slow,
    Unloadable,
    Useless,
)

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import json_array
from sage_common.core.state.packing import VALUES
from sage_orchestrator.core.plugin import Budget, PluginParameters, Task, TriggerRule
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.trigger import Trigger

S = 1_000_000_000


def test_the_first_cycle_has_no_report_and_the_next_adds_up(bench):
    bench.add(Endless("endless"))
    assert bench.cycle()[0] is None
    report, lines = bench.cycle()
    assert (report.cycle, report.budget_ns) == (1, 1000 * ATP)
    assert report.allocated_ns == report.budget_ns == lines["endless"].allocated_ns
    assert lines["endless"].state == PluginState.SPENT
    assert report.spent_ns == 1000 * ATP
    assert lines["endless"].steps == 99
    assert lines["endless"].reason.startswith("its share is spent: at ")


def test_an_early_stop_feeds_those_that_still_run(bench):
    bench.add(Halving("a_halving"), Endless("b_endless"))
    bench.cycles(1)
    report, lines = bench.cycle()
    assert lines["a_halving"].state == PluginState.DONE
    assert lines["a_halving"].allocated_ns == lines["a_halving"].spent_ns < 500 * ATP
    assert lines["b_endless"].spent_ns == 1000 * ATP - lines["a_halving"].spent_ns
    assert report.allocated_ns == report.budget_ns
    assert report.returned_ns == 0


def trusts(orchestrator) -> list[float]:
    """Of all plugins, in order of name."""
    orchestrator.packing()
    return [record.trust for record in orchestrator.records.values()]


def test_nobody_asks_nothing_is_allocated_and_idling_changes_no_trust(bench):
    bench.add(Halving())
    before = trusts(bench.orchestrator)
    bench.orchestrator.cycle([], bench.policy)
    for _ in range(50):
        report = bench.orchestrator.cycle([], bench.policy)
    assert (report.allocated_ns, report.spent_ns) == (0, 0)
    assert report.lines[0].state == PluginState.IDLE
    assert report.lines[0].reason == "no new percept to work on"
    assert trusts(bench.orchestrator) == before


def test_the_same_percept_is_worked_on_once(bench):
    bench.add(Halving())
    trigger = Trigger("percept", "vision", "front", 7, 0.5, 60.0, dominant=True)
    bench.orchestrator.cycle([trigger], bench.policy)
    assert bench.orchestrator.cycle([trigger], bench.policy).lines[0].state == PluginState.DONE
    assert bench.orchestrator.cycle([trigger], bench.policy).lines[0].state == PluginState.IDLE


def test_triggers_and_parameters_decide_who_asks(bench):
    picky = Halving("picky")
    picky.triggers = (TriggerRule("percept", ("audio",)),)
    picky.parameters = PluginParameters(false_alarms_per_hour=80.0, period_s=1.0)
    bench.add(picky)

    def line(*triggers: Trigger):
        bench.now_ns += S // 10
        bench.orchestrator.cycle(triggers, bench.policy)
        return bench.orchestrator.cycle([], bench.policy).lines[0]

    assert line(Trigger("percept", "vision", "front", 1, 0.9, 1.0, True)).reason.startswith(
        "no new"
    )
    assert (
        line(Trigger("percept", "audio", "front", 1, 0.3, 141.7)).reason
        == "salience 0.30 comes 142 times an hour while nothing happens; it works on 80 or fewer"
    )
    assert line(Trigger("percept", "audio", "front", 1, 0.5, 60.0)).state == PluginState.DONE
    assert (
        line(Trigger("percept", "audio", "front", 2, 0.5, 60.0)).reason == "runs at most every 1 s"
    )
    bench.now_ns += S
    assert line(Trigger("percept", "audio", "front", 2, 0.5, 60.0)).state == PluginState.DONE
    bench.now_ns += S
    bench.policy = replace(bench.policy, alarms_share=0.5)
    refused = line(Trigger("percept", "audio", "front", 3, 0.5, 60.0)).reason
    assert refused.endswith("60 times an hour while nothing happens; it works on 40 or fewer")


def test_trust_follows_what_runs_achieve_and_feeds_back_into_shares(bench):
    bench.add(Halving("good"), Useless("useless"), Endless("rival"))
    first = bench.cycles(2)[-1]
    lines = bench.cycles(200)
    last = lines[-1]
    assert last["good"].trust > 0.99
    assert last["useless"].trust == 0.05
    ended = [line["useless"].state == PluginState.DONE for line in lines[-20:]]
    assert sum(ended) == 2, "once in the second that a run may take"
    assert first["rival"].trust == pytest.approx(0.54)
    assert 0.89 < last["rival"].trust <= 0.9


def test_an_overrun_is_paid_back_before_the_next_step(bench):
    slow = Slow("slow")
    slow.nominal_step_ns = 1500 * ATP
    bench.add(slow, Endless("rival"))
    bench.orchestrator.set_trust("slow", 0.05)
    lines = bench.cycles(60)[1:]
    spent = sum(line["slow"].spent_ns for line in lines)
    allocated = sum(line["slow"].allocated_ns for line in lines)
    assert spent <= allocated + slow.nominal_step_ns
    paying = [line["slow"] for line in lines if line["slow"].reason.startswith("pays back")]
    assert paying
    assert all(line.state == PluginState.SPENT and line.spent_ns == 0 for line in paying)


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (Raising("bad"), "ZeroDivisionError: deliberately"),
        (NotANumber("bad"), "energy = nan: expected a finite number"),
        (Lying("bad"), "as before for the same state"),
        (Babbling("bad"), r"details.nested = {'not': 'allowed'}: expected a finite number or text"),
        (Exiting("bad"), "SystemExit: 1"),
        (Unloadable("bad"), "FileNotFoundError: model.onnx"),
    ],
)
def test_a_plugin_that_fails_is_charged_isolated_and_tried_again_and_the_rest_go_on(
    bench, plugin, reason
):
    bench.add(plugin, Halving("good"))
    lines = bench.cycles(4)[1:]
    assert [line["bad"].state for line in lines] == [PluginState.FAILED] * 3
    assert reason in lines[0]["bad"].reason
    if not isinstance(plugin, Unloadable):
        assert all(line["bad"].spent_ns > 0 for line in lines)
    assert [line["bad"].failures for line in lines] == [1, 2, 3]
    assert lines[2]["bad"].trust < lines[0]["bad"].trust < 0.5

    out = bench.cycles(90)
    assert {line["bad"].state for line in out} == {PluginState.ISOLATED}
    assert {line["bad"].allocated_ns for line in out} == {0}
    assert out[0]["bad"].reason.startswith("3 failures in a row: out for ")
    assert {line["good"].state for line in out} == {PluginState.DONE}
    assert bench.orchestrator.health() == (0, ["bad"])

    again = bench.cycles(20)
    assert PluginState.FAILED in {line["bad"].state for line in again}
    assert bench.orchestrator.troubles().keys() == {"bad"}, "also while it is tried again"
    longer = bench.cycles(150)
    assert {line["bad"].state for line in longer} == {PluginState.ISOLATED}


def test_success_ends_isolation_for_good(bench):
    plugin = Raising("fixes")
    bench.add(plugin)
    bench.cycles(5)
    plugin.step = lambda state: state / 2.0
    states = [line["fixes"].state for line in bench.cycles(120)]
    assert states[-1] == PluginState.DONE
    assert bench.orchestrator.health() == (0, [])
    assert bench.orchestrator.troubles() == {}


def job_for(budget_atp: float) -> Job:
    return Job(Task(5, "vision", "front", 1.0), round(budget_atp * ATP), 10 * S)


def test_an_order_goes_on_over_cycles_until_its_budget_is_spent(bench):
    bench.add(Endless("endless"), Endless("rival"))
    job = job_for(1500)
    bench.orchestrator.submit("endless", job)
    reports = []
    for _ in range(12):
        bench.now_ns += S // 10
        trigger = Trigger("percept", "vision", "front", bench.now_ns, 0.5, 60.0, dominant=True)
        reports.append(bench.orchestrator.cycle([trigger], bench.policy))
    result = job.wait(0.0)
    assert result.state == PluginState.SPENT
    assert result.reason.startswith("the 1500 ATP of its job are spent")
    assert job.run.spent_ns == 1500 * ATP
    for report in reports[1:]:
        assert report.allocated_ns == report.budget_ns
        for line in report.lines:
            assert line.spent_ns <= line.allocated_ns + Endless.nominal_step_ns
            assert line.spent_ns + line.returned_ns <= line.allocated_ns + Endless.nominal_step_ns


def test_a_long_run_reports_its_first_and_its_newest_energies(bench):
    bench.add(Endless("endless"))
    bench.orchestrator.submit("endless", job_for(5000))
    bench.cycles(7)
    energies = bench.results.get(timeout=10.0)[1].telemetry["energies"]
    assert len(energies) == 256
    assert energies[0] == 1.0
    assert energies[-1] == 0.5**499


def test_an_order_can_be_cancelled_before_and_while_it_runs(bench):
    bench.add(Endless("endless"))
    early, late = job_for(10_000), job_for(10_000)
    bench.orchestrator.submit("endless", early)
    bench.orchestrator.cancel("endless", early, "changed my mind")
    assert early.wait(0.0).reason == "changed my mind"

    bench.orchestrator.submit("endless", late)
    bench.cycles(2)
    assert late.wait(0.0) is None
    bench.orchestrator.cancel("endless", late, "enough")
    bench.cycles(2)
    assert late.wait(0.0).state == PluginState.DONE
    assert late.wait(0.0).reason.startswith("enough")


class Sight:
    """What a plugin looks at, a large picture say, with the budget that it looks under."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.left = budget, 1.0


class Looking(Halving):
    """Keeps its budget in its state."""

    def __init__(self) -> None:
        super().__init__("looking")
        self.seen: list[weakref.ref[Sight]] = []

    def init_state(self, task: Task, budget: Budget) -> Any:
        sight = Sight(budget)
        self.seen.append(weakref.ref(sight))
        return sight

    def step(self, state: Any) -> Any:
        state.left /= 2.0
        return state

    def energy(self, state: Any) -> float:
        return float(state.left)

    def result(self, state: Any) -> dict[str, Any]:
        return {"summary": f"at {state.left:g}"}


def test_what_a_run_looked_at_is_gone_when_it_is_over(bench):
    plugin = Looking()
    bench.add(plugin)
    gc.disable()
    try:
        bench.cycles(5)
        assert len(plugin.seen) >= 4
        assert [sight() for sight in plugin.seen[:-1]] == [None] * (len(plugin.seen) - 1)
    finally:
        gc.enable()


def test_outcomes_reach_the_plugins_that_delivered(bench):
    bench.add(Halving("a"), Halving("b"))
    bench.cycles(5)
    before = trusts(bench.orchestrator)
    assert bench.orchestrator.learn_outcome(-1.0, "a", 0, 0) == ["a"]
    assert bench.orchestrator.learn_outcome(-1.0, "", 100, 200) == []
    assert bench.orchestrator.learn_outcome(-1.0, "", 1, 5) == ["a", "b"]
    after = trusts(bench.orchestrator)
    assert after[0] < after[1] < before[1]
    with pytest.raises(InvalidInput, match="one of: a, b"):
        bench.orchestrator.learn_outcome(1.0, "c", 0, 0)


def test_trust_survives_a_restart_and_an_absent_plugin(bench, threaded):
    bench.add(Halving("a"), Useless("b"))
    bench.cycles(20)
    saved = bench.orchestrator.state()
    threaded.orchestrator.restore(saved)
    threaded.add(Halving("a"))
    assert threaded.orchestrator.state()[VALUES].tobytes() == saved[VALUES].tobytes()
    threaded.orchestrator.close()
    assert threaded.orchestrator.state()[VALUES].tobytes() == saved[VALUES].tobytes()
    wrong = json.loads(saved[VALUES].tobytes())
    wrong["records"]["a"]["trust"] = 7.0
    with pytest.raises(InvalidInput, match="trust"):
        threaded.orchestrator.restore({VALUES: json_array(wrong)})


def test_trust_that_an_older_version_saved_is_restored(bench):
    bench.add(Halving("a"))
    bench.orchestrator.restore(
        {
            "plugins": np.array(["a", "b"]),
            "trust": np.array([0.25, 0.75]),
            "belief": np.array([0.5, 0.875]),
            "deliveries": np.array([2, 0]),
            "delivered": np.array([5, 6]),
        }
    )
    assert trusts(bench.orchestrator) == [0.25, 0.75]
    assert bench.orchestrator.records["a"].delivered == (5, 6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from([Halving, Endless, Useless, Raising, NotANumber, Lying, Slow]),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=25),
)
def test_whatever_plugins_do_every_cycle_adds_up(make_bench, kinds, saliences):
    bench = make_bench()
    bench.add(*[kind(f"p{i}") for i, kind in enumerate(kinds)])
    for salience in saliences:
        report, _ = bench.cycle(salience)
        if report is None:
            continue
        asked = [line for line in report.lines if line.requested_ns]
        assert report.allocated_ns == (report.budget_ns if asked else 0)
        for kind, line in zip(kinds, report.lines, strict=True):
            step = kind.nominal_step_ns
            assert 0 <= line.spent_ns <= line.allocated_ns + step
            assert line.spent_ns + line.returned_ns <= line.allocated_ns + step
            assert 0.05 <= line.trust <= 1.0
        assert report.spent_ns == sum(line.spent_ns for line in report.lines)
