"""Messages and calls between the nodes of one process, handed over without DDS.

rclpy has no intra-process communication: between two nodes of one process every message is
serialized, copied by the middleware and deserialized, for each subscriber. In a container that was
more than a third of its time. Here the message object itself is handed over, through a queue as
long as the topic's QoS depth, and a service handler is called on its worker.

The middleware must then not deliver the same message a second time: Fast DDS is kept from it
by `fastdds.ignore_local_endpoints` in `config/fastdds.xml`. `SAGE_LOCAL_BUS=1` says that this
profile is in effect; whoever sets one sets the other (`sage.graph.environment`).

A message must not be changed after it was published or received, as with shared pointers in rclcpp.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import Executor

from sage_common.core.latched import LatchedMessages
from sage_common.ros.qos import OFFERED, PROFILES, is_kept

VARIABLE = "SAGE_LOCAL_BUS"
_FAST_DDS = "rmw_fastrtps_cpp"


def local_bus_enabled() -> bool:
    """True if the middleware of this process leaves local messages to the local bus."""
    in_use = rclpy.get_rmw_implementation_identifier()
    return os.environ.get(VARIABLE) == "1" and in_use == _FAST_DDS


class LocalSubscription:
    """The queue in front of one callback; the oldest message makes room for the newest.

    Args:
        qos: QoS profile; its depth is the length of the queue.
        callback: runs on the executor.
        executor: of the subscribing node, when asked; None: it does not spin (yet, or any more).
    """

    def __init__(
        self, qos: str, callback: Callable[[Any], None], executor: Callable[[], Executor | None]
    ) -> None:
        self.dropped = 0
        self._callback = callback
        self._executor = executor
        self._waiting: deque[Any] = deque()
        self._depth = PROFILES[qos].depth
        self._lock = threading.Lock()

    def offer(self, message: Any) -> None:
        """Queue a message; from any thread."""
        executor = self._executor()
        if executor is None:
            return
        with self._lock:
            self._waiting.append(message)
            if len(self._waiting) > self._depth:
                # One task for each message in the queue: the one that lost its message is reused.
                self._waiting.popleft()
                self.dropped += 1
                return
        executor.create_task(self._take)

    def _take(self) -> None:
        with self._lock:
            message = self._waiting.popleft()
        self._callback(message)


class LocalBus:
    """Subscriptions and services of all nodes of this process, by full name."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[LocalSubscription]] = defaultdict(list)
        self._latched: LatchedMessages[object, Any] = LatchedMessages()
        self._latching = threading.Lock()
        self._services: dict[str, Callable[[Any, float], Any]] = {}
        self._actions: dict[str, Callable[..., Any]] = {}

    def subscribe(self, topic: str, subscription: LocalSubscription) -> Callable[[], None]:
        """Add a subscription; what to call to take it away again."""
        with self._latching:
            self._subscriptions[topic].append(subscription)
            for message in self._latched.of_topic(topic):
                subscription.offer(message)
        return lambda: self._subscriptions[topic].remove(subscription)

    def subscriber_count(self, topic: str) -> int:
        """Subscriptions of a topic in this process."""
        return len(self._subscriptions.get(topic, ()))

    def publish(self, topic: str, message: Any, qos: str, publisher: object) -> None:
        """Hand a message of a publisher to every subscription of this process."""
        if is_kept(qos):
            with self._latching:  # who subscribes meanwhile gets it once, from here or from there
                self._latched.keep(topic, publisher, message, OFFERED[qos].depth)
                subscriptions = tuple(self._subscriptions.get(topic, ()))
        else:
            subscriptions = tuple(self._subscriptions.get(topic, ()))
        for subscription in subscriptions:
            subscription.offer(message)

    def forget(self, topic: str, publisher: object) -> None:
        """A publisher has gone: late subscribers get its latched messages no more."""
        with self._latching:
            self._latched.forget(topic, publisher)

    def serve(self, name: str, call: Callable[[Any, float], Any]) -> Callable[[], None]:
        """Add a service, `call(request, timeout_s) -> response`; what to call to take it away."""
        self._services[name] = call
        return lambda: self._services.pop(name, None)

    def serve_action(self, name: str, run: Callable[..., Any]) -> Callable[[], None]:
        """Add an action, `run(goal, on_feedback, should_stop)`; what to call to take it away."""
        self._actions[name] = run
        return lambda: self._actions.pop(name, None)

    def action(self, name: str) -> Callable[..., Any] | None:
        """The action of this process with this name; None if it has none."""
        return self._actions.get(name)

    def services(self) -> list[str]:
        """Names of the services of this process."""
        return list(self._services)

    def service(self, name: str) -> Callable[[Any, float], Any] | None:
        """The service of this process with this name; None if it has none."""
        return self._services.get(name)


BUS = LocalBus()
"""The bus of this process."""
