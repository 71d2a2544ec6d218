"""A small bag of all that the sensors send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from audio_common_msgs.msg import AudioInfo
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Imu
from std_msgs.msg import Header

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Utterance

START_NS = 1_700_000_000 * NS_PER_S
SECONDS = 2
CAMERA = "/sage/camera/front/image_raw/compressed"
MICROPHONE = "/sage/microphone/front/audio"
MICROPHONE_INFO = "/sage/microphone/front/info"
IMU = "/sage/imu/body/data"
TEXT = "/sage/text"


def header(time_ns: int) -> Header:
    return Header(stamp=to_stamp(time_ns))


def frame(i: int) -> CompressedImage:
    """A bright square that walks over a gradient, as JPEG."""
    picture = np.tile(np.linspace(0, 120, 160, dtype=np.uint8), (120, 1))
    picture = np.dstack([picture] * 3)
    picture[20 + i : 50 + i, 2 * i : 2 * i + 30] = 240
    _, data = cv2.imencode(".jpg", picture)
    return CompressedImage(format="jpeg", data=data.tobytes())


def small_bag(folder: Path, seed: int = 1) -> Path:
    """Two seconds of camera, microphone, IMU and a word, as `sage record` writes them."""
    rng = np.random.default_rng(seed)
    with BagWriter(folder) as writer:
        writer.add_topic(CAMERA, "sensor_msgs/msg/CompressedImage", QOS_BY_PROFILE["sensor"])
        writer.add_topic(
            MICROPHONE, "audio_common_msgs/msg/AudioDataStamped", QOS_BY_PROFILE["sensor"]
        )
        writer.add_topic(
            MICROPHONE_INFO, "audio_common_msgs/msg/AudioInfo", QOS_BY_PROFILE["latched"]
        )
        writer.add_topic(IMU, "sensor_msgs/msg/Imu", QOS_BY_PROFILE["sensor"])
        writer.add_topic(TEXT, "sage_msgs/msg/Utterance", QOS_BY_PROFILE["standard"])

        def write(topic: str, time_ns: int, message: Any) -> None:
            if hasattr(message, "header"):
                message.header = header(time_ns)
            writer.write(topic, time_ns, serialize_message(message))

        info = AudioInfo(channels=1, sample_rate=16000, sample_format="F32LE", coding_format="wave")
        write(MICROPHONE_INFO, START_NS, info)
        for i in range(SECONDS * 30):
            write(CAMERA, START_NS + i * NS_PER_S // 30, frame(i))
        for i in range(1, SECONDS * 10):
            time_ns = START_NS + i * NS_PER_S // 10
            sound = (rng.standard_normal(1600) * 0.05).astype(np.float32)
            write(MICROPHONE, time_ns, array_to_audio(sound, header(time_ns)))
        for i in range(SECONDS * 100):
            message = Imu()
            message.linear_acceleration.z = 9.81 + float(rng.standard_normal()) * 0.1
            message.angular_velocity.x = float(rng.standard_normal()) * 0.05
            write(IMU, START_NS + i * NS_PER_S // 100, message)
        write(TEXT, START_NS + NS_PER_S, Utterance(text="a red car comes", confidence=1.0))
    return folder
