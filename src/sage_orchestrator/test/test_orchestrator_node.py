"""The node on the lock-step host (repeatable to the byte) and on the ROS host."""

from __future__ import annotations

import json

import numpy as np
import pytest
from std_msgs.msg import Header
from test_focus import fake_encode

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_common.ros.node import SageNode
from sage_msgs.action import Refine
from sage_msgs.msg import (
    Attention,
    Experience,
    FusedSalience,
    Outcome,
    PluginBudget,
    Puzzle,
    Salience,
)
from sage_msgs.srv import SetTrust
from sage_orchestrator.irp.focus import Focus
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode

MS = 1_000_000
PLUGINS = [
    "test_orchestrator_node:create_focus",
    "sage_orchestrator.irp.recall:create",
    "misbehaving_plugins:create_endless",
]


def create_focus(context):
    """The focus plugin with an encoder that needs no model."""
    return Focus(context, lambda: fake_encode)


class MemoryStub(SageNode):
    """Answers memory/recall with one experience."""

    default_name = "memory"

    def on_configure(self) -> None:
        self.requests = []
        self.service("memory/recall", self._recall)

    def _recall(self, request, response):
        self.requests.append(request)
        response.success = True
        kept = Experience(id="0190", text="a bench in the sun")
        kept.header.stamp = to_stamp(DEFAULT_START_NS - 60_000 * MS)
        response.experiences, response.scores = [kept], [0.97]
        return response


def header(at_ns: int) -> Header:
    return Header(stamp=to_stamp(at_ns), frame_id="front")


def puzzle(at_ns: int, source: str = "front") -> Puzzle:
    message = Puzzle(
        header=header(at_ns), modality="vision", source=source, encoder_id="means-1@000000000000",
        valid=True,
    )  # fmt: skip
    message.embedding = [0.6, 0.8]
    return message


def salience(at_ns: int, total: float) -> FusedSalience:
    own = Salience(header=header(at_ns), modality="vision", source="front", total=total, valid=True)
    return FusedSalience(
        header=header(at_ns), trigger_modality="vision", total=total, dominant_modality="vision",
        modalities=[own], weights=[1.0], valid=True,
    )  # fmt: skip


def attention(at_ns: int) -> Attention:
    message = Attention(
        header=header(at_ns), modality="vision", source="front", x_min=0.5, y_min=0.5, x_max=0.7,
        y_max=0.7, confidence=0.5, salience=0.8, valid=True,
    )  # fmt: skip
    message.roi.x_offset, message.roi.y_offset = 300, 200
    message.roi.width, message.roi.height = 80, 60
    return message


def image(at_ns: int, flicker: int = 0):
    """The same picture always, but for five squares of this brightness, one in a tile each."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    if flicker:
        for left, top in ((40, 40), (520, 40), (200, 360), (360, 360), (520, 360)):
            pixels[top : top + 80, left : left + 80] = flicker
    return array_to_image(pixels, "rgb8", header(at_ns))


def started(tmp_path, plugins=PLUGINS, memory=True, **parameters) -> LockstepHost:
    host = LockstepHost(home=tmp_path)
    if memory:
        host.add(MemoryStub)
    host.add(OrchestratorNode, parameters={"plugins": plugins, **parameters})
    return host


def diagnostics(host: LockstepHost) -> dict[str, str]:
    """What the node said last."""
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    shown = [s for array in arrays for s in array.status if s.name == "/sage/orchestrator"]
    return {item.key: item.value for item in shown[-1].values}


def play(host: LockstepHost, seconds: float = 3.0, flickers: bool = False) -> None:
    """Percepts, attention and images, ten a second."""
    begin_ns = host.clock.now_ns()
    for i in range(round(seconds * 10)):
        at_ns = begin_ns + i * 100 * MS + 5 * MS
        host.publish("puzzle", puzzle(at_ns), modality="vision")
        flicker = 1 + 254 * (i % 2) if flickers else 0
        host.publish("camera/image_raw", image(at_ns, flicker), name="front")
        host.publish("fused_salience", salience(at_ns, 0.3 + 0.5 * (i % 2)))
        host.publish("attention", attention(at_ns))
    host.run_for(seconds)


def test_every_cycle_is_published_and_adds_up(tmp_path):
    host = started(tmp_path)
    play(host)
    budgets = host.messages("budget")
    assert [state.cycle for state in budgets] == list(range(1, len(budgets) + 1))
    assert len(budgets) == 29
    done = {}
    for state in budgets:
        assert [line.name for line in state.plugins] == ["endless", "focus", "recall"]
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
    assert done["focus"].reason.startswith("reached its goal: tile of ")
    assert done["focus"].spent_atp == pytest.approx(30.0 * (done["focus"].steps + 1))
    assert "best 0.97 'a bench in the sun'" in done["recall"].reason
    assert budgets[-1].plugins[0].state == PluginBudget.SPENT


def test_what_a_plugin_found_is_published_with_its_cost_and_why_it_stopped(tmp_path):
    host = started(tmp_path)
    play(host)
    found = {message.plugin: message for message in host.messages("refinement")}
    assert set(found) == {"focus", "recall", "endless"}
    recall = found["recall"]
    assert recall.answer == "3 memories like it (vision), best 0.97 'a bench in the sun'" or (
        recall.answer == "1 memory like it (vision), best 0.97 'a bench in the sun'"
    )
    assert (recall.modality, recall.source, recall.ordered) == ("vision", "front", False)
    assert recall.state == PluginBudget.DONE and recall.reason.startswith("asked in every way")
    refined_ns = stamp_ns(recall.header.stamp) - DEFAULT_START_NS
    assert refined_ns % (100 * MS) == 5 * MS, "the stamp of a percept"
    focus = found["focus"]
    assert len(focus.energies) == focus.steps + 1 and list(focus.labels) == []
    assert focus.energies[-1] < focus.energies[0]
    assert focus.spent_atp == pytest.approx(30.0 * (focus.steps + 1))
    assert found["endless"].state == PluginBudget.SPENT

    goal = Refine.Goal(plugin="recall", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = 200.0, 5.0
    result, _ = host.run_action("orchestrator/refine", goal)
    by_hand = [message for message in host.messages("refinement") if message.ordered]
    assert [message.reason for message in by_hand] == [result.message]


def test_labels_are_published_and_checked(tmp_path):
    plugins = ["misbehaving_plugins:create_labelling", "misbehaving_plugins:create_mislabelling"]
    host = started(tmp_path, plugins=plugins)
    play(host, seconds=1.0)
    found = {message.plugin: message for message in host.messages("refinement")}
    assert list(found["labelling"].labels) == ["tree", "bench"]
    assert found["mislabelling"].state == PluginBudget.FAILED
    assert "labels = 'tree': expected a list of words" in found["mislabelling"].reason
    assert found["mislabelling"].answer == "" and len(found["mislabelling"].energies)


def test_a_run_with_nothing_to_work_on_is_not_published(tmp_path):
    host = started(tmp_path, plugins=["test_orchestrator_node:create_focus"])
    begin_ns = host.clock.now_ns()
    host.publish("fused_salience", salience(begin_ns, 0.8))
    host.publish("attention", attention(begin_ns))  # but no image of it
    host.run_for(1.0)
    assert "no image of front" in diagnostics(host)["focus last"]
    assert host.messages("refinement") == []


def test_tiles_that_stand_out_are_looked_at_within_what_focus_asked_for(tmp_path):
    host = started(tmp_path, plugins=["test_orchestrator_node:create_focus"])
    play(host, flickers=True)
    shown = diagnostics(host)
    telemetry = json.loads(shown["focus telemetry"])
    details = telemetry["details"]
    assert details["tiles_around"] == 5
    assert details["tiles_affordable"] == details["tiles_seen"] == 4
    assert details["look_atp"] == 30.0
    assert telemetry["spent_atp"] == 240.0, "of 250: four looks at the region, four around"
    assert "4 of 5 tiles around" in shown["focus last"]
    assert shown["periphery front"] == "looks itself (this host has no mailboxes)"


@pytest.mark.parametrize(
    ("budget_atp", "count"), [(120.0, 0), (150.0, 1), (209.0, 2), (270.0, 5), (5000.0, 5)]
)
def test_an_order_decides_how_many_tiles_are_looked_at(tmp_path, budget_atp, count):
    host = started(tmp_path, plugins=["test_orchestrator_node:create_focus"])
    play(host, seconds=1.0, flickers=True)
    goal = Refine.Goal(plugin="focus", input=puzzle(host.clock.now_ns()))
    goal.budget_atp, goal.timeout_s = budget_atp, 5.0
    result, _ = host.run_action("orchestrator/refine", goal)
    assert result.success
    assert len(json.loads(result.result_json)["around"]) == count
    assert result.spent_atp == 30.0 * (4 + count)


def test_two_runs_are_equal_to_the_byte(tmp_path):
    digests = []
    for folder in ("one", "two"):
        host = started(tmp_path / folder)
        play(host, flickers=True)
        host.close()
        assert len(host.messages("budget")) == 29
        digests.append(host.digest())
    assert digests[0] == digests[1]


def test_without_a_memory_recall_is_isolated_and_the_rest_goes_on(tmp_path):
    host = started(tmp_path, memory=False)
    play(host, seconds=6.0)
    last = {line.name: line for line in host.messages("budget")[-1].plugins}
    assert last["recall"].state == PluginBudget.ISOLATED
    assert last["recall"].failures == 3
    states = {line.state for m in host.messages("budget") for line in m.plugins
              if line.name == "focus"}  # fmt: skip
    assert PluginBudget.DONE in states
    assert PluginBudget.FAILED not in states
    assert any("memory/recall: no node serves it" in line.text for line in host.logs)


def test_trust_is_saved_resumed_and_set_by_hand(tmp_path):
    host = started(tmp_path)
    play(host)
    host.publish(
        "outcome",
        Outcome(header=header(host.clock.now_ns()), plugin="focus", reward=-1.0, source="test"),
    )
    host.run_for(0.3)
    trusts = {line.name: line.trust for line in host.messages("budget")[-1].plugins}
    before_outcome = {line.name: line.trust for line in host.messages("budget")[-4].plugins}
    assert trusts["focus"] < before_outcome["focus"]
    host.close()

    again = started(tmp_path)
    again.run_for(0.3)
    resumed = {line.name: line.trust for line in again.messages("budget")[-1].plugins}
    assert resumed == trusts

    answer = again.call("orchestrator/set_trust", SetTrust.Request(plugin="focus", trust=0.9))
    assert answer.success
    assert answer.previous == pytest.approx(trusts["focus"])
    for plugin, trust, field in (("focus", 1.5, "trust"), ("no_such", 0.5, "plugin")):
        answer = again.call("orchestrator/set_trust", SetTrust.Request(plugin=plugin, trust=trust))
        assert not answer.success
        assert answer.message.startswith(f"{field} = ")


def test_refine_runs_one_plugin_on_one_input(tmp_path):
    host = started(tmp_path)
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
    host = started(tmp_path)
    good = {"plugin": "recall", "input": puzzle(host.clock.now_ns())}
    goal = Refine.Goal(**{**good, "budget_atp": 10.0, "timeout_s": 1.0, **change})
    result, _ = host.run_action("orchestrator/refine", goal)
    assert not result.success
    assert result.message.startswith(f"{field} = ")


def test_malformed_input_is_dropped_and_the_rest_goes_on(tmp_path):
    host = started(tmp_path)
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
    told = " ".join(line.text for line in host.logs if line.level == "warning")
    assert "total" in told
    assert "x_max" in told
    assert "plugin = 'no_such'" in told


def test_unknown_plugins_leave_the_node_inactive_with_the_name(tmp_path):
    with pytest.raises(ValueError, match="no_such"):
        started(tmp_path, plugins=["no_such"])


def test_a_failing_plugin_shows_in_the_budget_and_the_log(tmp_path):
    host = started(tmp_path, plugins=["misbehaving_plugins:create_raising"])
    play(host)
    states = [message.plugins[0].state for message in host.messages("budget")]
    assert states.count(PluginBudget.FAILED) == 3
    assert states[-1] == PluginBudget.ISOLATED
    assert any("ZeroDivisionError: deliberately" in line.text for line in host.logs)
