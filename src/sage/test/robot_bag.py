"""A bag of standard robot messages, and the parameter file that names their topics.

The streams are synthetic, by the models in `robot_streams`; in the last seconds something happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from robot_messages import (
    battery_state,
    diagnostic_array,
    laser_scan,
    odometry_message,
    point_cloud,
)
from robot_streams import START_NS, Lidar, S, Scanner, battery_voltage, odometry

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
from sage_common.ros.conversions.stamps import stamp_ns

SECONDS, EVENT_S = 24, 20
TOPICS = {
    "scan": ("/front/scan", "sensor_msgs/msg/LaserScan"),
    "cloud": ("/lidar/points", "sensor_msgs/msg/PointCloud2"),
    "odometry": ("/wheels/odom", "nav_msgs/msg/Odometry"),
    "battery": ("/power", "sensor_msgs/msg/BatteryState"),
    "diagnostics": ("/health", "diagnostic_msgs/msg/DiagnosticArray"),
}


def messages() -> Iterator[tuple[str, Any]]:
    """A robot that drives, and is stopped by a person who steps in front of it."""
    rng, scanner, lidar = np.random.default_rng(0), Scanner(beams=361, increment=0.013), Lidar(180)
    for motion in odometry(rng, SECONDS, bumps_at_s=EVENT_S, rate_hz=20.0):
        yield "odometry", odometry_message(motion)
    for index in range(5 * SECONDS):
        stamp = START_NS + index * S // 5
        people = [(1.5, 0.3)] if index >= 5 * EVENT_S else []
        yield "scan", laser_scan(stamp, scanner.scan(rng, people), scanner)
        yield "cloud", point_cloud(stamp, lidar.cloud(rng, people))
    for index in range(2 * SECONDS):
        stamp, blocked = START_NS + index * S // 2, index >= 2 * EVENT_S
        current = -25.0 if blocked else -2.0
        yield "battery", battery_state(stamp, battery_voltage(rng, 0.8, current), current)
        yield "diagnostics", diagnostic_array(stamp, base__motor=2 if blocked else 0, laser=0)


def write_bag(folder: Path) -> Path:
    """All messages, by their stamps."""
    with BagWriter(folder) as writer:
        for topic, type_name in TOPICS.values():
            writer.add_topic(topic, type_name, QOS_BY_PROFILE["sensor"])
        stamped = [(stamp_ns(m.header.stamp), name, m) for name, m in messages()]
        for time_ns, name, message in sorted(stamped, key=lambda item: item[:2]):
            writer.write(TOPICS[name][0], time_ns, serialize_message(message))
    return folder


def write_config(path: Path) -> Path:
    """Each modality is named by its topic, and nothing else."""
    lines = ["graph:", "  ros__parameters:", "    modalities:"]
    lines += [f"      {name}: {{topic: {topic}}}" for name, (topic, _) in TOPICS.items()]
    path.write_text("\n".join(lines) + "\n")
    return path
