"""A short bag with every kind of input, and a run over it, for tests of leaving a run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from lockstep_replay import replay
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Float32MultiArray, Header

from sage.bags.message import BagMessage
from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage.cli import main
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS
from sage_msgs.msg import Outcome, Utterance

SECONDS = 4.0
CONFIG = """\
/**/graph: {ros__parameters: {vectors: [motor]}}
/**/memory: {ros__parameters: {false_alarms_per_hour: 36000.0}}  # in 4 s nothing is known rare
"""
SENSORS = (
    "/sage/camera/front/image_raw",
    "/sage/microphone/front/audio",
    "/sage/microphone/front/info",
    "/sage/imu/body/data",
)


@dataclass(frozen=True)
class RichRun:
    """A bag, and what the whole graph made of it when nobody interrupted."""

    folder: Path
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def bag(self) -> Path:
        return self.folder / "bag"

    @property
    def config(self) -> Path:
        """With the scorer of the motor's vectors."""
        return self.folder / "config.yaml"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def outputs(self) -> Path:
        """All that was published, as a bag."""
        return self.folder / "whole"


def run_over_rich_bag(folder: Path) -> RichRun:
    """Makes the bag below `folder`, and plays it to its end in lock-step."""
    made = RichRun(folder)
    rich_bag(folder)
    made.config.write_text(CONFIG)
    words = ["--config", str(made.config), "--home", str(made.home), "-o", str(made.outputs)]
    return dataclasses.replace(made, summary=replay(str(made.bag), *words))


def rich_bag(folder: Path) -> Path:
    """Four seconds of every sense, with joints, places, words, a motor and judgements."""
    played = folder / "played"
    words = ["replay", "recording", "--lockstep", "--duration", str(SECONDS), "-o", str(played)]
    assert main(words) == 0
    messages = [m for m in open_bag(played).messages(SENSORS) if m.time_ns > 0]
    messages += [made for i in range(round(SECONDS * 20)) for made in _made(i)]
    with BagWriter(folder / "bag") as writer:
        for message in sorted(messages, key=lambda m: (m.time_ns, m.topic)):
            qos = "latched" if message.topic.endswith("info") else "sensor"
            writer.add_topic(message.topic, message.type_name, QOS_BY_PROFILE[qos])
            writer.write(message.topic, message.time_ns, message.data)
    return folder / "bag"


def _made(tick: int) -> list[BagMessage]:
    """What no recording has, at 20 Hz: joints, places; now and then a word and a judgement."""
    time_ns = DEFAULT_START_NS + tick * NS_PER_S // 20
    header = Header(stamp=to_stamp(time_ns))
    phase = tick / 3.0
    made: dict[str, Any] = {
        "vector/motor": Float32MultiArray(data=[float(np.sin(phase)), float(tick % 7)]),
        "vector/still": Float32MultiArray(data=[1.0 + tick // 30]),
    }
    if tick % 8 == 0:
        joint = "left_knee" if tick % 16 else "neck"
        made["joint_states"] = JointState(header=header, name=[joint], position=[np.sin(phase)])
    if tick % 2:
        pose = PoseWithCovarianceStamped(header=Header(stamp=header.stamp, frame_id="map"))
        pose.pose.pose.position.x = tick / 10.0
        pose.pose.covariance[0] = pose.pose.covariance[7] = 5.0 if tick % 15 == 9 else 0.01
        made["pose"] = pose
    if tick % 25 == 20:
        made["text"] = Utterance(header=header, text=f"word number {tick}", speaker="ann")
    if tick % 4 == 3:
        reward = 1.0 if tick % 8 == 3 else -0.5
        judged = Outcome(header=header, reward=reward, source="test")
        judged.start, judged.end = to_stamp(time_ns - NS_PER_S // 4), to_stamp(time_ns)
        made["outcome"] = judged
    return [
        BagMessage(time_ns, f"/sage/{name}", _type_name(message), serialize_message(message))
        for name, message in made.items()
    ]


def _type_name(message: object) -> str:
    package, kind = type(message).__module__.split(".")[:2]
    return f"{package}/{kind}/{type(message).__name__}"
