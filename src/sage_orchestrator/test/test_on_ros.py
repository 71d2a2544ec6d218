"""The node on the real ROS host: measured costs, the action, and a plugin that hangs."""

from __future__ import annotations

import itertools
import json

import pytest
from misbehaving_plugins import GATE, HUNG
from orchestrator_graph import puzzle, salience
from rclpy.action import ActionClient
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_graph import RosGraph

from sage_common.ros.rclpy_host.host import RosHost
from sage_msgs.action import Refine
from sage_msgs.msg import BudgetState, FusedSalience, PluginBudget
from sage_msgs.srv import LoadPlugin, SetTrust
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode

pytestmark = pytest.mark.distribution


class Outside:
    """Publishes salience and watches the budget."""

    def __init__(self, graph: RosGraph) -> None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node, self.until, self.now_ns = graph.outside, graph.until, graph.now_ns
        self.budgets: list[BudgetState] = graph.hear(BudgetState, "budget", latched)
        self.salience = self.node.create_publisher(FusedSalience, "salience", 10)
        self.set_trust = self.node.create_client(SetTrust, "orchestrator/set_trust")
        self.refine = ActionClient(self.node, Refine, "orchestrator/refine")
        self.node.create_timer(0.05, self._publish)

    def lines(self, name: str) -> list[PluginBudget]:
        every = itertools.chain.from_iterable(state.plugins for state in self.budgets)
        return [line for line in every if line.name == name]

    def _publish(self) -> None:
        self.salience.publish(salience(self.now_ns(), 0.6))


@pytest.fixture
def graph(ros_graph: RosGraph):
    """Starts the orchestrator with plugins and parameters, and what watches it."""

    def start(*plugins: str, **parameters: object) -> tuple[Outside, RosHost]:
        host = ros_graph.start(OrchestratorNode, plugins=list(plugins), **parameters)
        return Outside(ros_graph), host

    yield start
    for host in tuple(ros_graph.hosts):
        ros_graph.stop(host)
    for plugin in HUNG:
        plugin.release.set()
    HUNG.clear()


def test_costs_are_measured_and_every_cycle_adds_up(graph):
    outside, _ = graph("misbehaving_plugins:HALVING")
    outside.until(lambda: len(outside.lines("halving")) >= 10)
    done = [line for line in outside.lines("halving") if line.state == PluginBudget.DONE]
    assert done
    assert all(0.0 < line.spent_atp < 1000.0 for line in done)
    assert len({line.spent_atp for line in done}) > 1
    for state in outside.budgets:
        if any(line.requested_atp for line in state.plugins):
            assert state.allocated_atp == pytest.approx(state.budget_atp)
            assert state.spent_atp + state.returned_atp == pytest.approx(state.budget_atp, abs=0.01)


def test_refine_and_set_trust_answer_over_ros(graph):
    outside, _ = graph("misbehaving_plugins:HALVING")
    outside.until(lambda: outside.refine.server_is_ready() and outside.set_trust.service_is_ready())
    answer = outside.set_trust.call_async(SetTrust.Request(plugin="halving", trust=0.25))
    outside.until(answer.done)
    assert answer.result().success

    goal = Refine.Goal(plugin="halving", input=puzzle(outside.now_ns()))
    goal.budget_atp, goal.timeout_s = 500.0, 30.0
    accepted = outside.refine.send_goal_async(goal)
    outside.until(accepted.done)
    finished = accepted.result().get_result_async()
    outside.until(finished.done)
    result = finished.result().result
    assert result.success
    assert result.message.startswith("converged: at ")
    assert 0.0 < result.spent_atp < 500.0
    assert json.loads(result.result_json)["left"] == result.energy


def test_a_job_that_goes_on_holds_up_no_other_and_the_next_of_its_plugin_waits(graph):
    outside, _ = graph("misbehaving_plugins:HALVING", "misbehaving_plugins:ENDLESS", timeout_s=60.0)
    outside.until(outside.refine.server_is_ready)

    def ask(plugin: str):
        goal = Refine.Goal(plugin=plugin, input=puzzle(outside.now_ns()))
        goal.budget_atp, goal.timeout_s = 100_000.0, 60.0
        accepted = outside.refine.send_goal_async(goal)
        outside.until(accepted.done)
        return accepted.result(), accepted.result().get_result_async()

    (long, long_ends), (behind, behind_ends) = ask("endless"), ask("endless")
    _, short_ends = ask("halving")
    outside.until(short_ends.done)
    assert short_ends.result().result.success
    assert not long_ends.done() and not behind_ends.done()
    for goal, ends in ((behind, behind_ends), (long, long_ends)):
        goal.cancel_goal_async()
        outside.until(ends.done)
    assert behind_ends.result().result.message == "cancelled on request"
    assert behind_ends.result().result.steps == 0 < long_ends.result().result.steps


def test_a_plugin_that_hangs_holds_up_nobody(graph, ros_graph: RosGraph):
    outside, host = graph(
        "misbehaving_plugins:HALVING",
        "misbehaving_plugins:HANGING",
        timeout_s=0.05,
        grace_s=0.05,
        isolate_after=1,
    )
    outside.until(lambda: HUNG and HUNG[0].hangs.is_set())
    outside.until(lambda: any(line.state == PluginBudget.ISOLATED
                              for line in outside.lines("hanging")))  # fmt: skip
    seen = len(outside.budgets)
    outside.until(lambda: len(outside.budgets) >= seen + 5)
    late = [line for state in outside.budgets[seen:] for line in state.plugins]
    assert any(line.name == "halving" and line.state == PluginBudget.DONE for line in late)
    timed_out = [line for line in outside.lines("hanging") if line.state == PluginBudget.TIMED_OUT]
    assert timed_out
    assert timed_out[0].spent_atp > 0.0
    assert "its thread is abandoned" in timed_out[0].reason
    ros_graph.stop(host)
    assert not HUNG[0].release.is_set()


SLOW_PLUGIN = """
from dataclasses import replace
import misbehaving_plugins as here
here.GATE.importing.set()
here.GATE.opened.wait(60.0)
SLOW = replace(here.HALVING, name="slow")
"""


def test_a_plugin_that_is_slow_to_import_holds_up_nobody(graph, tmp_path, monkeypatch):
    (tmp_path / "slow_plugin.py").write_text(SLOW_PLUGIN)
    record = tmp_path / "slow_plugin-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-plugin\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text("[sage.irp_plugins]\nslow = slow_plugin:SLOW\n")
    outside, _ = graph("misbehaving_plugins:HALVING")
    load = outside.node.create_client(LoadPlugin, "orchestrator/load_plugin")
    outside.until(load.service_is_ready)
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = load.call_async(LoadPlugin.Request(plugin="slow"))
    outside.until(GATE.importing.is_set)
    seen = len(outside.budgets)
    outside.until(lambda: len(outside.budgets) >= seen + 5)
    assert not answer.done()
    GATE.opened.set()
    outside.until(answer.done)
    assert answer.result().message == "slow is loaded"
    outside.until(lambda: any(line.spent_atp > 0.0 for line in outside.lines("slow")))
