"""The base of every SAGE node: a managed node whose factories are the only way to the graph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from numpy.typing import NDArray

from sage_common.core import state_file
from sage_common.core.errors import InvalidInput, shorten
from sage_common.core.health import InputHealth
from sage_common.core.home import sage_home
from sage_common.core.parameters import NodeParameters
from sage_common.core.topics import ACTIONS, SERVICES, TopicSpec, topic
from sage_common.ros.checks import check_message, check_stamp
from sage_common.ros.host import Host, Publisher, ServiceClient, Timer, Worker
from sage_common.ros.latest import LatestMessages
from sage_common.ros.stamps import to_stamp

DIAGNOSTICS_PERIOD_S = 1.0
FAULT_LOG_PERIOD_S = 1.0
_LEVELS = {
    "ok": DiagnosticStatus.OK,
    "warn": DiagnosticStatus.WARN,
    "error": DiagnosticStatus.ERROR,
}
_DIAGNOSTICS = TopicSpec(
    "diagnostics", "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray",
    "standard", 1.0, 0.0, False, True, "all -> status, rqt", "health of every node",
)  # fmt: skip


class SageNode:
    """A managed (lifecycle) node that runs unchanged on the ROS host and the lock-step host.

    A subclass sets `default_name` and `parameters_type` and overrides the hooks `on_configure`
    (make publishers, subscriptions, services, timers), `on_activate` (load models, open devices)
    and `on_deactivate` (release both); one that learns also overrides `state` and `restore`.
    Callbacks run only while the node is active.

    Args:
        host: where it runs; see `sage_common.ros.host`.
    """

    default_name: ClassVar[str] = "node"
    parameters_type: ClassVar[type[NodeParameters]] = NodeParameters

    def __init__(self, host: Host) -> None:
        self._host = host
        self.name = host.name
        self.log = host.log
        self.clock = host.clock
        self.rng = host.rng
        self.active = False
        self.parameters: Any = None
        self._inputs: list[InputHealth] = []
        self._workers: dict[str, Worker] = {}
        self._diagnosed: dict[str, str] = {}
        self._health = ("ok", "running")
        self._failures = 0
        self._saving = threading.Lock()
        self._diagnostics: Publisher | None = None

    # -- hooks -------------------------------------------------------------------------------

    def on_configure(self) -> None:
        """Make publishers, subscriptions, timers and services."""

    def on_activate(self) -> None:
        """Load models and open devices; an error leaves the node inactive."""

    def on_deactivate(self) -> None:
        """Release what `on_activate` took."""

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything that this node has learned, as plain arrays; empty if it learns nothing."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `state` returned; called before `on_activate`."""

    # -- lifecycle, driven by the host -------------------------------------------------------

    def configure(self) -> None:
        """Read the parameters and set up.

        Raises:
            ParameterError: a parameter is unknown or wrong.
        """
        self.parameters = self._host.read_parameters(self.parameters_type)
        self.home = sage_home(self.parameters.home)
        self._diagnostics = self._host.make_publisher(_DIAGNOSTICS, _DIAGNOSTICS.name)
        self._host.make_timer(DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self.on_configure()
        self._host.make_timer(self.parameters.checkpoint_period_s, self._checkpoint_timer)

    def activate(self) -> None:
        """Restore the learned state, take devices and models, and start callbacks."""
        if self.parameters.resume:
            self._restore_state()
        self.on_activate()
        self.set_health("ok", "running")
        self.active = True

    def deactivate(self) -> None:
        """Stop callbacks, save the learned state, release devices and models."""
        self.active = False
        try:
            self.save_state()
        finally:
            self.on_deactivate()
            self.set_health("warn", "inactive")

    # -- factories ---------------------------------------------------------------------------

    def publisher(self, topic_key: str, **names: str) -> Publisher:
        """A publisher of a registered topic; `names` fill the placeholders of its name."""
        spec = topic(topic_key)
        return self._host.make_publisher(spec, self._host.resolve(spec.name.format(**names)))

    def subscribe(
        self, topic_key: str, callback: Callable[[Any], None], **names: str
    ) -> InputHealth:
        """Subscribe a registered topic; `callback` sees only messages that passed the checks."""
        spec = topic(topic_key)
        name = self._host.resolve(spec.name.format(**names))
        health = InputHealth(name, spec.rate_hz, spec.max_age_s)
        self._subscribe(spec.type, name, spec.qos, spec.stamp_checked, callback, health)
        return health

    def subscribe_foreign(
        self,
        topic_name: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        stamp_checked: bool = True,
    ) -> InputHealth:
        """Subscribe a topic of another package, by its own name and type, best effort."""
        name = self._host.resolve(topic_name)
        health = InputHealth(name)
        self._subscribe(type_name, name, "sensor", stamp_checked, callback, health)
        return health

    def keep_latest(self, topic_key: str, depth: int, **names: str) -> LatestMessages:
        """Keep the newest `depth` messages of a topic without deserializing them."""
        spec = topic(topic_key)
        name = self._host.resolve(spec.name.format(**names))
        kept = LatestMessages(
            depth,
            lambda data: self._host.deserialize(data, spec.type),
            lambda message: check_message(spec.type, message),
        )

        def keep(data: bytes) -> None:
            if self.active:
                kept.keep(data)

        self._host.make_subscription(spec.type, name, spec.qos, keep, raw=True)
        return kept

    def timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` every `period_s` while active."""

        def tick() -> None:
            if self.active:
                self._guarded(callback)

        return self._host.make_timer(period_s, tick)

    def service(self, key: str, handler: Callable[[Any, Any], Any]) -> None:
        """Serve a registered service; `handler(request, response) -> response` runs on a worker.

        While the node is inactive the response says so in `success` and `message`.
        """

        def serve(request: Any, response: Any) -> Any:
            if not self.active:
                response.success, response.message = False, f"{self.name} is not active"
                return response
            try:
                return handler(request, response)
            except InvalidInput as error:
                response.success, response.message = False, str(error)
                return response

        self._host.make_service(SERVICES[key], self._host.resolve(key), serve)

    def client(self, key: str) -> ServiceClient:
        """A client of a registered service; call it from a worker only."""
        return self._host.make_client(SERVICES[key], self._host.resolve(key))

    def action(self, key: str, execute: Callable[..., Any]) -> None:
        """Serve a registered action.

        `execute(goal, publish_feedback, cancel_requested) -> result` runs on a worker;
        `publish_feedback(feedback)` sends progress, `cancel_requested()` says whether to stop.
        """
        self._host.make_action(ACTIONS[key], self._host.resolve(key), execute)

    def worker(self, name: str, queue_size: int = 1) -> Worker:
        """A thread with a short queue; when it is full the oldest waiting job makes room."""
        worker = self._host.make_worker(name, queue_size, self._report_failure)
        self._workers[name] = worker
        return worker

    def stopwatch_ns(self) -> int:
        """Monotonic time [ns] for measuring own cost; stands still on the lock-step host."""
        return self._host.stopwatch_ns()

    @property
    def time_is_measured(self) -> bool:
        """False on the lock-step host, where nominal costs must be charged instead."""
        return self._host.threaded

    # -- health and state --------------------------------------------------------------------

    def diagnose(self, **values: object) -> None:
        """Show key/value pairs in /diagnostics from now on."""
        self._diagnosed.update({key: str(value) for key, value in values.items()})

    def set_health(self, level: str, text: str) -> None:
        """Set the node's own health: level ok, warn or error, and why in words."""
        self._health = (level, text)

    def save_state(self) -> str:
        """Write the learned state to disk; the path, or empty if there is nothing to save.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        with self._saving:
            state = self.state()
            if not state:
                return ""
            path = self._host.state_path(self.home)
            state_file.save(path, state)
            return str(path)

    def _restore_state(self) -> None:
        path = self._host.state_path(self.home)
        try:
            state = state_file.load(path)
        except FileNotFoundError:
            return
        except (state_file.StateFileError, OSError) as error:
            self.log.warning(f"starting without the saved state: {error}")
            return
        try:
            self.restore(state)
        except (KeyError, ValueError) as error:
            self.log.warning(f"starting without the saved state: {path}: {error}")

    def _checkpoint_timer(self) -> None:
        if not self.active:
            return
        try:
            self.save_state()
        except OSError as error:
            self.log.error(f"state not saved: {error}", throttle_s=10.0, key="save")
            self.set_health("error", f"state not saved: {error}")

    # -- guards ------------------------------------------------------------------------------

    def _subscribe(
        self,
        type_name: str,
        name: str,
        qos: str,
        stamp_checked: bool,
        callback: Callable[[Any], None],
        health: InputHealth,
    ) -> None:
        def receive(message: Any) -> None:
            if not self.active:
                return
            now_ns = self.clock.now_ns()
            try:
                if stamp_checked:
                    check_stamp(message, now_ns)
                check_message(type_name, message)
                callback(message)
            except InvalidInput as fault:
                health.reject(str(fault))
                self.log.warning(
                    f"{name}: dropped a message: {fault} ({health.rejected} so far)",
                    throttle_s=FAULT_LOG_PERIOD_S,
                    key=name,
                )
            except Exception as error:  # noqa: BLE001 - one bad message must not end the node
                self._report_failure(error)
            else:
                health.accept(now_ns)

        self._inputs.append(health)
        self._host.make_subscription(type_name, name, qos, receive, raw=False)

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - one failed tick must not end the node
            self._report_failure(error)

    def _report_failure(self, error: BaseException) -> None:
        self._failures += 1
        text = f"{type(error).__name__}: {error}"
        self.log.error(text, throttle_s=FAULT_LOG_PERIOD_S, key=type(error).__name__)
        self.diagnose(failures=self._failures, last_failure=shorten(text, 200))

    def _publish_diagnostics(self) -> None:
        if self._diagnostics is None:
            return
        now_ns = self.clock.now_ns()
        level, text = self._health
        stale = [i.topic for i in self._inputs if self.active and not i.alive(now_ns)]
        slow = [i.topic for i in self._inputs if self.active and not i.rate_ok]
        if level == "ok" and stale:
            level, text = "warn", "no fresh input on " + ", ".join(stale)
        elif level == "ok" and slow:
            level, text = "warn", "input below half its rate on " + ", ".join(slow)
        values = dict(self._diagnosed)
        for item in self._inputs:
            values[f"{item.topic} received"] = str(item.received)
            values[f"{item.topic} rejected"] = str(item.rejected)
            if item.last_fault:
                values[f"{item.topic} last fault"] = item.last_fault
        for name, worker in self._workers.items():
            values[f"worker {name} dropped"] = str(worker.dropped)
        status = DiagnosticStatus(
            level=_LEVELS[level], name=self._host.resolve(self.name), message=text
        )
        status.hardware_id = "sage"
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = to_stamp(now_ns)
        self._diagnostics.publish(array)
