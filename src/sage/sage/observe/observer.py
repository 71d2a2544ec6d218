"""The observer in a thread of this process: started, asked, stopped."""

from __future__ import annotations

import threading

import rclpy
from rclpy.experimental import EventsExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from sage.observe.observer_node import Latest, ObserverNode
from sage.observe.tally import Tally
from sage_common.ros.process import SPIN_SLICE_S
from sage_common.ros.ros_host import RosHost


class Observer:
    """Watches a graph; `rclpy` is initialised with the environment as it stands.

    Args:
        namespace: namespace of the graph.
        use_sim_time: judge stamps by /clock.
    """

    def __init__(self, namespace: str, use_sim_time: bool = False) -> None:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        sim_time = str(use_sim_time).lower()
        arguments = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"use_sim_time:={sim_time}"]
        self._host = RosHost(ObserverNode, "observer", arguments)
        node = self._host.node
        assert isinstance(node, ObserverNode)
        self.node = node
        self._executor = EventsExecutor()
        self._executor.add_node(self._host)
        self._host.start()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="observer", daemon=True)
        self._thread.start()

    @property
    def tally(self) -> Tally:
        return self.node.tally

    @property
    def latest(self) -> Latest:
        return self.node.latest

    def stop(self) -> None:
        """End the thread and leave the ROS graph."""
        self._stopping.set()
        self._thread.join()
        self._host.stop()
        self._executor.shutdown()
        rclpy.shutdown()

    def _spin(self) -> None:
        while not self._stopping.is_set():
            self._executor.spin_until_future_complete(Future(), timeout_sec=SPIN_SLICE_S)
