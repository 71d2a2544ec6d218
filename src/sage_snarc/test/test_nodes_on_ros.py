"""The nodes on the real ROS host: constructed, driven over DDS, saved, destroyed."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_graph import RosGraph
from std_msgs.msg import Float32MultiArray
from visualization_msgs.msg import MarkerArray

from sage_common.core.puzzle import Percept
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.msg import Attention, FusedSalience, Puzzle, Salience
from sage_snarc.nodes.attention_node import AttentionNode
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode
from sage_snarc.nodes.vector_scorer_node import VectorScorerNode

pytestmark = pytest.mark.distribution

NODES = {
    ScorerNode: {},
    VectorScorerNode: {"modality": "motor_current"},
    FusionNode: {"modalities": ["vision", "motor_current"]},
    AttentionNode: {},
}


class Graph:
    """Two scorers, fusion and attention, what they hear and what is heard of them."""

    def __init__(self, graph: RosGraph) -> None:
        for node_type, parameters in NODES.items():
            graph.start(node_type, **parameters)
        self.hosts, self.outside = graph.hosts, graph.outside
        self.until, self.now_ns = graph.until, graph.now_ns
        self.puzzles = self.outside.create_publisher(Puzzle, "vision/puzzle", 10)
        self.vectors = self.outside.create_publisher(Float32MultiArray, "vector/motor_current", 10)
        self.heard: dict[str, list[Any]] = {
            name: graph.hear(kind, name)
            for name, kind in (
                ("vision/salience", Salience),
                ("motor_current/salience", Salience),
                ("salience", FusedSalience),
                ("attention", Attention),
                ("markers", MarkerArray),
            )
        }


@pytest.fixture
def graph(ros_graph: RosGraph) -> Graph:
    return Graph(ros_graph)


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
