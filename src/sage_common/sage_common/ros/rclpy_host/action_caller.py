"""Runs an action of a graph from a thread beside its executor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node

from sage_common.core.topics import ServiceSpec
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.interfaces import interface

LOOK_S = 0.1
ACCEPT_TIMEOUT_S = 10.0


class ActionCaller:
    """Calls one action; the executor of `node` delivers feedback and result."""

    def __init__(self, node: Node, spec: ServiceSpec, name: str) -> None:
        self._client = ActionClient(node, interface(spec.type), name)
        self._name = name

    def destroy(self) -> None:
        """Leave the ROS graph."""
        self._client.destroy()

    def run(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None],
        should_stop: Callable[[], bool],
        discovery_s: float,
    ) -> Any:
        """The result; a goal that is cancelled has one, too.

        Args:
            on_feedback: called on the executor's thread.
            should_stop: asked ten times a second; once it says so, the goal is cancelled.
            discovery_s: how long to wait for the server [s].

        Raises:
            ServiceUnavailable: no node serves it, it refuses, or it goes away meanwhile.
        """
        if not self._client.wait_for_server(timeout_sec=discovery_s):
            raise ServiceUnavailable(f"{self._name}: no node serves it")
        sent = self._client.send_goal_async(
            goal, feedback_callback=lambda message: on_feedback(message.feedback)
        )
        if not _wait(sent, ACCEPT_TIMEOUT_S):
            raise ServiceUnavailable(f"{self._name}: no answer within {ACCEPT_TIMEOUT_S:g} s")
        handle = sent.result()
        if not handle.accepted:
            raise ServiceUnavailable(f"{self._name}: the goal was refused")
        outcome = handle.get_result_async()
        cancelled = False
        while not _wait(outcome, LOOK_S):
            if should_stop() and not cancelled:
                handle.cancel_goal_async()
                cancelled = True
            if not self._client.server_is_ready():
                raise ServiceUnavailable(f"{self._name}: its node has gone")
        return outcome.result().result


def _wait(future: Any, timeout_s: float) -> bool:
    done = threading.Event()
    future.add_done_callback(lambda _future: done.set())
    return bool(future.done() or done.wait(timeout_s))
