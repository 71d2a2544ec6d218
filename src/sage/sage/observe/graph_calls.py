"""Services and actions of a running graph, called from outside, and what it has said last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached, enter_domain
from sage_common.core.topics import action_spec
from sage_common.ros.answers import NOT_ACTIVE
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.action_caller import ActionCaller

DISCOVERY_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
"""Longer than any node waits for what it needs to answer, such as a commit (30 s)."""
LATCHED_TIMEOUT_S = 15.0
RETRY_S = 0.1


class CallerNode(SageNode):
    """Stands in the graph while something is called from outside."""

    default_name = "caller"
    watches = True


def call_service(running: RunningGraph, key: str, request: Any) -> Any:
    """The response of a registered service of the graph; of one that starts, once it is active.

    Raises:
        ServiceUnavailable: no node of the graph serves it, or it does not answer.
    """
    enter_domain(running)
    with Attached(CallerNode, running.namespace) as attached:
        client = attached.node.client(key)
        end_s = time.monotonic() + DISCOVERY_TIMEOUT_S
        client.wait(DISCOVERY_TIMEOUT_S)
        while True:
            # Only what was refused is asked again: what has no answer may still be carried out.
            response = client.call(request, ANSWER_TIMEOUT_S)
            if time.monotonic() > end_s or not response.message.endswith(NOT_ACTIVE):
                return response
            time.sleep(RETRY_S)


def run_action(
    running: RunningGraph,
    key: str,
    goal: Any,
    on_feedback: Callable[[Any], None],
    should_stop: Callable[[], bool],
) -> Any:
    """The result of a registered action; it is cancelled when `should_stop` says so.

    Raises:
        ServiceUnavailable: no node of the graph serves it, or it goes away.
    """
    enter_domain(running)
    with Attached(CallerNode, running.namespace) as attached:
        caller = ActionCaller(attached.host, action_spec(key), attached.host.resolve(key))
        return caller.run(goal, on_feedback, should_stop, DISCOVERY_TIMEOUT_S)


def latched_message(running: RunningGraph, key: str, timeout_s: float = LATCHED_TIMEOUT_S) -> Any:
    """The newest message of a registered topic of the graph, which is latched.

    Raises:
        TimeoutError: none came.
    """
    heard: list[Any] = []
    came = threading.Event()

    class ListenerNode(SageNode):
        default_name = "listener"
        watches = True

        def on_configure(self) -> None:
            self.subscribe(key, self._hear)

        def _hear(self, message: Any) -> None:
            heard.append(message)
            came.set()

    enter_domain(running)
    with Attached(ListenerNode, running.namespace):
        if not came.wait(timeout_s):
            raise TimeoutError(f"nothing came on the topic {key} within {timeout_s:g} s")
    return heard[-1]
