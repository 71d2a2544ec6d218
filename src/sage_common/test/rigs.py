"""The same handles on both hosts, so that one test can drive either."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.action import ActionClient
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from sage_common.core.topics import ACTIONS, SERVICES, topic
from sage_common.ros.container import ros_arguments
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.interfaces import interface
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_common.ros.qos import PROFILES
from sage_common.ros.rclpy_host.host import RosHost

NAMESPACE = "/sage"
PATIENCE_S = 20.0
SUBSCRIBER_QOS = QoSProfile(depth=200)
MATCHING_S = 0.2  # one side knows of a match before the other does


class LockstepRig:
    """Drives nodes on the lock-step host."""

    threaded = False

    def __init__(self, home: Path) -> None:
        self.graph = LockstepHost(home=home)

    def add(self, node_type: type[SageNode], **parameters: object) -> SageNode:
        return self.graph.add(node_type, parameters=parameters)

    def now_ns(self) -> int:
        return self.graph.clock.now_ns()

    def publish(self, key: str, message: Any, **names: str) -> None:
        # Now, whatever its stamp says: that is how a wrong stamp arrives.
        spec = topic(key)
        name = self.graph.resolve(spec.name.format(**names))
        self.graph.publish_serialized(self.now_ns(), name, spec.type, serialize_message(message))

    def until(self, condition: Callable[[], bool]) -> bool:
        for _ in range(200):
            if condition():
                return True
            self.graph.run_for(0.05)
        return condition()

    def call(self, key: str, request: Any) -> Any:
        return self.graph.call(key, request)

    def run_action(self, key: str, goal: Any, cancel_after: int | None = None) -> Any:
        return self.graph.run_action(key, goal, cancel_after)

    def messages(self, key: str, **names: str) -> list[Any]:
        return self.graph.messages(key, **names)

    def logs(self) -> list[str]:
        return [line.text for line in self.graph.logs]

    def status(self, node: str) -> DiagnosticStatus | None:
        found = [
            status
            for item in self.graph.outputs
            if item.topic == "/diagnostics"
            for status in item.message().status
            if status.name == f"{NAMESPACE}/{node}"
        ]
        return found[-1] if found else None

    def deactivate(self, node: SageNode) -> None:
        node.deactivate()

    def activate(self, node: SageNode) -> None:
        node.activate()

    def close(self) -> None:
        self.graph.close()


class LogTap:
    """Remembers what a node logs, and logs it. (/rosout may lose lines on a busy machine.)"""

    def __init__(self, logger: Any, lines: list[str]) -> None:
        self._logger = logger
        self._lines = lines

    def info(self, text: str) -> None:
        self._lines.append(text)
        self._logger.info(text)

    def warning(self, text: str) -> None:
        self._lines.append(text)
        self._logger.warning(text)

    def error(self, text: str) -> None:
        self._lines.append(text)
        self._logger.error(text)


class RosRig:
    """Drives nodes on the ROS host: a real executor in a thread, a real client beside it."""

    threaded = True

    def __init__(self, home: Path, executor_type: type[Executor] = EXECUTOR) -> None:
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self.home = home
        self.hosts: list[RosHost] = []
        self.failures: list[Exception] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._executor = executor_type()
        self.driver = rclpy.create_node("driver", namespace=NAMESPACE)
        self._driving = SingleThreadedExecutor()
        self._driving.add_node(self.driver)
        self._publishers: dict[str, Any] = {}
        self._heard: dict[str, list[Any]] = {}
        self._subscriptions: dict[str, Any] = {}
        self._logs: list[str] = []
        self._statuses: dict[str, DiagnosticStatus] = {}
        self.driver.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, SUBSCRIBER_QOS
        )

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            self._statuses[status.name] = status

    def construct(
        self,
        node_type: type[SageNode],
        parameters: Mapping[str, object] | None = None,
        name: str | None = None,
        **entry: Any,
    ) -> RosHost:
        """A host that has not been started."""
        given = {"home": str(self.home), **(parameters or {})}
        arguments = ros_arguments({"namespace": NAMESPACE, **entry, "parameters": given})
        host = RosHost(node_type, name, arguments)
        host.log._logger = LogTap(host.get_logger(), self._logs)
        self.hosts.append(host)
        self._executor.add_node(host)
        return host

    def add(self, node_type: type[SageNode], **parameters: object) -> SageNode:
        host = self.construct(node_type, parameters)
        host.start()
        self.spin()
        return host.node

    def spin(self) -> None:
        """Start the executor's thread, if it does not run."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._spin, daemon=True)
            self._thread.start()

    def _spin(self) -> None:
        while not self._stop.is_set():
            try:
                self._executor.spin_until_future_complete(Future(), timeout_sec=0.05)
            except Exception as error:  # noqa: BLE001 - the test looks at what came out
                self.failures.append(error)

    def now_ns(self) -> int:
        return int(self.driver.get_clock().now().nanoseconds)

    def until(self, condition: Callable[[], bool]) -> bool:
        """Spin the driver until the condition holds; False if it never does."""
        end = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < end:
            self._driving.spin_once(timeout_sec=0.02)
        return condition()

    def for_a_while(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._driving.spin_once(timeout_sec=0.02)

    def full_name(self, key: str, **names: str) -> str:
        return f"{NAMESPACE}/{topic(key).name.format(**names)}"

    def publish(self, key: str, message: Any, **names: str) -> None:
        self._publisher(key, **names).publish(message)

    def _publisher(self, key: str, **names: str) -> Any:
        name = self.full_name(key, **names)
        if name not in self._publishers:
            spec = topic(key)
            publisher = self.driver.create_publisher(interface(spec.type), name, PROFILES[spec.qos])
            self._publishers[name] = publisher
            assert self.until(lambda: publisher.get_subscription_count() > 0), name
            if spec.qos == "sensor":
                self.for_a_while(MATCHING_S)
        return self._publishers[name]

    def listen(self, key: str, **names: str) -> list[Any]:
        """What is heard on a topic from now on."""
        name = self.full_name(key, **names)
        if name not in self._heard:
            spec = topic(key)
            heard = self._heard[name] = []
            self._subscriptions[name] = self.driver.create_subscription(
                interface(spec.type), name, heard.append, PROFILES[spec.qos]
            )
            assert self.until(lambda: self.driver.count_publishers(name) > 0), name
            self.for_a_while(MATCHING_S)
        return self._heard[name]

    def messages(self, key: str, **names: str) -> list[Any]:
        return self.listen(key, **names)

    def _wait(self, future: Future) -> Any:
        assert self.until(future.done), "no answer"
        return future.result()

    def call(self, key: str, request: Any) -> Any:
        return self.call_named(interface(SERVICES[key].type), f"{NAMESPACE}/{key}", request)

    def call_named(self, service_type: Any, name: str, request: Any) -> Any:
        client = self.driver.create_client(service_type, name)
        if not self.until(client.service_is_ready):
            # on a crowded machine the middleware may lose the announcement of an endpoint for good
            self.driver.destroy_client(client)
            client = self.driver.create_client(service_type, name)
            assert self.until(client.service_is_ready), name
        response = self._wait(client.call_async(request))
        self.driver.destroy_client(client)
        return response

    def run_action(self, key: str, goal: Any, cancel_after: int | None = None) -> Any:
        client = ActionClient(self.driver, interface(ACTIONS[key].type), f"{NAMESPACE}/{key}")
        assert self.until(client.server_is_ready)
        feedback: list[Any] = []
        handle = self._wait(
            client.send_goal_async(goal, lambda message: feedback.append(message.feedback))
        )
        assert handle.accepted
        if cancel_after is not None:
            assert self.until(lambda: len(feedback) >= cancel_after)
            self._wait(handle.cancel_goal_async())
        result = self._wait(handle.get_result_async())
        client.destroy()
        return result.result, feedback

    def logs(self) -> list[str]:
        return self._logs

    def status(self, node: str) -> DiagnosticStatus | None:
        return self._statuses.get(f"{NAMESPACE}/{node}")

    def deactivate(self, node: SageNode) -> None:
        self._host(node).trigger_deactivate()

    def activate(self, node: SageNode) -> None:
        self._host(node).trigger_activate()

    def _host(self, node: SageNode) -> RosHost:
        return next(host for host in self.hosts if host.node is node)

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for host in reversed(self.hosts):
            host.stop()
        self._executor.shutdown()
        self._driving.shutdown()
        self.driver.destroy_node()
        rclpy.shutdown()
        # The handles of a node are in reference cycles: until these are collected its services stay
        # in the graph, half of them at times, and then rmw holds those of the same name for absent.
        self.hosts.clear()
        gc.collect()
