"""sensor_msgs/Image through rclpy and Fast DDS: as it comes, and set up for large messages."""

from __future__ import annotations

import array
import time
from collections import deque
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from sage.graph.environment import ALLOCATOR
from sage_bench.mailbox.transports.transport import Arrival

DEPTH = 4
NS_PER_S = 1_000_000_000
DISCOVERY_S = 15.0
SETTLE_S = 0.5
"""A writer that knows of a reader is not yet known to the reader."""

DATA_SHARING = """<?xml version="1.0" encoding="UTF-8"?>
<profiles xmlns="http://www.eprosima.com">
  <transport_descriptors>
    <transport_descriptor>
      <transport_id>shm</transport_id>
      <type>SHM</type>
      <segment_size>67108864</segment_size>
      <maxMessageSize>16777216</maxMessageSize>
    </transport_descriptor>
    <transport_descriptor>
      <transport_id>udp</transport_id>
      <type>UDPv4</type>
      <interfaceWhiteList><address>127.0.0.1</address></interfaceWhiteList>
    </transport_descriptor>
  </transport_descriptors>
  <participant profile_name="bench" is_default_profile="true">
    <rtps>
      <userTransports>
        <transport_id>shm</transport_id>
        <transport_id>udp</transport_id>
      </userTransports>
      <useBuiltinTransports>false</useBuiltinTransports>
    </rtps>
  </participant>
  <data_writer profile_name="writer" is_default_profile="true">
    <qos><data_sharing><kind>AUTOMATIC</kind></data_sharing></qos>
  </data_writer>
  <data_reader profile_name="reader" is_default_profile="true">
    <qos><data_sharing><kind>AUTOMATIC</kind></data_sharing></qos>
  </data_reader>
</profiles>
"""
"""Fast DDS with a shared memory segment that holds large messages, and data sharing where it can
be had (it cannot with messages of variable length, as an Image is)."""


class RclpySender:
    """Publishes one message, filled anew each time."""

    def __init__(self, channel: str, payload_bytes: int) -> None:
        self._node = _node("sender")
        self._publisher = self._node.create_publisher(Image, channel, QoSProfile(depth=DEPTH))
        self._message = Image(height=1, width=payload_bytes, step=payload_bytes, encoding="mono8")
        self._message.data = array.array("B", bytes(payload_bytes))
        self._pixels = np.frombuffer(self._message.data, np.uint8)

    def wait_for(self, receivers: int) -> None:
        end_s = time.monotonic() + DISCOVERY_S
        while (found := self._publisher.get_subscription_count()) < receivers:
            if time.monotonic() > end_s:
                raise RuntimeError(
                    f"{found} of {receivers} subscriptions were matched in {DISCOVERY_S:.0f} s"
                )
            time.sleep(0.01)
        time.sleep(SETTLE_S)

    def fill(self, value: int) -> None:
        self._pixels.fill(value)

    def commit(self, stamp_ns: int) -> None:
        stamp = self._message.header.stamp
        stamp.sec, stamp.nanosec = divmod(stamp_ns, NS_PER_S)
        self._publisher.publish(self._message)

    def close(self) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown()


class RclpyReceiver:
    """Takes what the executor delivers."""

    def __init__(self, channel: str) -> None:
        self._node = _node("receiver")
        self._arrivals: deque[Arrival] = deque()
        self._node.create_subscription(Image, channel, self._take, QoSProfile(depth=DEPTH))
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def poll(self) -> Arrival | None:
        if not self._arrivals:
            self._executor.spin_once(timeout_sec=0.0)
        return self._arrivals.popleft() if self._arrivals else None

    def wait(self, timeout_s: float) -> None:
        self._executor.spin_once(timeout_sec=timeout_s)

    def close(self) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _take(self, message: Image) -> None:
        pixels = np.frombuffer(message.data, np.uint8)
        pixels[0], pixels[-1]
        seen_ns = time.monotonic_ns()
        stamp = message.header.stamp
        self._arrivals.append(Arrival(stamp.sec * NS_PER_S + stamp.nanosec, seen_ns))


class RclpyTransport:
    """rclpy over Fast DDS, which receives in threads of its own.

    Args:
        name: as it stands in tables.
        profile: XML for Fast DDS; empty: Fast DDS as it comes.
    """

    has_threads = True
    can_sleep = True
    most_hz = 60.0

    def __init__(self, name: str, profile: str) -> None:
        self.name = name
        self._profile = profile

    def environment(self, folder: Path) -> dict[str, str]:
        if not self._profile:
            return {}
        path = folder / "fastdds_bench.xml"
        path.write_text(self._profile, encoding="utf-8")
        return {
            "FASTRTPS_DEFAULT_PROFILES_FILE": str(path),
            "FASTDDS_DEFAULT_PROFILES_FILE": str(path),
            **ALLOCATOR,
        }

    def sender(self, channel: str, payload_bytes: int, polling: bool) -> RclpySender:
        return RclpySender(channel, payload_bytes)

    def receiver(self, channel: str, payload_bytes: int, polling: bool) -> RclpyReceiver:
        return RclpyReceiver(channel)


def with_data_sharing() -> RclpyTransport:
    """Set up for large messages."""
    return RclpyTransport("rclpy, Fast DDS shared memory + data sharing", DATA_SHARING)


def by_default() -> RclpyTransport:
    """As it comes."""
    return RclpyTransport("rclpy, Fast DDS default", "")


def _node(role: str) -> Node:
    if not rclpy.ok():
        rclpy.init()
    return rclpy.create_node(f"bench_{role}")
