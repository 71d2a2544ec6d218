"""What stands between the graph and a callback: checks, counts, and keeps errors in."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.core.topics import TopicSpec
from sage_common.ros.checks import check_message_once, check_stamp
from sage_common.ros.conversions.stamps import stamped_now
from sage_common.ros.qos import PROFILES, is_kept

if TYPE_CHECKING:
    from sage_common.ros.inputs import Inputs

FAULT_LOG_PERIOD_S = 1.0
SLOWED = ("camera", "imu")
"""Streams that the metabolic state may slow."""


@dataclass
class Gate:
    """The way of one topic's messages into one callback.

    Attributes:
        owner: the node.
        spec: the topic.
        modality: what `message.modality` must be; empty: not checked.
        callback: sees only good messages, and only while the node is active.
        health: counts.
        on_rejected: is given the fault of a message that did not pass; None: nobody is.
    """

    owner: Inputs
    spec: TopicSpec
    modality: str
    callback: Callable[[Any], None]
    health: InputHealth
    on_rejected: Callable[[InvalidInput], None] | None = None
    _held: deque[Any] = field(default_factory=deque)
    _holding: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, message: Any) -> None:
        """Check a message and pass it on; whatever is wrong with it ends here."""
        if not self.owner.active and self._hold(message):
            return
        now_ns = self.owner.clock.now_ns()
        if self.spec.zero_is_now:
            message = stamped_now(message, now_ns)
        started_ns = self.owner.stopwatch_ns()
        try:
            self.check(message, now_ns)
        except InvalidInput as fault:
            self.reject(fault)
            return
        if self.owner.guarded(self._pass, message):
            self.health.took(self.owner.stopwatch_ns() - started_ns)

    def open(self) -> None:
        """The node became active: pass on what was held."""
        while True:
            with self._holding:
                if not self._held:
                    return
                message = self._held.popleft()
            self.receive(message)

    def reject(self, fault: InvalidInput) -> None:
        """Count a bad message and say so, once a second at most."""
        self.health.reject(str(fault), self.owner.clock.now_ns())
        self.owner.log.warning(
            f"{self.health.topic}: dropped a message: {fault} ({self.health.rejected} so far)",
            throttle_s=FAULT_LOG_PERIOD_S,
            key=self.health.topic,
        )
        if self.on_rejected is not None:
            self.owner.guarded(self.on_rejected, fault)

    def check(self, message: Any, now_ns: int) -> None:
        """Check a deserialized message.

        Raises:
            InvalidInput: naming the field at fault.
        """
        if self.spec.stamp_checked:
            check_stamp(message, now_ns)
        check_message_once(self.spec.type, message)
        # Messages of other packages do not say which modality they are of.
        if self.modality and getattr(message, "modality", self.modality) != self.modality:
            raise InvalidInput("modality", message.modality, f"{self.modality!r} on this topic")

    def refuse(self, reason: str) -> None:
        """The middleware does not connect a publisher: say so here and in /diagnostics."""
        self.health.refused = reason
        self.owner.log.error(f"{self.health.topic}: {reason}")

    def _hold(self, message: Any) -> bool:
        """Keep what came before the node was active, if late subscribers are to have it, too.

        False if it has become active in between: then the message is to be passed on.
        """
        with self._holding:
            if self.owner.active:
                return False
            if is_kept(self.spec.qos):
                self._held.append(message)
                if len(self._held) > PROFILES[self.spec.qos].depth:
                    self._held.popleft()
        return True

    def _pass(self, message: Any) -> None:
        if not self.owner.active and self._hold(message):
            return  # the node was deactivated while this message waited for its guard
        try:
            self.callback(message)
        except InvalidInput as fault:
            self.reject(fault)
        else:
            self.health.accept(self.owner.clock.now_ns())


class ExpectedRates(Stateful):
    """Lowers the rates that inputs are expected to have to what their sensors are asked to keep to.

    Args:
        node: whose inputs they are.
    """

    _limits_hz: Transient[dict[str, float]]

    def __init__(self, node: Inputs) -> None:
        self._node = node
        self._limits_hz = {}
        self._inputs: list[tuple[InputHealth, str, float]] = []

    def listen(self, gates: Sequence[Gate]) -> None:
        """Hear of the state, if an input comes from a sensor that it may slow."""
        self._limits_hz = {}
        self._inputs = [
            (gate.health, stream, gate.health.rate_hz)
            for gate in gates
            if gate.health.rate_hz > 0.0 and (stream := self._stream_of(gate)) in SLOWED
        ]
        if self._inputs:
            self._node.subscribe("state", self._on_state)

    def restored(self) -> None:
        self._apply()

    def _stream_of(self, gate: Gate) -> str:
        if gate.modality:
            return str(self._node.modality_specs[gate.modality].stream)
        return str(gate.spec.key.partition("/")[0])

    def _on_state(self, message: Any) -> None:
        limits_hz = {name: getattr(message, f"max_{name}_rate_hz") for name in SLOWED}
        if limits_hz != self._limits_hz:
            self._limits_hz = limits_hz
            self._apply()

    def _apply(self) -> None:
        for health, stream, nominal_hz in self._inputs:
            limit_hz = self._limits_hz.get(stream, 0.0)
            health.expect(min(nominal_hz, limit_hz) if limit_hz else nominal_hz)
