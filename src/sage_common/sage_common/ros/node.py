"""The base of every SAGE node: a managed node whose factories are the only way to the graph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.home import sage_home
from sage_common.core.parameters import NodeParameters
from sage_common.core.sections import nest_all, section_of
from sage_common.core.topics import TopicSpec, action_spec, expected_rate, service_spec, topic
from sage_common.core.transport import AUTO
from sage_common.ros.answers import answer
from sage_common.ros.diagnostics import DIAGNOSTICS, DIAGNOSTICS_PERIOD_S, Diagnostics
from sage_common.ros.gate import FAULT_LOG_PERIOD_S, Gate
from sage_common.ros.host import Host, Publisher, ServiceClient, Timer, Worker
from sage_common.ros.interfaces import interface
from sage_common.ros.keeper import StateKeeper
from sage_common.ros.latest import LatestMessages
from sage_common.ros.latest_pictures import LatestPictures
from sage_common.ros.picture import Picture
from sage_common.ros.tensor_ends import TensorEnds
from sage_common.ros.tensor_output import TensorOutput

IDLE_TIMEOUT_S = 2.0
SAVE_STATE = "~/save_state"
FAULT_CHARACTERS = 200


class SageNode:
    """A managed (lifecycle) node that runs unchanged on the ROS host and the lock-step host.

    A subclass sets `default_name` and `parameters_type` and overrides the hooks `on_configure`
    (make publishers, subscriptions, services, timers), `on_activate` (load models, open devices)
    and `on_deactivate` (release both); one that learns also overrides `state` and `restore`.
    Callbacks run only while the node is active.

    Callbacks and timers hold `guard`, and so does the base while it copies `state`. A worker
    that changes what `state` returns holds it for the change (never for long work).

    Args:
        host: where it runs; see `sage_common.ros.host`.
    """

    default_name: ClassVar[str] = "node"
    parameters_type: ClassVar[type[NodeParameters]] = NodeParameters
    state_version: ClassVar[int] = 1
    """Raised when what `state` returns changes its form or its meaning."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.name = host.name
        self.log = host.log
        self.clock = host.clock
        self.rng = host.rng
        self.active = False
        self.guard = threading.RLock()
        self.parameters: Any = None
        self._gates: list[Gate] = []
        self._latest_messages: list[LatestMessages] = []
        self._clients: dict[str, ServiceClient] = {}
        self._diagnostics = Diagnostics()
        self._tensors = TensorEnds(self, host, self._diagnostics)
        self._keeper: StateKeeper | None = None

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
        """Continue from what `state` returned; called before `on_activate`.

        After an error it is called again, with what `state` returned before.
        """

    def present(self) -> Mapping[str, NDArray[Any]]:
        """What else later outputs depend on: what was heard last, what is half done.

        It is stale after a restart, so only the lock-step host keeps it, to go on at the same
        instant. Asked while nothing is under way; messages kept by `keep_latest`, timers, counters
        and the random generator are the base's.

        Raises:
            CannotContinue: this node holds something that cannot be written down.
        """
        return {}

    def restore_present(self, present: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `present` returned; called after `restore` and `on_activate`."""

    def state_depends_on(self) -> Mapping[str, object]:
        """Parameters without which `state` has another form: a state of others is refused."""
        return {}

    # -- lifecycle, driven by the host -------------------------------------------------------

    def configure(self) -> None:
        """Read the parameters and set up.

        Raises:
            ParameterError: a parameter is unknown or wrong.
        """
        self._gates.clear()
        self._latest_messages.clear()
        self._clients.clear()
        self._tensors.clear()
        self._diagnostics.clear()
        self.set_health("warn", "inactive")
        output = self._host.make_publisher(DIAGNOSTICS, DIAGNOSTICS.name)
        self._host.make_timer(
            DIAGNOSTICS_PERIOD_S, lambda: self.guarded(self._publish_diagnostics, output)
        )
        self.parameters = self._host.read_parameters(self.parameters_type)
        self.home = sage_home(self.parameters.home)
        self.on_configure()
        keeper = self._keeper = StateKeeper(self, self._host.state_path(self.home))
        if type(self).state is not SageNode.state:
            saver = self.worker("checkpoint")
            spec = service_spec(SAVE_STATE)
            self._host.make_service(spec, self._host.resolve(SAVE_STATE), keeper.answer)
            self.timer(self.parameters.checkpoint_period_s, lambda: keeper.checkpoint(saver))

    def activate(self) -> None:
        """Restore the learned state, take devices and models, and start callbacks."""
        if self.parameters.resume and self._keeper is not None:
            self._keeper.restore()
        self.set_health("ok", "running")
        self.on_activate()
        self.active = True
        for gate in self._gates:
            gate.open()

    def deactivate(self) -> None:
        """Stop callbacks, let workers finish, save the learned state, release everything."""
        self.active = False
        if not self._host.wait_idle(IDLE_TIMEOUT_S):
            self.log.warning(f"a worker did not finish within {IDLE_TIMEOUT_S:g} s")
        if self._keeper is not None:
            self._keeper.save_or_report()
        self.set_health("warn", "inactive")
        self.on_deactivate()
        self._tensors.close()

    # -- factories ---------------------------------------------------------------------------

    def publisher(self, topic_key: str, **names: str) -> Publisher:
        """A publisher of a registered topic; `names` fill the placeholders of its name."""
        spec = topic(topic_key)
        output = self._host.make_publisher(spec, self._host.resolve(spec.name.format(**names)))
        self._diagnostics.outputs[output.topic] = output
        return output

    def subscribe(
        self,
        topic_key: str,
        callback: Callable[[Any], None],
        on_rejected: Callable[[InvalidInput], None] | None = None,
        **names: str,
    ) -> InputHealth:
        """Subscribe a registered topic; `callback` sees only messages that passed the checks.

        `on_rejected` is told what was wrong with the others, those included for which `callback`
        raised InvalidInput. Ask the answer whether the input is alive:
        `health.alive(self.clock.now_ns())`. The newest message of a latched topic that came while
        the node was inactive is delivered when it becomes active.
        """
        gate = self.make_gate(topic_key, callback, on_rejected, **names)
        self.connect(gate)
        return gate.health

    def subscribe_foreign(
        self,
        topic_name: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        stamp_checked: bool = True,
    ) -> InputHealth:
        """Subscribe a topic of another package, by its own name and type, best effort."""
        spec = TopicSpec(
            topic_name, topic_name, type_name, "sensor", 0.0, 0.0, stamp_checked, False, "", ""
        )
        gate = Gate(self, spec, "", callback, self._health(topic_name))
        self._gates.append(gate)
        self.connect(gate)
        return gate.health

    def keep_latest(self, topic_key: str, depth: int, **names: str) -> LatestMessages:
        """Keep the newest `depth` messages of a topic without deserializing them.

        Messages that fail the checks are counted, reported and dropped when they are read.
        """
        kept, subscribe = self.kept_messages(topic_key, depth, **names)
        subscribe()
        return kept

    def tensor_publisher(self, topic_key: str, **names: str) -> TensorOutput:
        """Hands over tensors through a mailbox; `topic_key` is the topic of their handles.

        On the lock-step host nobody ever wants any: there, what needs them takes messages.
        """
        return self._tensors.publisher(topic_key, **names)

    def subscribe_tensor(
        self,
        tensor_key: str,
        image_key: str,
        callback: Callable[[Picture], None],
        transport: str = AUTO,
        **names: str,
    ) -> None:
        """Subscribe the pictures of a camera, without copies where it is on this machine.

        `callback` gives each picture back when its work is done, be that on a worker.

        Args:
            tensor_key: topic of the handles.
            image_key: topic of the images, for when there is no mailbox to look into.
            transport: auto, or image: images only.
        """
        self._tensors.subscribe(tensor_key, image_key, callback, transport, **names)

    def keep_latest_pictures(
        self, tensor_key: str, image_key: str, depth: int, **names: str
    ) -> LatestPictures:
        """Keep the newest `depth` pictures of a camera; topics as in `subscribe_tensor`."""
        return self._tensors.keep_latest(tensor_key, image_key, depth, **names)

    def timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` every `period_s` while active."""

        def tick() -> None:
            if self.active:
                self.guarded(callback)

        return self._host.make_timer(period_s, tick)

    def service(self, key: str, handler: Callable[[Any, Any], Any]) -> None:
        """Serve a registered service; `handler(request, response) -> response` runs on a worker.

        A request that comes while the node is inactive, that is refused with `InvalidInput`, or
        that fails is answered too: `success` is false and `message` says why.
        """
        spec = service_spec(key)
        empty = interface(spec.type).Response
        self._host.make_service(
            spec, self._host.resolve(key), lambda *call: answer(self, empty, handler, *call)
        )

    def client(self, key: str) -> ServiceClient:
        """A client of a registered service; call it from a worker only."""
        return self._host.make_client(service_spec(key), self._host.resolve(key))

    def clients(self, key: str) -> dict[str, ServiceClient]:
        """A client of each node that serves the registered private service `~/...` now, by name.

        From a worker only, as their calls.
        """
        spec, ending = service_spec(key), key.removeprefix("~")
        for name in self._host.find_services(ending):
            if name not in self._clients:
                self._clients[name] = self._host.make_client(spec, name)
        return {name.removesuffix(ending): self._clients[name] for name in sorted(self._clients)}

    def action(self, key: str, execute: Callable[..., Any]) -> None:
        """Serve a registered action.

        `execute(goal, publish_feedback, cancel_requested) -> result` runs on a worker;
        `publish_feedback(feedback)` sends progress, `cancel_requested()` says whether to stop.
        Goals that cannot be met are answered as in `service`.
        """
        spec = action_spec(key)
        empty = interface(spec.type).Result

        def run(goal: Any, publish_feedback: Any, cancel_requested: Callable[[], bool]) -> Any:
            def must_stop() -> bool:
                return cancel_requested() or not self.active

            return answer(self, empty, execute, goal, publish_feedback, must_stop)

        self._host.make_action(spec, self._host.resolve(key), run)

    def worker(self, name: str, queue_size: int = 1) -> Worker:
        """A thread with a short queue; when it is full the oldest waiting job makes room."""
        worker = self._host.make_worker(name, queue_size, self.report_failure)
        self._diagnostics.workers[name] = worker
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
        self._diagnostics.show(values)

    def set_health(self, level: str, text: str) -> None:
        """Set the node's own health: level ok, warn or error, and why in words.

        Raises:
            ValueError: another level.
        """
        self._diagnostics.set_health(level, text)

    def set_problem(self, cause: str, text: str) -> None:
        """Report an error that lasts until it is cleared with an empty `text`."""
        if text:
            self._diagnostics.problems[cause] = text
        else:
            self._diagnostics.problems.pop(cause, None)

    def identity(self) -> dict[str, str]:
        """Whose state `state` is, its version, and what it depends on, in words."""
        depends = {name: str(value) for name, value in self.state_depends_on().items()}
        kind = type(self).__name__
        return {"node": self.name, "kind": kind, "version": str(self.state_version), **depends}

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All that its later outputs depend on, while nothing is under way."""
        own = {"learned": self.state(), "present": self.present()}
        kept = {f"kept {index}": kept.state() for index, kept in enumerate(self._latest_messages)}
        return nest_all({**own, "diagnostics": self._diagnostics.state(), **kept})

    def take_up(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Continue from `snapshot`, once active; see `lockstep_snapshot.take_up`."""
        self.restore(section_of(snapshot, "learned"))
        self.restore_present(section_of(snapshot, "present"))
        self._diagnostics.restore(section_of(snapshot, "diagnostics"))
        for index, kept in enumerate(self._latest_messages):
            kept.restore(section_of(snapshot, f"kept {index}"))

    def guarded(self, callback: Callable[..., None], *arguments: Any) -> bool:
        """Run a callback under `guard`; an error of it is reported, and the answer is False."""
        try:
            with self.guard:
                callback(*arguments)
        except Exception as error:  # noqa: BLE001 - one failed callback must not end the node
            self.report_failure(error)
            return False
        return True

    def report_failure(self, error: BaseException) -> None:
        """Count an error of a callback or job; log it once a second at most."""
        self._diagnostics.failures += 1
        text = f"{type(error).__name__}: {error}"
        self.log.error(text, throttle_s=FAULT_LOG_PERIOD_S, key=type(error).__name__)
        self.diagnose(failures=self._diagnostics.failures, last_failure=text[:FAULT_CHARACTERS])

    # -- for sage_common.ros ------------------------------------------------------------------

    def make_gate(
        self,
        topic_key: str,
        callback: Callable[[Any], None],
        on_rejected: Callable[[InvalidInput], None] | None = None,
        **names: str,
    ) -> Gate:
        """The way from a registered topic into a callback; `connect` subscribes it."""
        spec = topic(topic_key)
        health = self._health(spec.name.format(**names), *expected_rate(topic_key, **names))
        gate = Gate(self, spec, names.get("modality", ""), callback, health, on_rejected)
        self._gates.append(gate)
        return gate

    def connect(self, gate: Gate) -> Callable[[], None]:
        """Subscribe what a gate lets in; what ends that."""
        return self._host.make_subscription(
            gate.spec, gate.health.topic, gate.receive, False, gate.refuse
        )

    def kept_messages(
        self, topic_key: str, depth: int, **names: str
    ) -> tuple[LatestMessages, Callable[[], Callable[[], None]]]:
        """A store for the newest messages of a topic, and what subscribes it."""
        gate = self.make_gate(topic_key, lambda _message: None, **names)
        kept = LatestMessages(
            depth, lambda data: self._host.deserialize(data, gate.spec.type), gate, self.clock
        )
        self._latest_messages.append(kept)
        return kept, lambda: self._host.make_subscription(
            gate.spec, gate.health.topic, kept.receive, True, gate.refuse
        )

    # -- inside ------------------------------------------------------------------------------

    def _health(
        self, relative_name: str, rate_hz: float = 0.0, max_age_s: float = 0.0
    ) -> InputHealth:
        health = InputHealth(self._host.resolve(relative_name), rate_hz, max_age_s)
        self._diagnostics.inputs.append(health)
        return health

    def _publish_diagnostics(self, output: Publisher) -> None:
        name = self._host.resolve(self.name)
        output.publish(self._diagnostics.message(name, self.clock.now_ns(), self.active))
