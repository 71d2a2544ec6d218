"""Generated sensor messages and pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Imu, JointState
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Utterance


def scene(seed: int, height: int = 224, width: int = 224) -> NDArray[np.uint8]:
    """A generated picture: a colour gradient with a dozen coloured rectangles."""
    rng = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    corners = rng.uniform(0, 255, (3, 3))
    image = corners[0] + across[None, :, None] * corners[1] / 3 + down[..., None] * corners[2] / 3
    for _ in range(12):
        top, left = rng.integers(0, height - 8), rng.integers(0, width - 8)
        bottom, right = top + rng.integers(8, height // 2), left + rng.integers(8, width // 2)
        image[top:bottom, left:right] = rng.uniform(0, 255, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def tone(hertz: float, seconds: float, amplitude: float) -> NDArray[np.float32]:
    """A sine at 16 kHz, [n]."""
    time_s = np.arange(int(16000 * seconds)) / 16000
    return (amplitude * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=to_stamp(stamp_ns), frame_id=frame_id)


def imu(stamp_ns: int, rate: float = 0.0, frame_id: str = "imu_body") -> Imu:
    """An IMU that lies level, turns about z, and does not know its orientation."""
    message = Imu(header=header(stamp_ns, frame_id))
    message.orientation_covariance[0] = -1.0
    message.angular_velocity.z = rate
    message.linear_acceleration.z = 9.80665
    return message


def joints(stamp_ns: int, **positions: float) -> JointState:
    message = JointState(header=header(stamp_ns, "base"), name=list(positions))
    message.position = list(positions.values())
    return message


def utterance(stamp_ns: int, text: str, speaker: str = "") -> Utterance:
    return Utterance(header=header(stamp_ns, "text"), text=text, speaker=speaker, confidence=1.0)
