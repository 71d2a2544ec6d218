"""A bare rclpy node beside a graph, which it disturbs as little as it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data

from sage_common.ros.interfaces import interface

ANSWER_TIMEOUT_S = 120.0


class Beside:
    """A node beside the graph: notes what comes, and asks for transitions.

    Args:
        namespace: of the graph.
        topics: to listen to, name -> type; messages stay serialized.
        note: given the name of a topic of which something came.
    """

    def __init__(
        self, namespace: str, topics: Mapping[str, str], note: Callable[[str], None]
    ) -> None:
        self._node = rclpy.create_node("transitions", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        for name, type_name in topics.items():
            self._node.create_subscription(
                interface(type_name),
                f"{namespace}/{name}",
                lambda _data, name=name: note(name),
                qos_profile_sensor_data,
                raw=True,
            )
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)

    def change(self, node: str, transition: int) -> float:
        """Ask for a transition and wait until it is done; how long that took [s].

        Raises:
            RuntimeError: it failed, or was not answered.
        """
        client = self._node.create_client(ChangeState, f"{node}/change_state")
        if not client.wait_for_service(ANSWER_TIMEOUT_S):
            raise RuntimeError(f"{node}: it has no lifecycle services")
        begin_s, answered = time.monotonic(), threading.Event()
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        future.add_done_callback(lambda _future: answered.set())
        if not answered.wait(ANSWER_TIMEOUT_S) or not future.result().success:
            raise RuntimeError(f"{node}: transition {transition} failed")
        took_s = time.monotonic() - begin_s
        self._node.destroy_client(client)
        return took_s

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
