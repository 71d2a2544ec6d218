"""What a node takes from the graph: every message is checked and counted on its way in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message

import sage_common.ros.conversions.packing  # noqa: F401 - registers messages as state
from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.core.topics import TopicSpec, demanded_topic, filled_topic, foreign_topic
from sage_common.ros.diagnostics import Diagnostics
from sage_common.ros.gate import FAULT_LOG_PERIOD_S, Gate
from sage_common.ros.host import Host
from sage_common.ros.interfaces import interface
from sage_common.ros.latest import LatestMessages
from sage_common.ros.on_demand import OnDemand

FAULT_CHARACTERS = 200


class Inputs:
    """Callbacks of messages; they run only while the node is active.

    They hold `guard`, and an error of one is reported and goes no further.

    Args:
        host: where the node runs; see `sage_common.ros.host`.
    """

    modality_specs: ModalitySpecs
    """Of all modalities; once the node is configured."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.name = host.name
        self.log = host.log
        self.clock = host.clock
        self.active = False
        self.guard = threading.RLock()
        self._gates: list[Gate] = []
        self._latest_messages: list[LatestMessages] = []
        self._diagnostics = Diagnostics()

    def modalities_in_use(self) -> Sequence[str] | None:
        """Names of the modalities that the node works on; None: unknown.

        Of SAGE's own sensors from which none of these comes it expects nothing: they may be silent.
        """
        return None

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

    def subscribe_unread(self, spec: TopicSpec, callback: Callable[[Any], None]) -> InputHealth:
        """Subscribe a topic that is all of ROS's; `callback` is given its messages unchecked.

        They come serialized (CDR), or as they are from a node of this process.
        """
        gate = self.make_gate(spec, callback)

        def receive(message: Any) -> None:
            if self.active and self.guarded(callback, message):
                gate.health.accept(self.clock.now_ns())

        self._host.make_subscription(spec, gate.health.topic, receive, True, gate.refuse)
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

    def newest_on_demand(self, topic_key: str, **names: str) -> OnDemand[Any]:
        """The newest message of a topic, which is subscribed only while somebody wants it."""
        gate = self._gate_of(topic_key, names, lambda _message: None)
        kept, subscribe = self._kept_by(gate, 1)
        return OnDemand(kept.newest, kept.clear, subscribe, gate.health, self.guard)

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
