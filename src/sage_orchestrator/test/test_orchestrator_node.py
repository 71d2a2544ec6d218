"""The node on the lock-step host: what it refuses, and what it reports."""

from __future__ import annotations

import pytest
from misbehaving_plugins import Labelling, Unmade
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

WRONG_ANSWERS = {
    "surrogates": ({"summary": "a\ud800", "labels": []}, "surrogates not allowed"),
    "label": ({"labels": ["\ud800"]}, "surrogates not allowed"),
    "null": ({"summary": "a\x00b"}, "summary = 'a"),
    "nested": ({"found": [{"text": "\ud800"}]}, "surrogates not allowed"),
    "infinite": ({"score": float("inf")}, "not JSON compliant"),
    "object": ({"who": object()}, "not JSON serializable"),
    "list": (["a tree"], "expected a mapping of names to values that JSON has"),
    "number": ({"summary": 5}, "summary = 5: expected text of at most 4096 characters"),
    "long": ({"summary": "x" * 4097}, "expected text of at most 4096 characters"),
    "huge": ({"summary": "x" * 3_000_000}, "expected at most 262144 bytes"),
    "many": ({"labels": ["y"] * 65}, "labels = '65 labels': expected at most 64"),
    "long label": ({"labels": ["y", "y" * 257]}, "labels[1] = "),
}
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


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_a_wrong_answer_is_a_failure_of_its_plugin_and_is_charged(tmp_path, monkeypatch, name):
    answer, problem = WRONG_ANSWERS[name]
    monkeypatch.setattr(Labelling, "result", lambda plugin, state: answer)
    host = started(tmp_path, ["misbehaving_plugins:HALVING", "misbehaving_plugins:LABELLING"])
    play(host, seconds=0.2)
    failed = [m for m in host.messages("refinement") if m.plugin == "labelling"]
    assert failed and all(m.state == PluginBudget.FAILED for m in failed)
    assert all(problem in m.reason and len(m.reason) < 1200 for m in failed)
    assert all(m.answer == "" and not m.labels for m in failed)
    trusts = []
    for state in host.messages("budget"):
        lines = {line.name: line for line in state.plugins}
        assert state.spent_atp == pytest.approx(sum(line.spent_atp for line in state.plugins))
        trusts.append(lines["labelling"].trust)
    assert max(line.spent_atp for m in host.messages("budget") for line in m.plugins[1:]) > 0.0
    assert trusts[-1] < 0.5
    assert any(line.text.startswith("labelling: ") for line in host.logs)


class Speechless(ValueError):
    """Its words cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


SAID = [ValueError("a\ud800"), ValueError("x" * 3_000_000), ValueError("a\x00b"), Speechless()]


@pytest.mark.parametrize("error", SAID, ids=["surrogate", "long", "null", "raising"])
def test_whatever_an_error_says_the_failure_is_reported(tmp_path, monkeypatch, error):
    def step(plugin, state):
        raise error

    monkeypatch.setattr(Labelling, "step", step)
    host = started(tmp_path, ["misbehaving_plugins:LABELLING"])
    play(host, seconds=0.3)
    (line,) = host.messages("budget")[-1].plugins
    assert line.state == PluginBudget.FAILED and line.reason.startswith(f"{type(error).__name__}: ")
    assert len(line.reason) < 1200 and host.messages("refinement")[-1].reason == line.reason


def test_why_a_plugin_halts_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(Labelling, "halt", lambda plugin, history: "done\ud800")
    host = started(tmp_path, ["misbehaving_plugins:LABELLING"])
    play(host, seconds=0.3)
    assert "halt = 'done" in host.messages("refinement")[-1].reason


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


@pytest.mark.parametrize("error", SAID, ids=["surrogate", "long", "null", "raising"])
def test_whatever_a_constructor_says_its_plugin_alone_is_left_out(tmp_path, monkeypatch, error):
    def construct(plugin, context, parameters):
        raise error

    monkeypatch.setattr(Unmade, "__init__", construct)
    host = started(tmp_path, ["misbehaving_plugins:UNMADE", *PLUGINS])
    play(host, seconds=1.0)
    assert {m.plugin for m in host.messages("refinement")} == {"halving", "endless"}
    listed = host.call("orchestrator/list_plugins", ListPlugins.Request()).plugins
    problem = next(plugin.problem for plugin in listed if plugin.name == "unmade")
    said = f"a class that can be made of a context and parameters ({type(error).__name__}: "
    for words in (problem, health(host)[1]):
        assert said in words and len(words) < 1400 and "\0" not in words and words.encode()


LEFT_OUT = {
    "no_such": "plugins = 'no_such': expected an installed plugin: ",
    "needy": "needs of plugin needy = 'telepathy': expected one of ",
    "unmade": "plugin unmade = 'misbehaving_plugins:Unmade': expected a class "
    "that can be made of a context and parameters (ValueError: ctor)",
    "no_plugin": "expected a subclass of Plugin",
    "unfinished": "expected a class that defines energy, result",
}


@pytest.mark.parametrize(("name", "problem"), LEFT_OUT.items())
def test_a_plugin_that_cannot_be_loaded_is_left_out_and_the_others_run(tmp_path, name, problem):
    of_none = {"no_such.period_s": 0.5} if name == "no_such" else {}
    configured = name if name == "no_such" else f"misbehaving_plugins:{name.upper()}"
    host = started(tmp_path, [configured, *PLUGINS], **of_none)
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
    host.run_for(10.0)
    level, words = health(host)
    assert level == b"\x01" and words.startswith("plugin raising: 4 failures in a row")
    noted = [line.text for line in host.logs if "isolated again and again" in line.text]
    assert len(noted) == 1 and noted[0].startswith("raising: 3 failures in a row"), "once"
