"""Every node on the real ROS host: constructed, driven, deactivated, destroyed."""

import json
from pathlib import Path

import numpy as np
import pytest
import rclpy
from audio_common_msgs.msg import AudioDataStamped
from encoder_inputs import header, imu, scene, tone, utterance
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.task import Future
from sensor_msgs.msg import Image, Imu

from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.proprioception_encoder_node import ProprioceptionEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.msg import Puzzle, Utterance
from sage_msgs.srv import Embed

pytestmark = pytest.mark.distribution

SLICES = 600
"""Tenths of a second that a test waits for something to come about."""
MODALITIES = {
    "vision": VisionEncoderNode,
    "audio": AudioEncoderNode,
    "language": LanguageEncoderNode,
    "proprioception": ProprioceptionEncoderNode,
}


class Outside(Node):
    """Sends every kind of sensor message, and collects puzzles."""

    def __init__(self, executor: Executor) -> None:
        super().__init__("outside", namespace="/sage")
        self.puzzles: dict[str, list[Puzzle]] = {name: [] for name in MODALITIES}
        for name, kept in self.puzzles.items():
            self.create_subscription(Puzzle, f"{name}/puzzle", kept.append, 10)
        sensor = qos_profile_sensor_data
        self._image = self.create_publisher(Image, "camera/front/image_raw", sensor)
        self._audio = self.create_publisher(AudioDataStamped, "microphone/front/audio", sensor)
        self._imu = self.create_publisher(Imu, "imu/body/data", sensor)
        self._text = self.create_publisher(Utterance, "text", 10)
        self.embed = self.create_client(Embed, "language/embed")
        self._executor = executor
        self._sound = tone(440, 0.1, 0.3)
        self._ticks = 0
        self._started_ns = self.get_clock().now().nanoseconds
        self.create_timer(0.1, self._send)
        executor.add_node(self)

    def until(self, condition) -> None:
        for _ in range(SLICES):
            if condition():
                return
            self._executor.spin_until_future_complete(Future(), timeout_sec=0.1)
        raise AssertionError("it did not come about")

    def _send(self) -> None:
        now_ns = self.get_clock().now().nanoseconds
        self._ticks += 1
        picture = array_to_image(scene(self._ticks % 3), "rgb8", header(now_ns, "camera"))
        self._image.publish(picture)
        # Sound is continuous whenever it arrives, as from a microphone.
        heard_ns = self._started_ns + self._ticks * 100_000_000
        self._audio.publish(array_to_audio(self._sound, header(heard_ns, "microphone")))
        self._imu.publish(imu(now_ns))
        self._text.publish(utterance(now_ns, f"this is tick {self._ticks}"))


@pytest.fixture
def graph(tmp_path: Path):
    """Starts nodes in one executor, and a node outside."""
    rclpy.init()
    executor = EXECUTOR()
    hosts: list[RosHost] = []

    def add(node_type: type[SageNode], **parameters: object) -> RosHost:
        arguments = ["--ros-args", "-r", "__ns:=/sage", "-p", f"home:={json.dumps(str(tmp_path))}"]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        host = RosHost(node_type, cli_args=arguments)
        hosts.append(host)
        executor.add_node(host)
        return host

    yield add, executor
    for host in hosts:
        host.stop()
    executor.shutdown()
    rclpy.shutdown()


def test_all_encoders_in_one_executor(graph) -> None:
    add, executor = graph
    for node_type in MODALITIES.values():
        assert add(node_type).start()
    outside = Outside(executor)
    outside.until(lambda: all(len(kept) >= 2 for kept in outside.puzzles.values()))
    for name, kept in outside.puzzles.items():
        assert all(message.valid and message.modality == name for message in kept)
        assert all(np.linalg.norm(m.embedding) == pytest.approx(1.0, abs=1e-4) for m in kept)
    assert all(message.encode_ms > 0 for message in outside.puzzles["vision"])
    outside.until(outside.embed.service_is_ready)
    answer = outside.embed.call_async(Embed.Request(text="what is this"))
    outside.until(answer.done)
    assert answer.result().success and len(answer.result().embedding) == 384


@pytest.mark.parametrize("modality", ["vision", "audio", "language"])
def test_a_node_without_its_model_stays_inactive(graph, tmp_path: Path, modality: str) -> None:
    add, _ = graph
    host = add(MODALITIES[modality], models_dir=str(tmp_path))
    assert not host.start()
    assert not host.node.active
