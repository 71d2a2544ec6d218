"""The node behind Foxglove's viewers, on the real ROS host."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_graph import RosGraph
from sensor_msgs.msg import Image
from std_msgs.msg import String
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sage_common.ros.conversions.definitions import canonical, typestore
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_gateway.core.token import FOXGLOVE_FILE, token_of
from sage_gateway.nodes.foxglove_node import FoxgloveNode
from sage_msgs.msg import FusedSalience, MetabolicState, TensorHandle

PATIENCE_S = 60.0
HEAD_BYTES = 13


class Talker(SageNode):
    """Publishes in the same process, as nodes of a container do."""

    default_name = "talker"

    def on_configure(self) -> None:
        self.salience = self.publisher("fused_salience")
        self.state = self.publisher("state")


def while_it_runs(graph: RosGraph, work: Callable[[], Any]) -> Any:
    """What a blocking call gives, beside the executor."""
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(work()))
    thread.start()
    graph.until(lambda: not thread.is_alive())
    return got[0]


def open_viewer(graph: RosGraph, node: SageNode, home: Path) -> ClientConnection:
    url = f"{node._diagnostics.values['serves']}/?token={token_of(home, FOXGLOVE_FILE)}"
    names = [Subprotocol("foxglove.sdk.v1")]
    return while_it_runs(graph, lambda: connect(url, subprotocols=names, max_size=None).__enter__())


def received(graph: RosGraph, viewer: ClientConnection) -> Any:
    return while_it_runs(graph, lambda: viewer.recv(PATIENCE_S))


def subscribe(viewer: ClientConnection, *channels: int) -> None:
    """Subscribe channels, each with its own number as that of the subscription."""
    pairs = [{"id": number, "channelId": number} for number in channels]
    viewer.send(json.dumps({"op": "subscribe", "subscriptions": pairs}))


def test_a_viewer_reads_what_the_graph_publishes_and_nobody_costs_nothing(
    ros_graph: RosGraph, tmp_path: Path
) -> None:
    outside = ros_graph.outside
    kept = QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE
    )
    words = outside.create_publisher(String, "/robot/words", kept)
    pictures = outside.create_publisher(Image, "camera/front/image_raw", 5)
    handles = outside.create_publisher(TensorHandle, "camera/front/tensor", 5)
    words.publish(String(data="before"))
    talker = ros_graph.start(Talker).node
    assert isinstance(talker, Talker)
    talker.state.publish(MetabolicState(state=MetabolicState.REST, reason="quiet"))
    node = ros_graph.start(FoxgloveNode, port=0).node
    viewer = open_viewer(ros_graph, node, tmp_path)
    info, offer = (json.loads(received(ros_graph, viewer)) for _ in range(2))
    assert info["name"] == "SAGE /sage"
    channels = {channel["topic"]: channel for channel in offer["channels"]}
    named = [name for name, _types in outside.get_topic_names_and_types()]
    published = {name for name in named if outside.count_publishers(name)}
    # A handle shows nothing. What else is on this domain may be discovered after the offer.
    assert set(channels) <= published - {handles.topic_name}
    assert {"/sage/state", "/sage/salience", "/diagnostics", "/robot/words"} <= set(channels)
    # A definition holds those of all that it is made of.
    assert "MSG: sage_msgs/Salience" in channels["/sage/salience"]["schema"]

    ros_graph.until(lambda: outside.count_publishers("/sage/state") == 1)
    assert pictures.get_subscription_count() == talker.salience.subscriber_count == 0
    ids = {name: channels[topic]["id"] for name, topic in (
        ("salience", "/sage/salience"), ("state", "/sage/state"), ("words", "/robot/words"),
        ("pictures", "/sage/camera/front/image_raw"),
    )}  # fmt: skip
    subscribe(viewer, *ids.values())
    ros_graph.until(lambda: talker.salience.subscriber_count == 1)
    ros_graph.until(lambda: pictures.get_subscription_count() == 1)
    ros_graph.until(lambda: len(node._topics.kept(ids["words"])) == 1)  # type: ignore[attr-defined]
    talker.salience.publish(FusedSalience(total=0.75, reason="a bang"))
    pictures.publish(Image(height=1, width=2, encoding="rgb8", step=6, data=bytes(range(6))))
    got: dict[str, Any] = {}
    while len(got) < len(ids):
        frame = received(ros_graph, viewer)
        number = int.from_bytes(frame[1:5], "little")
        name = next(name for name, channel in ids.items() if channel == number)
        type_name = next(c["schemaName"] for c in channels.values() if c["id"] == number)
        data = canonical(frame[HEAD_BYTES:], type_name)
        got[name] = typestore().deserialize_cdr(data, type_name)
    assert got["salience"].total == 0.75 and got["salience"].reason == "a bang"
    assert got["words"].data == "before"
    assert (got["state"].state, got["state"].reason) == (MetabolicState.REST, "quiet")
    assert bytes(got["pictures"].data) == bytes(range(6))

    later = open_viewer(ros_graph, node, tmp_path)  # gets what is kept, though nothing is sent anew
    for _ in range(2):
        received(ros_graph, later)
    subscribe(later, ids["words"])
    assert b"before" in received(ros_graph, later)
    while_it_runs(ros_graph, later.close)
    while_it_runs(ros_graph, viewer.close)
    ros_graph.until(lambda: talker.salience.subscriber_count == 0)
    ros_graph.until(lambda: pictures.get_subscription_count() == 0)
    assert node._topics.open_channels == set()  # type: ignore[attr-defined]


def test_in_lock_step_nothing_is_served(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    node = host.add(FoxgloveNode)
    host.run_for(1.0)
    assert node.active and not (tmp_path / FOXGLOVE_FILE).exists()
    host.close()
