"""The lock-step host: nodes in one process, simulated time, no DDS, the same output each time.

Messages are delivered in the order of (stamp, topic, sequence). Each is serialized and read back,
as on a network, so a node sees exactly what it would see there (float32 fields, for instance).
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message

from sage_common.core.clock import NS_PER_S, ManualClock
from sage_common.core.latched import LatchedMessages
from sage_common.core.topics import ServiceSpec, TopicSpec, topic
from sage_common.ros.conversions.definitions import canonical
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.interfaces import interface
from sage_common.ros.lockstep.node import LockstepNodeHost
from sage_common.ros.node import SageNode
from sage_common.ros.qos import OFFERED, is_kept

DEFAULT_START_NS = 1_700_000_000 * NS_PER_S
DEFAULT_NAMESPACE = "/sage"


@dataclass(frozen=True)
class Delivered:
    """One message as it went over the simulated graph."""

    time_ns: int
    topic: str
    type_name: str
    data: bytes

    def message(self) -> Any:
        """The message, deserialized."""
        return deserialize_message(self.data, interface(self.type_name))


@dataclass(frozen=True)
class Subscription:
    """One subscription of one node."""

    node: str
    spec: TopicSpec
    callback: Callable[[Any], None]
    raw: bool


@dataclass(frozen=True)
class LogLine:
    """One line that a node logged."""

    level: str
    node: str
    text: str


class LockstepHost:
    """A simulated graph.

    `on_output(delivered)` is called with every message that a node publishes, and
    `on_handled(node, topic, duration_ns)` with the real time that a node took over one message,
    inline workers included.
    `nodes`, `node_hosts`, `events` and `latched` are what `lockstep.snapshot` writes down.

    Args:
        start_ns: simulated time at the start [ns].
        namespace: namespace of the graph, absolute.
        home: SAGE home folder for nodes whose parameters name none; None: their default.
        watched: topic keys that count as subscribed even if no node subscribes them.
        keep_outputs: remember every published message for `messages` and `digest`.
    """

    def __init__(
        self,
        start_ns: int = DEFAULT_START_NS,
        namespace: str = DEFAULT_NAMESPACE,
        home: Path | None = None,
        watched: tuple[str, ...] = (),
        keep_outputs: bool = True,
    ) -> None:
        self.clock = ManualClock(start_ns)
        self.namespace = namespace
        self.home = home
        self.nodes: list[SageNode] = []
        self.logs: list[LogLine] = []
        self.outputs: list[Delivered] = []
        self.on_output: Callable[[Delivered], None] | None = None
        self.on_handled: Callable[[str, str, int], None] | None = None
        self._watched = watched
        self._keep_outputs = keep_outputs
        self._subscriptions: dict[str, list[Subscription]] = defaultdict(list)
        self.latched: LatchedMessages[str, Delivered] = LatchedMessages()
        self._services: dict[str, tuple[ServiceSpec, Callable[[Any, Any], Any]]] = {}
        self._actions: dict[str, tuple[ServiceSpec, Callable[..., Any]]] = {}
        self.events: list[tuple[int, str, int, Callable[[], None]]] = []
        self._sequence = 0
        self.node_hosts: list[LockstepNodeHost] = []
        self._preparing = False

    # -- building ----------------------------------------------------------------------------

    def add(
        self,
        node_type: type[SageNode],
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
        remappings: Mapping[str, str] | None = None,
        activate: bool = True,
    ) -> SageNode:
        """Construct a node, configure it and (by default) activate it."""
        overrides = dict(parameters or {})
        if self.home is not None:
            overrides.setdefault("home", str(self.home))
        node_host = LockstepNodeHost(
            self, name or node_type.default_name, overrides, dict(remappings or {})
        )
        node = node_type(node_host)
        node.configure()
        if activate:
            node.activate()
        self.nodes.append(node)
        self.node_hosts.append(node_host)
        return node

    def close(self) -> None:
        """Deactivate every node, the newest first; learned state is saved."""
        for node in reversed(self.nodes):
            if node.active:
                node.deactivate()
        self.nodes.clear()
        self.node_hosts.clear()

    @contextlib.contextmanager
    def preparing(self) -> Iterator[None]:
        """While nodes are added that then resume from a snapshot: what they publish is dropped."""
        self._preparing = True
        try:
            yield
        finally:
            self._preparing = False

    # -- driving -----------------------------------------------------------------------------

    def publish(self, topic_key: str, message: Any, **names: str) -> None:
        """Publish a registered topic from outside, at its header stamp or now, if that is later."""
        spec = topic(topic_key)
        stamp = stamp_ns(message.header.stamp) if hasattr(message, "header") else 0
        name = self.resolve(spec.name.format(**names))
        self.publish_serialized(stamp, name, spec.type, serialize_message(message))

    def publish_serialized(self, time_ns: int, name: str, type_name: str, data: bytes) -> None:
        """Publish from outside at `time_ns`, or now if that is later; full topic name."""
        item = Delivered(max(time_ns, self.clock.now_ns()), name, type_name, data)
        self.schedule(item.time_ns, name, lambda: self._deliver(item))

    def run_until(self, time_ns: int) -> None:
        """Deliver everything up to and including `time_ns`; the clock then stands there."""
        while self.events and self.events[0][0] <= time_ns:
            self._step()
        self.clock.advance_to(max(time_ns, self.clock.now_ns()))

    def run_for(self, duration_s: float) -> None:
        """Run `duration_s` of simulated time."""
        self.run_until(self.clock.now_ns() + round(duration_s * NS_PER_S))

    def call(self, service_key: str, request: Any) -> Any:
        """Call a registered service from outside.

        Raises:
            ServiceUnavailable: no node serves it.
        """
        return self.call_by_name(self.resolve(service_key), request)

    def run_action(
        self, action_key: str, goal: Any, cancel_after: int | None = None
    ) -> tuple[Any, list[Any]]:
        """Run a registered action from outside; its result and its feedback.

        Args:
            action_key: which.
            goal: its goal.
            cancel_after: ask to cancel after so many feedback messages; None: never.

        Raises:
            ServiceUnavailable: no node serves it.
        """
        feedback: list[Any] = []
        result = self.run_action_by_name(
            self.resolve(action_key),
            goal,
            feedback.append,
            lambda: cancel_after is not None and len(feedback) >= cancel_after,
        )
        return result, feedback

    # -- looking -----------------------------------------------------------------------------

    def messages(self, topic_key: str, **names: str) -> list[Any]:
        """What nodes have published on a registered topic, in order."""
        name = self.resolve(topic(topic_key).name.format(**names))
        return [item.message() for item in self.outputs if item.topic == name]

    def digest(self) -> str:
        """SHA-256 over time, topic and bytes of every output, in order."""
        total = hashlib.sha256()
        for item in self.outputs:
            total.update(f"{item.time_ns} {item.topic} {len(item.data)}\n".encode())
            total.update(item.data)
        return total.hexdigest()

    def resolve(self, name: str) -> str:
        """The full name of a relative one."""
        return name if name.startswith("/") else f"{self.namespace.rstrip('/')}/{name}"

    # -- used by the nodes' hosts ------------------------------------------------------------

    def schedule(self, time_ns: int, label: str, action: Callable[[], None]) -> int:
        """Do something at a simulated time; ties are ordered by label, then by sequence: that."""
        self._sequence += 1
        heapq.heappush(self.events, (time_ns, label, self._sequence, action))
        return self._sequence

    def emit(self, node: str, name: str, spec: TopicSpec, message: Any) -> None:
        """A node publishes now."""
        if self._preparing:
            return
        data = canonical(serialize_message(message), spec.type)
        item = Delivered(self.clock.now_ns(), name, spec.type, data)
        if self._keep_outputs:
            self.outputs.append(item)
        if self.on_output is not None:
            self.on_output(item)
        if is_kept(spec.qos):
            self.latched.keep(name, node, item, OFFERED[spec.qos].depth)
        if self._subscriptions.get(name):
            self.schedule(item.time_ns, name, lambda: self._deliver(item))

    def subscriber_count(self, spec: TopicSpec, name: str) -> int:
        return len(self._subscriptions.get(name, ())) + (spec.key in self._watched)

    def write_log(self, level: str, node: str, text: str) -> None:
        self.logs.append(LogLine(level, node, text))

    def add_subscription(
        self, name: str, node: str, spec: TopicSpec, callback: Callable[[Any], None], raw: bool
    ) -> Callable[[], None]:
        subscription = Subscription(node, spec, callback, raw)
        self._subscriptions[name].append(subscription)
        for item in self.latched.of_topic(name) if is_kept(spec.qos) else ():
            self.schedule(self.clock.now_ns(), name, partial(self._hand, item, subscription))
        return lambda: self._subscriptions[name].remove(subscription)

    def add_service(self, name: str, spec: ServiceSpec, handler: Callable[[Any, Any], Any]) -> None:
        self._services[name] = (spec, handler)

    def add_action(self, name: str, spec: ServiceSpec, execute: Callable[..., Any]) -> None:
        self._actions[name] = (spec, execute)

    def _step(self) -> None:
        time_ns, _, _, action = heapq.heappop(self.events)
        self.clock.advance_to(max(time_ns, self.clock.now_ns()))
        action()

    def _deliver(self, item: Delivered) -> None:
        for subscription in tuple(self._subscriptions.get(item.topic, ())):
            self._hand(item, subscription)

    def _hand(self, item: Delivered, subscription: Subscription) -> None:
        if subscription.spec.type != item.type_name:
            raise TypeError(
                f"{item.topic}: {item.type_name} published, {subscription.spec.type} subscribed"
            )
        # Each subscriber gets its own message, as on a network.
        message = item.data if subscription.raw else item.message()
        if self.on_handled is None:
            subscription.callback(message)
            return
        begin_ns = time.perf_counter_ns()
        subscription.callback(message)
        self.on_handled(subscription.node, item.topic, time.perf_counter_ns() - begin_ns)

    def find_services(self, ending: str) -> list[str]:
        """Full names of the services that end with `ending`."""
        return sorted(name for name in self._services if name.endswith(ending))

    def run_action_by_name(
        self,
        name: str,
        goal: Any,
        on_feedback: Callable[[Any], None],
        should_stop: Callable[[], bool],
    ) -> Any:
        """Run an action for a node; its result.

        Raises:
            ServiceUnavailable: no node serves it.
        """
        if name not in self._actions:
            raise ServiceUnavailable(f"{name}: no node serves it")
        execute = self._actions[name][1]
        return _sent(execute(_sent(goal), lambda message: on_feedback(_sent(message)), should_stop))

    def call_by_name(self, name: str, request: Any) -> Any:
        """Call a service by its full name.

        Raises:
            ServiceUnavailable: no node serves it.
        """
        if name not in self._services:
            raise ServiceUnavailable(f"{name}: no node serves it")
        spec, handler = self._services[name]
        service_type = interface(spec.type)
        return _sent(handler(_sent(request, service_type.Request), service_type.Response()))


def _sent(message: Any, expected: type | None = None) -> Any:
    """A message after a way over the network."""
    if expected is not None and not isinstance(message, expected):
        raise TypeError(f"request = {message!r}: expected {expected.__name__}")
    return deserialize_message(serialize_message(message), type(message))
