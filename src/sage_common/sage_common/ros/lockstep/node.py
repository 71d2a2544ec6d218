"""What one node sees of the simulated graph."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.parameters import build, specs
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.core.throttle import Throttle, call_site
from sage_common.core.topics import ServiceSpec, TopicSpec, service_spec
from sage_common.ros.lockstep.parameter_service import SET_PARAMETERS, ParameterService

if TYPE_CHECKING:
    from sage_common.ros.lockstep.host import LockstepHost

TIMER_LABEL = "~timer "


class LockstepNodeHost(Stateful):
    """What one node sees of the simulated graph; see `sage_common.ros.host.Host`."""

    log: State[_Log]
    timers: State[list[_Timer]]
    _publishers: State[list[_Publisher]]
    rng: State[np.random.Generator]

    threaded = False

    def __init__(
        self,
        graph: LockstepHost,
        name: str,
        overrides: dict[str, object],
        remappings: Mapping[str, str],
    ) -> None:
        self.name = name
        self.clock = graph.clock
        self.log = _Log(graph, name)
        self.overrides = overrides
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self.rng = np.random.default_rng(seed)
        self._graph = graph
        self._publishers = []
        self.timers = []
        self._remappings = {
            graph.resolve(old): graph.resolve(new) for old, new in remappings.items()
        }

    def resolve(self, relative_name: str) -> str:
        private = relative_name.startswith("~/")
        own = f"{self.name}{relative_name[1:]}" if private else relative_name
        name = self._graph.resolve(own)
        return self._remappings.get(name, name)

    def read_parameters(self, cls: type) -> Any:
        return build(cls, self.overrides)

    def serve_parameters(self, cls: type, changed: Callable[[], None]) -> None:
        if any(spec.changeable for spec in specs(cls)):
            name = self.resolve(SET_PARAMETERS)
            service = ParameterService(cls, self.overrides, changed)
            self._graph.add_service(name, service_spec(SET_PARAMETERS), service.set_all)

    def make_publisher(self, spec: TopicSpec, topic: str) -> _Publisher:
        publisher = _Publisher(self._graph, self.name, spec, topic)
        self._publishers.append(publisher)
        return publisher

    def make_subscription(
        self,
        spec: TopicSpec,
        topic: str,
        callback: Callable[[Any], None],
        raw: bool,
        on_refused: Callable[[str], None],
    ) -> Callable[[], None]:
        return self._graph.add_subscription(topic, self.name, spec, callback, raw)

    def published_topics(self) -> dict[str, str]:
        return {}  # nobody looks from outside

    def offered_profile(self, topic: str) -> str:
        return "sensor"

    def mailbox_name(self, topic: str) -> str:
        return ""  # a bag holds no handles: what they name has gone

    def make_timer(
        self, period_s: float, callback: Callable[[], object], steady: bool = False
    ) -> _Timer:
        timer = _Timer(self._graph, TIMER_LABEL + self.name, period_s, callback)
        self.timers.append(timer)
        return timer

    def make_service(
        self, spec: ServiceSpec, name: str, handler: Callable[[Any, Any], Any]
    ) -> None:
        self._graph.add_service(name, spec, handler)

    def find_services(self, ending: str) -> list[str]:
        return self._graph.find_services(ending)

    def make_client(self, spec: ServiceSpec, name: str) -> _Client:
        return _Client(self._graph, name)

    def make_action(
        self, spec: ServiceSpec, name: str, execute: Callable[..., Any], at_once: int
    ) -> None:
        self._graph.add_action(name, spec, execute)

    def make_action_client(self, spec: ServiceSpec, name: str) -> _ActionClient:
        return _ActionClient(self._graph, name)

    def make_worker(
        self, name: str, queue_size: int, on_error: Callable[[BaseException], None]
    ) -> _InlineWorker:
        return _InlineWorker(on_error)

    def wait_idle(self, timeout_s: float) -> bool:
        return True

    def stopwatch_ns(self) -> int:
        return self.clock.now_ns()


class _Log(Stateful):
    throttle: State[Throttle]

    def __init__(self, graph: LockstepHost, node: str) -> None:
        self._graph = graph
        self._node = node
        self.throttle = Throttle()

    def _write(
        self, level: str, text: str, throttle_s: float, key: str, caller: FrameType | None
    ) -> None:
        cause = key or call_site(caller)
        if self.throttle.due(self._graph.clock.now_ns(), throttle_s, cause):
            self._graph.write_log(level, self._node, text)

    def info(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        self._write("info", text, throttle_s, key, inspect.currentframe())

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        self._write("warning", text, throttle_s, key, inspect.currentframe())

    def error(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        self._write("error", text, throttle_s, key, inspect.currentframe())


class _Publisher(Stateful):
    published: State[int] = 0

    def __init__(self, graph: LockstepHost, node: str, spec: TopicSpec, topic: str) -> None:
        self._graph = graph
        self._node = node
        self._spec = spec
        self.topic = topic

    @property
    def subscriber_count(self) -> int:
        return self._graph.subscriber_count(self._spec, self.topic)

    def publish(self, message: Any) -> None:
        self._graph.emit(self._node, self.topic, self._spec, message)
        self.published += 1


class _Timer(Stateful):
    _due_ns: State[int]
    sequence: State[int]
    """Its place among what happens at the same time."""
    _cancelled: State[bool] = False
    _period_ns: State[int]

    def __init__(
        self, graph: LockstepHost, label: str, period_s: float, callback: Callable[[], object]
    ) -> None:
        self._graph = graph
        self._label = label
        self._period_ns = round(period_s * NS_PER_S)
        self._callback = callback
        self._due_ns = graph.clock.now_ns()
        self._arm()

    def cancel(self) -> None:
        self._cancelled = True

    def set_period(self, period_s: float) -> None:
        self._period_ns = round(period_s * NS_PER_S)

    def _arm(self) -> None:
        self._due_ns += self._period_ns
        self.sequence = self._graph.schedule(self._due_ns, self._label, self._fire)

    def _fire(self) -> None:
        if self._cancelled:
            return
        self._arm()
        self._callback()

    def arm_again(self) -> None:
        """After restoring, in the order of `sequence` of all timers of the graph."""
        self._due_ns -= self._period_ns
        self._arm()


class _Client:
    def __init__(self, graph: LockstepHost, name: str) -> None:
        self._graph = graph
        self._name = name

    def wait(self, timeout_s: float) -> bool:
        return self._name in self._graph.find_services(self._name)

    def call(self, request: Any, timeout_s: float) -> Any:
        return self._graph.call_by_name(self._name, request)


class _ActionClient:
    def __init__(self, graph: LockstepHost, name: str) -> None:
        self._graph = graph
        self._name = name

    def run(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None],
        should_stop: Callable[[], bool],
        discovery_s: float,
    ) -> Any:
        return self._graph.run_action_by_name(self._name, goal, on_feedback, should_stop)


class _InlineWorker:
    """Runs each job at once: nothing can overlap, so nothing can differ between runs."""

    def __init__(self, on_error: Callable[[BaseException], None]) -> None:
        self.dropped = 0
        self._abandoned = False
        self._on_error = on_error

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        if self._abandoned:
            self.dropped += 1
            return False
        try:
            job(*arguments)
        except Exception as error:  # noqa: BLE001 - a failed job must not end the node
            self._on_error(error)
        return True

    def wait_idle(self, timeout_s: float) -> bool:
        return True

    def abandon(self) -> None:
        self._abandoned = True
