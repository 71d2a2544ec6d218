"""Nodes on the real ROS host, in one executor of this process, and a node outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from sage_common.ros.container import ros_arguments
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost

SLICES = 600
"""Tenths of a second that a test waits for something to come about."""


class RosGraph:
    """Nodes under /sage, with one home; they run while a test waits.

    Attributes:
        hosts: of the nodes, in the order of adding.
        outside: a node that is none of SAGE's, under /sage too.
    """

    def __init__(self, home: Path) -> None:
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self.hosts: list[RosHost] = []
        self.outside = rclpy.create_node("outside", namespace="/sage")
        self._home = home
        self._executor = EXECUTOR()
        self._executor.add_node(self.outside)

    def add(self, node_type: type[SageNode], **parameters: object) -> RosHost:
        """A node that is not started."""
        values = {"home": self._home, **parameters}
        written = {key: str(v) if isinstance(v, Path) else v for key, v in values.items()}
        arguments = ros_arguments({"namespace": "/sage", "parameters": written})
        host = RosHost(node_type, cli_args=arguments)
        self.hosts.append(host)
        self._executor.add_node(host)
        return host

    def start(self, node_type: type[SageNode], **parameters: object) -> RosHost:
        """A node that is active."""
        host = self.add(node_type, **parameters)
        assert host.start()
        return host

    def hear(self, message_type: type, name: str, qos: QoSProfile | int = 10) -> list[Any]:
        """What comes from now on, on a topic."""
        kept: list[Any] = []
        self.outside.create_subscription(message_type, name, kept.append, qos)
        return kept

    def now_ns(self) -> int:
        return int(self.outside.get_clock().now().nanoseconds)

    def until(self, condition: Callable[[], bool]) -> None:
        """Run until it holds; what never comes about fails the test."""
        for _ in range(SLICES):
            if condition():
                return
            self._executor.spin_until_future_complete(Future(), timeout_sec=0.1)
        raise AssertionError("it did not come about")

    def close(self) -> None:
        """End all; a node that could not be stopped fails the test."""
        stopped = {host.node.name: host.stop() for host in self.hosts}
        self._executor.shutdown()
        self.outside.destroy_node()
        rclpy.shutdown()
        assert all(stopped.values()), stopped

    def stop(self, host: RosHost) -> None:
        """End one before the others."""
        self.hosts.remove(host)
        assert host.stop()
