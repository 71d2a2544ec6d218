"""What connects a node with the graph: the factories of all that it sends and takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rclpy.serialization import deserialize_message, serialize_message

import sage_common.ros.conversions.packing  # noqa: F401 - registers messages as state
from sage_common.core.diagnosis.timing import Timing
from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.core.topics import (
    TopicSpec,
    action_spec,
    demanded_topic,
    filled_topic,
    foreign_topic,
    service_spec,
)
from sage_common.core.transport import AUTO
from sage_common.ros.answers import answer
from sage_common.ros.diagnostics import Diagnostics
from sage_common.ros.gate import FAULT_LOG_PERIOD_S, Gate
from sage_common.ros.host import ActionClient, Host, Publisher, ServiceClient, Timer, Worker
from sage_common.ros.interfaces import interface
from sage_common.ros.latest import LatestMessages
from sage_common.ros.on_demand import OnDemand
from sage_common.ros.pressure import Cost, PressureListener, Reclaimable
from sage_common.ros.tensors.ends import TensorEnds
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.output import TensorOutput
from sage_common.ros.tensors.picture import Picture

FAULT_CHARACTERS = 200


class Connections:
    """The only way of a node to the graph: every message is checked and counted on it.

    Callbacks and timers run only while the node is active. They hold `guard`, and an error of one
    is reported and goes no further.

    Args:
        host: where the node runs; see `sage_common.ros.host`.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = (InvalidInput,)
    """Errors of the handlers of requests that are answers, and no failures of the node."""
    modality_specs: ModalitySpecs
    """Of all modalities; once the node is configured."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.name = host.name
        self.log = host.log
        self.clock = host.clock
        self.active = False
        self.guard = threading.RLock()
        self.parameters: Any = None
        self._gates: list[Gate] = []
        self._latest_messages: list[LatestMessages] = []
        self._clients: dict[str, ServiceClient] = {}
        self._diagnostics = Diagnostics()
        self._tensors = TensorEnds(self, host, self._diagnostics)
        self._pressure = PressureListener(self)

    def modalities_in_use(self) -> Sequence[str] | None:
        """Names of the modalities that the node works on; None: unknown.

        Of SAGE's own sensors from which none of these comes it expects nothing: they may be silent.
        """
        return None

    def disconnect(self) -> None:
        """Forget all that the factories made; the node is configured anew."""
        self._gates.clear()
        self._latest_messages.clear()
        self._clients.clear()
        self._tensors.clear()
        self._pressure.clear()
        self._diagnostics.clear()

    def publisher(self, topic_key: str, **names: str) -> Publisher:
        """A publisher of a registered topic; `names` fill the placeholders of its name."""
        return self.publisher_of(filled_topic(topic_key, self.modality_specs, **names))

    def publisher_of(self, spec: TopicSpec) -> Publisher:
        """A publisher of a topic that is all of ROS's, such as /tf_static."""
        output = self._host.make_publisher(spec, self._host.resolve(spec.name))
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

        `on_rejected` is given what was wrong with the others, those included for which `callback`
        raised InvalidInput. Ask the answer whether the input is alive:
        `health.alive(self.clock.now_ns())`. The newest message of a latched topic that came while
        the node was inactive is delivered when it becomes active.
        """
        gate = self._gate_of(topic_key, names, callback, on_rejected)
        self.connect(gate)
        return gate.health

    def subscribe_foreign(
        self,
        topic_name: str,
        type_name: str,
        callback: Callable[[Any], None],
        *,
        stamp_checked: bool = True,
        qos: str = "sensor",
    ) -> InputHealth:
        """Subscribe a topic of another package, by its own name and type."""
        spec = foreign_topic(topic_name, type_name, stamp_checked=stamp_checked, qos=qos)
        gate = self.make_gate(spec, callback)
        self.connect(gate)
        return gate.health

    def keep_latest(self, topic_key: str, depth: int, **names: str) -> LatestMessages:
        """Keep the newest `depth` messages of a topic without deserializing them.

        Messages that fail the checks are counted, reported and dropped when they are read.
        """
        kept, subscribe = self.kept_messages(topic_key, depth, **names)
        subscribe()
        return kept

    def keep_latest_foreign(self, topic_name: str, type_name: str, depth: int) -> LatestMessages:
        """As `keep_latest`, a topic of another package whose type begins with a header."""
        gate = self.make_gate(foreign_topic(topic_name, type_name), lambda _message: None)
        kept, subscribe = self._kept_by(gate, depth)
        subscribe()
        return kept

    def published_topics(self) -> dict[str, str]:
        """Topics that somebody publishes now, in the graph or beside it, with their types."""
        return self._host.published_topics()

    def subscribe_serialized(
        self, topic: str, type_name: str, callback: Callable[[bytes], None]
    ) -> tuple[str, Callable[[], None]]:
        """Take the messages of any topic as they come, serialized (CDR) and unchecked.

        From any thread. The QoS profile that is used, and what ends it.
        """
        known = registered_topic(topic, type_name)
        qos = known.spec.qos if known is not None else self._host.offered_profile(topic)
        spec = foreign_topic(topic, type_name, stamp_checked=False, qos=qos)

        def receive(message: Any) -> None:
            if self.active:
                is_serialized = isinstance(message, bytes)
                self.guarded(callback, message if is_serialized else serialize_message(message))

        def refused(reason: str) -> None:
            self.log.warning(f"{topic}: {reason}")

        with self.guard:
            return qos, self._host.make_subscription(spec, topic, receive, True, refused)

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

    def newest_on_demand(self, topic_key: str, **names: str) -> OnDemand[Any]:
        """The newest message of a topic, which is subscribed only while somebody wants it."""
        gate = self._gate_of(topic_key, names, lambda _message: None)
        kept, subscribe = self._kept_by(gate, 1)
        return OnDemand(kept.newest, kept.clear, subscribe, gate.health, self.guard)

    def picture_on_demand(self, tensor_key: str, image_key: str, **names: str) -> OnDemand[Still]:
        """The newest picture of a camera, which is subscribed only while somebody wants it."""
        return self._tensors.newest_on_demand(tensor_key, image_key, **names)

    def mailbox_name(self, name: str) -> str:
        """What a mailbox of the graph is called, `name` being relative to its namespace as a
        topic's is; empty: this host has no mailboxes."""
        return self._host.mailbox_name(self._host.resolve(name))

    def timer(self, period_s: float, callback: Callable[[], None], steady: bool = False) -> Timer:
        """Call `callback` every `period_s` while active; `steady`: also while no /clock comes."""

        def run() -> None:
            if self.active:  # a transition may have come in between
                callback()

        def tick() -> None:
            if self.active:
                self.guarded(run)

        return self._host.make_timer(period_s, tick, steady)

    def service(self, key: str, handler: Callable[[Any, Any], Any]) -> None:
        """Serve a registered service; `handler(request, response) -> response` runs on a worker.

        A request that comes while the node is inactive, that is refused with one of `refusals`,
        or that fails is answered too: `success` is false and `message` says why.
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
        found = sorted(name for name in self._clients if name.endswith(ending))
        return {name.removesuffix(ending): self._clients[name] for name in found}

    def action(self, key: str, execute: Callable[..., Any], at_once: int = 1) -> None:
        """Serve a registered action; so many goals are executed at the same time.

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

        self._host.make_action(spec, self._host.resolve(key), run, at_once)

    def action_client(self, key: str) -> ActionClient:
        """A client of a registered action; run it from a thread of your own only."""
        return self._host.make_action_client(action_spec(key), self._host.resolve(key))

    def worker(self, name: str, queue_size: int = 1) -> Worker:
        """A thread with a short queue; when it is full the oldest waiting job makes room."""
        worker = self._host.make_worker(name, queue_size, self.report_failure)
        self._diagnostics.workers[name] = worker
        return worker

    def reclaimable(
        self,
        name: str,
        cost: Cost,
        held_bytes: Callable[[], int],
        relieve: Callable[[int], None],
        kept_bytes: Callable[[], int] = int,
    ) -> None:
        """Register what this node could give back when memory is tight; see `Reclaimable`."""
        self._pressure.add(Reclaimable(name, cost, held_bytes, relieve, kept_bytes))

    def timing(self, stage: str) -> Timing:
        """What measures a stage, by its name as `core.diagnosis.stages` has it.

        It is shown in /diagnostics; not on the lock-step host, where time is not measured.
        """
        timing = Timing(self.stopwatch_ns)
        if self.time_is_measured:
            timing = self._diagnostics.timings.setdefault(stage, timing)
        return timing

    def age_ns(self, stamp_ns: int) -> int:
        """Time since a stamp, by the node's clock [ns]."""
        return self.clock.now_ns() - stamp_ns

    def stopwatch_ns(self) -> int:
        """Monotonic time [ns] for measuring own cost; stands still on the lock-step host."""
        return self._host.stopwatch_ns()

    @property
    def time_is_measured(self) -> bool:
        """False on the lock-step host, where nominal costs must be charged instead."""
        return self._host.threaded

    # -- callbacks ---------------------------------------------------------------------------

    def diagnose(self, **values: object) -> None:
        """Show key/value pairs in /diagnostics from now on."""
        self._diagnostics.show(values)

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
        self.diagnose(
            callback_errors=self._diagnostics.failures,
            last_callback_error=text[:FAULT_CHARACTERS],
        )

    # -- for sage_common.ros ------------------------------------------------------------------

    def make_gate(
        self,
        spec: TopicSpec,
        callback: Callable[[Any], None],
        on_rejected: Callable[[InvalidInput], None] | None = None,
        modality: str = "",
    ) -> Gate:
        """The way from a topic into a callback; `connect` subscribes it.

        Args:
            spec: made by `filled_topic` or `foreign_topic`.
            callback, on_rejected: see `subscribe`.
            modality: what `message.modality` must be; empty: not checked.
        """
        spec = demanded_topic(spec, self.modalities_in_use(), self.modality_specs)
        health = InputHealth(self._host.resolve(spec.name), spec.rate_hz, spec.max_age_s)
        self._diagnostics.inputs.append(health)
        gate = Gate(self, spec, modality, callback, health, on_rejected)
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
        return self._kept_by(self._gate_of(topic_key, names, lambda _message: None), depth)

    def _gate_of(
        self,
        topic_key: str,
        names: dict[str, str],
        callback: Callable[[Any], None],
        on_rejected: Callable[[InvalidInput], None] | None = None,
    ) -> Gate:
        spec = filled_topic(topic_key, self.modality_specs, **names)
        return self.make_gate(spec, callback, on_rejected, names.get("modality", ""))

    def _kept_by(
        self, gate: Gate, depth: int
    ) -> tuple[LatestMessages, Callable[[], Callable[[], None]]]:
        message_type = interface(gate.spec.type)
        kept = LatestMessages(
            depth, lambda data: deserialize_message(data, message_type), gate, self.clock
        )
        self._latest_messages.append(kept)
        return kept, lambda: self._host.make_subscription(
            gate.spec, gate.health.topic, kept.receive, True, gate.refuse
        )
