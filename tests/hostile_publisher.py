"""Publishes wrong messages on every input topic of a running graph, and reads what is counted.

Prints one JSON object: {"rejected": {topic: count}, "puzzles_before", "puzzles_after"}.
"""

from __future__ import annotations

import array
import json
import math
import os
import time
from collections import defaultdict
from typing import Any

import rclpy
from audio_common_msgs.msg import AudioDataStamped
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, Imu, JointState

from sage_common.core.diagnosis.node_status import REPORT_PERIOD_S
from sage_common.core.topics import topic, topic_name
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.qos import PROFILES
from sage_common.ros.tensors.handles import mailbox_name
from sage_msgs.msg import (
    Attention,
    FusedSalience,
    Outcome,
    Puzzle,
    Salience,
    TensorHandle,
    Utterance,
)

MATCH_TIMEOUT_S = 120.0
SETTLE_S = 0.5
COLLECT_S = 3 * REPORT_PERIOD_S


def wrong_messages() -> list[tuple[str, dict[str, str], list[Any]]]:
    """Registry key, names, and messages of which each has one wrong field."""
    odd = AudioDataStamped()
    odd.audio.data = array.array("B", bytes(7))
    shaken = Imu()
    shaken.linear_acceleration.x = math.nan
    codes = Puzzle(modality="vision", embedding=[1.0], encoder_id="x", valid=True)
    codes.codes[0] = 99
    return [
        ("camera/tensor", {"name": "front"}, wrong_handles()),
        ("camera/info", {"name": "front"}, [in_the_future(CameraInfo(height=2, width=2))]),
        ("microphone/audio", {"name": "front"}, [odd, AudioDataStamped()]),
        ("imu/data", {"name": "body"}, [shaken, in_the_future(Imu())]),
        ("joint_states", {}, [JointState(name=["a"], position=[math.inf]), JointState()]),
        ("text", {}, [Utterance(text=" ", confidence=1.0), Utterance(text="hm", confidence=7.0)]),
        ("puzzle", {"modality": "vision"}, [codes, Puzzle(modality="audio", valid=True)]),
        ("salience", {"modality": "vision"}, [Salience(modality="vision", total=math.nan)]),
        ("fused_salience", {}, [FusedSalience(total=3.0)]),
        ("attention", {}, [Attention(valid=True, x_min=0.9, x_max=0.1)]),
        ("outcome", {}, [Outcome(reward=5.0), in_the_future(Outcome())]),
    ]


def wrong_handles() -> list[TensorHandle]:
    """Handles of no tensor, of another mailbox, and of slots that there are not."""
    here = mailbox_name("/sage/camera/front/tensor", int(os.environ["ROS_DOMAIN_ID"]))

    def handle(mailbox: str, **fields: Any) -> TensorHandle:
        made = TensorHandle(mailbox=mailbox, backend="shm", dtype="uint8", device=-1, **fields)
        made.shape, made.strides_bytes = [2, 2, 3], [6, 3, 1]
        return made

    return [
        TensorHandle(),
        handle("../../etc/passwd"),
        handle("1.sage.camera.rear.tensor"),
        handle(here, slot=4_000_000_000),
        handle(here, generation=2**63),
        in_the_future(handle(here)),
    ]


def in_the_future(message: Any) -> Any:
    """The message with a stamp an hour ahead."""
    message.header.stamp = to_stamp(time.time_ns() + 3600 * 10**9)
    return message


def main() -> None:
    """Publish, collect, print."""
    rclpy.init()
    node = rclpy.create_node("hostile", namespace="/sage")
    executor = EXECUTOR()
    executor.add_node(node)
    rejected: dict[str, int] = defaultdict(int)
    puzzles = [0]

    def collect(message: DiagnosticArray) -> None:
        for status in message.status:
            for item in status.values:
                if item.key.endswith(" rejected"):
                    name = item.key.removesuffix(" rejected")
                    rejected[name] = max(rejected[name], int(item.value))

    def count(_message: Puzzle) -> None:
        puzzles[0] += 1

    node.create_subscription(DiagnosticArray, "/diagnostics", collect, PROFILES["standard"])
    node.create_subscription(Puzzle, "audio/puzzle", count, PROFILES["standard"])
    outputs = []
    for key, names, messages in wrong_messages():
        profile = PROFILES[topic(key).qos]
        output = node.create_publisher(type(messages[0]), topic_name(key, **names), profile)
        outputs.append((output, messages))
    deadline = time.monotonic() + MATCH_TIMEOUT_S
    while not (puzzles[0] and all(o.get_subscription_count() for o, _ in outputs)):
        if time.monotonic() > deadline:
            raise TimeoutError("the graph was not found")
        executor.spin_until_future_complete(Future(), timeout_sec=SETTLE_S)
    for output, messages in outputs:
        for message in messages:
            if not message.header.stamp.sec:
                message.header.stamp = to_stamp(time.time_ns())
            output.publish(message)
    before = puzzles[0]
    executor.spin_until_future_complete(Future(), timeout_sec=COLLECT_S)
    result = {"rejected": rejected, "puzzles_before": before, "puzzles_after": puzzles[0]}
    print(json.dumps(result), flush=True)
    executor.shutdown()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
