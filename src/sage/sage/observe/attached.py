"""A node of ours in a thread of this process, attached to a graph that runs elsewhere."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Generic, TypeVar

import rclpy
from rclpy.experimental import EventsExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from sage.graph.environment import graph_environment
from sage.graph.runtime_file import RunningGraph
from sage_common.core.home import sage_home
from sage_common.ros.node import SageNode
from sage_common.ros.process import SPIN_SLICE_S
from sage_common.ros.ros_host import RosHost

NodeT = TypeVar("NodeT", bound=SageNode)


class Attached(Generic[NodeT]):
    """Runs one node beside a graph until `stop`; also a context manager.

    Args:
        node_type: the node.
        namespace: namespace of the graph.
        use_sim_time: take the time from /clock.
    """

    def __init__(self, node_type: type[NodeT], namespace: str, use_sim_time: bool = False) -> None:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        sim_time = str(use_sim_time).lower()
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"use_sim_time:={sim_time}"]
        name = f"{node_type.default_name}_{os.getpid()}"
        self._host = RosHost(node_type, name, arguments)
        node = self._host.node
        assert isinstance(node, node_type)
        self.node: NodeT = node
        self._executor = EventsExecutor()
        self._executor.add_node(self._host)
        self._host.start()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and leave the ROS graph."""
        self._stopping.set()
        self._thread.join()
        self._host.stop()
        self._executor.shutdown()
        rclpy.shutdown()

    def __enter__(self) -> Attached[NodeT]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spin(self) -> None:
        while not self._stopping.is_set():
            self._executor.spin_until_future_complete(Future(), timeout_sec=SPIN_SLICE_S)


def enter_domain(running: RunningGraph) -> None:
    """Set this process's ROS environment to that of a running graph."""
    environment = graph_environment(running.domain_id, running.network, sage_home())
    os.environ.update({k: v for k, v in environment.items() if not k.startswith("MALLOC_")})
