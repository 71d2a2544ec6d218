"""Every node on the real ROS host: constructed, driven, deactivated, destroyed."""

from pathlib import Path

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped
from encoder_inputs import header, imu, scene, tone, utterance
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from ros_graph import RosGraph
from sensor_msgs.msg import Image, Imu

from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.images import array_to_image
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.proprioception_encoder_node import ProprioceptionEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.msg import Puzzle, Utterance
from sage_msgs.srv import Embed

pytestmark = pytest.mark.distribution

MODALITIES = {
    "vision": VisionEncoderNode,
    "audio": AudioEncoderNode,
    "language": LanguageEncoderNode,
    "proprioception": ProprioceptionEncoderNode,
}


class Senses:
    """Sends every kind of sensor message from a node."""

    def __init__(self, node: Node) -> None:
        sensor = qos_profile_sensor_data
        self._image = node.create_publisher(Image, "camera/front/image_raw", sensor)
        self._audio = node.create_publisher(AudioDataStamped, "microphone/front/audio", sensor)
        self._imu = node.create_publisher(Imu, "imu/body/data", sensor)
        self._text = node.create_publisher(Utterance, "text", 10)
        self._clock = node.get_clock()
        self._sound = tone(440, 0.1, 0.3)
        self._ticks = 0
        self._started_ns = self._clock.now().nanoseconds
        node.create_timer(0.1, self._send)

    def _send(self) -> None:
        now_ns = self._clock.now().nanoseconds
        self._ticks += 1
        picture = array_to_image(scene(self._ticks % 3), "rgb8", header(now_ns, "camera"))
        self._image.publish(picture)
        # Sound is continuous whenever it arrives, as from a microphone.
        heard_ns = self._started_ns + self._ticks * 100_000_000
        self._audio.publish(array_to_audio(self._sound, header(heard_ns, "microphone")))
        self._imu.publish(imu(now_ns))
        self._text.publish(utterance(now_ns, f"this is tick {self._ticks}"))


def test_all_encoders_in_one_executor(ros_graph: RosGraph) -> None:
    for node_type in MODALITIES.values():
        ros_graph.start(node_type)
    puzzles = {name: ros_graph.hear(Puzzle, f"{name}/puzzle") for name in MODALITIES}
    Senses(ros_graph.outside)
    ros_graph.until(lambda: all(len(kept) >= 2 for kept in puzzles.values()))
    for name, kept in puzzles.items():
        assert all(message.valid and message.modality == name for message in kept)
        assert all(np.linalg.norm(m.embedding) == pytest.approx(1.0, abs=1e-4) for m in kept)
    assert all(message.encode_ms > 0 for message in puzzles["vision"])
    embed = ros_graph.outside.create_client(Embed, "language/embed")
    ros_graph.until(embed.service_is_ready)
    answer = embed.call_async(Embed.Request(text="what is this"))
    ros_graph.until(answer.done)
    assert answer.result().success and len(answer.result().embedding) == 384


@pytest.mark.parametrize("modality", ["vision", "audio", "language"])
def test_a_node_without_its_model_stays_inactive(
    ros_graph: RosGraph, tmp_path: Path, modality: str
) -> None:
    host = ros_graph.add(MODALITIES[modality], models_dir=str(tmp_path))
    assert not host.start()
    assert not host.node.active
