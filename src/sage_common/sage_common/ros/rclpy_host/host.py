"""The ROS host: a SageNode as a managed rclpy node."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import qos_policy_name_from_kind

from sage_common.core.clock import NS_PER_S
from sage_common.core.parameters import specs
from sage_common.core.throttle import Throttle, call_site
from sage_common.core.topics import ServiceSpec, TopicSpec
from sage_common.ros.interfaces import interface
from sage_common.ros.node import SageNode
from sage_common.ros.qos import OFFERED, PROFILES, weakest
from sage_common.ros.rclpy_host import calls
from sage_common.ros.rclpy_host.local_bus import BUS, LocalSubscription, local_bus_enabled
from sage_common.ros.rclpy_host.managed_node import ManagedNode
from sage_common.ros.rclpy_host.parameters import RosParameters
from sage_common.ros.rclpy_host.publisher import RosPublisher
from sage_common.ros.rclpy_host.worker import STOP_TIMEOUT_S, ThreadWorker
from sage_common.ros.tensors.handles import mailbox_name

InvalidHandle = rclpy_implementation.InvalidHandle
END_TIMEOUT_S = 60.0
"""So long may all nodes of a process take to deactivate; saving is bounded by less."""


class RosHost(ManagedNode):
    """Runs one SageNode as a lifecycle node.

    Args:
        node_type: the node to run.
        name: node name; None: the node's default, or `__node` from the command line.
        cli_args: ROS arguments of this node only (container); None: those of the process.
    """

    threaded = True

    def __init__(
        self,
        node_type: type[SageNode],
        name: str | None = None,
        cli_args: list[str] | None = None,
    ) -> None:
        super().__init__(
            name or node_type.default_name,
            cli_args=cli_args,
            use_global_arguments=cli_args is None,
        )
        self.name = self.get_name()
        self.clock = _RosClock(self)
        self.log = _RosLog(self)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.rng = np.random.default_rng()
        self._parameters_of_node = RosParameters(self)
        self._workers: list[ThreadWorker] = []
        self._outputs: dict[str, RosPublisher] = {}
        self._undo: list[Callable[[], object]] = []
        self._has_bus = local_bus_enabled()
        self.node = node_type(self)

    # -- lifecycle ---------------------------------------------------------------------------

    def stop(self, timeout_s: float = END_TIMEOUT_S) -> bool:
        """Deactivate (learned state is saved), end workers, and destroy the node.

        The executor spins no more. False if a transition hangs: then it, and the node, are left.
        """
        if not self.end(self._bring_down, timeout_s):
            self.log.error(f"a transition did not end within {timeout_s:g} s: it is left")
            return False
        self.destroy_node()
        return True

    def _bring_down(self) -> None:
        if self.node.active:
            self.trigger_deactivate()
        self._release()

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        if self.node.active:
            return self._transition("shutdown", self.node.deactivate)
        return TransitionCallbackReturn.SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()  # what a failed or earlier configure has left
        done = self._transition("configure", self.node.configure)
        if done == TransitionCallbackReturn.SUCCESS:
            self._parameters_of_node.in_use = True
        else:
            self._release_and_say()
        return done

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("activate", self.node.activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        done = self._transition("deactivate", self.node.deactivate)
        # For rcl, a node that fails to deactivate is active still; after an error it is not.
        failed = done != TransitionCallbackReturn.SUCCESS
        return TransitionCallbackReturn.ERROR if failed else done

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release_and_say()
        return TransitionCallbackReturn.SUCCESS

    def _transition(self, name: str, hook: Callable[[], None]) -> TransitionCallbackReturn:
        self.clock.look_up()
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - a failed transition must not end the process
            text = f"{name} failed: {error}"
            self.log.error(text)
            self.node.set_health("error", text)
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _release_and_say(self) -> None:
        """Leave the node unconfigured, with nothing but its /diagnostics."""
        self._release()
        self.node.unconfigure()

    def _release(self) -> None:
        """End workers and destroy what `configure` made."""
        self._parameters_of_node.in_use = False
        for worker in self._workers:
            worker.request_stop()
        end_ns = time.monotonic_ns() + round(STOP_TIMEOUT_S * NS_PER_S)
        for worker in self._workers:
            worker.stop(max(end_ns - time.monotonic_ns(), 0) / NS_PER_S)
        self._workers.clear()
        for output in self._outputs.values():
            output.close()
        self._outputs.clear()
        steps = self._undo[::-1]
        self._undo.clear()
        self.destroy_all(steps)

    # -- host --------------------------------------------------------------------------------

    def resolve(self, relative_name: str) -> str:
        return self.resolve_topic_name(relative_name)

    def read_parameters(self, cls: type) -> Any:
        return self._parameters_of_node.read(cls)

    def serve_parameters(self, cls: type, changed: Callable[[], None]) -> None:
        self._parameters_of_node.on_change = changed
        if self._has_bus and any(spec.changeable for spec in specs(cls)):
            # Fast DDS connects no service with a client of its own process.
            name = self.resolve("~/set_parameters")
            self._undo.append(BUS.serve(name, self._parameters_of_node.set_all))

    @property
    def overrides(self) -> Mapping[str, object]:
        """Parameter values given from outside."""
        return self._parameters_of_node.overrides

    def make_publisher(self, spec: TopicSpec, topic: str) -> RosPublisher:
        if topic not in self._outputs:
            publisher = self.create_publisher(
                interface(spec.type),
                topic,
                OFFERED[spec.qos],
                event_callbacks=PublisherEventCallbacks(
                    incompatible_qos=lambda event: self._refuse_subscriber(spec, topic, event)
                ),
            )
            self._undo.append(lambda: self.destroy_publisher(publisher))
            self._outputs[topic] = RosPublisher(publisher, spec.qos, self._has_bus)
        return self._outputs[topic]

    def _refuse_subscriber(self, spec: TopicSpec, topic: str, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        text = f"a subscriber gets nothing: its QoS ({policy}) does not fit {spec.qos!r}"
        self.log.warning(f"{topic}: {text}")
        self.node.diagnose(**{f"{topic} refused": text})

    def make_subscription(
        self,
        spec: TopicSpec,
        topic: str,
        callback: Callable[[Any], None],
        raw: bool,
        on_refused: Callable[[str], None],
    ) -> Callable[[], None]:
        def refused(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind)
            on_refused(
                f"a publisher is not connected: its QoS ({policy}) does not fit {spec.qos!r}"
            )

        subscription = self.create_subscription(
            interface(spec.type),
            topic,
            callback,
            PROFILES[spec.qos],
            raw=raw,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=refused),
        )
        steps: list[Callable[[], object]] = [
            lambda: self.destroy_soon(lambda: self.destroy_subscription(subscription))
        ]
        if self._has_bus:
            local = LocalSubscription(spec.qos, callback, lambda: self.executor)
            steps.append(BUS.subscribe(topic, local))

        def end() -> None:
            while steps:
                steps.pop()()
            if end in self._undo:
                self._undo.remove(end)

        self._undo.append(end)
        return end

    def published_topics(self) -> dict[str, str]:
        return {
            name: types[0]
            for name, types in self.get_topic_names_and_types()
            if len(types) == 1 and "/_" not in name and self.count_publishers(name)
        }

    def offered_profile(self, topic: str) -> str:
        return weakest([end.qos_profile for end in self.get_publishers_info_by_topic(topic)])

    def mailbox_name(self, topic: str) -> str:
        return mailbox_name(topic, int(self.context.get_domain_id()))

    def make_timer(
        self, period_s: float, callback: Callable[[], object], steady: bool = False
    ) -> _RosTimer:
        # A timer of the system's clock stands still for as long as that is set back.
        follows = self.clock.is_simulated and not steady
        timer = self.create_timer(period_s, callback, clock=None if follows else self._steady)
        self._undo.append(lambda: self.destroy_timer(timer))
        return _RosTimer(timer)

    def make_service(
        self, spec: ServiceSpec, name: str, handler: Callable[[Any, Any], Any]
    ) -> None:
        worker = self.make_worker(f"service {name}", calls.QUEUE_SIZE, self.node.report_failure)
        service = calls.serve(self, spec, name, handler, worker)
        self._undo.append(lambda: self.destroy_service(service))
        if self._has_bus:
            self._undo.append(BUS.serve(name, calls.local_call(spec, name, handler, worker)))

    def find_services(self, ending: str) -> list[str]:
        inside = f"{self.get_namespace().rstrip('/')}/"
        known = {name for name, _ in self.get_service_names_and_types()}
        known.update(BUS.services() if self._has_bus else ())
        return sorted(n for n in known if n.startswith(inside) and n.endswith(ending))

    def make_client(self, spec: ServiceSpec, name: str) -> calls.Client:
        client = calls.Client(self, spec, name)
        self._undo.append(lambda: self.destroy_client(client.client))
        return client

    def make_action(
        self, spec: ServiceSpec, name: str, execute: Callable[..., Any], at_once: int
    ) -> None:
        workers = [
            self.make_worker(f"action {name} {n}", calls.QUEUE_SIZE, self.node.report_failure)
            for n in range(at_once)
        ]
        self._undo.append(calls.serve_action(self, spec, name, execute, workers).destroy)
        if self._has_bus:
            self._undo.append(BUS.serve_action(name, calls.local_run(spec, name, execute, workers)))

    def make_action_client(self, spec: ServiceSpec, name: str) -> calls.ActionClient:
        client = calls.ActionClient(self, spec, name)
        self._undo.append(client.caller.destroy)
        return client

    def make_worker(
        self, name: str, queue_size: int, on_error: Callable[[BaseException], None]
    ) -> ThreadWorker:
        worker = ThreadWorker(f"{self.name}/{name}", queue_size, on_error)
        self._workers.append(worker)
        return worker

    def wait_idle(self, timeout_s: float) -> bool:
        end_ns = time.monotonic_ns() + round(timeout_s * NS_PER_S)
        idle = True
        for worker in self._workers:
            idle &= worker.wait_idle(max(end_ns - time.monotonic_ns(), 0) / NS_PER_S)
        return idle

    def stopwatch_ns(self) -> int:
        return time.perf_counter_ns()


class _RosClock:
    """The node's clock; whether it is simulated is looked up at each transition.

    It is asked several times a message: rclpy's Time objects are left out where they add nothing.
    """

    def __init__(self, node: rclpy.node.Node) -> None:
        self._clock = node.get_clock()
        self.look_up()

    def look_up(self) -> None:
        self.is_simulated = bool(self._clock.ros_time_is_active)

    def now_ns(self) -> int:
        return int(self._clock.now().nanoseconds) if self.is_simulated else time.time_ns()


class _RosLog:
    def __init__(self, node: rclpy.node.Node) -> None:
        self._logger = node.get_logger()
        self._throttle = Throttle()

    def _due(self, throttle_s: float, key: str, caller: FrameType | None) -> bool:
        if throttle_s <= 0.0:
            return True
        return self._throttle.due(time.monotonic_ns(), throttle_s, key or call_site(caller))

    def info(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key, inspect.currentframe()):
            self._logger.info(text)

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key, inspect.currentframe()):
            self._logger.warning(text)

    def error(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key, inspect.currentframe()):
            self._logger.error(text)


class _RosTimer:
    def __init__(self, timer: Any) -> None:
        self._timer = timer

    def cancel(self) -> None:
        try:
            self._timer.cancel()
        except InvalidHandle:
            return  # its node has been destroyed, and the timer with it

    def set_period(self, period_s: float) -> None:
        # Never reset: the events executor calls without end what is reset late in its own callback.
        try:
            self._timer.timer_period_ns = round(period_s * NS_PER_S)
        except InvalidHandle:
            return
