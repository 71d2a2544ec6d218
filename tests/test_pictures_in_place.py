"""Pictures from a camera to an encoder: through a mailbox, or as images, and through kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.qos import PROFILES
from sage_common.ros.rclpy_host.host import RosHost
from sage_common.ros.tensors.handles import mailbox_name
from sage_common.ros.tensors.output import SLOTS
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.msg import Puzzle, TensorHandle
from sage_sensors.nodes.camera_node import CameraNode

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

pytestmark = pytest.mark.alone

PATIENCE_S = 60.0
TENSOR, IMAGE = "/sage/camera/front/tensor", "/sage/camera/front/image_raw"
PUZZLES, OTHER_PUZZLES = "/sage/vision/puzzle", "/sage/vision/puzzle_of_images"
CAMERA = {"backend": "synthetic", "width_px": 320, "height_px": 240}
CAMERA_MAIN = "from sage_sensors.nodes.camera_node import CameraNode as node; node.main()"
ENCODER_MAIN = (
    "from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode as node; node.main()"
)
SOON_MISSED = """\
<dds xmlns="http://www.eprosima.com"><profiles>
  <participant profile_name="soon_missed" is_default_profile="true"><rtps><builtin>
    <discovery_config>
      <leaseDuration><sec>4</sec></leaseDuration>
      <leaseAnnouncement><sec>1</sec></leaseAnnouncement>
    </discovery_config>
  </builtin></rtps></participant>
</profiles></dds>
"""
"""Whoever is killed is taken for a subscriber for 4 s more, not for 20 s."""


class Graph:
    """Nodes in this process and in others, and an onlooker."""

    def __init__(self, home: Path) -> None:
        self.puzzles: dict[str, list[Puzzle]] = {PUZZLES: [], OTHER_PUZZLES: []}
        self.frames: list[CameraInfo] = []
        self._shown: dict[str, dict[str, str]] = defaultdict(dict)
        self._home = home
        self._hosts: list[RosHost] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self._executor = EXECUTOR()
        self.onlooker = Node("onlooker", namespace="/sage")
        subscribe, standard = self.onlooker.create_subscription, PROFILES["standard"]
        for topic, kept in self.puzzles.items():
            subscribe(Puzzle, topic, kept.append, standard)
        subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics, standard)
        subscribe(CameraInfo, "camera/front/camera_info", self.frames.append, PROFILES["sensor"])
        self._executor.add_node(self.onlooker)

    def start(
        self, node_type: type[SageNode], name: str, *remappings: str, **parameters: object
    ) -> RosHost:
        """A node in this process."""
        words = [f"__node:={name}", *remappings]
        host = RosHost(node_type, name, cli_args=self._arguments(words, parameters))
        self._hosts.append(host)
        self._executor.add_node(host)
        assert host.start()
        return host

    def start_child(self, main: str, **parameters: object) -> subprocess.Popen[bytes]:
        """A node in a process of its own."""
        words = [sys.executable, "-c", main, *self._arguments([], parameters)]
        child = subprocess.Popen(words)
        self._children.append(child)
        return child

    def until(self, condition: Callable[[], bool], what: str = "it") -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"{what} did not come about: {dict(self._shown)}"
            self._executor.spin_until_future_complete(Future(), timeout_sec=0.1)

    def more_puzzles(self, count: int = 15, topic: str = PUZZLES) -> None:
        """Wait for so many that are not here yet."""
        wanted = len(self.puzzles[topic]) + count
        self.until(lambda: len(self.puzzles[topic]) >= wanted, f"puzzles on {topic}")

    def shown(self, node: str, key: str) -> str:
        """What a node shows in /diagnostics; empty: nothing yet."""
        return self._shown[f"/sage/{node}"].get(key, "")

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()
        for host in self._hosts:
            host.stop()
        self._executor.remove_node(self.onlooker)
        self.onlooker.destroy_node()
        self._executor.shutdown()
        mailbox.sweep_stale()

    def _arguments(self, words: list[str], parameters: dict[str, object]) -> list[str]:
        arguments = ["--ros-args", "-r", "__ns:=/sage", "-p", f"home:={self._home}"]
        for word in words:
            arguments += ["-r", word]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        return arguments

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            self._shown[status.name] = {item.key: item.value for item in status.values}


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    rclpy.init()
    made = Graph(tmp_path)
    yield made
    made.close()
    rclpy.shutdown()


def own_mailboxes() -> list[str]:
    """Mailboxes of cameras in the ROS domain of this test run."""
    name = mailbox_name(TENSOR, int(os.environ["ROS_DOMAIN_ID"]))
    return [found for found in mailbox.list_mailboxes() if found == name]


def all_slots_are_free(graph: Graph) -> bool:
    return graph.shown("camera", f"{TENSOR} free slots") == f"{SLOTS} of {SLOTS}"


def test_frames_stay_where_they_were_drawn_and_nobody_asks_for_images(graph: Graph) -> None:
    graph.start(CameraNode, "camera", **CAMERA)
    host = graph.start(VisionEncoderNode, "vision_encoder")
    graph.more_puzzles(60)
    graph.until(lambda: int(graph.shown("camera", f"{TENSOR} in place") or 0) > 60)
    assert graph.shown("vision_encoder", "transport") == "mailbox shm"
    assert int(graph.shown("camera", f"{TENSOR} by copy")) < 30, "only frames drawn before"
    graph.until(lambda: graph.onlooker.count_subscribers(IMAGE) == 0, "the end of images")
    host.trigger_deactivate()
    graph.until(lambda: graph.shown("camera", f"{TENSOR} readers") == "0")
    host.trigger_activate()
    graph.more_puzzles()


def test_both_ways_give_the_same_puzzles(graph: Graph) -> None:
    graph.start(VisionEncoderNode, "vision_encoder")
    remapping = f"{PUZZLES}:={OTHER_PUZZLES}"
    graph.start(VisionEncoderNode, "encoder_of_images", remapping, transport="image")
    graph.start(CameraNode, "camera", **CAMERA)
    graph.more_puzzles(60)
    graph.more_puzzles(10, OTHER_PUZZLES)
    graph.until(lambda: graph.shown("vision_encoder", "transport") == "mailbox shm")
    assert graph.shown("encoder_of_images", "transport") == "image (asked for)"
    lent, sent = (
        {stamp_ns(puzzle.header.stamp): puzzle for puzzle in graph.puzzles[topic]}
        for topic in (PUZZLES, OTHER_PUZZLES)
    )
    common = sorted(lent.keys() & sent.keys())
    assert len(common) >= 10
    assert len({bytes(lent[stamp].codes) for stamp in common}) > 5, "the scene moves"
    for stamp in common:
        one, other = lent[stamp], sent[stamp]
        assert one.header == other.header and one.encoder_id == other.encoder_id
        np.testing.assert_array_equal(one.codes, other.codes)
        np.testing.assert_array_equal(one.embedding, other.embedding)
    assert len(graph.puzzles[PUZZLES]) == len(lent), "each frame once"


def test_a_killed_camera_comes_back_to_the_same_encoder(graph: Graph) -> None:
    graph.start(VisionEncoderNode, "vision_encoder")
    for _ in range(2):
        camera = graph.start_child(CAMERA_MAIN, **CAMERA)
        graph.more_puzzles()
        graph.until(lambda: graph.shown("vision_encoder", "transport") == "mailbox shm")
        camera.kill()
        camera.wait()
    camera = graph.start_child(CAMERA_MAIN, **CAMERA)
    graph.more_puzzles()
    graph.until(lambda: graph.shown("camera", f"{TENSOR} readers") == "1")
    assert len(own_mailboxes()) == 1
    camera.send_signal(signal.SIGINT)
    assert camera.wait(PATIENCE_S) == 0
    assert own_mailboxes() == []


def test_a_killed_encoder_costs_the_camera_nothing(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.start(CameraNode, "camera", **CAMERA)
    profile = tmp_path / "soon_missed.xml"
    profile.write_text(SOON_MISSED)
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(profile))  # of the encoders only
    for _ in range(2):
        encoder = graph.start_child(ENCODER_MAIN)
        graph.more_puzzles()
        encoder.kill()
        encoder.wait()
        frames = len(graph.frames)
        graph.until(lambda frames=frames: len(graph.frames) > frames + 30, "frames")
        graph.until(lambda: all_slots_are_free(graph), "all slots")
    assert graph.shown("camera", f"{TENSOR} refused") == "0"


class ForeignCamera:
    """Another node, whose handles name a mailbox that is not on this machine."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._images = node.create_publisher(Image, IMAGE, PROFILES["sensor"])
        self._handles = node.create_publisher(TensorHandle, TENSOR, PROFILES["bulk"])
        self._pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
        node.create_timer(0.05, self._show)

    def _show(self) -> None:
        header = Header(stamp=to_stamp(self._node.get_clock().now().nanoseconds), frame_id="eye")
        name = mailbox_name(TENSOR, int(os.environ["ROS_DOMAIN_ID"]))
        handle = TensorHandle(header=header, mailbox=name, backend="shm", dtype="uint8", device=-1)
        handle.shape, handle.strides_bytes = [240, 320, 3], [960, 3, 1]
        self._handles.publish(handle)
        self._images.publish(array_to_image(self._pixels, "rgb8", header))


def test_a_mailbox_elsewhere_is_done_without(graph: Graph) -> None:
    graph.start(VisionEncoderNode, "vision_encoder")
    ForeignCamera(graph.onlooker)
    graph.more_puzzles()
    graph.until(lambda: "there is no mailbox" in graph.shown("vision_encoder", "transport"))
    assert graph.shown("vision_encoder", "transport").startswith("image (")
    stamps = [stamp_ns(puzzle.header.stamp) for puzzle in graph.puzzles[PUZZLES]]
    assert len(set(stamps)) == len(stamps)
