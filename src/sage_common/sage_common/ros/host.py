"""What a node needs from the world it runs in; the ROS host and the lock-step host give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from sage_common.core.clock import Clock
from sage_common.core.topics import ServiceSpec, TopicSpec

HEALTH_LEVELS = ("ok", "warn", "error")


class ServiceUnavailable(RuntimeError):
    """A service that nobody offers, or that did not answer in time."""


class Logger(Protocol):
    """Log lines; with `throttle_s`, at most one a period for each `key`."""

    def info(self, text: str, throttle_s: float = 0.0, key: str = "") -> None: ...

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None: ...

    def error(self, text: str, throttle_s: float = 0.0, key: str = "") -> None: ...


class Publisher(Protocol):
    """Sends messages of one topic."""

    @property
    def topic(self) -> str: ...

    @property
    def subscriber_count(self) -> int: ...

    @property
    def published(self) -> int:
        """Messages sent so far."""

    def publish(self, message: Any) -> None: ...


class ServiceClient(Protocol):
    """Calls one service, from a worker only."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody offers the service; False if nobody does in time."""

    def call(self, request: Any, timeout_s: float) -> Any:
        """The response.

        Raises:
            ServiceUnavailable: nobody offers the service, or no answer within `timeout_s`.
        """


class ActionClient(Protocol):
    """Runs one action, from a thread that is not the executor's."""

    def run(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None],
        should_stop: Callable[[], bool],
        discovery_s: float,
    ) -> Any:
        """The result; a goal that is cancelled, as `should_stop` says, has one, too.

        Raises:
            ServiceUnavailable: no node serves it, it refuses, or it goes away meanwhile.
        """


class Worker(Protocol):
    """One thread with a short queue, for work that must not hold up callbacks."""

    @property
    def dropped(self) -> int:
        """Jobs that were pushed out of the full queue by newer ones."""

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        """Queue a job; False if the oldest waiting one had to make room."""

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs or waits; False if that took longer than `timeout_s`."""

    def abandon(self) -> None:
        """Its job hangs: drop what waits, take no more, and never wait for the thread again."""


class Timer(Protocol):
    """A periodic callback."""

    def cancel(self) -> None: ...

    def set_period(self, period_s: float) -> None:
        """Call every `period_s` [s], > 0, once the call that is awaited now has come."""


class Host(Protocol):
    """The factories and facts that a node uses; names are already fully resolved."""

    name: str
    rng: np.random.Generator
    threaded: bool

    @property
    def clock(self) -> Clock: ...

    @property
    def log(self) -> Logger: ...

    @property
    def overrides(self) -> Mapping[str, object]: ...

    def resolve(self, relative_name: str) -> str: ...

    def read_parameters(self, cls: type) -> Any: ...

    def serve_parameters(self, cls: type, changed: Callable[[], None]) -> None:
        """Let those be set that may be changed while the node is active; `changed` after each."""

    def make_publisher(self, spec: TopicSpec, topic: str) -> Publisher: ...

    def make_subscription(
        self,
        spec: TopicSpec,
        topic: str,
        callback: Callable[[Any], None],
        raw: bool,
        on_refused: Callable[[str], None],
    ) -> Callable[[], None]:
        """Subscribe, and return what ends it before the node does.

        `on_refused` is given the reason why a publisher is not connected (QoS).
        """

    def published_topics(self) -> dict[str, str]:
        """Topics that somebody publishes now, of the graph or not, with their types.

        One whose publishers disagree on the type is left out, as are hidden ones.
        """

    def offered_profile(self, topic: str) -> str:
        """The QoS profile that all who publish a topic now can serve."""

    def mailbox_name(self, topic: str) -> str:
        """What the mailbox of a topic is called; empty: this host has no mailboxes."""

    def make_timer(
        self, period_s: float, callback: Callable[[], object], steady: bool = False
    ) -> Timer:
        """A timer on the node's clock, or on one that runs also while a simulated one stands."""

    def make_service(
        self, spec: ServiceSpec, name: str, handler: Callable[[Any, Any], Any]
    ) -> None: ...

    def find_services(self, ending: str) -> list[str]:
        """Full names of the services of this namespace, now, that end with `ending`."""

    def make_client(self, spec: ServiceSpec, name: str) -> ServiceClient: ...

    def make_action(
        self, spec: ServiceSpec, name: str, execute: Callable[..., Any], at_once: int
    ) -> None:
        """Serve an action; so many goals are executed at the same time, each on a worker."""

    def make_action_client(self, spec: ServiceSpec, name: str) -> ActionClient: ...

    def make_worker(
        self, name: str, queue_size: int, on_error: Callable[[BaseException], None]
    ) -> Worker: ...

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no worker runs or has jobs; False if that took longer."""

    def stopwatch_ns(self) -> int: ...
