"""A node of ours in a thread of this process, attached to a graph that runs elsewhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Generic, TypeVar

import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future as RosFuture

from sage.graph.environment import enter, graph_environment
from sage.graph.runtime_file import RunningGraph
from sage_common.core.home import sage_home
from sage_common.ros.container import ros_arguments
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.process import SPIN_SLICE_S
from sage_common.ros.rclpy_host.host import RosHost

NICENESS = 10
NOTHING: Mapping[str, object] = {}
NodeT = TypeVar("NodeT", bound=SageNode)


class Attached(Generic[NodeT]):
    """Runs one node beside a graph until `stop`; also a context manager.

    Args:
        node_type: the node.
        namespace: namespace of the graph.
        parameters: of the node; `use_sim_time` among them: take the time from /clock.
    """

    def __init__(
        self, node_type: type[NodeT], namespace: str, parameters: Mapping[str, object] = NOTHING
    ) -> None:
        self._arguments = ros_arguments({"namespace": namespace, "parameters": parameters})
        self._stopping = RosFuture()
        self._ready: Future[NodeT] = Future()
        self._error: Exception | None = None
        name = f"{node_type.default_name}_{os.getpid()}"
        self._thread = threading.Thread(
            target=self._run, args=(node_type, name), name=name, daemon=True
        )
        self._thread.start()
        self.node: NodeT = self._ready.result()
        self.host: RosHost = self._host

    def stop(self) -> None:
        """End the thread and leave the ROS graph.

        Raises:
            Exception: what ended the thread before, once.
        """
        # This ends a spin, too, which does not heed its timeout while callbacks are due.
        self._stopping.set_result(None)
        self._thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> Attached[NodeT]:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def _run(self, node_type: type[NodeT], name: str) -> None:
        # Who watches must not take the processor from the graph; the middleware's threads are
        # made here, and inherit this.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        # Kept, as after an error the future still calls it.
        executor = self._executor = EXECUTOR()
        host: RosHost | None = None
        try:
            host = RosHost(node_type, name, self._arguments)
            executor.add_node(host)
            host.start()
            node = host.node
            assert isinstance(node, node_type)
            self._host = host
            self._ready.set_result(node)
            while not self._stopping.done():
                executor.spin_until_future_complete(self._stopping, timeout_sec=SPIN_SLICE_S)
        except Exception as error:  # noqa: BLE001 - raised where the node is asked for or ended
            if self._ready.done():
                self._error = error
            else:
                self._ready.set_exception(error)
        finally:
            # Left alone, the middleware's threads would keep the process from ending.
            if host is not None:
                host.stop()
            executor.shutdown()
            rclpy.shutdown()


def enter_domain(running: RunningGraph) -> None:
    """Set this process's ROS environment to that of a running graph."""
    enter(graph_environment(running.domain_id, running.network, sage_home(running.home)))
