"""The nodes on the real ROS host: constructed, driven over DDS, saved, destroyed."""

from __future__ import annotations

import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from std_msgs.msg import Float32MultiArray
from visualization_msgs.msg import MarkerArray

from sage_common.core.puzzle import Percept
from sage_common.ros.container import ros_arguments
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.rclpy_host.host import RosHost
from sage_msgs.msg import Attention, FusedSalience, Puzzle, Salience
from sage_snarc.nodes.attention_node import AttentionNode
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode
from sage_snarc.nodes.vector_scorer_node import VectorScorerNode

pytestmark = pytest.mark.distribution

SLICES = 300
NODES = {
    ScorerNode: {},
    VectorScorerNode: {"modality": "motor_current"},
    FusionNode: {"modalities": ["vision", "motor_current"]},
    AttentionNode: {},
}


class Graph:
    """Two scorers, fusion and attention under one executor, and a node outside."""

    def __init__(self, home: Path) -> None:
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self.executor = EXECUTOR()
        self.hosts: list[RosHost] = []
        for node_type, parameters in NODES.items():
            entry = {"namespace": "/sage", "parameters": {"home": str(home), **parameters}}
            host = RosHost(node_type, None, ros_arguments(entry))
            self.hosts.append(host)
            self.executor.add_node(host)
            assert host.start()
        self.outside = rclpy.create_node("outside", namespace="/sage")
        self.executor.add_node(self.outside)
        self.puzzles = self.outside.create_publisher(Puzzle, "vision/puzzle", 10)
        self.vectors = self.outside.create_publisher(Float32MultiArray, "vector/motor_current", 10)
        self.heard: dict[str, list[Any]] = {}
        for name, kind in (
            ("vision/salience", Salience),
            ("motor_current/salience", Salience),
            ("salience", FusedSalience),
            ("attention", Attention),
            ("markers", MarkerArray),
        ):
            kept = self.heard[name] = []
            self.outside.create_subscription(kind, name, kept.append, 10)

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(SLICES):
            if condition():
                return
            self.executor.spin_until_future_complete(Future(), timeout_sec=0.1)
        raise AssertionError("it did not come about")

    def now_ns(self) -> int:
        return int(self.outside.get_clock().now().nanoseconds)

    def close(self) -> None:
        for host in self.hosts:
            host.stop()
        self.executor.shutdown()
        self.outside.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    made = Graph(tmp_path)
    yield made
    made.close()


def test_puzzles_become_salience_attention_and_markers(
    graph: Graph, percept: Callable[..., Percept], tmp_path: Path
) -> None:
    outside = graph.outside
    graph.until(
        lambda: (
            graph.puzzles.get_subscription_count() >= 2
            and all(outside.count_publishers(f"/sage/{name}") for name in graph.heard)
        )
    )
    rows = np.random.default_rng(0).standard_normal((30, 16))
    for index, row in enumerate(rows):
        item = percept(row, graph.now_ns())
        message = Puzzle(modality="vision", source="front", encoder_id="test", valid=True)
        message.header.stamp = to_stamp(item.stamp_ns)
        message.codes = item.codes.ravel()
        message.embedding = array.array("f", item.embedding.tobytes())
        graph.puzzles.publish(message)
        graph.until(lambda count=index + 1: len(graph.heard["salience"]) >= count)
    fused = graph.heard["salience"]
    assert len(fused) == len(graph.heard["vision/salience"]) == 30
    assert all(item.valid and item.trigger_modality == "vision" for item in fused)
    assert all(item.latency_ms >= 0.0 for item in fused)
    assert fused[-1].novelty > 0.5
    graph.until(lambda: bool(graph.heard["attention"]) and bool(graph.heard["markers"]))
    for host in graph.hosts:
        host.trigger_deactivate()
    saved = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert saved == ["fusion.state", "scorer.state", "vector_scorer.state"]


def test_vectors_become_fused_salience_in_the_order_of_their_coming(
    graph: Graph, tmp_path: Path
) -> None:
    graph.until(
        lambda: (
            graph.vectors.get_subscription_count() >= 1
            and all(graph.outside.count_publishers(f"/sage/{name}") for name in graph.heard)
        )
    )
    scored, fused = graph.heard["motor_current/salience"], graph.heard["salience"]
    begin_ns = graph.now_ns()
    for count in range(1, 21):
        graph.vectors.publish(Float32MultiArray(data=[float(count % 3)]))
        graph.until(lambda count=count: len(scored) >= count and len(fused) >= count)
    stamps = [stamp_ns(item.header.stamp) for item in scored]
    assert begin_ns < stamps[0] and stamps == sorted(stamps) and stamps[-1] < graph.now_ns()
    assert all(item.valid for item in (*scored, *fused))
    assert {item.dominant_modality for item in fused} == {"motor_current"}
    for host in graph.hosts:
        host.trigger_deactivate()
    saved = {path.name for path in (tmp_path / "state").iterdir()}
    assert "vector_scorer.state" in saved
