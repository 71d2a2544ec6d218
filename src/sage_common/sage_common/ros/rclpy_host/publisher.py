"""A publisher on the ROS host."""

from __future__ import annotations

from typing import Any

import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation

from sage_common.ros.qos import is_kept
from sage_common.ros.rclpy_host.local_bus import BUS

InvalidHandle = rclpy_implementation.InvalidHandle
RCLError = rclpy_implementation.RCLError


class RosPublisher:
    """A publisher to this process by the local bus, and to others by DDS."""

    def __init__(self, publisher: Any, qos: str, has_bus: bool) -> None:
        self._publisher = publisher
        self._qos = qos
        self._has_bus = has_bus
        self._open = True
        self.topic = str(publisher.topic_name)
        self.published = 0

    @property
    def subscriber_count(self) -> int:
        local = BUS.subscriber_count(self.topic) if self._has_bus and self._open else 0
        return local + self._remote_count()

    def publish(self, message: Any) -> None:
        """Send; a worker that outlives its node publishes into the void."""
        if not self._open:
            return
        if self._has_bus:
            BUS.publish(self.topic, message, self._qos, self)
        try:
            # A latched message must be there for who comes later.
            if not self._has_bus or is_kept(self._qos) or self._remote_count():
                self._publisher.publish(message)
        except (InvalidHandle, RCLError):
            if self._open and rclpy.ok():
                raise
        else:
            self.published += 1

    def close(self) -> None:
        self._open = False
        BUS.forget(self.topic, self)

    def _remote_count(self) -> int:
        """Subscriptions that DDS serves: all, or those of other processes if there is a bus."""
        try:
            return int(self._publisher.get_subscription_count()) if self._open else 0
        except InvalidHandle:
            return 0
