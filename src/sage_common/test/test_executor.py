"""The executor of the graph, and that a node runs under what stands in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rclpy.executors import SingleThreadedExecutor
from rigs import RosRig
from toy_nodes import ToyNode

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.executor import EXECUTOR, executor_type
from sage_msgs.msg import Utterance

pytestmark = pytest.mark.distribution
WITHOUT = ("rclpy.nowhere", "rclpy.node")


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[RosRig]:
    rig = RosRig(tmp_path, executor_type(WITHOUT))
    yield rig
    rig.close()


def test_the_first_place_that_has_the_events_executor_gives_it() -> None:
    assert EXECUTOR.__name__ == "EventsExecutor"
    assert executor_type(("rclpy.nowhere", "rclpy.experimental")) is EXECUTOR


def test_without_it_one_thread_runs_the_callbacks() -> None:
    assert executor_type(WITHOUT) is SingleThreadedExecutor


def test_a_node_hears_and_answers_under_the_executor_in_its_place(plain: RosRig) -> None:
    node = plain.add(ToyNode)
    message = Utterance(text="hello", confidence=1.0)
    message.header.stamp = to_stamp(plain.now_ns())
    plain.publish("text", message)
    assert plain.until(lambda: node.health.received == 1), "heard"
    plain.deactivate(node)
    assert not node.active
    assert plain.failures == []
