"""The node on the lock-step host: what it refuses, and what it reports."""

from __future__ import annotations

import pytest
from orchestrator_graph import (
    MS,
    attention,
    diagnostics,
    header,
    health,
    play,
    puzzle,
    salience,
    started,
)

from sage_msgs.action import Refine
from sage_msgs.msg import Outcome, PluginBudget, Puzzle
from sage_msgs.srv import ListPlugins

PLUGINS = ["misbehaving_plugins:HALVING", "misbehaving_plugins:ENDLESS"]


def test_labels_are_published_and_checked(tmp_path):
    plugins = ["misbehaving_plugins:LABELLING", "misbehaving_plugins:MISLABELLING"]
    host = started(tmp_path, plugins=plugins)
    play(host, seconds=1.0)
    found = {message.plugin: message for message in host.messages("refinement")}
    assert list(found["labelling"].labels) == ["tree", "bench"]
    assert found["mislabelling"].state == PluginBudget.FAILED
    assert "labels = 'tree': expected a list of words" in found["mislabelling"].reason
    assert found["mislabelling"].answer == "" and len(found["mislabelling"].energies)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plugin": "no_such"}, "plugin"),
        ({"budget_atp": 0.0}, "budget_atp"),
        ({"budget_atp": float("nan")}, "budget_atp"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"input": Puzzle()}, "input.valid"),
    ],
)
def test_a_goal_that_cannot_be_met_is_refused(tmp_path, change, field):
    host = started(tmp_path, PLUGINS)
    good = {"plugin": "endless", "input": puzzle(host.clock.now_ns())}
    goal = Refine.Goal(**{**good, "budget_atp": 10.0, "timeout_s": 1.0, **change})
    result, _ = host.run_action("orchestrator/refine", goal)
    assert not result.success
    assert result.message.startswith(f"{field} = ")


def test_malformed_input_is_dropped_and_the_rest_goes_on(tmp_path):
    host = started(tmp_path, PLUGINS)
    now = host.clock.now_ns()
    host.publish("fused_salience", salience(now + 5_000 * MS, 0.9))
    bad = salience(now, 0.9)
    bad.total = float("nan")
    host.publish("fused_salience", bad)
    upside_down = attention(now)
    upside_down.x_max = 0.1
    host.publish("attention", upside_down)
    host.publish("outcome", Outcome(header=header(now), plugin="no_such", reward=0.5))
    play(host)
    assert host.messages("budget")[-1].spent_atp > 0.0
    logged = " ".join(line.text for line in host.logs if line.level == "warning")
    assert "total" in logged
    assert "x_max" in logged
    assert "plugin = 'no_such'" in logged


LEFT_OUT = {
    "no_such": "plugins = 'no_such': expected an installed plugin, such as ",
    "misbehaving_plugins:NEEDY": "needs of plugin needy = 'telepathy': expected one of ",
    "misbehaving_plugins:UNMADE": "plugin unmade = 'misbehaving_plugins:Unmade': expected a class "
    "that can be made of a context and parameters (ValueError: ctor)",
    "misbehaving_plugins:NO_PLUGIN": "expected a subclass of Plugin",
    "misbehaving_plugins:UNFINISHED": "expected a class that defines energy, result",
}


@pytest.mark.parametrize(("name", "problem"), LEFT_OUT.items())
def test_a_plugin_that_cannot_be_loaded_is_left_out_and_the_others_run(tmp_path, name, problem):
    host = started(tmp_path, [name, *PLUGINS], **{"no_such.period_s": 0.5} if "no" in name else {})
    play(host)
    assert {m.plugin for m in host.messages("refinement")} == {"halving", "endless"}
    warned = [line.text for line in host.logs if line.level == "warning"]
    assert any(f"plugin {name} is left out: " in text and problem in text for text in warned)
    assert diagnostics(host)["plugins_left_out"] == name
    level, words = health(host)
    assert level == b"\x01" and problem in words
    listed = host.call("orchestrator/list_plugins", ListPlugins.Request()).plugins
    shown = {plugin.name: plugin for plugin in listed}
    assert problem in shown[name].problem and not shown[name].loaded
    assert shown["halving"].loaded and not shown["halving"].problem


def test_a_parameter_of_no_plugin_that_is_named_stays_refused(tmp_path):
    for given in ({"nearest.period_s": 0.5}, {"recall.perod_s": 0.5}, {"focus.period_s": 0.5}):
        with pytest.raises(ValueError, match="unknown parameter"):
            started(tmp_path, ["recall", "focus", "misbehaving_plugins:HALVING"], **given)


def test_a_failing_plugin_shows_in_the_budget_and_the_log(tmp_path):
    host = started(tmp_path, plugins=["misbehaving_plugins:RAISING"])
    play(host)
    states = [message.plugins[0].state for message in host.messages("budget")]
    assert states.count(PluginBudget.FAILED) == 3
    assert states[-1] == PluginBudget.ISOLATED
    assert any("ZeroDivisionError: deliberately" in line.text for line in host.logs)
