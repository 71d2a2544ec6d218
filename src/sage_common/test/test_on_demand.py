"""Inputs that are subscribed only while somebody wants them, and actions that a node runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from ros_graph import RosGraph

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host import host as rclpy_host
from sage_msgs.action import Sleep
from sage_msgs.msg import Attention

pytestmark = pytest.mark.distribution


class Wanting(SageNode):
    """Wants a topic and a camera at times, and runs an action."""

    default_name = "wanting"

    def on_configure(self) -> None:
        self.attention = self.newest_on_demand("attention")
        self.picture = self.picture_on_demand("camera/tensor", "camera/image_raw", name="front")
        self.sleeping = self.action_client("memory/sleep")


class Sleeping(SageNode):
    """Sleeps until it is asked to stop, if the goal says so."""

    default_name = "sleeping"

    def on_configure(self) -> None:
        self.action("memory/sleep", self._sleep)

    def _sleep(self, goal: Any, publish_feedback: Any, cancel_requested: Any) -> Any:
        publish_feedback(Sleep.Feedback(progress=0.5, stage="merging"))
        while goal.max_duration_s and not cancel_requested():
            pass
        return Sleep.Result(success=True, message="slept")


def attention(stamp_ns: int) -> Attention:
    message = Attention(modality="vision", source="front", x_max=1.0, y_max=1.0, valid=True)
    message.header.stamp, message.alarms_per_hour = to_stamp(stamp_ns), 1.0
    return message


def test_what_nobody_wants_is_not_subscribed(ros_graph: RosGraph) -> None:
    node = ros_graph.start(Wanting).node
    assert isinstance(node, Wanting)
    output = ros_graph.outside.create_publisher(Attention, "attention", 10)
    assert output.get_subscription_count() == 0 and node.attention.newest() is None

    def came() -> bool:
        output.publish(attention(ros_graph.now_ns()))
        return node.attention.newest() is not None

    for _ in range(2):
        node.attention.open()
        node.attention.open()  # twice is once
        ros_graph.until(came)
        node.attention.close()
        ros_graph.until(lambda: output.get_subscription_count() == 0)
        assert node.attention.newest() is None and not node.attention.is_open


def test_a_closed_input_is_not_missed(tmp_path: Path) -> None:
    graph = LockstepHost(home=tmp_path)
    node = graph.add(Wanting)
    assert isinstance(node, Wanting)
    graph.run_for(5.0)
    assert "attention" not in str(graph.messages("attention"))
    health = next(h for h in node._diagnostics.inputs if h.topic == "/sage/attention")
    assert health.alive(graph.clock.now_ns()) and health.rate_ok
    node.attention.open()
    graph.publish("attention", attention(graph.clock.now_ns()))
    graph.run_for(0.1)
    assert node.attention.newest() is not None
    node.attention.close()
    graph.publish("attention", attention(graph.clock.now_ns()))
    graph.run_for(5.0)
    assert node.attention.newest() is None and health.alive(graph.clock.now_ns())
    graph.close()


@pytest.mark.parametrize("has_bus", [False, True])
def test_an_action_is_run_by_a_node(
    ros_graph: RosGraph, monkeypatch: pytest.MonkeyPatch, has_bus: bool
) -> None:
    monkeypatch.setattr(rclpy_host, "local_bus_enabled", lambda: has_bus)
    node = ros_graph.start(Wanting).node
    assert isinstance(node, Wanting)
    ros_graph.start(Sleeping)
    for goal in (Sleep.Goal(), Sleep.Goal(max_duration_s=60.0)):
        heard: list[float] = []
        results: list[Any] = []

        def run(goal: Any = goal, heard: Any = heard, results: Any = results) -> None:
            results.append(
                node.sleeping.run(
                    goal, lambda f: heard.append(f.progress), lambda: bool(heard), 60.0
                )
            )

        thread = threading.Thread(target=run)
        thread.start()
        ros_graph.until(lambda results=results: bool(results))
        thread.join()
        assert results[0].message == "slept"
        assert heard == [0.5]


def test_in_lock_step_an_action_runs_at_once(tmp_path: Path) -> None:
    graph = LockstepHost(home=tmp_path)
    node = graph.add(Wanting)
    assert isinstance(node, Wanting)
    heard: list[float] = []

    def run() -> Any:
        return node.sleeping.run(
            Sleep.Goal(), lambda f: heard.append(f.progress), lambda: False, 1.0
        )

    with pytest.raises(ServiceUnavailable, match="memory/sleep"):
        run()
    graph.add(Sleeping)
    assert run().success and heard == [0.5]
    graph.close()
