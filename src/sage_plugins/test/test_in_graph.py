"""Both plugins in the orchestrator on the lock-step host, repeatable to the byte."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from orchestrator_graph import (
    MS,
    attention,
    diagnostics,
    header,
    play,
    puzzle,
    salience,
    started,
)
from test_look import LookWithoutModel  # noqa: F401 - the spec names it

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.lockstep.host import DEFAULT_START_NS
from sage_msgs.action import Refine
from sage_msgs.msg import Outcome, PluginBudget
from sage_msgs.srv import SetTrust
from sage_plugins import specs

LOOK = replace(specs.LOOK, plugin="test_in_graph:LookWithoutModel")
PLUGINS = ["test_in_graph:LOOK", "sage_plugins.specs:RECALL", "misbehaving_plugins:ENDLESS"]


def test_every_cycle_is_published_and_adds_up(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host)
    budgets = host.messages("budget")
    assert [state.cycle for state in budgets] == list(range(1, len(budgets) + 1))
    assert len(budgets) == 29
    done = {}
    for state in budgets:
        assert [line.name for line in state.plugins] == ["endless", "look", "recall"]
        asked = any(line.requested_atp for line in state.plugins)
        assert state.allocated_atp == pytest.approx(1000.0 if asked else 0.0)
        for field in ("allocated_atp", "spent_atp", "returned_atp"):
            total = sum(getattr(line, field) for line in state.plugins)
            assert getattr(state, field) == pytest.approx(total, abs=0.01)
        for line in state.plugins:
            assert 0.05 <= line.trust <= 1.0
            assert line.spent_atp + line.returned_atp <= line.allocated_atp + 30.01
            if line.state == PluginBudget.DONE:
                done[line.name] = line
    assert done["look"].reason.startswith("reached its goal: tile of ")
    assert done["look"].spent_atp == pytest.approx(30.0 * (done["look"].steps + 1))
    assert "best 0.97 'a bench in the sun'" in done["recall"].reason
    assert budgets[-1].plugins[0].state == PluginBudget.SPENT


def test_what_a_plugin_found_is_published_with_its_cost_and_why_it_stopped(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host)
    found = {message.plugin: message for message in host.messages("refinement")}
    assert set(found) == {"look", "recall", "endless"}
    recall = found["recall"]
    assert recall.answer == "3 memories like it (vision), best 0.97 'a bench in the sun'" or (
        recall.answer == "1 memory like it (vision), best 0.97 'a bench in the sun'"
    )
    assert (recall.modality, recall.source, recall.ordered) == ("vision", "front", False)
    assert recall.state == PluginBudget.DONE and recall.reason.startswith("asked in every way")
    refined_ns = stamp_ns(recall.header.stamp) - DEFAULT_START_NS
    assert refined_ns % (100 * MS) == 5 * MS, "the stamp of a percept"
    look = found["look"]
    assert len(look.energies) == look.steps + 1 and list(look.labels) == []
    assert look.energies[-1] < look.energies[0]
    assert look.spent_atp == pytest.approx(30.0 * (look.steps + 1))
    assert found["endless"].state == PluginBudget.SPENT

    goal = Refine.Goal(plugin="recall", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = 200.0, 5.0
    result, _ = host.run_action("orchestrator/refine", goal)
    by_hand = [message for message in host.messages("refinement") if message.ordered]
    assert [message.reason for message in by_hand] == [result.message]


def test_a_run_with_nothing_to_work_on_is_not_published(tmp_path):
    host = started(tmp_path, plugins=["test_in_graph:LOOK"])
    begin_ns = host.clock.now_ns()
    host.publish("fused_salience", salience(begin_ns, 0.8))
    host.publish("attention", attention(begin_ns))  # but no image of it
    host.run_for(1.0)
    assert "no image of front" in diagnostics(host)["look last"]
    assert host.messages("refinement") == []


def test_tiles_that_stand_out_are_looked_at_within_what_focus_asked_for(tmp_path):
    host = started(tmp_path, plugins=["test_in_graph:LOOK"])
    play(host, flickers=True)
    shown = diagnostics(host)
    telemetry = json.loads(shown["look telemetry"])
    details = telemetry["details"]
    assert details["tiles_around"] == 5
    assert details["tiles_affordable"] == details["tiles_seen"] == 4
    assert details["look_atp"] == 30.0
    assert telemetry["spent_atp"] == 240.0, "of 250: four looks at the region, four around"
    assert "4 of 5 tiles around" in shown["look last"]
    assert shown["periphery front"] == "looks itself (this host has no mailboxes)"


@pytest.mark.parametrize(
    ("budget_atp", "count"), [(120.0, 0), (150.0, 1), (209.0, 2), (270.0, 5), (5000.0, 5)]
)
def test_an_order_decides_how_many_tiles_are_looked_at(tmp_path, budget_atp, count):
    host = started(tmp_path, plugins=["test_in_graph:LOOK"])
    play(host, seconds=1.0, flickers=True)
    goal = Refine.Goal(plugin="look", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = budget_atp, 5.0
    result, _ = host.run_action("orchestrator/refine", goal)
    assert result.success
    assert len(json.loads(result.result_json)["around"]) == count
    assert result.spent_atp == 30.0 * (4 + count)


def test_two_runs_are_equal_to_the_byte(tmp_path):
    digests = []
    for folder in ("one", "two"):
        host = started(tmp_path / folder, PLUGINS)
        play(host, flickers=True)
        host.close()
        assert len(host.messages("budget")) == 29
        digests.append(host.digest())
    assert digests[0] == digests[1]


def test_without_a_memory_recall_is_isolated_and_the_rest_goes_on(tmp_path):
    host = started(tmp_path, PLUGINS, memory=False)
    play(host, seconds=6.0)
    last = {line.name: line for line in host.messages("budget")[-1].plugins}
    assert last["recall"].state == PluginBudget.ISOLATED
    assert last["recall"].failures == 3
    states = {line.state for m in host.messages("budget") for line in m.plugins
              if line.name == "look"}  # fmt: skip
    assert PluginBudget.DONE in states
    assert PluginBudget.FAILED not in states
    assert any("memory/recall: no node serves it" in line.text for line in host.logs)


def test_trust_is_saved_resumed_and_set_by_hand(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host)
    host.publish(
        "outcome",
        Outcome(header=header(host.clock.now_ns()), plugin="look", reward=-1.0, source="test"),
    )
    host.run_for(0.3)
    trusts = {line.name: line.trust for line in host.messages("budget")[-1].plugins}
    before_outcome = {line.name: line.trust for line in host.messages("budget")[-4].plugins}
    assert trusts["look"] < before_outcome["look"]
    host.close()

    again = started(tmp_path, PLUGINS)
    again.run_for(0.3)
    resumed = {line.name: line.trust for line in again.messages("budget")[-1].plugins}
    assert resumed == trusts

    answer = again.call("orchestrator/set_trust", SetTrust.Request(plugin="look", trust=0.9))
    assert answer.success
    assert answer.previous == pytest.approx(trusts["look"])
    for plugin, trust, field in (("look", 1.5, "trust"), ("no_such", 0.5, "plugin")):
        answer = again.call("orchestrator/set_trust", SetTrust.Request(plugin=plugin, trust=trust))
        assert not answer.success
        assert answer.message.startswith(f"{field} = ")


def test_refine_runs_one_plugin_on_one_input(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host, seconds=1.0)
    goal = Refine.Goal(plugin="recall", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = 200.0, 5.0
    result, feedback = host.run_action("orchestrator/refine", goal)
    assert result.success
    assert result.steps == 3
    assert result.energy == pytest.approx(0.03, abs=1e-6)
    assert result.spent_atp == pytest.approx(20.0)
    memories = json.loads(result.result_json)["memories"]
    assert memories[0]["text"] == "a bench in the sun"
    assert feedback == [] or feedback[-1].spent_atp <= result.spent_atp

    endless = Refine.Goal(plugin="endless", input=puzzle(host.clock.now_ns()))
    endless.budget_atp, endless.timeout_s = 2500.0, 5.0
    result, feedback = host.run_action("orchestrator/refine", endless)
    assert result.success
    assert result.spent_atp == pytest.approx(2500.0, abs=10.0)
    assert [item.spent_atp for item in feedback] == sorted(item.spent_atp for item in feedback)
