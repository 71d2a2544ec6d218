"""Services and actions on the ROS host: handlers on workers, calls from workers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.node import Node
from rclpy.task import Future

from sage_common.core.topics import ServiceSpec
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.interfaces import interface
from sage_common.ros.worker import ThreadWorker

QUEUE_SIZE = 32


def serve(
    node: Node,
    spec: ServiceSpec,
    name: str,
    handler: Callable[[Any, Any], Any],
    worker: ThreadWorker,
) -> None:
    """Serve a service; the handler runs on the worker while the executor goes on.

    The events executor of rclpy 7.1 cannot await a service callback: the callback returns a
    deferred answer, and `send_response` sends what the worker makes of it.
    """

    def respond(request: Any, response: Any) -> _Deferred:
        return _Deferred(request, response)

    service = node.create_service(interface(spec.type), name, respond)
    send = service.send_response

    def send_from_worker(deferred: _Deferred, header: Any) -> None:
        worker.submit(lambda: send(handler(deferred.request, deferred.response), header))

    service.send_response = send_from_worker


@dataclass(frozen=True)
class _Deferred:
    request: Any
    response: Any


def serve_action(
    node: Node, spec: ServiceSpec, name: str, execute: Callable[..., Any], worker: ThreadWorker
) -> None:
    """Serve an action; `execute(goal, publish_feedback, cancel_requested)` runs on the worker."""
    action_type = interface(spec.type)

    async def run(goal_handle: Any) -> Any:
        def publish_feedback(feedback: Any) -> None:
            goal_handle.publish_feedback(feedback)

        def cancel_requested() -> bool:
            return bool(goal_handle.is_cancel_requested)

        result = await _on_worker(
            node, worker, execute, goal_handle.request, publish_feedback, cancel_requested
        )
        if goal_handle.is_cancel_requested:
            goal_handle.canceled()
        elif result.success:
            goal_handle.succeed()
        else:
            goal_handle.abort()
        return result

    ActionServer(
        node, action_type, name, run, cancel_callback=lambda _handle: CancelResponse.ACCEPT
    )


class Client:
    """Calls one service from a worker thread; the executor delivers the answer."""

    def __init__(self, node: Node, spec: ServiceSpec, name: str) -> None:
        self._client = node.create_client(interface(spec.type), name)
        self._name = name

    def call(self, request: Any, timeout_s: float) -> Any:
        """The response.

        Raises:
            ServiceUnavailable: nobody offers the service, or no answer within `timeout_s`.
        """
        if not self._client.service_is_ready():
            raise ServiceUnavailable(f"{self._name}: no node serves it")
        answered = threading.Event()
        future = self._client.call_async(request)
        future.add_done_callback(lambda _future: answered.set())
        if not answered.wait(timeout_s):
            self._client.remove_pending_request(future)
            raise ServiceUnavailable(f"{self._name}: no answer within {timeout_s:g} s")
        return future.result()


async def _on_worker(
    node: Node, worker: ThreadWorker, job: Callable[..., Any], *arguments: Any
) -> Any:
    """Run a job on the worker and wait for it without blocking the executor."""
    done = Future(executor=node.executor)

    def run() -> None:
        try:
            result = job(*arguments)
        except Exception as error:  # noqa: BLE001 - the caller gets it from the future
            done.set_exception(error)
        else:
            done.set_result(result)

    worker.submit(run)
    return await done
