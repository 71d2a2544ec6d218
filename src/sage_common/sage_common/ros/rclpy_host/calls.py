"""Services and actions on the ROS host: handlers on workers, calls from workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future

from sage_common.core.topics import ServiceSpec
from sage_common.ros.answers import refusal
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.interfaces import interface
from sage_common.ros.rclpy_host.action_caller import ActionCaller
from sage_common.ros.rclpy_host.local_bus import BUS
from sage_common.ros.rclpy_host.worker import ThreadWorker

InvalidHandle = rclpy_implementation.InvalidHandle
QUEUE_SIZE = 32
DISCOVERY_POLL_S = 0.01
_BUSY = f"{QUEUE_SIZE} requests are waiting already, or the node is ending"


def serve(
    node: Node,
    spec: ServiceSpec,
    name: str,
    handler: Callable[[Any, Any], Any],
    worker: ThreadWorker,
) -> Any:
    """Serve a service; the handler runs on the worker while the executor goes on.

    The events executor of rclpy 7.1 cannot await a service callback: the callback returns what
    was asked, and `send_response` sends what the worker makes of it. Every request is
    answered, if only with the reason why it could not be met.
    """
    response_type = interface(spec.type).Response

    service = node.create_service(interface(spec.type), name, lambda *asked: asked)
    send = service.send_response

    def work(asked: tuple[Any, Any], header: Any) -> None:
        response = handler(*asked)
        try:
            send(response, header)
        except InvalidHandle:
            return  # the node is being destroyed; nobody can be answered any more
        except Exception as error:
            # What the handler made cannot be sent: answer the caller so, then log it.
            send(refusal(response_type, f"{type(error).__name__}: {error}"), header)
            raise

    def send_from_worker(asked: tuple[Any, Any], header: Any) -> None:
        if not worker.offer(work, asked, header):
            send(refusal(response_type, f"{name}: {_BUSY}"), header)

    service.send_response = send_from_worker
    return service


def local_call(
    spec: ServiceSpec, name: str, handler: Callable[[Any, Any], Any], worker: ThreadWorker
) -> Callable[[Any, float], Any]:
    """The same service for callers in this process: `call(request, timeout_s) -> response`."""
    response_type = interface(spec.type).Response

    def call(request: Any, timeout_s: float) -> Any:
        answers: list[Any] = []
        answered = threading.Event()

        def work() -> None:
            try:
                answers.append(handler(request, response_type()))
            finally:
                answered.set()

        if not worker.offer(work):
            return refusal(response_type, f"{name}: {_BUSY}")
        if not answered.wait(timeout_s):
            raise ServiceUnavailable(f"{name}: no answer within {timeout_s:g} s")
        if not answers:
            return refusal(response_type, f"{name}: the handler failed")
        return answers[0]

    return call


def serve_action(
    node: Node,
    spec: ServiceSpec,
    name: str,
    execute: Callable[..., Any],
    workers: Sequence[ThreadWorker],
) -> ActionServer:
    """Serve an action; `execute(goal, publish_feedback, cancel_requested)` runs on the worker that
    has least to do."""
    action_type = interface(spec.type)

    async def run(goal_handle: Any) -> Any:
        done = Future(executor=node.executor)

        def work() -> None:
            try:
                result = execute(
                    goal_handle.request,
                    goal_handle.publish_feedback,
                    lambda: bool(goal_handle.is_cancel_requested),
                )
            except Exception as error:  # noqa: BLE001 - raised where the outcome is awaited
                done.set_exception(error)
            else:
                done.set_result(result)

        if min(workers, key=lambda worker: worker.load).offer(work):
            result = await done
        else:
            result = refusal(action_type.Result, f"{name}: {_BUSY}")
        if not isinstance(result, action_type.Result):
            result = refusal(action_type.Result, f"{name}: no result, but {result!r}")
        if goal_handle.is_cancel_requested:
            goal_handle.canceled()
        elif result.success:
            goal_handle.succeed()
        else:
            goal_handle.abort()
        return result

    return ActionServer(
        node, action_type, name, run, cancel_callback=lambda _handle: CancelResponse.ACCEPT
    )


def local_run(
    spec: ServiceSpec,
    name: str,
    execute: Callable[..., Any],
    workers: Sequence[ThreadWorker],
) -> Callable[..., Any]:
    """The same action for callers in this process: `run(goal, on_feedback, should_stop)`."""
    result_type = interface(spec.type).Result

    def run(goal: Any, on_feedback: Callable[[Any], None], should_stop: Callable[[], bool]) -> Any:
        results: list[Any] = []
        ended = threading.Event()

        def work() -> None:
            try:
                results.append(execute(goal, on_feedback, should_stop))
            finally:
                ended.set()

        if not min(workers, key=lambda worker: worker.load).offer(work):
            return refusal(result_type, f"{name}: {_BUSY}")
        ended.wait()
        return results[0] if results else refusal(result_type, f"{name}: the handler failed")

    return run


class ActionClient:
    """Runs one action from a thread; its node may be of this process or of another."""

    def __init__(self, node: Node, spec: ServiceSpec, name: str) -> None:
        self.caller = ActionCaller(node, spec, name)
        self._name = name

    def run(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None],
        should_stop: Callable[[], bool],
        discovery_s: float,
    ) -> Any:
        """The result; see `sage_common.ros.host.ActionClient`."""
        local = BUS.action(self._name)
        if local is not None:
            return local(goal, on_feedback, should_stop)
        return self.caller.run(goal, on_feedback, should_stop, discovery_s)


class Client:
    """Calls one service from a worker thread; the executor delivers the answer."""

    def __init__(self, node: Node, spec: ServiceSpec, name: str) -> None:
        self.client = node.create_client(interface(spec.type), name)
        self._name = name

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody offers the service; False if nobody does in time."""
        end_s = time.monotonic() + timeout_s
        try:
            while BUS.service(self._name) is None and not self.client.service_is_ready():
                if time.monotonic() >= end_s:
                    return False
                time.sleep(DISCOVERY_POLL_S)
        except InvalidHandle:
            return False
        return True

    def call(self, request: Any, timeout_s: float) -> Any:
        """The response.

        Raises:
            ServiceUnavailable: nobody offers the service, or no answer within `timeout_s`.
        """
        local = BUS.service(self._name)
        if local is not None:
            return local(request, timeout_s)
        try:
            if not self.client.service_is_ready():
                raise ServiceUnavailable(f"{self._name}: no node serves it")
            answered = threading.Event()
            future = self.client.call_async(request)
        except InvalidHandle as error:
            raise ServiceUnavailable(f"{self._name}: this node is ending") from error
        future.add_done_callback(lambda _future: answered.set())
        if not answered.wait(timeout_s):
            self.client.remove_pending_request(future)
            raise ServiceUnavailable(f"{self._name}: no answer within {timeout_s:g} s")
        return future.result()
