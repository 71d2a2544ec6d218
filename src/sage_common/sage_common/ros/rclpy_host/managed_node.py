"""A lifecycle node of rclpy whose transitions run on a thread of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from sage_common.ros.rclpy_host.control import ControlClosed, ControlWorker

InvalidHandle = rclpy_implementation.InvalidHandle
RCLError = rclpy_implementation.RCLError
DESTROY_TIMEOUT_S = 1.0


class ManagedNode(LifecycleNode):
    """Configures, activates, deactivates and cleans up on its control worker.

    In rclpy these run where they were asked for: the service `change_state` in the executor, which
    serves no other node of the process meanwhile. Here every way in queues them on the worker. The
    service answers when its transition is done, and the other lifecycle services (`get_state`, ...)
    answer also while one is under way.

    Args:
        name: of the node.
        arguments: as of `rclpy.lifecycle.LifecycleNode`.
    """

    def __init__(self, name: str, **arguments: Any) -> None:
        super().__init__(name, **arguments)
        self.ending = False
        self._control = ControlWorker(f"{self.get_name()}/control", self._report_lost_answer)
        self._change_state_on_control()

    def trigger_configure(self) -> TransitionCallbackReturn:
        return self._control.run(super().trigger_configure)

    def trigger_activate(self) -> TransitionCallbackReturn:
        return self._control.run(super().trigger_activate)

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        return self._control.run(super().trigger_deactivate)

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        return self._control.run(super().trigger_cleanup)

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        return self._control.run(super().trigger_shutdown)

    def start(self) -> bool:
        """Configure and activate; False if the node stayed inactive, or is ending already."""
        try:
            return self._control.run(self._bring_up)
        except (ControlClosed, RCLError) as error:  # it ends, or somebody else has configured it
            self.get_logger().error(f"not started: {error}")
            return False

    def _bring_up(self) -> bool:
        success = TransitionCallbackReturn.SUCCESS
        if self.ending or self.trigger_configure() != success:
            return False
        return not self.ending and self.trigger_activate() == success

    def end(self, bring_down: Callable[[], None], timeout_s: float) -> bool:
        """Run a last job on the control worker, after the transition that is under way.

        The executor spins no more. False if that took longer: then the job may still be running.
        """
        self.ending = True
        try:
            self._control.start(bring_down).result(timeout_s)
        except (ControlClosed, FutureTimeout):
            return False
        return self._control.stop(timeout_s)

    def destroy_soon(self, destroy: Callable[[], object]) -> None:
        """Destroy an entity; from a transition, as soon as the executor comes to it."""
        executor = self.executor
        if executor is not None and self._control.is_current and not self.ending:
            executor.create_task(destroy)
        else:
            destroy()

    def destroy_all(self, steps: Sequence[Callable[[], object]]) -> None:
        """Destroy entities, one after another, and wait until that is done.

        From a transition it is done on the executor: its C++ side raises, and cannot be corrected,
        if an entity goes while it is being added. If the executor does not come to it, because it
        does not spin, it is done here.
        """
        executor = self.executor
        if executor is None or self.ending or not self._control.is_current:
            for step in steps:
                step()
            return
        tasks = [_Step(step) for step in steps]
        for task in tasks:
            executor.create_task(task)
        end_s = time.monotonic() + DESTROY_TIMEOUT_S
        for task in tasks:
            task.wait(max(end_s - time.monotonic(), 0.0))

    def _change_state_on_control(self) -> None:
        """Have the service `change_state` answered by the worker.

        The events executor cannot await a service callback: the callback only hands on what was
        asked, and what sends the answer queues the transition; see `calls.serve`.
        """
        service = self._service_change_state
        change, send = service.callback, service.send_response

        def answer(request: Any, response: Any, header: Any) -> None:
            try:
                response = change(request, response)
            except RCLError as error:  # rclpy 7.1 would raise
                self.get_logger().warning(f"transition refused: {error}")
                response.success = False
            try:
                send(response, header)
            except InvalidHandle:
                return  # the node is being destroyed; nobody can be answered any more

        def queue(asked: tuple[Any, Any], header: Any) -> None:
            if self.ending or not self._control.offer(lambda: answer(*asked, header)):
                self.get_logger().warning(
                    "transition refused: the node is ending, or too many wait"
                )
                asked[1].success = False
                send(asked[1], header)

        service.callback = lambda request, response: (request, response)
        service.send_response = queue

    def _report_lost_answer(self, error: BaseException) -> None:
        self.get_logger().error(f"change_state: {type(error).__name__}: {error}")


class _Step:
    """Runs once: on the executor, or where it is waited for if that does not come to it."""

    def __init__(self, step: Callable[[], object]) -> None:
        self._step = step
        self._done: Future[None] = Future()

    def __call__(self) -> None:
        if self._done.set_running_or_notify_cancel():
            try:
                self._step()
            finally:
                self._done.set_result(None)

    def wait(self, timeout_s: float) -> None:
        try:
            self._done.result(timeout_s)
        except FutureTimeout:
            if self._done.cancel():
                self._step()
