"""The ROS host: a SageNode as a managed rclpy node."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message

from sage_common.core.clock import NS_PER_S
from sage_common.core.parameters import ParameterError, ParameterSpec, build, specs
from sage_common.core.topics import ServiceSpec, TopicSpec
from sage_common.ros import calls
from sage_common.ros.interfaces import interface
from sage_common.ros.node import SageNode
from sage_common.ros.qos import PROFILES
from sage_common.ros.worker import ThreadWorker

_ROS_PARAMETERS = ("use_sim_time", "start_type_description_service")
_ROS_PREFIXES = ("qos_overrides.",)


class RosHost(LifecycleNode):
    """Runs one SageNode as a lifecycle node.

    Args:
        node_type: the node to run.
        name: node name; None: the node's default, or `__node` from the command line.
        cli_args: ROS arguments of this node only (container); None: those of the process.
        overrides: parameter values that win over files.
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
        self.rng = np.random.default_rng()
        self._workers: list[ThreadWorker] = []
        self._publishers_by_topic: dict[str, _RosPublisher] = {}
        self.node = node_type(self)

    # -- lifecycle ---------------------------------------------------------------------------

    def start(self) -> bool:
        """Configure and activate; False if the node stayed inactive."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def stop(self) -> None:
        """Deactivate (learned state is saved), end workers, and destroy the node."""
        if self.node.active:
            self.trigger_deactivate()
        for worker in self._workers:
            worker.stop()
        self.destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("configure", self.node.configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("activate", self.node.activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("deactivate", self.node.deactivate)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def _transition(self, name: str, hook: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - a failed transition must not end the process
            text = f"{name} failed: {error}"
            self.log.error(text)
            self.node.set_health("error", text)
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    # -- host --------------------------------------------------------------------------------

    def resolve(self, relative_name: str) -> str:
        return self.resolve_topic_name(relative_name)

    def read_parameters(self, cls: type) -> Any:
        known = {spec.name: spec for spec in specs(cls)}
        unknown = {
            key: parameter.value
            for key, parameter in self._parameter_overrides.items()
            if key not in known and key not in _ROS_PARAMETERS and not key.startswith(_ROS_PREFIXES)
        }
        if unknown:
            build(cls, unknown)
        for spec in known.values():
            if not self.has_parameter(spec.name):
                self.declare_parameter(spec.name, _ros_value(spec.default), _descriptor(spec))
        self.add_on_set_parameters_callback(lambda changes: _check_changes(known, changes))
        return build(cls, {name: self.get_parameter(name).value for name in known})

    def make_publisher(self, spec: TopicSpec, topic: str) -> _RosPublisher:
        if topic not in self._publishers_by_topic:
            publisher = self.create_publisher(interface(spec.type), topic, PROFILES[spec.qos])
            self._publishers_by_topic[topic] = _RosPublisher(publisher)
        return self._publishers_by_topic[topic]

    def make_subscription(
        self, type_name: str, topic: str, qos: str, callback: Callable[[Any], None], raw: bool
    ) -> None:
        def refused(event: Any) -> None:
            text = f"{topic}: a publisher offers QoS incompatible with profile {qos!r}"
            self.log.error(text)
            self.node.set_health("error", text)

        self.create_subscription(
            interface(type_name),
            topic,
            callback,
            PROFILES[qos],
            raw=raw,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=refused),
        )

    def make_timer(self, period_s: float, callback: Callable[[], None]) -> _RosTimer:
        return _RosTimer(self, self.create_timer(period_s, callback))

    def make_service(
        self, spec: ServiceSpec, name: str, handler: Callable[[Any, Any], Any]
    ) -> None:
        worker = self.make_worker(f"service {name}", calls.QUEUE_SIZE, self._report)
        calls.serve(self, spec, name, handler, worker)

    def make_client(self, spec: ServiceSpec, name: str) -> calls.Client:
        return calls.Client(self, spec, name)

    def make_action(self, spec: ServiceSpec, name: str, execute: Callable[..., Any]) -> None:
        worker = self.make_worker(f"action {name}", calls.QUEUE_SIZE, self._report)
        calls.serve_action(self, spec, name, execute, worker)

    def make_worker(
        self, name: str, queue_size: int, on_error: Callable[[BaseException], None]
    ) -> ThreadWorker:
        worker = ThreadWorker(f"{self.name}/{name}", queue_size, on_error)
        self._workers.append(worker)
        return worker

    def stopwatch_ns(self) -> int:
        return time.perf_counter_ns()

    def deserialize(self, data: bytes, type_name: str) -> Any:
        return deserialize_message(data, interface(type_name))

    def state_path(self, home: Path) -> Path:
        return home / "state" / f"{self.name}.state"

    @property
    def overrides(self) -> Mapping[str, object]:
        """Parameter values given from outside."""
        return {key: parameter.value for key, parameter in self._parameter_overrides.items()}

    def _report(self, error: BaseException) -> None:
        self.log.error(f"{type(error).__name__}: {error}", throttle_s=1.0, key="worker")


class _RosClock:
    def __init__(self, node: rclpy.node.Node) -> None:
        self._clock = node.get_clock()

    def now_ns(self) -> int:
        return int(self._clock.now().nanoseconds)


class _RosLog:
    def __init__(self, node: rclpy.node.Node) -> None:
        self._logger = node.get_logger()
        self._next_ns: dict[str, int] = {}

    def _due(self, throttle_s: float, key: str) -> bool:
        if throttle_s <= 0.0:
            return True
        now_ns = time.monotonic_ns()
        if now_ns < self._next_ns.get(key, 0):
            return False
        self._next_ns[key] = now_ns + round(throttle_s * NS_PER_S)
        return True

    def info(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key):
            self._logger.info(text)

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key):
            self._logger.warning(text)

    def error(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        if self._due(throttle_s, key):
            self._logger.error(text)


class _RosPublisher:
    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self.topic = str(publisher.topic_name)

    @property
    def subscriber_count(self) -> int:
        return int(self._publisher.get_subscription_count())

    def publish(self, message: Any) -> None:
        if self._publisher.handle is not None and rclpy.ok():
            self._publisher.publish(message)


class _RosTimer:
    def __init__(self, node: rclpy.node.Node, timer: Any) -> None:
        self._node = node
        self._timer = timer

    def cancel(self) -> None:
        self._timer.cancel()


def _ros_value(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    unit = f" [{spec.unit}]" if spec.unit else ""
    descriptor = ParameterDescriptor(
        description=f"{spec.doc}{unit}",
        additional_constraints=spec.expected,
        # An empty list has no element type in rclpy, and YAML writes 30 for 30.0.
        dynamic_typing=True,
    )
    if spec.low is not None and spec.high is not None:
        if spec.type is int:
            descriptor.integer_range = [
                IntegerRange(from_value=int(spec.low), to_value=int(spec.high))
            ]
        elif spec.type is float:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(spec.low), to_value=float(spec.high))
            ]
    return descriptor


def _check_changes(
    known: Mapping[str, ParameterSpec], changes: list[Parameter]
) -> SetParametersResult:
    """Refuse a wrong value; a right one takes effect at the next `configure`."""
    for change in changes:
        if change.name in known:
            try:
                known[change.name].convert(change.value)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)
