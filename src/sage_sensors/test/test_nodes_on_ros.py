"""Each node on the real ROS host: constructed, heard from outside, paused, destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from diagnostic_msgs.msg import DiagnosticArray
from ros_graph import RosGraph
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_common.ros.qos import PROFILES
from sage_common.ros.rclpy_host.host import RosHost
from sage_msgs.msg import Utterance
from sage_sensors.nodes.camera_node import CameraNode
from sage_sensors.nodes.imu_node import ImuNode
from sage_sensors.nodes.microphone_node import MicrophoneNode
from sage_sensors.nodes.recording_node import RecordingNode
from sage_sensors.nodes.text_node import TextNode

pytestmark = pytest.mark.distribution

TOPICS: dict[str, tuple[Any, str]] = {
    "camera/front/image_raw": (Image, "sensor"),
    "camera/front/image_raw/compressed": (CompressedImage, "sensor"),
    "camera/front/camera_info": (CameraInfo, "sensor"),
    "microphone/front/audio": (AudioDataStamped, "sensor"),
    "microphone/front/info": (AudioInfo, "latched"),
    "imu/body/data": (Imu, "sensor"),
    "text": (Utterance, "standard"),
    "/diagnostics": (DiagnosticArray, "standard"),
}


class Graph:
    """Nodes, and all that is heard of them."""

    def __init__(self, graph: RosGraph) -> None:
        self.hosts, self.start, self.until = graph.hosts, graph.start, graph.until
        self.heard = {
            topic: graph.hear(message_type, topic, PROFILES[qos])
            for topic, (message_type, qos) in TOPICS.items()
        }


@pytest.fixture
def graph(ros_graph: RosGraph) -> Graph:
    return Graph(ros_graph)


def test_a_recording_is_heard_on_every_topic_with_the_same_stamps(
    graph: Graph, media: Path, imu_csv: Path, text_track: Path
) -> None:
    graph.start(RecordingNode, media=media, imu_csv=imu_csv, text_track=text_track)
    graph.until(lambda: all(graph.heard[topic] for topic in TOPICS))
    graph.until(lambda: len(graph.heard["camera/front/image_raw"]) > 60)
    times = {
        topic: [stamp_ns(message.header.stamp) for message in graph.heard[topic]]
        for topic in TOPICS
        if not topic.endswith("front/info")
    }
    # Best effort: a busy machine may lose some, but what arrives is in step to the nanosecond.
    start_ns = times["camera/front/camera_info"][0] % 40_000_000
    assert {t % 40_000_000 for t in times["camera/front/image_raw"]} == {start_ns}
    assert {(t - start_ns) % 20_000_000 for t in times["imu/body/data"]} == {0}
    assert {(t - start_ns + 62_500) % 20_000_000 for t in times["microphone/front/audio"]} == {0}
    assert {(t - start_ns) % 20_000_000 for t in times["text"]} == {0}
    assert times["camera/front/image_raw"] == sorted(set(times["camera/front/image_raw"]))


@pytest.mark.parametrize(
    ("node_type", "topic", "parameters"),
    [
        (CameraNode, "camera/front/image_raw", {"width_px": 64, "height_px": 48}),
        (MicrophoneNode, "microphone/front/audio", {}),
        (ImuNode, "imu/body/data", {}),
    ],
)
def test_a_sensor_plays_pauses_and_plays_again(
    graph: Graph, node_type: type[SageNode], topic: str, parameters: dict[str, object]
) -> None:
    host = graph.start(node_type, backend="synthetic", **parameters)
    graph.until(lambda: len(graph.heard[topic]) > 10)
    host.trigger_deactivate()
    graph.until(lambda: True)
    host.trigger_activate()
    count = len(graph.heard[topic])
    graph.until(lambda: len(graph.heard[topic]) > count + 10)


def test_a_sensor_without_its_hardware_is_absent_and_says_so(graph: Graph, tmp_path: Path) -> None:
    graph.start(ImuNode, backend="auto", iio_root=tmp_path)
    said = "absent: iio:auto: no device under " + str(tmp_path)
    graph.until(lambda: any(m.status[0].message == said for m in graph.heard["/diagnostics"]))
    assert not graph.heard["imu/body/data"]


def test_a_text_track_is_heard(graph: Graph, text_track: Path) -> None:
    graph.start(TextNode, backend="file", path=text_track, loop=True)
    graph.until(lambda: len(graph.heard["text"]) >= 2)
    assert graph.heard["text"][0].text in ("first words", "second words")


def test_a_node_that_cannot_start_stays_inactive_and_says_why(graph: Graph) -> None:
    host = RosHost(
        CameraNode, cli_args=["--ros-args", "-p", "backend:=file", "-p", "path:=/none.mp4"]
    )
    graph.hosts.append(host)
    assert not host.start()
    assert not host.node.active
