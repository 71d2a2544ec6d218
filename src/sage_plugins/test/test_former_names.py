"""What was called focus is called look: the old name still opens what was written with it."""

from __future__ import annotations

import numpy as np
import pytest
from orchestrator_graph import diagnostics, header, health, play, puzzle, started
from test_in_graph import PLUGINS

from sage_common.core.state import file as state_file
from sage_common.core.state.arrays import json_array, json_of
from sage_common.core.state.packing import VALUES
from sage_msgs.action import Refine
from sage_msgs.msg import Outcome
from sage_msgs.srv import ListPlugins, LoadPlugin, SetTrust
from sage_orchestrator.core.plugin.catalogue import find
from sage_plugins.look.plugin import LookPlugin
from sage_plugins.specs import LOOK


def test_a_configuration_may_use_the_former_name(tmp_path):
    assert find("focus") == find("look") == LOOK
    host = started(tmp_path, ["focus", "recall"])
    host.run_for(2.0)
    assert diagnostics(host)["plugins"] == "look, recall"
    host = started(tmp_path / "twice", ["focus", "look"])
    host.run_for(2.0)
    assert diagnostics(host)["plugins"] == "look"
    assert "plugins = 'look': expected each plugin once" in health(host)[1]


def test_what_was_left_out_under_its_former_name_can_be_loaded(tmp_path, monkeypatch):
    def construct(plugin, context, parameters):
        raise OSError("no model")

    monkeypatch.setattr(LookPlugin, "__init__", construct)
    host = started(tmp_path, ["focus", "recall"])
    play(host, seconds=1.0)
    assert diagnostics(host)["plugins_left_out"] == "look"
    listed = host.call("orchestrator/list_plugins", ListPlugins.Request()).plugins
    shown = {plugin.name: plugin for plugin in listed}
    assert "focus" not in shown and "no model" in shown["look"].problem
    monkeypatch.undo()
    assert host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="focus")).success
    play(host, seconds=1.0)
    assert diagnostics(host)["plugins"] == "look, recall"
    assert diagnostics(host)["plugins_left_out"] == "none" and "left out" not in health(host)[1]


def test_trust_that_was_saved_under_the_former_name_is_taken_over(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host, seconds=1.0)
    host.call("orchestrator/set_trust", SetTrust.Request(plugin="look", trust=0.77))
    host.close()
    path = tmp_path / "state" / "orchestrator.state"
    saved = state_file.load(path)
    values = json_of(saved.arrays[VALUES])
    records = values["orchestrator"]["records"]
    records["focus"] = records.pop("look")
    state_file.save(path, {VALUES: json_array(values)}, saved.identity)

    again = started(tmp_path, PLUGINS)
    again.run_for(0.3)
    trusts = {line.name: line.trust for line in again.messages("budget")[-1].plugins}
    assert trusts["look"] == pytest.approx(0.77)
    again.close()
    kept = json_of(state_file.load(path).arrays[VALUES])["orchestrator"]["records"]
    assert list(kept) == ["endless", "look", "recall"]


def test_a_state_file_of_the_time_of_the_former_name_opens(tmp_path):
    started(tmp_path, PLUGINS).close()
    path = tmp_path / "state" / "orchestrator.state"
    of_then = {
        "plugins": np.array(["focus", "recall"]),
        "trust": np.array([0.83, 0.21]),
        "belief": np.array([1.0, 0.5]),
        "deliveries": np.array([2, 0], np.int64),
        "delivered": np.array([11, 12], np.int64),
    }
    state_file.save(path, of_then, state_file.load(path).identity)
    host = started(tmp_path, PLUGINS)
    host.run_for(0.3)
    trusts = {line.name: line.trust for line in host.messages("budget")[-1].plugins}
    assert trusts == pytest.approx({"endless": 0.5, "look": 0.83, "recall": 0.21})


def test_messages_and_requests_may_use_the_former_name(tmp_path):
    host = started(tmp_path, PLUGINS)
    play(host, seconds=1.0)
    assert host.call("orchestrator/set_trust", SetTrust.Request(plugin="focus", trust=0.5)).success
    now = header(host.clock.now_ns())
    host.publish("outcome", Outcome(header=now, plugin="focus", reward=-1.0, source="test"))
    host.run_for(0.3)
    trusts = {line.name: line.trust for line in host.messages("budget")[-1].plugins}
    assert trusts["look"] < 0.5, "one more good run alone would have raised it"
    goal = Refine.Goal(plugin="focus", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = 200.0, 5.0
    result, _ = host.run_action("orchestrator/refine", goal)
    assert result.success and "tile of " in result.message
    assert host.messages("refinement")[-1].plugin == "look"
