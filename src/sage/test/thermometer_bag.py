"""Bags with readings of the thermometer of docs/add_a_modality.md, and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Utterance

START_NS = 1_700_000_000 * NS_PER_S
TOPIC, TYPE = "/thermometer", "sensor_msgs/msg/Temperature"


def temperature_bag(folder: Path, seconds: int = 8) -> Path:
    """Five readings a second, hot in the last one; and no other sensor."""
    rng = np.random.default_rng(0)
    with BagWriter(folder) as writer:
        writer.add_topic(TOPIC, TYPE, QOS_BY_PROFILE["sensor"])
        for i in range(5 * seconds):
            time_ns = START_NS + i * NS_PER_S // 5
            message = Temperature(temperature=21.0 + float(rng.normal(0.0, 0.05)))
            if i >= 5 * seconds - 5:
                message.temperature = 55.0
            message.header.stamp = to_stamp(time_ns)
            writer.write(TOPIC, time_ns, serialize_message(message))
    return folder


def words_bag(folder: Path) -> Path:
    """One word, and nothing else."""
    with BagWriter(folder) as writer:
        writer.add_topic("/sage/text", "sage_msgs/msg/Utterance", QOS_BY_PROFILE["standard"])
        words = Utterance(text="warm", confidence=1.0)
        words.header.stamp = to_stamp(START_NS)
        writer.write("/sage/text", START_NS, serialize_message(words))
    return folder
